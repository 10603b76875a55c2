"""A page for each learner, to hand out: their own points, and what to do next."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tlcourse import storage
from tlcourse.grading.desk.classes import ClassReport, LessonReport
from tlcourse.grading.desk.figures import reasons
from tlcourse.grading.desk.templates import template
from tlcourse.grading.results import Score


def write(folder: Path, report: ClassReport) -> None:
    """Write `LEARNER.html` for each learner, without anybody else's name or points; a StorageError says why not."""
    page = template("learner.html")
    for name in report.learners:
        lessons = [_Lesson.of(lesson, name) for lesson in report.lessons if name in lesson.scores.scores]
        storage.write_text(folder / f"{name}.html", page.render(report=report, name=name, lessons=lessons) + "\n")


@dataclass(frozen=True)
class _Exercise:
    """An exercise as its learner's page shows it; `advice` is what was found, each with what to do next."""

    name: str
    score: Score
    advice: list[tuple[str, str]]

    @classmethod
    def of(cls, name: str, score: Score) -> _Exercise:
        if score.earned >= score.most or score.needs_hand:
            return cls(name, score, [])
        steps = {finding.code: finding.next_step for finding in score.findings}
        return cls(name, score, [(said, steps.get(code, "")) for code, said in reasons(score)])


@dataclass(frozen=True)
class _Lesson:
    """A lesson as a learner's page shows it."""

    name: str
    earned: float
    most: float
    waiting: int
    exercises: list[_Exercise]

    @classmethod
    def of(cls, lesson: LessonReport, learner: str) -> _Lesson:
        scores = lesson.scores.scores[learner]
        waiting = sum(score.needs_hand for score in scores.values())
        exercises = [_Exercise.of(name, score) for name, score in scores.items()]
        return cls(lesson.name, lesson.scores.total(learner), sum(lesson.scores.most.values()), waiting, exercises)
