"""Exercises of lesson 11, text."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np

from tlcourse.checks.collecting import call, each, simple, undisturbed
from tlcourse.checks.exercise import Evidence, Exercise, Finding
from tlcourse.checks.judging import Misconception, Question, judge_question, kind_of, one_number, same, unusable

# torch takes seconds to import, and the registry imports this module: what needs torch imports it when it runs.


# --- freeze_encoder -------------------------------------------------------------------------------------------------

_FREEZE_POINTS = 2.0


def _collect_freeze(answer: Any, rng: np.random.Generator) -> Evidence:
    """Two epochs of one step each, with the answer called after `train()` in each, as the exercise says."""
    import torch

    from tlcourse.checks.small_network import one_step
    from tlcourse.checks.small_reader import small_classifier

    with undisturbed():
        network, numbers, labels = small_classifier(rng, 3)
        before, features = copy.deepcopy(network), []
        for _ in range(2):
            network.train()
            record = call(answer, network)
            if "error" in record:
                return {"call": record}
            gradients_on = torch.is_grad_enabled()
            torch.set_grad_enabled(True)
            features.append(call(network.encoder, numbers))
            modes = {name: module.training for name, module in network.named_modules() if name}
            asks = {name: parameter.requires_grad for name, parameter in network.named_parameters()}
            error = one_step(network, numbers, labels)
        moved = [n for n, p in network.named_parameters() if not torch.equal(p, dict(before.named_parameters())[n])]
    return {
        "call": {**record, "value": simple(None) if record["value"] is None else 0},
        "features": features,
        "modes": modes,
        "asks": asks,
        "moved": moved,
        "step_error": error,
        "gradients_on": gradients_on,
    }


def _judge_freeze(evidence: Evidence, rng: np.random.Generator) -> list[Finding]:
    record = evidence["call"]
    if "error" in record and (fault := unusable("freeze_encoder", [record], _FREEZE_POINTS)):
        return [fault]
    if whole := _nothing_trains(evidence):
        return [whole]
    weights, dropout, head = _weights_finding(evidence), _dropout_finding(evidence, rng), _head_finding(evidence)
    if weights.code == "nothing-frozen" and not dropout.passed:
        # Nothing was done at all: that the head still learns is no merit then.
        return [replace(weights, points=weights.points + head.points), dropout]
    return [weights, dropout, head]


def _nothing_trains(evidence: Evidence) -> Finding | None:
    if not evidence["gradients_on"]:
        return Finding(
            "gradients-off-everywhere",
            False,
            "Your function switches gradients off for all of torch: after it the head cannot learn either.",
            "Set `requires_grad_(False)` on the encoder alone, and leave torch's own switch as it is.",
            _FREEZE_POINTS,
        )
    if evidence["step_error"] and any(evidence["asks"].values()):
        return Finding(
            "does-not-run",
            False,
            f"After your function the network cannot make a training step: {evidence['step_error']}.",
            "Change flags and modes only, with `requires_grad_(False)` and `eval()`; leave the layers as they are.",
            _FREEZE_POINTS,
        )
    return None


def _weights_finding(evidence: Evidence) -> Finding:
    body = {name: asks for name, asks in evidence["asks"].items() if name.startswith("encoder.")}
    asking = [name for name, asks in body.items() if asks]
    head = [name for name, asks in evidence["asks"].items() if name.startswith("head.") and asks]
    if not asking:
        return Finding("weights", True, "No weight of the encoder asks for a gradient.", "", 1)
    if len(asking) == len(body):
        both = "" if head else ", and the head, which should, does not"
        return Finding(
            "nothing-frozen",
            False,
            f"All {len(body)} tensors of the encoder still ask for a gradient{both}.",
            "Call the method with the underscore, `model.encoder.requires_grad_(False)`: `requires_grad = False` on a "
            "module is an attribute that nobody reads, and `eval()` stops no update.",
            1,
        )
    if all(name.startswith("encoder.words") for name in asking):
        message = "The word vectors still train. They are most of an encoder's weights, and few texts move few of them."
        return Finding("words-still-train", False, message, "Freeze the whole encoder, its first layer too.", 1)
    parts = sorted({name.split(".")[1] for name in asking})
    return Finding(
        "part-left-out",
        False,
        f"Parts of the encoder still train: {', '.join(parts)} ({asking[0]} asks for a gradient).",
        "Do not pick by name or kind of layer: `model.encoder.requires_grad_(False)` takes every one.",
        1,
    )


def _dropout_finding(evidence: Evidence, rng: np.random.Generator) -> Finding:
    import torch

    from tlcourse.checks.small_reader import small_classifier

    awake = [name for name, on in evidence["modes"].items() if name.startswith("encoder") and on]
    if layers := [name for name in awake if name in ("encoder.dropout", "encoder.lstm")]:
        return Finding(
            "dropout-awake",
            False,
            f"The encoder still drops features at random, in {' and '.join(layers)}: training mode is on there, and the "
            "same text has other features each time. No frozen weight shows it.",
            "Call `model.encoder.eval()` as well; `requires_grad_` does not change the mode.",
            0.5,
        )
    network, numbers, _ = small_classifier(rng, 3)
    with torch.no_grad():
        wanted = network.encoder.eval()(numbers).numpy()
    # Before any step: what a part that still trains does to the features has a finding of its own.
    if not _close(evidence["features"][0].get("value"), wanted):
        return Finding(
            "other-features",
            False,
            "The encoder does not compute what it computed before: its weights have been changed.",
            "Freezing keeps the weights. Change flags and modes, and nothing else.",
            0.5,
        )
    return Finding("features", True, "The same text has the same features each time.", "", 0.5)


def _close(value: Any, wanted: np.ndarray) -> bool:
    return isinstance(value, np.ndarray) and value.shape == wanted.shape and bool(np.allclose(value, wanted, atol=1e-5))


def _head_finding(evidence: Evidence) -> Finding:
    still = [name for name, asks in evidence["asks"].items() if name.startswith("head.") and not asks]
    if still or not any(name.startswith("head.") for name in evidence["moved"]):
        message = f"The head cannot learn: {still[0] if still else 'it'} asks for no gradient."
        cure = "Freeze `model.encoder`, not `model`."
        return Finding("head-frozen", False, message, cure, 0.5)
    if asleep := [name for name, on in evidence["modes"].items() if name.startswith("head") and not on]:
        message = f"The head is in evaluation mode ({asleep[-1]}): its own dropout, which it needs, is off."
        return Finding("head-asleep", False, message, "Call `model.encoder.eval()`, not `model.eval()`.", 0.5)
    return Finding("head", True, "The head still learns.", "", 0.5)


# --- pool_tokens ----------------------------------------------------------------------------------------------------


def _pool_cases(rng: np.random.Generator) -> list[tuple[Any, ...]]:
    """Padding behind, then in front; what stands on padding is large, as a network's states there may be."""
    cases = []
    for texts, longest, width, in_front in ((4, 6, 3, False), (5, 7, 2, True), (3, 5, 4, False)):
        lengths = rng.permutation([longest, 2, *rng.integers(3, longest, texts - 2)])
        place = np.arange(longest)
        mask = place >= (longest - lengths)[:, None] if in_front else place < lengths[:, None]
        states = np.where(mask[..., None], rng.normal(0, 1, (texts, longest, width)), rng.normal(2, 1, width))
        cases.append((np.round(states, 3).astype(np.float32), mask))
    return cases


