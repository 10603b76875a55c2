"""From a lesson's source to its notebook: nbgrader's metadata, each exercise's facts, names for the cells."""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path
from typing import Any

from tlcourse.authoring.source import Draft, SourceCell
from tlcourse.checks.exercise import Exercise
from tlcourse.errors import NotebookError
from tlcourse.extras import require

_PREFIX = {"task": "task", "exercise": "answer", "check": "check", "written": "written", "rubric": "rubric"}
_KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
# Without the version, which would differ from machine to machine.
_LANGUAGE = {
    "codemirror_mode": {"name": "ipython", "version": 3},
    "file_extension": ".py",
    "mimetype": "text/x-python",
    "name": "python",
    "nbconvert_exporter": "python",
    "pygments_lexer": "ipython3",
}


def assemble(draft: Draft) -> Any:
    """A lesson's notebook with answers, not yet executed. The lesson must keep the rules.

    Returns:
        a `nbformat.NotebookNode`, valid in nbformat 4.5 and in nbgrader's schema 3.
    """
    nbformat = require("nbformat", "dev")
    names = _cell_names(draft)
    cells = [_cell(draft, cell, name) for cell, name in zip(draft.cells, names, strict=True)]
    metadata = {"kernelspec": _KERNEL, "language_info": _LANGUAGE, "title": draft.title}
    notebook = nbformat.from_dict({"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5})
    nbformat.validate(notebook)
    return notebook


def to_bytes(notebook: Any) -> bytes:
    """A notebook as it stands on disk."""
    return (require("nbformat", "dev").writes(notebook, version=4).rstrip("\n") + "\n").encode()


def load(path: Path) -> Any:
    """Read a notebook of the course.

    Raises:
        NotebookError: it is missing, damaged or no notebook.
    """
    nbformat = require("nbformat", "dev")
    try:
        notebook = nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)
        nbformat.validate(notebook)
    except FileNotFoundError:
        raise NotebookError(f"{path} is missing.", "Build it: tlcourse build") from None
    except (ValueError, OSError, nbformat.ValidationError, AttributeError, KeyError, TypeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise NotebookError(f"{path} is no readable notebook: {reason}.", "Build it again: tlcourse build") from None
    return notebook


def code_cells(notebook: Any) -> list[Any]:
    """A notebook's code cells, in order."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def _cell(draft: Draft, cell: SourceCell, name: str) -> dict[str, Any]:
    metadata: dict[str, Any] = {}
    if tags := cell.metadata.get("tags"):
        metadata["tags"] = tags
    if nbgrader := _nbgrader(draft, cell):
        metadata["nbgrader"] = nbgrader
    body: dict[str, Any] = {
        "cell_type": cell.kind,
        "id": name,
        "metadata": metadata,
        "source": _text(draft, cell),
    }
    if cell.kind == "code":
        body |= {"execution_count": None, "outputs": []}
    return body


def _nbgrader(draft: Draft, cell: SourceCell) -> dict[str, Any]:
    marks = {"grade_id": f"{_PREFIX.get(cell.role, '')}-{cell.name}", "schema_version": 3, "task": False}
    if cell.role == "exercise":
        return marks | {"grade": False, "locked": False, "solution": True}
    if cell.role == "check":
        return marks | {
            "grade": True,
            "locked": True,
            "solution": False,
            "points": _whole(draft.known[cell.name].points),
        }
    if cell.role == "rubric":  # locked: whoever grades by hand sees it as it was given
        return marks | {"grade": False, "locked": True, "solution": False}
    if cell.role == "written":
        return marks | {"grade": True, "locked": False, "solution": True, "points": cell.metadata["points"]}
    return {}


def _whole(points: float) -> float:
    return int(points) if points == int(points) else points


def _text(draft: Draft, cell: SourceCell) -> str:
    if cell.role != "task":
        return cell.text
    place = [other.name for other in draft.playing("task")].index(cell.name) + 1
    return f"{_opening(place, draft.known[cell.name])}\n\n{cell.text}"


def _opening(place: int, exercise: Exercise) -> str:
    difficulty = "●" * exercise.difficulty + "○" * (3 - exercise.difficulty)
    minutes, points = _counted(exercise.minutes, "minute"), _counted(exercise.points, "point")
    purpose = exercise.purpose.rstrip(".")
    return (
        f"### Exercise {place}: {exercise.title}\n\n"
        f"**{minutes} · difficulty {difficulty} · {points}**  \n*What it is for:* {purpose}."
    )


def _counted(number: float, unit: str) -> str:
    return f"{number:g} {unit}{'' if number == 1 else 's'}"


def _cell_names(draft: Draft) -> list[str]:
    """Names that last: a cell keeps its own while its text stays, wherever it moves."""
    seen: Counter[str] = Counter()
    names = []
    for cell in draft.cells:
        if cell.role:
            names.append(_named(f"{_PREFIX[cell.role]}-{cell.name}"))
            continue
        key = f"{draft.lesson.name}\0{cell.kind}\0{cell.text}"
        seen[key] += 1
        names.append(hashlib.sha256(f"{key}\0{seen[key]}".encode()).hexdigest()[:12])
    return names


def _named(name: str) -> str:
    # nbformat 4.5 allows 64 characters.
    return name if len(name) <= 64 else f"{name[:51]}-{hashlib.sha256(name.encode()).hexdigest()[:12]}"
