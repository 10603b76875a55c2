"""Exercises of lesson 08, four-scenarios."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain, product
from typing import Any

import numpy as np

from tlcourse.checks.collecting import call, each
from tlcourse.checks.exercise import Evidence, Exercise, Finding
from tlcourse.checks.judging import Misconception, Question, judge_question, one_number, unusable
from tlcourse.measure.borders import crossing_size
from tlcourse.measure.stored_results import stored
from tlcourse.measure.validators import regret

STRATEGIES = ("frozen features", "first layers frozen", "fine-tune all", "from scratch")


# --- measure_similarity ---------------------------------------------------------------------------------------------

_FEATURES = 6
_ROWS = 60
_SHIFTS = (0.0, 1.0, 3.0)  # of half the features, in standard deviations
_SIMILARITY_POINTS = 2
_WOBBLE = 0.35  # of the range from near to far that a value may move where nothing but sampling has changed


def _similarity_cases(rng: np.random.Generator) -> list[tuple[np.ndarray, np.ndarray]]:
    """Near, middle, far; near again; middle and far in other units; far with half of the target's rows."""
    scale, base = np.exp(rng.normal(0, 0.5, _FEATURES)), rng.uniform(2, 4, _FEATURES)
    moved = rng.permutation(np.repeat([1.0, 0.0], _FEATURES // 2)) * rng.choice([-1.0, 1.0], _FEATURES)

    def rows(shift: float) -> np.ndarray:
        return (base + rng.normal(0, 1, (_ROWS, _FEATURES)) + shift * moved) * scale

    source = rows(0)
    near, middle, far = (rows(shift) for shift in _SHIFTS)
    units = 10.0 ** rng.permutation(np.linspace(-2, 1, _FEATURES))
    units[rng.choice(np.flatnonzero(moved == 0))] = 100  # the feature with the largest numbers tells nothing
    return [
        (source, near),
        (source, middle),
        (source, far),
        (source, near),
        (source * units, middle * units),
        (source * units, far * units),
        (source, far[: _ROWS // 2]),
    ]


def _collect_similarity(answer: Any, rng: np.random.Generator) -> Evidence:
    return {"calls": each(answer, _similarity_cases(rng))}


def _judge_similarity(evidence: Evidence, rng: np.random.Generator) -> list[Finding]:
    calls = evidence["calls"]
    if fault := _pairs_rows(calls) or unusable("measure_similarity", calls, _SIMILARITY_POINTS):
        return [fault]
    values = [one_number(record["value"]) for record in calls]
    if any(isinstance(value, bool) or not isinstance(value, int | float) for value in values):
        message = "`measure_similarity` must return one number; here it returns several, or something else."
        return [_similarity_fault("not-one-number", message, "Average over features and rows until one is left.")]
    if not all(map(math.isfinite, values)):
        message = "The similarity of two sets of finite features is NaN or infinite."
        return [_similarity_fault("not-finite", message, "Look for a division by a spread or a distance of 0.")]
    return [_similarity_verdict(values)]


def _similarity_fault(code: str, message: str, cure: str) -> Finding:
    return Finding(code, False, message, cure, _SIMILARITY_POINTS)


def _pairs_rows(calls: Sequence[Evidence]) -> Finding | None:
    """A finding where only the call with fewer target rows failed: then rows were paired."""
    if "error" in calls[-1] and not any("error" in record for record in calls[:-1]):
        message = (
            f"It works for two sets of {_ROWS} rows and fails for {_ROWS} and {_ROWS // 2}: row i is paired with row i."
        )
        return _similarity_fault("pairs-rows", message, "Summarise each set by itself first, such as by its mean.")
    return None


def _similarity_verdict(values: Sequence[float]) -> Finding:
    near, middle, far, again, middle_units, far_units, fewer = values
    reach = near - far
    shown = f"near {near:.3g}, middle {middle:.3g}, far {far:.3g}"
    allowed = _WOBBLE * abs(reach)
    if max(near, middle, far) - min(near, middle, far) <= 1e-6 * abs(near) + 1e-12:
        return _similarity_fault(
            "blind-to-shift",
            f"The target moves away from the source and the value stays: {shown}.",
            "Standardise both sets with the *source's* mean and spread. Each with its own makes all means 0.",
        )
    if abs(again - near) > 0.15 * abs(reach) + 1e-9:
        return _similarity_fault(
            "unstable",
            f"The same two sets get {near:.3g} once and {again:.3g} the next time.",
            "Use no random numbers, or a generator with a fixed seed.",
        )
    if near < middle < far:
        return _similarity_fault(
            "distance-not-similarity",
            f"The value grows as the target moves away ({shown}): it is a distance.",
            "Turn it round: minus the distance, or 1 / (1 + distance).",
        )
    if not near > middle > far:
        return _similarity_fault(
            "not-ordered",
            f"A target that moves away steadily must look ever less similar; here it gets {shown}.",
            "Compare where the two sets lie, feature by feature, such as by their standardised means.",
        )
    if max(abs(middle_units - middle), abs(far_units - far)) > allowed:
        return _similarity_fault(
            "depends-on-units",
            f"Multiplying features by constants, in both sets alike, changes the far pair from {far:.3g} to {far_units:.3g}.",
            "Divide each feature's difference by its spread in the source: then a unit cancels.",
        )
    if abs(fewer - far) > allowed:
        return _similarity_fault(
            "depends-on-size",
            f"With half of the target's rows the value goes from {far:.3g} to {fewer:.3g}.",
            "Take means over rows, not sums.",
        )
    right = f"Similarity falls as the target moves away ({shown}), whatever the units and the number of images."
    return Finding("measure-similarity", True, right, "", _SIMILARITY_POINTS)


# --- choose_frozen --------------------------------------------------------------------------------------------------

_FROZEN_POINTS = 3
_FEWEST_SPLITS = 3


@dataclass
class _Scores:
    """What networks with k frozen layers reach on held-out rows, made up: the same for the same question.

    One k is lucky: on the first split that is asked it beats the best, on all others it does not.
    """

    best: dict[int, float]
    lucky: int | None
    noise: int

    def value(self, k: int, fit: Sequence[int], held: Sequence[int], first: bool) -> float:
        split = np.random.default_rng([self.noise, len(fit), *sorted(held)])
        luck = (0.15 if first else -0.03) if k == self.lucky else 0.0
        return round(self.best[k] + float(split.uniform(-0.03, 0.03)) + luck, 4)


def _frozen_cases(rng: np.random.Generator) -> list[tuple[np.ndarray, tuple[int, ...], _Scores]]:
    """A best k with a lucky rival; then two k that tie."""
    cases = []
    for tie in (False, True):
        labels = rng.permutation(np.repeat(np.arange(4), 10))
        candidates = tuple(sorted(rng.choice(np.arange(1, 8), 4, replace=False).tolist()))
        order = rng.permutation(candidates).tolist()
        best = dict(zip(order, (0.8, 0.74, 0.6, 0.5), strict=True))
        if tie:
            best[order[1]] = best[order[0]]
        cases.append((labels, candidates, _Scores(best, None if tie else order[1], int(rng.integers(2**31)))))
    return cases


def _collect_frozen(answer: Any, rng: np.random.Generator) -> Evidence:
    return {"runs": [_recorded(answer, *case) for case in _frozen_cases(rng)]}


def _recorded(answer: Any, labels: np.ndarray, candidates: tuple[int, ...], scores: _Scores) -> Evidence:
    """The answer's value, and every question that it asked of `score`."""
    asked: list[Evidence] = []
    first_split: list[list[int]] = []

    def score(k: int, fit_rows: Any, held_rows: Any) -> float:
        fit, held = (_as_rows(rows, len(labels)) for rows in (fit_rows, held_rows))
        if k not in scores.best:
            raise ValueError(f"k = {k} is none of the candidates {candidates}")
        first_split[:] = first_split or [sorted(held)]
        asked.append({"k": int(k), "fit": np.array(fit, np.int64), "held": np.array(held, np.int64)})
        if len(asked) > 500:
            raise ValueError("score was called more than 500 times")
        return scores.value(int(k), fit, held, sorted(held) == first_split[0])

    return {"call": call(answer, labels.copy(), candidates, score), "asked": asked}


def _as_rows(rows: Any, n: int) -> list[int]:
    """Row numbers, also from a boolean mask."""
    array = np.asarray(rows)
    if array.dtype == bool and array.shape == (n,):
        array = np.flatnonzero(array)
    if array.ndim != 1 or array.dtype.kind not in "iu" or not len(array) or array.min() < 0 or array.max() >= n:
        raise ValueError(f"rows must be whole numbers from 0 to {n - 1}, at least one")
    return [int(row) for row in array]


def _judge_frozen(evidence: Evidence, rng: np.random.Generator) -> list[Finding]:
    runs, cases = evidence["runs"], _frozen_cases(rng)
    if fault := unusable("choose_frozen", [run["call"] for run in runs], _FROZEN_POINTS):
        return [fault]
    pairs = list(zip(runs, cases, strict=True))
    splits = (_split_fault(run["asked"], labels, candidates) for run, (labels, candidates, _) in pairs)
    choices = (_choice_fault(run, candidates, scores) for run, (_, candidates, scores) in pairs)
    if mistake := next(filter(None, chain(splits, choices)), None):  # the choice matters once the splits are sound
        code, message, cure = mistake
        return [Finding(code, False, message, cure, _FROZEN_POINTS)]
    right = "Every k was scored on the same held-out rows, several times, and the best mean was chosen."
    return [Finding("choose-frozen", True, right, "", _FROZEN_POINTS)]


Fault = tuple[str, str, str]


def _split_fault(asked: Sequence[Evidence], labels: np.ndarray, candidates: tuple[int, ...]) -> Fault | None:
    """What is wrong with how the rows were split."""
    if not asked:
        cure = "Call `score(k, fit_rows, held_rows)` for each candidate."
        return "never-scores", "`score` was never called: nothing was measured.", cure
    for one in asked:
        both = set(one["fit"].tolist()) & set(one["held"].tolist())
        if both:
            message = f"{len(both)} of the {len(one['held'])} held-out rows were also trained on: that measures memory."
            return "leak", message, "A row belongs to one of the two parts: `np.setdiff1d(all_rows, held)`."
        missing = set(labels.tolist()) - set(labels[one["held"]].tolist())
        if missing or set(labels.tolist()) - set(labels[one["fit"]].tolist()):
            message = "A part of a split has no image of some class: its accuracy says nothing about that class."
            return (
                "class-missing",
                message,
                "Split each class by itself, such as with sklearn's `StratifiedShuffleSplit`.",
            )
    splits = _splits(asked)
    if unscored := [k for k in candidates if k not in splits]:
        return "candidates-left-out", f"k = {unscored[0]} was never scored.", "Loop over all of `candidates`."
    if len({frozenset(held) for held in splits.values()}) > 1:
        message = "The candidates were scored on different held-out rows, so a lucky split counts as a good k."
        return "splits-differ", message, "Draw the splits once, before the loop over k."
    fewest = min(map(len, splits.values()))
    if fewest < _FEWEST_SPLITS:
        message = f"Each k was scored on {fewest} split{'s' * (fewest > 1)}. One lucky split decides."
        return "too-few-splits", message, f"Take at least {_FEWEST_SPLITS} different splits and compare the means."
    return None


def _splits(asked: Sequence[Evidence]) -> dict[int, set[tuple[int, ...]]]:
    """k -> the different sets of held-out rows that it was scored on."""
    found: dict[int, set[tuple[int, ...]]] = {}
    for one in asked:
        found.setdefault(one["k"], set()).add(tuple(sorted(one["held"].tolist())))
    return found


def _choice_fault(run: Evidence, candidates: tuple[int, ...], scores: _Scores) -> Fault | None:
    """What is wrong with the k that was returned."""
    means, highest = _scored(run["asked"], scores)
    chosen = one_number(run["call"]["value"])
    if chosen not in candidates or isinstance(chosen, bool):
        message = f"{chosen!r} is none of the candidates {candidates}."
        return "not-a-candidate", message, "Return the k itself, not its place in the list or its accuracy."
    top = max(means.values())
    best = [k for k in candidates if means[k] > top - 1e-9]
    if chosen == max(best):
        return None
    if chosen in best:
        message = f"k = {best[0]} and k = {best[-1]} tie, and you took k = {chosen}."
        return "tie-trains-more", message, "Among equals take the largest k: it trains least. Use >= in the comparison."
    if chosen == min(candidates, key=means.__getitem__):
        return "lowest", f"k = {chosen} has the *lowest* mean.", "Take the highest: `max`, or sort the other way."
    if chosen == max(candidates, key=highest.__getitem__):
        message = f"k = {chosen} has the best single run and not the best mean."
        return "best-single-run", message, "Average over the splits before you compare."
    message = f"You chose k = {chosen} with a mean of {means[chosen]:.3f}; k = {max(best)} has {top:.3f}."
    return "not-the-best", message, "Return the candidate with the highest mean over the splits."


def _scored(asked: Sequence[Evidence], scores: _Scores) -> tuple[dict[int, float], dict[int, float]]:
    """(k -> mean, k -> highest) of what `score` answered, computed anew."""
    first = sorted(asked[0]["held"].tolist())
    values: dict[int, dict[tuple[int, ...], float]] = {}
    for one in asked:
        held = sorted(one["held"].tolist())
        value = scores.value(one["k"], one["fit"].tolist(), held, held == first)
        values.setdefault(one["k"], {})[tuple(held)] = value
    return (
        {k: float(np.mean(list(found.values()))) for k, found in values.items()},
        {k: max(found.values()) for k, found in values.items()},
    )


# --- border_size ----------------------------------------------------------------------------------------------------


def _border_cases(rng: np.random.Generator) -> list[tuple[Any, ...]]:
    """A gap that falls through zero, one that rises, one that crosses twice, one that never does."""
    cases = []
    for signs in ((1, 1, -1, -1), (-1, 1, 1, 1), (1, -1, -1, 1), (1, 1, 1, 1)):
        sizes = np.cumprod(rng.uniform(2, 5, 4)) * rng.uniform(1, 3)
        heights = rng.uniform(0.02, 0.2, 4)
        cases.append((np.round(sizes, 1).tolist(), np.round(heights * signs, 3).tolist()))
    return cases


def _collect_border(answer: Any, rng: np.random.Generator) -> Evidence:
    return {"calls": each(answer, _border_cases(rng))}


def _at(place: Callable[[np.ndarray, np.ndarray, int], float | None], never: Any = None) -> Callable[..., Any]:
    """A model: `place(sizes, gaps, left)` for the first interval in which the gap changes its sign."""

    def model(sizes: Sequence[float], gaps: Sequence[float]) -> Any:
        x, y = np.asarray(sizes), np.asarray(gaps)
        lefts = np.flatnonzero(y[:-1] * y[1:] <= 0)
        if not len(lefts):
            return never(x, y) if callable(never) else never
        value = place(x, y, int(lefts[0]))
        return None if value is None else float(value)

    return model


def _linear(x: np.ndarray, y: np.ndarray, i: int) -> float:
    return x[i] + y[i] / (y[i] - y[i + 1]) * (x[i + 1] - x[i])


def _logarithmic(x: np.ndarray, y: np.ndarray, i: int) -> float:
    return float(np.exp(_linear(np.log(x), y, i)))


def _last(x: np.ndarray, y: np.ndarray, i: int) -> float:
    return _logarithmic(x, y, int(np.flatnonzero(y[:-1] * y[1:] <= 0)[-1]))


def _extrapolated(x: np.ndarray, y: np.ndarray) -> float:
    slope = (y[-1] - y[-2]) / (np.log(x[-1]) - np.log(x[-2]))
    return float(np.exp(np.log(x[-1]) - y[-1] / slope))


_BORDER = Question(
    code="border-size",
    right="The first size at which the gap passes zero, on a logarithmic scale; None where it never does.",
    reference=crossing_size,
    points=2,
    names=("sizes", "gaps"),
    part=one_number,
    misconceptions=(
        Misconception(
            "linear-scale",
            "You draw the straight line over the size itself. Sizes grow by factors, so the line belongs over their "
            "logarithm.",
            "Interpolate between `np.log(sizes)`, and take `np.exp` of the result.",
            _at(_linear),
        ),
        Misconception(
            "logarithm-returned",
            "You return the logarithm of the size.",
            "Take `np.exp` of it (or 10 ** it, for log10).",
            _at(lambda x, y, i: np.log(_logarithmic(x, y, i))),
        ),
        Misconception(
            "logarithm-returned",
            "You return the logarithm of the size.",
            "Take `np.exp` of it (or 10 ** it, for log10).",
            _at(lambda x, y, i: np.log10(_logarithmic(x, y, i))),
        ),
        Misconception(
            "size-before",
            "You return the last measured size before the gap changes its sign: the border lies between two sizes.",
            "Interpolate between it and the next one.",
            _at(lambda x, y, i: x[i]),
        ),
        Misconception(
            "size-after",
            "You return the first measured size after the gap has changed its sign: the border lies between two sizes.",
            "Interpolate between it and the one before.",
            _at(lambda x, y, i: x[i + 1]),
        ),
        Misconception(
            "middle",
            "You return the middle of the two sizes around the change of sign, whatever the gaps are there.",
            "Let the gaps decide: the smaller one lies nearer to the border.",
            _at(lambda x, y, i: np.sqrt(x[i] * x[i + 1])),
        ),
        Misconception(
            "middle",
            "You return the middle of the two sizes around the change of sign, whatever the gaps are there.",
            "Let the gaps decide: the smaller one lies nearer to the border.",
            _at(lambda x, y, i: (x[i] + x[i + 1]) / 2),
        ),
        Misconception(
            "smallest-gap",
            "You return the measured size with the smallest gap.",
            "Find the two neighbours of different sign, and interpolate between them.",
            lambda sizes, gaps: float(sizes[int(np.argmin(np.abs(gaps)))]),
        ),
        Misconception(
            "position",
            "You return a position in the list, not a size.",
            "Use it as an index into `sizes`, and interpolate.",
            _at(lambda x, y, i: i),
        ),
        Misconception(
            "last-crossing",
            "Where the gap crosses zero twice you return the last crossing.",
            "Stop at the first change of sign.",
            _at(_last),
        ),
        Misconception(
            "falling-only",
            "You find gaps that fall through zero, and miss those that rise.",
            "Ask whether the two neighbours have different signs: their product is negative.",
            _at(lambda x, y, i: _logarithmic(x, y, i) if y[i] > 0 else None),
        ),
        Misconception(
            "weights-exchanged",
            "The two gaps have exchanged their places: the border comes out nearer to the *larger* gap.",
            "The share of the way is gaps[i] / (gaps[i] - gaps[i + 1]), counted from the size before.",
            _at(lambda x, y, i: np.exp(np.log(x[i]) + y[i + 1] / (y[i + 1] - y[i]) * np.log(x[i + 1] / x[i]))),
        ),
        Misconception(
            "last-size-for-none",
            "Where the gap never crosses zero you return the last size, as if the border were there.",
            "Return None: the border was not found among the sizes measured.",
            _at(_logarithmic, lambda x, y: float(x[-1])),
        ),
        Misconception(
            "zero-for-none",
            "Where the gap never crosses zero you return 0.",
            "Return None: the border was not found among the sizes measured.",
            _at(_logarithmic, 0.0),
        ),
        Misconception(
            "extrapolates",
            "Where the gap never crosses zero you prolong the last line beyond the sizes measured.",
            "Return None: nothing was measured there.",
            _at(_logarithmic, _extrapolated),
        ),
    ),
)


def _judge_border(evidence: Evidence, rng: np.random.Generator) -> list[Finding]:
    calls = evidence["calls"]
    if fault := unusable("border_size", calls, _BORDER.points):
        return [fault]
    return [judge_question(_BORDER, _border_cases(rng), calls)]


# --- choose_strategy ------------------------------------------------------------------------------------------------

_CHOOSER_POINTS = 3
_ASKED = 10  # of the unseen tasks, drawn by the seed; each once where training is cheap and once where it is dear
_CHEAP, _DEAR = (0.005, 0.012), (0.18, 0.22)
_MOST_REGRET, _MOST_SHOWN = 0.015, 0.025  # on average over unseen tasks, and on each task of the lesson's table
_GRID = ((2, 5, 10, 50, 200), (0.0, 0.2, 0.4, 0.6, 0.8), (0.0, 0.02, 0.2))
_PROBES = list(product(*_GRID))


@dataclass(frozen=True)
class _Task:
    """A target task: what a chooser is told of it, and what each strategy reaches there."""

    name: str
    per_class: int
    similarity: float
    accuracies: dict[str, float]


@dataclass(frozen=True)
class _Asked:
    """A task with a price: what training the whole network must earn."""

    task: _Task
    similarity: float
    price: float

    @property
    def values(self) -> dict[str, float]:
        """What each strategy is worth: its accuracy less its share of the price."""
        share = stored("scenarios").figures["share"]
        return {name: accuracy - share[name] * self.price for name, accuracy in self.task.accuracies.items()}

    def regret(self, chosen: str) -> float:
        """What a choice is worth less than the best."""
        return regret([name == chosen for name in STRATEGIES], [self.values[name] for name in STRATEGIES])


@cache
def _unseen() -> tuple[_Task, ...]:
    """Tasks that the lesson does not show."""
    return tuple(
        _Task(
            row["task"],
            row["per_class"],
            1 - float(np.mean(row["distance"])) / 2,
            {name: float(np.mean(runs)) for name, runs in row["accuracy"].items()},
        )
        for row in stored("scenarios").figures["unseen"]
    )


@cache
def _shown_tasks() -> tuple[_Task, ...]:
    """The eight tasks of the lesson's table."""
    figures = stored("scenarios").figures
    return tuple(
        _Task(
            world,
            int(size),
            1 - float(np.mean(figures["distance"][world])) / 2,
            {name: float(np.mean(runs)) for name, runs in cell.items()},
        )
        for world, sizes in figures["sizes"].items()
        for size, cell in sizes.items()
    )


def _chooser_cases(rng: np.random.Generator) -> tuple[list[_Asked], list[_Asked]]:
    """(unseen tasks, tasks of the table), each at a low price and a high one, its similarity as one measurement has it."""
    tasks = _unseen()
    unseen = [tasks[i] for i in rng.permutation(len(tasks))[:_ASKED]]
    return _priced(unseen, rng), _priced(_shown_tasks(), rng)


def _priced(tasks: Sequence[_Task], rng: np.random.Generator) -> list[_Asked]:
    cases = []
    for task in tasks:
        similarity = float(np.clip(task.similarity + rng.normal(0, 0.01), 0, 1))
        for low, high in (_CHEAP, _DEAR):
            cases.append(_Asked(task, round(similarity, 3), round(float(rng.uniform(low, high)), 3)))
    return cases


def _collect_chooser(answer: Any, rng: np.random.Generator) -> Evidence:
    unseen, shown = _chooser_cases(rng)
    asked = [(case.task.per_class, case.similarity, case.price) for case in (*unseen, *shown)]
    return {"calls": each(answer, asked), "probes": each(answer, list(_PROBES))}


def _judge_chooser(evidence: Evidence, rng: np.random.Generator) -> list[Finding]:
    records = [*evidence["calls"], *evidence["probes"]]
    if fault := unusable("choose_strategy", records, _CHOOSER_POINTS):
        return [fault]
    answers = [_strategy(one_number(record["value"])) for record in records]
    if None in answers:
        given = one_number(records[answers.index(None)]["value"])
        message = f"`choose_strategy` returned {given!r}, which is no strategy."
        cure = f"Return one of {', '.join(map(repr, STRATEGIES))}."
        return [Finding("unknown-strategy", False, message, cure, _CHOOSER_POINTS)]
    (unseen, shown), names = _chooser_cases(rng), [str(name) for name in answers]
    cases, probes = [*unseen, *shown], names[len(unseen) + len(shown) :]
    lost = [case.regret(name) for case, name in zip(cases, names, strict=False)]
    mean, most = float(np.mean(lost[: len(unseen)])), max(lost[len(unseen) :])
    if mean <= _MOST_REGRET and most <= _MOST_SHOWN:
        right = (
            f"On {_ASKED} unseen tasks your choices lose {mean:.3f} on average; {_MOST_REGRET:g} was allowed. On the "
            f"tasks of the table they lose {most:.3f} at most."
        )
        return [Finding("choose-strategy", True, right, "", _CHOOSER_POINTS)]
    if mean > _MOST_REGRET:
        worst = int(np.argmax(lost[: len(unseen)]))
        start = f"Your choices lose {mean:.3f} on average ({_MOST_REGRET:g} is allowed), most on an unseen task"
    else:
        worst = lost.index(most, len(unseen))
        start = f"On a task of the lesson's table your choice loses more than {_MOST_SHOWN:g}"
    code, advice = _habit(probes)
    return [Finding(code, False, f"{start}: {_where(cases[worst], names[worst])}", advice, _CHOOSER_POINTS)]


def _strategy(value: Any) -> str | None:
    """The strategy that is meant, in any case of letters."""
    return next((name for name in STRATEGIES if isinstance(value, str) and value.strip().lower() == name), None)


def _where(case: _Asked, chosen: str) -> str:
    best = max(case.values, key=case.values.__getitem__)
    return (
        f"{case.task.name!r}, {case.task.per_class} a class, similarity {case.similarity:.2f}, price {case.price:.2f}. "
        f"{chosen!r} is worth {case.values[chosen]:.3f} there and {best!r} {case.values[best]:.3f}: "
        f"{case.regret(chosen):.3f} lost."
    )


def _habit(probes: Sequence[str]) -> tuple[str, str]:
    """(code, advice) for how an answer goes over sizes, similarities and prices: constant, or deaf to one of them."""
    table = np.array(probes).reshape([len(values) for values in _GRID])
    if len(set(probes)) == 1:
        advice = "No single strategy suits all: weigh what training gains against its price."
        return f"always-{probes[0].replace(' ', '-')}", advice
    if (table == table[..., :1]).all():
        return "ignores-price", "What training gains must exceed its price: compare the two."
    if _trains_when_dear(table):
        return "price-turned-round", "A high price speaks for frozen features, a low one for training."
    if (table == table[:1, :1]).all():
        advice = (
            "You look at the price alone. In which cells of the table does training gain nothing even if it is free?"
        )
        return "looks-at-price-alone", advice
    if (table == table[:1]).all():
        return "ignores-size", "Compare the rows of the table for one target: the gain changes with the size."
    if (table == table[:, :1]).all():
        return "ignores-similarity", "Compare the same size in the two halves of the table: the gains differ."
    return (
        "regret-too-high",
        "Read off the lesson's table what training gains at which size, and compare it with the price.",
    )


def _trains_when_dear(table: np.ndarray) -> bool:
    """Whether training is chosen more often at the highest price than at none."""
    trained = table != STRATEGIES[0]
    return int(trained[..., -1].sum()) > int(trained[..., 0].sum())


EXERCISES = (
    Exercise(
        id="measure_similarity",
        title="How alike are source and target?",
        lesson="08",
        points=2,
        minutes=8,
        difficulty=2,
        purpose="One of the two numbers by which a strategy is chosen, from features alone.",
        hints=(
            "Where does each set of features lie? Two means say so; how far are they apart?",
            "A feature with large numbers must not count more: divide each difference by that feature's spread in the source.",
            "Average the standardised differences, and turn the distance round so that more alike means higher.",
            "`gap = np.abs(target.mean(0) - source.mean(0)) / source.std(0)`; return `-gap.mean()`.",
        ),
        collect=_collect_similarity,
        judge=_judge_similarity,
    ),
    Exercise(
        id="choose_frozen",
        title="How many layers to freeze?",
        lesson="08",
        points=3,
        minutes=10,
        difficulty=3,
        purpose="Choose a setting on the training images alone, without being taken in by a lucky split.",
        hints=(
            "Which images may decide? Not the test images: hold out some of the training images, a few times.",
            "Draw three or more splits first. Then score every k on each of them, and average.",
            "`sklearn.model_selection.StratifiedKFold(4, shuffle=True, random_state=0).split(labels, labels)` gives pairs "
            "(fit rows, held-out rows) with every class in both.",
            "`means = [np.mean([score(k, fit, held) for fit, held in splits]) for k in candidates]`. Of the k with the "
            "highest mean return the largest.",
        ),
        collect=_collect_frozen,
        judge=_judge_frozen,
    ),
    Exercise(
        id="border_size",
        title="The size at which the winner changes",
        lesson="08",
        points=2,
        minutes=8,
        difficulty=2,
        purpose="Read a border off measured gaps, and see where there is none to read.",
        hints=(
            "Between which two neighbouring sizes does the gap change its sign?",
            "From gap a to gap b of another sign, zero is reached after the share a / (a - b) of the way.",
            "Go that share of the way from log(size before) to log(size after), and take the exponential.",
            "`for i in range(len(sizes) - 1): if gaps[i] * gaps[i + 1] < 0: ...`; after the loop, `return None`.",
        ),
        collect=_collect_border,
        judge=_judge_border,
    ),
    Exercise(
        id="choose_strategy",
        title="A strategy chooser",
        lesson="08",
        points=3,
        minutes=10,
        difficulty=2,
        purpose="Turn the borders into a rule, and have it judged on tasks that it has not seen.",
        hints=(
            "First without a price: does any strategy that trains beat frozen features, and by how much?",
            "Training pays where its gain is larger than its share of the price: half of it with the first layers frozen.",
            "In the table the gains lie far below 0.1, in most cells above 0.02. In which corner does training gain nothing?",
            "`gain = 0 if n_per_class < 6 and similarity > 0.4 else 0.04`; then compare the gain with its share of the price.",
        ),
        collect=_collect_chooser,
        judge=_judge_chooser,
    ),
)
