"""Exercises of lesson 02, inside-the-network."""

from __future__ import annotations

import inspect
from collections.abc import Set
from functools import partial
from typing import Any

import numpy as np

from tlcourse.checks.collecting import call, each
from tlcourse.checks.exercise import Evidence, Exercise, Finding
from tlcourse.checks.judging import Misconception, Question, judge_question, same, unusable

# --- probe_at_depth -------------------------------------------------------------------------------------------------


def _map_cases(rng: np.random.Generator) -> list[dict[str, Any]]:
    """Feature maps whose classes differ in which corner of a channel is bright, so that a 2 x 2 grid tells them."""

    def maps(n: int, labels: np.ndarray, shift: float) -> np.ndarray:
        x = rng.gamma(1.5, 1.0, (n, 3, 6, 6)) * np.array([1.0, 3.0, 0.3])[:, None, None] + shift
        for row, label in enumerate(labels):
            top, left = divmod(int(label), 2)
            x[row, label % 3, 3 * top : 3 * top + 3, 3 * left : 3 * left + 3] += 1.0
        return x.astype(np.float32)

    cases = []
    for grid in (2, 1, 3):
        train_y, test_y = np.arange(24) % 4, rng.permutation(np.arange(20) % 4)
        cases.append(
            {
                "train_maps": maps(24, train_y, 0.0),
                "train_labels": train_y,
                "test_maps": maps(20, test_y, 1.5),  # another mean: whose statistics are used must matter
                "test_labels": test_y,
                "grid": grid,
            }
        )
    return cases


def _collect_probe(answer: Any, rng: np.random.Generator) -> Evidence:
    import torch
    from sklearn.linear_model import LogisticRegression

    records = []
    for case in _map_cases(rng):
        log: list[list[Any]] = []

        class Recorder(LogisticRegression):  # notes what it is given, whoever calls it, a scikit-learn pipeline too
            def fit(self, x: Any, y: Any, sample_weight: Any = None) -> Any:
                log.append(["fit", np.array(x, float), np.array(y)])  # noqa: B023
                return super().fit(x, y)

            def decision_function(self, x: Any) -> Any:  # predict, score and predict_proba all come through here
                log.append(["asked", np.array(x, float)])  # noqa: B023
                return super().decision_function(x)

        Recorder.__name__ = "LogisticRegression"
        record = call(
            answer,
            Recorder(max_iter=200),
            torch.from_numpy(case["train_maps"].copy()),
            case["train_labels"].copy(),
            torch.from_numpy(case["test_maps"].copy()),
            case["test_labels"].copy(),
            case["grid"],
        )
        fits = [entry for entry in log if entry[0] == "fit"]
        asked = [entry[1] for entry in log if entry[0] == "asked"]
        asked = _one_by_one(asked, len(case["test_labels"]))
        records.append({**record, "fit": fits[-1][1:] if fits else [], "asked": asked[-4:]})
    return {"calls": records}


def _one_by_one(asked: list[np.ndarray], n: int) -> list[np.ndarray]:
    """What was asked of the classifier; the rows of a loop over single images are put together."""
    single = [x for x in asked if x.ndim == 2 and len(x) == 1]
    if len(single) < n or any(x.shape != single[0].shape for x in single):
        return asked
    return [*(x for x in asked if len(x) != 1), np.concatenate(single[-n:])]


