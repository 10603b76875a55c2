"""Exercises of lesson 03, six-steps."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Sequence
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np

from tlcourse.checks.collecting import call, each, kept, simple, undisturbed
from tlcourse.checks.exercise import Evidence, Exercise, Finding
from tlcourse.checks.judging import Misconception, Question, judge_question, same, unusable
from tlcourse.measure import epoch_to_keep

if TYPE_CHECKING:
    from torch import Tensor, nn

    from tlcourse.checks.small_network import SmallGlyphNet

# torch takes seconds to import, and the registry imports this module: what needs torch imports it when it runs.

# --- for all exercises on networks ----------------------------------------------------------------------------------


def _first_fault(name: str, records: Sequence[Evidence], points: float) -> Finding | None:
    """A finding if the answer raised. That it returns nothing is no fault where it changes its argument."""
    raised = [record for record in records if "error" in record]
    return unusable(name, raised, points) if raised else None


def _of_batch_norm(parameter: str) -> bool:
    """Whether a parameter of the body belongs to a batch norm: `bn1`, or number 1 of the stem and of a shortcut."""
    return ".bn" in parameter or parameter.endswith((".1.weight", ".1.bias"))


def _worst(verdicts: Sequence[list[Finding]]) -> list[Finding]:
    """The findings of the first trial that shows a fault; those of the first trial if none does."""
    return next((found for found in verdicts if not all(finding.passed for finding in found)), verdicts[0])


def _some(names: Sequence[str], most: int = 3) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


# --- freeze_body ----------------------------------------------------------------------------------------------------

_FREEZE_NETWORKS = (((4, 6, 8), 3, False), ((5, 5, 7, 6), 4, True))


def _collect_freeze(answer: Any, rng: np.random.Generator) -> Evidence:
    with undisturbed():
        return {"trials": [_freeze_trial(answer, rng, *shape) for shape in _FREEZE_NETWORKS]}


def _freeze_trial(
    answer: Any, rng: np.random.Generator, widths: Sequence[int], n_classes: int, dropout: bool
) -> Evidence:
    """Two epochs of one step, with the answer called after `train()` in each, as the exercise says."""
    import torch

    from tlcourse.checks.small_network import batch_norms, one_step, small_batch, small_network

    network = small_network(rng, widths, n_classes, dropout)
    images, labels = small_batch(rng, 12, n_classes)
    before, same_features = copy.deepcopy(network), False
    for epoch in range(2):
        network.train()
        record = call(answer, network)
        if "error" in record:
            return {"call": record}
        switched_on, modes = torch.is_grad_enabled(), {n: m.training for n, m in network.named_modules()}
        torch.set_grad_enabled(True)
        same_features = _same_features(before, network, images) if epoch == 0 else same_features
        flags = [name for name, module in network.named_modules() if "requires_grad" in vars(module)]
        asks = {name: parameter.requires_grad for name, parameter in network.named_parameters()}
        error = one_step(network, images, labels)
    return {
        "call": record,
        "gradients_on": switched_on,
        "set_on_modules": flags,
        "asks": asks,
        "in_training": [name for name, on in modes.items() if on],
        "head_layers": [name for name in modes if name.startswith("head.")],
        "step_error": error,
        "moved": _moved(before, network),
        "without_statistics": [name for name, norm in batch_norms(network).items() if norm.running_mean is None],
        "statistics_moved": _moved_norms(before, network),
        "as_source": same_features,
    }


def _moved_norms(before: nn.Module, after: nn.Module) -> list[str]:
    """The batch norms of which a running statistic is another than before."""
    import torch

    from tlcourse.checks.small_network import batch_norms

    old, new = before.state_dict(), after.state_dict()
    return [
        name
        for name in batch_norms(before)
        if any(
            f"{name}.{statistic}" in new and not torch.equal(old[f"{name}.{statistic}"], new[f"{name}.{statistic}"])
            for statistic in ("running_mean", "running_var")
        )
    ]


def _moved(before: nn.Module, after: nn.Module) -> list[str]:
    import torch

    old = dict(before.named_parameters())
    return [name for name, value in after.named_parameters() if name in old and not torch.equal(value, old[name])]


def _same_features(before: SmallGlyphNet, after: SmallGlyphNet, images: Tensor) -> bool:
    """Whether the body, in the modes that the answer left and before any step, computes what the source computes."""
    import torch

    with torch.no_grad():
        wanted = before.body.eval()(images)
        record = call(lambda: torch.allclose(copy.deepcopy(after).body(images), wanted, atol=1e-5))
    return record.get("value") is True


def _judge_freeze(evidence: Evidence, rng: np.random.Generator) -> list[Finding]:
    trials = evidence["trials"]
    if fault := _first_fault("freeze_body", [trial["call"] for trial in trials], 3):
        return [fault]
    return _worst([_freeze_findings(trial) for trial in trials])


def _freeze_findings(trial: Evidence) -> list[Finding]:
    body = {name: asks for name, asks in trial["asks"].items() if not name.startswith("head")}
    asking = [name for name, asks in body.items() if asks]
    if whole := _freeze_nothing(trial, asking, len(body)):
        return [whole]
    left_out = _left_out(asking, body)
    if left_out:
        where = _some(left_out)
        message = f"{where} left out: {_some([n for n in asking if n.split('.')[0] in left_out], 1)} can still train."
        step = "Freeze every child but the head, the stem too; `network.body` holds them all."
        return [Finding("part-left-out", False, message, step, 2), _head_finding(trial)]
    return [_gradient_finding(asking, len(body)), _statistics_finding(trial), _head_finding(trial)]


def _freeze_nothing(trial: Evidence, asking: list[str], n_body: int) -> Finding | None:
    """A finding where nothing of the body is frozen at all, or nothing can train."""
    if not trial["gradients_on"]:
        return Finding(
            "gradients-off-everywhere",
            False,
            "Your function switches gradients off for all of torch: after it nothing can train, the head neither.",
            "Set `requires_grad_(False)` on the body's parameters only, and leave torch's own switch alone.",
            3,
        )
    if trial["step_error"] and any(trial["asks"].values()):
        message = f"After your function the network cannot make a training step: {trial['step_error']}."
        step = "Change flags and modes only, with `requires_grad_(False)` and `eval()`; leave the layers as they are."
        return Finding("does-not-run", False, message, step, 3)
    if len(asking) < n_body or not trial["statistics_moved"]:
        return None
    if trial["set_on_modules"]:
        where = next((name for name in trial["set_on_modules"] if name), "the network")
        return Finding(
            "attribute-on-module",
            False,
            f"You set `requires_grad` on a module ({where}), where it is a new attribute that nobody reads: "
            f"all {n_body} tensors of the body still ask for a gradient.",
            "Use the method with the underscore, `module.requires_grad_(False)`, or loop over `module.parameters()`.",
            3,
        )
    return Finding(
        "nothing-frozen",
        False,
        f"After your function all {n_body} tensors of the body still ask for a gradient, and batch norm still updates "
        "its statistics.",
        "Change this very network: the method with the underscore, `network.body.requires_grad_(False)`, and "
        "`network.body.eval()`. `network.body.requires_grad = False` sets an attribute that nobody reads.",
        3,
    )


def _left_out(asking: list[str], body: dict[str, bool]) -> list[str]:
    """Children of which everything still trains, where others are frozen."""
    children = list(dict.fromkeys(name.split(".")[0] for name in body))
    whole = [c for c in children if all(n in asking for n in body if n.split(".")[0] == c)]
    return whole if len(whole) < len(children) else []


def _gradient_finding(asking: list[str], n_body: int) -> Finding:
    if not asking:
        return Finding("gradients", True, "No weight of the body asks for a gradient, and none has moved.", "", 1)
    if len(asking) == n_body:
        return Finding(
            "weights-still-train",
            False,
            f"All {n_body} tensors of the body still ask for a gradient: evaluation mode stops no update of a weight.",
            "Call `network.body.requires_grad_(False)` as well, with the underscore: without it, you set an attribute "
            "that nobody reads.",
            1,
        )
    if all(_of_batch_norm(name) for name in asking):
        return Finding(
            "batch-norm-still-trains",
            False,
            f"The convolutions are frozen, but batch norm has weights as well: {_some(asking)} still ask for a gradient.",
            "Freeze every parameter of the body, whatever its layer: `network.body.requires_grad_(False)`.",
            1,
        )
    return Finding(
        "some-weights-still-train",
        False,
        f"{_some(asking)} still ask for a gradient.",
        "Freeze every parameter of the body, whatever its layer: `network.body.requires_grad_(False)`.",
        1,
    )


def _statistics_finding(trial: Evidence) -> Finding:
    moved, lost = trial["statistics_moved"], trial["without_statistics"]
    again = "Put the body in evaluation mode, `network.body.eval()`: your function is called after each `train()`."
    if lost:
        message = f"{lost[0]} has lost its running statistics; it now normalises with whatever batch comes."
        return Finding("statistics-thrown-away", False, message, again, 1)
    if moved:
        more = f" (as do {len(moved) - 1} more)" if len(moved) > 1 else ""
        message = f"{moved[0]} still updates its running mean{more}: it is in training mode."
        return Finding("statistics-move", False, message, again, 1)
    if not trial["as_source"]:
        training = next((name for name in trial["in_training"] if _of_batch_norm(f"{name}.weight")), "")
        message = (
            f"No running mean moves, but the features are not the source's: {training or 'a batch norm'} "
            "normalises with the batch's own mean and variance, as training mode does."
        )
        return Finding("batch-statistics", False, message, again, 1)
    return Finding("statistics", True, "Batch norm keeps the source's statistics, also in the second epoch.", "", 1)


def _head_finding(trial: Evidence) -> Finding:
    head = [name for name in trial["asks"] if name.startswith("head")]
    if not head or not all(name in trial["moved"] for name in head):
        stuck = _some([name for name in head if name not in trial["moved"]]) or "the head"
        return Finding(
            "head-frozen",
            False,
            f"{stuck} did not move in a training step: you froze the head too, and it is the part to train.",
            "Freeze `network.body`, not `network`.",
            1,
        )
    if asleep := [name for name in trial["head_layers"] if name not in trial["in_training"]]:
        return Finding(
            "head-in-evaluation",
            False,
            f"{asleep[0]} is in evaluation mode: a head's dropout must stay on while the head trains.",
            "Call `eval()` on `network.body` alone, neither on `network` nor on its head.",
            1,
        )
    return Finding("head", True, "The head trains.", "", 1)


# --- replace_head ---------------------------------------------------------------------------------------------------

_HEAD_CASES = (((4, 6, 8), 9, 4, False), ((5, 7, 11), 6, 13, True))
"""Widths, classes of the source, classes of the target, and whether the body comes frozen."""


def _collect_head(answer: Any, rng: np.random.Generator) -> Evidence:
    with undisturbed():
        return {"trials": [_head_trial(answer, rng, *case) for case in _HEAD_CASES]}


def _head_trial(
    answer: Any, rng: np.random.Generator, widths: Sequence[int], n_source: int, n_target: int, frozen: bool
) -> Evidence:
    from torch import nn

    from tlcourse.checks.small_network import small_batch, small_network

    network = small_network(rng, widths, n_source)
    network.body.requires_grad_(not frozen)
    images, _ = small_batch(rng, 6, n_source)
    source = copy.deepcopy(network).eval()
    record, result = kept(answer, network, n_target)
    if not isinstance(result, nn.Module):
        return {"call": record}
    return {"call": record, **_described_network(result, source, images)}


def _described_network(result: nn.Module, source: SmallGlyphNet, images: Tensor) -> Evidence:
    """What a returned network is and does, beside the source that it was made of."""
    import torch
    from torch import nn

    linears = [m for m in result.modules() if isinstance(m, nn.Linear)]
    body = {name: p for name, p in source.named_parameters() if not name.startswith("head")}
    found = [p for p in result.parameters() if not any(p is q for m in linears for q in m.parameters())]
    described: Evidence = {
        "n_linears": len(linears),
        "has_old_head": any(m.weight.shape == source.head.weight.shape for m in linears[:-1]),
        "same_shapes": [tuple(p.shape) for p in found] == [tuple(p.shape) for p in body.values()],
        "body_equal": len(found) == len(body)
        and all(torch.equal(p, q) for p, q in zip(found, body.values(), strict=False)),
        "body_asks": [p.requires_grad for p in found],
        "body_asked": [p.requires_grad for p in body.values()],
    }
    if not linears:
        return described
    last, old = linears[-1], source.head
    seen: list[Tensor] = []
    handle = last.register_forward_hook(lambda module, inputs, output: seen.extend([inputs[0], output]))
    with torch.no_grad():
        features = nn.Sequential(*list(source)[:-1])(images)
        record = call(lambda: seen.append(result.eval()(images)))
    handle.remove()
    rows = min(len(last.weight), len(old.weight))
    described |= {
        "in_features": last.in_features,
        "out_features": last.out_features,
        "n_rows": len(last.weight),
        "head_asks": all(p.requires_grad for p in last.parameters()),
        "old_rows": last.weight.shape[1:] == old.weight.shape[1:]
        and bool(torch.equal(last.weight[:rows], old.weight[:rows])),
        "error": simple(record.get("error")),
    }
    if len(seen) == 3:
        reads, gives, output = seen
        described |= {
            "reads_features": reads.shape == features.shape and bool(torch.allclose(reads, features, atol=1e-4)),
            "reads_logits": reads.shape[1:] == (len(old.weight),),
            "output_is_logits": output.shape == gives.shape and bool(torch.allclose(output, gives, atol=1e-6)),
            "output_shape": list(output.shape),
        }
    return described


def _judge_head(evidence: Evidence, rng: np.random.Generator) -> list[Finding]:
    trials = evidence["trials"]
    if fault := _first_fault("replace_head", [trial["call"] for trial in trials], 2):
        return [fault]
    verdicts = [
        _head_findings(trial, widths, n_source, n_target)
        for trial, (widths, n_source, n_target, _) in zip(trials, _HEAD_CASES, strict=True)
    ]
    return _worst(verdicts)


def _head_findings(trial: Evidence, widths: Sequence[int], n_source: int, n_target: int) -> list[Finding]:
    if "n_linears" not in trial:
        kind = trial["call"].get("value")
        what = "nothing (None)" if kind is None else "no network"
        step = "End with `return network`: the network with its new head."
        return [Finding("no-network", False, f"`replace_head` returns {what}.", step, 2)]
    if not trial["body_asks"]:
        message = "You return the new head alone; the body is gone."
        return [Finding("head-alone", False, message, "Assign it: `network.head = ...`, and return the network.", 2)]
    return [_body_finding(trial), _new_head_finding(trial, widths[-1], n_source, n_target)]


def _body_finding(trial: Evidence) -> Finding:
    if not trial["body_equal"]:
        return Finding(
            "body-lost",
            False,
            "The body's weights are not the source's any more: everything that was to be transferred is lost.",
            "Keep the network you are given, body and all, and set a new `network.head` only.",
            1,
        )
    changed = [now for now, before in zip(trial["body_asks"], trial["body_asked"], strict=True) if now != before]
    if changed:
        did = "unfreezes" if changed[0] else "freezes"
        return Finding(
            "body-flags-changed",
            False,
            f"Your function also {did} the body: {len(changed)} of its tensors changed `requires_grad`.",
            "Leave the body as it comes; freezing is step 3, and has its own function.",
            1,
        )
    return Finding("body", True, "The body is the source's, weight for weight, as frozen or free as it came.", "", 1)


def _new_head_finding(trial: Evidence, width: int, n_source: int, n_target: int) -> Finding:
    code, message, step = _head_fault(trial, width, n_source, n_target)
    if code:
        return Finding(code, False, message, step, 1)
    return Finding("new-head", True, f"The head maps {width} features to {n_target} scores, and trains.", "", 1)


def _head_fault(trial: Evidence, width: int, n_source: int, n_target: int) -> tuple[str, str, str]:
    """(code, message, next step) of what is wrong with the new head; an empty code if nothing is."""
    if trial["n_linears"] == 0:
        return "no-head", "The network has no linear layer any more.", "Set `network.head = nn.Linear(...)`."
    if trial["out_features"] == n_target and trial["n_rows"] == n_source != n_target:
        message = f"You changed the number `out_features`, which only describes the layer: its weight still has {n_source} rows."
        return "attribute-only", message, "Make a new layer: `nn.Linear(in_features, n_classes)`."
    if trial.get("reads_logits") and trial["n_linears"] > 1:
        message = f"The new layer reads the {n_source} scores of the old head, not the {width} features below it."
        return "on-top-of-old-head", message, "Put the new layer in the place of the old one: `network.head = ...`."
    if trial["error"] or "reads_features" not in trial:
        return _broken_forward(trial, width)
    if trial["in_features"] != width and not trial["body_equal"]:
        message = f"The new head takes {trial['in_features']} features; that of the network you were given, {width}."
        return "wrong-in-features", message, "Read the number off the old head: `network.head.in_features`."
    shape = trial["output_shape"]
    if shape[1:] == [n_source]:
        message = f"The network still gives {n_source} scores, one for each class of the source; {n_target} are wanted."
        return "old-outputs", message, "Make a new layer: `nn.Linear(in_features, n_classes)`."
    if shape[1:] != [n_target]:
        message = f"Asked for {n_target} classes, the network gives outputs of shape {tuple(shape)}."
        return "wrong-outputs", message, "Use the argument: `nn.Linear(in_features, n_classes)`."
    if not trial["output_is_logits"]:
        message = "Something comes after the linear layer: the outputs are no plain scores any more."
        return "activation-added", message, "End with the linear layer: `cross_entropy` takes logits."
    if not trial["reads_features"] and trial["body_equal"]:
        message = f"The last linear layer does not read the {width} pooled features as the old head did."
        return "head-reads-other", message, "Replace the old head by one linear layer, and nothing else."
    if trial["old_rows"]:
        message = "The new head holds rows of the old one: its classes are others, and its scores mean nothing here."
        return "old-weights", message, "Make a fresh `nn.Linear`; it draws its own weights."
    if not trial["head_asks"]:
        message = "The new head does not ask for a gradient: it would never be trained."
        return "head-not-trainable", message, "Freeze the body only; a new `nn.Linear` trains as it is."
    return "", "", ""


def _broken_forward(trial: Evidence, width: int) -> tuple[str, str, str]:
    if trial["in_features"] != width:
        message = f"The new head takes {trial['in_features']} features, but this body gives {width}."
        return "wrong-in-features", message, "Read the number off the old head: `network.head.in_features`."
    if trial["n_linears"] > 1 and trial["has_old_head"]:
        message = "The old head is still there, and your new layer comes after it: the two do not fit, and it stops."
        return (
            "old-head-kept",
            message,
            "Give the new layer the old one's name, and so its place: `network.head = ...`.",
        )
    error = trial["error"] or {"type": "an error", "message": "its last layer is not used"}
    message = f"The network stops on a batch of images: {error['type']}, {error['message'][:120]}."
    return "does-not-run", message, "Keep every child, the pooling too, and set `network.head` only."


# --- fine_tune ------------------------------------------------------------------------------------------------------

_TUNE_CASES = (((4, 6, 8), 3, 1.0, 4), ((5, 6), 4, 2.0, 3))
"""Widths, classes, the head's rate, steps."""


