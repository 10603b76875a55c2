"""Results into nbgrader's gradebook: the rows and files that `nbgrader autograde` leaves, whole or not at all.

A submission has rows in the gradebook and a folder, `autograded/LEARNER/LESSON`. The new folder is written aside; then
the old one is moved away, the rows are committed, and the new one takes its name. So wherever a process is killed, a
folder that is there belongs to the rows, and one that is not there means "not graded yet", to nbgrader as well: the
next run grades that submission again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tlcourse.extras import require
from tlcourse.grading.nbgrading import Course
from tlcourse.grading.verdicts import Result

if TYPE_CHECKING:
    from tlcourse.grading.graded_files import GradedFiles
    from tlcourse.grading.graded_rows import GradedRows

PATIENCE = 60.0
"""Seconds that a write waits for formgrader, or another nbgrader, to let go of the gradebook."""


class Book:
    """An open gradebook. One thread uses it."""

    def __init__(self, rows: GradedRows, files: GradedFiles) -> None:
        self._rows = rows
        self._files = files

    def write(
        self,
        student: str,
        lesson: str,
        results: Result | Sequence[Result],
        *,
        handed_in: Path | None = None,
        timestamp: datetime | None = None,
    ) -> None:
        """Record one graded submission, in place of an earlier one.

        Scores and comments that a person gave stay as they are. A question whose verdict is INTERNAL gets no score and
        is marked as needing a grade, as nbgrader marks what a person has to look at.

        Args:
            student: the learner's id; a learner who is not in the gradebook yet is added.
            lesson: the lesson, which nbgrader calls the assignment.
            results: the result of its notebook, or of each of its notebooks; one without a result scores 0.
            handed_in: the folder that was handed in; its files (no notebooks, no links) go into the graded folder.
            timestamp: when it was handed in, in UTC if it names no zone; what `timestamp.txt` in `handed_in` says if
                not given.

        Raises:
            NotebookError: this submission cannot be recorded: the gradebook lacks its lesson or one of its questions,
                its `timestamp.txt` holds no time, or a step of the class's configuration refuses it.
            CourseError: nothing can be recorded: the gradebook stayed locked for longer than the book's patience, or
                it or the disk refuses. In either case nothing has changed.
        """
        graded = [results] if isinstance(results, Result) else list(results)
        handed_in_at = timestamp or self._files.timestamp(handed_in)
        with self._files.written_aside(student, lesson, graded, handed_in) as move_old_away:
            self._rows.save(student, lesson, graded, handed_in_at, before_commit=move_old_away)

    def students(self, lesson: str) -> set[str]:
        """The learners whose submission of a lesson is graded: its rows and its folder are there."""
        return {student for student in self._rows.students(lesson) if self._files.has(student, lesson)}


@contextmanager
def open(course: Course, *, patience: float = PATIENCE) -> Iterator[Book]:
    """Open a class's gradebook.

    Args:
        course: the class.
        patience: seconds to wait for another program that holds the gradebook.

    Raises:
        CourseError: it cannot be opened, or nbgrader is not installed.
    """
    files = require("tlcourse.grading.graded_files")
    rows = require("tlcourse.grading.graded_rows")
    with course.gradebook() as gradebook:
        graded_files = files.GradedFiles(course)
        yield Book(rows.GradedRows(gradebook, graded_files.steps, patience), graded_files)
