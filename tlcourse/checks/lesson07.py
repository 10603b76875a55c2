"""Exercises of lesson 07, choosing-a-source."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from tlcourse.checks.collecting import call, each, kept, undisturbed
from tlcourse.checks.exercise import Evidence, Exercise, Finding
from tlcourse.checks.judging import (
    Misconception,
    Question,
    judge_question,
    not_class_numbers,
    one_number,
    same_or_nan,
    unusable,
)

if TYPE_CHECKING:
    from torch import nn

    from tlcourse.worlds.images import LabelledImages

# torch takes seconds to import, and the registry imports this module: what needs torch imports it when it runs.

# --- beat_the_baseline ----------------------------------------------------------------------------------------------

_CLASSES, _TRAIN, _TEST, _SIDE = 8, 40, 25, 24
_AHEAD = 0.10


def _sign_task(rng: np.random.Generator) -> tuple[LabelledImages, LabelledImages]:
    """Eight of the everyday things, moved, turned and bent: training and test images, in an order drawn by `rng`."""
    from tlcourse.worlds import EVERYDAY

    things = tuple(rng.choice(EVERYDAY.characters, _CLASSES, replace=False).tolist())
    parts = []
    for per_class in (_TRAIN, _TEST):
        data = _signs(things, per_class, int(rng.integers(1 << 62)))
        parts.append(data.subset(rng.permutation(len(data))))
    return parts[0], parts[1]


@lru_cache(maxsize=2)  # drawn once where the same process draws the material and judges
def _signs(things: tuple[str, ...], per_class: int, seed: int) -> LabelledImages:
    from tlcourse.worlds import EVERYDAY, PHOTO, glyphs

    style = PHOTO.but(
        polarity=1, texture=0, background=0.3, contrast=0.7, hidden=0, noise=0.2, blur=0.2, pose=1, warp=0.5, weight=0.3
    )
    return glyphs(EVERYDAY.only(*things), per_class, style=style, size=_SIDE, seed=seed, cache=False)


def _baseline_material(rng: np.random.Generator) -> Evidence:
    train, test = _sign_task(rng)
    return {"images": train.images, "labels": train.labels, "test_images": test.images}


def _collect_baseline(answer: Any, material: Evidence) -> Evidence:
    with undisturbed():
        return {"call": call(answer, material["images"], material["labels"], material["test_images"])}


def _nearest_mean(train: LabelledImages, test: LabelledImages) -> np.ndarray:
    """The class whose mean image is nearest, for each test image."""
    x, z = (data.images.reshape(len(data), -1) / 255 for data in (train, test))
    means = np.stack([x[train.labels == label].mean(0) for label in range(_CLASSES)])
    return ((z**2).sum(1)[:, None] - 2 * z @ means.T + (means**2).sum(1)).argmin(1)


def _judge_baseline(evidence: Evidence, rng: np.random.Generator, _held_out: Mapping[str, Any]) -> list[Finding]:
    points = 3
    if fault := unusable("beat_the_baseline", [evidence["call"]], points):
        return [fault]
    train, test = _sign_task(rng)
    given = evidence["call"]["value"]
    unfit = not_class_numbers(given, len(train), len(test), _CLASSES)
    code, message, cure = unfit or _too_weak(np.ravel(given), train, test)
    if code:
        return [Finding(code, False, message, cure, points)]
    right, naive = (float(np.mean(labels == test.labels)) for labels in (np.ravel(given), _nearest_mean(train, test)))
    message = f"{right:.2f} of the test images are named right; the best naive baseline has {naive:.2f}."
    return [Finding("beats-baseline", True, message, "", points)]


def _too_weak(given: np.ndarray, train: LabelledImages, test: LabelledImages) -> tuple[str, str, str]:
    """What keeps the predictions from beating the naive baselines: code, message, next step; empty if nothing does."""
    nearest = _nearest_mean(train, test)
    right, naive = (float(np.mean(labels == test.labels)) for labels in (given, nearest))
    if len(np.unique(given)) == 1:
        message = f"Every test image is called {given[0]:g}: that is the majority baseline, {right:.2f}."
        return "always-one-class", message, "Learn from the training images which class looks how."
    if np.mean(given == nearest) > 0.97:
        message = f"This is the naive baseline itself: the class whose mean image is nearest, {naive:.2f}."
        cure = "Give a classifier features that do not change when a sign moves: a network's."
        return "nearest-mean-itself", message, cure
    shifts = [float(np.mean((given + step) % _CLASSES == test.labels)) for step in range(1, _CLASSES)]
    if max(shifts) > max(naive, right + 0.2):
        message = f"The labels are shifted: add {1 + int(np.argmax(shifts))} to each, modulo {_CLASSES}, and they fit."
        return "labels-shifted", message, "Return the very numbers that the training labels use."
    if right < 2 / _CLASSES:
        message = f"{right:.2f} of the test images are named right, which is what guessing gives ({1 / _CLASSES:.2f})."
        cure = "Are images and labels still in the same order? Is training normalised as testing is?"
        return "guessing", message, cure
    if right < naive:
        message = f"{right:.2f} are named right; the nearest mean image alone has {naive:.2f}."
        return "below-baseline", message, "Check how you prepare the images, and train for longer."
    if right < naive + _AHEAD:
        message = f"{right:.2f} against {naive:.2f} of the nearest mean image: less than {_AHEAD:.2f} ahead."
        return "hardly-ahead", message, "Use a network: GlyphNet's frozen features, or a small one of your own."
    return "", "", ""


# --- leep -----------------------------------------------------------------------------------------------------------


def _leep_cases(rng: np.random.Generator) -> list[tuple[Any, ...]]:
    """Classes of unequal size, source classes that tell something of them, and one that never occurs."""
    cases = []
    for n, target, source in ((24, 3, 5), (30, 4, 3), (18, 2, 4)):
        labels = np.concatenate([np.arange(target), rng.integers(0, target, n - target - 4), np.zeros(4, int)])
        rng.shuffle(labels)
        logits = rng.normal(0, 1, (n, source)) + 2 * rng.normal(0, 1, (target, source))[labels]
        probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
        if source == 5:
            probabilities[:, 2] = 0
            probabilities /= probabilities.sum(1, keepdims=True)
        cases.append((probabilities, labels))
    return cases


def _collect_leep(answer: Any, rng: np.random.Generator) -> Evidence:
    return {"calls": each(answer, _leep_cases(rng))}


def _joint(p: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The empirical joint distribution, shape (target classes, source classes)."""
    return np.eye(y.max() + 1)[y].T @ p / len(y)


