"""Exercises of lesson 06, sharing-and-self-supervision."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from tlcourse.checks.collecting import each, kept, undisturbed
from tlcourse.checks.exercise import Evidence, Exercise, Finding
from tlcourse.checks.judging import Misconception, Question, judge_question, one_number, same_or_nan, unusable
from tlcourse.measure.clusters import cluster_accuracy, contingency

if TYPE_CHECKING:
    from torch import Tensor, nn

# torch takes seconds to import, and the registry imports this module: what needs torch imports it when it runs.

# --- two_heads ------------------------------------------------------------------------------------------------------

_FEATURES, _IMAGES = 6, 24


def _head_sizes(rng: np.random.Generator) -> tuple[int, int]:
    return int(rng.integers(7, 10)), int(rng.integers(3, 6))


def _collect_two_heads(answer: Any, rng: np.random.Generator) -> Evidence:
    import torch
    from torch import nn

    sizes = _head_sizes(rng)
    with undisturbed():
        trunk = nn.Sequential(
            nn.Conv2d(3, 5, 3, 2, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(20, _FEATURES)
        )
        # Far apart, so that an activation bends something.
        scale, shift = rng.uniform(1, 8, (_IMAGES, 1, 1, 1)), rng.uniform(-8, 8, (_IMAGES, 1, 1, 1))
        images = torch.from_numpy((shift + scale * rng.normal(0, 1, (_IMAGES, 3, 8, 8))).astype(np.float32))
        runs: list[int] = []
        trunk.register_forward_hook(lambda *_: runs.append(1))
        record, network = kept(answer, trunk, _FEATURES, *sizes)
        evidence: Evidence = {"call": record, "module": isinstance(network, nn.Module)}
        if not evidence["module"]:
            return evidence
        network.train()
        runs.clear()
        forward, outputs = kept(network, images)
        evidence |= {"forward": forward, "trunk_runs": len(runs)}
        pair = isinstance(outputs, tuple | list) and len(outputs) == 2
        if not pair or not all(isinstance(output, torch.Tensor) for output in outputs):
            return evidence
        evidence["shapes"] = [list(output.shape) for output in outputs]
        if all(output.ndim == 2 for output in outputs):
            evidence |= _wiring(network, trunk, images, outputs)
    return evidence


def _wiring(network: nn.Module, trunk: nn.Module, images: Tensor, outputs: Any) -> Evidence:
    """What depends on what: gradients of each output's sum of squares, and what a change of the trunk does."""
    import torch

    own = {id(parameter) for parameter in network.parameters()}
    shared = [p for p in trunk.parameters() if p.requires_grad]
    of_trunk = {id(p) for p in trunk.parameters()}
    others = [p for p in network.parameters() if id(p) not in of_trunk and p.requires_grad]
    reached: list[bool] = []
    touched: list[list[Any]] = []
    for output in outputs:
        weights = torch.linspace(0.5, 1.5, output.shape[1])
        scalar = (output * weights).square().sum()
        if not scalar.requires_grad:
            reached.append(False)
            touched.append([None] * len(others))
            continue
        wanted = [*shared, *others, output]  # the output itself, so that there is always something to ask for
        gradients = torch.autograd.grad(scalar, wanted, retain_graph=True, allow_unused=True)[:-1]
        split = len(shared)
        reached.append(any(g is not None and bool(g.abs().sum() > 0) for g in gradients[:split]))
        touched.append([None if g is None else g.ne(0) for g in gradients[split:]])
    overlaps = [
        list(p.shape)
        for p, a, b in zip(others, *touched, strict=True)
        if a is not None and b is not None and bool((a & b).any())
    ]
    features = trunk(images)
    with torch.no_grad():
        for parameter in trunk.parameters():
            parameter.add_(0.3)
        moved = [not torch.allclose(a, b) for a, b in zip(network(images), outputs, strict=True)]
    return {
        "values": [output.detach().numpy().astype(np.float64) for output in outputs],
        "features": features.detach().numpy().astype(np.float64),
        "trunk_registered": all(id(parameter) in own for parameter in trunk.parameters()),
        "learns": [any(g is not None for g in gradients) for gradients in touched],
        "reaches_trunk": reached,
        "follows_trunk": moved,
        "both_use": overlaps,
        "one_uses": [list(p.shape) for p, a, b in zip(others, *touched, strict=True) if (a is None) != (b is None)],
    }


