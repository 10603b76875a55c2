"""What exercises are worth in a class that does not take the course's points.

An instructor says it once, in the class's `nbgrader_config.py`: `c.Tlcourse.points = {"chance_accuracy": 3}`. The
class's own source of a lesson then has these points, and with it all that nbgrader makes of it: release and gradebook.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from tlcourse.errors import CourseError
from tlcourse.extras import require
from tlcourse.grading import cells
from tlcourse.grading.nbgrading import CONFIG_NAME
from tlcourse.grading.results import short

OURS = "tlcourse"
"""The key in a cell's metadata under which its points in the course are kept."""

_SETTING = f"c.Tlcourse.points in {CONFIG_NAME}"
_OPENING = re.compile(r"^(\*\*.+ · difficulty [●○]+ · )[^*]+(\*\*)", re.M)


def chosen(config: Any) -> dict[str, float]:
    """Points by exercise, as a class's configuration says; empty if it says nothing.

    Raises:
        CourseError: it says something else.
    """
    told = config.get("Tlcourse", {}).get("points", {})
    if not isinstance(told, dict):
        raise CourseError(f"{_SETTING} is {told!r}.", 'Write it so: c.Tlcourse.points = {"chance_accuracy": 3}')
    for name, points in told.items():
        number = isinstance(points, int | float) and not isinstance(points, bool)
        if not (isinstance(name, str) and number and math.isfinite(points) and points >= 0):
            raise CourseError(f"{_SETTING} gives {name!r} {points!r} points.", "Give it a number, 0 or more.")
    return {name: round(points, 6) for name, points in told.items()}


def insist_on_known(told: Mapping[str, float], known: Collection[str]) -> None:
    """Fail unless every name is that of an exercise.

    Args:
        told: what `chosen` gave.
        known: the `grade_id` of every graded cell of the class.

    Raises:
        CourseError: one is not, or is that of two cells.
    """
    exercises = sorted({short(name) for name in known})
    for name in told:
        found = sorted(one for one in known if name in (one, short(one)))
        if not found:
            near = difflib.get_close_matches(name, exercises, n=3) or exercises
            raise CourseError(
                f"{_SETTING} names {name!r}, which is no exercise of this class.", f"Did you mean {' or '.join(near)}?"
            )
        if len(found) > 1:
            raise CourseError(f"{_SETTING} names {name!r}, which are two cells.", f"Name one: {' or '.join(found)}.")


def graded(path: Path) -> dict[str, float]:
    """The points of a lesson's graded cells by `grade_id`; none where there is no notebook."""
    if not path.is_file():
        return {}
    notebook = require("nbformat").read(path, as_version=4)
    return {cells.name(cell): points for cell in notebook.cells if (points := cells.points(cell)) is not None}


def apply(notebook: Any, told: Mapping[str, float]) -> None:
    """Give a notebook's graded cells, and what its tasks say of them, the points of a class.

    What the course gives is kept beside it: so this may be done again, with other points or none.
    """
    changed = {}
    for cell in notebook.cells:
        if (before := cells.points(cell)) is None:
            continue
        name, course = cells.name(cell), in_course(cell)
        points = told.get(name, told.get(short(name), course))
        cell.metadata.pop(OURS, None)
        if points != course:
            cell.metadata[OURS] = {"points": course}
        if points != before:
            cell.metadata["nbgrader"]["points"] = int(points) if points == int(points) else points
            changed[short(name)] = f"{points:g} point{'' if points == 1 else 's'}"
    for cell in notebook.cells:
        # A task has no mark of nbgrader's: its id says whose it is.
        kind, _, exercise = cell.get("id", "").partition("-")
        if kind == "task" and (counted := changed.get(exercise)):
            cell.source = _OPENING.sub(rf"\g<1>{counted}\2", cell.source, count=1)


def in_course(cell: cells.Cell) -> float:
    """What a graded cell is worth in the course, whose tests count so."""
    kept = cell["metadata"].get(OURS)
    points = kept.get("points") if isinstance(kept, dict) else None
    return float(points) if isinstance(points, int | float) else cells.points(cell) or 0.0
