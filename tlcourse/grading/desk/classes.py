"""Reading a class: its stored results, its gradebook and its submissions become the content of a report."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tlcourse.errors import CourseError
from tlcourse.grading import results, stored
from tlcourse.grading.batch import find_class
from tlcourse.grading.desk import attempts
from tlcourse.grading.desk.attempts import Attempts
from tlcourse.grading.desk.figures import ExerciseFigures, exercise_figures
from tlcourse.grading.nbgrading import Course, user_config
from tlcourse.grading.results import LessonResults


@dataclass(frozen=True)
class LessonReport:
    """One lesson of a class.

    Args:
        scores: everybody's scores.
        exercises: in the lesson's order.
        late: how many handed it in after the due date; None where the gradebook has no such date.
    """

    scores: LessonResults
    exercises: tuple[ExerciseFigures, ...]
    late: int | None

    @property
    def name(self) -> str:
        """The lesson's name."""
        return self.scores.lesson


@dataclass(frozen=True)
class ClassReport:
    """What a report tells.

    Args:
        name: the class's.
        made: when, in UTC.
        lessons: those that have results.
        learners: all who have results in any, in the order of the report.
        anonymous: whether the names are made up.
    """

    name: str
    made: datetime
    lessons: tuple[LessonReport, ...]
    learners: tuple[str, ...]
    anonymous: bool


def read(folder: Path, *, lesson: str = "", gradebook: str = "", anonymous: bool = False) -> ClassReport:
    """Read a class that `tlcourse grade` has graded.

    Args:
        folder: the class.
        lesson: only the lesson whose name begins so, or with this number.
        gradebook: the database's URL, instead of the one in the class's configuration.
        anonymous: call learners "learner 1" and so on, in an order that tells nothing.

    Raises:
        CourseError: there is no class, no such lesson, nothing was graded, or the gradebook cannot be used.
    """
    place = find_class(folder, folder)
    course = Course(place, user_config(place), gradebook)
    store = stored.Store(place)
    graded = _chosen(store.lessons(), lesson)
    if not graded:
        raise CourseError(f"Nothing has been graded in {place} yet.", f"Run: tlcourse grade {place}")
    found = []
    for name, students in graded.items():
        verdicts = {student: store.verdicts(student, name) for student in students}
        read_all = {student: one for student, one in verdicts.items() if one}
        if read_all:
            found.append((results.read(course, name, read_all), _attempts(course, name, read_all), _late(course, name)))
    names = _names([scores for scores, _, _ in found], anonymous)
    lessons = tuple(_lesson(_renamed(scores, names), _keys(tries, names), late) for scores, tries, late in found)
    title = course.directory.course_id or place.name
    return ClassReport(title, datetime.now(UTC), lessons, tuple(names.values()), anonymous)


def _chosen(graded: dict[str, list[str]], lesson: str) -> dict[str, list[str]]:
    prefix = lesson.zfill(2) if lesson.isdecimal() else lesson
    found = {name: students for name, students in graded.items() if name.startswith(prefix)}
    if graded and not found:
        raise CourseError(f"No lesson {lesson!r} has been graded.", f"Graded are: {', '.join(graded)}.")
    return found


def _lesson(scores: LessonResults, tries: Mapping[str, Mapping[str, Attempts]], late: int | None) -> LessonReport:
    return LessonReport(scores, tuple(exercise_figures(scores, name, tries) for name in scores.most), late)


def _attempts(course: Course, lesson: str, graded: Mapping[str, Any]) -> dict[str, dict[str, Attempts]]:
    found: dict[str, dict[str, Attempts]] = {}
    for student in graded:
        for notebook in sorted(course.folder("submitted", student, lesson).glob("*.ipynb")):
            found.setdefault(student, {}).update(attempts.read(notebook))
    return found


def _late(course: Course, lesson: str) -> int | None:
    with course.gradebook() as book:
        if book.find_assignment(lesson).duedate is None:
            return None
        return sum(submission.total_seconds_late > 0 for submission in book.assignment_submissions(lesson))


def _names(lessons: list[LessonResults], anonymous: bool) -> dict[str, str]:
    """What each learner is called, in the order of the report."""
    students = sorted({student for lesson in lessons for student in lesson.scores}, key=str.casefold)
    if not anonymous:
        return {student: student for student in students}
    random.SystemRandom().shuffle(students)
    return {student: f"learner {number}" for number, student in enumerate(students, start=1)}


def _renamed(lesson: LessonResults, names: Mapping[str, str]) -> LessonResults:
    return replace(lesson, scores=_keys(lesson.scores, names))


def _keys(values: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {name: values[student] for student, name in names.items() if student in values}