def _given(joint: np.ndarray, axis: int) -> np.ndarray:
    """A conditional distribution that sums to 1 along `axis`, and is 0 where there is nothing to divide by."""
    total = joint.sum(axis, keepdims=True)
    return np.divide(joint, total, out=np.zeros_like(joint), where=total > 0)


def _expected(p: np.ndarray, y: np.ndarray) -> np.ndarray:
    """sum_z P(y_i | z) p_iz, one number an image."""
    return (_given(_joint(p, y), 0)[y] * p).sum(1)


def _hard(p: np.ndarray) -> np.ndarray:
    return np.eye(p.shape[1])[p.argmax(1)]


def _leep_of(change: Callable[[np.ndarray], float]) -> Callable[[np.ndarray, np.ndarray], float]:
    return lambda p, y: float(change(_expected(p, y)))


def _log_inside(p: np.ndarray, y: np.ndarray) -> float:
    given = _given(_joint(p, y), 0)
    return float((np.log(np.where(given > 0, given, 1))[y] * p).sum(1).mean())


def _nan_at_empty(p: np.ndarray, y: np.ndarray) -> float:
    joint = _joint(p, y)
    with np.errstate(invalid="ignore"):
        return float(np.log(((joint / joint.sum(0))[y] * p).sum(1)).mean())


def _empirical_accuracy(p: np.ndarray, y: np.ndarray) -> float:
    return float(np.mean((p @ _given(_joint(p, y), 0).T).argmax(1) == y))


