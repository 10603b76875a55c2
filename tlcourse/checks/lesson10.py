"""Exercises of lesson 10, when-it-fails."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from tlcourse.checks.collecting import each
from tlcourse.checks.exercise import Evidence, Exercise, Finding
from tlcourse.checks.judging import (
    Misconception,
    Question,
    entries_missing,
    judge_in_turn,
    judge_question,
    one_number,
    same,
    same_or_nan,
    unusable,
)


def _of_key(*keys: str) -> Callable[[Any], Any]:
    """Picks entries out of a returned dict, as a list of numbers or words."""
    return lambda value: [one_number(value[key]) for key in keys]


# --- detect_negative_transfer ---------------------------------------------------------------------------------------

_ENDS = ("gap", "low", "high")
# (seeds, t of the paired differences): clear losses and gains, and ties on both sides. The ties of five seeds lie beyond
# the quantile of the normal distribution, and beyond the one-sided one.
_GAP_CASES = ((6, -6.0), (5, -2.35), (8, 5.0), (7, -1.2), (5, 2.5), (6, 1.1), (9, -4.0))


def _score_cases(rng: np.random.Generator) -> list[tuple[Any, ...]]:
    """Validation accuracies of two arms: seeds differ much, pairs little, so that only paired differences tell."""
    cases = []
    for n, t in (_GAP_CASES[i] for i in rng.permutation(len(_GAP_CASES))):
        noise = rng.normal(0, 1, n)
        noise = (noise - noise.mean()) / noise.std(ddof=1)
        differences = rng.uniform(0.008, 0.014) * (noise + t / np.sqrt(n))
        scratch = rng.uniform(0.6, 0.75) + rng.uniform(0.07, 0.1) * rng.uniform(-1, 1, n)
        cases.append((scratch + differences, scratch))
    return cases


def _collect_negative(answer: Any, rng: np.random.Generator) -> Evidence:
    return {"calls": each(answer, _score_cases(rng))}


def _quantile(share: float, degrees: float) -> float:
    from scipy import stats

    return float(stats.t.ppf(share, degrees))


def _ends(gap: float, reach: float) -> list[float]:
    return [float(gap), float(gap - reach), float(gap + reach)]


def _paired(times: Callable[[int], float], ddof: int = 1) -> Callable[..., list[float]]:
    """Mean paired difference and its interval: `times` standard deviations to each side."""
    return lambda s, c: _ends(np.mean(s - c), times(len(s)) * np.std(s - c, ddof=ddof))


def _t_times(n: int) -> float:
    return _quantile(0.975, n - 1) / float(np.sqrt(n))


def _unpaired(times: Callable[[np.ndarray, np.ndarray], float]) -> Callable[..., list[float]]:
    def interval(source: np.ndarray, scratch: np.ndarray) -> list[float]:
        error = np.sqrt((source.var(ddof=1) + scratch.var(ddof=1)) / len(source))
        return _ends(source.mean() - scratch.mean(), times(source, scratch) * error)

    return interval


def _welch_times(source: np.ndarray, scratch: np.ndarray) -> float:
    a, b = source.var(ddof=1), scratch.var(ddof=1)
    return _quantile(0.975, (len(source) - 1) * (a + b) ** 2 / (a**2 + b**2))


_UNPAIRED = (
    "unpaired",
    "The interval is that of two independent groups. These scores come in pairs: a hard draw of the data is hard for "
    "both arms, and that common luck hides the gap.",
    "Subtract first, seed by seed, and take the interval of the differences.",
)

_GAP = Question(
    code="gap-interval",
    right="The mean paired difference with Student's 95 % interval.",
    reference=_paired(_t_times),
    points=2,
    names=("source_scores", "scratch_scores"),
    part=_of_key(*_ENDS),
    misconceptions=(
        Misconception(
            "sign",
            "The difference is scratch minus source: a source that hurts would look like one that helps.",
            "Subtract the scratch scores from the source scores.",
            lambda s, c: _paired(_t_times)(c, s),
        ),
        Misconception(
            "ends-exchanged",
            "The upper end is called `low` and the lower end `high`.",
            "`low` is the gap minus the reach.",
            lambda s, c: [_paired(_t_times)(s, c)[i] for i in (0, 2, 1)],
        ),
        Misconception(*_UNPAIRED, _unpaired(lambda s, c: _quantile(0.975, 2 * len(s) - 2))),
        Misconception(*_UNPAIRED, _unpaired(_welch_times)),
        Misconception(*_UNPAIRED, _unpaired(lambda s, c: _quantile(0.975, len(s) - 1))),
        Misconception(*_UNPAIRED, _unpaired(lambda s, c: 1.959964)),
        Misconception(*_UNPAIRED, _unpaired(lambda s, c: 1.96)),
        Misconception(
            "normal-quantile",
            "The quantile is the normal distribution's 1.96. With a handful of seeds the standard deviation is itself a "
            "guess, and 1.96 makes the interval too short.",
            "Take Student's quantile: `scipy.stats.t.ppf(0.975, n - 1)`.",
            _paired(lambda n: 1.96 / float(np.sqrt(n))),
        ),
        Misconception(
            "normal-quantile",
            "The quantile is the normal distribution's 1.96. With a handful of seeds the standard deviation is itself a "
            "guess, and 1.96 makes the interval too short.",
            "Take Student's quantile: `scipy.stats.t.ppf(0.975, n - 1)`.",
            _paired(lambda n: 1.959964 / float(np.sqrt(n))),
        ),
        Misconception(
            "one-sided-quantile",
            "The quantile leaves 5 % on *each* side: this is a 90 % interval.",
            "A two-sided 95 % interval leaves 2.5 % on each side: `t.ppf(0.975, n - 1)`.",
            _paired(lambda n: _quantile(0.95, n - 1) / float(np.sqrt(n))),
        ),
        Misconception(
            "degrees-of-freedom",
            "Student's quantile is taken with n degrees of freedom; one is spent on the mean.",
            "Use n - 1 degrees of freedom.",
            _paired(lambda n: _quantile(0.975, n) / float(np.sqrt(n))),
        ),
        Misconception(
            "population-deviation",
            "The standard deviation divides by n. numpy does that unless told otherwise.",
            "Divide by n - 1: `np.std(differences, ddof=1)`.",
            _paired(_t_times, ddof=0),
        ),
        Misconception(
            "deviation-not-error",
            "The reach is made from the standard deviation of single runs, not from the standard error of their mean: "
            "more seeds would not make it shorter.",
            "Divide by the square root of the number of seeds.",
            _paired(lambda n: _quantile(0.975, n - 1)),
        ),
        Misconception(
            "divided-by-n",
            "The standard deviation is divided by n; a standard error divides by its square root.",
            "Divide by `np.sqrt(n)`.",
            _paired(lambda n: _quantile(0.975, n - 1) / n),
        ),
        Misconception(
            "one-standard-error",
            "The interval reaches one standard error to each side: it covers the truth only about two times in three.",
            "Multiply by Student's quantile, `t.ppf(0.975, n - 1)`.",
            _paired(lambda n: 1 / float(np.sqrt(n))),
        ),
        Misconception(
            "two-standard-errors",
            "Two standard errors are right for many seeds; for a handful they are too few.",
            "Multiply by Student's quantile, `t.ppf(0.975, n - 1)`.",
            _paired(lambda n: 2 / float(np.sqrt(n))),
        ),
        Misconception(
            "range-of-seeds",
            "The ends are the smallest and the largest difference: that range grows with more seeds.",
            "Take the mean plus and minus Student's quantile times the standard error.",
            lambda s, c: [float(np.mean(s - c)), float(np.min(s - c)), float(np.max(s - c))],
        ),
        Misconception(
            "relative-gap",
            "The differences are divided by the scratch scores: a relative gap.",
            "Subtract, and do not divide.",
            lambda s, c: _paired(_t_times)(s / c, np.ones(len(c))),
        ),
        Misconception(
            "percent",
            "Gap and ends are multiplied by 100.",
            "Leave them in the unit of the scores, from 0 to 1.",
            lambda s, c: [100 * value for value in _paired(_t_times)(s, c)],
        ),
        Misconception(
            "median-gap",
            "The gap is the median of the differences; the interval belongs to their mean.",
            "Take the mean of the differences.",
            lambda s, c: [float(np.median(s - c)), *_paired(_t_times)(s, c)[1:]],
        ),
    ),
)


def _verdict_of(rule: Callable[[float, float, float], str]) -> Callable[..., str]:
    return lambda s, c: rule(*_paired(_t_times)(s, c))


def _verdict(gap: float, low: float, high: float) -> str:
    return "hurts" if high < 0 else "helps" if low > 0 else "no gap"


_VERDICT = Question(
    code="verdict",
    right="A verdict only where the whole interval lies on one side of 0.",
    reference=_verdict_of(_verdict),
    points=1,
    names=("source_scores", "scratch_scores"),
    part=lambda value: value["verdict"],
    misconceptions=(
        Misconception(
            "mean-decides",
            "The verdict follows the mean alone; the interval takes no part. Noise of either sign becomes a verdict.",
            'Say "no gap" where the interval covers 0.',
            _verdict_of(lambda gap, low, high: "hurts" if gap < 0 else "helps"),
        ),
        Misconception(
            "words-exchanged",
            '"hurts" and "helps" are exchanged.',
            "The gap is source minus scratch: below 0 the source hurts.",
            _verdict_of(
                lambda g, low, high: {"hurts": "helps", "helps": "hurts"}.get(_verdict(g, low, high), "no gap")
            ),
        ),
        Misconception(
            "wrong-end",
            'You say "hurts" as soon as the *lower* end is below 0, also where the interval covers 0.',
            'It hurts where even the upper end is below 0: `"hurts" if high < 0`.',
            _verdict_of(lambda gap, low, high: "hurts" if low < 0 else "helps"),
        ),
        Misconception(
            "tie-helps",
            'A tie is called "helps": what was not shown to hurt has not been shown to help.',
            'Give the third verdict, "no gap", where the interval covers 0.',
            _verdict_of(lambda gap, low, high: "hurts" if high < 0 else "helps"),
        ),
        Misconception(
            "only-harm",
            'You never say "helps": a gain is "no gap", too.',
            'Say "helps" where the lower end is above 0.',
            _verdict_of(lambda gap, low, high: "hurts" if high < 0 else "no gap"),
        ),
        Misconception(
            "never-hurts",
            'You never say "hurts": every loss is "no gap".',
            'Say "hurts" where the upper end is below 0.',
            _verdict_of(lambda gap, low, high: "helps" if low > 0 else "no gap"),
        ),
        Misconception(
            "tie-never",
            "You say the opposite of a tie: a verdict where the interval covers 0, and none where it does not.",
            'Turn the comparison round: "no gap" belongs to intervals with low <= 0 <= high.',
            _verdict_of(lambda g, low, high: ("hurts" if g < 0 else "helps") if low <= 0 <= high else "no gap"),
        ),
    ),
)


def _judge_negative(evidence: Evidence, rng: np.random.Generator) -> list[Finding]:
    calls, points = evidence["calls"], _GAP.points + _VERDICT.points
    name = "detect_negative_transfer"
    if fault := unusable(name, calls, points) or entries_missing(name, calls, (*_ENDS, "verdict"), points):
        return [fault]
    cases = _score_cases(rng)
    interval = judge_question(_GAP, cases, calls)
    if not interval.passed:
        return [Finding(interval.code, False, interval.message, interval.next_step, points)]
    words = {"hurts", "helps", "no gap"}
    if strange := [record["value"]["verdict"] for record in calls if record["value"]["verdict"] not in words]:
        message = f"{strange[0]!r} is none of the three verdicts."
        cure = 'Say "hurts", "helps" or "no gap", in exactly these words.'
        return [interval, Finding("unknown-verdict", False, message, cure, _VERDICT.points)]
    return [interval, judge_question(_VERDICT, cases, calls)]


# --- audit_by_group -------------------------------------------------------------------------------------------------

_Z = 1.959964


def _audit_cases(rng: np.random.Generator) -> list[tuple[Any, ...]]:
    """Groups of very different sizes: the tiny one fails by accident, the largest makes the most mistakes, and the
    second smallest of the others is the worst."""
    cases = []
    for fewest in (10, 8, 12):
        tiny, large = int(rng.integers(3, fewest)), (rng.integers(low, high) for low, high in _SIZES)
        sizes = [tiny, fewest + int(rng.integers(1, 6)), *(int(size) for size in large)]
        shares = [1.0, rng.uniform(0.2, 0.3), rng.uniform(0.5, 0.6), rng.uniform(0.02, 0.1), rng.uniform(0.3, 0.4)]
        words = rng.permutation(["dark", "bright", "blue", "old", "new"])
        groups = np.repeat(words, sizes)
        labels = rng.integers(0, 3, len(groups))
        predictions = labels.copy()
        for start, size, share in zip(np.cumsum([0, *sizes[:-1]]), sizes, shares, strict=True):
            wrong = slice(start, start + round(size * share))
            predictions[wrong] = (labels[wrong] + 1) % 3
        order = rng.permutation(len(groups))
        cases.append((labels[order], predictions[order], groups[order], fewest))
    return cases


_SIZES = ((20, 26), (30, 41), (55, 71))


def _collect_audit(answer: Any, rng: np.random.Generator) -> Evidence:
    cases = _audit_cases(rng)
    return {"calls": each(answer, [(y, p, g.tolist(), fewest) for y, p, g, fewest in cases])}


def _wilson(right: float, n: float, z: float = _Z) -> list[float]:
    share = right / n
    centre, below = share + z**2 / (2 * n), 1 + z**2 / n
    reach = z * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return [float(share), float((centre - reach) / below), float((centre + reach) / below)]


def _wald(right: float, n: float) -> list[float]:
    share = right / n
    reach = _Z * np.sqrt(share * (1 - share) / n)
    return [float(share), float(share - reach), float(share + reach)]


def _clipped(interval: list[float]) -> list[float]:
    return [interval[0], max(0.0, interval[1]), min(1.0, interval[2])]


def _agresti(right: float, n: float) -> list[float]:
    wider = n + _Z**2
    return [right / n, *_wald(right + _Z**2 / 2, wider)[1:]]


def _by_group(row: Callable[[np.ndarray, int], Any]) -> Callable[..., dict[str, Any]]:
    """A model of the table: `row` gets whether each example of the group is right, and the number of all examples."""

    def table(labels: np.ndarray, predictions: np.ndarray, groups: np.ndarray, fewest: int) -> dict[str, Any]:
        right = np.asarray(labels) == predictions
        return {str(g): row(right[groups == g], len(right)) for g in np.unique(groups)}

    return table


def _numbers(make: Callable[[float, float], list[float]]) -> Callable[..., dict[str, Any]]:
    return _by_group(lambda right, n: [len(right), *make(float(right.sum()), len(right))])


def _table_part(value: Any) -> Any:
    table = value["groups"]
    if not isinstance(table, dict):
        return table
    return {name: [one_number(item) for item in row] if isinstance(row, list) else row for name, row in table.items()}


def _both_nan(answer: Any, expected: Any) -> bool:
    """`same_or_nan`, entry by entry of a table."""
    if not isinstance(answer, dict) or not isinstance(expected, dict) or answer.keys() != expected.keys():
        return False
    pairs = [(answer[key], expected[key]) for key in expected]
    if not all(isinstance(a, list) and isinstance(e, list) and len(a) == len(e) for a, e in pairs):
        return all(same(a, e) for a, e in pairs)
    return all(same_or_nan(x, y) for a, e in pairs for x, y in zip(a, e, strict=True))


_TABLE = Question(
    code="group-table",
    right="Each group's size and accuracy, with the Wilson interval.",
    reference=_numbers(_wilson),
    points=2,
    names=("labels", "predictions", "groups", "fewest"),
    part=_table_part,
    agree=_both_nan,
    misconceptions=(
        Misconception(
            "wald-interval",
            "The interval is p plus and minus 1.96 sqrt(p (1 - p) / n). In a small group that fails throughout it has "
            "width 0, as if three mistakes were proof.",
            "Use Wilson's formula from the text.",
            _numbers(_wald),
        ),
        Misconception(
            "wald-interval",
            "The interval is p plus and minus 1.96 sqrt(p (1 - p) / n). In a small group that fails throughout it has "
            "width 0, as if three mistakes were proof.",
            "Use Wilson's formula from the text.",
            _numbers(lambda right, n: _clipped(_wald(right, n))),
        ),
        Misconception(
            "agresti-coull",
            "The centre is Wilson's, but the reach is that of Agresti and Coull, which is a little wider.",
            "Under the root stands p (1 - p) / n + z^2 / (4 n^2), with the raw share p.",
            _numbers(_agresti),
        ),
        Misconception(
            "agresti-coull",
            "The centre is Wilson's, but the reach is that of Agresti and Coull, which is a little wider.",
            "Under the root stands p (1 - p) / n + z^2 / (4 n^2), with the raw share p.",
            _numbers(lambda right, n: _clipped(_agresti(right, n))),
        ),
        Misconception(
            "not-divided",
            "The division by 1 + z^2 / n is missing: the upper end can lie above 1.",
            "Divide centre and reach by 1 + z^2 / n.",
            _numbers(lambda r, n: [r / n, *((end * (1 + _Z**2 / n)) for end in _wilson(r, n)[1:])]),
        ),
        Misconception(
            "ninety-percent",
            "The ends belong to z = 1.645: a 90 % interval.",
            "Use z = 1.96 for 95 %.",
            _numbers(lambda right, n: _wilson(right, n, 1.644854)),
        ),
        Misconception(
            "error-not-accuracy",
            "The table holds the share of *wrong* answers.",
            "Count where labels and predictions are equal.",
            _numbers(lambda right, n: _wilson(n - right, n)),
        ),
        Misconception(
            "share-of-all",
            "Each group's right answers are divided by the number of *all* examples: a small group looks bad because it "
            "is small.",
            "Divide by the number of examples in the group.",
            _by_group(lambda right, n: [len(right), *_wilson(float(right.sum()), n)]),
        ),
        Misconception(
            "percent",
            "The shares are multiplied by 100.",
            "Leave them between 0 and 1.",
            _numbers(lambda right, n: [100 * value for value in _wilson(right, n)]),
        ),
        Misconception(
            "right-not-size",
            "The first number is how many are right; it should be how many there are.",
            "Put the group's size first: `len(...)` of its examples.",
            _by_group(lambda right, n: [int(right.sum()), *_wilson(float(right.sum()), len(right))]),
        ),
    ),
)


def _group_facts(*case: Any) -> dict[str, list[float]]:
    return _numbers(_wilson)(*case)


def _worst(rank: Callable[[list[float]], float], small_too: bool = False) -> Callable[..., str]:
    """The group with the least `rank` of its row; small groups left out unless they count, too."""

    def model(*case: Any) -> str:
        rows = {g: row for g, row in _group_facts(*case).items() if small_too or row[0] >= case[3]}
        return min(rows, key=lambda g: rank(rows[g]))

    return model


_WORST = Question(
    code="worst-group",
    right="The worst group, among those large enough to judge.",
    reference=_worst(lambda row: row[1]),
    points=0.5,
    names=("labels", "predictions", "groups", "fewest"),
    part=lambda value: one_number(value["worst"]),
    misconceptions=(
        Misconception(
            "small-group-worst",
            "You name a group with fewer than `fewest` examples. A few mistakes in a few examples prove little.",
            "Leave out the groups with n < fewest, and name the lowest accuracy of the others.",
            _worst(lambda row: row[1], small_too=True),
        ),
        Misconception(
            "best-group",
            "You name the group with the highest accuracy.",
            "Take the minimum.",
            _worst(lambda row: -row[1]),
        ),
        Misconception(
            "most-mistakes",
            "You name the group with the most mistakes: that is large, not bad.",
            "Compare accuracies, not counts.",
            _worst(lambda row: -row[0] * (1 - row[1])),
        ),
        Misconception(
            "smallest-group",
            "You name the smallest group of those that are large enough.",
            "Compare accuracies, not sizes.",
            _worst(lambda row: row[0]),
        ),
        Misconception(
            "value-for-name",
            "You return an accuracy; the name of the group is asked for.",
            "`min(rows, key=...)` gives the key.",
            lambda *case: min(row[1] for row in _group_facts(*case).values() if row[0] >= case[3]),
        ),
    ),
)


def _small(keep: Callable[[int, int], bool]) -> Callable[..., list[str]]:
    return lambda *case: sorted(g for g, row in _group_facts(*case).items() if keep(int(row[0]), case[3]))


_TOO_FEW = Question(
    code="too-few",
    right="The groups that nobody can judge yet, named.",
    reference=_small(lambda n, fewest: n < fewest),
    points=0.5,
    names=("labels", "predictions", "groups", "fewest"),
    part=lambda value: sorted(map(str, value["too_few"])) if isinstance(value["too_few"], list) else value["too_few"],
    misconceptions=(
        Misconception(
            "large-listed",
            "You list the groups that are large enough.",
            "List those with n < fewest.",
            _small(lambda n, fewest: n >= fewest),
        ),
        Misconception(
            "small-dropped",
            "`too_few` is empty: small groups vanish from the report, and nobody will collect more of them.",
            "List the groups with n < fewest.",
            lambda *case: [],
        ),
    ),
)


def _judge_audit(evidence: Evidence, rng: np.random.Generator) -> list[Finding]:
    calls, points = evidence["calls"], _TABLE.points + _WORST.points + _TOO_FEW.points
    keys = ("groups", "worst", "too_few")
    if fault := unusable("audit_by_group", calls, points) or entries_missing("audit_by_group", calls, keys, points):
        return [fault]
    cases = _audit_cases(rng)
    if fault := _table_fault(calls, cases, points):
        return [fault]
    return judge_in_turn([_TABLE, _WORST, _TOO_FEW], cases, calls)


def _table_fault(calls: Sequence[Evidence], cases: Sequence[tuple[Any, ...]], points: float) -> Finding | None:
    """A finding where the table has other groups, or other rows than four numbers each."""
    for record, case in zip(calls, cases, strict=True):
        table, names = _table_part(record["value"]), sorted(set(case[2].tolist()))
        if not isinstance(table, dict) or sorted(table) != names:
            found = ", ".join(table) if isinstance(table, dict) else "no dict"
            message = f"The table should have one row for each of {', '.join(names)}; it has: {found}."
            return Finding("wrong-groups", False, message, "Go through the set of `groups`, small ones too.", points)
        if not all(isinstance(row, list | np.ndarray) and len(row) == 4 for row in table.values()):
            message = "A row of the table is not four numbers."
            return Finding("wrong-rows", False, message, "Give (n, accuracy, low, high) for each group.", points)
    return None


# --- choose_regulariser ---------------------------------------------------------------------------------------------

_CURES = ("weight decay", "dropout", "augmentation", "early stopping", "mixup", "label smoothing")


def _table_cases(rng: np.random.Generator) -> list[tuple[Any, ...]]:
    """Validation accuracies by recipe, simplest first; where the limit is drawn decides which is chosen."""
    cases = []
    # For each recipe: how many standard errors of the best its mean lies below the best.
    places = (
        (3.0, 0.8, 0.4, 0.0, 2.5),
        (5.0, 1.5, 0.7, 0.0, 3.0),
        (0.6, 2.0, 0.0, 0.3),
        (4.0, 1.05, 0.0, 0.5),
        (6.0, 2.2, 1.8, 0.9, 0.0),
        (2.4, 0.0, 0.5),
    )
    for place in (places[i] for i in rng.permutation(len(places))):
        n = int(rng.integers(5, 8))
        names = ["nothing", *rng.permutation(_CURES)[: len(place) - 1].tolist()]
        error, top = rng.uniform(0.004, 0.008), rng.uniform(0.75, 0.85)
        table = {}
        for name, below in zip(names, place, strict=True):
            noise = rng.normal(0, 1, n)
            noise = (noise - noise.mean()) / noise.std(ddof=1)
            spread = 1.0 if below == 0 else rng.uniform(1.3, 3.0)
            table[str(name)] = top - below * error + spread * error * np.sqrt(n) * noise
        cases.append((table,))
    return cases


def _collect_regulariser(answer: Any, rng: np.random.Generator) -> Evidence:
    return {"calls": each(answer, _table_cases(rng))}


def _best(table: Mapping[str, np.ndarray]) -> str:
    return max(table, key=lambda name: float(np.mean(table[name])))


def _error(values: np.ndarray, ddof: int = 1) -> float:
    return float(np.std(values, ddof=ddof) / np.sqrt(len(values)))


def _simplest(width: Callable[[np.ndarray], float]) -> Callable[..., list[Any]]:
    """The simplest recipe above the best mean less a width, and that limit."""

    def model(table: Mapping[str, np.ndarray]) -> list[Any]:
        best = table[_best(table)]
        limit = float(np.mean(best)) - width(best)
        return [next((name for name in table if np.mean(table[name]) >= limit), None), limit]

    return model


def _with_right_limit(choose: Callable[[Mapping[str, np.ndarray], float], str]) -> Callable[..., list[Any]]:
    def model(table: Mapping[str, np.ndarray]) -> list[Any]:
        limit = _simplest(_error)(table)[1]
        return [choose(table, limit), limit]

    return model


def _last_within(table: Mapping[str, np.ndarray], limit: float) -> str:
    return [name for name in table if np.mean(table[name]) >= limit][-1]


def _worst_within(table: Mapping[str, np.ndarray], limit: float) -> str:
    return min((n for n in table if np.mean(table[n]) >= limit), key=lambda n: float(np.mean(table[n])))


def _own_error(table: Mapping[str, np.ndarray], limit: float) -> str:
    top = float(np.mean(table[_best(table)]))
    return next(name for name in table if np.mean(table[name]) >= top - _error(table[name]))


_CHOICE = Question(
    code="one-standard-error",
    right="The simplest recipe within one standard error of the best.",
    reference=_simplest(_error),
    points=2,
    names=("scores",),
    part=_of_key("chosen", "limit"),
    misconceptions=(
        Misconception(
            "best-mean",
            "The limit is right, but you choose the highest mean all the same: that pays for a gain inside the noise.",
            "Choose the *first* recipe whose mean reaches the limit.",
            _with_right_limit(lambda table, limit: _best(table)),
        ),
        Misconception(
            "limit-is-best",
            "The limit is the best mean itself: no standard error is allowed for.",
            "Subtract the best recipe's standard error.",
            _simplest(lambda best: 0.0),
        ),
        Misconception(
            "most-complex",
            "You take the *last* recipe within the limit: the most complex one.",
            "The recipes are listed from the simplest on: take the first within the limit.",
            _with_right_limit(_last_within),
        ),
        Misconception(
            "worst-within",
            "You take the recipe with the lowest mean within the limit; what counts is that it is simple.",
            "Take the first in the table's order.",
            _with_right_limit(_worst_within),
        ),
        Misconception(
            "always-simplest",
            "You always take the first recipe, also where it lies below the limit.",
            "Take the first whose mean is at least the limit.",
            _with_right_limit(lambda table, limit: next(iter(table))),
        ),
        Misconception(
            "own-error",
            "Each recipe is allowed its *own* standard error: the noisier a recipe, the easier it passes.",
            "Compare every mean with the one limit, made from the best recipe's standard error.",
            _with_right_limit(_own_error),
        ),
        Misconception(
            "deviation-not-error",
            "The limit is one standard *deviation* below the best; nearly everything passes, however many seeds you run.",
            "Divide by the square root of the number of seeds.",
            _simplest(lambda best: float(np.std(best, ddof=1))),
        ),
        Misconception(
            "population-deviation",
            "The standard deviation divides by n: numpy's default.",
            "Pass `ddof=1`.",
            _simplest(lambda best: _error(best, ddof=0)),
        ),
        Misconception(
            "two-errors",
            "The limit is two standard errors below the best.",
            "The rule allows one.",
            _simplest(lambda best: 2 * _error(best)),
        ),
        Misconception(
            "error-added",
            "The standard error is *added* to the best mean: nothing can reach the limit.",
            "Subtract it.",
            _simplest(lambda best: -_error(best)),
        ),
        Misconception(
            "best-seed",
            "The limit starts from the best single run, not from the best mean: one lucky seed sets it.",
            "Take the mean over the seeds first.",
            lambda table: [
                next((name for name in table if np.mean(table[name]) >= _top_run(table)), None),
                _top_run(table),
            ],
        ),
    ),
)


def _top_run(table: Mapping[str, np.ndarray]) -> float:
    name = max(table, key=lambda key: float(np.max(table[key])))
    return float(np.max(table[name])) - _error(table[name])


def _judge_regulariser(evidence: Evidence, rng: np.random.Generator) -> list[Finding]:
    calls, points = evidence["calls"], _CHOICE.points
    keys = ("chosen", "limit")
    name = "choose_regulariser"
    if fault := unusable(name, calls, points) or entries_missing(name, calls, keys, points):
        return [fault]
    return [judge_question(_CHOICE, _table_cases(rng), calls)]


# --- where_to_cut ---------------------------------------------------------------------------------------------------


_LUCKY = 0.4


def _cut_cases(rng: np.random.Generator) -> list[tuple[Any, ...]]:
    """Accuracy by depth: rising, falling at the end, with a dip before the peak, and flat within the tolerance."""
    curves = (
        ((_LUCKY, 0.55, 0.70, 0.795, 0.80), 0.02),
        ((0.50, 0.72, 0.85, 0.84, 0.70), 0.05),
        ((0.60, 0.785, 0.74, 0.80, 0.79, 0.75), 0.03),
        ((0.45, 0.60, 0.62, 0.90, 0.86), 0.01),
        ((0.70, 0.735, 0.775, 0.80), 0.05),
        ((0.58, 0.76, 0.78, 0.80, 0.60), 0.045),
    )
    cases = []
    for levels, tolerance in (curves[i] for i in rng.permutation(len(curves))):
        names = ["stem", *(f"block{i}" for i in range(1, len(levels)))]
        shift, seeds = rng.uniform(-0.05, 0.05), int(rng.integers(4, 7))
        noise = rng.normal(0, 0.03, (len(levels), seeds))
        if levels[0] == _LUCKY:  # one lucky run of the worst depth beats all others
            noise[0] = rng.permutation([0.7, *[0.0] * (seeds - 1)])
        noise -= noise.mean(1, keepdims=True)
        parameters = [int(count) for count in np.cumsum(rng.integers(1000, 60_000, len(levels)))]
        accuracies = {name: level + shift + row for name, level, row in zip(names, levels, noise, strict=True)}
        cases.append((accuracies, dict(zip(names, parameters, strict=True)), tolerance))
    return cases


def _collect_cut(answer: Any, rng: np.random.Generator) -> Evidence:
    return {"calls": each(answer, _cut_cases(rng))}


_Means = dict[str, float]


def _kept(names: Sequence[str], parameters: Mapping[str, int], depth: str) -> int:
    return sum(parameters[name] for name in names[: names.index(depth) + 1])


def _cut(
    choose: Callable[[_Means, float, Mapping[str, np.ndarray]], str],
    count: Callable[[Sequence[str], Mapping[str, int], str], int] = _kept,
) -> Callable[..., list[Any]]:
    def model(accuracies: Mapping[str, np.ndarray], parameters: Mapping[str, int], tolerance: float) -> list[Any]:
        means = {name: float(np.mean(values)) for name, values in accuracies.items()}
        depth = choose(means, tolerance, accuracies)
        return [depth, count(list(accuracies), parameters, depth)]

    return model


def _first_near(top: Callable[[_Means], float]) -> Callable[[_Means, float, Any], str]:
    return lambda means, tolerance, _: next(name for name in means if means[name] >= top(means) - tolerance)


_earliest = _first_near(lambda means: max(means.values()))


def _until_no_gain(means: _Means, tolerance: float, _: Any) -> str:
    """Walk from the input on, and stop at the first step that does not gain more than the tolerance."""
    names = list(means)
    for here, after in pairwise(names):
        if means[after] - means[here] <= tolerance:
            return here
    return names[-1]


def _by_best_run(means: _Means, tolerance: float, accuracies: Mapping[str, np.ndarray]) -> str:
    return _earliest({name: float(np.max(values)) for name, values in accuracies.items()}, tolerance, None)


def _from_the_top(means: _Means, tolerance: float, _: Any) -> str:
    """Walk down from the last layer while the accuracy stays within the tolerance of the best."""
    names, limit = list(means)[::-1], max(means.values()) - tolerance
    found = names[0]
    for name in names:
        if means[name] < limit:
            break
        found = name
    return found


_CUT = Question(
    code="where-to-cut",
    right="The earliest depth within the tolerance of the best, and all that is kept below it.",
    reference=_cut(_earliest),
    points=2,
    names=("accuracies", "parameters", "tolerance"),
    part=_of_key("depth", "parameters"),
    misconceptions=(
        Misconception(
            "best-depth",
            "You cut at the highest mean accuracy; the tolerance takes no part, and layers are kept that bring nothing "
            "you asked for.",
            "Take the earliest depth whose mean is at least the best minus the tolerance.",
            _cut(lambda means, tolerance, _: max(means, key=means.__getitem__)),
        ),
        Misconception(
            "last-depth",
            "You keep everything: the cut is at the last depth whatever the accuracies say.",
            "Go through the depths from the input, and stop at the first that is good enough.",
            _cut(lambda means, tolerance, _: list(means)[-1]),
        ),
        Misconception(
            "latest-within",
            "You take the *latest* depth within the tolerance: the most parameters of all that are good enough.",
            "Take the first from the input on.",
            _cut(lambda m, t, _: [name for name in m if m[name] >= max(m.values()) - t][-1]),
        ),
        Misconception(
            "compared-with-last",
            "The tolerance is counted from the *last* layer's accuracy; where the last layers have lost what the target "
            "needs, that sets the bar too low.",
            "Count it from the best depth.",
            _cut(_first_near(lambda means: list(means.values())[-1])),
        ),
        Misconception(
            "stops-at-first-dip",
            "You walk up and stop as soon as the next layer brings no more than the tolerance. A plateau or a dip on the "
            "way is not the top.",
            "Find the best mean over *all* depths first.",
            _cut(_until_no_gain),
        ),
        Misconception(
            "walks-down-and-stops",
            "You walk down from the last layer and stop where it first gets worse: if the last layers are already below "
            "the limit, you never get to the good ones.",
            "Go from the input upwards, and take the first within the tolerance of the best.",
            _cut(_from_the_top),
        ),
        Misconception(
            "relative-tolerance",
            "The tolerance is taken as a share of the best accuracy; it is a number of accuracy points.",
            "Subtract it: best - tolerance.",
            _cut(lambda m, t, _: next(name for name in m if m[name] >= max(m.values()) * (1 - t))),
        ),
        Misconception(
            "best-run",
            "Depths are compared by their best single run; one lucky seed decides.",
            "Take the mean over the seeds.",
            _cut(_by_best_run),
        ),
        Misconception(
            "part-alone",
            "The parameters are those of the last kept part alone; what lies below it is kept, too.",
            "Add up the parts from the input to the cut, that one included.",
            _cut(_earliest, lambda names, parameters, depth: parameters[depth]),
        ),
        Misconception(
            "cut-part-left-out",
            "The part at the cut itself is not counted; its output is what you use, so it is kept.",
            "Add up the parts from the input to the cut, that one included.",
            _cut(_earliest, lambda names, parameters, depth: _kept(names, parameters, depth) - parameters[depth]),
        ),
        Misconception(
            "removed-not-kept",
            "You count the parameters that are cut off.",
            "Add up those that stay.",
            _cut(_earliest, lambda n, parameters, d: sum(parameters.values()) - _kept(n, parameters, d)),
        ),
        Misconception(
            "whole-network",
            "You count the parameters of the whole network.",
            "Add up only the parts from the input to the cut.",
            _cut(_earliest, lambda names, parameters, depth: sum(parameters.values())),
        ),
    ),
)


def _judge_cut(evidence: Evidence, rng: np.random.Generator) -> list[Finding]:
    calls, points = evidence["calls"], _CUT.points
    keys = ("depth", "parameters")
    if fault := unusable("where_to_cut", calls, points) or entries_missing("where_to_cut", calls, keys, points):
        return [fault]
    return [judge_question(_CUT, _cut_cases(rng), calls)]


EXERCISES = (
    Exercise(
        id="detect_negative_transfer",
        title="Does the source hurt?",
        lesson="10",
        points=3,
        minutes=8,
        difficulty=2,
        purpose="A verdict on a source before it is used, with the noise counted.",
        hints=(
            "Both arms saw the same images with the same seed. What do you get if you subtract seed by seed?",
            "The interval is that of a mean of n differences: mean plus and minus a quantile times the standard error.",
            "`d = source_scores - scratch_scores`; the reach is `stats.t.ppf(0.975, n - 1) * d.std(ddof=1) / n**0.5`.",
            'The verdict: "hurts" if high < 0, "helps" if low > 0, else "no gap".',
        ),
        collect=_collect_negative,
        judge=_judge_negative,
    ),
    Exercise(
        id="where_to_cut",
        title="Where to cut",
        lesson="10",
        points=2,
        minutes=6,
        difficulty=2,
        purpose="The smallest part of a source that is good enough for the target.",
        hints=(
            "Two questions: which depths are good enough, and which of those comes first?",
            "Good enough: mean over the seeds at least the best mean (of all depths) minus the tolerance.",
            "`next(d for d in means if means[d] >= max(means.values()) - tolerance)`; then add up `parameters` to there.",
        ),
        collect=_collect_cut,
        judge=_judge_cut,
    ),
    Exercise(
        id="audit_by_group",
        title="A bias audit by group",
        lesson="10",
        points=3,
        minutes=10,
        difficulty=2,
        purpose="Find whom a good average leaves behind, without taking noise in a small group for proof.",
        hints=(
            "One boolean array says which predictions are right; one mask picks a group.",
            "For each name in the set of groups: n, the mean of `right` there, and Wilson's two ends.",
            "centre = p + z**2 / (2n), reach = z * sqrt(p(1 - p)/n + z**2/(4n**2)); both divided by 1 + z**2/n.",
            '"worst" looks only at groups with n >= fewest; "too_few" lists the others.',
        ),
        collect=_collect_audit,
        judge=_judge_audit,
    ),
    Exercise(
        id="choose_regulariser",
        title="Choose a cure by evidence",
        lesson="10",
        points=2,
        minutes=6,
        difficulty=2,
        purpose="Do not pay for a cure whose gain is inside the noise.",
        hints=(
            "Which recipe has the best mean, and how sure is that mean?",
            "The standard error: `std(ddof=1) / sqrt(n)` of the best recipe's scores. The limit is best mean minus that.",
            "A dict keeps its order: `next(name for name in scores if np.mean(scores[name]) >= limit)`.",
        ),
        collect=_collect_regulariser,
        judge=_judge_regulariser,
    ),
)
