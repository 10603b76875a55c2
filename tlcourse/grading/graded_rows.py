"""The rows of a graded submission in nbgrader's gradebook: what `nbgrader autograde` writes, in one transaction.

nbgrader's own Gradebook commits after every step. Here it works in a session whose commits are savepoints, so that
the outer transaction holds the whole submission or nothing of it.
"""

from __future__ import annotations

import sqlite3
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import nbformat
from nbgrader import api, utils
from sqlalchemy import Engine, event, exc, select
from sqlalchemy.orm import Session, scoped_session, sessionmaker

from tlcourse.errors import CourseError, NotebookError
from tlcourse.grading.graded_files import Steps
from tlcourse.grading.verdicts import Result

NO_RESPONSE = "No response."
"""nbgrader's comment on an answer that is as it was released."""

_PAUSE = 0.2
_LOCK_MILLISECONDS = 1000
_WRITES = "tlcourse_writes"
_SQLITE_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
# Another program is at work there: its lock, its deadlock with us, its row where we add the same one.
_POSTGRES_BUSY = frozenset({"40001", "40P01", "55P03", "57P03", "23505"})


class GradedRows:
    """The graded submissions of a gradebook.

    Args:
        gradebook: an open `nbgrader.api.Gradebook`, for this object alone.
        steps: the class's settings.
        patience: seconds to wait for another program that holds the gradebook.
    """

    def __init__(self, gradebook: api.Gradebook, steps: Steps, patience: float) -> None:
        self._gradebook = gradebook
        self._steps = steps
        self._patience = patience
        _take_locks_at_once(gradebook.engine)

    def students(self, lesson: str) -> set[str]:
        """The learners who have a submission of a lesson."""
        with self._gradebook.engine.connect() as connection:
            rows = (
                select(api.SubmittedAssignment.student_id)
                .join(api.Assignment, api.Assignment.id == api.SubmittedAssignment.assignment_id)
                .where(api.Assignment.name == lesson)
            )
            return set(connection.scalars(rows))

    def save(
        self,
        student: str,
        lesson: str,
        results: Sequence[Result],
        timestamp: datetime | None,
        *,
        before_commit: Callable[[], None],
    ) -> None:
        """Write a submission's rows. While another program holds the gradebook, wait and try again.

        Raises:
            NotebookError: the gradebook lacks the learner, the lesson or a question, or cannot hold a name.
            CourseError: it stayed locked, or cannot be written at all.
        """
        give_up = time.monotonic() + self._patience
        while True:
            try:
                with self._transaction() as session:
                    self._save(session, student, lesson, results, timestamp)
                    before_commit()
                return
            except (exc.DBAPIError, api.InvalidEntry) as error:
                if not _is_busy(error):
                    raise _refused(error) from error
                if time.monotonic() > give_up:
                    raise CourseError(
                        f"Another program has held the gradebook for {self._patience:g} s.",
                        "Close formgrader and other runs of nbgrader on this class, then run this again: "
                        "it goes on where it stopped.",
                    ) from error
            time.sleep(_PAUSE)

    @contextmanager
    def _transaction(self) -> Iterator[Session]:
        """A session for nbgrader's Gradebook; the end of the block commits all of it."""
        with self._gradebook.engine.execution_options(**{_WRITES: True}).begin() as connection:
            make = sessionmaker(connection, expire_on_commit=False, join_transaction_mode="create_savepoint")
            self._gradebook.db = scoped_session(make)
            try:
                yield self._gradebook.db()
                self._gradebook.db.commit()
            finally:
                self._gradebook.db.remove()

    def _save(
        self, session: Session, student: str, lesson: str, results: Sequence[Result], timestamp: datetime | None
    ) -> None:
        submission = self._submission(student, lesson, timestamp)
        graded = {result.lesson: result for result in results}
        if unknown := graded.keys() - {notebook.name for notebook in submission.notebooks}:
            raise self._not_there(f"notebook {min(unknown)} in {lesson}")
        for notebook in submission.notebooks:
            if result := graded.get(notebook.name):
                self._score(session, notebook, result)
                _comment(session, notebook, result)
                self._penalise(session, submission, notebook)
            else:
                _score_missing(session, notebook)

    def _submission(self, student: str, lesson: str, timestamp: datetime | None) -> api.SubmittedAssignment:
        handed_in_at = {"timestamp": timestamp} if timestamp else {}
        try:
            if self._steps.create_student:
                self._gradebook.update_or_create_student(student)
            else:
                self._gradebook.find_student(student)
            self._gradebook.find_assignment(lesson)
            with warnings.catch_warnings():
                # nbgrader builds a submission before it adds it to the session; SQLAlchemy warns, and all goes well.
                warnings.simplefilter("ignore", exc.SAWarning)
                return self._gradebook.update_or_create_submission(lesson, student, **handed_in_at)
        except api.MissingEntry as error:
            raise NotebookError(
                f"the gradebook has no such entry: {error}",
                "Add learners with `nbgrader db student add`, lessons with "
                f"`tlcourse classroom {self._steps.coursedir.root}`",
            ) from error

    def _score(self, session: Session, notebook: api.SubmittedNotebook, result: Result) -> None:
        grades = _by_cell(session, api.Grade, notebook)
        for question in result.questions:
            if question.name not in grades:
                raise self._not_there(f"question {question.name} in {notebook.name}")
            grade, kind = grades[question.name]
            # A task is a person's alone: nbgrader never touches its grade.
            if kind == "TaskCell":
                continue
            grade.auto_score = question.points
            grade.needs_manual_grade = grade.manual_score is not None or question.points is None

    def _penalise(self, session: Session, submission: api.SubmittedAssignment, notebook: api.SubmittedNotebook) -> None:
        """What nbgrader's AssignLatePenalties does, in this transaction."""
        step = self._steps.late_penalties
        if step is None or not step.enabled:
            return
        notebook.late_submission_penalty = None
        # An extension of a date that is not set would end nbgrader.
        late = submission.total_seconds_late if submission.assignment.duedate else 0
        if late <= 0:
            return
        step.init_plugin()
        session.refresh(notebook, ["score"])
        penalty = step.plugin_inst.late_submission_penalty(submission.student_id, notebook.score, late)
        if penalty is not None:
            notebook.late_submission_penalty = step._check_late_penalty(notebook, penalty)

    def _not_there(self, what: str) -> NotebookError:
        return NotebookError(
            f"the gradebook has no {what}",
            f"Bring the class up to date, then grade again: tlcourse classroom {self._steps.coursedir.root}",
        )