_LEEP = Question(
    code="leep",
    right="The mean log probability of the labels, given what the source model believes about each image.",
    reference=_leep_of(lambda e: np.log(e).mean()),
    points=2,
    names=("probabilities", "labels"),
    part=one_number,
    agree=same_or_nan,
    misconceptions=(
        Misconception(
            "nan-at-empty-class",
            "The score is NaN as soon as a source class has probability 0 for every image: 0 is divided by 0.",
            "Leave such a class out, or divide only where P(z) is above 0: it adds nothing to the sum.",
            _nan_at_empty,
        ),
        Misconception(
            "sum-not-mean",
            "The logarithms are summed: the score grows with the number of images.",
            "Take their mean.",
            _leep_of(lambda e: np.log(e).sum()),
        ),
        Misconception(
            "sign",
            "The sign is turned round: this is a loss, and the worst source would win.",
            "Return the mean logarithm itself. It is 0 at best.",
            _leep_of(lambda e: -np.log(e).mean()),
        ),
        Misconception(
            "no-logarithm",
            "The expected probabilities are averaged without their logarithm.",
            "Take `np.log` of each image's sum, then the mean.",
            _leep_of(lambda e: e.mean()),
        ),
        Misconception(
            "log-of-mean",
            "You take the logarithm of the mean; one image that is explained badly hardly counts then.",
            "Take the logarithm of each image's sum first, then the mean.",
            _leep_of(lambda e: np.log(e.mean())),
        ),
        Misconception(
            "bits",
            "The score is in bits.",
            "Use the natural logarithm, `np.log`.",
            _leep_of(lambda e: np.log2(e).mean()),
        ),
        Misconception(
            "decadic",
            "The logarithm is the decadic one.",
            "Use the natural logarithm, `np.log`.",
            _leep_of(lambda e: np.log10(e).mean()),
        ),
        Misconception(
            "log-inside",
            "The logarithm stands inside the sum over source classes: you average logarithms, not probabilities.",
            "Sum P(y | z) times the probability of z first; then take the logarithm.",
            _log_inside,
        ),
        Misconception(
            "joint-for-conditional",
            "The joint P(y, z) stands where the conditional P(y | z) belongs: rare source classes count too little.",
            "Divide each column of the joint table by its sum, P(z).",
            lambda p, y: float(np.log((_joint(p, y)[y] * p).sum(1)).mean()),
        ),
        Misconception(
            "counts-for-conditional",
            "The joint table is summed and not divided at all: its entries grow with the number of images.",
            "Divide each column of the table by its sum, so that it becomes P(y | z).",
            lambda p, y: float(np.log((_joint(p, y)[y] * p).sum(1) * len(y)).mean()),
        ),
        Misconception(
            "conditioned-on-target",
            "This is P(z | y): each *row* of the joint table was divided by its sum.",
            "Divide each *column* by its sum: given the source class, how probable is the target class?",
            lambda p, y: float(np.log((_given(_joint(p, y), 1)[y] * p).sum(1)).mean()),
        ),
        Misconception(
            "most-probable-source-class",
            "Each image counts for its most probable source class alone. That is another score (NCE; Tran et al., 2019).",
            "Use the whole row of probabilities, in the joint table and in the sum.",
            lambda p, y: _leep_of(lambda e: np.log(e).mean())(_hard(p), y),
        ),
        Misconception(
            "hard-table",
            "The joint table counts only each image's most probable source class.",
            "Add each image's whole row of probabilities to its label's row of the table.",
            lambda p, y: float(np.log((_given(_joint(_hard(p), y), 0)[y] * p).sum(1)).mean()),
        ),
        Misconception(
            "accuracy",
            "You return how often the likeliest target class is the right one.",
            "Return the mean logarithm of the right label's probability.",
            _empirical_accuracy,
        ),
    ),
)


def _judge_leep(evidence: Evidence, rng: np.random.Generator) -> list[Finding]:
    calls, points = evidence["calls"], _LEEP.points
    if fault := unusable("leep", calls, points) or _not_one_number("leep", calls, points):
        return [fault]
    cases = _leep_cases(rng)
    finding = judge_question(_LEEP, cases, calls)
    if finding.code == "leep-differs":
        right, given = (
            ", ".join(f"{value:.4f}" for value in values)
            for values in (
                [_LEEP.reference(*case) for case in cases],
                [one_number(record["value"]) for record in calls],
            )
        )
        message = f"For three sets of images the scores are {right}; you have {given}."
        cure = "Take two images and two classes, and work out the table P(y, z), then P(y | z), by hand."
        return [replace(finding, message=message, next_step=cure)]
    return [finding]


def _not_one_number(name: str, calls: Sequence[Evidence], points: float) -> Finding | None:
    for record in calls:
        value = one_number(record["value"])
        if isinstance(value, bool) or not isinstance(value, int | float):
            message = f"`{name}` must return one number for all images together."
            return Finding("not-one-number", False, message, "Take the mean over the images.", points)
    return None


# --- rank_sources ---------------------------------------------------------------------------------------------------

_NAMES = ("Latin", "Greek", "digits", "photos", "chalk", "syllabics", "arrows", "random")
_BROKEN = "this source has no head of its own"


def _rank_cases(rng: np.random.Generator) -> list[dict[str, float | None]]:
    """Name -> score; None for a score that raises. Plain, with ties, with failures, and with minus infinity."""
    high, tied, low = np.sort(rng.uniform(-3, -0.1, 3).round(2))[::-1].tolist()
    positive = round(float(rng.uniform(0.1, 2)), 2)
    raw: tuple[list[float | None], ...] = (
        [high, tied, low, positive],
        [tied, high, tied, low, positive],
        [high, None, tied, float("nan"), low, tied],
        [low, -math.inf, high, None],
    )
    cases = []
    for values in raw:
        names = rng.choice(_NAMES, len(values), replace=False).tolist()
        order = rng.permutation(len(values))
        cases.append({name: values[i] for name, i in zip(names, order, strict=True)})
    return cases