def _tune_problem(
    rng: np.random.Generator, widths: Sequence[int], n_classes: int
) -> tuple[SmallGlyphNet, Tensor, Tensor]:
    """A network as it comes out of step 5: body frozen, in training mode, its norms waiting to be put to sleep."""
    from tlcourse.checks.small_network import small_batch, small_network

    network = small_network(rng, widths, n_classes)
    images, labels = small_batch(rng, 18, n_classes)
    network.body.requires_grad_(False)
    return network.train(), images, labels


def _collect_tune(answer: Any, rng: np.random.Generator) -> Evidence:
    trials = []
    with undisturbed():
        for widths, n_classes, rate, steps in _TUNE_CASES:
            network, images, labels = _tune_problem(rng, widths, n_classes)
            record = call(answer, network, images, labels, rate, steps)
            asks = all(p.requires_grad for p in network.body.parameters())
            trials.append({"call": record, "asks": asks, "state": _state(network)})
    return {"trials": trials}


def _state(network: nn.Module) -> dict[str, np.ndarray]:
    return {
        name: value.detach().numpy().copy() for name, value in network.state_dict().items() if value.is_floating_point()
    }


def _tuned(
    problem: tuple[SmallGlyphNet, Tensor, Tensor],
    rate: float,
    steps: int,
    *,
    trains: str = "all",
    head_times: float = 1,
    mode: str = "eval",
    clears: bool = True,
    optimiser: str = "SGD",
    softmax: bool = False,
    reduction: str = "mean",
) -> tuple[dict[str, np.ndarray], list[float], list[float]]:
    """Fine-tuning as the exercise asks, or with a mistake: the state, the losses before each step, the accuracies."""
    import torch

    network, images, labels = copy.deepcopy(problem)
    network.requires_grad_(True)
    network.train()
    if mode == "eval":
        network.body.eval()
    parts = {"all": network, "head": network.head, "body": network.body}
    kinds: dict[str, Callable[..., Any]] = {
        "SGD": torch.optim.SGD,
        "momentum": lambda p, lr: torch.optim.SGD(p, lr, momentum=0.9),
        "Adam": torch.optim.Adam,
        "AdamW": torch.optim.AdamW,
    }
    stepper = kinds[optimiser](parts[trains].parameters(), lr=rate)
    if head_times != 1:
        stepper.param_groups[0]["params"] = list(network.body.parameters())
        stepper.add_param_group({"params": network.head.parameters(), "lr": rate * head_times})
    losses, shares = [], []
    for _ in range(steps):
        scores = network(images)
        given = scores.softmax(1) if softmax else scores
        loss = torch.nn.functional.cross_entropy(given, labels, reduction=reduction)
        losses.append(float(loss.detach()))
        shares.append(float((scores.argmax(1) == labels).float().mean()))
        if clears:
            network.zero_grad()
        loss.backward()
        stepper.step()
    return _state(network), losses, shares


