"""Grading one notebook: run it, ask its questions, judge the answers. No database, no file of the class."""

from __future__ import annotations

import copy
import hashlib
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from tlcourse.grading import cells, jury, needed, worth
from tlcourse.grading.ahead import Start
from tlcourse.grading.cells import Cell
from tlcourse.grading.jury import Judged
from tlcourse.grading.kernel import Allowance, Kernel, Ran
from tlcourse.grading.outputs import writable
from tlcourse.grading.release import Release
from tlcourse.grading.sitting import Asked, Sitting
from tlcourse.grading.verdicts import SAID, Question, Result, Verdict

_HIDDEN = "A hidden test did not pass."


def examine(
    notebook: dict[str, Any],
    release: Release,
    allowance: Allowance,
    notes: tuple[str, ...] = (),
    start: Start = Kernel,
) -> Result:
    """Grade a mended notebook.

    Args:
        notebook: nbformat 4, with nbgrader's metadata as in the release, and the release's locked cells.
        release: the lesson.
        allowance: what the notebook may use.
        notes: what was mended.
        start: gives a kernel.

    Raises:
        CourseError: this machine can give no kernel, or no sandbox.
    """
    began = time.monotonic()
    digest = hashlib.sha256("\0".join(map(cells.source, notebook["cells"])).encode("utf-8", "replace")).hexdigest()
    sit = partial(Sitting, release=release, allowance=allowance, digest=digest, start=start)
    sitting, shown = _sit(notebook["cells"], release, sit)
    judged = _judge(sitting)
    questions = {
        cells.name(cell): _Questioning(release, sitting, shown, place, judged).question()
        for place, cell in enumerate(sitting.cells)
        if cells.points(cell) is not None
    }
    final = [_graded(shown, place, questions, judged.get(place)) for place in range(len(shown.cells))]
    return Result(
        lesson=release.lesson,
        questions=tuple(_in_release_order(questions, release)),
        notes=notes,
        notebook=writable({**notebook, "cells": final}),
        files=shown.files,
        seconds=round(time.monotonic() - began, 3),
        engine="trust" if allowance.trust else "sandbox",
    )


def _sit(notebook_cells: list[Cell], release: Release, sit: Callable[..., Sitting]) -> tuple[Sitting, Sitting]:
    """Run a notebook; what counts, and what is shown.

    What a learner's code prints after it could see a hidden test is shown to nobody. So hidden tests are asked when
    all else has run, if that changes nothing; else in a run of their own.
    """
    true, known = copy.deepcopy(notebook_cells), [_open(cell, release) for cell in copy.deepcopy(notebook_cells)]
    hidden = {place: cells.source(cell) for place, cell in enumerate(true) if cells.name(cell) in release.shown}
    shown = sit(known, at_the_end=hidden)
    if not hidden or needed.may_wait(true, hidden):
        shown.run()
        return shown, shown
    sitting, shown = sit(true), sit(known)
    sitting.run()
    shown.run()
    return sitting, shown


def _judge(sitting: Sitting) -> dict[int, Judged | None]:
    """The jury's judgements by the cell's place; None where the jury came to none."""
    cases = {
        place: replace(asked.case, worth=cells.points(sitting.cells[place]))
        for place, asked in sitting.asked.items()
        if asked.case is not None
    }
    found = jury.judge_all(list(cases.values()))
    if found is not None:
        return dict(zip(cases, found, strict=True))
    # One hostile case must not cost the others theirs.
    alone = {place: jury.judge_all([case]) for place, case in cases.items()}
    return {place: judged[0] if judged else None for place, judged in alone.items()}


class _Questioning:
    """From what one graded cell did to its verdict."""

    def __init__(
        self, release: Release, sitting: Sitting, shown: Sitting, place: int, judged: dict[int, Judged | None]
    ) -> None:
        self._release, self._sitting, self._shown = release, sitting, shown
        self._place, self._judged = place, judged
        self._cell = sitting.cells[place]
        self._name, self._most = cells.name(self._cell), cells.points(self._cell) or 0.0

    def question(self) -> Question:
        if not cells.is_test(self._cell):
            return self._by_hand()
        asked = self._sitting.asked_again.get(self._place) or self._sitting.asked.get(self._place)
        if asked is None:
            return self._failed(self._sitting.ended.get(self._place, Verdict.INTERNAL))
        if asked.case is not None:
            return self._by_jury(self._judged[self._place], asked.seconds)
        if asked.ran is not None:
            return self._by_test(asked.ran, asked.seconds)
        return self._by_error(asked)

    def _by_hand(self) -> Question:
        unanswered = cells.is_unanswered(self._cell)
        if unanswered and not cells.marks(self._cell).get("task"):
            return Question(self._name, Verdict.WRONG, 0.0, self._most, "There is no answer.", unanswered=True)
        return Question(self._name, Verdict.HAND, None, self._most, unanswered=unanswered)

    def _by_jury(self, judged: Judged | None, seconds: float) -> Question:
        if judged is None:
            return self._failed(Verdict.INTERNAL, seconds)
        if judged.fault:
            return self._failed(Verdict.TAMPERED, seconds)
        points = min(judged.points, self._most)
        right = all(found.passed for found in judged.findings)
        verdict = _verdict(points, self._most) if right or self._most else Verdict.WRONG
        culprit = self._sitting.culprit(self._place)
        if verdict is Verdict.WRONG and culprit:
            return self._failed(culprit, seconds)
        message = next((found.message for found in judged.findings if not found.passed), "")
        return Question(self._name, verdict, points, self._most, jury.told(message), judged.findings, seconds=seconds)

    def _by_test(self, ran: Ran, seconds: float) -> Question:
        if ran.status == "interrupted":
            return self._failed(Verdict.TIME, seconds)
        most = worth.in_course(self._cell)
        points = _points_of_test(ran, most)
        if points is None:
            return self._failed(Verdict.TAMPERED, seconds)
        if most != self._most:
            points = round(points * self._most / most, 6) if most else 0.0
        verdict, message = _verdict(points, self._most), ""
        if ran.status == "error":
            if culprit := self._sitting.culprit(self._place):
                return self._failed(culprit, seconds)
            if ran.error[0] == "MemoryError":
                return self._failed(Verdict.MEMORY, seconds)
            verdict = Verdict.WRONG if ran.error[0] == "AssertionError" else Verdict.ERROR
            message = self._shown_error(ran)
        return Question(self._name, verdict, points, self._most, jury.told(message), seconds=seconds)

    def _shown_error(self, ran: Ran) -> str:
        """The error in words; with hidden tests, that of a run without them, since an error may carry their source."""
        if self._name in self._release.shown:
            asked = self._shown.asked.get(self._place)
            if not (asked and asked.ran and asked.ran.status == "error"):
                return _HIDDEN
            ran = asked.ran
        return ": ".join(filter(None, ran.error))

    def _by_error(self, asked: Asked) -> Question:
        verdict = self._sitting.culprit(self._place) or asked.verdict or Verdict.ERROR
        if verdict is not Verdict.ERROR:
            return self._failed(verdict, asked.seconds)
        message = ": ".join(filter(None, (str(asked.error.get(key, "")) for key in ("ename", "evalue"))))
        return Question(self._name, verdict, 0.0, self._most, jury.told(message), seconds=asked.seconds)

    def _failed(self, verdict: Verdict, seconds: float = 0.0) -> Question:
        points = None if verdict is Verdict.INTERNAL else 0.0
        return Question(self._name, verdict, points, self._most, SAID[verdict], seconds=seconds)


