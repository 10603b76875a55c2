"""An engine that executes nothing: it looks answers up, and notes in a file what it was given.

A notebook's metadata may ask for trouble: `"stand_in": {"who": "ada", "does": "raise"}`.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from grading_kit import RIGHT

from tlcourse.checks.exercise import Finding
from tlcourse.errors import NotebookError
from tlcourse.grading.release import Release
from tlcourse.grading.verdicts import Question, Result, Verdict

ENGINE = "stand_in:Engine"
LOG = "STAND_IN_LOG"
"""The environment variable that names the file: one line for each notebook begun."""


class Engine:
    """Full points for an answer of `grading_kit.RIGHT`, none for any other."""

    def __init__(self, *, trust: bool, shared: str = "") -> None:
        self._way = "trust" if trust else "sandbox"

    @staticmethod
    def share() -> AbstractContextManager[str]:
        """There is nothing to share."""
        return nullcontext("")

    def grade(self, notebook: bytes, release: Release, files: Mapping[str, bytes]) -> Result:
        """Grade, after the trouble that the notebook asks for."""
        try:
            content = json.loads(notebook)
        except ValueError as error:
            raise NotebookError(f"it is damaged: {error}", "Ask for the file again") from None
        wish = content["metadata"].get("stand_in", {})
        _note(wish)
        _make_trouble(wish.get("does", ""))
        answers = {cell["id"]: "".join(cell["source"]) for cell in content["cells"]}
        marks = [cell["metadata"].get("nbgrader", {}) for cell in release.notebook["cells"]]
        questions = [_question(mark, answers) for mark in marks if mark.get("grade")]
        return Result(release.lesson, tuple(questions), notebook=content, engine=self._way)

    def close(self) -> None:
        """Nothing was started."""


class Refusing(Engine):
    """An engine on a machine that cannot grade."""

    def __init__(self, *, trust: bool, shared: str = "") -> None:
        from tlcourse.errors import CourseError

        raise CourseError("This machine has no sandbox.", "Run it on Linux, or add --trust.")


def _note(wish: Mapping[str, str]) -> None:
    if log := os.environ.get(LOG):
        with Path(log).open("a") as file:
            file.write(wish.get("who", "?") + "\n")


def _make_trouble(does: str) -> None:
    if does == "raise":
        raise ZeroDivisionError("a fault in the grader")
    if does == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if does.startswith("sleep "):
        time.sleep(float(does.split()[1]))


def _question(mark: Mapping[str, object], answers: Mapping[str, str]) -> Question:
    name, most = str(mark["grade_id"]), float(str(mark["points"]))
    if mark["solution"]:
        return Question(name, Verdict.HAND, None, most)
    short = name.removeprefix("check-")
    if answers.get(f"answer-{short}") == RIGHT[short]:
        return Question(name, Verdict.RIGHT, most, most)
    return Question(name, Verdict.WRONG, 0.0, most, "Not yet.", (Finding("not-yet", False, "Not yet."),))
