"""A report as one HTML page that needs nothing else, and as a table of exercises."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tlcourse import storage
from tlcourse.checks.display import inline
from tlcourse.extras import require
from tlcourse.grading.desk.classes import ClassReport, LessonReport
from tlcourse.grading.desk.figures import ExerciseFigures, reasons
from tlcourse.grading.report import inert

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


def write_html(path: Path, report: ClassReport) -> None:
    """Write the page; a StorageError says why not."""
    jinja2 = require("jinja2")
    loader = jinja2.FileSystemLoader(Path(__file__).parent)
    environment = jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"percent": _percent, "number": _number, "sentence": _sentence}
    values = {
        "report": report,
        "lessons": [_Lesson.of(number, lesson) for number, lesson in enumerate(report.lessons, start=1)],
        "learners": list(_learners(report)) if len(report.learners) <= MOST_LEARNERS else [],
        "most_learners": MOST_LEARNERS,
        "low": LOW,
    }
    storage.write_text(path, environment.get_template("class.html").render(values) + "\n")


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
    figures = [*mean, one.full, one.unanswered, one.waiting, one.discrimination, one.tries, one.hinted]
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
    bars: tuple[_Bar, ...]

    @classmethod
    def of(cls, number: int, report: LessonReport) -> _Lesson:
        most = sum(report.scores.most.values())
        totals = [report.scores.total(student) for student in report.scores.scores]
        return cls(number, report, most, sum(totals) / len(totals), tuple(_histogram(totals, most)))

    def place(self, exercise: str, code: str) -> str:
        """Where on the page a finding stands."""
        names = [one.name for one in self.report.exercises]
        at = names.index(exercise)
        codes = [missed.code for missed in self.report.exercises[at].missed]
        return f"l{self.number}e{at + 1}f{codes.index(code) + 1}"


def _histogram(totals: list[float], most: float) -> Iterator[_Bar]:
    """How many learners earned which share of the points, in tenths; all points are in the last."""
    places = [min(int(_BINS * total / most), _BINS - 1) if most else _BINS - 1 for total in totals]
    counts = [places.count(place) for place in range(_BINS)]
    for place, count in enumerate(counts):
        yield _Bar(f"{100 * place // _BINS} to {100 * (place + 1) // _BINS} %", count, count / max(counts))


@dataclass(frozen=True)
class _Learner:
    """A learner's own part: points by lesson, and where points are missing."""

    name: str
    totals: list[float | None]
    missing: list[tuple[_Lesson, str, float, float, list[str]]]
    waiting: int


def _learners(report: ClassReport) -> Iterator[_Learner]:
    lessons = [_Lesson.of(number, lesson) for number, lesson in enumerate(report.lessons, start=1)]
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


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3g}"


def _sentence(text: str) -> Any:
    """A message as markup: what stands in backticks is code."""
    return require("markupsafe").Markup(inline(text))