def _collect_rank(answer: Any, rng: np.random.Generator) -> Evidence:
    calls, asked = [], []
    for values in _rank_cases(rng):
        counts = dict.fromkeys(values, 0)

        def score(source: str, values: dict[str, float | None] = values, counts: dict[str, int] = counts) -> float:
            name = source.removesuffix(" network")
            counts[name] += 1
            found = values[name]
            if found is None:
                raise ValueError(_BROKEN)
            return found

        calls.append(call(answer, {name: f"{name} network" for name in values}, score))
        asked.append(max(counts.values()))
    return {"calls": calls, "asked": asked}


def _failed(value: float | None) -> bool:
    return value is None or math.isnan(value)


def _best_rank(value: float, known: list[float]) -> float:
    return 1 + sum(other > value for other in known)


def _ranks(
    values: Mapping[str, float | None],
    rank: Callable[[float, list[float]], float] = _best_rank,
    failed: Callable[[float | None], bool] = _failed,
) -> dict[str, float | None]:
    """Name -> its rank among the scores that did not fail; None where the score failed."""
    known = [v for v in values.values() if v is not None and not failed(v)]
    return {name: None if v is None or failed(v) else rank(v, known) for name, v in values.items()}


def _without_ties(values: Mapping[str, float | None]) -> dict[str, float | None]:
    """Equal scores get different ranks, in the order in which they come."""
    order = sorted((n for n in values if not _failed(values[n])), key=lambda n: -float(values[n] or 0.0))
    return {name: order.index(name) + 1 if name in order else None for name in values}


def _replaced(values: Mapping[str, float | None], stand_in: float) -> dict[str, float | None]:
    return _ranks({name: stand_in if _failed(value) else value for name, value in values.items()})


def _last(values: Mapping[str, float | None]) -> dict[str, float | None]:
    """A failure ranks after all others."""
    ranks = _ranks(values)
    return {name: 1 + sum(not _failed(v) for v in values.values()) if r is None else r for name, r in ranks.items()}


_RANK = Question(
    code="rank-sources",
    right="The best score first, equal scores on one rank, and no rank where a score failed.",
    reference=_ranks,
    points=2,
    names=("scores",),
    misconceptions=(
        Misconception(
            "worst-first",
            "Rank 1 goes to the lowest score. A higher score means a better source.",
            "Sort from high to low.",
            lambda values: _ranks(values, lambda v, known: 1 + sum(k < v for k in known)),
        ),
        Misconception(
            "from-zero",
            "The ranks start at 0.",
            "The best source has rank 1.",
            lambda values: _ranks(values, lambda v, known: sum(k > v for k in known)),
        ),
        Misconception(
            "ties-by-order",
            "Equal scores get different ranks: the one that happens to come first looks better.",
            "A rank is 1 plus the number of sources with a *higher* score.",
            _without_ties,
        ),
        Misconception(
            "no-gap-after-tie",
            "After two sources on rank 2 comes rank 3. But three are better than the next one, so it is fourth.",
            "A rank is 1 plus the number of *sources* with a higher score, not of different scores.",
            lambda values: _ranks(values, lambda v, known: 1 + len({k for k in known if k > v})),
        ),
        Misconception(
            "ties-share-worst",
            "Equal scores share the *worst* of the ranks that they take up.",
            "They share the best one: 1 plus the number of sources with a higher score.",
            lambda values: _ranks(values, lambda v, known: sum(k >= v for k in known)),
        ),
        Misconception(
            "ties-averaged",
            "Equal scores share the *mean* of the ranks that they take up, as scipy's `rankdata` does by default.",
            "They share the best one; `rankdata(..., method='min')` does that.",
            lambda values: _ranks(
                values, lambda v, known: (1 + sum(k > v for k in known) + sum(k >= v for k in known)) / 2
            ),
        ),
        Misconception(
            "failed-left-out",
            "A source whose score failed is missing. Nobody will notice that it was never compared.",
            "Keep its name, with None as its rank.",
            lambda values: {name: rank for name, rank in _ranks(values).items() if rank is not None},
        ),
        Misconception(
            "failed-last",
            "A source whose score failed is ranked last. It may be the best one: nothing is known of it.",
            "Give it None.",
            _last,
        ),
        Misconception(
            "failed-as-minus-infinity",
            "A failed score counts as the lowest possible one. The source may be the best: nothing is known of it.",
            "Give it None.",
            lambda values: _replaced(values, -math.inf),
        ),
        Misconception(
            "failed-as-zero",
            "A failed score counts as 0, and these scores are often negative: the failure overtakes real ones.",
            "Give it None as its rank.",
            lambda values: _replaced(values, 0.0),
        ),
        Misconception(
            "nan-ranked",
            "NaN is ranked. It is neither above nor below any number, so it looks like the best score.",
            "NaN means that the score failed: give it None. (`math.isnan` tells.)",
            lambda values: _ranks(values, failed=lambda v: v is None),
        ),
        Misconception(
            "infinity-dropped",
            "Minus infinity has no rank. It is a valid score, the logarithm of a probability of 0: the worst there is.",
            "Only NaN and errors are failures; `math.isnan`, not `math.isfinite`.",
            lambda values: _ranks(values, failed=lambda v: v is None or not math.isfinite(v)),
        ),
        Misconception(
            "scores-not-ranks",
            "You return the scores; their ranks are asked for.",
            "1 for the highest score, 2 for the next one.",
            lambda values: {name: None if _failed(value) else value for name, value in values.items()},
        ),
    ),
)


