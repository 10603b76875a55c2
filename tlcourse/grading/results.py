"""What a class has earned: scores from the gradebook, findings from the graded notebooks."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from tlcourse.checks.result import MIME_TYPE
from tlcourse.grading.nbgrading import Course

_KINDS = ("check-", "written-")


@dataclass(frozen=True)
class Finding:
    """What a check found wrong."""

    code: str
    message: str


@dataclass(frozen=True)
class Score:
    """What one exercise brought one learner.

    Args:
        earned: points, as in the gradebook.
        most: points for a right answer.
        needs_hand: whether a person has yet to grade it.
        findings: what its check found wrong.
    """

    earned: float
    most: float
    needs_hand: bool = False
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class LessonResults:
    """A lesson's scores.

    Args:
        lesson: its name.
        most: the points of each exercise, in the lesson's order.
        scores: by learner, then by exercise.
    """

    lesson: str
    most: dict[str, float]
    scores: dict[str, dict[str, Score]]

    def total(self, student: str) -> float:
        """A learner's points in the lesson."""
        return sum(score.earned for score in self.scores[student].values())

    def mean(self, exercise: str) -> float:
        """The mean points of an exercise, over those who handed the lesson in."""
        return fmean(scores[exercise].earned for scores in self.scores.values())


def read(course: Course, lesson: str, students: Collection[str]) -> LessonResults:
    """Read a lesson's results for some learners.

    Args:
        course: the class.
        lesson: a lesson of its gradebook.
        students: learners who handed it in and were graded.
    """
    with course.gradebook() as gradebook:
        notebook = gradebook.find_notebook(lesson, lesson)
        order = _in_order(course, lesson, [cell.name for cell in notebook.grade_cells])
        most = {cell.name: cell.max_score for cell in notebook.grade_cells}
        scores = {}
        for student in sorted(students, key=str.casefold):
            graded = gradebook.find_submission_notebook(lesson, lesson, student)
            findings = _findings(course.folder("autograded", student, lesson) / f"{lesson}.ipynb")
            grades = {grade.name: grade for grade in graded.grades}
            scores[student] = {_short(name): _score(grades[name], findings.get(name, ())) for name in order}
    return LessonResults(lesson, {_short(name): most[name] for name in order}, scores)


def _score(grade: Any, findings: tuple[Finding, ...]) -> Score:
    return Score(float(grade.score), float(grade.max_score), bool(grade.needs_manual_grade), findings)


def _short(name: str) -> str:
    for kind in _KINDS:
        name = name.removeprefix(kind)
    return name


def _in_order(course: Course, lesson: str, names: list[str]) -> list[str]:
    """The graded cells in the order of the lesson, which the gradebook does not keep."""
    cells = _cells(course.folder("source", ".", lesson) / f"{lesson}.ipynb")
    places = {_grade_id(cell): place for place, cell in enumerate(cells)}
    return sorted(names, key=lambda name: (places.get(name, len(places)), name))


def _findings(path: Path) -> dict[str, tuple[Finding, ...]]:
    return {_grade_id(cell): tuple(_failed(cell)) for cell in _cells(path) if _grade_id(cell)}


def _failed(cell: dict[str, Any]) -> list[Finding]:
    found = []
    for output in _dicts(cell.get("outputs")):
        data = output.get("data")
        result = data.get(MIME_TYPE) if isinstance(data, dict) else None
        for finding in _dicts(result.get("findings") if isinstance(result, dict) else None):
            if finding.get("passed") is not True:
                found.append(Finding(str(finding.get("code", "")), str(finding.get("message", ""))))
    return found


def _cells(path: Path) -> list[dict[str, Any]]:
    # Written by a learner's kernel: nothing is taken for granted.
    try:
        notebook = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return []
    return _dicts(notebook.get("cells") if isinstance(notebook, dict) else None)


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _grade_id(cell: dict[str, Any]) -> str:
    metadata = cell.get("metadata")
    marks = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    return str(marks.get("grade_id", "")) if isinstance(marks, dict) else ""