def _by_cell(session: Session, row: Any, notebook: api.SubmittedNotebook) -> dict[str, tuple[Any, str]]:
    """The grades or comments of a notebook, each with the kind of its cell, by the cell's name."""
    query = (
        select(row, api.BaseCell.name, api.BaseCell.type)
        .join(api.BaseCell, api.BaseCell.id == row.cell_id)
        .where(row.notebook_id == notebook.id)
        # What is decided here rests on what a person wrote: no one writes in between.
        .with_for_update(of=row)
    )
    return {name: (found, kind) for found, name, kind in session.execute(query)}


def _comment(session: Session, notebook: api.SubmittedNotebook, result: Result) -> None:
    """nbgrader's comment on each answer of a notebook that is as it was released."""
    comments = _by_cell(session, api.Comment, notebook)
    for cell in result.notebook["cells"]:
        comment, kind = comments.get(cell["metadata"].get("nbgrader", {}).get("grade_id"), (None, ""))
        if comment is not None:
            comment.auto_comment = NO_RESPONSE if kind != "TaskCell" and _is_as_released(cell) else None


def _is_as_released(cell: dict[str, Any]) -> bool:
    # Without its outputs, which may be large; a text may be a list of lines, as in a file.
    parts = {"cell_type": cell["cell_type"], "metadata": cell["metadata"], "source": "".join(cell["source"])}
    return cell["metadata"]["nbgrader"].get("checksum") == utils.compute_checksum(nbformat.from_dict(parts))


def _score_missing(session: Session, notebook: api.SubmittedNotebook) -> None:
    for grade, _ in _by_cell(session, api.Grade, notebook).values():
        grade.auto_score = 0
        grade.needs_manual_grade = False


def _take_locks_at_once(engine: Engine) -> None:
    """Make a writing transaction lock what it needs when it begins, and never wait for a lock without end.

    SQLite would read first and could find, when it writes, that another program wrote in between.
    """
    if engine.dialect.name == "sqlite":

        @event.listens_for(engine, "connect")
        def leave_transactions_to_us(connection: Any, _: Any) -> None:
            connection.isolation_level = None
            connection.execute(f"PRAGMA busy_timeout = {_LOCK_MILLISECONDS}")

        @event.listens_for(engine, "begin")
        def begin(connection: Any) -> None:
            writes = connection.get_execution_options().get(_WRITES)
            connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    elif engine.dialect.name == "postgresql":

        @event.listens_for(engine, "begin")
        def begin_patiently(connection: Any) -> None:
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = {_LOCK_MILLISECONDS}")

    # Connections that were opened before this know nothing of it.
    engine.dispose()


def _is_busy(error: BaseException | None) -> bool:
    """Whether another program is at work in the gradebook, so that waiting helps."""
    while error is not None:
        if isinstance(error, exc.DBAPIError):
            if error.connection_invalidated:
                return True
            code = getattr(error.orig, "sqlite_errorcode", 0) or 0
            state = getattr(error.orig, "sqlstate", None) or getattr(error.orig, "pgcode", None)
            return code & 0xFF in _SQLITE_BUSY or state in _POSTGRES_BUSY
        error = error.__context__
    return False


def _refused(error: Exception) -> CourseError:
    """What a person is told of an error that waiting does not help with."""
    reason = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
    if isinstance(error, exc.DataError):
        return NotebookError(f"the gradebook cannot hold it: {reason}", "Shorten the learner's name")
    return CourseError(
        f"The gradebook cannot be written: {reason}.", "Check its disk and its rights, then run this again."
    )
