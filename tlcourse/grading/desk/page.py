"""A report as one HTML page that needs nothing else, and as a table of exercises."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tlcourse import storage
from tlcourse.grading.desk.classes import ClassReport, LessonReport
from tlcourse.grading.desk.figures import ExerciseFigures, Missed, reasons
from tlcourse.grading.desk.templates import template
from tlcourse.grading.report import inert
from tlcourse.grading.results import Score

COLUMNS = (
    "lesson",
    "exercise",
    "points",
    "learners",
    "mean_share",
    "mean_low",
    "mean_high",
    "full_marks",
    "unanswered",
    "waiting_for_a_person",
    "discrimination",
    "median_tries",
    "median_minutes",
    "share_with_hints",
    "finding",
    "finding_learners",
    "finding_message",
)
LOW = 0.2
"""A discrimination below it is worth a look (Ebel and Frisbie, Essentials of Educational Measurement, 1991)."""
MOST_LEARNERS = 400
"""Learners whose own part has room on a page of less than a megabyte."""
_BINS = 10
_COMMON = 0.1  # from which share of the learners on a mistake is one of the class's
_MOST_COMMON = 6  # of which the page's top names no more


def write_html(path: Path, report: ClassReport) -> None:
    """Write the page; a StorageError says why not."""
    lessons = [_Lesson.of(number, lesson) for number, lesson in enumerate(report.lessons, start=1)]
    values = {
        "report": report,
        "lessons": lessons,
        "not_understood": _not_understood(lessons),
        "doubtful": [one.name for lesson in report.lessons for one in lesson.exercises if _is_doubtful(one)],
        "learners": list(_learners(report, lessons)) if len(report.learners) <= MOST_LEARNERS else [],
        "most_learners": MOST_LEARNERS,
        "low": LOW,
    }
    storage.write_text(path, template("class.html", doubtful=_is_doubtful).render(values) + "\n")


def write_csv(path: Path, report: ClassReport) -> None:
    """Write one row for each exercise and thing that went wrong in it (see `COLUMNS`); a StorageError says why not."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    for lesson in report.lessons:
        for one in lesson.exercises:
            head = _row(lesson, one)
            for missed in one.missed or [None]:
                tail = (missed.code, len(missed.learners), missed.message) if missed else ("", "", "")
                writer.writerow([inert(value) if isinstance(value, str) else value for value in (*head, *tail)])
    storage.write_text(path, buffer.getvalue())


def _row(lesson: LessonReport, one: ExerciseFigures) -> tuple[Any, ...]:
    mean = (one.mean.mean, one.mean.low, one.mean.high) if one.mean else (None, None, None)
    figures = [*mean, one.full, one.unanswered, one.waiting, one.discrimination, one.tries, one.minutes, one.hinted]
    rounded = ["" if value is None else round(value, 4) for value in figures]
    return (lesson.name, one.name, one.most, len(lesson.scores.scores), *rounded)


@dataclass(frozen=True)
class _Bar:
    """A bar of a histogram: what it stands for, how many, and its height as a share of the highest."""

    label: str
    count: int
    height: float


@dataclass(frozen=True)
class _Lesson:
    """A lesson as the page shows it."""

    number: int
    report: LessonReport
    most: float
    mean: float
    waiting: int
    bars: tuple[_Bar, ...]

    @classmethod
    def of(cls, number: int, report: LessonReport) -> _Lesson:
        most = sum(report.scores.most.values())
        everybody = [list(scores.values()) for scores in report.scores.scores.values()]
        mean = sum(score.earned for scores in everybody for score in scores) / len(everybody)
        waiting = sum(score.needs_hand for scores in everybody for score in scores)
        return cls(number, report, most, mean, waiting, tuple(_histogram([_graded_share(one) for one in everybody])))

    def place(self, exercise: str, code: str) -> str:
        """Where on the page a finding stands."""
        names = [one.name for one in self.report.exercises]
        at = names.index(exercise)
        codes = [missed.code for missed in self.report.exercises[at].missed]
        return f"l{self.number}e{at + 1}f{codes.index(code) + 1}"


def _graded_share(scores: list[Score]) -> float:
    """A learner's points as a share of those that nobody has still to give."""
    graded = [score for score in scores if not score.needs_hand]
    most = sum(score.most for score in graded)
    return sum(score.earned for score in graded) / most if most else 1.0


def _histogram(shares: list[float]) -> Iterator[_Bar]:
    """How many learners earned which share of the points, in tenths; all points are in the last."""
    places = [min(int(_BINS * share), _BINS - 1) for share in shares]
    counts = [places.count(place) for place in range(_BINS)]
    for place, count in enumerate(counts):
        yield _Bar(f"{100 * place // _BINS} to {100 * (place + 1) // _BINS} %", count, count / max(counts))


def _not_understood(lessons: list[_Lesson]) -> list[tuple[_Lesson, str, Missed]]:
    """Each exercise's commonest mistake, if it is common: lesson, exercise and mistake, the commonest first."""
    found = []
    for lesson in lessons:
        enough = max(2, _COMMON * len(lesson.report.scores.scores))
        for one in lesson.report.exercises:
            if one.missed and len(one.missed[0].learners) >= enough:
                share = len(one.missed[0].learners) / len(lesson.report.scores.scores)
                found.append((share, lesson, one.name, one.missed[0]))
    found.sort(key=lambda item: -item[0])
    return [(lesson, exercise, missed) for _, lesson, exercise, missed in found[:_MOST_COMMON]]


def _is_doubtful(one: ExerciseFigures) -> bool:
    return one.discrimination is not None and one.discrimination < LOW


@dataclass(frozen=True)
class _Learner:
    """A learner's own part: points by lesson, and where points are missing."""

    name: str
    totals: list[float | None]
    missing: list[tuple[_Lesson, str, float, float, list[str]]]
    waiting: int


def _learners(report: ClassReport, lessons: list[_Lesson]) -> Iterator[_Learner]:
    for name in report.learners:
        taken = [lesson for lesson in lessons if name in lesson.report.scores.scores]
        missing = [
            (lesson, exercise, score.earned, score.most, [code for code, _ in reasons(score)])
            for lesson in taken
            for exercise, score in lesson.report.scores.scores[name].items()
            if score.earned < score.most and not score.needs_hand
        ]
        waiting = sum(score.needs_hand for lesson in taken for score in lesson.report.scores.scores[name].values())
        totals = [lesson.report.scores.total(name) if lesson in taken else None for lesson in lessons]
        yield _Learner(name, totals, missing, waiting)
