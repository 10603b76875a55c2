"""The page that JupyterLab opens on: the lessons, how long each takes, and how far the learner has come."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tlcourse import storage
from tlcourse.authoring.course import Lesson

NAME = "Welcome.md"

_TEXT = """\
# Learn transfer learning by measuring it

{where}

| | lesson | minutes | your points |
|---|---|---|---|
{rows}

A lesson is a notebook. **Shift + Enter** runs a cell; run them from top to bottom. In each section: predict, run,
explain. A check below an exercise says what is right, or what is wrong and what to try next; `tl.hint("...")` opens a
hint. These copies are yours: nothing that you write is overwritten, and `tlcourse reset 01` gives a clean copy, with
yours kept beside it.

*Points are those of the moment in which you opened this page: reload it in your browser to see what has come since.*
"""


@dataclass(frozen=True)
class _Row:
    """A lesson on the page.

    Args:
        lesson: which.
        title: as it stands on its notebook.
        minutes: what the lesson says it takes; empty if it does not say.
        points: of its checks, by exercise.
    """

    lesson: Lesson
    title: str
    minutes: str
    points: dict[str, float]

    @classmethod
    def of(cls, lesson: Lesson) -> _Row:
        """Read it off the released notebook."""
        try:
            cells = json.loads(lesson.release.read_text(encoding="utf-8"))["cells"]
            first = "".join(cells[0]["source"])
            marks = [cell["metadata"].get("nbgrader", {}) for cell in cells]
        except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError):
            return cls(lesson, lesson.name, "", {})
        title, minutes = re.search(r"^# (.+)$", first, re.M), re.search(r"In about (\d+) minutes", first)
        points = {
            str(mark["grade_id"]).removeprefix("check-"): float(mark["points"])
            for mark in marks
            if mark.get("grade") and str(mark.get("grade_id", "")).startswith("check-")
        }
        return cls(lesson, title[1] if title else lesson.name, minutes[1] if minutes else "", points)

    def line(self, earned: Mapping[str, float]) -> str:
        """The row of the table."""
        lesson, most = self.lesson, sum(self.points.values())
        link = f"[{self.title}]({lesson.name}/{lesson.release.name})"
        mine = sum(min(earned.get(name, 0.0), points) for name, points in self.points.items())
        told = "" if not most else f"{'✓ ' if mine >= most else ''}{mine:g} of {most:g}"
        return f"| {lesson.number} | {link} | {self.minutes} | {told} |"

    def is_done(self, earned: Mapping[str, float]) -> bool:
        """Whether every check has all its points."""
        return all(earned.get(name, 0.0) >= points for name, points in self.points.items())


def write(lessons: Sequence[Lesson], workspace: Path, progress: Mapping[str, Mapping[str, Any]]) -> Path:
    """Write the page anew; one that says the same already is left alone.

    Args:
        lessons: the released ones, in order; their copies are in the workspace.
        workspace: where the learner's copies are.
        progress: what was kept of each exercise, as `tlcourse.checks.progress.load` gives it.

    Returns:
        the file.

    Raises:
        StorageError: the disk refuses.
    """
    rows = [_Row.of(lesson) for lesson in lessons]
    earned = {name: _number(entry.get("earned")) for name, entry in progress.items()}
    left = [row for row in rows if row.points and not row.is_done(earned)]
    if not any(earned.values()) and rows:
        where = f"**Begin with [{rows[0].title}]({rows[0].lesson.name}/{rows[0].lesson.release.name}).**"
    elif left:
        where = f"**Go on with [{left[0].title}]({left[0].lesson.name}/{left[0].lesson.release.name}).**"
    else:
        where = "**Every check of every lesson has all its points.**"
    text = _TEXT.format(where=where, rows="\n".join(row.line(earned) for row in rows))
    page = workspace / NAME
    with storage.disk_errors(page):
        written = page.exists() and page.read_text(encoding="utf-8", errors="replace") == text
    # JupyterLab takes a file with a new time for one that somebody else has changed.
    if not written:
        storage.write_text(page, text)
    return page


def _number(value: Any) -> float:
    """A damaged file's entry counts nothing."""
    return float(value) if isinstance(value, int | float) else 0.0
