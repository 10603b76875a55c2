"""What nbgrader's metadata says about a cell (nbformat 4 as a dict), and what a check cell asks."""

from __future__ import annotations

import ast
import functools
import threading
from dataclasses import dataclass
from typing import Any

Cell = dict[str, Any]


@dataclass(frozen=True)
class CheckCall:
    """A check of the course in a cell's last line.

    Args:
        before: the source that stands before it.
        exercise: the exercise's id.
        argument: the expression that is checked.
    """

    before: str
    exercise: str
    argument: str


def source(cell: Cell) -> str:
    """A cell's source."""
    return str(cell["source"])


def marks(cell: Cell) -> dict[str, Any]:
    """nbgrader's metadata of a cell, empty if it has none."""
    found = cell["metadata"].get("nbgrader")
    return found if isinstance(found, dict) else {}


def name(cell: Cell) -> str:
    """A cell's `grade_id`, empty if it has none."""
    return str(marks(cell).get("grade_id", ""))


def points(cell: Cell) -> float | None:
    """The most points that a cell can bring; None if it is not graded."""
    found = marks(cell)
    return float(found["points"]) if found.get("grade") or found.get("task") else None


def is_test(cell: Cell) -> bool:
    """Whether a cell's outputs give its points: a locked test in code."""
    found = marks(cell)
    return bool(found.get("grade")) and not found.get("solution") and cell["cell_type"] == "code"


def is_unanswered(cell: Cell) -> bool:
    """Whether an answer is as it was released."""
    from nbgrader.utils import compute_checksum

    return marks(cell).get("checksum") == compute_checksum(as_node(cell))


def as_node(cell: Cell) -> Any:
    """A cell as nbformat's own type."""
    from nbformat.notebooknode import from_dict

    return from_dict(cell)


@functools.lru_cache(maxsize=2048)
def parsed(text: str) -> ast.Module | None:
    """A cell's source as a tree, not to be changed; None if it is no plain Python."""
    try:
        with _one_at_a_time:
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError, SystemError):
        return None


# Python 3.11's parser counts its depth in one place for all threads.
_one_at_a_time = threading.Lock()


def check_call(text: str) -> CheckCall | None:
    """The course's check that a cell ends with, such as `tl.check.double(double)`; None if it is any other cell."""
    if (tree := parsed(text)) is None:
        return None
    body = tree.body
    call = body[-1].value if body and isinstance(body[-1], ast.Expr) else None
    if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)):
        return None
    owner = call.func.value
    is_check = (isinstance(owner, ast.Attribute) and owner.attr == "check") or (
        isinstance(owner, ast.Name) and owner.id == "check"
    )
    if not is_check or len(call.args) != 1 or call.keywords:
        return None
    before = "\n".join(ast.unparse(statement) for statement in body[:-1])
    return CheckCall(before, call.func.attr, ast.unparse(call.args[0]))
