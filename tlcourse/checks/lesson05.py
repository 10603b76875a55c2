"""Exercises of lesson 05, domain-adaptation."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from tlcourse.checks.collecting import call, each, kept
from tlcourse.checks.exercise import Evidence, Exercise, Finding
from tlcourse.checks.judging import (
    Misconception,
    Question,
    judge_question,
    kind_of,
    one_number,
    same,
    same_or_nan,
    unusable,
)

# torch takes seconds to import, and the registry imports this module: what needs torch imports it when it runs.


def _not_a_number(name: str, calls: Sequence[Evidence], points: float) -> Finding | None:
    """A finding where something else than one number was returned."""
    for record in calls:
        value = one_number(record["value"])
        if isinstance(value, bool | np.bool_) or not isinstance(value, int | float | np.number):
            several = isinstance(value, np.ndarray | list)
            cure = "Sum or average until one number is left." if several else "Return the bare number."
            message = f"`{name}` must return one number; here it returns {kind_of(value)}."
            return Finding("not-one-number", False, message, cure, points)
    return None


def _row(value: Any) -> Any:
    """N numbers, also where they were returned as a column."""
    if isinstance(value, list):
        return [one_number(item) for item in value]
    return value.ravel() if isinstance(value, np.ndarray) else value


def _leaves_torch(records: Sequence[Evidence], points: float) -> Finding | None:
    """A finding where numpy was given a tensor that needs a gradient: torch's own advice, to detach it, is wrong here."""
    for record in records:
        error = record.get("error", {})
        if "Can't call numpy()" in error.get("message", ""):
            line = f" The line is `{error['line']}`." if error["line"] else ""
            message = "numpy was given a tensor that a gradient must flow through, and numpy keeps no gradients." + line
            cure = (
                "Use torch's function instead. Do not detach, although the error advises it: nothing would be learned."
            )
            return Finding("leaves-torch", False, message, cure, points)
    return None


# --- proxy_distance -------------------------------------------------------------------------------------------------


def _guess_cases(rng: np.random.Generator) -> list[tuple[Any, ...]]:
    """As many examples of each domain; more mistakes on one than on the other; the last worse than guessing."""
    return [_guesses(rng, low, high) for low, high in ((0.02, 0.2), (0.15, 0.35), (0.55, 0.8))]