_TUNE_FAULTS: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
    (
        "head-rate",
        "Everything trains at the head's own rate, ten times what is asked: this is how a body forgets.",
        "Give the optimiser `lr=head_rate / 10`.",
        {"times": 10},
    ),
    (
        "head-faster",
        "The head trains at its own rate, ten times that of the body: these are two rates, and one is asked for.",
        "Give the optimiser `network.parameters()` as one list, with `lr=head_rate / 10`.",
        {"head_times": 10},
    ),
    (
        "rate-too-low",
        "Everything trains at a hundredth of the head's rate.",
        "Divide by ten once: `lr=head_rate / 10`.",
        {"times": 0.1},
    ),
    (
        "never-cleared",
        "The gradients of all steps so far are added up: nothing clears them.",
        "Call `optimiser.zero_grad()` in each step, before `backward()`.",
        {"clears": False},
    ),
    (
        "statistics-move",
        "stem.1 and the other batch norms updated their running statistics: the body was in training mode.",
        "Call `network.body.eval()` before the first step; the weights train all the same.",
        {"mode": "train"},
    ),
    (
        "body-only",
        "The body trains and the head does not: its weights are as they came.",
        "Give the optimiser all parameters: `network.parameters()`.",
        {"trains": "body"},
    ),
    (
        "one-step-less",
        "The weights are those after one step less than asked.",
        "Loop over `range(steps)`, with one `step()` in each round.",
        {"extra": -1},
    ),
    (
        "one-step-more",
        "The weights are those after one step more than asked.",
        "Loop over `range(steps)`, with one `step()` in each round.",
        {"extra": 1},
    ),
    (
        "one-step-only",
        "The weights are those after a single step.",
        "Put `step()` inside the loop, and `return` after it.",
        {"only": 1},
    ),
    (
        "uphill",
        "The weights went the other way: each step made the loss larger.",
        "Minimise the cross-entropy itself, without a minus sign.",
        {"times": -1},
    ),
    (
        "softmax-before-loss",
        "A softmax stands before the cross-entropy, which takes one itself: gradients become small.",
        "Give `cross_entropy` the network's scores as they are.",
        {"softmax": True},
    ),
    (
        "summed-loss",
        "The loss is the sum over the images: steps are as many times too long as there are images.",
        "Leave `reduction` at its default, the mean.",
        {"reduction": "sum"},
    ),
    (
        "momentum",
        "The steps are those of SGD with momentum 0.9; the exercise asks for plain SGD.",
        "Use `torch.optim.SGD(parameters, lr=...)`.",
        {"optimiser": "momentum"},
    ),
    (
        "adam",
        "The steps are Adam's; the exercise asks for plain SGD.",
        "Use `torch.optim.SGD(parameters, lr=...)`.",
        {"optimiser": "Adam"},
    ),
    (
        "adamw",
        "The steps are AdamW's; the exercise asks for plain SGD.",
        "Use `torch.optim.SGD(parameters, lr=...)`.",
        {"optimiser": "AdamW"},
    ),
)
"""(code, message, next step, what differs) of each mistake that can be told from the weights."""


