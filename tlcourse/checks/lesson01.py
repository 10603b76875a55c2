"""Exercises of lesson 01, what-is-transfer-learning."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np

from tlcourse.checks.collecting import call, each
from tlcourse.checks.exercise import Evidence, Exercise, Finding
from tlcourse.checks.judging import Misconception, Question, judge_question, judge_quiz, same, unusable
from tlcourse.measure import amount_to_reach, benefits, break_even_tasks, mean_interval

# --- is_it_transfer -------------------------------------------------------------------------------------------------

_SITUATIONS = {
    "a": (
        True,
        "The weights learned on the 150 pictographs start the new task: the task differs, its knowledge is reused.",
    ),
    "b": (
        False,
        "An architecture is a design, not something learned from data: with fresh random weights no source task "
        "has taught it anything.",
    ),
    "c": (
        False,
        "The weights are kept, but domain and task stay the same: this is the same training with a pause in it.",
    ),
    "d": (
        True,
        "The task is the same, the domain P(X) is another: transfer needs a difference in domain or task, and does not "
        "need labels of the target.",
    ),
    "e": (
        True,
        "Nothing of the vectors is trained further, and yet what was learned on Wikipedia is used for another task: "
        "frozen features are transfer too.",
    ),
    "f": (
        False,
        "More data of the same domain and the same task is simply more data; no other domain or task takes part.",
    ),
}


def _collect_transfer_quiz(answer: Any, rng: np.random.Generator) -> Evidence:
    # A dict is as good as a function that returns one.
    return {"call": call(answer) if callable(answer) else call(lambda: answer)}


def _judge_transfer_quiz(evidence: Evidence, rng: np.random.Generator) -> list[Finding]:
    return judge_quiz("is_it_transfer", evidence["call"], _SITUATIONS, (True, False), 3)


# --- seed_interval --------------------------------------------------------------------------------------------------


def _accuracy_lists(rng: np.random.Generator) -> list[tuple[Any, ...]]:
    return [(np.round(rng.uniform(0.3, 0.9) + rng.normal(0, 0.04, n), 4),) for n in (3, 5, 5, 12)]


def _collect_interval(answer: Any, rng: np.random.Generator) -> Evidence:
    return {"calls": each(answer, _accuracy_lists(rng))}


def _ends(reach: Any) -> Any:
    """A model that returns mean - reach and mean + reach."""
    return lambda values: [float(np.mean(values) - reach(values)), float(np.mean(values) + reach(values))]


def _t(share: float, n: float) -> float:
    from scipy import stats

    return float(stats.t.ppf(share, n))


def _true_interval(values: np.ndarray) -> list[float]:
    interval = mean_interval(values)
    return [interval.low, interval.high]


def _two_ends(value: Any) -> Any:
    """Two numbers in order, in whatever they are wrapped: a list, an array, named low and high."""
    if isinstance(value, dict):
        for names in (("low", "high"), ("lower", "upper")):
            if set(names) <= value.keys():
                return [value[name] for name in names]
    if isinstance(value, np.ndarray) and value.size == 2:
        return value.ravel().tolist()
    return value


_INTERVAL = Question(
    code="interval",
    right="The 95 % interval of the mean, with t for few runs.",
    reference=_true_interval,
    points=2,
    names=("values",),
    part=_two_ends,
    misconceptions=(
        Misconception(
            "standard-error",
            "The ends are the mean plus and minus the standard error s / sqrt(n): a factor for 95 % is missing.",
            "Multiply by `stats.t.ppf(0.975, n - 1)`.",
            _ends(lambda v: np.std(v, ddof=1) / np.sqrt(len(v))),
        ),
        Misconception(
            "fixed-factor",
            "The factor is 2.776 for every input: right for five runs only.",
            "Compute it from the number of runs: `stats.t.ppf(0.975, n - 1)`.",
            _ends(lambda v: 2.776 * np.std(v, ddof=1) / np.sqrt(len(v))),
        ),
        Misconception(
            "factor-two",
            "The factor is 2, a rule of thumb for many runs; with few runs it is larger.",
            "Take `stats.t.ppf(0.975, n - 1)`.",
            _ends(lambda v: 2 * np.std(v, ddof=1) / np.sqrt(len(v))),
        ),
        Misconception(
            "two-spreads",
            "The ends are the mean plus and minus two standard deviations: that is where single runs lie.",
            "Multiply the spread by t and divide it by `np.sqrt(n)`.",
            _ends(lambda v: 2 * np.std(v, ddof=1)),
        ),
        Misconception(
            "ninety-nine",
            "This is a 99 % interval: the quantile 0.995 leaves only 0.5 % on each side.",
            "For 95 % take the quantile 0.975.",
            _ends(lambda v: _t(0.995, len(v) - 1) * np.std(v, ddof=1) / np.sqrt(len(v))),
        ),
        Misconception(
            "root-of-n-minus-one",
            "You divide by sqrt(n - 1) although the spread (ddof=1) has its n - 1 already.",
            "Divide by `np.sqrt(n)`.",
            _ends(lambda v: _t(0.975, len(v) - 1) * np.std(v, ddof=1) / np.sqrt(len(v) - 1)),
        ),
        Misconception(
            "percentiles",
            "You return percentiles of the runs: where single runs lie, and from a handful of them.",
            "The interval is around the mean: mean minus and plus t * s / sqrt(n).",
            lambda v: [float(np.percentile(v, 2.5)), float(np.percentile(v, 97.5))],
        ),
        Misconception(
            "normal-quantile",
            "You use 1.96, which holds for very many runs. With 5 runs the spread itself is uncertain, and the factor "
            "is 2.78.",
            "Take t from `scipy.stats.t.ppf(0.975, n - 1)`.",
            _ends(lambda v: 1.96 * np.std(v, ddof=1) / np.sqrt(len(v))),
        ),
        Misconception(
            "normal-quantile-and-population",
            "You use 1.96 and numpy's default spread (ddof=0): both make the interval too narrow for few runs.",
            "Take t from `scipy.stats.t.ppf(0.975, n - 1)`, and `np.std(values, ddof=1)`.",
            _ends(lambda v: 1.96 * np.std(v) / np.sqrt(len(v))),
        ),
        Misconception(
            "population-spread",
            "The spread is taken with n below the root, numpy's default; a sample's spread divides by n - 1.",
            "Write `np.std(values, ddof=1)`.",
            _ends(lambda v: _t(0.975, len(v) - 1) * np.std(v) / np.sqrt(len(v))),
        ),
        Misconception(
            "spread-of-runs",
            "This is where single runs lie, not their mean: the division by the square root of n is missing.",
            "Divide the spread by `np.sqrt(n)`: a mean of many runs is surer than one run.",
            _ends(lambda v: _t(0.975, len(v) - 1) * np.std(v, ddof=1)),
        ),
        Misconception(
            "divided-by-n",
            "You divide the spread by n; the mean's spread falls with the square root of n only.",
            "Divide by `np.sqrt(n)`.",
            _ends(lambda v: _t(0.975, len(v) - 1) * np.std(v, ddof=1) / len(v)),
        ),
        Misconception(
            "one-sided",
            "The quantile is 0.95, which leaves 5 % above and 5 % below: a 90 % interval.",
            "For 95 % in the middle leave 2.5 % on each side: quantile 0.975.",
            _ends(lambda v: _t(0.95, len(v) - 1) * np.std(v, ddof=1) / np.sqrt(len(v))),
        ),
        Misconception(
            "n-degrees",
            "t is taken with n degrees of freedom; one is spent on the mean.",
            "Use n - 1.",
            _ends(lambda v: _t(0.975, len(v)) * np.std(v, ddof=1) / np.sqrt(len(v))),
        ),
        Misconception(
            "two-standard-deviations",
            "The ends are the mean plus and minus the standard deviation: a description of the runs, not an interval "
            "for their mean.",
            "Multiply the spread by t and divide it by `np.sqrt(n)`.",
            _ends(lambda v: np.std(v, ddof=1)),
        ),
        Misconception(
            "extremes",
            "You return the lowest and the highest run.",
            "The interval is around the mean: mean minus and plus t * s / sqrt(n).",
            lambda v: [float(np.min(v)), float(np.max(v))],
        ),
        Misconception(
            "mean-and-reach",
            "You return the mean and the half-width; the two ends are asked for.",
            "Return `mean - reach, mean + reach`.",
            lambda v: [float(np.mean(v)), mean_interval(v).half_width],
        ),
        Misconception(
            "swapped-ends",
            "The ends are swapped: the higher one comes first.",
            "Return the lower end first. (A quantile of 0.025 gives a negative factor; 0.975 a positive one.)",
            lambda v: _true_interval(v)[::-1],
        ),
    ),
)


def _judge_interval(evidence: Evidence, rng: np.random.Generator) -> list[Finding]:
    calls = evidence["calls"]
    if fault := unusable("seed_interval", calls, _INTERVAL.points):
        return [fault]
    return [judge_question(_INTERVAL, _accuracy_lists(rng), calls)]


# --- curve_benefits -------------------------------------------------------------------------------------------------


def _curve_pairs(rng: np.random.Generator) -> list[tuple[Any, ...]]:
    """Noisy pairs of curves at uneven steps: the kind that real runs give. In one pair transfer hurts."""

    def pair(hurts: bool) -> tuple[Any, ...]:
        steps = np.cumsum([0, *rng.integers(3, 30, 8)])
        rise = 1 - np.exp(-steps / rng.uniform(20, 60))
        base = rng.uniform(0.3, 0.6)
        transfer = base + (rng.uniform(0.75, 0.9) - base) * rise + rng.normal(0, 0.02, len(steps))
        scratch = 0.1 + rng.uniform(0.1, 0.5) * rise + rng.normal(0, 0.02, len(steps))
        transfer, scratch = np.round(transfer, 3), np.round(scratch, 3)
        gained = benefits(steps, transfer, scratch)
        if min(gained.start, gained.slope, gained.asymptote) < 0.002:
            return pair(hurts)  # too near zero to tell a sign
        return (steps, scratch, transfer) if hurts else (steps, transfer, scratch)

    return [pair(hurts) for hurts in (False, True, False)]


def _collect_benefits(answer: Any, rng: np.random.Generator) -> Evidence:
    return {"calls": each(answer, _curve_pairs(rng))}


def _part(name: str, position: int) -> Any:
    """A dict with three names or three numbers in their order: both are right."""

    def pick(value: Any) -> Any:
        if isinstance(value, dict):
            return value.get(name)
        if isinstance(value, list | np.ndarray) and len(value) == 3:
            return value[position]
        return None

    return pick


def _gap(curve_number: Any) -> Any:
    """The model that returns a number of the transfer curve minus that of the scratch curve."""
    return lambda steps, transfer, scratch: float(curve_number(steps, transfer) - curve_number(steps, scratch))


def _slope(last: int) -> Any:
    return lambda steps, curve: (curve[last] - curve[0]) / (steps[last] - steps[0])


_CURVES = ("steps", "transfer", "scratch")

_START = Question(
    code="start",
    right="start: the gap before the first step.",
    reference=lambda *case: benefits(*case).start,
    points=1,
    names=_CURVES,
    part=_part("start", 0),
    misconceptions=(
        Misconception(
            "start-always-positive",
            "start is never negative: you take the absolute value, or the larger minus the smaller.",
            "Subtract scratch from transfer; where transfer hurts, the benefit is negative.",
            lambda *case: abs(benefits(*case).start),
        ),
        Misconception(
            "start-swapped",
            "start has the wrong sign: you subtract transfer from scratch.",
            "A benefit is transfer minus scratch.",
            lambda *case: -benefits(*case).start,
        ),
        Misconception(
            "start-not-a-gap",
            "start is the transfer curve's own first accuracy, not its lead over scratch.",
            "Subtract the scratch curve's first accuracy.",
            lambda steps, transfer, scratch: float(transfer[0]),
        ),
        Misconception(
            "start-ratio",
            "start is a ratio of the two first accuracies.",
            "Subtract them: the course reports gaps in accuracy, which do not explode near zero.",
            lambda steps, transfer, scratch: float(transfer[0] / scratch[0]),
        ),
        Misconception(
            "start-after-training",
            "start is read at the second measurement, after some training.",
            "The first measurement, at index 0, was taken before any step.",
            _gap(lambda steps, curve: curve[1]),
        ),
        Misconception(
            "start-percent",
            "start is in percent points; the curves are fractions, and so should the gap be.",
            "Do not multiply by 100.",
            lambda *case: 100 * benefits(*case).start,
        ),
    ),
)

_SLOPE = Question(
    code="slope",
    right="slope: accuracy gained a step, over the first three measurements.",
    reference=lambda *case: benefits(*case).slope,
    points=1,
    names=_CURVES,
    part=_part("slope", 1),
    agree=partial(same, absolute=6e-6),  # slopes are small
    misconceptions=(
        Misconception(
            "slope-always-positive",
            "slope is never negative: you take the absolute value, or the larger minus the smaller.",
            "Subtract scratch from transfer; where transfer hurts, the benefit is negative.",
            lambda *case: abs(benefits(*case).slope),
        ),
        Misconception(
            "slope-after-start",
            "slope is taken from the second measurement to the third; the first is left out.",
            "Start at index 0: `(curve[2] - curve[0]) / (steps[2] - steps[0])`.",
            _gap(lambda steps, curve: (curve[2] - curve[1]) / (steps[2] - steps[1])),
        ),
        Misconception(
            "slope-fitted-line",
            "slope is that of a line fitted through the whole curve.",
            "Use two measurements only, the first and the third.",
            _gap(lambda steps, curve: np.polyfit(steps, curve, 1)[0]),
        ),
        Misconception(
            "slope-swapped",
            "slope has the wrong sign: you subtract transfer from scratch.",
            "A benefit is transfer minus scratch.",
            lambda *case: -benefits(*case).slope,
        ),
        Misconception(
            "slope-not-per-step",
            "slope is the accuracy gained, but not yet a step: the division by steps is missing.",
            "Divide by `steps[2] - steps[0]`.",
            _gap(lambda steps, curve: curve[2] - curve[0]),
        ),
        Misconception(
            "slope-per-measurement",
            "slope counts measurements, not steps: the measurements are not one step apart, and not evenly spread.",
            "Divide by `steps[2] - steps[0]`, not by 2.",
            _gap(lambda steps, curve: (curve[2] - curve[0]) / 2),
        ),
        Misconception(
            "slope-per-three-measurements",
            "slope counts measurements, not steps, and from the first to the third there are two gaps, not three.",
            "Divide by `steps[2] - steps[0]`.",
            _gap(lambda steps, curve: (curve[2] - curve[0]) / 3),
        ),
        Misconception(
            "slope-whole-curve",
            "slope is taken from the first to the last measurement, where both curves have long gone flat.",
            "Stop at the third measurement: index 2.",
            _gap(_slope(-1)),
        ),
        Misconception(
            "slope-two-points",
            "slope is taken over the first two measurements only.",
            "From index 0 to index 2: the third measurement.",
            _gap(_slope(1)),
        ),
        Misconception(
            "slope-four-points",
            "slope is taken up to index 3, which is the fourth measurement.",
            "Python counts from 0: the third measurement is at index 2.",
            _gap(_slope(3)),
        ),
        Misconception(
            "slope-not-a-gap",
            "slope is that of the transfer curve alone, not its lead over scratch.",
            "Subtract the scratch curve's slope.",
            lambda steps, transfer, scratch: float(_slope(2)(steps, transfer)),
        ),
    ),
)

_ASYMPTOTE = Question(
    code="asymptote",
    right="asymptote: the gap between the means of the last three measurements.",
    reference=lambda *case: benefits(*case).asymptote,
    points=1,
    names=_CURVES,
    part=_part("asymptote", 2),
    misconceptions=(
        Misconception(
            "asymptote-always-positive",
            "asymptote is never negative: you take the absolute value, or the larger minus the smaller.",
            "Subtract scratch from transfer; where transfer hurts, the benefit is negative.",
            lambda *case: abs(benefits(*case).asymptote),
        ),
        Misconception(
            "asymptote-sum",
            "asymptote is a sum of the last three measurements, not their mean.",
            "Write `curve[-3:].mean()`.",
            _gap(lambda steps, curve: np.sum(curve[-3:])),
        ),
        Misconception(
            "asymptote-percent",
            "asymptote is in percent points; the curves are fractions, and so should the gap be.",
            "Do not multiply by 100.",
            lambda *case: 100 * benefits(*case).asymptote,
        ),
        Misconception(
            "asymptote-swapped",
            "asymptote has the wrong sign: you subtract transfer from scratch.",
            "A benefit is transfer minus scratch.",
            lambda *case: -benefits(*case).asymptote,
        ),
        Misconception(
            "asymptote-last-point",
            "asymptote is read off the last measurement alone, which carries that moment's noise.",
            "Average the last three of each curve, then subtract.",
            _gap(lambda steps, curve: curve[-1]),
        ),
        Misconception(
            "asymptote-maximum",
            "asymptote is the gap between the highest points: a maximum picks the luckiest noise.",
            "Average the last three of each curve, then subtract.",
            _gap(lambda steps, curve: np.max(curve)),
        ),
        Misconception(
            "asymptote-whole-curve",
            "asymptote is the gap between the means of the whole curves, the climb included.",
            "Average only the last three: `curve[-3:]`.",
            _gap(lambda steps, curve: np.mean(curve)),
        ),
        Misconception(
            "asymptote-slice",
            "asymptote averages two of the last three: `curve[-3:-1]` leaves the last one out.",
            "Write `curve[-3:]`.",
            _gap(lambda steps, curve: np.mean(curve[-3:-1])),
        ),
        Misconception(
            "asymptote-not-a-gap",
            "asymptote is the transfer curve's own end, not its lead over scratch.",
            "Subtract the mean of the scratch curve's last three.",
            lambda steps, transfer, scratch: float(np.mean(transfer[-3:])),
        ),
    ),
)


def _judge_benefits(evidence: Evidence, rng: np.random.Generator) -> list[Finding]:
    calls = evidence["calls"]
    if fault := unusable("curve_benefits", calls, 3):
        return [fault]
    values = [record["value"] for record in calls]
    named = [question.code for question in (_START, _SLOPE, _ASYMPTOTE)]
    if not all(
        (isinstance(v, dict) and set(named) <= v.keys()) or (isinstance(v, list | np.ndarray) and len(v) == 3)
        for v in values
    ):
        return [
            Finding(
                "three-numbers",
                False,
                "`curve_benefits` does not return the three numbers under their names.",
                'Return {"start": ..., "slope": ..., "asymptote": ...}.',
                3,
            )
        ]
    cases = _curve_pairs(rng)
    return [judge_question(question, cases, calls) for question in (_START, _SLOPE, _ASYMPTOTE)]


# --- labels_needed --------------------------------------------------------------------------------------------------


def _label_curves(rng: np.random.Generator) -> list[tuple[Any, ...]]:
    """A crossing between two points (nearer to the left one), a dip, one that starts above, and one that never gets there.

    That last one stays last: the judge looks at it apart.
    """
    labels = np.cumsum(rng.integers(2, 12, 6)) * 10
    curve = np.round(np.sort(rng.uniform(0.2, 0.9, 6)) + np.arange(6) * 0.01, 3)
    between = float(np.round((2 * curve[2] + curve[3]) / 3, 4))
    fading = np.array([0.30, 0.62, 0.50, 0.55, 0.58, 0.56])
    dipping = np.array([0.30, 0.62, 0.50, 0.55, 0.80, 0.82])
    return [
        (labels, curve, between),
        (labels, dipping, 0.6),
        (labels, fading, 0.6),
        (labels, curve, float(curve[-1])),
        (labels, curve, float(curve[4])),
        (labels, curve, float(curve[0]) - 0.05),
        (labels, curve, float(curve[-1]) + 0.02),
    ]


def _collect_labels(answer: Any, rng: np.random.Generator) -> Evidence:
    return {"calls": each(answer, _label_curves(rng))}


def _first_reached(labels: np.ndarray, accuracies: np.ndarray, target: float) -> int | None:
    reached = np.flatnonzero(np.asarray(accuracies) >= target)
    return int(reached[0]) if len(reached) else None


def _unreached(value: Any) -> Any:
    """The model that is right wherever the target is reached, and returns `value(labels)` where it is not."""

    def model(labels: np.ndarray, accuracies: np.ndarray, target: float) -> Any:
        amount = amount_to_reach(labels, accuracies, target)
        return value(labels) if amount is None else amount

    return model


def _measured_point(shift: int) -> Any:
    """The model that returns a measured label count, `shift` places from the first that reaches the target."""

    def model(labels: np.ndarray, accuracies: np.ndarray, target: float) -> Any:
        first = _first_reached(labels, accuracies, target)
        return None if first is None else float(labels[max(first + shift, 0)])

    return model


def _between(place: Any) -> Any:
    """The model that finds the right pair of points, and `place(x0, x1, share)` between them."""

    def model(labels: np.ndarray, accuracies: np.ndarray, target: float) -> Any:
        first = _first_reached(labels, accuracies, target)
        if first is None or first == 0:
            return None if first is None else float(labels[0])
        share = (target - accuracies[first - 1]) / (accuracies[first] - accuracies[first - 1])
        return float(place(labels[first - 1], labels[first], share))

    return model


def _log_interpolated(labels: np.ndarray, accuracies: np.ndarray, target: float) -> Any:
    amount = amount_to_reach(np.log(labels), accuracies, target)
    return None if amount is None else math.exp(amount)


def _strictly_above(labels: np.ndarray, accuracies: np.ndarray, target: float) -> Any:
    first = _first_reached(labels, accuracies, np.nextafter(target, 2))
    return None if first is None else float(labels[first])


def _last_crossing(labels: np.ndarray, accuracies: np.ndarray, target: float) -> Any:
    below = np.flatnonzero(np.asarray(accuracies) < target)
    if not len(below):
        return float(labels[0])
    start = int(below[-1])
    return None if start + 1 == len(labels) else amount_to_reach(labels[start:], accuracies[start:], target)


_LABELS = Question(
    code="labels",
    right="The labels at which the curve first reaches the target, and None where it never does.",
    reference=lambda *case: amount_to_reach(*case),
    points=2,
    names=("labels", "accuracies", "target"),
    misconceptions=(
        Misconception(
            "never-exactly",
            "A curve that reaches the target exactly at its last point counts as reached; you return None there.",
            "Compare with >=, not with >.",
            lambda labels, accuracies, target: amount_to_reach(labels, accuracies, float(np.nextafter(target, 2))),
        ),
        Misconception(
            "np-interp",
            "`np.interp(target, accuracies, labels)` needs accuracies that only rise, and returns the last count where the target is beyond them all.",
            "Find the first measurement that reaches the target, go along the line from the one before; return None if there is none.",
            lambda labels, accuracies, target: float(np.interp(target, accuracies, labels)),
        ),
        Misconception(
            "np-interp-guarded",
            "`np.interp(target, accuracies, labels)` needs accuracies that only rise; on a curve that reaches the target and fades again it returns the last count.",
            "Find the first measurement that reaches the target, and go along the line from the one before.",
            lambda labels, accuracies, target: (
                None if max(accuracies) < target else float(np.interp(target, accuracies, labels))
            ),
        ),
        Misconception(
            "looks-at-the-end",
            "A curve that reached the target and faded again gets None: you look at its last accuracy.",
            "Ask whether *any* measurement reaches the target.",
            lambda labels, accuracies, target: (
                None if accuracies[-1] < target else amount_to_reach(labels, accuracies, target)
            ),
        ),
        Misconception(
            "share-from-wrong-end",
            "Between the two points you go the right share from the wrong end.",
            "Start at the left point: x0 + share * (x1 - x0), with share = (target - y0) / (y1 - y0).",
            _between(lambda x0, x1, share: x1 - share * (x1 - x0)),
        ),
        Misconception(
            "base-forgotten",
            "You return how far past the left point the crossing lies, not where it lies.",
            "Add the left point's count: x0 + share * (x1 - x0).",
            _between(lambda x0, x1, share: share * (x1 - x0)),
        ),
        Misconception(
            "midpoint",
            "You return the middle between the two counts; the curve crosses the target nearer to one of them.",
            "Go the share (target - y0) / (y1 - y0) of the way from x0 to x1.",
            _between(lambda x0, x1, share: (x0 + x1) / 2),
        ),
        Misconception(
            "rounded-up",
            "You round up to whole labels. The crossing is asked for as it is; round when you print.",
            "Return x0 + share * (x1 - x0) itself.",
            _between(lambda x0, x1, share: math.ceil(x0 + share * (x1 - x0))),
        ),
        Misconception(
            "starts-above",
            "Where the very first measurement already reaches the target you do not return its count.",
            "Look at the first measurement before the loop: if it is enough, return labels[0].",
            lambda labels, accuracies, target: (
                None if accuracies[0] >= target else amount_to_reach(labels, accuracies, target)
            ),
        ),
        Misconception(
            "measured-point",
            "You return the first measured count that reaches the target. The curve crossed it somewhere before.",
            "Draw the straight line from the point before to that point, and find where it crosses the target.",
            _measured_point(0),
        ),
        Misconception(
            "strictly-above",
            "You return the first measured count strictly above the target: reaching it exactly counts, and the crossing "
            "lies between two measured points.",
            "Compare with >=, then go along the straight line from the point before.",
            _strictly_above,
        ),
        Misconception(
            "point-before",
            "You return the last measured count below the target, where it is not reached yet.",
            "Draw the straight line from there to the next point, and find where it crosses the target.",
            _measured_point(-1),
        ),
        Misconception(
            "index",
            "You return the position of a measurement, not its number of labels.",
            "Look the position up in `labels`, then go along the straight line from the point before.",
            lambda labels, accuracies, target: _first_reached(labels, accuracies, target),
        ),
        Misconception(
            "clipped",
            "Where the target is never reached, you return the largest count measured, as `np.interp` does: it reads as "
            "if that many labels were enough.",
            "Return None there.",
            _unreached(lambda labels: float(labels[-1])),
        ),
        Misconception(
            "infinite",
            "Where the target is never reached you return infinity: nobody measured that it never will be.",
            "Return None there: the curve does not say.",
            _unreached(lambda labels: math.inf),
        ),
        Misconception(
            "zero-or-less",
            "Where the target is never reached you return a number below one, as if it needed no label.",
            "Return None there.",
            _unreached(lambda labels: 0.0),
        ),
        Misconception(
            "minus-one",
            "Where the target is never reached you return -1; a reader may take it for a count.",
            "Return None there.",
            _unreached(lambda labels: -1),
        ),
        Misconception(
            "last-crossing",
            "On a curve that dips you return the last crossing; the target was first reached before the dip.",
            "Stop at the first measurement that reaches the target.",
            _last_crossing,
        ),
        Misconception(
            "log-line",
            "You draw the straight line over the logarithm of the labels; the exercise asks for labels themselves.",
            "Interpolate between the two counts, not their logarithms.",
            _log_interpolated,
        ),
    ),
)


def _judge_labels(evidence: Evidence, rng: np.random.Generator) -> list[Finding]:
    calls = evidence["calls"]
    *reached, never = calls
    if "error" in never and never["error"]["type"] != "NotImplementedError" and all("value" in c for c in reached):
        return [
            Finding(
                "never-reached-raises",
                False,
                f"Where the curve never reaches the target, your function stops with {never['error']['type']}.",
                "Return None there.",
                2,
            )
        ]
    if fault := unusable("labels_needed", calls, 2):
        return [fault]
    return [judge_question(_LABELS, _label_curves(rng), calls)]


# --- break_even -----------------------------------------------------------------------------------------------------


def _costs(rng: np.random.Generator) -> list[tuple[Any, ...]]:
    saved, transfer = int(rng.integers(11, 20)), float(rng.integers(5, 10))
    scratch = transfer + saved
    many, few = int(rng.integers(80, 120)), int(rng.integers(5, 12))
    return [
        (float(many * saved + 1), transfer, scratch),  # just past a whole number
        (float(many * saved - 1), transfer, scratch),  # just before one
        (float(few * saved), transfer, scratch),  # exact
        (300.0, transfer, transfer),  # saves nothing
        (300.0, scratch, transfer),  # costs more each time
    ]


def _collect_costs(answer: Any, rng: np.random.Generator) -> Evidence:
    return {"calls": each(answer, _costs(rng))}


def _paying(model: Any) -> Any:
    """The model that is None where transfer never pays, else `model(pretraining, with_transfer, from_scratch)`."""
    return lambda p, t, s: None if s <= t else model(p, t, s)


def _never(value: Any) -> Any:
    """The model that is right where transfer pays, and returns `value` elsewhere."""
    return lambda p, t, s: value if s <= t else break_even_tasks(p, t, s)


def _guarded_or_not(code: str, message: str, next_step: str, model: Any) -> tuple[Misconception, Misconception]:
    """A mistake in the division, made by somebody who thought of None and by somebody who did not."""
    return (
        Misconception(code, message, next_step, _paying(model)),
        Misconception(code, message, next_step, model),
    )


_BREAK_EVEN = Question(
    code="break-even",
    right="The first whole number of tasks at which pretraining has paid for itself.",
    reference=lambda *case: break_even_tasks(*case),
    points=2,
    names=("pretraining", "with_transfer", "from_scratch"),
    misconceptions=(
        *_guarded_or_not(
            "ignores-transfer-cost",
            "You divide by the cost from scratch: a task with transfer is not free.",
            "Divide by what a task saves, `from_scratch - with_transfer`.",
            lambda p, t, s: math.ceil(p / s),
        ),
        *_guarded_or_not(
            "divides-by-transfer-cost",
            "You divide by the cost of a task with transfer.",
            "Divide by what a task saves, `from_scratch - with_transfer`.",
            lambda p, t, s: math.ceil(p / t),
        ),
        Misconception(
            "one-too-few",
            "You return one task fewer than it takes.",
            "Check with a small case: 100 once, saving 50 a task, has come back after 2 tasks.",
            _paying(lambda p, t, s: math.ceil(p / (s - t)) - 1),
        ),
        Misconception(
            "never-false",
            "Where transfer saves nothing you return False, which counts as 0 in arithmetic.",
            "Return None when `from_scratch <= with_transfer`.",
            _never(False),
        ),
        Misconception(
            "fraction",
            "You return a fraction of a task; tasks come whole.",
            "Round up: `math.ceil`.",
            _paying(lambda p, t, s: p / (s - t)),
        ),
        Misconception(
            "rounded-down",
            "You round down (`//` or `int`): with one task fewer than needed, pretraining is still at a loss.",
            "Round up: `math.ceil`.",
            _paying(lambda p, t, s: p // (s - t)),
        ),
        Misconception(
            "rounded-nearest",
            "You round to the nearest whole number, which is one too few half of the time.",
            "Round up: `math.ceil`.",
            _paying(lambda p, t, s: round(p / (s - t))),
        ),
        Misconception(
            "one-too-many",
            "Where the division is exact you are one task too high: equal totals count as paid.",
            "Compare with <=, or use `math.ceil(pretraining / saved)` alone.",
            _paying(lambda p, t, s: p // (s - t) + 1),
        ),
        Misconception(
            "adds-costs",
            "You divide by the sum of the two costs; what counts is what one task saves.",
            "Divide by `from_scratch - with_transfer`.",
            lambda p, t, s: math.ceil(p / (s + t)),
        ),
        Misconception(
            "never-infinite",
            "Where transfer saves nothing you return infinity; the exercise asks for None, which nobody can calculate on "
            "by mistake.",
            "Return None when `from_scratch <= with_transfer`.",
            _never(math.inf),
        ),
        Misconception(
            "never-zero",
            "Where transfer saves nothing you return 0, as if it had paid before the first task.",
            "Return None when `from_scratch <= with_transfer`.",
            _never(0),
        ),
        Misconception(
            "never-minus-one",
            "Where transfer saves nothing you return -1; a reader may calculate on with it.",
            "Return None when `from_scratch <= with_transfer`.",
            _never(-1),
        ),
    ),
)


def _judge_costs(evidence: Evidence, rng: np.random.Generator) -> list[Finding]:
    calls = evidence["calls"]
    *usual, equal, dearer = calls
    if equal.get("error", {}).get("type") == "ZeroDivisionError" and all("value" in record for record in usual):
        return [
            Finding(
                "saves-nothing",
                False,
                "Where a task costs the same with and without transfer, your function divides by zero.",
                "Before dividing: if nothing is saved, return None.",
                2,
            )
        ]
    for record, always in ((equal, False), (dearer, True)):
        if "error" in record and record["error"]["inside"] and all("value" in other for other in usual):
            case = "costs more with transfer" if always else "costs the same with and without transfer"
            return [
                Finding(
                    "never-raises",
                    False,
                    f"Where a task {case}, your function stops with {record['error']['type']}.",
                    "Return None when `from_scratch <= with_transfer`.",
                    2,
                )
            ]
    cases = _costs(rng)
    if all("value" in record for record in calls):
        negative = dearer["value"]
        right_else = all(
            _BREAK_EVEN.agree(record["value"], break_even_tasks(*case))
            for record, case in zip(calls[:-1], cases[:-1], strict=True)
        )
        if (
            right_else and isinstance(negative, int | float) and negative < 0 and negative != -1
        ):  # -1 has its own message
            return [
                Finding(
                    "negative-tasks",
                    False,
                    "Where a task costs more with transfer than without, you return a negative number of tasks.",
                    "Return None when `from_scratch <= with_transfer`.",
                    2,
                )
            ]
    if fault := unusable("break_even", calls, 2):
        return [fault]
    return [judge_question(_BREAK_EVEN, cases, calls)]


EXERCISES = (
    Exercise(
        id="is_it_transfer",
        title="Is it transfer?",
        lesson="01",
        points=3,
        minutes=4,
        difficulty=1,
        purpose="Tell transfer from things that look like it, with the definition in hand.",
        hints=(
            "Ask two questions of each situation: is there a second domain or task, and is something learned there used "
            "here?",
            "Two of the situations have one domain and one task only. One has nothing learned in it at all.",
            "What is used may stay frozen, and the target may have no label: three situations are transfer.",
        ),
        collect=_collect_transfer_quiz,
        judge=_judge_transfer_quiz,
    ),
    Exercise(
        id="seed_interval",
        title="How sure is a mean of five runs?",
        lesson="01",
        points=2,
        minutes=6,
        difficulty=2,
        purpose="A gap smaller than the noise is no gap: every comparison of the course carries this interval.",
        hints=(
            "You need three things: the mean, the spread of the runs, and a factor for how few runs there are.",
            "The spread of a sample is `np.std(values, ddof=1)`; that of its mean is smaller by the square root of n.",
            "reach = scipy.stats.t.ppf(0.975, n - 1) * np.std(values, ddof=1) / np.sqrt(n); return mean - reach, mean + "
            "reach.",
        ),
        collect=_collect_interval,
        judge=_judge_interval,
    ),
    Exercise(
        id="curve_benefits",
        title="Start, slope, asymptote",
        lesson="01",
        points=3,
        minutes=8,
        difficulty=2,
        purpose="Turn 'transfer helps' into three numbers that can be compared.",
        hints=(
            "Each of the three is a number read off the transfer curve minus the same number read off the scratch curve.",
            "Write a small inner function for each number, such as `def slope(curve)`, and call it for both curves.",
            "slope(curve) = (curve[2] - curve[0]) / (steps[2] - steps[0]); the end of a curve is curve[-3:].mean().",
        ),
        collect=_collect_benefits,
        judge=_judge_benefits,
    ),
    Exercise(
        id="labels_needed",
        title="What an accuracy costs in labels",
        lesson="01",
        points=2,
        minutes=10,
        difficulty=3,
        purpose="Labels are money: read off a curve how many a wanted accuracy takes.",
        hints=(
            "First find the first measurement that reaches the target. What if it is the very first one? What if there is "
            "none?",
            "Between the point before (x0, y0) and that point (x1, y1) the line crosses the target after the share "
            "(target - y0) / (y1 - y0) of the way.",
            "Loop over i: if accuracies[i] >= target, return labels[0] when i == 0, else x0 + share * (x1 - x0). After "
            "the loop return None.",
        ),
        collect=_collect_labels,
        judge=_judge_labels,
    ),
    Exercise(
        id="break_even",
        title="When does pretraining pay?",
        lesson="01",
        points=2,
        minutes=5,
        difficulty=2,
        purpose="Pretraining is an investment: know after how many tasks it has come back.",
        hints=(
            "What does one task save? How many such savings pay for the pretraining?",
            "Tasks come whole, so round up, and a task that saves nothing never pays: return None there.",
            "saved = from_scratch - with_transfer; None if saved <= 0, else math.ceil(pretraining / saved).",
        ),
        collect=_collect_costs,
        judge=_judge_costs,
    ),
)
