"""What can be seen of a batch while it runs: a live table on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from tlcourse.grading.verdicts import Result, Verdict

_NOTES = 5
_WORKERS = 16
_COLOURS = {Verdict.RIGHT: "green", Verdict.PARTIAL: "yellow", Verdict.HAND: "cyan", Verdict.WRONG: "red"}


class Display(Protocol):
    """What a batch tells about itself."""

    def begin(self, total: int, left: int) -> None:
        """So many submissions there are, and so many of them must be graded now."""

    def through(self, who: str, told: str, results: Sequence[Result] = ()) -> None:
        """A submission is through: what to say of it, and its results if it was graded now."""

    def working(self, worker: str, does: str | None) -> None:
        """What a worker has begun; empty when it waits, None when it is gone. May be called from any thread."""


class Lines:
    """One line a submission."""

    def __init__(self) -> None:
        self._total = 0
        self._through = 0

    def begin(self, total: int, left: int) -> None:
        """See `Display`."""
        self._total = total

    def through(self, who: str, told: str, results: Sequence[Result] = ()) -> None:
        """See `Display`."""
        self._through += 1
        print(f"[{self._through}/{self._total}] {who}: {told}", flush=True)

    def working(self, worker: str, does: str | None) -> None:
        """Lines tell what is done, not what is begun."""


class Dashboard:
    """How far it is, how it goes, what each worker does, and what was noteworthy last; rich renders it."""

    def __init__(self) -> None:
        self._total = self._left = self._through = self._graded = 0
        self._earned = self._most = 0.0
        self._verdicts: Counter[Verdict] = Counter()
        self._notes: deque[str] = deque(maxlen=_NOTES)
        self._workers: dict[str, tuple[str, float]] = {}
        self._began = time.monotonic()

    def begin(self, total: int, left: int) -> None:
        """See `Display`."""
        self._total, self._left, self._began = total, left, time.monotonic()

    def through(self, who: str, told: str, results: Sequence[Result] = ()) -> None:
        """See `Display`."""
        self._through += 1
        self._graded += bool(results)
        for result in results:
            self._earned += result.points
            self._most += result.max_points
            self._verdicts.update(question.verdict for question in result.questions)
        if any(result.notes for result in results) or not results:
            notes = " ".join(note for result in results for note in result.notes)
            self._notes.append(f"{who}: {notes or told}")

    def working(self, worker: str, does: str | None) -> None:
        """See `Display`."""
        if does is None:
            self._workers.pop(worker, None)
        else:
            self._workers[worker] = (does, time.monotonic())

    def __rich__(self) -> RenderableType:
        return Group(self._bar(), self._so_far(), self._at_work(), *(Text(f"  {note}") for note in self._notes))

    def _bar(self) -> RenderableType:
        row = Table.grid(padding=(0, 1))
        row.add_row(
            Text("Grading", style="bold"),
            ProgressBar(total=max(1, self._total), completed=self._through, width=40),
            Text(f"{self._through}/{self._total}"),
            Text(time_left(self._graded, self._left, time.monotonic() - self._began), style="dim"),
        )
        return row

    def _so_far(self) -> Text:
        mean = f"mean {self._earned / self._most:.0%}" if self._most else "no score yet"
        parts = [Text(mean)]
        for verdict, times in sorted(self._verdicts.items(), key=lambda item: list(Verdict).index(item[0])):
            parts.append(Text(f"{verdict} {times}", style=_COLOURS.get(verdict, "magenta")))
        return Text("  ").join(parts)

    def _at_work(self) -> Table:
        rows = Table.grid(padding=(0, 2))
        workers = sorted(dict(self._workers).items())
        for number, (_, (does, since)) in enumerate(workers[:_WORKERS], start=1):
            seconds = f"{time.monotonic() - since:.0f} s" if does else ""
            rows.add_row(Text(f"worker {number}", style="dim"), Text(does or "waits"), Text(seconds, style="dim"))
        if len(workers) > _WORKERS:
            rows.add_row(Text(f"and {len(workers) - _WORKERS} more", style="dim"))
        return rows


def time_left(done: int, of: int, seconds: float) -> str:
    """An estimate in words, from how long the submissions took that are done.

    Args:
        done: submissions graded so far.
        of: submissions to grade in all.
        seconds: since the start.
    """
    if not done or done >= of:
        return ""
    left = seconds / done * (of - done)
    if left < 90:
        return f"about {left:.0f} s left"
    return f"about {left / 60:.0f} min left" if left < 5400 else f"about {left / 3600:.1f} h left"


@contextmanager
def display(console: Console | None = None) -> Iterator[Display]:
    """What suits the place where the output goes."""
    console = console or Console()
    if not console.is_terminal:
        yield Lines()
        return
    dashboard = Dashboard()
    with Live(dashboard, console=console, refresh_per_second=4, transient=True):
        yield dashboard
