"""Something to look at while a cell computes."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

Item = TypeVar("Item")


def nobody_watches() -> bool:
    """Whether a program runs the notebook: then there is nothing to slide, and no bar to look at."""
    return bool(os.environ.get("TLCOURSE_STATIC") or os.environ.get("NBGRADER_EXECUTION"))


def progress(items: Sequence[Item] | Iterable[Item], text: str = "") -> Iterator[Item]:
    """Go through `items` with a bar that shows how many are done, and that disappears at the end.

    Where nobody watches (a program runs the notebook) there is no bar.

    Args:
        items: what to go through.
        text: what is being done.
    """
    if nobody_watches():
        yield from items
        return
    from rich.console import Console
    from rich.progress import track

    watched, console = list(items), Console()

    def until_the_end() -> Iterator[Item]:
        yield from watched
        console.quiet = console.is_jupyter  # rich would leave an empty output where the bar was

    yield from track(until_the_end(), description=text, total=len(watched), transient=True, console=console)