def _guesses(rng: np.random.Generator, low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
    each_domain = int(rng.integers(20, 40))
    domains = np.repeat([0, 1], each_domain)
    wrong = np.zeros(2 * each_domain, bool)
    for first, share in zip((0, each_domain), rng.permutation([low, high]), strict=True):
        wrong[first : first + max(1, round(share * each_domain))] = True
    order = rng.permutation(2 * each_domain)
    return domains[order], np.where(wrong, 1 - domains, domains)[order]


def _collect_proxy(answer: Any, rng: np.random.Generator) -> Evidence:
    return {"calls": each(answer, _guess_cases(rng))}


def _of_error(change: Callable[[float], float]) -> Callable[..., float]:
    """A model that computes something from the share of wrong guesses."""
    return lambda domains, predictions: float(change(float(np.mean(domains != predictions))))


def _error_on(domain: int) -> Callable[..., float]:
    return lambda d, p: float(2 * (1 - 2 * np.mean(p[d == domain] != domain)))


_PROXY = Question(
    code="proxy-distance",
    right="2 (1 - 2 error): 2 where the domains are told apart, 0 where the classifier guesses.",
    reference=_of_error(lambda e: 2 * (1 - 2 * e)),
    points=1,
    names=("domains", "predictions"),
    part=one_number,
    misconceptions=(
        Misconception(
            "accuracy-for-error",
            "The accuracy stands where the error belongs: domains that are told apart perfectly get -2.",
            "The error is the share of *wrong* guesses: `np.mean(domains != predictions)`.",
            _of_error(lambda e: 2 * (1 - 2 * (1 - e))),
        ),
        Misconception(
            "factor-two-missing",
            "This is 1 - 2 error: the factor 2 in front is missing, and the largest distance is 1.",
            "Multiply by 2: the proxy A-distance goes up to 2.",
            _of_error(lambda e: 1 - 2 * e),
        ),
        Misconception(
            "two-minus-error",
            "This is 2 - error: a classifier that guesses still gets 1.5, not 0.",
            "Check with an error of 0.5: 2 * (1 - 2 * 0.5) is 0.",
            _of_error(lambda e: 2 - e),
        ),
        Misconception(
            "inner-two-missing",
            "This is 2 (1 - error): a classifier that guesses gets 1, not 0.",
            "The error is doubled inside the bracket too: 2 * (1 - 2 * error).",
            _of_error(lambda e: 2 * (1 - e)),
        ),
        Misconception(
            "error-itself",
            "You return the error. It is small where the domains are far apart; a distance must be large there.",
            "Put it into 2 * (1 - 2 * error).",
            _of_error(lambda e: e),
        ),
        Misconception(
            "accuracy-itself",
            "You return the accuracy: 0.5 for domains that nothing tells apart, where the distance is 0.",
            "Take the error, 1 - accuracy, and put it into 2 * (1 - 2 * error).",
            _of_error(lambda e: 1 - e),
        ),
        Misconception(
            "absolute-value",
            "You take the absolute value: a classifier that is wrong more often than right gets a positive distance.",
            "Leave the sign as the formula gives it.",
            _of_error(lambda e: abs(2 * (1 - 2 * e))),
        ),
        Misconception(
            "clipped",
            "A negative value becomes 0. Here the formula stays as it is: a value below 0 says that the classifier did "
            "worse than guessing.",
            "Leave out `max` or `clip`.",
            _of_error(lambda e: max(0.0, 2 * (1 - 2 * e))),
        ),
        Misconception(
            "error-in-percent",
            "The error is in percent inside the formula.",
            "Take it as a share, from 0 to 1.",
            _of_error(lambda e: 2 * (1 - 2 * 100 * e)),
        ),
        Misconception(
            "percent",
            "The distance is multiplied by 100.",
            "It goes up to 2, not up to 200: leave the 100 out.",
            _of_error(lambda e: 200 * (1 - 2 * e)),
        ),
        Misconception(
            "count-for-share",
            "The *number* of wrong guesses stands where their share belongs.",
            "Take the mean of `domains != predictions`, not its sum.",
            lambda d, p: float(2 * (1 - 2 * np.sum(d != p))),
        ),
        Misconception(
            "mistakes-cancel",
            "Mistakes of the two kinds cancel: the mean of a difference counts one as +1, the other as -1.",
            "Count each mistake once: `np.mean(domains != predictions)`.",
            lambda d, p: float(2 * (1 - 2 * np.mean(d - p))),
        ),
        Misconception(
            "mistakes-cancel",
            "Mistakes of the two kinds cancel: the mean of a difference counts one as +1, the other as -1.",
            "Count each mistake once: `np.mean(domains != predictions)`.",
            lambda d, p: float(2 * (1 - 2 * np.mean(p - d))),
        ),
        Misconception(
            "mistakes-cancel",
            "Mistakes of the two kinds cancel: the mean of a difference counts one as +1, the other as -1.",
            "Count each mistake once: `np.mean(domains != predictions)`.",
            lambda d, p: float(2 * (1 - 2 * abs(np.mean(p - d)))),
        ),
        Misconception(
            "errors-added",
            "The errors on source and target are added: their *mean* is the share of wrong guesses.",
            "Take one mean over all held-out examples: `np.mean(domains != predictions)`.",
            lambda d, p: float(2 * (1 - 2 * (np.mean(p[d == 0] != 0) + np.mean(p[d == 1] != 1)))),
        ),
        Misconception(
            "source-errors-only",
            "Only the mistakes on source examples count.",
            "Take the share of wrong guesses among *all* held-out examples.",
            _error_on(0),
        ),
        Misconception(
            "target-errors-only",
            "Only the mistakes on target examples count.",
            "Take the share of wrong guesses among *all* held-out examples.",
            _error_on(1),
        ),
    ),
)


def _judge_proxy(evidence: Evidence, rng: np.random.Generator) -> list[Finding]:
    calls = evidence["calls"]
    points = _PROXY.points
    if fault := unusable("proxy_distance", calls, points) or _not_a_number("proxy_distance", calls, points):
        return [fault]
    cases = _guess_cases(rng)
    finding = judge_question(_PROXY, cases, calls)
    if finding.code == "proxy-distance-differs":
        facts = ", ".join(f"{np.sum(d != p)} of {len(d)}" for d, p in cases)
        right = ", ".join(f"{_PROXY.reference(*case):.4g}" for case in cases)
        message = f"For {facts} wrong guesses the distances should be {right}; these are others."
        return [replace(finding, message=message, next_step="Compute the first by hand: 2 * (1 - 2 * error).")]
    return [finding]


# --- importance_weights ---------------------------------------------------------------------------------------------


def _weight_cases(rng: np.random.Generator) -> list[tuple[Any, ...]]:
    """More source than target examples, then fewer."""
    cases = []
    for n_source, n_target in ((8, int(rng.integers(3, 6))), (6, int(rng.integers(13, 30)))):
        p = rng.permutation([rng.uniform(0.05, 0.3), rng.uniform(0.96, 0.98), *rng.uniform(0.1, 0.9, n_source - 2)])
        cases.append((np.round(p, 3), n_source, n_target))
    return cases


def _collect_weights(answer: Any, rng: np.random.Generator) -> Evidence:
    return {"calls": each(answer, _weight_cases(rng))}


def _ratio(p: np.ndarray, n_source: int, n_target: int) -> np.ndarray:
    return p / (1 - p) * n_source / n_target


_WEIGHTS = Question(
    code="importance-weights",
    right="The odds of the target, corrected for how many examples each domain gave the classifier.",
    reference=lambda p, n, m: _ratio(p, n, m).tolist(),
    points=2,
    names=("p_target", "n_source", "n_target"),
    part=_row,
    misconceptions=(
        Misconception(
            "probability-itself",
            "The weight is the probability itself. An example that is nine times as likely in the target (p = 0.9 of "
            "equal domains) must count nine times.",
            "Divide by the probability of the source: p / (1 - p).",
            lambda p, n, m: p,
        ),
        Misconception(
            "probability-scaled",
            "The sizes are right, but p stands where the odds belong.",
            "Divide by the probability of the source, 1 - p.",
            lambda p, n, m: p * n / m,
        ),
        Misconception(
            "source-over-target",
            "Numerator and denominator are exchanged: the examples that look *least* like the target count most.",
            "The target's density stands above: p / (1 - p) * n_source / n_target.",
            lambda p, n, m: 1 / _ratio(p, n, m),
        ),
        Misconception(
            "odds-upside-down",
            "The odds are upside down: the examples that look *least* like the target count most.",
            "Take p / (1 - p), not (1 - p) / p.",
            lambda p, n, m: (1 - p) / p * n / m,
        ),
        Misconception(
            "odds-upside-down-no-sizes",
            "The odds are upside down, and the numbers of examples play no part.",
            "Take p / (1 - p), and multiply by n_source / n_target.",
            lambda p, n, m: (1 - p) / p,
        ),
        Misconception(
            "sizes-ignored",
            "The numbers of examples play no part. A classifier that saw few target examples gives them a small "
            "probability everywhere: that says nothing about the densities.",
            "Multiply by n_source / n_target.",
            lambda p, n, m: p / (1 - p),
        ),
        Misconception(
            "sizes-upside-down",
            "The factor for the sizes is upside down: the larger domain's head start grows instead of being undone.",
            "Multiply by n_source / n_target.",
            lambda p, n, m: p / (1 - p) * m / n,
        ),
        Misconception(
            "share-of-sizes",
            "The odds are multiplied by the source's share of all examples.",
            "Multiply by n_source / n_target.",
            lambda p, n, m: p / (1 - p) * n / (n + m),
        ),
        Misconception(
            "mean-one",
            "The weights are scaled to a mean of 1. That is often useful, but then they are no density ratio any more.",
            "Return the ratio itself.",
            lambda p, n, m: _ratio(p, n, m) / _ratio(p, n, m).mean(),
        ),
        Misconception(
            "sum-one",
            "The weights are scaled to a sum of 1.",
            "Return the ratio itself: 1 means as likely in the target as in the source.",
            lambda p, n, m: _ratio(p, n, m) / _ratio(p, n, m).sum(),
        ),
        Misconception(
            "largest-one",
            "The weights are scaled so that the largest is 1.",
            "Return the ratio itself: 1 means as likely in the target as in the source.",
            lambda p, n, m: _ratio(p, n, m) / _ratio(p, n, m).max(),
        ),
        Misconception(
            "logarithm",
            "You return the logarithm of the ratio, which is negative for examples unlike the target.",
            "A weight is the ratio itself: leave the logarithm out, or take `np.exp` of it.",
            lambda p, n, m: np.log(_ratio(p, n, m)),
        ),
        Misconception(
            "clipped-at-one",
            "No weight exceeds 1. Examples that are rarer in the source than in the target must count more than once.",
            "Leave out `min` or `clip`.",
            lambda p, n, m: np.minimum(_ratio(p, n, m), 1),
        ),
        Misconception(
            "inverse-propensity",
            "You divide 1 by the probability of the source: p is missing above the fraction bar.",
            "The ratio of the two probabilities is p / (1 - p).",
            lambda p, n, m: 1 / (1 - p),
        ),
        Misconception(
            "inverse-propensity-scaled",
            "1 stands above the fraction bar instead of p.",
            "The ratio of the two probabilities is p / (1 - p).",
            lambda p, n, m: 1 / (1 - p) * n / m,
        ),
        Misconception(
            "brackets-missing",
            "Brackets are missing: `p / 1 - p` divides by 1 first, and then subtracts.",
            "Write `p_target / (1 - p_target) * n_source / n_target`.",
            lambda p, n, m: p - p * n / m,
        ),
    ),
)


def _judge_weights(evidence: Evidence, rng: np.random.Generator) -> list[Finding]:
    calls, cases = evidence["calls"], _weight_cases(rng)
    if fault := unusable("importance_weights", calls, _WEIGHTS.points):
        return [fault]
    values = [_WEIGHTS.part(record["value"]) for record in calls]
    if not all(isinstance(v, list | np.ndarray) and len(v) == n for v, (_, n, _) in zip(values, cases, strict=True)):
        message = f"For {cases[0][1]} source examples the answer is not {cases[0][1]} numbers."
        cure = "Return one weight for each entry of `p_target`: arithmetic with the whole array does that."
        return [Finding("one-weight-each", False, message, cure, _WEIGHTS.points)]
    finding = judge_question(_WEIGHTS, cases, calls)
    if finding.code == "importance-weights-differs":
        return [_clipped(values, cases) or finding]
    return [finding]


def _clipped(values: Sequence[Any], cases: Sequence[tuple[Any, ...]]) -> Finding | None:
    """A finding where the weights are right, but for a ceiling or a floor."""
    found = [weight for weights in values for weight in weights]
    if not all(isinstance(weight, int | float | np.number) for weight in found):
        return None
    right = np.concatenate([_ratio(*case) for case in cases])
    floor, ceiling = min(found), max(found)
    kept = sum(same(weight, expected) for weight, expected in zip(found, right, strict=True))
    if kept < len(right) / 2 or not same(found, right.clip(floor, ceiling)):
        return None
    bounds = [f"none exceeds {ceiling:.4g}"] if ceiling < right.max() * 0.999 else []
    bounds += [f"none is below {floor:.4g}"] if floor > right.min() * 1.001 else []
    message = f"The weights are right, but clipped: {' and '.join(bounds)}."
    return Finding("clipped", False, message, "Leave out `min`, `max` or `clip`.", _WEIGHTS.points)


# --- coral_loss -----------------------------------------------------------------------------------------------------


def _feature_cases(rng: np.random.Generator) -> list[tuple[Any, ...]]:
    """Source and target of different numbers of rows, off centre, with correlated features."""
    cases = []
    for n, m, width in ((9, 13, 3), (14, 8, 4), (11, 16, 5)):
        case = []
        for rows in (n, m):
            mixing = rng.normal(0, 1, (width, width))
            features = rng.normal(0, 1, (rows, width)) @ mixing + rng.uniform(-2, 2, width)
            case.append(features.astype(np.float32))
        cases.append(tuple(case))
    return cases


def _collect_coral(answer: Any, rng: np.random.Generator) -> Evidence:
    import torch

    runs = []
    with torch.enable_grad():
        for case in _feature_cases(rng):
            leaves = [torch.from_numpy(array).requires_grad_() for array in case]
            # As in training, the features come out of something: they may be changed in place.
            record, value = kept(answer, *(leaf.clone() for leaf in leaves))
            runs.append({"call": record, "tensor": isinstance(value, torch.Tensor), "gradients": None})
            if isinstance(value, torch.Tensor) and value.requires_grad:
                runs[-1]["gradients"] = call(torch.autograd.grad, value.sum(), leaves, allow_unused=True)
    return {"runs": runs}


def _cov(x: Any, ddof: int = 1) -> np.ndarray:
    return np.cov(np.asarray(x, np.float64).T, ddof=ddof)


def _second_moment(x: Any, ddof: int = 0) -> np.ndarray:
    x = np.asarray(x, np.float64)
    return x.T @ x / (len(x) - ddof)


def _scatter(x: Any) -> np.ndarray:
    x = np.asarray(x, np.float64) - np.mean(x, 0)
    return x.T @ x


def _squares(source: Any, target: Any, of: Callable[[Any], np.ndarray] = _cov) -> float:
    return float(np.square(of(source) - of(target)).sum())


def _per_width(change: Callable[[float, int], float], of: Callable[[Any], np.ndarray] = _cov) -> Callable[..., float]:
    """A model that computes something from the sum of squared differences and the number of features."""
    return lambda s, t: float(change(_squares(s, t, of), s.shape[1]))


def _coral(sum_of_squares: float, width: int) -> float:
    return sum_of_squares / (4 * width**2)


def _means_apart(source: Any, target: Any) -> float:
    return float(np.square(np.mean(source, 0, np.float64) - np.mean(target, 0, np.float64)).sum())


_CORAL = Question(
    code="coral-loss",
    right="The squared Frobenius distance of the two covariances over 4 F^2.",
    reference=_per_width(_coral),
    points=2,
    names=("source", "target"),
    part=one_number,
    misconceptions=(
        Misconception(
            "not-centred",
            "The features are not centred: the means take part, and this is no covariance.",
            "Subtract each domain's own mean first, or use `torch.cov(x.T)`.",
            _per_width(_coral, _second_moment),
        ),
        Misconception(
            "not-centred",
            "The features are not centred: the means take part, and this is no covariance.",
            "Subtract each domain's own mean first, or use `torch.cov(x.T)`.",
            _per_width(_coral, lambda x: _second_moment(x, 1)),
        ),
        Misconception(
            "divides-by-n",
            "The covariances divide by the number of rows; here they divide by one less.",
            "Divide by N - 1 and M - 1, as `torch.cov` does by default.",
            _per_width(_coral, lambda x: _cov(x, 0)),
        ),
        Misconception(
            "not-divided-by-rows",
            "The products are summed over the rows and not divided: the domain with more rows looks more spread.",
            "Divide each by its number of rows less one, or use `torch.cov(x.T)`.",
            _per_width(_coral, _scatter),
        ),
        Misconception(
            "norm-not-squared",
            "The Frobenius norm is not squared.",
            "Sum the squared differences and take no root.",
            _per_width(lambda q, f: _coral(q**0.5, f)),
        ),
        Misconception(
            "spectral-norm",
            "This is the spectral norm, squared: the largest singular value of the difference, not the sum of squares.",
            "Leave out the 2 in `torch.linalg.norm(..., 2)`, or sum the squared differences yourself.",
            lambda s, t: _coral(float(np.linalg.norm(_cov(s) - _cov(t), 2) ** 2), s.shape[1]),
        ),
        Misconception(
            "absolute-differences",
            "The differences are added by their absolute values.",
            "Square each difference before you add them.",
            lambda s, t: _coral(float(np.abs(_cov(s) - _cov(t)).sum()), s.shape[1]),
        ),
        Misconception(
            "four-missing",
            "This is the mean squared difference of the covariances: the 4 below is missing.",
            "Divide by 4 F^2.",
            _per_width(lambda q, f: q / f**2),
        ),
        Misconception(
            "width-not-squared",
            "You divide by 4 F; the number of features is squared there.",
            "Divide by 4 F^2: a covariance has F^2 entries.",
            _per_width(lambda q, f: q / (4 * f)),
        ),
        Misconception(
            "rows-for-features",
            "The number of rows stands where the number of features belongs.",
            "F is the number of columns, `source.shape[1]`.",
            lambda s, t: _squares(s, t) / (4 * len(s) ** 2),
        ),
        Misconception(
            "rows-for-features",
            "The number of rows stands where the number of features belongs.",
            "F is the number of columns, `source.shape[1]`.",
            lambda s, t: _squares(s, t) / (4 * len(t) ** 2),
        ),
        Misconception(
            "not-scaled",
            "The squared distance is not divided by 4 F^2, so the loss grows with the number of features.",
            "Divide by 4 * F**2.",
            _per_width(lambda q, f: q),
        ),
        Misconception(
            "only-four",
            "You divide by 4, but not by F^2.",
            "Divide by 4 * F**2.",
            _per_width(lambda q, f: q / 4),
        ),
        Misconception(
            "brackets-missing",
            "You divide by 4 and then multiply by F^2: that is what `/ 4 * F**2` does.",
            "Put brackets: `/ (4 * F**2)`.",
            _per_width(lambda q, f: q / 4 * f**2),
        ),
        Misconception(
            "correlation",
            "Correlations are compared: each feature's own spread has been divided out.",
            "Use the covariance, `torch.cov`.",
            _per_width(_coral, lambda x: np.asarray(np.corrcoef(np.asarray(x, np.float64).T))),
        ),
        Misconception(
            "variances-only",
            "Only the variances are compared; how features vary together plays no part.",
            "Compare the whole covariance matrices.",
            _per_width(_coral, lambda x: np.diag(_cov(x))),
        ),
        Misconception(
            "means-compared",
            "The means of the domains are compared. CORAL compares their covariances.",
            "Take `torch.cov(source.T)` and `torch.cov(target.T)`.",
            lambda s, t: _coral(_means_apart(s, t), s.shape[1]),
        ),
        Misconception(
            "means-compared",
            "The means of the domains are compared. CORAL compares their covariances.",
            "Take `torch.cov(source.T)` and `torch.cov(target.T)`.",
            lambda s, t: _means_apart(s, t) / s.shape[1],
        ),
        Misconception(
            "means-compared",
            "The means of the domains are compared. CORAL compares their covariances.",
            "Take `torch.cov(source.T)` and `torch.cov(target.T)`.",
            _means_apart,
        ),
        Misconception(
            "sign",
            "The sign is wrong: the loss falls as the domains part.",
            "Leave out the minus: 0 is best.",
            _per_width(lambda q, f: -_coral(q, f)),
        ),
    ),
)

_CORAL_POINTS = 3.0
_GRADIENT_POINTS = _CORAL_POINTS - _CORAL.points


def _coral_gradients(source: Any, target: Any) -> list[np.ndarray]:
    """(x - m) D / (F^2 (n - 1)), with D the difference of the covariances and its sign for each domain."""
    gap, width = _cov(source) - _cov(target), source.shape[1]
    return [
        sign * (np.asarray(x, np.float64) - np.mean(x, 0, np.float64)) @ gap / (width**2 * (len(x) - 1))
        for sign, x in ((1, source), (-1, target))
    ]


def _judge_coral(evidence: Evidence, rng: np.random.Generator) -> list[Finding]:
    runs, cases = evidence["runs"], _feature_cases(rng)
    calls = [run["call"] for run in runs]
    fault = (
        _leaves_torch(calls, _CORAL_POINTS)
        or _rows_meet_rows(calls, cases)
        or unusable("coral_loss", calls, _CORAL_POINTS)
        or _not_a_number("coral_loss", calls, _CORAL_POINTS)
    )
    if fault:
        return [fault]
    value = judge_question(_CORAL, cases, calls)
    if value.code == "coral-loss-differs":
        message = (
            f"The value is not the loss: for the first pair of domains it should be {_CORAL.reference(*cases[0]):.4g}."
        )
        cure = "Try source [[0, 0], [2, 2]] and target [[0, 0], [2, -2]]: the covariances differ by 4 twice; the loss is 2."
        return [replace(value, message=message, next_step=cure, points=_CORAL_POINTS)]
    if not value.passed:
        return [replace(value, points=_CORAL_POINTS)]
    return [value, _coral_gradient_finding(runs, cases)]


def _rows_meet_rows(calls: Sequence[Evidence], cases: Sequence[tuple[Any, ...]]) -> Finding | None:
    """A finding where N rows and M rows were subtracted from each other."""
    for record, (source, target) in zip(calls, cases, strict=True):
        error = record.get("error", {})
        sizes = set(re.findall(r"\d+", error.get("message", "")))
        if {str(len(source)), str(len(target))} <= sizes:
            message = (
                f"{len(source)} source rows meet {len(target)} target rows: {error['type']}. "
                "Two covariances of F features are both of shape (F, F), however many rows there are."
            )
            cure = "`torch.cov` wants one feature a row: give it the transposed, `torch.cov(source.T)`."
            return Finding("rows-meet-rows", False, message, cure, _CORAL_POINTS)
    return None


def _coral_gradient_finding(runs: Sequence[Evidence], cases: Sequence[tuple[Any, ...]]) -> Finding:
    code, message, cure = _coral_gradient_fault(runs, cases) or ("", "", "")
    if code:
        return Finding(code, False, message, cure, _GRADIENT_POINTS)
    return Finding("coral-gradients", True, "Its gradient reaches both domains' features.", "", _GRADIENT_POINTS)


def _arrives_nowhere(gradients: Evidence | None) -> bool:
    """Whether neither domain's features get a gradient."""
    return gradients is None or ("value" in gradients and not any(np.any(found) for found in gradients["value"]))


def _coral_gradient_fault(runs: Sequence[Evidence], cases: Sequence[tuple[Any, ...]]) -> tuple[str, str, str] | None:
    if not all(run["tensor"] for run in runs):
        message = "The value is right, but what you return is not a torch tensor, so no gradient flows through it."
        cure = "Return the tensor itself, without `.item()`, `float(...)`, numpy, or a list or tuple around it."
        return "not-a-tensor", message, cure
    if any(_arrives_nowhere(run["gradients"]) for run in runs):
        message = "The value is right, but no gradient flows through it: a network trained on it would not change."
        return "detached", message, "Leave out `.detach()`, `torch.no_grad()` and making a new tensor of the result."
    if error := next((run["gradients"]["error"] for run in runs if "error" in run["gradients"]), None):
        message = f"The value is right, but the way back stopped with {error['type']}: {error['message']}."
        return "backward-raises", message, "Call `.backward()` on the loss in a new cell and read the error there."
    for run, case in zip(runs, cases, strict=True):
        gradients = zip(("source", "target"), run["gradients"]["value"], _coral_gradients(*case), strict=True)
        for name, found, right in gradients:
            if found is None or not np.any(found):
                message = f"No gradient reaches the {name} features: only the other domain would move."
                return f"{name}-detached", message, f"Use `{name}` itself, without `.detach()`."
            if not np.allclose(found, right, rtol=1e-3, atol=1e-4):
                message = f"The value is right, but the gradient that reaches the {name} features is not."
                return f"{name}-gradient", message, "Compute the loss in torch alone, with nothing detached."
    return None


# --- gradient_reversal ----------------------------------------------------------------------------------------------


def _reversal_cases(rng: np.random.Generator) -> list[tuple[Any, ...]]:
    """(values, strength, gradient that arrives from behind, gradient that the values get from elsewhere)."""
    cases = []
    for shape, low, high in (((4, 3), 0.2, 0.6), ((5,), 1.4, 2.4), ((2, 3, 2), 0.2, 0.6)):
        arrays = [rng.normal(0, 1, shape).astype(np.float32) for _ in range(3)]
        cases.append((arrays[0], float(np.round(rng.uniform(low, high), 2)), *arrays[1:]))
    return cases


def _collect_reversal(answer: Any, rng: np.random.Generator) -> Evidence:
    import torch

    runs = []
    with torch.enable_grad():
        for values, strength, *gradients in _reversal_cases(rng):
            leaf = torch.from_numpy(values).requires_grad_()
            x = leaf * 1
            record, out = kept(answer, x, strength)
            run: Evidence = {"call": record, "tensor": isinstance(out, torch.Tensor)}
            if run["tensor"] and out.shape == leaf.shape:
                behind, elsewhere = (torch.from_numpy(gradient) for gradient in gradients)
                run["backward"] = call(_arriving, leaf, [(out, behind)])
                run["beside"] = call(_arriving, leaf, [(out, behind), (x, elsewhere)])
            runs.append(run)
    return {"runs": runs}


def _arriving(leaf: Any, paths: list[tuple[Any, Any]]) -> Any:
    """The gradient at the leaf when these gradients come back on these paths; zeros where none flows."""
    import torch

    loss = sum((out * gradient).sum() for out, gradient in paths)
    if not isinstance(loss, torch.Tensor) or not loss.requires_grad:
        return torch.zeros_like(leaf)
    (found,) = torch.autograd.grad(loss, leaf, retain_graph=True, allow_unused=True)
    return torch.zeros_like(leaf) if found is None else found


_VALUES = Question(
    code="values",
    right="The values pass unchanged.",
    reference=lambda x, s: x,
    points=3,
    names=("x", "strength"),
    misconceptions=(
        Misconception(
            "values-times-minus-strength",
            "On the way forward the values are multiplied by minus the strength: the gradient is right, but the domain "
            "classifier sees other features.",
            "Forward must return x as it is; only the gradient is changed.",
            lambda x, s: -s * x,
        ),
        Misconception(
            "values-negated",
            "The values come out negated.",
            "Forward must return x as it is; only the gradient is changed.",
            lambda x, s: -x,
        ),
        Misconception(
            "values-times-strength",
            "The values are multiplied by the strength.",
            "Forward must return x as it is; the strength belongs into backward.",
            lambda x, s: s * x,
        ),
        Misconception(
            "detached-part-too-small",
            "The values are x - strength * x: the detached part is not what the other part takes away.",
            "What is detached must be (1 + strength) * x, so that x remains.",
            lambda x, s: x - s * x,
        ),
    ),
)


def _turned(factor: Callable[[float], float]) -> Callable[..., list[np.ndarray]]:
    """A model that multiplies the gradient from behind: alone, and beside one that x gets from elsewhere."""
    return lambda s, behind, elsewhere: [factor(s) * behind, factor(s) * behind + elsewhere]


_GRADIENTS = Question(
    code="gradient-reversal",
    right="Values pass unchanged, and the gradient comes back times minus the strength.",
    reference=_turned(lambda s: -s),
    points=3,
    names=("strength", "gradient from behind", "gradient from elsewhere"),
    misconceptions=(
        Misconception(
            "no-gradient",
            "No gradient comes back: the features before it would not learn from the domain classifier at all.",
            "Do not detach the whole of x; part of what you return must depend on it.",
            _turned(lambda s: 0),
        ),
        Misconception(
            "gradient-unchanged",
            "The gradient passes unchanged: the features would learn to *help* the domain classifier.",
            "Multiply the gradient by -strength on the way back.",
            _turned(lambda s: 1),
        ),
        Misconception(
            "strength-ignored",
            "The gradient is turned round, but the strength plays no part.",
            "Multiply by -strength, not by -1.",
            _turned(lambda s: -1),
        ),
        Misconception(
            "not-reversed",
            "The gradient is multiplied by the strength, but not turned round.",
            "A minus is missing: multiply by -strength.",
            _turned(lambda s: s),
        ),
        Misconception(
            "reversed-twice",
            "The gradient is reversed twice: minus times minus is plus.",
            "Multiply by -strength once.",
            _turned(lambda s: s * s),
        ),
        Misconception(
            "strength-twice",
            "The strength is multiplied in twice.",
            "Multiply by -strength once.",
            _turned(lambda s: -s * s),
        ),
        Misconception(
            "strength-divides",
            "The gradient is divided by the strength.",
            "Multiply by -strength: at 0 the domain classifier must have no say.",
            _turned(lambda s: -1 / s),
        ),
        Misconception(
            "one-too-much",
            "The gradient is multiplied by 1 - strength: x itself still passes one on.",
            "Detach the part that keeps the values: x.detach() * (1 + strength) - strength * x.",
            _turned(lambda s: 1 - s),
        ),
        Misconception(
            "input-changed",
            "The gradient that x gets from elsewhere is turned round as well: the label classifier, which uses the same "
            "features, would teach the opposite of what it should.",
            "Change only what you return, not x itself: hook `y = x.view_as(x)` and return y.",
            lambda s, behind, elsewhere: [-s * behind, -s * (behind + elsewhere)],
        ),
    ),
)


def _judge_reversal(evidence: Evidence, rng: np.random.Generator) -> list[Finding]:
    runs, cases, points = evidence["runs"], _reversal_cases(rng), _VALUES.points
    calls = [run["call"] for run in runs]
    if fault := _leaves_torch(calls, points) or unusable("gradient_reversal", calls, points):
        return [fault]
    if not all(run["tensor"] for run in runs):
        message = "What `gradient_reversal` returns is no torch tensor, so no gradient can flow through it."
        cure = "Return `Reversal.apply(x, strength)`, or compute with x as a tensor."
        return [Finding("not-a-tensor", False, message, cure, points)]
    values = judge_question(_VALUES, [case[:2] for case in cases], calls)
    if not values.passed:
        return [values]
    ways_back = [(run["backward"], run["beside"]) for run in runs]
    if error := next((r["error"] for pair in ways_back for r in pair if "error" in r), None):
        message = f"Forward is right, but the way back stopped with {error['type']}: {error['message']}."
        cure = (
            "Let forward keep `ctx.strength = strength`, and let `backward(ctx, gradient)` return one gradient for each "
            "other argument of forward: `-ctx.strength * gradient, None`."
        )
        return [Finding("backward-raises", False, message, cure, points)]
    records = [{"value": [alone["value"], beside["value"]]} for alone, beside in ways_back]
    finding = judge_question(_GRADIENTS, [case[1:] for case in cases], records)
    if finding.code == "gradient-reversal-differs":
        return [_wrong_factor(finding, cases, records)]
    return [finding]


def _wrong_factor(finding: Finding, cases: Sequence[tuple[Any, ...]], records: Sequence[Evidence]) -> Finding:
    """A message that shows one number of the first case that differs."""
    for (_, strength, behind, _), record in zip(cases, records, strict=True):
        found = record["value"][0]
        if not same(found, -strength * behind):
            place = np.unravel_index(np.argmax(np.abs(found + strength * behind)), behind.shape)
            message = (
                f"With the strength {strength:g}, a gradient of {behind[place]:.4g} comes back as {found[place]:.4g}; "
                f"it should be {-strength * behind[place]:.4g}."
            )
            return replace(
                finding, message=message, next_step="Multiply the gradient by -strength, and by nothing else."
            )
    message = "Alone the gradient is right, but it is not when x is used elsewhere too."
    return replace(finding, message=message, next_step="Change only what you return, not x itself.")


# --- label_free_score -----------------------------------------------------------------------------------------------


def _prediction_cases(rng: np.random.Generator) -> list[tuple[Any, ...]]:
    """Predictions that prefer some classes; then with exact zeros; then with a class that is never predicted."""
    cases = []
    for n, classes, zeros in ((6, 4, "none"), (9, 5, "some"), (7, 4, "class")):
        logits = rng.normal(0, 1.5, (n, classes)) + rng.normal(0, 0.7, classes)
        p = np.exp(logits)
        if zeros == "some":
            rows = rng.permutation(n)[: n // 2]
            p[rows, rng.integers(0, classes, len(rows))] = 0
        if zeros == "class":
            p[:, rng.integers(classes)] = 0
        cases.append((p / p.sum(1, keepdims=True),))
    return cases


def _collect_label_free(answer: Any, rng: np.random.Generator) -> Evidence:
    return {"calls": each(answer, _prediction_cases(rng))}


def _entropy(p: np.ndarray, axis: int = -1) -> np.ndarray:
    return -(p * np.log(np.where(p > 0, p, 1))).sum(axis)


def _nan_entropy(p: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return -(p * np.log(p)).sum(-1)


def _column_entropies(p: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        return _entropy(p / p.sum(0), 0)  # NaN for a class that is never predicted, as scipy has it


def _of_entropies(combine: Callable[[float, np.ndarray, int], float]) -> Callable[..., float]:
    """A model that computes something from the entropy of the mean, each prediction's entropy and the classes."""
    return lambda p: float(combine(float(_entropy(p.mean(0))), _entropy(p), p.shape[1]))


def _hard_counts(p: np.ndarray) -> float:
    shares = np.bincount(p.argmax(1), minlength=p.shape[1]) / len(p)
    return float(_entropy(shares) - _entropy(p).mean())


_LABEL_FREE = Question(
    code="label-free-score",
    right="Each prediction certain, and all classes used: the mutual information, in nats.",
    reference=_of_entropies(lambda whole, single, c: whole - single.mean()),
    points=2,
    names=("probabilities",),
    part=one_number,
    agree=same_or_nan,
    misconceptions=(
        Misconception(
            "nan-at-zeros",
            "The score is NaN as soon as one probability is exactly 0, because log 0 is minus infinity.",
            "Let 0 log 0 be 0: `scipy.special.entr` does, and so does adding a tiny 1e-12 inside the logarithm.",
            lambda p: float(_nan_entropy(p.mean(0)) - _nan_entropy(p).mean()),
        ),
        Misconception(
            "certainty-only",
            "Only the mean entropy takes part, with a minus: a collapsed model, certain of the same class for every "
            "image, would win.",
            "Add the entropy of the mean prediction.",
            _of_entropies(lambda whole, single, c: -single.mean()),
        ),
        Misconception(
            "entropy-itself",
            "You return the mean entropy: the least certain model would win.",
            "Subtract it from the entropy of the mean prediction.",
            _of_entropies(lambda whole, single, c: single.mean()),
        ),
        Misconception(
            "spread-only",
            "Only the entropy of the mean prediction takes part: a model that is uncertain about every image would win.",
            "Subtract the mean of the predictions' own entropies.",
            _of_entropies(lambda whole, single, c: whole),
        ),
        Misconception(
            "sign",
            "The sign is turned round: the worst model would win.",
            "Entropy of the mean first, then minus the mean entropy.",
            _of_entropies(lambda whole, single, c: single.mean() - whole),
        ),
        Misconception(
            "entropies-added",
            "The two entropies are added: uncertainty about single images would be rewarded.",
            "Subtract the mean entropy.",
            _of_entropies(lambda whole, single, c: single.mean() + whole),
        ),
        Misconception(
            "axes-exchanged",
            "Images and classes are exchanged: each *column* is treated as a prediction.",
            "The mean prediction is `probabilities.mean(axis=0)`; an entropy sums over `axis=1`.",
            lambda p: float(_entropy(p.mean(1)) - _entropy(p, 0).mean()),
        ),
        Misconception(
            "mean-over-classes",
            "The mean prediction is taken over the classes, which gives 1 / C for every image.",
            "Take the mean over the images: `probabilities.mean(axis=0)`.",
            lambda p: float(_entropy(p.mean(1)) - _entropy(p).mean()),
        ),
        Misconception(
            "entropy-over-images",
            "The predictions' entropies are summed over the images, not over the classes.",
            "Sum p log p over `axis=1`, then take the mean over the images.",
            lambda p: float(_entropy(p.mean(0)) - _entropy(p, 0).mean()),
        ),
        Misconception(
            "entropy-of-columns",
            "scipy's `entropy` works down the columns unless told otherwise: each class's column was scaled to sum 1 and "
            "taken for a prediction.",
            "Say `entropy(probabilities, axis=1)`.",
            lambda p: float(_entropy(p.mean(0)) - _column_entropies(p).mean()),
        ),
        Misconception(
            "mean-over-entries",
            "p log p is averaged over all N x C entries; an entropy is the *sum* over the classes.",
            "Sum over `axis=1` first, then take the mean over the images.",
            _of_entropies(lambda whole, single, c: whole - single.mean() / c),
        ),
        Misconception(
            "divided-by-classes",
            "Both entropies are means over the classes: the score is C times too small.",
            "An entropy is the *sum* of -p log p over the classes.",
            _of_entropies(lambda whole, single, c: (whole - single.mean()) / c),
        ),
        Misconception(
            "sum-not-mean",
            "The predictions' entropies are summed over the images; their mean is needed.",
            "Take `.mean()` over the images, so that the score does not depend on how many there are.",
            _of_entropies(lambda whole, single, c: whole - single.sum()),
        ),
        Misconception(
            "bits",
            "The score is in bits.",
            "Use the natural logarithm, `np.log`: nats.",
            _of_entropies(lambda whole, single, c: (whole - single.mean()) / np.log(2)),
        ),
        Misconception(
            "normalised",
            "The score is divided by log C.",
            "Return it in nats, as it is.",
            _of_entropies(lambda whole, single, c: (whole - single.mean()) / np.log(c)),
        ),
        Misconception(
            "confidence",
            "You return the mean of each image's largest probability: a collapsed model would win.",
            "Compute the two entropies and subtract.",
            lambda p: float(p.max(1).mean()),
        ),
        Misconception(
            "hard-counts",
            "The first entropy is of how often each class is the most probable one, not of the mean prediction.",
            "Take the mean of the probabilities themselves: `probabilities.mean(axis=0)`.",
            _hard_counts,
        ),
    ),
)


def _judge_label_free(evidence: Evidence, rng: np.random.Generator) -> list[Finding]:
    calls = evidence["calls"]
    points = _LABEL_FREE.points
    if fault := unusable("label_free_score", calls, points) or _not_a_number("label_free_score", calls, points):
        return [fault]
    return [judge_question(_LABEL_FREE, _prediction_cases(rng), calls)]


EXERCISES = (
    Exercise(
        id="proxy_distance",
        title="How far apart are two domains?",
        lesson="05",
        points=1,
        minutes=4,
        difficulty=1,
        purpose="One number that says whether source and target look alike, without a single label.",
        hints=(
            "If a classifier cannot tell the domains apart, what is its error, and what should the distance be?",
            "The error is the share of held-out examples whose domain was guessed wrongly: one comparison, one mean.",
            "`error = np.mean(domains != predictions)`; return `2 * (1 - 2 * error)`, whatever its sign.",
        ),
        collect=_collect_proxy,
        judge=_judge_proxy,
    ),
    Exercise(
        id="importance_weights",
        title="Weights from a domain classifier",
        lesson="05",
        points=2,
        minutes=6,
        difficulty=2,
        purpose="Let the source examples count most that look like the target.",
        hints=(
            "The classifier tells p(target | x). Bayes' rule connects it with the densities p(x | target) and p(x | source).",
            "The odds p / (1 - p) are the ratio of the densities times n_target / n_source, the odds before looking at x.",
            "So undo that factor: `p_target / (1 - p_target) * n_source / n_target`, with nothing scaled or cut off.",
        ),
        collect=_collect_weights,
        judge=_judge_weights,
    ),
    Exercise(
        id="coral_loss",
        title="The loss of Deep CORAL",
        lesson="05",
        points=3,
        minutes=8,
        difficulty=2,
        purpose="A loss that makes two domains' features vary alike, from its formula.",
        hints=(
            "You need one covariance matrix for each domain. What is its shape, and does it depend on the number of rows?",
            "`torch.cov` wants one feature a row, so give it `source.T`. It centres and divides by N - 1 by itself.",
            "Square the difference of the two matrices, sum it, and divide by `4 * source.shape[1] ** 2`.",
            "Stay in torch to the end: no `.item()`, no `.detach()`, no numpy, or nothing can learn from the loss.",
        ),
        collect=_collect_coral,
        judge=_judge_coral,
    ),
    Exercise(
        id="gradient_reversal",
        title="The gradient reversal layer",
        lesson="05",
        points=3,
        minutes=10,
        difficulty=3,
        purpose="The one line of domain-adversarial training that makes two opponents train together.",
        hints=(
            "Forward it is the identity. Backward it multiplies what arrives by -strength. No ordinary function of x does "
            "both: either say what backward does, or hide part of x from the gradient.",
            "First way: a `torch.autograd.Function`. In `forward(ctx, x, strength)` keep the strength (`ctx.strength = "
            "strength`) and return `x.view_as(x)`.",
            "Its `backward(ctx, gradient)` returns one gradient for each argument: `-ctx.strength * gradient, None`. "
            "Call it with `.apply(x, strength)`.",
            "Second way: `x.detach()` has x's values and no gradient. Return `(1 + strength) * x.detach() - strength * x`.",
        ),
        collect=_collect_reversal,
        judge=_judge_reversal,
    ),
    Exercise(
        id="label_free_score",
        title="Choosing a model without labels",
        lesson="05",
        points=2,
        minutes=8,
        difficulty=2,
        purpose="A score to choose among adapted models when the target has no labels.",
        hints=(
            "A good model is certain about each image, and does not call all images the same. That is one entropy each.",
            "The entropy of the mean prediction, minus the mean of the predictions' entropies.",
            "`scipy.special.entr(p)` is -p log p, and 0 where p is 0. Sum it over the classes.",
            "`entr(p.mean(axis=0)).sum() - entr(p).sum(axis=1).mean()`.",
        ),
        collect=_collect_label_free,
        judge=_judge_label_free,
    ),
)