def _judge_tune(evidence: Evidence, rng: np.random.Generator) -> list[Finding]:
    trials = evidence["trials"]
    records = [trial["call"] for trial in trials]
    if any("modified by an inplace" in record.get("error", {}).get("message", "") for record in records):
        message = (
            "`step()` comes before `backward()`: it changes the weights that the gradients are still to be taken at."
        )
        order = "In each step: loss, `zero_grad()`, `backward()`, and then `step()`."
        return [Finding("step-before-backward", False, message, order, 3)]
    if fault := _first_fault("fine_tune", records, 3):
        return [fault]
    with undisturbed():
        problems = [_tune_problem(rng, widths, n_classes) for widths, n_classes, _, _ in _TUNE_CASES]
        right = _variant(problems, {})
        if _agree(trials, right):
            fine = Finding("weights", True, "Every weight is where fine-tuning at a tenth of the rate puts it.", "", 2)
            return [fine, _losses_finding(trials, right, problems)]
        return [_tune_fault(trials, problems)]


def _variant(problems: Sequence[Any], mistake: dict[str, Any]) -> list[Any]:
    """What each case ends in if fine-tuned with this mistake."""
    mistake = dict(mistake)
    times, extra, only = mistake.pop("times", 1), mistake.pop("extra", 0), mistake.pop("only", None)
    ends = []
    for problem, (_, _, rate, steps) in zip(problems, _TUNE_CASES, strict=True):
        if times < 0:
            ends.append(_climbed(problem, rate / 10, steps))
        else:
            ends.append(_tuned(problem, times * rate / 10, only or steps + extra, **mistake))
    return ends


def _climbed(problem: tuple[SmallGlyphNet, Tensor, Tensor], rate: float, steps: int) -> Any:
    import torch

    network, images, labels = copy.deepcopy(problem)
    network.requires_grad_(True)
    network.body.eval()
    stepper = torch.optim.SGD(network.parameters(), lr=rate, maximize=True)
    for _ in range(steps):
        stepper.zero_grad()
        torch.nn.functional.cross_entropy(network(images), labels).backward()
        stepper.step()
    return _state(network), [], []