def _judge_rank(evidence: Evidence, rng: np.random.Generator) -> list[Finding]:
    calls, points = evidence["calls"], _RANK.points
    if any(_BROKEN in record.get("error", {}).get("message", "") for record in calls):
        message = "Where the score of one source raises an error, the whole ranking stops."
        cure = "Wrap the call in `try` and `except Exception`; give that source None."
        return [Finding("error-not-caught", False, message, cure, points)]
    if fault := unusable("rank_sources", calls, points):
        return [fault]
    for record in calls:
        value = record["value"]
        if not isinstance(value, dict) or set(value) == {"type"}:
            message = "`rank_sources` must return a dict from each source's name to its rank."
            return [Finding("not-a-dict", False, message, "Return {name: rank, ...}.", points)]
    cases = _rank_cases(rng)
    finding = judge_question(_RANK, [(case,) for case in cases], calls)
    if finding.passed and max(evidence["asked"]) > 1:
        message = f"The score of one source was asked for {max(evidence['asked'])} times. Some scores take minutes."
        return [Finding("score-asked-again", False, message, "Call `score` once a source; keep the results.", points)]
    return [finding]


# --- foreign_state --------------------------------------------------------------------------------------------------

_KINDS = ("conv2d", "batch_normalization", "conv2d_1", "batch_normalization_1", "dense")


def _foreign_cases(rng: np.random.Generator) -> list[tuple[dict[str, np.ndarray], dict[str, str]]]:
    """Arrays and names of two small networks: one in which every size differs, one in which shapes tell nothing."""
    return [_foreign(rng, sizes, names) for sizes, names in zip(_SIZES, _TORCH_NAMES, strict=True)]


_SIZES = ((3, 2, 5, 4, 6), (3, 3, 3, 3, 3))
"""(kernel side, channels in, after the first convolution, after the second, classes) of each network."""
_TORCH_NAMES = (("conv1", "norm1", "conv2", "norm2", "head"), ("0", "1", "3", "4", "8"))


def _foreign(
    rng: np.random.Generator, sizes: tuple[int, ...], names: tuple[str, ...]
) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    side, c_in, c_middle, c_out, classes = sizes

    def draw(*shape: int, low: float = -1.0, high: float = 1.0) -> np.ndarray:
        return rng.uniform(low, high, shape).astype(np.float32)

    arrays: dict[str, np.ndarray] = {}
    layers = ((c_in, c_middle, "conv2d", "batch_normalization"), (c_middle, c_out, "conv2d_1", "batch_normalization_1"))
    for before, after, conv, norm in layers:
        arrays[f"{conv}/kernel"] = draw(side, side, before, after)
        arrays[f"{conv}/bias"] = draw(after)
        arrays[f"{norm}/gamma"] = draw(after, low=0.5, high=1.5)
        arrays[f"{norm}/beta"] = draw(after)
        arrays[f"{norm}/moving_mean"] = draw(after)
        arrays[f"{norm}/moving_variance"] = draw(after, low=0.3, high=2.0)
    arrays["dense/kernel"], arrays["dense/bias"] = draw(c_out, classes), draw(classes)
    order = rng.permutation(list(arrays))
    return {str(name): arrays[str(name)] for name in order}, dict(zip(_KINDS, names, strict=True))


def _foreign_network(sizes: tuple[int, ...], names: tuple[str, ...]) -> nn.Module:
    """The torch network that these arrays belong to, in evaluation mode."""
    from torch import nn

    side, c_in, c_middle, c_out, classes = sizes
    network = nn.Sequential()
    layers = ((c_in, c_middle, names[0], names[1]), (c_middle, c_out, names[2], names[3]))
    for before, after, conv, norm in layers:
        network.add_module(conv, nn.Conv2d(before, after, side, padding="same"))
        network.add_module(norm, nn.BatchNorm2d(after, eps=1e-3))
        network.add_module(f"relu-{norm}", nn.ReLU())
    network.add_module("pool", nn.AdaptiveAvgPool2d(1))
    network.add_module("flatten", nn.Flatten())
    network.add_module(names[4], nn.Linear(c_out, classes))
    return network.eval()