def _judge_two_heads(evidence: Evidence, rng: np.random.Generator) -> list[Finding]:
    points = 3
    if fault := unusable("two_heads", [evidence["call"]], points):
        return [fault]
    code, message, cure = _two_heads_fault(evidence, _head_sizes(rng)) or ("", "", "")
    if code:
        return [Finding(code, False, message, cure, points)]
    right = "One trunk that runs once, and two linear heads of the right sizes that both teach it."
    return [Finding("two-heads", True, right, "", points)]


def _two_heads_fault(evidence: Evidence, sizes: tuple[int, int]) -> tuple[str, str, str] | None:
    """The first thing that is wrong: code, message, next step."""
    first, second = sizes
    if not evidence["module"]:
        message = "What `two_heads` returns is no `nn.Module`, so it can be neither trained nor called as a network."
        return "not-a-module", message, "Define a class that inherits from `nn.Module` and return an instance of it."
    if error := evidence["forward"].get("error"):
        message = f"The network stopped with {error['type']} when it was given images: {error['message']}."
        return (
            "forward-raises",
            message,
            "Run it on `torch.zeros(2, 3, 32, 32)` in a new cell and read the error there.",
        )
    if "shapes" not in evidence:
        message = "The network's `forward` does not return a pair of tensors."
        return "no-pair", message, "End `forward` with `return self.first(shared), self.second(shared)`."
    wanted = [[_IMAGES, first], [_IMAGES, second]]
    if evidence["shapes"] == wanted[::-1]:
        message = "The outputs are swapped: the second task's logits come first."
        return "swapped", message, "Return the head with `n_first` outputs first."
    if evidence["shapes"] != wanted:
        return _wrong_shapes(evidence["shapes"], wanted)
    return _wrong_wiring(evidence) or _wrong_values(evidence)


def _wrong_shapes(shapes: list[list[int]], wanted: list[list[int]]) -> tuple[str, str, str]:
    if shapes in ([wanted[0]] * 2, [wanted[1]] * 2):
        message = f"Both outputs have {shapes[0][1]} columns: one task's logits are returned for both tasks."
        return (
            "one-head-for-both",
            message,
            "Make two linear layers, one with `n_first` and one with `n_second` outputs.",
        )
    message = f"For {_IMAGES} images the outputs have the shapes {shapes}; they should be {wanted}."
    return "wrong-sizes", message, "A head is `nn.Linear(features, n_classes_of_its_task)`."


def _wrong_wiring(evidence: Evidence) -> tuple[str, str, str] | None:
    names = ("first", "second")
    apart = [name for name, follows in zip(names, evidence["follows_trunk"], strict=True) if not follows]
    cut = [name for name, reached in zip(names, evidence["reaches_trunk"], strict=True) if not reached]
    if len(apart) == 2:
        message = "Neither head uses the trunk that was given: when its weights change, no output changes."
        return "trunk-not-used", message, "Keep the trunk itself (`self.trunk = trunk`), no copy of it and no new one."
    if apart:
        message = f"The {apart[0]} head stands on a copy: when the trunk's weights change, its output does not."
        return (
            "trunk-copied",
            message,
            "Let both heads read the one `self.trunk`; without sharing, no task helps another.",
        )
    if len(cut) == 2:
        message = "No gradient reaches the trunk from either head, so it would never learn."
        return "trunk-detached", message, "Leave out `detach()`, `torch.no_grad()` and freezing."
    if cut:
        message = f"No gradient of the {cut[0]} task reaches the trunk: it would learn from the other task alone."
        return "one-task-detached", message, f"Give the {cut[0]} head the shared features without `detach()`."
    if not evidence["trunk_registered"]:
        message = "The trunk's weights are not among the network's `parameters()`: an optimiser would leave them out."
        return "trunk-hidden", message, "Store it as an attribute, `self.trunk = trunk`, not inside a list or a lambda."
    if not all(evidence["learns"]):
        message = "A head's weights are not among the network's `parameters()`: an optimiser would leave them out."
        return "head-hidden", message, "Make both heads in `__init__` and store them as attributes."
    if evidence["both_use"]:
        return _shared_beyond_trunk(evidence)
    if evidence["trunk_runs"] != 1:
        message = f"The trunk runs {evidence['trunk_runs']} times for one batch: each task pays for it anew."
        return "trunk-runs-twice", message, "Write `shared = self.trunk(images)` once and give `shared` to both heads."
    return None