def _collect_pool(answer: Any, rng: np.random.Generator) -> Evidence:
    import torch

    def asked(states: np.ndarray, mask: np.ndarray) -> Any:
        return answer(torch.from_numpy(states.copy()), torch.from_numpy(mask.copy()))

    if not callable(answer):
        return {"calls": [call(answer)]}
    with undisturbed():
        return {"calls": [call(asked, *case) for case in _pool_cases(rng)]}


def _masked(change: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Callable[..., Any]:
    return lambda states, mask: np.asarray(change(states.astype(np.float64), mask[..., None]))


def _zeroed_largest(states: np.ndarray, mask: np.ndarray) -> np.ndarray:
    return (states * mask).max(1)


def _first_states(states: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The mean of as many states as there are tokens, counted from the front."""
    return np.stack([row[: int(m.sum())].mean(0) for row, m in zip(states, mask, strict=True)])


def _last_states(states: np.ndarray, mask: np.ndarray) -> np.ndarray:
    return np.stack([row[int(m.sum()) - 1] for row, m in zip(states, mask, strict=True)])


_POOL = Question(
    code="pool-tokens",
    right="The mean of each text's own tokens, wherever its padding stands.",
    reference=_masked(lambda s, m: (s * m).sum(1) / m.sum(1)),
    points=2,
    names=("states", "mask"),
    misconceptions=(
        Misconception(
            "padding-counts",
            "This is the mean over all places: padding counts, and a short text's vector is mostly that of padding.",
            "Multiply by the mask, sum over the tokens, and divide by the number of tokens in each text.",
            _masked(lambda s, m: s.mean(1)),
        ),
        Misconception(
            "divides-by-all-places",
            "Padding is left out of the sum, but not of the number below: short texts get short vectors.",
            "Divide by each text's own number of tokens, `mask.sum(1, keepdim=True)`.",
            _masked(lambda s, m: (s * m).mean(1)),
        ),
        Misconception(
            "sum-not-mean",
            "This is the sum over each text's tokens: long texts get long vectors.",
            "Divide by each text's own number of tokens.",
            _masked(lambda s, m: (s * m).sum(1)),
        ),
        Misconception(
            "mask-upside-down",
            "The mask is upside down: this is the mean over the padding.",
            "True stands where a token stands. Keep those.",
            _masked(lambda s, m: (s * ~m).sum(1) / (~m).sum(1)),
        ),
        Misconception(
            "padding-in-front",
            "You take the first states of each text, as many as it has tokens. That is right where padding stands behind, "
            "and wrong where it stands in front.",
            "Use the mask itself, place by place, not only its sum.",
            _masked(_first_states),
        ),
        Misconception(
            "largest",
            "This is the largest value of each feature (max pooling), without padding.",
            "Take the mean over each text's tokens.",
            _masked(lambda s, m: np.where(m, s, -np.inf).max(1)),
        ),
        Misconception(
            "largest",
            "This is the largest value of each feature (max pooling), without padding.",
            "Take the mean over each text's tokens.",
            _masked(_zeroed_largest),
        ),
        Misconception(
            "last-place",
            "This is the state at the last place, which is padding in a shorter text.",
            "Take the mean over each text's tokens.",
            _masked(lambda s, m: s[:, -1]),
        ),
        Misconception(
            "last-token",
            "This is one token's state, the last one's.",
            "Take the mean over all of each text's tokens.",
            _masked(_last_states),
        ),
        Misconception(
            "first-token",
            "This is the state at the first place alone.",
            "Take the mean over all of each text's tokens.",
            _masked(lambda s, m: s[:, 0]),
        ),
        Misconception(
            "one-number-below",
            "One number stands below for all texts: the tokens of the whole batch, or their mean number.",
            "Sum the mask along the tokens only: `mask.sum(1, keepdim=True)`.",
            _masked(lambda s, m: (s * m).sum(1) / m.sum()),
        ),
        Misconception(
            "one-number-below",
            "One number stands below for all texts: the tokens of the whole batch, or their mean number.",
            "Sum the mask along the tokens only: `mask.sum(1, keepdim=True)`.",
            _masked(lambda s, m: (s * m).sum(1) / m.sum(1).mean()),
        ),
        Misconception(
            "texts-pooled",
            "You pool over the texts: there is one vector a place, not one a text.",
            "The tokens are along dimension 1: `sum(1)`.",
            _masked(lambda s, m: (s * m).sum(0) / np.maximum(m.sum(0), 1)),
        ),
        Misconception(
            "texts-pooled",
            "You pool over the texts: there is one vector a place, not one a text.",
            "The tokens are along dimension 1: `sum(1)`.",
            _masked(lambda s, m: s.mean(0)),
        ),
        Misconception(
            "features-pooled",
            "You pool over the features: there is one number a token, not one vector a text.",
            "The tokens are along dimension 1: `sum(1)`.",
            _masked(lambda s, m: s.mean(2)),
        ),
        Misconception(
            "whole-batch",
            "All texts are pooled into one vector.",
            "Keep the first dimension: sum along dimension 1 only.",
            _masked(lambda s, m: (s * m).sum((0, 1)) / m.sum()),
        ),
        Misconception(
            "unit-length",
            "The means are scaled to length 1.",
            "Return the mean itself.",
            _masked(lambda s, m: _unit((s * m).sum(1) / m.sum(1))),
        ),
    ),
    agree=lambda answer, expected: _alike(answer, expected),
)


def _alike(answer: Any, expected: Any) -> bool:
    """Equal arrays, NaN where NaN is expected: some mistakes end there."""
    fit = isinstance(answer, np.ndarray) and isinstance(expected, np.ndarray) and answer.shape == expected.shape
    return fit and bool(np.allclose(answer, expected, atol=1e-4, equal_nan=True))


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def _judge_pool(evidence: Evidence, rng: np.random.Generator) -> list[Finding]:
    calls, cases = evidence["calls"], _pool_cases(rng)
    if fault := unusable("pool_tokens", calls, _POOL.points):
        return [fault]
    for record, (states, _) in zip(calls, cases, strict=True):
        value = record["value"]
        if not isinstance(value, np.ndarray):
            message = f"`pool_tokens` must return a tensor; here it returns {kind_of(value)}."
            return [Finding("not-a-tensor", False, message, "Compute with the tensors, without a list.", _POOL.points)]
        if value.shape == states.shape:
            message = "You return one vector a token; the tokens have not been pooled."
            return [Finding("not-pooled", False, message, "Sum along dimension 1, then divide.", _POOL.points)]
    with np.errstate(all="ignore"):  # the mistakes divide by nothing
        finding = judge_question(_POOL, cases, calls)
    if finding.code == "pool-tokens-differs" and any(np.isnan(record["value"]).any() for record in calls):
        message = "A vector holds NaN: somewhere 0 was divided by 0, or infinity multiplied by 0."
        cure = "Multiply the states by the mask, sum over the tokens, divide by the number of tokens in each text."
        return [Finding("nan", False, message, cure, _POOL.points)]
    return [finding]


# --- few_label_curve ------------------------------------------------------------------------------------------------

_CURVE_POINTS = 3.0
_COUNTS, _SEEDS = [1, 2, 4], [0, 1, 2, 3]


def _curve_case(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Labels of 60 to 80 texts of three classes of different sizes, and what each text adds to a score."""
    sizes = rng.permutation([int(rng.integers(40, 50)), int(rng.integers(12, 16)), int(rng.integers(8, 12))])
    labels = rng.permutation(np.repeat(np.arange(3), sizes))
    return labels, rng.normal(0, 1, len(labels))


def _score_of(rows: Any, worth: np.ndarray) -> float:
    """Decided by the set of rows, so that each row of a result shows which texts it came from."""
    return float(0.5 + 0.05 * np.mean(worth[np.asarray(rows, int)]) + 0.02 * np.sum(worth[np.asarray(rows, int)] ** 2))


def _collect_curve(answer: Any, rng: np.random.Generator) -> Evidence:
    labels, worth = _curve_case(rng)
    asked: list[Any] = []

    def score(rows: Any) -> float:
        asked.append(np.asarray(rows).ravel().tolist())
        known = [row for row in asked[-1] if 0 <= row < len(worth)]  # the judge says what is wrong with others
        return _score_of(known, worth) if known else 0.0

    record = call(answer, labels.copy(), list(_COUNTS), list(_SEEDS), score)
    return {"call": record, "asked": simple([list(map(int, rows)) for rows in asked[:100]])}


def _judge_curve(evidence: Evidence, rng: np.random.Generator) -> list[Finding]:
    record, asked = evidence["call"], evidence["asked"]
    if fault := unusable("few_label_curve", [record], _CURVE_POINTS):
        return [fault]
    labels, worth = _curve_case(rng)
    if not asked:
        message = "`score` was never called: the curve cannot come from the texts."
        return [Finding("no-score", False, message, "Draw rows, and call `score(rows)` for each draw.", _CURVE_POINTS)]
    draws = [np.array(rows, int) for rows in asked]
    if any(len(d) and (d.min() < 0 or d.max() >= len(labels)) for d in draws):
        message = f"A row is outside the {len(labels)} texts."
        return [Finding("row-outside", False, message, "Rows are positions in `labels`, from 0.", _CURVE_POINTS)]
    drawing = _drawing_fault(draws, labels)
    if drawing is not None:
        return [drawing]
    return [
        Finding("draws", True, "Each draw has as many texts of each class, none twice.", "", 1),
        _independence_finding(draws),
        _table_finding(record["value"], draws, worth),
    ]


def _drawing_fault(draws: list[np.ndarray], labels: np.ndarray) -> Finding | None:
    """A finding where a draw is not `count` different texts of each class."""
    sizes = [np.bincount(labels[draw], minlength=3).tolist() for draw in draws]
    wanted = len(_COUNTS) * len(_SEEDS)
    for draw, size in zip(draws, sizes, strict=True):
        if len(set(draw.tolist())) < len(draw):
            message = "A text stands twice in one draw, so that there are fewer labels than the curve says."
            return Finding(
                "drawn-twice", False, message, "Draw without putting back: `rng.permutation(members)[:count]`.", 3
            )
        if len(set(size)) > 1:
            message = (
                f"A draw holds {', '.join(map(str, size))} texts of the three classes: it should hold equally many."
            )
            cure = "Go through the classes, and draw `count` of each one's rows: `np.flatnonzero(labels == label)`."
            return Finding("unbalanced", False, message, cure, 3)
    if not all(size[0] in _COUNTS for size in sizes):
        found = sorted({size[0] for size in sizes})
        message = f"The draws hold {', '.join(map(str, found))} texts a class, not {', '.join(map(str, _COUNTS))}."
        return Finding("other-counts", False, message, "`count` is the number of texts of *each* class.", 3)
    if len(draws) != wanted:
        message = f"`score` was called {len(draws)} times for {len(_SEEDS)} seeds and {len(_COUNTS)} counts."
        return Finding("other-number-of-scores", False, message, "Call it once for each seed and count.", 3)
    return None


def _independence_finding(draws: list[np.ndarray]) -> Finding:
    """Seeds must differ, and within a seed a small draw must be a part of a larger one."""
    by_count = {count: [set(d.tolist()) for d in draws if len(d) == 3 * count] for count in _COUNTS}
    largest = by_count[_COUNTS[-1]]
    if all(draw == largest[0] for draw in largest):
        message = "All seeds draw the same texts, so that an interval over them would say that nothing varies."
        cure = "Make a generator from each seed, `np.random.default_rng(seed)`, and shuffle the rows with it."
        return Finding("seeds-alike", False, message, cure, 1)
    for smaller, larger in pairwise(_COUNTS):
        if not all(any(draw <= other for other in by_count[larger]) for draw in by_count[smaller]):
            return Finding(
                "not-nested",
                False,
                f"A draw of {smaller} a class is no part of that seed's draw of {larger}: the curve rises or falls with "
                "luck, because each of its points has other texts.",
                "Shuffle each class's rows once a seed, and take the first `count` of that order for every count.",
                1,
            )
    return Finding("nested", True, "Seeds differ, and each seed's larger draw holds its smaller ones.", "", 1)


def _table_finding(value: Any, draws: list[np.ndarray], worth: np.ndarray) -> Finding:
    """The scores must stand one row a seed and one column a count."""
    table = np.array(value, float) if _is_table(value) else None
    if table is None or table.ndim != 2:
        message = f"`few_label_curve` returns {kind_of(value)}; it should return one row a seed, one number a count."
        averaged = isinstance(value, np.ndarray | list) and len(value) == len(_COUNTS)
        cure = "Keep every seed's scores: averaged, no interval can be drawn." if averaged else "Collect the scores."
        return Finding("averaged" if averaged else "not-a-table", False, message, cure, 1)
    if table.shape == (len(_COUNTS), len(_SEEDS)):
        message = "Rows and columns are exchanged: a row here is a count."
        return Finding("transposed", False, message, "Put seeds in rows and counts in columns.", 1)
    if table.shape != (len(_SEEDS), len(_COUNTS)):
        message = f"The table has the shape {table.shape}, not {(len(_SEEDS), len(_COUNTS))}."
        return Finding("not-a-table", False, message, "One row a seed, one column a count.", 1)
    for column, count in enumerate(_COUNTS):
        wanted = sorted(_score_of(draw, worth) for draw in draws if len(draw) == 3 * count)
        if not same(sorted(table[:, column].tolist()), wanted):
            message = f"The numbers for {count} labels a class are not what `score` gave for those draws."
            return Finding("other-scores", False, message, "Return the scores as they are, each in its place.", 1)
    nested = all(_some_chain(row, draws, worth) for row in table.tolist())
    if not nested:
        message = "A row of the table mixes the scores of several seeds."
        return Finding("rows-mixed", False, message, "Keep the scores of one seed in one row.", 1)
    return Finding("table", True, "One row a seed, one column a count.", "", 1)


def _is_table(value: Any) -> bool:
    try:
        np.array(value, float)
    except (TypeError, ValueError):
        return False
    return isinstance(value, list | np.ndarray)


def _some_chain(row: Sequence[float], draws: list[np.ndarray], worth: np.ndarray) -> bool:
    """Whether a row's scores come from one seed: from draws of which each is a part of the next."""
    chains = []
    for column, count in enumerate(_COUNTS):
        fitting = [set(d.tolist()) for d in draws if len(d) == 3 * count and same(_score_of(d, worth), row[column])]
        chains.append(fitting)
    held = chains[0]
    for fitting in chains[1:]:
        held = [larger for larger in fitting if any(smaller <= larger for smaller in held)]
    # Draws that are not nested have their own finding; here they count as one seed's.
    return bool(held) or not _all_nested(draws)


def _all_nested(draws: list[np.ndarray]) -> bool:
    return _independence_finding(draws).passed


# --- slanted_rate ---------------------------------------------------------------------------------------------------


def _slanted_cases(rng: np.random.Generator) -> list[tuple[Any, ...]]:
    """(t, T, cut_frac, ratio, peak): on the way up, on the way down, at the top, at both ends."""
    cases: list[tuple[Any, ...]] = []
    for steps, cut in ((200, 0.1), (120, 0.25), (80, 0.5)):
        top, ratio, peak = round(steps * cut), float(rng.integers(8, 41)), float(np.round(rng.uniform(0.002, 0.05), 4))
        rising = int(rng.integers(1, top))
        falling = rng.integers(top + 1, steps, 2)
        cases += [(t, steps, cut, ratio, peak) for t in (0, rising, top, *map(int, falling), steps)]
    return cases


def _collect_slanted(answer: Any, rng: np.random.Generator) -> Evidence:
    return {"calls": each(answer, _slanted_cases(rng))}


def _triangle(
    share: Callable[..., float], rate: Callable[[float, float, float], float] | None = None
) -> Callable[..., float]:
    """A model: the share p of the way up from (t, T, top, cut), and the rate from (p, ratio, peak)."""
    rate = rate or (lambda p, ratio, peak: peak * (1 + p * (ratio - 1)) / ratio)

    def modelled(t: int, steps: int, cut: float, ratio: float, peak: float) -> float:
        return float(rate(share(t, steps, round(steps * cut), cut), ratio, peak))

    return modelled


def _slanted(t: int, steps: int, top: int, cut: float) -> float:
    return t / top if t < top else 1 - (t - top) / (top * (1 / cut - 1))


_SLANTED = Question(
    code="slanted-rate",
    right="The rate rises for `cut_frac` of the steps, then falls, in straight lines, to a `ratio`-th of the peak.",
    reference=_triangle(_slanted),
    points=2,
    names=("t", "T", "cut_frac", "ratio", "peak"),
    part=one_number,
    agree=lambda answer, expected: _near(answer, expected),
    misconceptions=(
        Misconception(
            "no-floor",
            "The rate starts and ends at 0: the smallest rate, a `ratio`-th of the peak, is missing.",
            "Put p into (1 + p (ratio - 1)) / ratio.",
            _triangle(_slanted, lambda p, ratio, peak: peak * p),
        ),
        Misconception(
            "only-rises",
            "After the top the rate does not fall.",
            "From `cut` on, p is 1 - (t - cut) / (cut (1 / cut_frac - 1)).",
            _triangle(lambda t, steps, top, cut: min(t / top, 1)),
        ),
        Misconception(
            "only-rises",
            "After the top the rate does not fall.",
            "From `cut` on, p is 1 - (t - cut) / (cut (1 / cut_frac - 1)).",
            _triangle(lambda t, steps, top, cut: t / top),
        ),
        Misconception(
            "only-falls",
            "There is no rise: the rate is at its peak from the start.",
            "Before step `cut`, p is t / cut.",
            _triangle(lambda t, steps, top, cut: min(1.0, _slanted(max(t, top), steps, top, cut))),
        ),
        Misconception(
            "only-falls",
            "There is no rise: the rate falls from the first step on.",
            "Before step `cut`, p is t / cut.",
            _triangle(lambda t, steps, top, cut: 1 - t / steps),
        ),
        Misconception(
            "symmetric",
            "The triangle is not slanted: its top stands in the middle of the training.",
            "Put the top at `cut = floor(T * cut_frac)`.",
            _triangle(lambda t, steps, top, cut: 1 - abs(2 * t / steps - 1)),
        ),
        Misconception(
            "falls-too-fast",
            "On the way down you divide by `cut`: the rate falls as fast as it rose, and then below its floor.",
            "The way down has T - cut steps: cut (1 / cut_frac - 1).",
            _triangle(lambda t, steps, top, cut: t / top if t < top else 1 - (t - top) / top),
        ),
        Misconception(
            "falls-over-whole",
            "On the way down you divide by T: the rate is still high at the end.",
            "The way down has T - cut steps: cut (1 / cut_frac - 1).",
            _triangle(lambda t, steps, top, cut: t / top if t < top else 1 - (t - top) / steps),
        ),
        Misconception(
            "top-forgotten",
            "On the way down t counts from the start, not from the top: the rate jumps at the top.",
            "Above the fraction bar stands `t - cut`: the steps since the top.",
            _triangle(lambda t, steps, top, cut: t / top if t < top else 1 - t / (steps - top)),
        ),
        Misconception(
            "one-missing-in-fall",
            "The way down is written cut / cut_frac, which is T: 1 / cut_frac - 1 stands there.",
            "Divide by cut * (1 / cut_frac - 1).",
            _triangle(lambda t, steps, top, cut: t / top if t < top else 1 - (t - top) / (top / cut)),
        ),
        Misconception(
            "ratio-not-divided",
            "The division by `ratio` is missing: the highest rate is `ratio` times the peak.",
            "Divide (1 + p (ratio - 1)) by ratio.",
            _triangle(_slanted, lambda p, ratio, peak: peak * (1 + p * (ratio - 1))),
        ),
        Misconception(
            "ratio-without-one",
            "p is multiplied by ratio, not by ratio - 1: the highest rate is above the peak.",
            "Write (1 + p (ratio - 1)) / ratio.",
            _triangle(_slanted, lambda p, ratio, peak: peak * (1 + p * ratio) / ratio),
        ),
        Misconception(
            "peak-missing",
            "You return the share of the peak, not the rate.",
            "Multiply by `peak`.",
            _triangle(_slanted, lambda p, ratio, peak: (1 + p * (ratio - 1)) / ratio),
        ),
        Misconception(
            "share-itself",
            "You return p, the share of the way up.",
            "Put it into peak (1 + p (ratio - 1)) / ratio.",
            _triangle(_slanted, lambda p, ratio, peak: p),
        ),
        Misconception(
            "upside-down",
            "The triangle is upside down: the rate is lowest where it should be highest.",
            "p is 1 at the top: t / cut before it.",
            _triangle(lambda *a: 1 - _slanted(*a)),
        ),
        Misconception(
            "cosine",
            "The rate falls along a cosine. Slanted triangles have straight sides.",
            "From `cut` on, p is 1 - (t - cut) / (cut (1 / cut_frac - 1)).",
            _triangle(lambda t, steps, top, cut: t / top if t < top else _cosine((t - top) / (steps - top))),
        ),
    ),
)


def _cosine(share: float) -> float:
    return float((1 + np.cos(np.pi * share)) / 2)


def _near(answer: Any, expected: Any) -> bool:
    """Rates are small: equal to a part in a thousand."""
    plain = isinstance(answer, int | float) and not isinstance(answer, bool)
    return plain and bool(np.isclose(answer, expected, rtol=1e-3, atol=1e-9))


def _judge_slanted(evidence: Evidence, rng: np.random.Generator) -> list[Finding]:
    calls = evidence["calls"]
    if fault := unusable("slanted_rate", calls, _SLANTED.points):
        return [fault]
    for record in calls:
        value = one_number(record["value"])
        if isinstance(value, bool) or not isinstance(value, int | float):
            message = f"`slanted_rate` must return one number; here it returns {kind_of(value)}."
            return [Finding("not-one-number", False, message, "Return the rate of step `t` alone.", _SLANTED.points)]
    return [judge_question(_SLANTED, _slanted_cases(rng), calls)]


EXERCISES = (
    Exercise(
        id="pool_tokens",
        title="One vector a text",
        lesson="11",
        points=2,
        minutes=8,
        difficulty=2,
        purpose="A classifier needs one vector a text, and padding must not be in it.",
        hints=(
            "A mean is a sum divided by a number. Which places may take part in the sum, and which number stands below?",
            "`mask.unsqueeze(-1)` has the shape (N, T, 1), so that it multiplies every feature of a token.",
            "`(states * mask.unsqueeze(-1)).sum(1)` is the sum; `mask.sum(1, keepdim=True)` is the number of tokens.",
        ),
        collect=_collect_pool,
        judge=_judge_pool,
    ),
    Exercise(
        id="few_label_curve",
        title="A curve over label counts",
        lesson="11",
        points=3,
        minutes=12,
        difficulty=2,
        purpose="The experiment that tells what labels are worth, with draws that make it fair.",
        hints=(
            "Two loops: seeds outside, counts inside. What must stay the same between the counts of one seed?",
            "For each seed make `rng = np.random.default_rng(seed)` and shuffle each class's rows once.",
            "`order = [rng.permutation(np.flatnonzero(labels == label)) for label in np.unique(labels)]`, once a seed.",
            "For each count: `rows = np.concatenate([o[:count] for o in order])`, then `score(rows)`.",
        ),
        collect=_collect_curve,
        judge=_judge_curve,
    ),
    Exercise(
        id="freeze_encoder",
        title="Freeze an encoder",
        lesson="11",
        points=2,
        minutes=6,
        difficulty=1,
        purpose="ULMFiT's first stage: the head learns, and the encoder gives the same features each time.",
        hints=(
            "Two things make features change: weights that are updated, and layers that act otherwise in training mode.",
            "An LSTM has its own dropout between its layers, and obeys the mode as a Dropout layer does.",
            "`model.encoder.requires_grad_(False)` and `model.encoder.eval()`; nothing for the head.",
        ),
        collect=_collect_freeze,
        judge=_judge_freeze,
    ),
    Exercise(
        id="slanted_rate",
        title="Slanted triangular rates",
        lesson="11",
        points=2,
        minutes=8,
        difficulty=2,
        purpose="ULMFiT's learning rate, from its equation.",
        hints=(
            "First find p, the share of the way up, from 0 to 1. It has one formula before the top, another after it.",
            "`cut = int(T * cut_frac)`. Before it p = t / cut; from it on p = 1 - (t - cut) / (cut * (1 / cut_frac - 1)).",
            "Then `peak * (1 + p * (ratio - 1)) / ratio`: at p = 0 that is a `ratio`-th of the peak.",
        ),
        collect=_collect_slanted,
        judge=_judge_slanted,
    ),
)