def _points_of_test(ran: Ran, most: float) -> float | None:
    """The points that nbgrader reads off a test cell's outputs; None for points that no test gives.

    They are read as in `nbgrader.utils.determine_grade`, but text on standard error costs nothing. nbgrader itself
    takes a second to import, which no worker needs to wait for.
    """
    if ran.status != "ok":
        return 0.0
    values = [output["data"] for output in ran.outputs if output["output_type"] == "execute_result"]
    if len(values) > 1:
        return None
    try:
        points = float(values[0]["text/plain"])
    except (IndexError, KeyError, ValueError):
        return most  # no value, one without text, such as a figure, or a text that is no number
    return points if 0.0 <= points <= most else None


def _verdict(points: float, most: float) -> Verdict:
    if points >= most:
        return Verdict.RIGHT
    return Verdict.PARTIAL if points > 0 else Verdict.WRONG


def _open(cell: Cell, release: Release) -> Cell:
    """A cell as the learner knows it: without hidden tests."""
    return {**cell, "source": release.shown.get(cells.name(cell), cells.source(cell))}


def _in_release_order(questions: dict[str, Question], release: Release) -> list[Question]:
    ordered = []
    for cell in release.notebook["cells"]:
        if (most := cells.points(cell)) is not None:
            name = cells.name(cell)
            missing = Question(name, Verdict.WRONG, 0.0, most, "The cell is missing.", unanswered=True)
            ordered.append(questions.get(name, missing))
    return ordered


def _graded(shown: Sitting, place: int, questions: dict[str, Question], judged: Judged | None) -> Cell:
    """A cell of the graded notebook: what it wrote, and in a test what nbgrader's scorer expects."""
    cell = shown.cells[place]
    if cell["cell_type"] != "code":
        return cell
    ran = shown.ran.get(place)
    outputs = list(ran.outputs) if ran else []
    if (ran is None or ran.status == "interrupted") and (ended := _ended(shown, place)):
        outputs.append(_error(ended.value, SAID[ended]))
    if cells.is_test(cell):
        asked = shown.asked.get(place)
        wrote = asked.ran.outputs if asked and asked.ran else []
        outputs = _test_outputs(questions[cells.name(cell)], wrote, judged)
    return {**cell, "outputs": outputs, "execution_count": place + 1 if outputs else None}


def _ended(shown: Sitting, place: int) -> Verdict | None:
    return Verdict.TIME if place in shown.ran else shown.ended.get(place)


def _test_outputs(question: Question, wrote: list[dict[str, Any]], judged: Judged | None) -> list[dict[str, Any]]:
    """Outputs from which nbgrader's `determine_grade` reads a question's points."""
    outputs = [{**out, "name": "stdout"} for out in wrote if out["output_type"] == "stream"]
    outputs += [out for out in wrote if out["output_type"] == "display_data"]
    if judged and judged.shown:
        outputs.append({"output_type": "display_data", "data": judged.shown, "metadata": {}})
    if question.verdict in (Verdict.WRONG, Verdict.ERROR) and not judged and question.message != _HIDDEN:
        errors = [out for out in wrote if out["output_type"] == "error"]
        if errors:
            return [*outputs, errors[-1]]
    if not question.points:
        right = question.verdict is Verdict.RIGHT  # and worth nothing
        return outputs if right else [*outputs, _error(question.verdict.value, question.message)]
    if question.points < question.max_points:
        data = {"text/plain": repr(float(question.points))}
        outputs.append({"output_type": "execute_result", "data": data, "metadata": {}, "execution_count": None})
    return outputs


def _error(name: str, message: str) -> dict[str, Any]:
    line = f"{name}: {message}" if message else name
    return {"output_type": "error", "ename": name, "evalue": message, "traceback": [line]}