def _shared_beyond_trunk(evidence: Evidence) -> tuple[str, str, str]:
    first, second = (shape[1] for shape in evidence["shapes"])
    if [second, first] in evidence["one_uses"] or [first, second] in evidence["one_uses"]:
        message = "One head stands on the other's logits: it sees only what the other task left of the features."
        return "chained", message, "Give both heads the same input, the trunk's features."
    message = f"Beyond the trunk, both outputs use a weight of shape {evidence['both_use'][0]}."
    return "more-is-shared", message, "Put one linear layer of its own for each task right on the trunk's features."


def _wrong_values(evidence: Evidence) -> tuple[str, str, str] | None:
    values = evidence["values"]
    if any(np.allclose(v.sum(1), 1, atol=1e-4) and v.min() >= 0 for v in values):
        message = "An output holds probabilities that sum to 1: a softmax was added. The cross-entropy has its own."
        return "softmax-added", message, "Return the linear layers' outputs as they are."
    if any(np.allclose(np.exp(v).sum(1), 1, atol=1e-4) for v in values):
        message = "An output holds logarithms of probabilities: a log-softmax was added. The cross-entropy has its own."
        return "log-softmax-added", message, "Return the linear layers' outputs as they are."
    basis = np.hstack([evidence["features"], np.ones((_IMAGES, 1))])
    for name, value in zip(("first", "second"), values, strict=True):
        fitted = basis @ np.linalg.lstsq(basis, value, rcond=None)[0]
        if not np.allclose(fitted, value, atol=1e-3):
            message = f"The {name} output is no linear function of the trunk's features: something bends it."
            return "not-linear", message, "A head is one `nn.Linear`, with no activation and no dropout after it."
    return None


# --- joint_loss -----------------------------------------------------------------------------------------------------

_LOSS_NAMES = ("first_logits", "first_labels", "second_logits", "second_labels", "weight")


def _loss_cases(rng: np.random.Generator) -> list[tuple[Any, ...]]:
    """Batches in which some images lack a label for one task or for both; in the last nobody has a second label."""
    cases = []
    for known in (0.75, 0.6, 0.0):
        sizes = rng.choice(np.arange(3, 8), 2, replace=False)
        n = int(rng.integers(12, 18))
        case: list[Any] = []
        for size, share in zip(sizes, (0.5, known), strict=True):
            labels = rng.integers(0, size, n)
            missing = rng.permutation(n) >= math.ceil(share * n)
            labels[missing] = -1
            case += [rng.normal(0, 1.5, (n, size)).astype(np.float32), labels]
        cases.append((*case, float(np.round(rng.uniform(0.2, 0.45), 2))))
    return cases


def _collect_joint_loss(answer: Any, rng: np.random.Generator) -> Evidence:
    with undisturbed():
        return {"calls": each(answer, _tensors(_loss_cases(rng)))}