def _agree(trials: Sequence[Evidence], ends: Sequence[Any]) -> bool:
    return all(_close(trial["state"], end[0]) for trial, end in zip(trials, ends, strict=True))


def _close(state: dict[str, Any], expected: dict[str, np.ndarray]) -> bool:
    return state.keys() == expected.keys() and all(
        np.allclose(state[name], value, rtol=1e-3, atol=2e-5) for name, value in expected.items()
    )


def _tune_fault(trials: Sequence[Evidence], problems: Sequence[Any]) -> Finding:
    untouched: list[Any] = [(_state(problem[0]), [], []) for problem in problems]
    if _agree(trials, untouched):
        message = (
            "No weight of the network has moved: `step()` is missing, the gradients are cleared between `backward()` "
            "and it, or you trained a copy."
        )
        step = "In each step: loss, `zero_grad()`, `backward()`, and then `step()`."
        return Finding("nothing-moves", False, message, step, 3)
    if _head_alone(trials, untouched):
        return _head_alone_finding(trials)
    for code, message, step, mistake in _TUNE_FAULTS:
        if _agree(trials, _variant(problems, mistake)):
            return Finding(code, False, message, step, 3)
    moved = _moved_statistics(trials, untouched)
    if moved:
        message = f"{moved} has updated its running statistics, and the weights are others than they should be."
        return Finding("statistics-move-too", False, message, "Call `network.body.eval()` before the first step.", 3)
    if stuck := _unmoved(trials[0]["state"], untouched[0][0]):
        message = f"Some of the network trains, but {_some(stuck)} did not move at all."
        step = "Unfreeze all of it, `network.requires_grad_(True)`, and give the optimiser all of its parameters."
        return Finding("part-still-frozen", False, message, step, 3)
    message = f"After {_TUNE_CASES[0][3]} steps the weights are others than plain fine-tuning gives."
    step = "Use plain SGD at `head_rate / 10` on the mean cross-entropy of all images, `steps` times."
    return Finding("weights-differ", False, message, step, 3)


def _head_alone(trials: Sequence[Evidence], untouched: Sequence[Any]) -> bool:
    """Whether the head moved in every case and no weight of the body did."""

    def body(state: dict[str, Any]) -> dict[str, Any]:
        return {n: v for n, v in state.items() if not n.startswith("head") and "running" not in n}

    return all(
        _close(body(trial["state"]), body(before))
        and not np.allclose(trial["state"]["head.weight"], before["head.weight"], atol=1e-7)
        for trial, (before, _, _) in zip(trials, untouched, strict=True)
    )


def _head_alone_finding(trials: Sequence[Evidence]) -> Finding:
    if all(trial["asks"] for trial in trials):
        message = (
            "The body was unfrozen, and yet only the head moved: the optimiser does not hold the body. It was made "
            "from the parameters that asked for a gradient at that time, or from the head's alone."
        )
        step = "Unfreeze first, then make the optimiser from `network.parameters()`."
        return Finding("optimiser-without-body", False, message, step, 3)
    message = "Only the head moved: the body came frozen, and your function never unfreezes it."
    return Finding("still-frozen", False, message, "Begin with `network.requires_grad_(True)`.", 3)


def _unmoved(state: dict[str, Any], before: dict[str, np.ndarray]) -> list[str]:
    """The weights and biases that are bit by bit as they came."""
    weights = [name for name in before if name.endswith(("weight", "bias"))]
    return [name for name in weights if name in state and np.array_equal(state[name], before[name])]


def _moved_statistics(trials: Sequence[Evidence], untouched: Sequence[Any]) -> str:
    state, before = trials[0]["state"], untouched[0][0]
    means = (name for name in before if name.endswith("running_mean"))
    moved = [name for name in means if name in state and not np.allclose(state[name], before[name], atol=1e-7)]
    return moved[0].removesuffix(".running_mean") if moved else ""


def _losses_finding(trials: Sequence[Evidence], right: Sequence[Any], problems: Sequence[Any]) -> Finding:
    given = [trial["call"]["value"] for trial in trials]
    losses, shares = [end[1] for end in right], [end[2] for end in right]
    if all(_same_numbers(value, expected) for value, expected in zip(given, losses, strict=True)):
        return Finding("losses", True, "The loss before each step, step by step.", "", 1)
    longer = [end[1] for end in _variant(problems, {"extra": 1})]
    return Finding(*_losses_fault(given, losses, shares, longer), 1)


def _losses_fault(
    given: list[Any], losses: list[list[float]], shares: list[list[float]], longer: list[list[float]]
) -> tuple[str, bool, str, str]:
    def all_are(expected: list[Any]) -> bool:
        return all(_same_numbers(value, right) for value, right in zip(given, expected, strict=True))

    keep = "Append `loss.item()` to a list in each step, and return the list."
    if all(value is None for value in given):
        return "losses-missing", False, "The weights are right, but `fine_tune` returns nothing (None).", keep
    if all(isinstance(value, int | float) and same(value, run[-1]) for value, run in zip(given, losses, strict=True)):
        return "last-loss-only", False, "You return the last loss only; a curve needs all of them.", keep
    if all_are(shares):
        message = "You return accuracies on the training images; the exercise asks for the losses."
        return "accuracies", False, message, keep
    if all_are([run[1:] for run in longer]):
        message = "You return the loss after each step; the first one, before any step, is missing."
        return "losses-after", False, message, "Keep the loss that `backward()` was called on."
    if all_are(longer):
        message = "You return one loss more than there are steps."
        return "one-loss-more", False, message, "Keep one loss in each round of the loop."
    if all_are([np.cumsum(run).tolist() for run in losses]):
        return "losses-added-up", False, "You return running totals of the losses.", keep
    return "losses-differ", False, "What you return is not the list of losses, one for each step.", keep


def _same_numbers(value: Any, expected: Sequence[float]) -> bool:
    if isinstance(value, np.ndarray):
        value = value.ravel().tolist()
    return isinstance(value, list) and same(value, list(expected), absolute=1e-4)


# --- parameter_groups -----------------------------------------------------------------------------------------------

_GROUP_CASES = (((4, 6, 8), ""), ((5, 6, 7, 8, 9), ""), ((4, 5, 6, 7), "block1"))
"""Widths, and a child that comes frozen."""


def _rates(rng: np.random.Generator) -> list[tuple[float, float]]:
    return [(float(rng.uniform(0.01, 0.05)), float(rng.uniform(0.3, 0.7))) for _ in _GROUP_CASES]


def _collect_groups(answer: Any, rng: np.random.Generator) -> Evidence:
    from tlcourse.checks.small_network import small_network

    trials = []
    with undisturbed():
        for (widths, frozen), (rate, factor) in zip(_GROUP_CASES, _rates(rng), strict=True):
            network = small_network(rng, widths, 3)
            if frozen:
                network.get_submodule(frozen).requires_grad_(False)
            record, value = kept(answer, network, rate, factor)
            trials.append({"call": record, "groups": _described_groups(value, network)})
    return {"trials": trials}


