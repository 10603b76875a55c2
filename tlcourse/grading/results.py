"""What a class has earned: scores from the gradebook, verdicts and findings from the stored results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from tlcourse.checks.exercise import Finding
from tlcourse.extras import require
from tlcourse.grading.nbgrading import Course
from tlcourse.grading.verdicts import Question, Result, Verdict

UNUSUAL = frozenset(Verdict) - {Verdict.RIGHT, Verdict.PARTIAL, Verdict.WRONG, Verdict.HAND}
"""The verdicts that points alone do not tell."""

_KINDS = ("check-", "written-")


@dataclass(frozen=True, slots=True)
class Score:
    """What one exercise brought one learner.

    Args:
        earned: points, as in the gradebook.
        most: points for a right answer.
        verdict: how it ended.
        needs_hand: whether a person has yet to grade it.
        findings: what its check found wrong.
        unanswered: whether the cell is as it was handed out.
        message: what the learner was told in one sentence.
    """

    earned: float
    most: float
    verdict: Verdict
    needs_hand: bool = False
    findings: tuple[Finding, ...] = ()
    unanswered: bool = False
    message: str = ""


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


def read(course: Course, lesson: str, graded: Mapping[str, Sequence[Result]]) -> LessonResults:
    """Join a lesson's scores with its results.

    Args:
        course: the class.
        lesson: a lesson of its gradebook.
        graded: what grading it gave, by learner; at least one learner's.
    """
    known = _scores(course, lesson)
    answered = {student: _questions(results) for student, results in graded.items()}
    # A learner may lack one of a lesson's notebooks, and a class a learner who has them all.
    asked = {place: question.max_points for questions in answered.values() for place, question in questions.items()}
    names = {place: _name(lesson, *place) for place in asked}
    scores = {
        student: {
            name: _score(answered[student].get(place), asked[place], *known.get((student, *place), (0.0, False)))
            for place, name in names.items()
        }
        for student in sorted(graded, key=str.casefold)
    }
    return LessonResults(lesson, {names[place]: most for place, most in asked.items()}, scores)


def _questions(results: Sequence[Result]) -> dict[tuple[str, str], Question]:
    """Questions by notebook and cell."""
    return {(result.lesson, question.name): question for result in results for question in result.questions}


def _name(lesson: str, notebook: str, cell: str) -> str:
    return short(cell) if notebook == lesson else f"{notebook}/{short(cell)}"


def _score(question: Question | None, most: float, earned: float, needs_hand: bool) -> Score:
    if question is None:
        return Score(earned, most, Verdict.WRONG, needs_hand)
    wrong = tuple(finding for finding in question.findings if not finding.passed)
    return Score(earned, most, question.verdict, needs_hand, wrong, question.unanswered, question.message)


def _scores(course: Course, lesson: str) -> dict[tuple[str, str, str], tuple[float, bool]]:
    """Score and "a person has yet to grade it" of all learners, by learner, notebook and cell."""
    api = require("nbgrader.api")
    select = require("sqlalchemy").select
    wanted: Any = (
        select(
            api.SubmittedAssignment.student_id,
            api.Notebook.name,
            api.BaseCell.name,
            api.Grade.score,
            api.Grade.needs_manual_grade,
        )
        .select_from(api.Grade)
        .join(api.BaseCell, api.BaseCell.id == api.Grade.cell_id)
        .join(api.SubmittedNotebook, api.SubmittedNotebook.id == api.Grade.notebook_id)
        .join(api.Notebook, api.Notebook.id == api.SubmittedNotebook.notebook_id)
        .join(api.SubmittedAssignment, api.SubmittedAssignment.id == api.SubmittedNotebook.assignment_id)
        .join(api.Assignment, api.Assignment.id == api.SubmittedAssignment.assignment_id)
        .where(api.Assignment.name == lesson)
    )
    with course.gradebook() as gradebook:
        rows = gradebook.db.execute(wanted)
        return {
            (student, notebook, cell): (float(score), bool(by_hand)) for student, notebook, cell, score, by_hand in rows
        }


def short(name: str) -> str:
    """What people call a graded cell: its `grade_id` without the part that says its kind."""
    for kind in _KINDS:
        name = name.removeprefix(kind)
    return name