def _tensors(cases: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """The cases with tensors for arrays."""
    import torch

    return [tuple(torch.from_numpy(a) if isinstance(a, np.ndarray) else a for a in case) for case in cases]


def _entropies(logits: Any, labels: Any) -> tuple[np.ndarray, np.ndarray]:
    """The cross-entropy of each image (that of the last class where there is no label), and who has a label."""
    x, y = np.asarray(logits, np.float64), np.asarray(labels)
    logs = x - np.log(np.exp(x - x.max(1, keepdims=True)).sum(1, keepdims=True)) - x.max(1, keepdims=True)
    return -logs[np.arange(len(x)), y], y >= 0


def _known_mean(logits: Any, labels: Any) -> float:
    losses, known = _entropies(logits, labels)
    return float(losses[known].mean()) if known.any() else 0.0


def _combined(loss: Callable[[Any, Any], float]) -> Callable[..., float]:
    """The model that adds two tasks' losses, the second weighted."""
    return lambda a, y, b, z, weight: loss(a, y) + weight * loss(b, z)


def _as_if(replace: Callable[[np.ndarray], np.ndarray]) -> Callable[[Any, Any], float]:
    """The loss of all images, with missing labels replaced."""
    return lambda logits, labels: float(_entropies(logits, replace(np.asarray(labels)))[0].mean())


def _nan_mean(logits: Any, labels: Any) -> float:
    losses, known = _entropies(logits, labels)
    return float(losses[known].mean()) if known.any() else math.nan


def _both_known(a: Any, y: Any, b: Any, z: Any, weight: float) -> float:
    both = (np.asarray(y) >= 0) & (np.asarray(z) >= 0)
    if not both.any():
        return 0.0
    return float(_entropies(a, y)[0][both].mean() + weight * _entropies(b, z)[0][both].mean())


def _pooled(a: Any, y: Any, b: Any, z: Any, weight: float) -> float:
    (first, k), (second, m) = _entropies(a, y), _entropies(b, z)
    return float((first[k].sum() + weight * second[m].sum()) / (k.sum() + m.sum()))


def _of_probabilities(logits: Any, labels: Any) -> float:
    x = np.asarray(logits, np.float64)
    return _known_mean(np.exp(x) / np.exp(x).sum(1, keepdims=True), labels)


_JOINT = Question(
    code="joint-loss",
    right="Each task's mean over the images that have its label, added with the weight.",
    reference=_combined(_known_mean),
    points=3,
    names=_LOSS_NAMES,
    part=one_number,
    agree=lambda answer, expected: same_or_nan(one_number(answer), expected),
    misconceptions=(
        Misconception(
            "nan-without-labels",
            "The loss is NaN for a batch in which no image has a label for the second task: a mean over nothing. "
            "One such batch destroys every weight.",
            "Divide the sum by the number of known labels, but at least by 1 (`.clamp(min=1)`).",
            _combined(_nan_mean),
        ),
        Misconception(
            "mean-over-all",
            "You divide by all images of the batch, also by those without a label: few labels make a small loss.",
            "Divide each task's sum by the number of *its* known labels.",
            _combined(lambda x, y: float((_entropies(x, y)[0] * (np.asarray(y) >= 0)).mean())),
        ),
        Misconception(
            "missing-as-last-class",
            "Missing labels count as the last class: an index of -1 means the last column.",
            "Leave those images out: `labels != -1`, or `ignore_index=-1`.",
            _combined(lambda x, y: float(_entropies(x, y)[0].mean())),
        ),
        Misconception(
            "missing-as-first-class",
            "Missing labels count as class 0.",
            "Leave those images out: `labels != -1`, or `ignore_index=-1`.",
            _combined(_as_if(lambda y: np.maximum(y, 0))),
        ),
        Misconception(
            "both-labels-only",
            "Only images with both labels are used. An image with one label still teaches that task.",
            "Choose the known labels for each task by itself.",
            _both_known,
        ),
        Misconception(
            "pooled-mean",
            "You divide the two sums by all known labels together, so the task with fewer labels is drowned.",
            "Take each task's own mean first, then add them.",
            _pooled,
        ),
        Misconception(
            "weight-ignored",
            "The weight plays no part: the losses are simply added.",
            "Multiply the second task's loss by `weight`.",
            lambda a, y, b, z, w: _known_mean(a, y) + _known_mean(b, z),
        ),
        Misconception(
            "weight-on-first",
            "The weight is on the first task; it belongs to the second.",
            "Write `first + weight * second`.",
            lambda a, y, b, z, w: w * _known_mean(a, y) + _known_mean(b, z),
        ),
        Misconception(
            "weight-on-both",
            "The weight multiplies both losses, so it changes nothing between the tasks.",
            "Write `first + weight * second`.",
            lambda a, y, b, z, w: w * (_known_mean(a, y) + _known_mean(b, z)),
        ),
        Misconception(
            "weights-sum-to-one",
            "The first task is weighted by 1 - weight.",
            "Here the first task has the weight 1: `first + weight * second`.",
            lambda a, y, b, z, w: (1 - w) * _known_mean(a, y) + w * _known_mean(b, z),
        ),
        Misconception(
            "mean-of-tasks",
            "You halve the sum of the two losses.",
            "Add them; do not take the mean over the tasks.",
            lambda a, y, b, z, w: (_known_mean(a, y) + w * _known_mean(b, z)) / 2,
        ),
        Misconception(
            "sums-not-means",
            "Each task's loss is a sum over its images: it grows with the batch.",
            "Divide by the number of known labels of that task.",
            _combined(lambda x, y: float(_entropies(x, y)[0][np.asarray(y) >= 0].sum())),
        ),
        Misconception(
            "softmax-twice",
            "A softmax is applied before the cross-entropy, which applies one itself.",
            "Give `F.cross_entropy` the logits as they are.",
            _combined(_of_probabilities),
        ),
        Misconception(
            "first-task-only",
            "Only the first task's loss is returned.",
            "Add `weight` times the second task's loss.",
            lambda a, y, b, z, w: _known_mean(a, y),
        ),
    ),
)


def _judge_joint_loss(evidence: Evidence, rng: np.random.Generator) -> list[Finding]:
    calls = evidence["calls"]
    if fault := unusable("joint_loss", calls, _JOINT.points):
        return [fault]
    return [judge_question(_JOINT, _loss_cases(rng), calls)]


# --- contrastive_loss -----------------------------------------------------------------------------------------------


def _view_cases(rng: np.random.Generator) -> list[tuple[Any, ...]]:
    """Related pairs of uneven lengths."""
    cases = []
    for n, width in ((3, 4), (5, 3), (6, 8)):
        first = rng.normal(0, 1, (n, width)) * rng.uniform(0.5, 2, (n, 1))
        second = first * rng.uniform(0.5, 2, (n, 1)) + rng.normal(0, 0.6, (n, width))
        temperature = float(np.round(rng.uniform(0.3, 0.8), 2))
        cases.append((first.astype(np.float32), second.astype(np.float32), temperature))
    return cases


def _collect_contrastive(answer: Any, rng: np.random.Generator) -> Evidence:
    with undisturbed():
        return {"calls": each(answer, _tensors(_view_cases(rng)))}


def _unit(x: Any) -> np.ndarray:
    x = np.asarray(x, np.float64)
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def _partner_losses(logits: np.ndarray, partners: np.ndarray, below: np.ndarray) -> np.ndarray:
    """For each row minus its partner's logit plus the log of the sum of exp over the candidates in `below`."""
    return np.log((np.exp(logits) * below).sum(1)) - logits[np.arange(len(logits)), partners]


def _views(first: Any, second: Any, normalise: bool = True) -> np.ndarray:
    z = np.concatenate([np.asarray(first, np.float64), np.asarray(second, np.float64)])
    return _unit(z) if normalise else z


def _partners(n: int) -> np.ndarray:
    return np.roll(np.arange(2 * n), n)


def _nt_xent(
    first: Any,
    second: Any,
    scale: float,
    *,
    normalise: bool = True,
    mask: bool = True,
    partners: Callable[[int], np.ndarray] = _partners,
) -> np.ndarray:
    """The loss of each of the 2N views, with cosines multiplied by `scale`."""
    z = _views(first, second, normalise)
    below = 1 - np.eye(len(z)) if mask else np.ones((len(z), len(z)))
    return _partner_losses(scale * z @ z.T, partners(len(first)), below)


def _clip(first: Any, second: Any, temperature: float) -> np.ndarray:
    """The losses of (first to second, second to first), shape (2, N): only the other views are candidates."""
    logits = _unit(first) @ _unit(second).T / temperature
    own, all_ = np.arange(len(logits)), np.ones_like(logits)
    return np.stack([_partner_losses(logits, own, all_), _partner_losses(logits.T, own, all_)])


def _without_positive(first: Any, second: Any, temperature: float) -> float:
    z, n = _views(first, second), len(first)
    below = 1 - np.eye(2 * n) - np.eye(2 * n)[_partners(n)]
    return float(_partner_losses(z @ z.T / temperature, _partners(n), below).mean())


def _with_zero_diagonal(first: Any, second: Any, temperature: float) -> float:
    z = _views(first, second)
    logits = z @ z.T / temperature
    np.fill_diagonal(logits, 0)
    return float(_partner_losses(logits, _partners(len(first)), np.ones_like(logits)).mean())


_CONTRASTIVE = Question(
    code="contrastive-loss",
    right="Every view finds its partner among all the other views, by cosine over temperature.",
    reference=lambda a, b, t: float(_nt_xent(a, b, 1 / t).mean()),
    points=3,
    names=("first", "second", "temperature"),
    part=one_number,
    misconceptions=(
        Misconception(
            "not-normalised",
            "The outputs are not brought to length 1: long vectors have large products whatever their direction.",
            "Begin with `F.normalize(views, dim=1)`.",
            lambda a, b, t: float(_nt_xent(a, b, 1 / t, normalise=False).mean()),
        ),
        Misconception(
            "self-not-masked",
            "Each view is among its own candidates, and nothing is as similar to it as itself.",
            "Set the diagonal to minus infinity: `logits.fill_diagonal_(-torch.inf)`.",
            lambda a, b, t: float(_nt_xent(a, b, 1 / t, mask=False).mean()),
        ),
        Misconception(
            "diagonal-zero",
            "You set each view's similarity to itself to 0, but exp(0) is 1: it still counts as a candidate.",
            "Set it to minus infinity: exp of that is 0.",
            _with_zero_diagonal,
        ),
        Misconception(
            "temperature-multiplied",
            "The similarities are multiplied by the temperature.",
            "Divide by it: a low temperature makes differences larger.",
            lambda a, b, t: float(_nt_xent(a, b, t).mean()),
        ),
        Misconception(
            "temperature-ignored",
            "The temperature plays no part.",
            "Divide the similarities by it.",
            lambda a, b, t: float(_nt_xent(a, b, 1).mean()),
        ),
        Misconception(
            "neighbour-as-partner",
            "The next row is taken as a view's partner. The second views stand below all first ones: N rows further.",
            "Row i and row i + N belong together, in both directions.",
            lambda a, b, t: float(_nt_xent(a, b, 1 / t, partners=lambda n: np.arange(2 * n) ^ 1).mean()),
        ),
        Misconception(
            "one-direction",
            "Only the first views look for their partners.",
            "Take the mean over all 2N views.",
            lambda a, b, t: float(_nt_xent(a, b, 1 / t)[: len(a)].mean()),
        ),
        Misconception(
            "other-views-only",
            "The candidates are the N views on the other side only (as in CLIP). Here the views of one's own side are "
            "candidates too: 2N - 1 in all.",
            "Concatenate both views first, and compare each of the 2N with all the others.",
            lambda a, b, t: float(_clip(a, b, t).mean()),
        ),
        Misconception(
            "other-views-one-direction",
            "Each first view chooses among the N second views only: half the candidates, and one direction.",
            "Concatenate both views first, and compare each of the 2N with all the others.",
            lambda a, b, t: float(_clip(a, b, t)[0].mean()),
        ),
        Misconception(
            "other-views-summed",
            "You add two means, one a direction, each over the N views on the other side only.",
            "Concatenate both views, compare each of the 2N with all the others, and take one mean.",
            lambda a, b, t: float(2 * _clip(a, b, t).mean()),
        ),
        Misconception(
            "sum-not-mean",
            "The losses of the 2N views are summed.",
            "Take their mean, so that the loss does not grow with the batch.",
            lambda a, b, t: float(_nt_xent(a, b, 1 / t).sum()),
        ),
        Misconception(
            "sum-over-n",
            "The losses of all 2N views are summed and divided by N.",
            "There are 2N of them: divide by 2N.",
            lambda a, b, t: float(2 * _nt_xent(a, b, 1 / t).mean()),
        ),
        Misconception(
            "positive-not-below",
            "The partner is missing from the sum below the fraction bar, so the loss can fall below 0.",
            "Leave out only the view itself there.",
            _without_positive,
        ),
        Misconception(
            "sign",
            "The sign is wrong: the loss falls as partners part.",
            "It is *minus* the logarithm of the partner's share.",
            lambda a, b, t: float(-_nt_xent(a, b, 1 / t).mean()),
        ),
        Misconception(
            "attracts-only",
            "Only the partners' similarity counts; nothing pushes other images apart, and all outputs would become "
            "one point.",
            "Divide by the sum over all other views, that is, take a cross-entropy.",
            lambda a, b, t: float(-(_unit(a) * _unit(b)).sum(1).mean() / t),
        ),
    ),
)


def _judge_contrastive(evidence: Evidence, rng: np.random.Generator) -> list[Finding]:
    calls = evidence["calls"]
    if fault := unusable("contrastive_loss", calls, _CONTRASTIVE.points):
        return [fault]
    return [judge_question(_CONTRASTIVE, _view_cases(rng), calls)]


# --- cluster_score --------------------------------------------------------------------------------------------------


def _clusterings(rng: np.random.Generator) -> list[tuple[Any, ...]]:
    """Clusters so mixed that no two ways to count agree on all of them."""
    while True:
        cases = [_clustering(rng, classes) for classes in (4, 5, 6)]
        counts = [[model(*case) for case in cases] for model in (cluster_accuracy, *_CLUSTER_MODELS)]
        apart = [np.abs(np.subtract(a, b)).max() for i, a in enumerate(counts) for b in counts[:i]]
        if min(apart) > 1e-3:
            return cases


def _clustering(rng: np.random.Generator, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """61 images (so that no share is round), somewhat less than half of them in the cluster that stands for their class."""
    while True:
        labels, names = rng.integers(0, classes, 61), rng.permutation(classes)
        elsewhere = np.minimum(rng.integers(0, classes, 61), rng.integers(0, classes, 61))
        clusters = np.where(rng.random(61) < 0.45, names[labels], elsewhere)
        if len(set(clusters.tolist())) == len(set(labels.tolist())) == classes:
            return clusters, labels


def _greedy(clusters: np.ndarray, labels: np.ndarray) -> float:
    """Cluster by cluster in their order, each the best class that is left."""
    table, taken, right = contingency(clusters, labels), set(), 0
    for row in table:
        free = [c for c in range(len(row)) if c not in taken]
        best = max(free, key=lambda c: row[c])
        taken.add(best)
        right += row[best]
    return float(right / len(labels))


def _greedy_by_size(clusters: np.ndarray, labels: np.ndarray) -> float:
    """The largest entry of the table first."""
    table, right = contingency(clusters, labels).astype(float), 0.0
    for _ in range(len(table)):
        row, column = np.unravel_index(np.argmax(table), table.shape)
        right += table[row, column]
        table[row, :] = table[:, column] = -1
    return float(right / len(labels))


def _purity(clusters: np.ndarray, labels: np.ndarray) -> float:
    return float(contingency(clusters, labels).max(1).sum() / len(labels))


def _inverse_purity(clusters: np.ndarray, labels: np.ndarray) -> float:
    return float(contingency(clusters, labels).max(0).sum() / len(labels))


def _unmatched(clusters: np.ndarray, labels: np.ndarray) -> float:
    return float((clusters == labels).mean())


def _least_matching(clusters: np.ndarray, labels: np.ndarray) -> float:
    from scipy.optimize import linear_sum_assignment

    table = contingency(clusters, labels)
    return float(table[linear_sum_assignment(table)].sum() / len(labels))


def _cluster_recall(clusters: np.ndarray, labels: np.ndarray) -> float:
    """The mean over the classes of the share found, under the best matching."""
    from scipy.optimize import linear_sum_assignment

    table = contingency(clusters, labels)
    rows, columns = linear_sum_assignment(table, maximize=True)
    return float((table[rows, columns] / table.sum(0)[columns]).mean())


def _nmi(clusters: np.ndarray, labels: np.ndarray) -> float:
    from sklearn.metrics import normalized_mutual_info_score

    return float(normalized_mutual_info_score(labels, clusters))


def _ari(clusters: np.ndarray, labels: np.ndarray) -> float:
    from sklearn.metrics import adjusted_rand_score

    return float(adjusted_rand_score(labels, clusters))


_CLUSTER_MODELS = (
    _greedy,
    _greedy_by_size,
    _purity,
    _inverse_purity,
    _unmatched,
    _least_matching,
    _cluster_recall,
    _nmi,
    _ari,
)


_CLUSTERS = Question(
    code="cluster-score",
    right="The share of images in the right cluster under the best one-to-one matching.",
    reference=cluster_accuracy,
    points=2,
    names=("clusters", "labels"),
    part=one_number,
    misconceptions=(
        Misconception(
            "not-matched",
            "Cluster numbers are compared with labels as they are; but cluster 0 need not be class 0.",
            "First find which cluster stands for which class.",
            _unmatched,
        ),
        Misconception(
            "purity",
            "Each cluster takes its commonest class, so two clusters may take the same one. That is purity, which is "
            "perfect when every image is a cluster of its own.",
            "Give each class to one cluster only: `linear_sum_assignment(table, maximize=True)`.",
            _purity,
        ),
        Misconception(
            "inverse-purity",
            "Each class takes its commonest cluster, so two classes may take the same one: one big cluster is perfect.",
            "Give each cluster one class only: `linear_sum_assignment(table, maximize=True)`.",
            _inverse_purity,
        ),
        Misconception(
            "greedy",
            "Clusters choose one after another: an early choice may take the class that a later cluster needs more.",
            "Find the best matching as a whole: `linear_sum_assignment(table, maximize=True)`.",
            _greedy,
        ),
        Misconception(
            "greedy-by-size",
            "The largest entries of the table are taken first: that is near the best matching, but not always the best.",
            "Find the best matching as a whole: `linear_sum_assignment(table, maximize=True)`.",
            _greedy_by_size,
        ),
        Misconception(
            "worst-matching",
            "The matching is the worst one: `linear_sum_assignment` makes the sum small unless told otherwise.",
            "Add `maximize=True`, or give it the negative table.",
            _least_matching,
        ),
        Misconception(
            "mean-over-classes",
            "This is the mean over classes of the share found; classes of different sizes then count alike.",
            "Divide the number of matched images by the number of all images.",
            _cluster_recall,
        ),
        Misconception(
            "percent",
            "The share is in percent.",
            "Do not multiply by 100.",
            lambda c, y: 100 * cluster_accuracy(c, y),
        ),
        Misconception(
            "count",
            "You return the number of matched images.",
            "Divide it by the number of all images.",
            lambda c, y: cluster_accuracy(c, y) * len(y),
        ),
        Misconception(
            "error-rate",
            "You return the share of images that are wrong.",
            "Return the share that is right.",
            lambda c, y: 1 - cluster_accuracy(c, y),
        ),
        Misconception("nmi", "This is the normalised mutual information.", "Count matched images instead.", _nmi),
        Misconception("ari", "This is the adjusted Rand index.", "Count matched images instead.", _ari),
    ),
)


def _collect_clusters(answer: Any, rng: np.random.Generator) -> Evidence:
    return {"calls": each(answer, _clusterings(rng))}


def _judge_clusters(evidence: Evidence, rng: np.random.Generator) -> list[Finding]:
    calls = evidence["calls"]
    if fault := unusable("cluster_score", calls, _CLUSTERS.points):
        return [fault]
    return [judge_question(_CLUSTERS, _clusterings(rng), calls)]


EXERCISES = (
    Exercise(
        id="two_heads",
        title="Two heads on one trunk",
        lesson="06",
        points=3,
        minutes=10,
        difficulty=2,
        purpose="The network of every multitask method: one body that all tasks teach.",
        hints=(
            "Which part must exist once only, and which twice? What does each head need to know about sizes?",
            "In `__init__`: call `super().__init__()`, keep the trunk as it is, and make two `nn.Linear` layers.",
            "In `forward`: `shared = self.trunk(images)`, once; return `self.first(shared), self.second(shared)`.",
        ),
        collect=_collect_two_heads,
        judge=_judge_two_heads,
    ),
    Exercise(
        id="joint_loss",
        title="One loss for two tasks, with labels missing",
        lesson="06",
        points=3,
        minutes=8,
        difficulty=2,
        purpose="Real tables have gaps: learn from every label there is, and from none that is not.",
        hints=(
            "Think of one task alone. Which images may count, and by how many do you divide?",
            "`F.cross_entropy(logits, labels, ignore_index=-1, reduction='sum')` leaves out the missing ones.",
            "Divide that by `(labels != -1).sum().clamp(min=1)`, which is never 0. Do it for both tasks; then return "
            "`first + weight * second`.",
        ),
        collect=_collect_joint_loss,
        judge=_judge_joint_loss,
    ),
    Exercise(
        id="contrastive_loss",
        title="The contrastive loss of SimCLR",
        lesson="06",
        points=3,
        minutes=12,
        difficulty=3,
        purpose="The loss behind much of today's pretraining, from its formula.",
        hints=(
            "Stack the two batches to 2N rows. Each row plays a classification: which of the other rows is my partner?",
            "Normalise the rows, multiply them with their transpose, divide by the temperature: those are the logits.",
            "A row is no candidate for itself: fill the diagonal with minus infinity. Row i's partner is row i + N, and "
            "the other way round.",
            "partners = torch.arange(2 * n).roll(n); return F.cross_entropy(logits, partners).",
        ),
        collect=_collect_contrastive,
        judge=_judge_contrastive,
    ),
    Exercise(
        id="cluster_score",
        title="How good are clusters?",
        lesson="06",
        points=2,
        minutes=8,
        difficulty=2,
        purpose="Clusters have no names: compare them with classes all the same.",
        hints=(
            "Count how many images lie in cluster i and class j: a square table.",
            "Each cluster gets one class, no class twice, so that the counts chosen add up to the most.",
            "rows, columns = linear_sum_assignment(table, maximize=True); return table[rows, columns].sum() / len(labels).",
        ),
        collect=_collect_clusters,
        judge=_judge_clusters,
    ),
)