def _foreign_images(rng: np.random.Generator, channels: int) -> np.ndarray:
    return rng.normal(0, 1, (4, 7, 6, channels)).astype(np.float32)


def _collect_foreign(answer: Any, rng: np.random.Generator) -> Evidence:
    import torch

    cases = _foreign_cases(rng)
    calls: list[Evidence] = []
    loads: list[Evidence] = []
    for (arrays, layers), sizes, names in zip(cases, _SIZES, _TORCH_NAMES, strict=True):
        images = _foreign_images(rng, sizes[1])
        with undisturbed():
            record, state = kept(answer, {name: array.copy() for name, array in arrays.items()}, dict(layers))
            calls.append(record)
            if not isinstance(state, dict):
                loads.append({})
                continue
            network = _foreign_network(sizes, names)
            loaded = call(lambda network=network, state=state: bool(network.load_state_dict(state)) or True)
            with torch.no_grad():
                run = call(network, torch.from_numpy(images.transpose(0, 3, 1, 2).copy()))
            loads.append({"loaded": loaded, "run": run})
    return {"calls": calls, "loads": loads}


def _foreign_outputs(arrays: Mapping[str, np.ndarray], images: np.ndarray) -> np.ndarray:
    """What Keras computes: (N, height, width, channels) in, (N, classes) out, straight from the arrays."""
    x = images.astype(float)
    for conv, norm in (("conv2d", "batch_normalization"), ("conv2d_1", "batch_normalization_1")):
        kernel = arrays[f"{conv}/kernel"].astype(float)
        reach = kernel.shape[0] // 2
        padded = np.pad(x, ((0, 0), (reach, reach), (reach, reach), (0, 0)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, kernel.shape[:2], axis=(1, 2))
        x = np.einsum("nhwcij,ijco->nhwo", windows, kernel) + arrays[f"{conv}/bias"]
        scale = arrays[f"{norm}/gamma"] / np.sqrt(arrays[f"{norm}/moving_variance"] + 1e-3)
        x = np.maximum((x - arrays[f"{norm}/moving_mean"]) * scale + arrays[f"{norm}/beta"], 0)
    return x.mean((1, 2)) @ arrays["dense/kernel"] + arrays["dense/bias"]


_PARTS = {
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
    "kernel": "weight",
    "bias": "bias",
}


def _right_state(arrays: Mapping[str, np.ndarray], layers: Mapping[str, str]) -> dict[str, np.ndarray]:
    state = {}
    for name, array in arrays.items():
        layer, part = name.split("/")
        if part == "kernel":
            array = array.transpose(3, 2, 0, 1) if array.ndim == 4 else array.T
        state[f"{layers[layer]}.{_PARTS[part]}"] = array
    return state


def _judge_foreign(evidence: Evidence, rng: np.random.Generator) -> list[Finding]:
    points = 3
    if fault := unusable("foreign_state", evidence["calls"], points):
        return [fault]
    cases = _foreign_cases(rng)
    far = 0.0
    for case, record, load, sizes in zip(cases, evidence["calls"], evidence["loads"], _SIZES, strict=True):
        images = _foreign_images(rng, sizes[1])
        if fault_ := _foreign_fault(case, record["value"], load):
            return [Finding(fault_[0], False, fault_[1], fault_[2], points)]
        outputs, expected = load["run"].get("value"), _foreign_outputs(case[0], images)
        if not isinstance(outputs, np.ndarray) or outputs.shape != expected.shape:
            return [Finding("no-output", False, "The network gives no output.", "Load your dict and try it.", points)]
        far = max(far, float(np.abs(outputs - expected).max()))
    if far > 1e-3:
        message = f"The outputs of the two networks differ by up to {far:.3g}."
        return [Finding("outputs-differ", False, message, "Compare the arrays one by one.", points)]
    message = f"Every array is in its place: the outputs agree to {far:.0e} with those that Keras's layers give."
    return [Finding("foreign-state", True, message, "", points)]


def _foreign_fault(case: tuple[Any, Any], state: Any, load: Evidence) -> tuple[str, str, str] | None:
    """The first thing that is wrong with a state dict: code, message, next step."""
    arrays, layers = case
    if not isinstance(state, dict) or set(state) == {"type"}:
        return "not-a-dict", "`foreign_state` must return a dict of tensors by name.", "Return {name: tensor, ...}."
    return _wrong_names(arrays, layers, state) or _wrong_arrays(arrays, layers, state) or _wrong_load(load)


def _wrong_names(arrays: Any, layers: Any, state: dict[str, Any]) -> tuple[str, str, str] | None:
    right = _right_state(arrays, layers)
    names = {name for name in state if not name.endswith("num_batches_tracked")}
    if names == set(right):
        return None
    if names & set(arrays) or any("/" in name for name in names):
        return (
            "keras-names",
            f"The names are Keras's still, such as {min(names)!r}.",
            "torch's are its layer's name, a dot, and the part: `layers[layer] + '.weight'`.",
        )
    if any(name.rpartition(".")[0] in layers for name in names):
        return (
            "keras-layers",
            f"{min(n for n in names if n.rpartition('.')[0] in layers)!r} has Keras's layer name before the dot.",
            "Look the layer up in `layers`: it says what torch calls it.",
        )
    left = sorted(name for name in names if name.rpartition(".")[2] in {"kernel", "gamma", "beta"} | _MOVING)
    if left:
        return (
            "keras-parts",
            f"{left[0]!r} has Keras's word after the dot.",
            "kernel and gamma are torch's weight, beta its bias, moving_mean and moving_variance its running_mean and "
            "running_var.",
        )
    missing, extra = sorted(set(right) - names), sorted(names - set(right))
    if missing and all("running" in name for name in missing):
        return (
            "statistics-missing",
            f"Batch norm's statistics are missing: {', '.join(missing)}.",
            "moving_mean and moving_variance are no parameters, but the layer needs them to predict.",
        )
    what = f"{missing[0]!r} is missing" if missing else f"{extra[0]!r} belongs to no layer"
    return "wrong-names", f"{what}.", f"The names must be {', '.join(sorted(right))}."


_MOVING = {"moving_mean", "moving_variance"}


def _wrong_arrays(arrays: Any, layers: Any, state: dict[str, Any]) -> tuple[str, str, str] | None:
    for source in sorted(arrays):
        layer, part = source.split("/")
        name = f"{layers[layer]}.{_PARTS[part]}"
        right, given = _right_state({source: arrays[source]}, layers)[name], state[name]
        if not isinstance(given, np.ndarray):
            return "not-tensors", f"{name!r} is no tensor.", "Wrap the array: `torch.from_numpy(array)`."
        if _equal(given, right):
            continue
        return _named_layout(source, name, arrays, given) or (
            "wrong-values",
            f"{name!r} holds other numbers than {source!r}, in shape {given.shape}; torch wants {right.shape}.",
            "Carry the numbers over as they are: only their order changes.",
        )
    return None


def _equal(a: np.ndarray, b: np.ndarray) -> bool:
    return a.shape == b.shape and bool(np.allclose(a, b, atol=1e-5))


def _named_layout(source: str, name: str, arrays: Any, given: np.ndarray) -> tuple[str, str, str] | None:
    array = arrays[source]
    if array.ndim == 4:
        return _conv_fault(name, array, given)
    if array.ndim == 2:
        return _dense_fault(name, array, given)
    layer = source.split("/")[0]
    for other in ("gamma", "beta", "moving_mean", "moving_variance"):
        if f"{layer}/{other}" in arrays and _equal(given, arrays[f"{layer}/{other}"]):
            message = f"{name!r} holds {layer}/{other}; it should hold {source!r}."
            cure = "gamma is the weight, beta the bias, moving_mean and moving_variance the running statistics."
            return "batch-norm-mixed-up", message, cure
    if source.endswith("moving_variance") and _equal(given, np.sqrt(array)):
        message = f"{name!r} holds the square root, a standard deviation. torch keeps the variance too."
        return "spread-for-variance", message, "Carry it over as it is."
    if source.endswith("moving_variance") and _equal(given, array + np.float32(1e-3)):
        message = f"0.001 was added to {name!r}. The torch network has that epsilon in its layer already."
        return "epsilon-twice", message, "Carry the variance over as it is."
    return None


def _conv_fault(name: str, array: np.ndarray, given: np.ndarray) -> tuple[str, str, str] | None:
    cure = "(height, width, in, out) becomes (out, in, height, width): `array.transpose(3, 2, 0, 1)`."
    wanted = tuple(array.shape[axis] for axis in (3, 2, 0, 1))
    faults = {
        "conv-as-it-is": (array, "is as Keras had it, (height, width, in, out)"),
        "conv-reshaped": (array.reshape(wanted), "was reshaped: the shape is right, the numbers are shuffled"),
        "conv-reversed": (array.T, "has its axes reversed, so height and width are exchanged: each filter is mirrored"),
        "conv-in-out": (array.transpose(2, 3, 0, 1), "has input and output channels exchanged"),
        "conv-channels-last": (array.transpose(3, 0, 1, 2), "is (out, height, width, in): the channels come last"),
        "conv-turned": (
            array.transpose(3, 2, 0, 1)[..., ::-1, ::-1],
            "is turned by 180 degrees; both libraries slide the kernel unturned",
        ),
    }
    for code, (mistaken, what) in faults.items():
        if _equal(given, mistaken):
            return code, f"{name!r} {what}.", cure
    return None


def _dense_fault(name: str, array: np.ndarray, given: np.ndarray) -> tuple[str, str, str] | None:
    cure = "Keras's dense kernel is (in, out), torch's weight (out, in): transpose it."
    if _equal(given, array):
        return "dense-as-it-is", f"{name!r} is as Keras had it, (in, out).", cure
    if _equal(given, array.reshape(array.shape[::-1])):
        return "dense-reshaped", f"{name!r} was reshaped: the numbers are shuffled.", cure
    return None


def _wrong_load(load: Evidence) -> tuple[str, str, str] | None:
    if "error" in load["loaded"]:
        message = "The numbers are right, but torch cannot load them: they are no tensors."
        return "not-tensors", message, "Wrap each array: `torch.from_numpy(array)`."
    return None


EXERCISES = (
    Exercise(
        id="beat_the_baseline",
        title="Beat the naive baseline",
        lesson="07",
        points=3,
        minutes=10,
        difficulty=2,
        purpose="A source model must first be good at its own task; a naive rule says what counts as good.",
        hints=(
            "Why does the mean image fail? The signs are turned and moved, and their mean is a blur. You need features that "
            "bear that.",
            "One way: frozen features. `tl.transfer.frozen_features(body, images, mean=..., std=...)` with the body of "
            "`tl.models.GlyphNet.pretrained()`, then any linear classifier, such as scikit-learn's.",
            "Another way: a small network. `nn.Sequential(tl.transfer.small_trunk(32), nn.Linear(32, 8))`, the images "
            "normalised by `tl.transfer.normalised`, and `tl.transfer.fit_tensors` for 150 steps at a rate of 1e-2.",
            "Return labels, not scores: `classifier.predict(test_features)`, or `network(test).argmax(1)`.",
        ),
        collect=_collect_baseline,
        judge=_judge_baseline,
        material=_baseline_material,
    ),
    Exercise(
        id="foreign_state",
        title="Weights from Keras",
        lesson="07",
        points=3,
        minutes=12,
        difficulty=3,
        purpose="Bring a network over from another library, array by array, so that it computes the same.",
        hints=(
            "Go through the arrays one by one. What does each one's name say: which layer, and which part of it?",
            "`layer, part = name.split('/')`. A small dict from Keras's part to torch's does the names: kernel -> weight, "
            "gamma -> weight, beta -> bias, and so on.",
            "Only kernels change their layout. Four axes: (height, width, in, out) to (out, in, height, width). Two axes: "
            "(in, out) to (out, in).",
            "`array.transpose(3, 2, 0, 1)` for a convolution, `array.T` for a dense layer; then "
            "`torch.from_numpy(array.copy())` under the name `f'{layers[layer]}.{parts[part]}'`.",
        ),
        collect=_collect_foreign,
        judge=_judge_foreign,
    ),
    Exercise(
        id="leep",
        title="LEEP",
        lesson="07",
        points=2,
        minutes=10,
        difficulty=2,
        purpose="A score for a source in three lines, with no training at all.",
        hints=(
            "Build the table P(y, z) first: one row for each target class, one column for each source class.",
            "Row c of the table is the sum of the probability rows of the images with label c, divided by N. "
            "`np.eye(classes)[labels].T @ probabilities / N` does all rows at once.",
            "Divide each column by its sum to get P(y | z). A column of zeros stays zero.",
            "For each image: `(given[label] * its probabilities).sum()`. Take the logarithm, then the mean.",
        ),
        collect=_collect_leep,
        judge=_judge_leep,
    ),
    Exercise(
        id="rank_sources",
        title="Rank the sources",
        lesson="07",
        points=2,
        minutes=8,
        difficulty=2,
        purpose="A ranking that is fair to equal scores and honest about those that failed.",
        hints=(
            "Three things can come of one call: a number, NaN, an error. Collect them first; rank afterwards.",
            "`try: value = score(source)` and `except Exception: value = None`. NaN becomes None too; minus infinity does "
            "not.",
            "A source's rank is 1 plus the number of sources with a *higher* score.",
            "`{name: None if v is None else 1 + sum(o > v for o in found.values() if o is not None) for name, v in "
            "found.items()}`",
        ),
        collect=_collect_rank,
        judge=_judge_rank,
    ),
)
