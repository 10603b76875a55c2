"""A lesson's source: cells in jupytext's percent format, each with a role that its metadata names."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from tlcourse.authoring.course import Lesson
from tlcourse.checks import registry
from tlcourse.checks.exercise import Exercise
from tlcourse.errors import LessonError
from tlcourse.extras import require

ROLES = {"task": "markdown", "exercise": "code", "check": "code", "written": "markdown", "rubric": "markdown"}
"""Each role's metadata key, and the kind of cell that can play it."""

# jupytext's own notes on how a cell was written down, and a cell's title, which is for the author.
_JUPYTEXT_NOTES = {"title", "cell_marker", "lines_to_next_cell", "lines_to_end_of_cell_marker"}
_REGION = re.compile(r"[^\n]*BEGIN SOLUTION.*?END SOLUTION[^\n]*", re.DOTALL)


@dataclass(frozen=True)
class SourceCell:
    """One cell of a source.

    Args:
        number: its place in the lesson, from 1; the generated notebooks have the same cells.
        kind: `"code"`, `"markdown"` or `"raw"`.
        text: what stands in it, without comment marks if it is markdown.
        metadata: what stands behind `# %%`.
    """

    number: int
    kind: str
    text: str
    metadata: dict[str, Any] = field(default_factory=dict)

    @property
    def roles(self) -> list[str]:
        """The roles that its metadata names: none or one, if the lesson keeps the rules."""
        return [role for role in ROLES if role in self.metadata]

    @property
    def role(self) -> str:
        """Its role, or an empty string."""
        return self.roles[0] if self.roles else ""

    @property
    def name(self) -> str:
        """The exercise or written answer it belongs to, or an empty string."""
        return str(self.metadata[self.role]) if self.role else ""

    @property
    def text_without_answer(self) -> str:
        """The text without the regions that learners never see."""
        return _REGION.sub("", self.text)


@dataclass(frozen=True)
class Draft:
    """A lesson as its author wrote it, with the exercises that it may use.

    Args:
        lesson: where it lies.
        cells: its cells, in order.
        known: every exercise of the course, by id.
    """

    lesson: Lesson
    cells: tuple[SourceCell, ...]
    known: dict[str, Exercise]

    def playing(self, role: str) -> list[SourceCell]:
        """The cells with this role, in order."""
        return [cell for cell in self.cells if cell.role == role]

    def code(self) -> list[SourceCell]:
        """The code cells, in order."""
        return [cell for cell in self.cells if cell.kind == "code"]

    def after(self, cell: SourceCell) -> SourceCell | None:
        """The very next cell."""
        return self.cells[cell.number] if cell.number < len(self.cells) else None

    @property
    def title(self) -> str:
        """The lesson's title: the heading that its first cell opens with; empty if there is none."""
        first = self.cells[0] if self.cells else SourceCell(1, "raw", "")
        found = re.match(r"#[ \t]+(\S[^\n]*)", first.text.strip())
        return found[1].strip() if found and first.kind == "markdown" else ""


def read(lesson: Lesson) -> Draft:
    """Read a lesson's source.

    Raises:
        LessonError: it is missing, or it is no text.
    """
    jupytext = require("jupytext", "dev")
    try:
        text = lesson.source.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise LessonError(
            f"{lesson.name} has no source: {lesson.source} is missing.",
            "Restore it, or remove the lesson's folders from solutions/ and notebooks/.",
        ) from None
    except UnicodeDecodeError as error:
        raise LessonError(f"{lesson.source} is not UTF-8 text: {error}.", "Save it as UTF-8.") from None
    notebook = jupytext.reads(text, fmt="py:percent")
    cells = [_source_cell(number, cell) for number, cell in enumerate(notebook.cells, start=1)]
    return Draft(lesson, tuple(cells), registry.exercises())


def _source_cell(number: int, cell: Any) -> SourceCell:
    metadata = {key: value for key, value in cell.metadata.items() if key not in _JUPYTEXT_NOTES}
    return SourceCell(number, cell.cell_type, cell.source, metadata)
