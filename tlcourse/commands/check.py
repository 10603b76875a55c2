"""Run a lesson's notebook from top to bottom and print how each exercise stands.

The notebook is not changed. The exit status is 0 if every exercise passed.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tlcourse.checks.notebook import Standing


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `tlcourse check`."""
    parser.add_argument("notebooks", nargs="+", type=Path, metavar="NOTEBOOK", help="a lesson's .ipynb file")


def run(args: argparse.Namespace) -> int:
    """Check each notebook; an unreadable one is reported and the rest are still checked."""
    import sys

    from tlcourse.checks.notebook import standings
    from tlcourse.errors import NotebookError

    all_passed = True
    for path in args.notebooks:
        try:
            rows = standings(path)
        except NotebookError as error:
            print(f"tlcourse: {error.fault}\n          {error.cure}", file=sys.stderr)
            all_passed = False
            continue
        _show(path, rows)
        all_passed &= all(row.passed for row in rows)
    return 0 if all_passed else 1


def _show(path: Path, rows: list[Standing]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=path.name, title_justify="left")
    table.add_column("exercise", no_wrap=True)
    table.add_column("points", justify="right", no_wrap=True)
    table.add_column("what to do next")
    for row in rows:
        mark = "[green]✓[/]" if row.passed else "[red]✗[/]"
        points = f"{row.earned:g} of {row.exercise.points:g}"
        table.add_row(f"{mark} {row.exercise.id}", points, escape("\n".join(row.messages)))
    table.add_section()
    earned, most = sum(row.earned for row in rows), sum(row.exercise.points for row in rows)
    table.add_row("all", f"{earned:g} of {most:g}", "")
    Console().print(table)