def _described_groups(value: Any, network: nn.Module) -> Any:
    """Each group as the names of its parameters and its rate; None if it is no list of dicts."""
    names = {id(parameter): name for name, parameter in network.named_parameters()}
    groups = call(lambda: _opened(value, names)).get("value")
    return groups if isinstance(groups, list) else None


def _opened(value: Any, names: dict[int, str]) -> Any:
    from torch import Tensor

    groups = [] if isinstance(value, dict) else list(value)
    if not all(isinstance(group, dict) for group in groups):
        return None
    described = []
    for group in groups:
        params = group.get("params", [])
        if isinstance(params, Tensor) or not isinstance(params, Iterable):
            params = [params]
        described.append(
            {
                "keys": sorted(map(str, group)),
                "names": [names.get(id(p[1] if isinstance(p, tuple) else p), "?") for p in list(params)],
                "lr": group.get("lr"),
            }
        )
    return described


def _children(widths: Sequence[int]) -> list[str]:
    """The children with parameters, from the input to the output."""
    return ["stem", *(f"block{number}" for number in range(1, len(widths))), "head"]


def _rate_models() -> dict[str, Callable[[int, int, float, float], float]]:
    """The rate of the child at `depth` steps below the head, of `n` children; the first is right."""
    return {
        "right": lambda depth, n, rate, factor: rate * factor**depth,
        "order-reversed": lambda depth, n, rate, factor: rate * factor ** (n - 1 - depth),
        "same-rate": lambda depth, n, rate, factor: rate,
        "divided": lambda depth, n, rate, factor: rate / factor**depth,
        "head-not-rate": lambda depth, n, rate, factor: rate * factor ** (depth + 1),
        "counts-empty-children": lambda depth, n, rate, factor: rate * factor ** (depth + 2 * (depth > 0)),
        "two-rates-only": lambda depth, n, rate, factor: rate * factor if depth else rate,
        "not-a-power": lambda depth, n, rate, factor: rate * factor * depth if depth else rate,
        "subtracted": lambda depth, n, rate, factor: rate * (1 - factor * depth),
    }


_RATE_MESSAGES = {
    "order-reversed": (
        "The stem has the highest rate and the head the lowest: it is the other way round.",
        "Count from the head: give it `rate`, the block before it `rate * factor`.",
    ),
    "same-rate": (
        "Every group has the same rate: these are groups, but no discriminative rates.",
        "Multiply by `factor` once more for each child that you go down.",
    ),
    "divided": (
        "The rates grow from the head down to the stem: you divide by `factor`, which is below one.",
        "Multiply by `factor`.",
    ),
    "head-not-rate": (
        "The head has `rate * factor`; it should have `rate` itself, and every other child one factor more than it.",
        "Start counting at the head with the power 0.",
    ),
    "counts-empty-children": (
        "Between the head and the last block the rate falls by three factors: you count `pool` and `flatten`, which "
        "have no parameters.",
        "Leave out children without parameters before you count.",
    ),
    "two-rates-only": (
        "All children of the body share one rate; it should fall from each child to the one before.",
        "Use the power: `rate * factor ** steps_from_the_head`.",
    ),
    "not-a-power": (
        "The rates are `rate * factor * steps`, which grows with the distance from the head.",
        "Use the power: `rate * factor ** steps_from_the_head`.",
    ),
    "subtracted": (
        "The rates fall by equal amounts and become negative; they should fall by equal factors.",
        "Use the power: `rate * factor ** steps_from_the_head`.",
    ),
}


def _judge_groups(evidence: Evidence, rng: np.random.Generator) -> list[Finding]:
    trials = evidence["trials"]
    if fault := unusable("parameter_groups", [trial["call"] for trial in trials], 3):
        return [fault]
    rates = _rates(rng)
    for trial, case in zip(trials, _GROUP_CASES, strict=True):
        if fault := _shape_fault(trial["groups"]):
            return [fault]
        if fault := _members_fault(trial["groups"], *case):
            return [fault]
    members = Finding("members", True, "Every trainable parameter is in exactly one group.", "", 1)
    return [members, _rates_finding(trials, rates)]


def _shape_fault(groups: Any) -> Finding | None:
    if groups is None or not groups:
        message = "`parameter_groups` does not return a list of dicts, as an optimiser takes."
        step = 'Return one {"params": [...], "lr": ...} for each child that has parameters.'
        return Finding("no-list-of-dicts", False, message, step, 3)
    for group in groups:
        if "params" not in group["keys"] or "lr" not in group["keys"]:
            message = f"A group has the keys {', '.join(group['keys'])}; an optimiser reads `params` and `lr`."
            return Finding("wrong-keys", False, message, 'Write {"params": [...], "lr": ...}.', 3)
    return None


def _members_fault(groups: list[Evidence], widths: Sequence[int], frozen: str) -> Finding | None:
    """A finding if a parameter is not where it belongs."""
    code, message, step = _misplaced(groups, widths, frozen)
    return Finding(code, False, message, step, 3) if code else None


def _misplaced(groups: list[Evidence], widths: Sequence[int], frozen: str) -> tuple[str, str, str]:
    """(code, message, next step) of the first thing wrong with who is in which group; an empty code if nothing is."""
    from tlcourse.checks.small_network import SmallGlyphNet

    names = [name for group in groups for name in group["names"]]
    every = [name for name, _ in SmallGlyphNet(widths, 3).named_parameters()]
    wanted = [name for name in every if not frozen or not name.startswith(frozen)]
    missing = [name for name in wanted if name not in names]
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1 and name != "?"]
    if "?" in names:
        message = "A group holds something that is no parameter of the network, such as a layer, a name or a copy."
        return "not-parameters", message, "Take the tensors themselves: `list(child.parameters())`."
    if twice:
        message = f"{_some(twice)} {'are' if len(twice) > 1 else 'is'} in more than one group."
        return "in-two-groups", message, "Put each child in one group; an optimiser refuses a parameter that is in two."
    if extra := [name for name in names if name not in wanted]:
        message = f"{_some(extra)} came frozen, and must be in no group."
        return "frozen-included", message, "Take parameters with `requires_grad` only; leave out a group that has none."
    if not missing:
        return "", "", ""
    are = "are" if len(missing) > 1 else "is"
    if all(name.startswith("head") for name in missing):
        message = f"{_some(missing)} {are} in no group: the head would not train."
        return "head-missing", message, "Give the head a group of its own, at `rate`."
    if all(_of_batch_norm(name) for name in missing):
        message = f"{_some(missing)} {are} in no group: batch norm has weights too."
        return "batch-norm-missing", message, "Take all of `child.parameters()`, whatever the layer."
    message = f"{_some(missing)} {are} in no group."
    return "parameters-missing", message, "Go over `network.children()`, and take all of each child's parameters."


