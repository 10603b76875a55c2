"""A plain nbgrader lesson with every kind of cell, and learners' notebooks of it."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import nbformat

from tlcourse.grading.release import Release

LESSON = "ps1"

ANSWERS = {
    "double": "def double(x):\n    return x + x",
    "primes": "primes = [5, 7]",
    "why": "Because I tried it.",
    "drawing": "draw(3)",
}
"""What a learner answers, by grade_id."""

LOCKED = ("rules", "test-double", "test-primes", "walk")

_CELLS: list[tuple[str, str, dict[str, Any]]] = [
    ("markdown", "# Numbers", {}),
    ("code", "import math", {}),
    ("markdown", "Be honest.", {"grade_id": "rules", "locked": True}),
    (
        "code",
        "def double(x):\n    ### BEGIN SOLUTION\n    return 2 * x\n    ### END SOLUTION",
        {"grade_id": "double", "solution": True},
    ),
    (
        "code",
        "assert double(2) == 4\n### BEGIN HIDDEN TESTS\nassert double(-3) == -6\n### END HIDDEN TESTS",
        {"grade_id": "test-double", "grade": True, "locked": True, "points": 2},
    ),
    ("markdown", "Now some primes.", {}),
    ("code", "### BEGIN SOLUTION\nprimes = [2, 3]\n### END SOLUTION", {"grade_id": "primes", "solution": True}),
    (
        "code",
        "assert all(number in (2, 3, 5, 7) for number in primes)",
        {"grade_id": "test-primes", "grade": True, "locked": True, "points": 1},
    ),
    ("markdown", "Why does it work?", {}),
    ("markdown", "Because.", {"grade_id": "why", "grade": True, "solution": True, "points": 3}),
    ("code", "draw()", {"grade_id": "drawing", "grade": True, "solution": True, "points": 4}),
    (
        "markdown",
        "Walk around the house.\n### BEGIN MARK SCHEME\nLook at the shoes.\n### END MARK SCHEME",
        {"grade_id": "walk", "task": True, "locked": True, "points": 5},
    ),
    ("markdown", "The end.", {}),
]


def source() -> dict[str, Any]:
    """The notebook with answers, as an instructor keeps it."""
    cells = []
    for place, (kind, text, marks) in enumerate(_CELLS):
        whole = {"schema_version": 3, "grade": False, "locked": False, "solution": False, "task": False} | marks
        cell = {"cell_type": kind, "id": f"c{place}", "metadata": {"nbgrader": whole} if marks else {}, "source": text}
        cells.append(cell | ({"outputs": [], "execution_count": None} if kind == "code" else {}))
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}


def write(path: Path, notebook: dict[str, Any]) -> Path:
    """Write a notebook, with the folders it needs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(notebook))
    return path


def released(release: Release) -> dict[str, Any]:
    """What a learner gets: without hidden tests."""
    notebook = copy.deepcopy(release.notebook)
    for cell in notebook["cells"]:
        cell["source"] = release.shown.get(grade_id(cell), cell["source"])
    return notebook


def solved(release: Release, answers: dict[str, str] = ANSWERS) -> dict[str, Any]:
    """What a learner hands in who changes nothing but the answers."""
    notebook = released(release)
    for cell in notebook["cells"]:
        cell["source"] = answers.get(grade_id(cell), cell["source"])
    return notebook


def grade_id(cell: dict[str, Any]) -> str:
    """The name that nbgrader knows a cell by, or an empty string."""
    return str(cell.get("metadata", {}).get("nbgrader", {}).get("grade_id", ""))


def named(notebook: dict[str, Any], name: str) -> dict[str, Any]:
    """The one cell of this grade_id."""
    [cell] = [cell for cell in notebook["cells"] if grade_id(cell) == name]
    return cell


def own(text: str, kind: str = "code") -> dict[str, Any]:
    """A cell that a learner adds."""
    cell = {"cell_type": kind, "id": "own", "metadata": {}, "source": text}
    return cell | ({"outputs": [], "execution_count": None} if kind == "code" else {})


def texts(notebook: dict[str, Any]) -> list[str]:
    """The text of each cell, in order."""
    return [cell["source"] for cell in notebook["cells"]]


def insist_on_valid(notebook: dict[str, Any]) -> None:
    """Fail unless nbformat and nbgrader accept a notebook."""
    from nbgrader.nbgraderformat import MetadataValidator

    node = nbformat.from_dict(notebook)
    nbformat.validate(node)
    MetadataValidator().validate_nb(node)
