"""The figures of a report: how hard an exercise was, how well it tells learners apart, and what went wrong in it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import StatisticsError, correlation, median

from tlcourse.grading.desk.attempts import Attempts
from tlcourse.grading.results import UNUSUAL, LessonResults, Score
from tlcourse.grading.verdicts import SAID, Verdict
from tlcourse.measure.intervals import Interval, mean_interval

ENOUGH = 10
"""Learners below whose number a correlation says nothing."""

_RAISED = "The answer, or the code before it, stopped with an error."


@dataclass(frozen=True)
class Missed:
    """Something that went wrong in an exercise for a number of learners.

    Args:
        code: the finding's stable name, or a verdict's.
        message: what the check said to most of them.
        learners: whom it happened to.
    """

    code: str
    message: str
    learners: tuple[str, ...]


@dataclass(frozen=True)
class ExerciseFigures:
    """One exercise in a class.

    Args:
        name: its id.
        most: points for a right answer.
        mean: the share of the points that a learner earned, 0 to 1, with its 95 % interval; None below two graded
            answers. Test theory calls it the item's difficulty, though a high one means easy.
        full: how many have all points.
        unanswered: how many left it as it was.
        waiting: how many answers a person has yet to grade.
        discrimination: Pearson's correlation of the points here with those in the rest of the lesson (the corrected
            item-total correlation), -1 to 1; None below `ENOUGH` learners, or where all earned the same.
        lost: how many miss points that no person has still to give.
        missed: what went wrong, the commonest first.
        tries: the median of how often the check was run; None where no notebook tells.
        minutes: the median of the minutes from the first try to the pass; None where no notebook tells.
        hinted: the share of learners who opened a hint; None where no notebook tells.
        told: how many notebooks tell.
    """

    name: str
    most: float
    mean: Interval | None
    full: int
    unanswered: int
    waiting: int
    discrimination: float | None
    lost: int
    missed: tuple[Missed, ...]
    tries: float | None
    minutes: float | None
    hinted: float | None
    told: int


def exercise_figures(
    lesson: LessonResults, name: str, attempts: Mapping[str, Mapping[str, Attempts]]
) -> ExerciseFigures:
    """One exercise's figures.

    Args:
        lesson: everybody's scores.
        name: one of its exercises.
        attempts: by learner, then by exercise.
    """
    scores = {student: scores[name] for student, scores in lesson.scores.items()}
    most = lesson.most[name]
    shares = [score.earned / most if most else 1.0 for score in scores.values() if not score.needs_hand]
    known = [attempts[student][name] for student in scores if name in attempts.get(student, {})]
    minutes = [one.minutes for one in known if one.minutes is not None]
    return ExerciseFigures(
        name=name,
        most=most,
        mean=mean_interval(shares) if len(shares) > 1 else None,
        full=sum(score.earned >= most for score in scores.values()),
        unanswered=sum(score.unanswered for score in scores.values()),
        waiting=sum(score.needs_hand for score in scores.values()),
        discrimination=_discrimination(lesson, name),
        lost=sum(score.earned < most and not score.needs_hand for score in scores.values()),
        missed=tuple(_missed(scores)),
        tries=median(one.tries for one in known) if known else None,
        minutes=median(minutes) if minutes else None,
        hinted=sum(one.hints > 0 for one in known) / len(known) if known else None,
        told=len(known),
    )


def _discrimination(lesson: LessonResults, name: str) -> float | None:
    if len(lesson.scores) < ENOUGH or len(lesson.most) < 2:
        return None
    here = [scores[name].earned for scores in lesson.scores.values()]
    rest = [lesson.total(student) - scores[name].earned for student, scores in lesson.scores.items()]
    try:
        return correlation(here, rest)
    except StatisticsError:
        return None  # one of the two is constant


def _missed(scores: Mapping[str, Score]) -> list[Missed]:
    learners: dict[str, list[str]] = defaultdict(list)
    messages: dict[str, Counter[str]] = defaultdict(Counter)
    for student, score in scores.items():
        for code, message in reasons(score):
            if student not in learners[code]:
                learners[code].append(student)
            messages[code][message] += 1
    found = [Missed(code, messages[code].most_common(1)[0][0], tuple(who)) for code, who in learners.items()]
    return sorted(found, key=lambda one: (-len(one.learners), one.code))


def reasons(score: Score) -> Sequence[tuple[str, str]]:
    """Why points are missing: a code and a sentence for each finding, and for an unusual end.

    An error's code is its type: what the class stumbled over is told apart.
    """
    found = [(finding.code, finding.message) for finding in score.findings]
    if score.unanswered:
        return [("unanswered", "There is no answer.")]
    if score.verdict is Verdict.ERROR:
        found.append((score.message.partition(":")[0] or "error", score.message or _RAISED))
    elif score.verdict in UNUSUAL:
        found.append((str(score.verdict), SAID[score.verdict]))
    if not found and score.earned < score.most and not score.needs_hand:
        found.append(("not-right", "The test did not pass, and says no more."))
    return found