def _rates_finding(trials: Sequence[Evidence], rates: Sequence[tuple[float, float]]) -> Finding:
    given = [_rate_by_child(trial["groups"]) for trial in trials]
    for code, model in _rate_models().items():
        expected = [
            _modelled_rates(model, widths, frozen, *pair)
            for (widths, frozen), pair in zip(_GROUP_CASES, rates, strict=True)
        ]
        if all(g is not None and same(g, e, absolute=1e-9) for g, e in zip(given, expected, strict=True)):
            if code == "right":
                message = "The head has the full rate, and each child before it `factor` times its successor's."
                return Finding("rates", True, message, "", 2)
            message, step = _RATE_MESSAGES[code]
            return Finding(code, False, message, step, 2)
    uncounted = [
        _modelled_rates(_rate_models()["right"], *case, *pair, counts_frozen=False)
        for case, pair in zip(_GROUP_CASES, rates, strict=True)
    ]
    if all(g is not None and same(g, e, absolute=1e-9) for g, e in zip(given, uncounted, strict=True)):
        message = "With a frozen block, every child below it has a rate that is too high: you do not count that block."
        return Finding("frozen-not-counted", False, message, "Count first, then leave frozen parameters out.", 2)
    return _odd_rates(given, rates)


def _rate_by_child(groups: list[Evidence]) -> dict[str, float] | None:
    """The rate of each child; None if parts of one child have different rates, or a rate is no number."""
    found: dict[str, float] = {}
    for group in groups:
        rate = group["lr"]
        rate = rate.item() if isinstance(rate, np.ndarray) and rate.size == 1 else rate
        for name in group["names"]:
            child = name.split(".")[0]
            if not isinstance(rate, int | float) or not same(found.setdefault(child, rate), rate, absolute=1e-9):
                return None
    return found


def _modelled_rates(
    model: Callable[[int, int, float, float], float],
    widths: Sequence[int],
    frozen: str,
    rate: float,
    factor: float,
    *,
    counts_frozen: bool = True,
) -> dict[str, float]:
    children = [child for child in _children(widths) if counts_frozen or child != frozen]
    depths = dict(zip(reversed(children), count(), strict=False))
    return {child: model(depths[child], len(children), rate, factor) for child in children if child != frozen}


def _odd_rates(given: Sequence[Any], rates: Sequence[tuple[float, float]]) -> Finding:
    step = "Use `rate * factor ** steps_from_the_head`: the power 0 for the head, 1 for the block before it."
    if None in given:
        message = "Within one child the parameters have different rates, or a rate is no number."
        return Finding("uneven-child", False, message, "Make one group, with one rate, for each child.", 2)
    message = ""
    for found, case, (rate, factor) in zip(given, _GROUP_CASES, rates, strict=True):
        right = _modelled_rates(_rate_models()["right"], *case, rate, factor)
        wrong = [child for child in right if not same(found.get(child), right[child], absolute=1e-9)]
        if wrong:
            message = (
                f"With rate {rate:.4g} and factor {factor:.4g}, {wrong[-1]} has the rate {found[wrong[-1]]:.4g}; it "
                f"should have {right[wrong[-1]]:.4g}."
            )
            break
    return Finding("rates-differ", False, message, step, 2)


# --- early_stopping -------------------------------------------------------------------------------------------------


def _loss_curves(rng: np.random.Generator) -> list[tuple[Any, ...]]:
    """Curves with a dip late, a climb before it, a tie, and one that never stops; each with its patience."""

    def jitter(*losses: float) -> list[float]:
        return [round(float(loss + rng.uniform(0, 0.02)), 4) for loss in losses]

    def falling() -> list[float]:
        """A few epochs before the curve, each better than the last: the answer is not the same for everybody."""
        return [round(3.0 - 0.3 * epoch, 4) for epoch in range(int(rng.integers(0, 5)))]

    tie = round(float(rng.uniform(0.4, 0.5)), 4)
    return [
        # The lowest loss of all comes after patience has run out.
        (falling() + jitter(1.5, 1.2, 1.0, 1.1, 1.15, 1.2, 1.3, 0.5, 0.45, 0.6), 3),
        # Two bad epochs, a new best, two bad epochs, a new best: the counter must begin again each time.
        (jitter(1.5, 1.7, 1.65, 1.2, 1.4, 1.3, 0.9, 1.0, 1.1, 1.2, 0.3, 0.5), 3),
        # Better than the epoch before, but not than the best.
        (jitter(1.0, 0.6, 0.9, 0.85, 0.8, 0.4, 0.7), 3),
        # One bad epoch, then better: not yet a reason to stop.
        (jitter(1.0, 0.8, 0.9, 0.6, 0.5, 0.7, 0.75, 0.72, 0.3), 3),
        # Never stopped: the last epoch is not the best.
        (falling() + jitter(1.0, 0.8, 0.7, 0.6, 0.5, 0.53), 3),
        # A loss equal to the best is no improvement.
        ([0.9, tie, tie, 0.95, 0.2, 0.3], 2),
        # Exactly as many bad epochs as patience allows.
        (jitter(1.0, 0.5, 0.6, 0.3, 0.35), 2),
    ]


def _collect_stopping(answer: Any, rng: np.random.Generator) -> Evidence:
    return {"calls": each(answer, _loss_curves(rng))}


def _stopping(
    losses: Sequence[float],
    patience: int,
    *,
    late: int = 0,
    previous: bool = False,
    ties: bool = False,
    resets: bool = True,
    waited: int = 0,
) -> tuple[int, int]:
    """(epoch to keep, epoch at which training stops), or the same with a mistake."""
    best, bad = 0, waited
    for epoch, loss in enumerate(losses):
        better = loss <= losses[best] if ties else loss < losses[best]
        if epoch == 0:
            continue
        if better:
            best, bad = epoch, bad * (not resets)
        elif not (previous and loss < losses[epoch - 1]):
            bad += 1
        elif previous:
            bad = 0
        if bad >= patience + late:
            return best, epoch
    return best, len(losses) - 1


def _first_rise(losses: Sequence[float]) -> int:
    return next((e - 1 for e in range(1, len(losses)) if losses[e] >= losses[e - 1]), len(losses) - 1)