def _cells(maps: np.ndarray, grid: int, of: Any = np.mean) -> np.ndarray:
    n, c, h, w = maps.shape
    blocks = maps.astype(np.float64).reshape(n, c, grid, h // grid, grid, w // grid)
    return of(blocks, axis=(3, 5)).reshape(n, -1)


def _z(x: np.ndarray, by: np.ndarray) -> np.ndarray:
    return (x - by.mean(0)) / by.std(0)


def _like(x: Any, wanted: np.ndarray, tolerance: float = 0.08) -> bool:
    """Whether two feature matrices hold the same columns, in whatever order.

    The tolerance spans the two usual standard deviations (n or n - 1 below); different features differ by far more.
    """
    if not isinstance(x, np.ndarray) or x.shape != wanted.shape or not np.isfinite(x).all():
        return False
    gaps = np.abs(x[:, :, None] - wanted[:, None, :]).max(axis=0)
    scale = 1 + np.abs(wanted).max(axis=0)
    return bool((gaps / scale < tolerance).any(axis=0).all() and (gaps / scale < tolerance).any(axis=1).all())


def _both(case: dict[str, Any], view: Any) -> tuple[np.ndarray, np.ndarray]:
    return view(case["train_maps"], case["grid"]), view(case["test_maps"], case["grid"])


def _flat(maps: np.ndarray, grid: int) -> np.ndarray:
    return maps.reshape(len(maps), -1).astype(np.float64)


_POOLINGS = (
    (
        "not-pooled",
        _flat,
        "The classifier gets every position of the maps, flattened: they were not pooled to the grid.",
    ),
    (
        "grid-ignored",
        lambda maps, grid: _cells(maps, 1),
        "Every map is averaged to one number, whatever `grid` says: where a thing was seen is lost.",
    ),
    (
        "max-pooled",
        partial(_cells, of=np.max),
        "The cells hold the greatest activation, not the mean: one noisy position decides.",
    ),
    (
        "channels-averaged",
        lambda maps, grid: _cells(maps.mean(axis=1, keepdims=True), grid),
        "The channels are averaged away: only the places are left, not what was seen there.",
    ),
)
_POOL_STEP = "Pool with `torch.nn.functional.adaptive_avg_pool2d(maps, grid)`, then `.flatten(1)`."


def _scaling_fault(fit_x: np.ndarray, asked: np.ndarray, train: np.ndarray, test: np.ndarray) -> tuple[str, str] | None:
    """What is wrong with the standardisation, if the features are the right ones."""
    both = np.concatenate([train, test])
    if _like(fit_x, train):
        return "not-standardised", "The features reach the classifier as they are, each on its own scale."
    if _like(fit_x, train - train.mean(0)) or _like(fit_x, train / train.std(0)):
        return "half-standardised", "The features are centred or scaled, but not both."
    if _like(fit_x, _z(train, both)):
        return "test-statistics-leak", "The mean and deviation are those of training and test images together."
    if _like(fit_x, _z(train, test)):
        return (
            "standardised-by-test",
            "The training features are standardised with the test images' mean and deviation.",
        )
    if _like(fit_x, _z(train, train)) and _like(asked, _z(test, test)):
        return "test-by-itself", "The test features are standardised with their own mean and deviation."
    if _like(fit_x, _z(train, train)) and _like(asked, test):
        return "test-not-standardised", "The training features are standardised, the test features are not."
    row = (train - train.mean(1, keepdims=True)) / train.std(1, keepdims=True)
    if _like(fit_x, row):
        return "standardised-by-image", "Each image is standardised by itself: the mean is taken over axis 1."
    whole = (train - train.mean()) / train.std()
    if _like(fit_x, whole):
        return "one-statistic", "All features share one mean and one deviation; each needs its own."
    return None


_SCALE_STEP = "Take `train.mean(0)` and `train.std(0)` of the training features, and use them for both sets."


def _probe_fault(record: Evidence, case: dict[str, Any]) -> tuple[str, str, str] | None:
    """Code, message and next step of the first thing that is wrong with one call; None if all is right."""
    if not record["fit"]:
        return "never-fitted", "The classifier that is handed in is never fitted.", "Call `classifier.fit(x, labels)`."
    fit_x, fit_y = record["fit"]
    train, test = _both(case, _cells)
    asked = next((x for x in reversed(record["asked"]) if len(x) == len(test)), np.zeros(0))
    if len(fit_x) == len(test) and (
        _like(fit_x, _z(test, test)) or _like(fit_x, _z(test, train)) or _like(fit_x, test)
    ):
        return "fitted-on-test", "The classifier is fitted on the test images.", "Fit it on the training images."
    if len(fit_x) == len(train) + len(test):
        return "fitted-on-both", "The test images are among those that it is fitted on.", "Fit on the training images."
    if fit_x.ndim != 2 or len(fit_x) != len(train):
        shape = tuple(fit_x.shape)
        message = f"The classifier is fitted on features of shape {shape}; one row for each training image is wanted."
        return "wrong-rows", message, "Keep the first axis, the images: `.flatten(1)` begins at axis 1."
    for code, view, message in _POOLINGS:
        plain, _ = _both(case, view)
        told_apart = plain.shape != train.shape or not np.allclose(plain, train)
        if told_apart and (_like(fit_x, _z(plain, plain)) or _like(fit_x, plain)):
            return code, message, _POOL_STEP
    if fault := _scaling_fault(fit_x, asked, train, test):
        return (*fault, _SCALE_STEP)
    if not _like(fit_x, _z(train, train)):
        message = (
            f"The classifier is fitted on features of shape {tuple(fit_x.shape)} that are not the pooled, standardised "
            f"cells; for a grid of {case['grid']} their shape is {train.shape}."
        )
        step = f"{_POOL_STEP} Then subtract each feature's mean and divide by its standard deviation."
        return "other-features", message, step
    if not np.array_equal(fit_y, case["train_labels"]):
        return "labels-moved", "The labels that it is fitted on are not those of the images.", "Keep their order."
    if not record["asked"]:
        message = "The fitted classifier is never asked about any image."
        return "never-scored", message, "Return `classifier.score(test, test_labels)`."
    tests = [x for x in record["asked"] if len(x) == len(test)]
    if not tests:
        message = "The accuracy is measured on the training images, which the classifier has seen."
        return "scored-on-training", message, "Score it on the test images."
    if not any(_like(x, _z(test, train)) for x in tests):
        message = "The training features are right, but the test features are not standardised in the same way."
        return "test-otherwise", message, _SCALE_STEP
    return None


def _probe_accuracies(record: Evidence, case: dict[str, Any]) -> float:
    """What a classifier that got the learner's own matrices reaches on the test images."""
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression(max_iter=200).fit(*record["fit"])
    test = next(x for x in reversed(record["asked"]) if len(x) == len(case["test_labels"]))
    return float(fitted.score(test, case["test_labels"]))


def _judge_probe(evidence: Evidence, rng: np.random.Generator) -> list[Finding]:
    calls, cases = evidence["calls"], _map_cases(rng)
    if fault := unusable("probe_at_depth", calls, 3):
        return [fault]
    # The largest grid tells most mistakes apart: a 1 x 1 grid hides some.
    for place in (0, 2, 1):
        if wrong := _probe_fault(calls[place], cases[place]):
            return [Finding(wrong[0], False, wrong[1], wrong[2], 3)]
    share = Finding("features", True, "Each depth is pooled and standardised by the training images.", "", 2)
    expected = [_probe_accuracies(record, case) for record, case in zip(calls, cases, strict=True)]
    values = [record["value"] for record in calls]
    if same(values, expected):
        return [share, Finding("accuracy", True, "The accuracy is that on the test images.", "", 1)]
    if same(values, [100 * value for value in expected]):
        fault = Finding("percent", False, "The accuracy is in percent.", "Return a share between 0 and 1.", 1)
    elif same(values, [1 - value for value in expected]):
        fault = Finding(
            "error-rate", False, "You return the share that is wrong.", "Return the share that is right.", 1
        )
    elif all(np.ndim(v) == 1 and len(v) == len(c["test_labels"]) for v, c in zip(values, cases, strict=True)):
        message = "You return something for every image, not one accuracy."
        fault = Finding("predictions", False, message, "Return the share of the images that are right.", 1)
    else:
        value, wanted = next((v, e) for v, e in zip(values, expected, strict=True) if not same(v, e))
        message = f"The right features are fitted, but the answer {value!r:.80} is not the accuracy {wanted:.3f}."
        fault = Finding("other-number", False, message, "Return `classifier.score(test, test_labels)`.", 1)
    return [share, fault]


# --- which_layers_transfer ------------------------------------------------------------------------------------------

_TOLERANCE = 0.02


def _transfer_runs(rng: np.random.Generator) -> list[tuple[Any, ...]]:
    """Accuracies that fall, recover and fall again, so that the ways to read them differ."""

    def runs(
        base: float, selffer: list[float], transfer: list[float], tolerance: float = _TOLERANCE
    ) -> tuple[Any, ...]:
        n_seeds = 4
        noise = partial(rng.normal, 0, 0.002)
        jitter = rng.uniform(-0.004, 0.004, 2 * len(selffer))
        own = np.array(selffer) + jitter[: len(selffer)]
        other = np.array(transfer) + jitter[len(selffer) :]
        # One seed is 0.03 lower and one higher: the mean passes where a seed by itself would fail.
        odd = np.array([0.03, 0, -0.03, 0])[:, None]
        return (
            np.round(base + noise(size=n_seeds), 4),
            np.round(own + noise(size=(n_seeds, len(selffer))), 4),
            np.round(other + noise(size=(n_seeds, len(transfer))) + odd, 4),
            tolerance,
        )

    level = rng.uniform(0.84, 0.88)
    return [
        # A recovery after a dip; better than the base in the second layer.
        runs(
            level,
            [level, level - 0.01, level - 0.05, level - 0.03, level],
            [level - 0.008, level + 0.05, level - 0.1, level - 0.008, level - 0.2],
        ),
        # Fails from the first layer on, and comes back.
        runs(
            level,
            [level - 0.01, level - 0.06, level - 0.01, level],
            [level - 0.06, level - 0.05, level - 0.01, level - 0.3],
        ),
        # Layer 3 is near the selffer, and not near the base.
        runs(
            level,
            [level, level - 0.01, level - 0.08, level - 0.08, level - 0.02, level],
            [level - 0.008, level - 0.008, level - 0.09, level - 0.09, level - 0.05, level - 0.1],
        ),
        # All of them transfer, by a wide tolerance in points (0.2 of the base's accuracy would be less).
        runs(level, [level - 0.01, level + 0.01, level - 0.012], [level - 0.008, level + 0.03, level - 0.188], 0.2),
    ]


def _collect_layers(answer: Any, rng: np.random.Generator) -> Evidence:
    return {"calls": each(answer, _transfer_runs(rng))}


def _means(base: Any, selffer: Any, transfer: Any) -> tuple[float, np.ndarray, np.ndarray]:
    return float(np.mean(base)), np.mean(selffer, axis=0), np.mean(transfer, axis=0)


def _drop(read: Any) -> Any:
    """A model that returns one number a layer from (base, selffer, transfer) means."""
    return lambda base, selffer, transfer, tolerance: [float(v) for v in read(*_means(base, selffer, transfer))]


def _named(name: str, position: int) -> Any:
    """A dict with three names, or three things in their order."""

    def pick(value: Any) -> Any:
        if isinstance(value, dict):
            value = value.get(name)
        elif isinstance(value, list) and len(value) == 3:
            value = value[position]
        else:
            return None
        if name == "transferable" and isinstance(value, float) and value == int(value):
            return int(value)
        if isinstance(value, dict) and set(value) != {"type"}:  # n -> number
            return list(value.values())
        return value

    return pick


def _prefix(near: Any) -> Any:
    """A model of `transferable`: the length of the run of True at the start."""

    def model(base: Any, selffer: Any, transfer: Any, tolerance: float) -> int:
        good = near(*_means(base, selffer, transfer), tolerance)
        return int(np.argmin([*good, False]))

    return model


def _near_base(base: float, selffer: np.ndarray, transfer: np.ndarray, tolerance: float) -> np.ndarray:
    return transfer >= base - tolerance


def _anywhere(read: Any) -> Any:
    def model(base: Any, selffer: Any, transfer: Any, tolerance: float) -> Any:
        return read(_near_base(*_means(base, selffer, transfer), tolerance), np.mean(transfer, axis=0))

    return model


_LAYER_ARGUMENTS = ("base", "selffer", "transfer", "tolerance")

_CO_ADAPTATION = Question(
    code="co_adaptation",
    right="co_adaptation: what breaking the network apart costs, its own layers kept.",
    reference=_drop(lambda base, own, other: base - own),
    points=1,
    names=_LAYER_ARGUMENTS,
    part=_named("co_adaptation", 0),
    misconceptions=(
        Misconception(
            "co-adaptation-swapped",
            "co_adaptation has the wrong sign: you subtract the base from the selffer network.",
            "A drop is base minus selffer.",
            _drop(lambda base, own, other: own - base),
        ),
        Misconception(
            "co-adaptation-from-transfer",
            "co_adaptation is read from the transfer network, whose layers come from another task: that mixes both causes.",
            "Compare the base with the *selffer* network: only the cut separates them.",
            _drop(lambda base, own, other: base - other),
        ),
        Misconception(
            "co-adaptation-absolute",
            "co_adaptation is never negative: you take the absolute value, or cut it off at 0.",
            "Leave the sign: where the selffer network is better than the base, the drop is negative.",
            _drop(lambda base, own, other: abs(base - own)),
        ),
        Misconception(
            "co-adaptation-clipped",
            "co_adaptation is cut off at 0: a selffer network better than its base disappears.",
            "Leave the sign.",
            _drop(lambda base, own, other: np.maximum(base - own, 0)),
        ),
        Misconception(
            "co-adaptation-by-seed",
            "co_adaptation has one number a seed: the mean was taken over the layers.",
            "Average over the seeds, axis 0; one number a layer is left.",
            lambda base, selffer, transfer, tolerance: [float(v) for v in np.asarray(base) - np.mean(selffer, axis=1)],
        ),
        Misconception(
            "co-adaptation-one-number",
            "co_adaptation is one number for the whole network; one for each n is asked for.",
            "Average over the seeds alone: `selffer.mean(0)`.",
            lambda base, selffer, transfer, tolerance: float(np.mean(base) - np.mean(selffer)),
        ),
        Misconception(
            "co-adaptation-relative",
            "co_adaptation is a share of the base's accuracy.",
            "Subtract, and do not divide: accuracies are compared in points.",
            _drop(lambda base, own, other: (base - own) / base),
        ),
    ),
)

_SPECIFICITY = Question(
    code="specificity",
    right="specificity: what it costs that the layers were made for another task.",
    reference=_drop(lambda base, own, other: own - other),
    points=1,
    names=_LAYER_ARGUMENTS,
    part=_named("specificity", 1),
    misconceptions=(
        Misconception(
            "specificity-from-base",
            "specificity is base minus transfer: the whole drop, with the part that co-adaptation explains still in it.",
            "Subtract transfer from *selffer*: both were cut at the same place, so only the task differs.",
            _drop(lambda base, own, other: base - other),
        ),
        Misconception(
            "specificity-swapped",
            "specificity has the wrong sign: you subtract the selffer network from the transfer network.",
            "A drop is selffer minus transfer.",
            _drop(lambda base, own, other: other - own),
        ),
        Misconception(
            "specificity-absolute",
            "specificity is never negative, as if the other task's layers could not be better.",
            "Leave the sign.",
            _drop(lambda base, own, other: abs(own - other)),
        ),
        Misconception(
            "specificity-clipped",
            "specificity is cut off at 0: layers of the other task that are *better* disappear.",
            "Leave the sign.",
            _drop(lambda base, own, other: np.maximum(own - other, 0)),
        ),
        Misconception(
            "specificity-by-seed",
            "specificity has one number a seed: the mean was taken over the layers.",
            "Average over the seeds, axis 0; one number a layer is left.",
            lambda base, selffer, transfer, tolerance: [
                float(v) for v in np.mean(selffer, axis=1) - np.mean(transfer, axis=1)
            ],
        ),
    ),
)

_TRANSFERABLE = Question(
    code="transferable",
    right="transferable: how far from the input the layers carry over.",
    reference=_prefix(_near_base),
    points=1,
    names=_LAYER_ARGUMENTS,
    part=_named("transferable", 2),
    misconceptions=(
        Misconception(
            "transferable-index",
            "transferable is a position counted from 0; it should count layers.",
            "If the first two layers transfer, the answer is 2.",
            lambda *case: _prefix(_near_base)(*case) - 1,
        ),
        Misconception(
            "transferable-past-a-dip",
            "transferable looks for the last n within the tolerance, and passes over a smaller n that fell below it.",
            "Go from n = 1 upwards and stop at the first that fails.",
            _anywhere(lambda good, other: int(np.max(np.flatnonzero(good), initial=-1)) + 1),
        ),
        Misconception(
            "transferable-counted",
            "transferable counts every n within the tolerance, those behind a dip too.",
            "Go from n = 1 upwards and stop at the first that fails.",
            _anywhere(lambda good, other: int(good.sum())),
        ),
        Misconception(
            "transferable-best",
            "transferable is the n of the highest accuracy.",
            "The question is how far the layers carry over without loss: the largest n, not the best.",
            _anywhere(lambda good, other: int(np.argmax(other)) + 1),
        ),
        Misconception(
            "transferable-against-selffer",
            "transferable compares with the selffer network; a network that loses as much to the cut looks fine then.",
            "Compare with the base: is anything lost against training on B alone?",
            _prefix(lambda base, own, other, tolerance: other >= own - tolerance),
        ),
        Misconception(
            "transferable-no-tolerance",
            "transferable allows no loss at all: noise alone then decides.",
            "Allow `tolerance`: transfer >= base - tolerance.",
            _prefix(lambda base, own, other, tolerance: other >= base),
        ),
        Misconception(
            "transferable-both-sides",
            "transferable calls a transfer network that is *better* than the base by more than the tolerance a failure.",
            "Only a loss counts: transfer >= base - tolerance.",
            _prefix(lambda base, own, other, tolerance: abs(other - base) <= tolerance),
        ),
        Misconception(
            "transferable-relative",
            "transferable takes `tolerance` as a share of the base's accuracy.",
            "It is in points of accuracy: transfer >= base - tolerance.",
            _prefix(lambda base, own, other, tolerance: other >= base * (1 - tolerance)),
        ),
        Misconception(
            "transferable-seed-by-seed",
            "transferable wants every single seed within the tolerance: one unlucky run then decides.",
            "Compare the means over the seeds.",
            lambda base, selffer, transfer, tolerance: int(
                np.argmin([*(transfer >= base[:, None] - tolerance).all(0), False])
            ),
        ),
        Misconception(
            "transferable-first-failure",
            "transferable is the first n that fails.",
            "Return the last n before it.",
            lambda *case: _prefix(_near_base)(*case) + 1,
        ),
    ),
)
_LAYER_QUESTIONS = (_CO_ADAPTATION, _SPECIFICITY, _TRANSFERABLE)


def _judge_layers(evidence: Evidence, rng: np.random.Generator) -> list[Finding]:
    calls = evidence["calls"]
    if fault := unusable("which_layers_transfer", calls, 3):
        return [fault]
    names = [question.code for question in _LAYER_QUESTIONS]
    for value in (record["value"] for record in calls):
        named = isinstance(value, dict) and set(names) <= value.keys()
        if not named and not (isinstance(value, list) and len(value) == 3):
            message = "`which_layers_transfer` does not return the three things under their names."
            step = 'Return {"co_adaptation": ..., "specificity": ..., "transferable": ...}.'
            return [Finding("three-things", False, message, step, 3)]
    cases = _transfer_runs(rng)
    return [_by_means(judge_question(question, cases, calls), question, cases, calls) for question in _LAYER_QUESTIONS]


def _by_means(finding: Finding, question: Question, cases: list[tuple[Any, ...]], calls: list[Evidence]) -> Finding:
    """An unexplained difference, told by the means that it should be read from and not by every run."""
    if finding.passed or finding.code != f"{question.code}-differs":
        return finding
    answers, right = [question.part(r["value"]) for r in calls], [question.reference(*case) for case in cases]
    place = next(i for i, (a, e) in enumerate(zip(answers, right, strict=True)) if not question.agree(a, e))
    base, own, other = _means(*cases[place][:3])
    message = (
        f"{question.code}: with mean accuracies of {base:.3f} (base), {_short(own)} (selffer) and {_short(other)} "
        f"(transfer) and a tolerance of {cases[place][3]:g} the answer is {_short(answers[place])}; "
        f"it should be {_short(right[place])}."
    )
    return Finding(finding.code, False, message, finding.next_step, finding.points)


def _short(value: Any) -> str:
    """Numbers with three places, anything else cut to a readable length."""
    if isinstance(value, list | np.ndarray) and len(value) <= 8 and np.ndim(value) == 1:
        return "[" + ", ".join(_short(item) for item in value) + "]"
    if isinstance(value, float | np.floating):
        return f"{value:.3f}"
    return f"of shape {np.shape(value)}" if np.ndim(value) > 1 else str(value)[:80]


# --- prepare_input --------------------------------------------------------------------------------------------------


def _photos(rng: np.random.Generator) -> list[tuple[Any, ...]]:
    """A grey scan to enlarge, a BGR photo and an RGB photo to shrink; whole areas are white, as on real paper."""

    def pixels(*shape: int) -> np.ndarray:
        image = rng.integers(0, 256, shape, dtype=np.uint8)
        image[: shape[0] // 3] = 255
        return image

    mean = [round(float(v), 3) for v in rng.uniform([0.45, 0.38, 0.28], [0.55, 0.43, 0.33])]
    std = [round(float(v), 3) for v in rng.uniform([0.20, 0.25, 0.30], [0.23, 0.28, 0.33])]
    return [
        (pixels(30, 24, 3), "BGR", 12, mean, std),
        (pixels(8, 8), "grey", 12, mean, std),
        (pixels(20, 28, 3), "RGB", 12, mean, std),
    ]


def _collect_prepare(answer: Any, rng: np.random.Generator) -> Evidence:
    return {"calls": each(answer, _photos(rng))}


def _rgb(image: np.ndarray, channels: str) -> np.ndarray:
    if channels == "grey":
        return np.repeat(image[:, :, None], 3, axis=2)
    return image[:, :, ::-1] if channels == "BGR" else image


def _scaled(x: np.ndarray, size: int, **how: Any) -> np.ndarray:
    """(N, C, H, W) to (N, C, size, size)."""
    import torch
    from torch.nn import functional

    how = how or {"mode": "bilinear", "antialias": True}
    return functional.interpolate(torch.from_numpy(np.ascontiguousarray(x)), (size, size), **how).numpy()


def _normalise(x: np.ndarray, mean: Any, std: Any) -> np.ndarray:
    return (x - np.reshape(mean, (1, -1, 1, 1))) / np.reshape(std, (1, -1, 1, 1))


def _pipeline(
    colour: Any = _rgb, front: Any = None, scale: Any = _scaled, divide: float = 255.0, normalise: Any = _normalise
) -> Any:
    """The right preparation with one stage exchanged."""

    def model(image: np.ndarray, channels: str, size: int, mean: Any, std: Any) -> np.ndarray:
        x = colour(image, channels).astype(np.float64)
        x = x.transpose(2, 0, 1)[None] if front is None else front(x)
        return np.asarray(normalise(scale(x, size) / divide, mean, std))

    return model


_prepared = _pipeline()


def _then(change: Any) -> Any:
    return lambda *case: change(_prepared(*case))


def _alike(answer: Any, expected: Any, tolerance: float = 4e-3) -> bool:
    """Arrays of one shape whose values agree to a fifth of a grey level; lists count as arrays."""
    try:
        given, wanted = np.asarray(answer, float), np.asarray(expected, float)
    except (TypeError, ValueError):
        return False
    return given.shape == wanted.shape and bool(np.isfinite(given).all() and np.abs(given - wanted).max() < tolerance)


def _own_statistics(x: np.ndarray, mean: Any, std: Any) -> np.ndarray:
    return (x - x.mean((2, 3), keepdims=True)) / x.std((2, 3), keepdims=True)


_PREPARED = Question(
    code="input",
    right="The images arrive as the network knows them: channels, layout, size, range and statistics.",
    reference=_prepared,
    points=3,
    names=("image", "channels", "size", "mean", "std"),
    agree=_alike,
    misconceptions=(
        Misconception(
            "no-batch-axis",
            "The result has no batch axis: a network takes (N, 3, H, W), and one image is N = 1.",
            "Add it in front: `x[None]` or `x.unsqueeze(0)`.",
            _then(lambda x: x[0]),
        ),
        Misconception(
            "channels-last",
            "The channels still stand last: (1, H, W, 3) is how files hold images, PyTorch wants (1, 3, H, W).",
            "Move them in front with `permute(2, 0, 1)`.",
            _then(lambda x: x.transpose(0, 2, 3, 1)),
        ),
        Misconception(
            "not-resized",
            "The image has its old size.",
            "Scale it: `functional.interpolate(x, (size, size), mode='bilinear', antialias=True)`.",
            _pipeline(scale=lambda x, size: x),
        ),
        Misconception(
            "reshaped",
            "You reshape (H, W, 3) to (3, H, W): the numbers keep their order, and the picture is torn to pieces.",
            "Move the axis instead: `permute(2, 0, 1)` or `np.moveaxis(image, 2, 0)`.",
            _pipeline(front=lambda x: x.reshape(1, 3, *x.shape[:2])),
        ),
        Misconception(
            "transposed",
            "Height and width are exchanged: the picture lies on its side.",
            "`permute(2, 0, 1)` keeps rows before columns; `.T` and `permute(2, 1, 0)` do not.",
            _pipeline(front=lambda x: x.transpose(2, 1, 0)[None]),
        ),
        Misconception(
            "bgr-kept",
            "A BGR image keeps its order: the network gets blue where it expects red.",
            "Reverse the last axis where `channels` is 'BGR': `image[:, :, ::-1]`.",
            _pipeline(colour=lambda image, channels: _rgb(image, "RGB" if channels == "BGR" else channels)),
        ),
        Misconception(
            "always-reversed",
            "The channels are reversed for RGB images too.",
            "Reverse only where `channels` is 'BGR'.",
            _pipeline(colour=lambda image, channels: _rgb(image, "BGR" if channels == "RGB" else channels)),
        ),
        Misconception(
            "grey-in-one-channel",
            "A grey image fills one channel, and the other two are black: the network sees a red picture.",
            "Repeat the grey values in all three channels.",
            _pipeline(
                colour=lambda image, channels: (
                    _rgb(image, channels) * np.array([1, 0, 0]) if channels == "grey" else _rgb(image, channels)
                )
            ),
        ),
        Misconception(
            "grey-thirds",
            "A grey image is shared out: each channel gets a third of its brightness.",
            "Repeat the grey values as they are.",
            _pipeline(
                colour=lambda image, channels: (
                    _rgb(image, channels) / 3 if channels == "grey" else _rgb(image, channels)
                )
            ),
        ),
        Misconception(
            "not-scaled-to-one",
            "Pixels go in as 0 to 255, but mean and std are for values from 0 to 1.",
            "Divide by 255 first.",
            _pipeline(divide=1.0),
        ),
        Misconception(
            "scaled-after-normalising",
            "You normalise first and divide by 255 after: mean and std are for values from 0 to 1.",
            "Divide by 255 first.",
            _pipeline(divide=1.0, normalise=lambda x, mean, std: _normalise(x, mean, std) / 255),
        ),
        Misconception(
            "divided-by-256",
            "You divide by 256: white becomes 0.996 and not 1.",
            "The largest byte is 255.",
            _pipeline(divide=256.0),
        ),
        Misconception(
            "scaled-to-plus-minus-one",
            "Values are scaled to -1 to 1, the habit of other networks; mean and std are not used.",
            "Subtract `mean` and divide by `std`.",
            _pipeline(normalise=lambda x, mean, std: 2 * x - 1),
        ),
        Misconception(
            "not-normalised",
            "The values lie between 0 and 1: mean and std are not used.",
            "Subtract `mean` and divide by `std`, channel by channel.",
            _pipeline(normalise=lambda x, mean, std: x),
        ),
        Misconception(
            "statistics-swapped",
            "mean and std are exchanged: you subtract std and divide by mean.",
            "Write (x - mean) / std.",
            _pipeline(normalise=lambda x, mean, std: _normalise(x, std, mean)),
        ),
        Misconception(
            "divided-first",
            "You divide by std before the mean is subtracted.",
            "Write (x - mean) / std, with the brackets.",
            _pipeline(
                normalise=lambda x, mean, std: _normalise(x, 0 * np.array(mean), std) - np.reshape(mean, (1, 3, 1, 1))
            ),
        ),
        Misconception(
            "multiplied",
            "You multiply by std.",
            "Divide by it.",
            _pipeline(normalise=lambda x, mean, std: _normalise(x, mean, 1 / np.array(std))),
        ),
        Misconception(
            "only-centred",
            "The mean is subtracted, the division by std is missing.",
            "Divide by `std`, channel by channel.",
            _pipeline(normalise=lambda x, mean, std: _normalise(x, mean, np.ones(3))),
        ),
        Misconception(
            "statistics-reversed",
            "mean and std are used in the order blue, green, red.",
            "They are for red, green, blue: bring the image into that order, and leave them as they are.",
            _pipeline(normalise=lambda x, mean, std: _normalise(x, mean[::-1], std[::-1])),
        ),
        Misconception(
            "first-channel-statistics",
            "All three channels get the statistics of the first.",
            "Give mean and std the shape (1, 3, 1, 1), so that each channel meets its own.",
            _pipeline(normalise=lambda x, mean, std: _normalise(x, mean[:1] * 3, std[:1] * 3)),
        ),
        Misconception(
            "own-statistics",
            "The image is normalised with its own mean and deviation: every image is made equally bright.",
            "Use the `mean` and `std` that are handed in: the source model's.",
            _pipeline(normalise=_own_statistics),
        ),
        Misconception(
            "nearest",
            "The image is scaled by picking the nearest pixel, which is what `interpolate` does unless told otherwise.",
            "Give `mode='bilinear', antialias=True`.",
            _pipeline(scale=partial(_scaled, mode="nearest")),
        ),
        Misconception(
            "no-antialias",
            "Shrinking skips pixels: without antialiasing most of them are thrown away.",
            "Give `antialias=True`.",
            _pipeline(scale=partial(_scaled, mode="bilinear")),
        ),
        Misconception(
            "corners-aligned",
            "The image is scaled with align_corners=True, which stretches it by a pixel.",
            "Leave `align_corners` out.",
            _pipeline(scale=partial(_scaled, mode="bilinear", align_corners=True)),
        ),
        Misconception(
            "cropped",
            "You cut a square out instead of scaling the whole image.",
            "Scale the whole image to (size, size).",
            _pipeline(scale=lambda x, size: x[:, :, :size, :size]),
        ),
    ),
)


def _judge_prepare(evidence: Evidence, rng: np.random.Generator) -> list[Finding]:
    calls, cases = evidence["calls"], _photos(rng)
    if fault := unusable("prepare_input", calls, 3):
        return [fault]
    finding = judge_question(_PREPARED, cases, calls)
    if not finding.passed and finding.code == "input-differs":
        finding = _prepared_apart(calls, cases) or finding
    return [finding]


def _prepared_apart(calls: list[Evidence], cases: list[tuple[Any, ...]]) -> Finding | None:
    """What can be said of an answer that no single misconception explains: its shape, its rounding, its means."""
    values, expected = [record["value"] for record in calls], [_prepared(*case) for case in cases]
    for value, wanted, case in zip(values, expected, cases, strict=True):
        if np.shape(value) != wanted.shape:
            message = f"For a {case[1]} image the result has the shape {np.shape(value)}, not {wanted.shape}."
            return Finding("wrong-shape", False, message, "Print the shape after each of your steps.", 3)
    if all(_alike(value, wanted, 0.045) for value, wanted in zip(values, expected, strict=True)):
        message = "All is right but for rounding: the image was scaled as whole numbers."
        return Finding("scaled-as-bytes", False, message, "Turn it into floats first, then scale it.", 3)
    pairs = list(zip(values, expected, cases, strict=True))
    right = [case[1] for value, wanted, case in pairs if _alike(value, wanted)]
    value, wanted, case = next(pair for pair in pairs if not _alike(*pair[:2]))
    given = np.asarray(value, float).mean((0, 2, 3))
    too = f" ({' and '.join(right)}: right.)" if right else ""
    if np.abs(given - wanted.mean((0, 2, 3))).max() < 0.02:
        message = (
            f"The {case[1]} image has the right mean in every channel, but its pixels are not where they belong.{too}"
        )
        step = "Look at how the image is scaled (bilinear, antialiased, all of it), and that nothing is flipped."
        return Finding("pixels-elsewhere", False, message, step, 3)
    message = (
        f"In the {case[1]} image the means of the channels red, green, blue are {_short(given)}; they should be "
        f"{_short(wanted.mean((0, 2, 3)))}, for mean = {_short(case[3])} and std = {_short(case[4])}.{too}"
    )
    return Finding("input-differs", False, message, "Follow a white image (all 255) through each of your steps.", 3)


# --- find_the_bug ---------------------------------------------------------------------------------------------------

_ARM_NAMES = ("transfer", "scratch", "linear probe", "fine-tune", "baseline")


def _fed(kind: str, pixels: np.ndarray, mean: Any, std: Any) -> np.ndarray:
    """What reaches a network in an arm of this kind; float16 on the way, as under mixed precision."""
    share = pixels / 255
    right = _normalise(share, mean, std)
    made = {
        "right": lambda: right,
        "raw": lambda: share,
        "bytes": lambda: pixels.astype(float),
        "bytes normalised": lambda: _normalise(pixels, mean, std),
        "own statistics": lambda: (share - share.mean((0, 2, 3), keepdims=True)) / share.std((0, 2, 3), keepdims=True),
        "bgr": lambda: right[:, ::-1],
        "twice": lambda: _normalise(right, mean, std),
    }[kind]()
    return np.ascontiguousarray(made.astype(np.float16).astype(np.float32))


_FED = {
    "raw": "values from 0 to 1, not normalised",
    "bytes": "bytes, not normalised",
    "bytes normalised": "bytes from which mean and std were taken without dividing by 255",
    "own statistics": "images normalised by their own mean and deviation",
    "bgr": "blue and red exchanged",
    "twice": "images that were normalised twice",
}
"""What the message of a missed arm says of it."""

_COMPARISONS = (
    ("right", "raw"),
    ("raw", "right", "own statistics", "bgr", "right"),
    ("right", "right"),
    ("bytes", "right", "twice", "bytes normalised"),
    ("own statistics", "right", "raw"),
)


def _comparisons(rng: np.random.Generator) -> list[tuple[Any, ...]]:
    """Comparisons of several arms on one dark batch: a right arm's mean is far from 0, for it is not its own."""
    cases: list[tuple[Any, ...]] = []
    for kinds in _COMPARISONS:
        # Far enough apart that exchanged channels show in each channel's mean.
        mean = [round(float(v), 3) for v in rng.uniform([0.40, 0.47, 0.55], [0.45, 0.52, 0.60])]
        std = [round(float(v), 3) for v in rng.uniform([0.22, 0.22, 0.22], [0.28, 0.28, 0.28])]
        level = np.array([60, 90, 30])[None, :, None, None]
        pixels = (rng.uniform(0, 1, (6, 3, 5, 5)) * level + 10).astype(np.uint8)
        names = rng.permutation(_ARM_NAMES)[: len(kinds)].tolist()
        batches = {name: _fed(kind, pixels, mean, std) for name, kind in zip(names, kinds, strict=True)}
        cases.append((batches, pixels, mean, std))
    return cases


def _collect_bug(answer: Any, rng: np.random.Generator) -> Evidence:
    cases = _comparisons(rng)
    try:
        inspect.signature(answer).bind(*cases[0])
    except (TypeError, ValueError):  # no function, or one with other arguments: `call` says which
        return {"calls": each(answer, cases)}
    return {"calls": each(lambda *case: _as_list(answer(*case)), cases)}


def _as_list(value: Any) -> Any:
    """A set, the keys of a dict or an array of names are as good as a list; `collecting.simple` knows them not."""
    if isinstance(value, np.ndarray) and (value.dtype.kind in "UO" or not value.size):
        value = value.tolist()
    return sorted(value, key=str) if isinstance(value, Set) else value


def _names(value: Any) -> Any:
    """The names in no order; None for what is no list of names."""
    if isinstance(value, list) and all(isinstance(name, str) for name in value):
        return sorted(set(value))
    return value if isinstance(value, str) else None


def _unfair(differs: Any) -> Any:
    """A model that names every arm whose batch `differs` from what it should be."""

    def model(batches: dict[str, np.ndarray], pixels: np.ndarray, mean: Any, std: Any) -> list[str]:
        wanted = _normalise(pixels / 255, mean, std)
        return sorted(name for name, batch in batches.items() if differs(batch, wanted, pixels))

    return model


def _far(batch: np.ndarray, wanted: np.ndarray, pixels: Any = None) -> bool:
    return bool(np.abs(batch - wanted).max() > 0.05)


def _against_first(batches: dict[str, np.ndarray], pixels: np.ndarray, mean: Any, std: Any) -> list[str]:
    first = next(iter(batches.values()))
    return sorted(name for name, batch in batches.items() if _far(batch, first))


_BUG = Question(
    code="arms",
    right="Every arm that is fed otherwise than the source model expects is named, and no other.",
    reference=_unfair(_far),
    points=2,
    names=("batches", "pixels", "mean", "std"),
    part=_names,
    misconceptions=(
        Misconception(
            "zero-mean-wanted",
            "You expect mean 0 and deviation 1. That holds for the source's own images; a batch of dark images that is "
            "rightly normalised has a mean far below 0, and one that was normalised by itself looks perfect.",
            "Compare with (pixels / 255 - mean) / std.",
            _unfair(lambda batch, wanted, pixels: abs(batch.mean()) > 0.1 or abs(batch.std() - 1) > 0.1),
        ),
        Misconception(
            "range-only",
            "You name the arms whose values lie between 0 and 1. Other faults pass: bytes, doubled normalisation, other "
            "statistics, exchanged channels.",
            "Compare with (pixels / 255 - mean) / std.",
            _unfair(lambda batch, wanted, pixels: batch.min() >= 0 and batch.max() <= 1),
        ),
        Misconception(
            "sign-only",
            "You name the arms that have no negative value. Other faults pass: doubled normalisation, other statistics.",
            "Compare with (pixels / 255 - mean) / std.",
            _unfair(lambda batch, wanted, pixels: batch.min() >= 0),
        ),
        Misconception(
            "fair-arms",
            "You name the arms that are fed rightly.",
            "Name the others.",
            _unfair(lambda batch, wanted, pixels: not _far(batch, wanted)),
        ),
        Misconception(
            "exactly-equal",
            "Every arm is named, the right ones too. Batches went through half precision: none is equal to the last "
            "digit, nor within the tolerance that `np.allclose` has by itself.",
            "Compare with (pixels / 255 - mean) / std, and allow a difference: `atol=0.05`.",
            _unfair(lambda batch, wanted, pixels: not np.array_equal(batch, wanted)),
        ),
        Misconception(
            "overall-mean",
            "Exchanged channels pass: one number for the whole batch, such as its mean or its deviation, does not change "
            "when channels change places.",
            "Compare value by value, or at least channel by channel.",
            _unfair(lambda batch, wanted, pixels: abs(batch.mean() - wanted.mean()) > 0.05),
        ),
        Misconception(
            "pixels-not-scaled",
            "You compare with (pixels - mean) / std: pixels are bytes, mean and std are for values from 0 to 1.",
            "Divide the pixels by 255 first.",
            lambda batches, pixels, mean, std: sorted(
                name for name, batch in batches.items() if np.abs(batch - _normalise(pixels, mean, std)).max() > 1
            ),
        ),
        Misconception(
            "against-the-first",
            "You compare the arms with the first one: if that is the faulty one, the fair arms get the blame.",
            "Compare each with what it should be: (pixels / 255 - mean) / std.",
            _against_first,
        ),
        Misconception(
            "only-one-arm",
            "You name one faulty arm and stop; there may be several.",
            "Go through all arms and collect the names.",
            lambda *case: _unfair_in_order(*case)[:1],
        ),
    ),
)


def _unfair_in_order(batches: dict[str, np.ndarray], pixels: np.ndarray, mean: Any, std: Any) -> list[str]:
    wanted = _normalise(pixels / 255, mean, std)
    return [name for name, batch in batches.items() if _far(batch, wanted)]


def _judge_bug(evidence: Evidence, rng: np.random.Generator) -> list[Finding]:
    calls = evidence["calls"]
    if fault := unusable("find_the_bug", calls, 2):
        return [fault]
    values = [record["value"] for record in calls]
    if any(not isinstance(_names(value), list) for value in values):
        shown = next(value for value in values if not isinstance(_names(value), list))
        kind = isinstance(shown, dict) and set(shown) == {"type"}
        told = f"something of the type {shown['type']}" if kind else f"{str(shown)[:80]!r}"
        message = f"`find_the_bug` returns {told}, not a list of names."
        return [Finding("not-a-list", False, message, "Collect the names in a list; return [] if all are fair.", 2)]
    cases = _comparisons(rng)
    finding = judge_question(_BUG, cases, calls)
    return [_told_by_arm(cases, values) if finding.code == "arms-differs" else finding]


def _told_by_arm(cases: list[tuple[Any, ...]], values: list[Any]) -> Finding:
    """Which arm of the first comparison that differs was missed, or named for nothing, and what it was fed."""
    for (batches, pixels, mean, std), value, kinds in zip(cases, values, _COMPARISONS, strict=True):
        wanted = _unfair(_far)(batches, pixels, mean, std)
        for (arm, batch), kind in zip(batches.items(), kinds, strict=True):
            if (arm in value) != (arm in wanted):
                fault = f"is missed; it was fed {_FED[kind]}" if arm in wanted else "is named, but was fed rightly"
                message = f"With the arms {', '.join(batches)}: {arm!r} {fault}, with values from {batch.min():.2f} to "
                message += f"{batch.max():.2f}."
                step = "Compare each arm's batch with (pixels / 255 - mean) / std, value by value."
                return Finding("arms-differs", False, message, step, 2)
    message = "A name in your list is that of no arm."
    return Finding("arms-differs", False, message, "Return names as they stand in `batches`.", 2)


EXERCISES = (
    Exercise(
        id="probe_at_depth",
        title="A probe at one depth",
        lesson="02",
        points=3,
        minutes=10,
        difficulty=2,
        purpose="Ask one layer what it knows, without asking the others.",
        hints=(
            "Three steps: pool the maps to a grid, standardise, fit and score. Print the shape after each.",
            "`functional.adaptive_avg_pool2d(maps, grid)` gives (N, C, grid, grid); `.flatten(1)` makes rows of it.",
            "The test images must not help: take mean and deviation from the training features alone.",
            "mean, std = train.mean(0), train.std(0); fit on (train - mean) / std; return "
            "classifier.score((test - mean) / std, test_labels).",
        ),
        collect=_collect_probe,
        judge=_judge_probe,
    ),
    Exercise(
        id="which_layers_transfer",
        title="Which layers transfer",
        lesson="02",
        points=3,
        minutes=8,
        difficulty=2,
        purpose="Read the two causes of a drop apart, and say how far transfer carries.",
        hints=(
            "Average over the seeds first: axis 0 of `selffer` and `transfer`.",
            "Selffer differs from the base by the cut alone. Transfer differs from selffer by the task alone.",
            "For `transferable` go up from n = 1 and stop at the first n whose mean is below base - tolerance.",
            "good = other >= base.mean() - tolerance; then count the True values before the first False.",
        ),
        collect=_collect_layers,
        judge=_judge_layers,
    ),
    Exercise(
        id="prepare_input",
        title="A mismatched input",
        lesson="02",
        points=3,
        minutes=10,
        difficulty=2,
        purpose="Bring any image into the form that a source model was trained on.",
        hints=(
            "Do it in this order: channels, axes, floats from 0 to 1, size, statistics.",
            "A grey image has two axes: `np.repeat(image[:, :, None], 3, axis=2)`. BGR to RGB is `image[:, :, ::-1]`.",
            "`torch.from_numpy(image.copy()).permute(2, 0, 1)[None].float() / 255` has the shape (1, 3, H, W).",
            "Then functional.interpolate(x, (size, size), mode='bilinear', antialias=True), and (x - mean) / std with "
            "mean and std as tensors of the shape (1, 3, 1, 1).",
        ),
        collect=_collect_prepare,
        judge=_judge_prepare,
    ),
    Exercise(
        id="find_the_bug",
        title="The unfair arm",
        lesson="02",
        points=2,
        minutes=8,
        difficulty=2,
        purpose="Catch the commonest fault of published comparisons: arms that are not fed alike.",
        hints=(
            "You have the pixels and the source model's statistics: what *should* reach the network?",
            "wanted = (pixels / 255 - mean) / std, with mean and std of the shape (1, 3, 1, 1).",
            "[name for name, batch in batches.items() if not np.allclose(batch, wanted, atol=0.05)]",
        ),
        collect=_collect_bug,
        judge=_judge_bug,
    ),
)
"""The exercises of this lesson, in order."""
