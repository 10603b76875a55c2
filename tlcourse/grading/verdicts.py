"""What grading one submission gives: a verdict for each question, and its stable form as JSON.

`Result.as_json` is the contract with other front ends: `docs/grading-result.md` describes it field by field.
"""

from __future__ import annotations

import base64
import contextlib
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import Any

from tlcourse import storage
from tlcourse.checks.exercise import Finding
from tlcourse.errors import CourseError, NotebookError

FORMAT = 1
"""Raised whenever a field changes its meaning or goes; new fields alone do not raise it."""


class Verdict(StrEnum):
    """How a question ended."""

    RIGHT = "right"
    """All points."""
    PARTIAL = "partial"
    """Some of the points."""
    WRONG = "wrong"
    """A check or a test looked at the answer and says no."""
    ERROR = "error"
    """The answer, or the code before it, raised something else than an assertion."""
    TIME = "time"
    """The cell, or the whole notebook, took too long."""
    MEMORY = "memory"
    """The notebook needed more memory than it may have."""
    OUTPUT = "output"
    """The notebook wrote more than it may."""
    CRASHED = "crashed"
    """The kernel ended: an exit, a segmentation fault, a signal."""
    TAMPERED = "tampered"
    """The test was kept from running as it stands, or its evidence was forged."""
    HAND = "hand"
    """A person has yet to grade it."""
    INTERNAL = "internal"
    """The grader itself failed: the question has no score and must be graded again."""


SAID = {
    Verdict.TIME: "It took longer than it may.",
    Verdict.MEMORY: "It needed more memory than it may have.",
    Verdict.OUTPUT: "It wrote more than it may.",
    Verdict.CRASHED: "It ended the kernel: an exit, or a crash.",
    Verdict.TAMPERED: "The test was kept from running as it stands.",
    Verdict.INTERNAL: "The grader failed here: it must be graded again.",
}
"""What a learner is told where nothing looked at the answer."""


@dataclass(frozen=True)
class Question:
    """One graded cell.

    Args:
        name: the cell's `grade_id`.
        verdict: how it ended.
        points: points earned; None where a person has yet to grade it, or the grader failed.
        max_points: points for a right answer.
        message: one sentence for the learner; never a seed or a hidden test.
        findings: what a check of the course looked at.
        unanswered: the cell is as it was released (nbgrader's "No response.").
        seconds: wall time of the question's own cell.
    """

    name: str
    verdict: Verdict
    points: float | None
    max_points: float
    message: str = ""
    findings: tuple[Finding, ...] = ()
    unanswered: bool = False
    seconds: float = 0.0


@dataclass(frozen=True)
class Result:
    """One graded submission.

    Args:
        lesson: the release's name.
        questions: in the order of the release.
        notes: what was mended, and what the instructor should know; one sentence each.
        notebook: the graded notebook (nbformat 4): outputs, and in each graded cell what nbgrader's scorer expects.
        files: what the notebook wrote beside itself, in base64 by relative path: small files only.
        seconds: wall time of grading it.
        engine: what graded it: `"sandbox"`, `"trust"`.
    """

    lesson: str
    questions: tuple[Question, ...]
    notes: tuple[str, ...] = ()
    notebook: dict[str, Any] = field(default_factory=dict, repr=False)
    files: dict[str, str] = field(default_factory=dict, repr=False)
    seconds: float = 0.0
    engine: str = "sandbox"

    @property
    def points(self) -> float:
        """The points earned so far; what waits for a person counts 0."""
        return sum(question.points or 0.0 for question in self.questions)

    @property
    def max_points(self) -> float:
        """The points that could be earned."""
        return sum(question.max_points for question in self.questions)

    def write_files(self, folder: Path) -> None:
        """Write `files` into a folder, over what has their names; one that cannot be written is left out.

        Never a notebook, or a folder of that name: it could be one of this submission, graded already.
        """
        for name, text in self.files.items():
            if any(part.lower().endswith(".ipynb") for part in PurePosixPath(name).parts):
                continue
            with contextlib.suppress(CourseError, OSError, ValueError):
                storage.write_bytes(folder / name, base64.b64decode(text, validate=True))

    def as_json(self) -> dict[str, Any]:
        """The result as JSON data."""
        return {"format": FORMAT, "points": self.points, "max_points": self.max_points, **asdict(self)}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Result:
        """The inverse of `as_json`.

        Raises:
            NotebookError: the data is of another format.
        """
        if data.get("format") != FORMAT:
            raise NotebookError(
                f"This result has format {data.get('format')}, not {FORMAT}.", "Grade the submission again."
            )
        questions = tuple(
            Question(
                **{
                    **question,
                    "verdict": Verdict(question["verdict"]),
                    "findings": tuple(Finding(**found) for found in question["findings"]),
                }
            )
            for question in data["questions"]
        )
        return cls(
            lesson=data["lesson"],
            questions=questions,
            notes=tuple(data["notes"]),
            notebook=data["notebook"],
            files=data.get("files", {}),
            seconds=data["seconds"],
            engine=data["engine"],
        )