_EARLY_STOPPING = Question(
    code="epoch",
    right="The epoch with the lowest loss seen before patience ran out.",
    reference=lambda losses, patience: epoch_to_keep(losses, patience),
    points=2,
    names=("losses", "patience"),
    misconceptions=(
        Misconception(
            "looks-ahead",
            "You return the lowest loss of the whole list, also of epochs after training had stopped.",
            "Go through the epochs in order, and leave the loop once `patience` of them brought nothing.",
            lambda losses, patience: int(np.argmin(losses)),
        ),
        Misconception(
            "stop-epoch",
            "You return the epoch at which training stops. The weights to keep are older: those of the lowest loss.",
            "Remember the epoch of the lowest loss so far, and return that.",
            lambda losses, patience: _stopping(losses, patience)[1],
        ),
        Misconception(
            "last-epoch",
            "You return the last epoch.",
            "Remember the epoch of the lowest loss so far, and return that.",
            lambda losses, patience: len(losses) - 1,
        ),
        Misconception(
            "highest-loss",
            "You return the epoch of the highest loss: a loss is better when it is lower.",
            "Compare with <.",
            lambda losses, patience: int(np.argmax(losses)),
        ),
        Misconception(
            "first-rise",
            "You stop at the first epoch that is no better than the one before; `patience` is not used.",
            "Count epochs without a new lowest loss, and stop when the count reaches `patience`.",
            lambda losses, patience: _first_rise(losses),
        ),
        Misconception(
            "one-too-patient",
            "You wait one epoch longer than `patience`.",
            "Stop as soon as the count reaches `patience`: compare with >=.",
            lambda losses, patience: _stopping(losses, patience, late=1)[0],
        ),
        Misconception(
            "one-too-impatient",
            "You stop one epoch too soon.",
            "Start the count at 0, raise it by one at each epoch without a new lowest loss, stop when it reaches "
            "`patience`.",
            lambda losses, patience: _stopping(losses, patience, late=-1)[0],
        ),
        Misconception(
            "never-reset",
            "You count all bad epochs together: a new lowest loss must set the count back to 0.",
            "Where the loss is a new lowest, write `waited = 0` as well.",
            lambda losses, patience: _stopping(losses, patience, resets=False)[0],
        ),
        Misconception(
            "compares-with-previous",
            "You count an epoch as good if it beats the epoch before; it must beat the best so far.",
            "Compare each loss with the lowest so far.",
            lambda losses, patience: _stopping(losses, patience, previous=True)[0],
        ),
        Misconception(
            "first-epoch-counted",
            "You count epoch 0 as one without improvement, since it is no better than itself: you stop too soon.",
            "Let epoch 0 be the best to begin with and the count 0, and go on from epoch 1.",
            lambda losses, patience: _stopping(losses, patience, waited=1)[0],
        ),
        Misconception(
            "tie-is-better",
            "An epoch whose loss equals the lowest does not add to your count: a flat curve would never stop.",
            "Only a loss below the lowest is better (<, not <=); any other epoch adds one to the count.",
            lambda losses, patience: _stopping(losses, patience, ties=True)[0],
        ),
        Misconception(
            "counts-from-one",
            "You are one too high everywhere: the first epoch is number 0.",
            "Count epochs from 0, as `enumerate` does.",
            lambda losses, patience: _stopping(losses, patience)[0] + 1,
        ),
        Misconception(
            "loss-not-epoch",
            "You return the lowest loss itself; the exercise asks for its epoch.",
            "Remember the epoch beside the loss, and return the epoch.",
            lambda losses, patience: losses[_stopping(losses, patience)[0]],
        ),
    ),
)


def _judge_stopping(evidence: Evidence, rng: np.random.Generator) -> list[Finding]:
    calls = evidence["calls"]
    if fault := unusable("early_stopping", calls, 2):
        return [fault]
    silent = [record["value"] is None for record in calls]
    curves = _loss_curves(rng)
    never = [_stopping(*curve)[1] == len(curve[0]) - 1 for curve in curves]
    if any(silent) and all(n for n, s in zip(never, silent, strict=True) if s):
        message = "Where patience never runs out, your function returns nothing (None)."
        return [Finding("never-stops", False, message, "Return the best epoch after the loop as well.", 2)]
    return [judge_question(_EARLY_STOPPING, curves, calls)]


EXERCISES = (
    Exercise(
        id="freeze_body",
        title="Freeze a body, truly",
        lesson="03",
        points=3,
        minutes=8,
        difficulty=2,
        purpose="A frozen body that still moves is the quietest bug of transfer learning.",
        hints=(
            "Two different things move in a network during training: weights, by the optimiser, and batch norm's "
            "statistics, by the forward pass. Stop both.",
            "`requires_grad_` is a method of a module, and reaches every parameter in it. `eval()` is one as well. "
            "`network.body` holds all that is to freeze, and shares the layers with the network.",
            "Two lines: network.body.requires_grad_(False) and network.body.eval(). Not on `network`: the head trains.",
        ),
        collect=_collect_freeze,
        judge=_judge_freeze,
    ),
    Exercise(
        id="replace_head",
        title="Put on a new head",
        lesson="03",
        points=2,
        minutes=5,
        difficulty=1,
        purpose="The one change of architecture that nearly every transfer makes.",
        hints=(
            "How many numbers does the old head read for an image? The old head knows.",
            "`network.head.in_features` is that number. A new `nn.Linear` comes with random weights that train.",
            "network.head = nn.Linear(network.head.in_features, n_classes), and then return network.",
        ),
        collect=_collect_head,
        judge=_judge_head,
    ),
    Exercise(
        id="fine_tune",
        title="A fine-tuning loop",
        lesson="03",
        points=3,
        minutes=12,
        difficulty=2,
        purpose="Step 6 in your own hands: the loop behind every library's `fit`.",
        hints=(
            "Order matters: unfreeze, put batch norm to sleep, and only then make the optimiser.",
            "Each round: the loss of all images, `zero_grad()`, `backward()`, `step()`; keep `loss.item()`.",
            "network.requires_grad_(True); network.body.eval(); optimiser = torch.optim.SGD(network.parameters(), "
            "lr=head_rate / 10); then a loop over range(steps) with those four lines.",
        ),
        collect=_collect_tune,
        judge=_judge_tune,
    ),
    Exercise(
        id="parameter_groups",
        title="A rate for each layer",
        lesson="03",
        points=3,
        minutes=10,
        difficulty=3,
        purpose="Let the head run and the first layers walk.",
        hints=(
            "Which children of the network have anything to train? Only they count.",
            "Go through those children backwards with `enumerate`: the position is the power of `factor`.",
            "for power, params in enumerate(reversed(kept)): groups.append({'params': params, 'lr': rate * factor**power}), "
            "where `kept` has one list of parameters for each child; take those with requires_grad only, after counting.",
        ),
        collect=_collect_groups,
        judge=_judge_groups,
    ),
    Exercise(
        id="early_stopping",
        title="When to stop",
        lesson="03",
        points=2,
        minutes=8,
        difficulty=2,
        purpose="Keep the weights of the best epoch, without looking into the future.",
        hints=(
            "Keep two things while you go: the epoch of the lowest loss so far, and how many epochs have passed since.",
            "A new lowest loss sets the count back to 0; any other epoch raises it. When it reaches `patience`, leave.",
            "Begin with best, waited = 0, 0, and take the epochs from 1 on. if losses[epoch] < losses[best]: best, waited "
            "= epoch, 0; else: waited += 1; if waited >= patience: break. Return `best` after the loop.",
        ),
        collect=_collect_stopping,
        judge=_judge_stopping,
    ),
)
