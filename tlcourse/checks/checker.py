"""What learners type: `check.NAME(answer)` and `hint("NAME")`."""

from __future__ import annotations

import os
from typing import Any

from tlcourse.checks import display, progress, registry
from tlcourse.checks.exercise import Exercise
from tlcourse.checks.result import Result, run
from tlcourse.errors import ExerciseError, StorageError

_PRACTICE = "This was practice, with examples that anybody can draw; a class is graded on others."


class CheckFailed(Exception):
    """Raised under the shown result, so that a program that runs the notebook sees that the answer is not right yet."""

    def __init__(self, result: Result) -> None:
        wrong = next(finding for finding in result.findings if not finding.passed)
        super().__init__(f"{result.exercise.id}: {result.earned:g} of {result.points:g} points. {wrong.message}")
        self.result = result

    def _render_traceback_(self) -> list[str]:
        """IPython shows this instead of a traceback: the fault is in the answer, not in a line of ours.

        A learner has just read the card; a grader's report has nothing but this line.
        """
        if os.environ.get("NBGRADER_EXECUTION"):
            return [f"Not yet: {self}"]
        return [f"{self.result.exercise.id}: not yet. What to do stands above."]


class UnknownExercise(ExerciseError, AttributeError):
    """No exercise of this name; an AttributeError too, so that `hasattr` and completion keep working."""


class Checker:
    """`check.NAME(answer)` checks an answer and shows the result. Tab after `check.` lists the names."""

    def __getattr__(self, name: str) -> BoundCheck:
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            return BoundCheck(registry.get(name))
        except ExerciseError as error:
            raise UnknownExercise(error.fault, error.cure) from None

    def __dir__(self) -> list[str]:
        return sorted(registry.exercises())

    def __repr__(self) -> str:
        return f"check: {', '.join(registry.exercises())}"


class BoundCheck:
    """One exercise's check, ready to be called with an answer."""

    def __init__(self, exercise: Exercise) -> None:
        self.exercise = exercise
        self.__doc__ = f"{exercise.title}: {exercise.purpose}"

    def __repr__(self) -> str:
        return f"check.{self.exercise.id}(answer): {self.exercise.title}, {self.exercise.points:g} points"

    def __call__(self, answer: Any) -> float | None:
        """Show the result.

        Returns:
            None. Under nbgrader the points earned, which nbgrader reads as the score.

        Raises:
            CheckFailed: the answer is not right yet.
        """
        if _silent:
            return None
        result = run(self.exercise, answer)
        grading = bool(os.environ.get("NBGRADER_EXECUTION"))
        # Whoever grades is not the learner: their own progress stays as it is.
        note, counts = ("", {}) if grading else _kept(result)
        notes = [_PRACTICE if self.exercise.material else "", note]
        _show(display.bundle(result, " ".join(filter(None, notes)), counts))
        # nbgrader's "Validate" tells a learner what is raised, and of a part of the points only that it is a part.
        counted = grading and result.earned > 0 and os.environ["NBGRADER_EXECUTION"] != "validate"
        if not result.passed and not counted:
            raise CheckFailed(result)
        return result.earned if grading else None


def be_silent() -> None:
    """From now on a check in this process does nothing: the grader collects evidence itself and judges elsewhere."""
    _silent.append(True)


_silent: list[bool] = []


def hint(name: str) -> None:
    """Open the next hint of an exercise and show all that are open.

    Raises:
        ExerciseError: there is no exercise of this name.
    """
    exercise = registry.get(name)
    try:
        opened = progress.open_hint(exercise.id, len(exercise.hints))
    except StorageError:
        opened = len(exercise.hints)  # nothing can be remembered here: better all hints than always the first
    _show(display.hint_bundle(exercise, opened))


def _kept(result: Result) -> tuple[str, dict[str, int]]:
    """Remember the result; a sentence for the learner if that failed, and what the shown result tells of tries."""
    try:
        entry = progress.record(result)
    except StorageError as error:
        return f"Progress was not saved. {error}", {}
    # A lesson that is executed for a book or a test is nobody's try.
    return "", {} if os.environ.get("TLCOURSE_STATIC") else progress.told(entry)


def _show(mime_bundle: dict[str, Any]) -> None:
    """Rich where there is a front end, plain text in a bare interpreter."""
    from IPython.core.getipython import get_ipython

    if get_ipython() is None:
        print(mime_bundle["text/plain"])
        return
    from IPython.display import display as publish

    publish(mime_bundle, raw=True)


check = Checker()
