"""Exercises of lesson 14, ship-it: a sealed test set, calibration, an alarm for drift. Exporting stands in
`lesson14_export`, the capstone in `lesson14_capstone`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tlcourse.checks.collecting import call, each, kept
from tlcourse.checks.exercise import Evidence, Exercise, Finding
from tlcourse.checks.judging import Misconception, Question, judge_question, one_number, same, same_or_nan, unusable

# --- seal_test ------------------------------------------------------------------------------------------------------


def _seal_cases(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Labels of two test sets, and predictions for them of different accuracies; the two sets differ in length."""
    n, m = int(rng.integers(30, 50)), int(rng.integers(55, 80))
    labels, others = rng.integers(5, size=n), rng.integers(5, size=m)
    return {
        "labels": labels,
        "first": _partly_right(labels, rng.uniform(0.55, 0.65), rng),
        "second": _partly_right(labels, rng.uniform(0.85, 0.95), rng),
        "short": labels[: n - int(rng.integers(3, 8))],
        "others": others,
        "of others": _partly_right(others, rng.uniform(0.25, 0.35), rng),
    }


def _partly_right(labels: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    wrong = rng.permutation(len(labels))[round(share * len(labels)) :]
    predictions = labels.copy()
    predictions[wrong] = (labels[wrong] + rng.integers(1, 5, size=len(wrong))) % 5
    return predictions


def _collect_seal(answer: Any, rng: np.random.Generator) -> Evidence:
    case = _seal_cases(rng)
    made, score = kept(answer, case["labels"].copy())
    if not callable(score):
        return {"made": made, "scores": False}
    asked = [("short", "short"), ("first", "first"), ("second", "second"), ("again", "first")]
    calls = {name: call(score, case[predictions].copy()) for name, predictions in asked}
    _, other = kept(answer, case["others"].copy())
    calls["other"] = call(other, case["of others"].copy())
    return {"made": made, "scores": True, "calls": calls}


def _judge_seal(evidence: Evidence, rng: np.random.Generator) -> list[Finding]:
    case, made = _seal_cases(rng), evidence["made"]
    if fault := unusable("seal_test", [made], 2):
        return [fault]
    if not evidence["scores"]:
        message = f"`seal_test` must return a function; it returns {_form(made['value'])}."
        return [Finding("no-function", False, message, "Define `score` inside `seal_test` and return `score`.", 2)]
    calls = evidence["calls"]
    if "error" in calls["first"] and "error" in calls["other"]:
        error = calls["first"]["error"]
        message = f"The first look at the test set fails with {error['type']}: {error['message']}."
        return [Finding("first-look-fails", False, message, "Only from the second look on may `score` raise.", 2)]
    return [_first_look(case, calls), _seal(case, calls)]


def _first_look(case: dict[str, np.ndarray], calls: dict[str, Evidence]) -> Finding:
    looks = {"first": ("first", "labels"), "other": ("of others", "others")}
    told = {name: _value(calls[name]) for name in ("first", "other")}
    rules: dict[str, tuple[str, str, Callable[[np.ndarray, np.ndarray], float]]] = {
        "accuracy": ("The first look gives the accuracy.", "", lambda p, y: float(np.mean(p == y))),
        "percent": (
            "The accuracy is in percent.",
            "Return a share, 0 to 1.",
            lambda p, y: float(100 * np.mean(p == y)),
        ),
        "count": ("You return how many are right.", "Divide by their number.", lambda p, y: float(np.sum(p == y))),
        "error-rate": (
            "You return the share of wrong ones.",
            "Compare with `==`.",
            lambda p, y: float(np.mean(p != y)),
        ),
    }
    for code, (message, cure, rule) in rules.items():
        right = {name: rule(case[p], case[y]) for name, (p, y) in looks.items()}
        # A short list that used up the look, or a seal that all sets share, is the seal's fault, not the accuracy's.
        seen = [name for name in looks if told[name] is not None]
        if seen and all(same(told[name], right[name]) for name in seen):
            return Finding(code, code == "accuracy", message, cure, 1)
    if same(told["other"], told["first"]) and told["first"] is not None:
        message = "A second test set is given the score of the first."
        return Finding("score-kept-for-all", False, message, "Keep what `score` remembers inside `seal_test`.", 1)
    expected = float(np.mean(case["first"] == case["labels"]))
    message = f"The first look gives {_shown(calls['first'])}; the accuracy is {expected:.4g}."
    return Finding("accuracy-differs", False, message, "Return the mean of `predictions == labels`.", 1)


def _seal(case: dict[str, np.ndarray], calls: dict[str, Evidence]) -> Finding:
    def fault(code: str, message: str, cure: str) -> Finding:
        return Finding(code, False, message, cure, 1)

    if "error" not in calls["short"]:
        message = f"Predictions for {len(case['short'])} of {len(case['labels'])} images are not refused."
        return fault("short-scored", message, "Raise a ValueError if the lengths differ: such a score means nothing.")
    if "error" in calls["first"] and "error" in calls["second"]:
        message = "Predictions of a wrong length used up the one look: the right ones that follow are refused."
        return fault("short-breaks-seal", message, "Check the length first, and break the seal after that.")
    if "error" not in calls["second"]:
        told = _value(calls["second"])
        if told is None:
            said = "prints a complaint" if calls["second"]["printed"] else "returns None"
            message = f"At the second look `score` {said} and goes on: a program would not notice."
            return fault("silent-refusal", message, "Raise a RuntimeError.")
        if same(told, _value(calls["first"])):
            message = "At the second look `score` gives the first score again, for other predictions."
            return fault("first-score-again", message, "Raise a RuntimeError: a number here would be believed.")
        message = "A second look gives a second score: the best of many looks is what would be reported."
        return fault("never-sealed", message, "Remember that a score was given, and raise a RuntimeError from then on.")
    if "error" not in calls["again"]:
        message = "The second look is refused, but a third is not."
        return fault("opens-again", message, "Once broken, the seal stays broken.")
    if "error" in calls["other"]:
        message = "A look at one test set uses up another one, too."
        return fault("shared-seal", message, "Keep the flag inside `seal_test`, with `nonlocal`, not outside it.")
    return Finding("sealed", True, "One look, and an error from then on.", "", 1)


def _value(record: Evidence) -> Any:
    return one_number(record.get("value"))


def _shown(record: Evidence) -> str:
    if "error" in record:
        return f"{record['error']['type']}"
    value = _value(record)
    return f"{value:.4g}" if isinstance(value, int | float) and not isinstance(value, bool) else _form(value)


def _form(value: Any) -> str:
    """What a value is, in words."""
    if isinstance(value, dict) and set(value) == {"type"}:
        return f"something of the type {value['type']}"
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    return "None" if value is None else f"something of the type {type(value).__name__}"


# --- calibration_error ----------------------------------------------------------------------------------------------


def _stated_cases(rng: np.random.Generator) -> list[tuple[Any, ...]]:
    """Too sure here and too cautious there, so that gaps have both signs; and a network's certain answers, exactly 1."""
    cases, lean = [], rng.choice([-1, 1])
    for bins, certain, sign in ((10, 0, lean), (15, 0, -lean), (5, 12, 0), (8, 3, 0)):
        n, c = int(rng.integers(90, 130)), int(rng.integers(3, 6))
        stated = rng.uniform(0.55, 0.999, n)
        stated[:certain] = 1.0
        rest = rng.dirichlet(np.full(c - 1, 2.0), n) * (1 - stated)[:, None]
        named = rng.integers(c, size=n)
        p = np.empty((n, c))
        for row, (best, others) in enumerate(zip(named, rest, strict=True)):
            p[row] = np.insert(others, best, stated[row])
        # Narrow stripes, too sure and too cautious in turn: other bins, another error.
        kept = sign * np.sign(0.88 - stated) if sign else np.where(np.floor(23 * stated) % 2, 1, -1)
        right = rng.random(n) < np.clip(stated + 0.35 * kept, 0.02, 0.98)
        right[: (certain + 2) // 3] = False  # some certain answers are wrong: left out, they would be missed
        cases.append((p, np.where(right, named, (named + rng.integers(1, c, size=n)) % c), bins))
    return cases


def _bins_of(stated: np.ndarray, bins: int) -> np.ndarray:
    """Bin m holds ((m - 1) / M, m / M]."""
    return np.clip(np.ceil(stated * bins - 1e-12).astype(int) - 1, 0, bins - 1)


def _gaps(stated: np.ndarray, right: np.ndarray, bins: int) -> tuple[np.ndarray, np.ndarray]:
    """For each bin that holds something: happened minus stated, and its share of the examples."""
    place = _bins_of(stated, bins)
    used = np.unique(place)
    gaps = [right[place == m].mean() - stated[place == m].mean() for m in used]
    return np.array(gaps), np.array([np.mean(place == m) for m in used])


def _top(p: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return p.max(1), (p.argmax(1) == y).astype(float)


def _of_gaps(combine: Callable[[np.ndarray, np.ndarray, int], float]) -> Callable[..., float]:
    """A model that computes something from the bins' gaps, their shares and the number of bins."""
    return lambda p, y, bins: float(combine(*_gaps(*_top(p, y), bins), bins))


def _of_answers(stated: Callable[..., np.ndarray], right: Callable[..., np.ndarray]) -> Callable[..., float]:
    """The right formula on other numbers."""

    def model(p: np.ndarray, y: np.ndarray, bins: int) -> float:
        gaps, shares = _gaps(stated(p, y), right(p, y), bins)
        return float(np.sum(np.abs(gaps) * shares))

    return model


def _certain_left_out(p: np.ndarray, y: np.ndarray, bins: int) -> float:
    stated, right = _top(p, y)
    inside = stated < 1
    gaps, shares = _gaps(stated[inside], right[inside], bins)
    return float(np.sum(np.abs(gaps) * shares) * inside.mean())


def _certain_left_out_wholly(p: np.ndarray, y: np.ndarray, bins: int) -> float:
    return _certain_left_out(p, y, bins) / float(np.mean(p.max(1) < 1))


def _midpoints(p: np.ndarray, y: np.ndarray, bins: int) -> float:
    stated, right = _top(p, y)
    place = _bins_of(stated, bins)
    gaps = [(abs(right[place == m].mean() - (m + 0.5) / bins), np.mean(place == m)) for m in np.unique(place)]
    return float(sum(gap * share for gap, share in gaps))


def _equal_sizes(p: np.ndarray, y: np.ndarray, bins: int) -> float:
    stated, right = _top(p, y)
    parts = np.array_split(np.argsort(stated), bins)
    return float(sum(abs(right[r].mean() - stated[r].mean()) * len(r) for r in parts if len(r)) / len(y))


def _nan_bins(p: np.ndarray, y: np.ndarray, bins: int) -> float:
    empty = len(np.unique(_bins_of(p.max(1), bins))) < bins
    return float("nan") if empty else _ECE.reference(p, y, bins)


def _at_bins(number: int) -> Callable[..., float]:
    return lambda p, y, bins: _ECE.reference(p, y, number)


_ECE: Question = Question(
    code="calibration-error",
    right="The bins' gaps, weighted by how many images each bin holds.",
    reference=_of_gaps(lambda gaps, shares, bins: np.sum(np.abs(gaps) * shares)),
    points=2,
    names=("probabilities", "labels", "bins"),
    part=one_number,
    agree=same_or_nan,
    misconceptions=(
        Misconception(
            "empty-bins-nan",
            "The result is NaN: the mean of an empty bin is taken, and there are empty bins.",
            "Leave out a bin without images, or let it weigh 0.",
            _nan_bins,
        ),
        Misconception(
            "bins-not-weighted",
            "Every bin counts the same: a bin with one image weighs as much as one with fifty.",
            "Weight each bin by its share of the images.",
            _of_gaps(lambda gaps, shares, bins: np.mean(np.abs(gaps))),
        ),
        Misconception(
            "empty-bins-counted",
            "The gaps are averaged over all bins, and empty ones count as bins without a gap.",
            "Weight each bin by its share of the images.",
            _of_gaps(lambda gaps, shares, bins: np.sum(np.abs(gaps)) / bins),
        ),
        Misconception(
            "largest-gap",
            "This is the largest gap of any bin, the maximum calibration error.",
            "Take the mean of the gaps, weighted by the bins' shares.",
            _of_gaps(lambda gaps, shares, bins: np.max(np.abs(gaps))),
        ),
        Misconception(
            "gaps-cancel",
            "Gaps of both signs cancel each other: a model too sure here and too cautious there would look calibrated.",
            "Take the absolute value of each bin's gap before you add.",
            _of_gaps(lambda gaps, shares, bins: np.sum(gaps * shares)),
        ),
        Misconception(
            "gaps-cancel",
            "Gaps of both signs cancel each other: a model too sure here and too cautious there would look calibrated.",
            "Take the absolute value of each bin's gap before you add.",
            _of_gaps(lambda gaps, shares, bins: -np.sum(gaps * shares)),
        ),
        Misconception(
            "no-bins",
            "This is |mean confidence - accuracy| over all images: there are no bins, and gaps of both signs cancel.",
            "Take the gap in each bin, then the weighted mean of their absolute values.",
            _of_gaps(lambda gaps, shares, bins: abs(np.sum(gaps * shares))),
        ),
        Misconception(
            "gaps-squared",
            "The gaps are squared.",
            "Take their absolute values.",
            _of_gaps(lambda gaps, shares, bins: np.sum(gaps**2 * shares)),
        ),
        Misconception(
            "root-mean-square",
            "This is the root of the mean squared gap.",
            "Take the mean of the absolute gaps.",
            _of_gaps(lambda gaps, shares, bins: np.sqrt(np.sum(gaps**2 * shares))),
        ),
        Misconception(
            "percent",
            "The error is in percent.",
            "Return a share, 0 to 1.",
            _of_gaps(lambda gaps, shares, bins: 100 * np.sum(np.abs(gaps) * shares)),
        ),
        Misconception(
            "each-image-a-bin",
            "The gap is taken image by image: |confidence - 1 or 0|. A single image is never well calibrated.",
            "Average confidence and correctness in each bin first, then subtract.",
            lambda p, y, bins: float(np.mean(np.abs(_top(p, y)[0] - _top(p, y)[1]))),
        ),
        Misconception(
            "certain-fall-out",
            "Images with a confidence of exactly 1 are in no bin: the last bin ends before it.",
            "Let each bin take in its upper end: `low < confidence` and `confidence <= high`.",
            _certain_left_out,
        ),
        Misconception(
            "certain-fall-out",
            "Images with a confidence of exactly 1 are in no bin: the last bin ends before it.",
            "Let each bin take in its upper end: `low < confidence` and `confidence <= high`.",
            _certain_left_out_wholly,
        ),
        Misconception(
            "bin-middles",
            "The middle of a bin stands for its confidence.",
            "Take the mean of the confidences that fall into it.",
            _midpoints,
        ),
        Misconception(
            "equal-sizes",
            "The bins hold as many images each; here they are of equal width.",
            "Cut [0, 1] into `bins` equal parts: `np.linspace(0, 1, bins + 1)`.",
            _equal_sizes,
        ),
        Misconception(
            "label-probability",
            "You use the probability of the true class. The confidence is that of the class the model names.",
            "Take `probabilities.max(axis=1)`.",
            _of_answers(lambda p, y: p[np.arange(len(y)), y], lambda p, y: _top(p, y)[1]),
        ),
        Misconception(
            "all-classes",
            "Every class's probability goes into the bins, not only the largest of each image.",
            "Take `probabilities.max(axis=1)`, one number an image.",
            _of_answers(lambda p, y: p.ravel(), lambda p, y: np.eye(p.shape[1])[y].ravel()),
        ),
        Misconception(
            "first-class",
            "You use the first class's probability for every image.",
            "Take the largest: `probabilities.max(axis=1)`.",
            _of_answers(lambda p, y: p[:, 0], lambda p, y: (y == 0).astype(float)),
        ),
        Misconception(
            "brier-score",
            "This is the Brier score: the mean squared distance of the probabilities from 1 for the label and 0 else.",
            "Compare confidence and accuracy in bins.",
            lambda p, y, bins: float(np.mean(np.sum((p - np.eye(p.shape[1])[y]) ** 2, axis=1))),
        ),
        Misconception("bins-ignored", "There are always 10 bins.", "Use `bins`, the third argument.", _at_bins(10)),
        Misconception("bins-fifteen", "There are always 15 bins.", "Use `bins`, the third argument.", _at_bins(15)),
        Misconception(
            "counts-for-shares",
            "The gaps are weighted by the number of images and not divided by their total.",
            "Divide by the number of images.",
            lambda p, y, bins: len(y) * _ECE.reference(p, y, bins),
        ),
    ),
)


def _collect_ece(answer: Any, rng: np.random.Generator) -> Evidence:
    return {"calls": each(answer, _stated_cases(rng))}


def _judge_ece(evidence: Evidence, rng: np.random.Generator) -> list[Finding]:
    if fault := unusable("calibration_error", evidence["calls"], _ECE.points):
        return [fault]
    return [judge_question(_ECE, _stated_cases(rng), evidence["calls"])]


# --- drift_alarm ----------------------------------------------------------------------------------------------------

_RATES = ((0.05, 87), (0.1, 53), (0.2, 38), (0.15, 46), (0.01, 60))
"""(rate, clean windows): none where rate * (n + 1) is whole, which no two ways of rounding would treat alike. In the last
there are too few windows for any alarm."""


def _window_cases(rng: np.random.Generator) -> list[tuple[Any, ...]]:
    """Scores of clean windows, and a stream with one in every gap between them, in no order."""
    cases = []
    for rate, n in _RATES:
        clean = rng.gamma(2.0, 0.1, n)
        edges = np.sort(clean)
        between = (edges[1:] + edges[:-1]) / 2
        beyond = [edges[0] / 2, *(edges[-1] * np.array([1.1, 1.5, 2.5]))]
        cases.append((clean, rng.permutation(np.concatenate([between, beyond, edges[-12:]])), rate))
    return cases


def _above(threshold: Callable[..., float]) -> Callable[..., list[bool]]:
    """A model that alarms above a threshold of its own."""
    return lambda clean, stream, rate: [bool(score > threshold(clean, stream, rate)) for score in stream]


def _quantile(method: Any) -> Callable[..., list[bool]]:
    return _above(lambda clean, stream, rate: float(np.quantile(clean, 1 - rate, method=method)))


def _by_chance(change: Callable[[float, int, int], bool]) -> Callable[..., list[bool]]:
    """A model that decides by the number of clean scores at least as large: (rate, that number, clean windows)."""

    def model(clean: np.ndarray, stream: np.ndarray, rate: float) -> list[bool]:
        return [bool(change(rate, int(np.sum(clean >= score)), len(clean))) for score in stream]

    return model


def _alarms(value: Any) -> Any:
    """One truth value a window, also where they are 0 and 1, or a column."""
    items = value.ravel().tolist() if isinstance(value, np.ndarray) else value
    if isinstance(items, list) and all(isinstance(item, bool | int | float) and item in (0, 1) for item in items):
        return [bool(item) for item in items]
    return items


_PLAIN_QUANTILE = (
    "plain-quantile",
    "You alarm above the clean scores' own quantile. The new window is not one of them: with n clean windows this alarms "
    "too often.",
    "Count the new window itself, above and below: (1 + number at least as large) / (n + 1).",
)
_ALARM = Question(
    code="drift-alarm",
    right="An alarm where no more than the allowed share of clean windows would look as odd.",
    reference=_by_chance(lambda rate, larger, n: (1 + larger) / (n + 1) <= rate),
    points=2,
    names=("clean", "stream", "rate"),
    part=_alarms,
    misconceptions=(
        Misconception(
            "one-missing",
            "This is (number at least as large) / n: the new window is not counted, and a score beyond all clean ones "
            "gets a chance of 0.",
            "Add 1 above and below.",
            _by_chance(lambda rate, larger, n: larger / n <= rate),
        ),
        Misconception(
            "one-missing-above",
            "The 1 is missing above: a score beyond all clean ones gets a chance of 0, which no count can show.",
            "(1 + number at least as large) / (n + 1).",
            _by_chance(lambda rate, larger, n: larger / (n + 1) <= rate),
        ),
        Misconception(
            "one-missing-below",
            "The 1 is missing below.",
            "(1 + number at least as large) / (n + 1).",
            _by_chance(lambda rate, larger, n: (1 + larger) / n <= rate),
        ),
        Misconception(
            "ties-not-counted",
            "Clean scores *equal* to the window's are not counted as being as odd.",
            "Count with `>=`.",
            lambda clean, stream, rate: [
                bool((1 + np.sum(clean > score)) / (len(clean) + 1) <= rate) for score in stream
            ],
        ),
        Misconception(
            "wrong-tail",
            "You alarm at *small* scores. A small score means that the window looks like the reference.",
            "Count the clean scores that are at least as large, not as small.",
            lambda clean, stream, rate: [
                bool((1 + np.sum(clean <= score)) / (len(clean) + 1) <= rate) for score in stream
            ],
        ),
        Misconception(
            "upside-down",
            "True stands for windows that are fine.",
            "Return True for an alarm.",
            _by_chance(lambda rate, larger, n: not (1 + larger) / (n + 1) <= rate),
        ),
        Misconception(
            "rate-halved",
            "The rate is halved, as for a test with two tails. Only large scores speak of drift.",
            "Compare with `rate`.",
            _by_chance(lambda rate, larger, n: (1 + larger) / (n + 1) <= rate / 2),
        ),
        Misconception(
            "rate-shared-out",
            "The rate is divided by the number of windows (Bonferroni). Here it is asked for each single window.",
            "Compare with `rate`.",
            lambda clean, stream, rate: _by_chance(lambda r, k, n: (1 + k) / (n + 1) <= r / len(stream))(
                clean, stream, rate
            ),
        ),
        Misconception(*_PLAIN_QUANTILE, _quantile("linear")),
        Misconception(*_PLAIN_QUANTILE, _quantile("lower")),
        Misconception(*_PLAIN_QUANTILE, _quantile("higher")),
        Misconception(*_PLAIN_QUANTILE, _quantile("nearest")),
        Misconception(
            "largest-clean",
            "You alarm only above the largest clean score, whatever the rate.",
            "The rate allows some clean scores to lie above.",
            _above(lambda clean, stream, rate: float(clean.max())),
        ),
        Misconception(
            "two-sigma",
            "You alarm above mean + 2 standard deviations, whatever the rate; and scores are not normal.",
            "Count clean scores instead.",
            _above(lambda clean, stream, rate: float(clean.mean() + 2 * clean.std())),
        ),
        Misconception(
            "three-sigma",
            "You alarm above mean + 3 standard deviations, whatever the rate; and scores are not normal.",
            "Count clean scores instead.",
            _above(lambda clean, stream, rate: float(clean.mean() + 3 * clean.std())),
        ),
        Misconception(
            "threshold-from-stream",
            "The threshold comes from the stream itself: that share of it always alarms, drift or not.",
            "Compare with the clean windows.",
            _above(lambda clean, stream, rate: float(np.quantile(stream, 1 - rate))),
        ),
        Misconception(
            "compared-with-rate",
            "The score itself is compared with the rate. A score is a distance, no probability.",
            "First work out how odd the score is among the clean ones.",
            _above(lambda clean, stream, rate: rate),
        ),
    ),
)


def _collect_alarm(answer: Any, rng: np.random.Generator) -> Evidence:
    return {"calls": each(answer, _window_cases(rng))}


def _judge_alarm(evidence: Evidence, rng: np.random.Generator) -> list[Finding]:
    calls, cases = evidence["calls"], _window_cases(rng)
    if fault := unusable("drift_alarm", calls, _ALARM.points):
        return [fault]
    for record, (_, stream, _) in zip(calls, cases, strict=True):
        if shape := _no_alarms(record["value"], len(stream)):
            return [Finding(shape[0], False, shape[1], shape[2], _ALARM.points)]
    return [judge_question(_ALARM, cases, calls)]


def _no_alarms(value: Any, windows: int) -> tuple[str, str, str] | None:
    """What is wrong with the form of the answer: code, message, next step; None if it can be judged."""
    items = _alarms(value)
    cure = "Return one True or False for each window of the stream."
    if not isinstance(items, list):
        return "one-value", f"`drift_alarm` returns {_form(value)}, not a row of alarms.", cure
    if len(items) != windows:
        indices = all(isinstance(item, int) and not isinstance(item, bool) for item in items)
        what = "which windows alarm" if indices and items else f"{len(items)} values for {windows} windows"
        return "not-one-a-window", f"`drift_alarm` returns {what}.", cure
    if not all(isinstance(item, bool) for item in items):
        return "chances-returned", "`drift_alarm` returns numbers, not alarms.", f"Compare them with `rate`. {cure}"
    return None


EXERCISES: tuple[Exercise, ...] = (
    Exercise(
        id="seal_test",
        title="A test set that opens once",
        lesson="14",
        points=2,
        minutes=8,
        difficulty=2,
        purpose="Make the second look at the test set impossible to take by accident.",
        hints=(
            "`score` must remember something between two calls. Where can it live, if not outside `seal_test`?",
            "A variable of `seal_test` that `score` changes: say `nonlocal used` inside `score`.",
            "In `score`: first raise a RuntimeError if used; then a ValueError if the lengths differ; then set the flag.",
            "`used = False`, `def score(predictions): nonlocal used; ...; used = True; return np.mean(predictions == labels)`.",
        ),
        collect=_collect_seal,
        judge=_judge_seal,
    ),
    Exercise(
        id="calibration_error",
        title="The expected calibration error",
        lesson="14",
        points=2,
        minutes=8,
        difficulty=2,
        purpose="One number for how far confidence can be believed.",
        hints=(
            "An image's confidence is its largest probability. Which images belong into one bin, and what do you compare there?",
            "In each bin: the mean confidence, and the share named right. Empty bins must not give NaN.",
            "For each `low, high` of `np.linspace(0, 1, bins + 1)`: `inside = (low < confidence) & (confidence <= high)`.",
            "Add up `inside.mean() * abs(right[inside].mean() - confidence[inside].mean())` where `inside.any()`.",
        ),
        collect=_collect_ece,
        judge=_judge_ece,
    ),
    Exercise(
        id="drift_alarm",
        title="An alarm with a known false-alarm rate",
        lesson="14",
        points=2,
        minutes=8,
        difficulty=2,
        purpose="Decide when a window is too odd, without a label and without a formula for how scores are spread.",
        hints=(
            "Without drift, a new score is just one more clean score. How likely is it to be among the largest?",
            "Count the clean scores that are at least as large; the new window counts as one more, above and below.",
            "`np.array([(1 + np.sum(clean >= score)) / (len(clean) + 1) for score in stream]) <= rate`.",
        ),
        collect=_collect_alarm,
        judge=_judge_alarm,
    ),
)
