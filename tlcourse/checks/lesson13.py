"""Exercises of lesson 13, modern-fine-tuning."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tlcourse.checks.collecting import call, kept, undisturbed
from tlcourse.checks.exercise import Evidence, Exercise, Finding
from tlcourse.checks.judging import Misconception, Question, judge_question, one_number, unusable

if TYPE_CHECKING:
    from torch import Tensor, nn

    from tlcourse.checks.small_network import SmallGlyphNet

# torch takes seconds to import, and the registry imports this module: what needs torch imports it when it runs.

Fault = tuple[str, str, str]
"""Code, message, next step."""


def _close(found: Any, right: Any, tolerance: float = 1e-4) -> bool:
    """Whether an array is another, to a part in ten thousand of its largest value."""
    if not isinstance(found, np.ndarray) or not isinstance(right, np.ndarray) or found.shape != right.shape:
        return False
    return bool(np.allclose(found, right, rtol=tolerance, atol=tolerance * max(1e-3, float(np.abs(right).max()))))


class _Case(str):
    """Arguments that a message shows by a name: a network has no short form."""

    arguments: tuple[Any, ...]


def _judged(
    question: Question, cases: Sequence[tuple[Any, ...]], calls: Sequence[Evidence], names: Sequence[str] = ()
) -> Finding:
    """`judge_question` for arguments that cannot be shown; `names` says what each case is."""
    named = [_Case(name) for name in names or [f"number {place}" for place in range(1, len(cases) + 1)]]
    for case, arguments in zip(named, cases, strict=True):
        case.arguments = arguments

    def of(model: Callable[..., Any]) -> Callable[..., Any]:
        return lambda case: model(*case.arguments)

    mistakes = tuple(replace(mistake, model=of(mistake.model)) for mistake in question.misconceptions)
    asked = replace(question, reference=of(question.reference), misconceptions=mistakes, names=("case",))
    return judge_question(asked, [(case,) for case in named], calls)


def _not_one_number(name: str, calls: Sequence[Evidence], points: float) -> Finding | None:
    """A finding where something else than one number was returned."""
    for record in calls:
        value = one_number(record["value"])
        if isinstance(value, bool) or not isinstance(value, int | float):
            shape = f" of shape {value.shape}" if isinstance(value, np.ndarray) else ""
            message = f"`{name}` must return one number; here it is {type(value).__name__}{shape}."
            return Finding("not-one-number", False, message, "Sum or average until one number is left.", points)
    return None


def _gradients(value: Any, leaves: Sequence[Any]) -> Evidence | None:
    """Gradients of a value at some tensors, zeros where none arrives; None if it has no gradient at all."""
    import torch

    if not isinstance(value, torch.Tensor) or not value.requires_grad:
        return None

    def at_leaves() -> list[Tensor]:
        found = torch.autograd.grad(value.sum(), leaves, allow_unused=True)
        return [torch.zeros_like(leaf) if g is None else g for g, leaf in zip(found, leaves, strict=True)]

    return call(at_leaves)


def _gradient_fault(runs: Sequence[Evidence], right: Sequence[Sequence[np.ndarray]], of: str) -> Fault | None:
    """What is wrong with the gradients of values that are right; `of` says at what they were taken."""
    if any(run["gradients"] is None for run in runs):
        message = "The value is right, but no gradient flows through it: an optimiser that adds it changes nothing."
        cure = "Compute it from tensors that need a gradient: no `.item()`, no `.detach()`, no `torch.no_grad()`."
        return "detached", message, cure
    if error := next((run["gradients"]["error"] for run in runs if "error" in run["gradients"]), None):
        message = f"The value is right, but the way back stopped with {error['type']}: {error['message']}."
        return "backward-raises", message, "Call `.backward()` on the value in a new cell and read the error there."
    for run, wanted in zip(runs, right, strict=True):
        if not all(_close(found, g, 1e-3) for found, g in zip(run["gradients"]["value"], wanted, strict=True)):
            message = f"The value is right, but its gradient at {of} is not."
            return "gradient", message, "Compute the value in torch alone, with nothing detached."
    return None


# --- lora_layer -----------------------------------------------------------------------------------------------------

_LORA_POINTS = 3.0
_LAYERS = ((7, 5, 2), (4, 9, 3), (11, 6, 1))
"""(inputs, outputs, rank) of each trial; no two of the three are equal, so that shapes tell A from B."""


def _lora_case(rng: np.random.Generator, inputs: int, outputs: int, rank: int) -> dict[str, Any]:
    """Weights, an update and inputs of one trial."""

    def drawn(*shape: int) -> np.ndarray:
        return rng.normal(0, 1, shape).astype(np.float32)

    case = {"weight": drawn(outputs, inputs), "bias": drawn(outputs), "x": drawn(6, inputs), "rank": rank}
    return case | {"a": drawn(rank, inputs), "b": drawn(outputs, rank), "alpha": float(2 * rank + rng.integers(1, 6))}


def _collect_lora(answer: Any, rng: np.random.Generator) -> Evidence:
    trials: list[Evidence] = []
    with undisturbed():
        for size in _LAYERS:
            case = _lora_case(rng, *size)
            if not trials or "filled" in trials[-1]:  # what is no LoRA layer once is asked no more
                trials.append(_lora_trial(answer, case))
    return {"trials": trials}


def _lora_trial(answer: Any, case: dict[str, Any]) -> Evidence:
    """The layer as it comes, then with an update of the trial's own written into it, then merged."""
    import torch
    from torch import nn

    x, linear = torch.from_numpy(case["x"]), nn.Linear(case["weight"].shape[1], len(case["bias"]))
    _write(linear.weight, case["weight"])
    _write(linear.bias, case["bias"])
    record, layer = kept(answer, linear, case["rank"], case["alpha"])
    trial: Evidence = {"call": record, "module": isinstance(layer, nn.Module)}
    if not trial["module"]:
        return trial
    free = [p for p in layer.parameters() if p.requires_grad]
    own = [p is linear.weight or p is linear.bias for p in free]
    trial |= {"start": call(layer, x), "shapes": [list(p.shape) for p in free], "of_base": own}
    update = _update_of([p for p, of_base in zip(free, own, strict=True) if not of_base], case)
    if "error" in trial["start"] or update is None:
        return trial
    trial["zeros"] = [not bool(p.any()) for p in update]
    for parameter, name in zip(update, ("a", "b"), strict=True):
        _write(parameter, case[name])
    trial |= {"filled": call(layer, x), "gradients": _gradients(_quietly(layer, x), update)}
    merging, merged = kept(lambda: layer.merged())
    trial |= {"merging": merging, "plain": type(merged) is nn.Linear}
    return trial | {"merged": call(merged, x), "after": call(layer, x)}


def _quietly(layer: nn.Module, x: Tensor) -> Any:
    """The sum of squares of a layer's outputs; None where it raises."""
    return kept(lambda: layer(x).square().sum())[1]


def _write(parameter: Tensor, value: np.ndarray) -> None:
    """Set a parameter, whichever way round it is kept."""
    import torch

    fitting = value if tuple(parameter.shape) == value.shape else value.T
    with torch.no_grad():
        parameter.copy_(torch.from_numpy(np.ascontiguousarray(fitting)))


def _update_of(parameters: Sequence[Tensor], case: dict[str, Any]) -> list[Tensor] | None:
    """A and B among the parameters, each in either orientation; None if these are not the two."""
    wanted = [set(case[name].shape) for name in ("a", "b")]
    found = [next((p for p in parameters if p.ndim == 2 and set(p.shape) == shape), None) for shape in wanted]
    return [p for p in found if p is not None] if len(parameters) == 2 and all(p is not None for p in found) else None


_Update = Callable[[dict[str, Any]], np.ndarray]


def _layer_output(case: dict[str, Any], update: _Update) -> np.ndarray:
    x, weight = np.asarray(case["x"], np.float64), np.asarray(case["weight"], np.float64)
    return x @ weight.T + case["bias"] + update(case)


def _low_rank(case: dict[str, Any]) -> np.ndarray:
    return np.asarray(case["x"], np.float64) @ case["a"].T @ case["b"].T


def _scaled(scale: Callable[[float, int], float]) -> _Update:
    return lambda case: scale(case["alpha"], case["rank"]) * _low_rank(case)


def _outputs(update: _Update) -> Callable[..., np.ndarray]:
    return lambda case: _layer_output(case, update)


_RIGHT_UPDATE = _scaled(lambda alpha, rank: alpha / rank)

_LORA_OUTPUTS = Question(
    code="lora-outputs",
    right="It starts as the frozen layer, and the update counts alpha / rank times.",
    reference=_outputs(_RIGHT_UPDATE),
    points=2,
    agree=_close,
    misconceptions=(
        Misconception(
            "scale-missing",
            "The update is added as it is: the factor alpha / rank is missing, and each rank would need a learning rate "
            "of its own.",
            "Multiply B A x by `alpha / rank`.",
            _outputs(_scaled(lambda alpha, rank: 1)),
        ),
        Misconception(
            "not-divided-by-rank",
            "The update is multiplied by alpha, but not divided by the rank.",
            "The factor is `alpha / rank`.",
            _outputs(_scaled(lambda alpha, rank: alpha)),
        ),
        Misconception(
            "scale-upside-down",
            "The factor is upside down: rank / alpha.",
            "The factor is `alpha / rank`.",
            _outputs(_scaled(lambda alpha, rank: rank / alpha)),
        ),
        Misconception(
            "root-of-rank",
            "You divide by the root of the rank. That is another method (rsLoRA); here it is the rank itself.",
            "The factor is `alpha / rank`.",
            _outputs(_scaled(lambda alpha, rank: alpha / rank**0.5)),
        ),
        Misconception(
            "relu-between",
            "A ReLU stands between A and B: that is an adapter, and it cannot be merged into one matrix.",
            "Leave the activation out: the update is linear.",
            _outputs(lambda c: c["alpha"] / c["rank"] * np.maximum(c["x"] @ c["a"].T, 0) @ c["b"].T),
        ),
        Misconception(
            "base-missing",
            "With the update written in, the layer gives the update alone; the frozen layer's output is missing.",
            "Return `linear(x) + alpha / rank * ...`.",
            lambda c: _RIGHT_UPDATE(c),
        ),
        Misconception(
            "update-not-used",
            "A and B are there, but the output does not depend on them.",
            "Add `alpha / rank * B(A(x))` to the frozen layer's output.",
            _outputs(lambda c: np.zeros(1)),
        ),
    ),
)


def _judge_lora(evidence: Evidence, rng: np.random.Generator) -> list[Finding]:
    trials, cases = evidence["trials"], [_lora_case(rng, *size) for size in _LAYERS]
    if fault := unusable("lora_layer", [trials[0]["call"]], _LORA_POINTS):
        return [fault]
    cases = cases[: len(trials)]
    made = next(filter(None, (_lora_made(*both) for both in zip(trials, cases, strict=True))), None)
    if made:
        return [Finding(made[0], False, *made[1:], _LORA_POINTS)]
    filled = [{"value": trial["filled"].get("value")} for trial in trials]
    outputs = _judged(_LORA_OUTPUTS, [(case,) for case in cases], filled)
    if not outputs.passed:
        if outputs.code == "lora-outputs-differs":
            message = "With known matrices written into A and B, the outputs are not W x + b + (alpha / rank) B A x."
            cure = "Compute them by hand for `rank=1`, with A and B all ones."
            outputs = Finding(outputs.code, False, message, cure, _LORA_POINTS)
        return [Finding(outputs.code, False, outputs.message, outputs.next_step, _LORA_POINTS)]
    fault_ = next(filter(None, (_lora_merged(*both) for both in zip(trials, cases, strict=True))), None)
    merged = Finding("merged", True, "Merged, it is one plain layer with the same outputs.", "", 1)
    return [outputs, Finding(fault_[0], False, *fault_[1:], 1) if fault_ else merged]


def _lora_made(trial: Evidence, case: dict[str, Any]) -> Fault | None:
    """What is wrong with the layer as it comes."""
    if not trial["module"]:
        message = "What `lora_layer` returns is no `nn.Module`, so it cannot stand in a network."
        return "not-a-module", message, "Define a class that inherits from `nn.Module`, and return an instance of it."
    if error := trial["start"].get("error"):
        message = f"The layer stopped with {error['type']} on inputs of shape {case['x'].shape}: {error['message']}."
        return "forward-raises", message, "A maps the inputs to `rank` numbers, B maps these to the outputs."
    if any(trial["of_base"]):
        matrices = (
            of_base and len(shape) == 2 for of_base, shape in zip(trial["of_base"], trial["shapes"], strict=True)
        )
        what = "weight" if any(matrices) else "bias"
        message = f"The given layer's {what} still asks for a gradient: nothing is saved, and the source is lost."
        return "base-not-frozen", message, "Call `linear.requires_grad_(False)`: its weight and its bias."
    return _wrong_parameters(trial, case) or _wrong_start(trial, case)


def _wrong_parameters(trial: Evidence, case: dict[str, Any]) -> Fault | None:
    shapes, (outputs, inputs), rank = trial["shapes"], case["weight"].shape, case["rank"]
    if not shapes:
        message = "The layer has no trainable parameter: an optimiser would find nothing to train."
        cure = "Make A and B in `__init__`, as `nn.Linear(..., bias=False)` or `nn.Parameter`, and freeze the given layer only."
        return "nothing-trains", message, cure
    if "filled" in trial:
        return None
    if any(sorted(shape) == sorted((outputs, inputs)) for shape in shapes):
        message = f"The update has a full matrix of {outputs} x {inputs} numbers to train, as many as the layer itself."
        return "full-matrix", message, f"Train two thin ones: A of {rank} x {inputs}, B of {outputs} x {rank}."
    if len(shapes) > 2 and any(len(shape) == 1 for shape in shapes):
        message = f"The update has a bias of its own; A and B should be all that trains, but here it is {shapes}."
        return "update-has-bias", message, "Make its layers with `bias=False`."
    message = f"What trains has the shapes {shapes}; it should be A of {rank} x {inputs} and B of {outputs} x {rank}."
    return (
        "wrong-shapes",
        message,
        "`nn.Linear(inputs, rank, bias=False)`, then `nn.Linear(rank, outputs, bias=False)`.",
    )


def _wrong_start(trial: Evidence, case: dict[str, Any]) -> Fault | None:
    start, right = trial["start"].get("value"), _layer_output(case, lambda case: np.zeros(1))
    if all(trial["zeros"]):
        message = "A and B are both zero: the gradient of each is zero as long as the other is, so nothing ever learns."
        return "both-zero", message, "Start B at zero and draw A at random."
    if _close(start, np.zeros_like(right)):
        message = "At the start the layer gives zeros: the frozen layer's own output is missing."
        return "base-missing", message, "Return `linear(x)` plus the update."
    if not any(trial["zeros"]) and not _close(start, right):
        message = (
            "At the start the layer's output is not the frozen layer's: A and B are both random, and the source's "
        )
        message += "function is lost before training begins."
        return "random-start", message, "Set B to zero: `nn.init.zeros_(...)`."
    if not _close(start, right):
        message = "At the start, with an update of zero, the output is not the frozen layer's."
        return "start-differs", message, "Return `linear(x)` plus the update, and leave the given weights as they are."
    return None


def _lora_merged(trial: Evidence, case: dict[str, Any]) -> Fault | None:
    """What is wrong with `merged`."""
    right, base = _layer_output(case, _RIGHT_UPDATE), _layer_output(case, lambda case: np.zeros(1))
    if trial["gradients"] is None or not all(np.any(g) for g in trial["gradients"].get("value", [0])):
        message = "No gradient reaches A or B, so neither would learn."
        return "update-detached", message, "Leave out `.detach()` and `torch.no_grad()` in `forward`."
    if error := trial["merging"].get("error"):
        if error["type"] == "AttributeError" and "merged" in error["message"]:
            return (
                "no-merged",
                "The layer has no method `merged`.",
                "Add `def merged(self):`; it returns an `nn.Linear`.",
            )
        message = f"`merged()` stopped with {error['type']}: {error['message']}."
        return (
            "merged-raises",
            message,
            "The update's matrix is `alpha / rank * B @ A`, of the shape of `linear.weight`.",
        )
    if not trial["plain"]:
        message = "`merged()` does not return a plain `nn.Linear`."
        return (
            "merged-not-linear",
            message,
            "Make a new `nn.Linear` of the same size, and copy weight and bias into it.",
        )
    if not _close(trial["after"].get("value"), right):
        message = (
            "After `merged()` the LoRA layer itself computes something else: the update was added into its own weight, "
        )
        message += "and now counts twice."
        return "merged-changes-layer", message, "Copy the layer first (`copy.deepcopy(linear)`), and add to the copy."
    return _merged_fault(trial["merged"].get("value"), case, right, base)


def _merged_fault(found: Any, case: dict[str, Any], right: np.ndarray, base: np.ndarray) -> Fault | None:
    if _close(found, right):
        return None
    cure = "Its weight is `linear.weight + alpha / rank * B @ A`, its bias the frozen layer's."
    mistakes = {
        "merged-without-update": ("The merged layer is the frozen one: the update is not in it.", base),
        "merged-without-bias": ("The merged layer lacks the frozen layer's bias.", right - case["bias"]),
        "merged-unscaled": ("The merged layer has the update without alpha / rank.", base + _low_rank(case)),
        "merged-update-alone": ("The merged layer holds the update alone.", right - base + case["bias"]),
    }
    for code, (message, outputs) in mistakes.items():
        if _close(found, outputs):
            return code, message, cure
    return "merged-differs", "The merged layer's outputs are not those of the LoRA layer.", cure


# --- l2_sp_penalty --------------------------------------------------------------------------------------------------

_L2_POINTS = 2.0
_L2_NETWORKS = (((3, 4), 3), ((4, 3, 5), 2))


def _l2_cases(rng: np.random.Generator) -> list[tuple[SmallGlyphNet, dict[str, Tensor], float, float]]:
    """A network, the state that it started from, and the two strengths."""
    from tlcourse.checks.small_network import small_network

    cases = []
    for widths, n_classes in _L2_NETWORKS:
        network, start = (small_network(rng, widths, n_classes) for _ in range(2))
        alpha, beta = (float(np.round(rng.uniform(*ends), 3)) for ends in ((0.4, 0.9), (0.05, 0.2)))
        state = start.state_dict()
        for name, tensor in state.items():
            if name.endswith("num_batches_tracked"):
                tensor.fill_(int(rng.integers(5, 40)))
        cases.append((network, state, alpha, beta))
    return cases


def _collect_l2(answer: Any, rng: np.random.Generator) -> Evidence:
    runs = []
    with undisturbed():
        for network, start, alpha, beta in _l2_cases(rng):
            # The start is read before the answer may change it; so is the network.
            record, value = kept(answer, network, start, alpha, beta)
            runs.append({"call": record, "gradients": _gradients(value, list(network.parameters()))})
    return {"runs": runs}


def _numbers(tensor: Tensor) -> np.ndarray:
    return tensor.detach().double().numpy()


def _parts(network: SmallGlyphNet, start: dict[str, Tensor]) -> dict[str, list[tuple[np.ndarray, np.ndarray]]]:
    """(now, at the start) of every tensor, by kind."""
    parts: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {"body": [], "head": [], "buffers": [], "norms": []}
    for name, value in network.named_parameters():
        pair = _numbers(value), _numbers(start[name])
        parts["head" if name.startswith("head") else "body"].append(pair)
        if value.ndim == 1 and not name.startswith("head"):
            parts["norms"].append(pair)
    parts["buffers"] = [(_numbers(value), _numbers(start[name])) for name, value in network.named_buffers()]
    return parts


def _moved(pairs: Sequence[tuple[np.ndarray, np.ndarray]]) -> float:
    return sum(float(np.square(now - then).sum()) for now, then in pairs)


def _length(pairs: Sequence[tuple[np.ndarray, np.ndarray]]) -> float:
    return sum(float(np.square(now).sum()) for now, _ in pairs)


_Parts = dict[str, list[tuple[np.ndarray, np.ndarray]]]


def _of_parts(change: Callable[[_Parts, float, float], float]) -> Callable[..., float]:
    """A model that computes something from the parts of the network and the two strengths."""
    return lambda network, start, alpha, beta: change(_parts(network, start), alpha, beta)


def _l2_right(p: _Parts, alpha: float, beta: float) -> float:
    return alpha / 2 * _moved(p["body"]) + beta / 2 * _length(p["head"])


def _mean_of_squares(pairs: Sequence[tuple[np.ndarray, np.ndarray]], of_moves: bool) -> float:
    return sum(float(np.square(now - then * of_moves).mean()) for now, then in pairs)


_L2_SP = Question(
    code="l2-sp",
    right="The body is held to its start, the new head to zero.",
    reference=_of_parts(_l2_right),
    points=_L2_POINTS,
    part=one_number,
    misconceptions=(
        Misconception(
            "towards-zero",
            "The body is pulled towards zero: that is plain weight decay, and it forgets the source.",
            "Subtract the start from each weight of the body before you square it.",
            _of_parts(lambda p, a, b: a / 2 * _length(p["body"]) + b / 2 * _length(p["head"])),
        ),
        Misconception(
            "head-included",
            "The head is held to its start as well. Its start was random: nothing there is worth keeping.",
            "Leave the parameters whose name begins with `head` out of the first sum.",
            _of_parts(lambda p, a, b: a / 2 * _moved(p["body"] + p["head"]) + b / 2 * _length(p["head"])),
        ),
        Misconception(
            "head-to-its-start",
            "The head is held to its random start; it should be held to zero.",
            "The second sum is of the head's own squares, with nothing subtracted.",
            _of_parts(lambda p, a, b: a / 2 * _moved(p["body"]) + b / 2 * _moved(p["head"])),
        ),
        Misconception(
            "head-to-its-start",
            "The head is held to its random start; it should be held to zero.",
            "The second sum is of the head's own squares, with nothing subtracted.",
            _of_parts(lambda p, a, b: a / 2 * _moved(p["body"] + p["head"])),
        ),
        Misconception(
            "head-forgotten",
            "The second part is missing: nothing keeps the head small.",
            "Add beta / 2 times the sum of the head's squares.",
            _of_parts(lambda p, a, b: a / 2 * _moved(p["body"])),
        ),
        Misconception(
            "buffers-included",
            "Buffers take part: batch norm's running statistics are no weights, and no gradient moves them.",
            "Loop over `network.named_parameters()`, not over `state_dict()`.",
            _of_parts(lambda p, a, b: a / 2 * _moved(p["body"] + p["buffers"]) + b / 2 * _length(p["head"])),
        ),
        Misconception(
            "body-alone",
            "Weights of batch norm are left out of the body.",
            "Take every parameter whose name does not begin with `head`, batch norm's too.",
            _of_parts(
                lambda p, a, b: a / 2 * (_moved(p["body"]) - _moved(p["norms"])) + b / 2 * _length(p["head"]),
            ),
        ),
        Misconception(
            "strengths-exchanged",
            "Alpha and beta are exchanged.",
            "Alpha holds the body, beta the head.",
            _of_parts(lambda p, a, b: _l2_right(p, b, a)),
        ),
        Misconception(
            "halves-missing",
            "The halves are missing: this is twice the penalty.",
            "Multiply by alpha / 2 and by beta / 2.",
            _of_parts(lambda p, a, b: 2 * _l2_right(p, a, b)),
        ),
        Misconception(
            "not-squared",
            "These are lengths, not squared lengths: near the start the pull would not fade.",
            "Sum the squares, and take no root.",
            _of_parts(lambda p, a, b: a / 2 * _moved(p["body"]) ** 0.5 + b / 2 * _length(p["head"]) ** 0.5),
        ),
        Misconception(
            "not-squared",
            "These are lengths, not squared lengths: near the start the pull would not fade.",
            "Sum the squares, and take no root.",
            _of_parts(
                lambda p, a, b: (
                    a / 2 * sum(_moved([pair]) ** 0.5 for pair in p["body"])
                    + b / 2 * sum(_length([pair]) ** 0.5 for pair in p["head"])
                )
            ),
        ),
        Misconception(
            "means-for-sums",
            "Each tensor's squares are averaged, not summed: a large layer would be held no more than a small one.",
            "Use `.sum()` in both parts.",
            _of_parts(
                lambda p, a, b: a / 2 * _mean_of_squares(p["body"], True) + b / 2 * _mean_of_squares(p["head"], False)
            ),
        ),
        Misconception(
            "differences-summed",
            "The differences are summed before they are squared: moves up and down cancel.",
            "Square each difference first, then sum.",
            _of_parts(
                lambda p, a, b: (
                    a / 2 * sum(float((now - then).sum()) ** 2 for now, then in p["body"])
                    + b / 2 * sum(float(now.sum()) ** 2 for now, _ in p["head"])
                )
            ),
        ),
        Misconception(
            "sign",
            "The sign is wrong: the farther from the start, the better the loss.",
            "Add the squares; the penalty is never negative.",
            _of_parts(lambda p, a, b: -_l2_right(p, a, b)),
        ),
    ),
)


def _judge_l2(evidence: Evidence, rng: np.random.Generator) -> list[Finding]:
    runs, cases = evidence["runs"], _l2_cases(rng)
    calls = [run["call"] for run in runs]
    fault = unusable("l2_sp_penalty", calls, _L2_POINTS) or _not_one_number("l2_sp_penalty", calls, _L2_POINTS)
    if fault:
        return [fault]
    value = _judged(_L2_SP, cases, calls)
    if value.code == "l2-sp-differs":
        found, right = calls[0]["value"], _L2_SP.reference(*cases[0])
        message = f"The penalty of the first network is {one_number(found):.5g}; it should be {right:.5g}."
        return [Finding(value.code, False, message, "Print both sums for a network of one layer, and compare.", 2)]
    if not value.passed:
        return [value]
    wrong = _gradient_fault(runs, [_l2_gradients(*case) for case in cases], "the weights")
    return [Finding(wrong[0], False, *wrong[1:], _L2_POINTS) if wrong else value]


def _l2_gradients(network: SmallGlyphNet, start: dict[str, Tensor], alpha: float, beta: float) -> list[np.ndarray]:
    return [
        beta * _numbers(value) if name.startswith("head") else alpha * (_numbers(value) - _numbers(start[name]))
        for name, value in network.named_parameters()
    ]


# --- interpolate_weights --------------------------------------------------------------------------------------------

_MIX_POINTS = 2.0
_COUNTER = "num_batches_tracked"


def _mix_cases(rng: np.random.Generator) -> list[tuple[dict[str, Tensor], dict[str, Tensor], float]]:
    """Two states of one network, and the end's share: never a half, which would hide the direction."""
    from tlcourse.checks.small_network import small_network

    cases = []
    for widths, ends in (((3, 4), (0.1, 0.35)), ((2, 3, 4), (0.65, 0.9))):
        states = [small_network(rng, widths, 3).state_dict() for _ in range(2)]
        for state, most in zip(states, (40, 90), strict=True):
            for name, tensor in state.items():
                if name.endswith(_COUNTER):
                    tensor.fill_(int(rng.integers(most - 30, most)) * 2 + 1)
        cases.append((states[0], states[1], float(np.round(rng.uniform(*ends), 3))))
    return cases


def _collect_mix(answer: Any, rng: np.random.Generator) -> Evidence:
    import torch

    runs = []
    with undisturbed():
        for start, end, share in _mix_cases(rng):
            before = [{name: tensor.clone() for name, tensor in state.items()} for state in (start, end)]
            record, mixed = kept(answer, start, end, share)
            run: Evidence = {"call": record, "changed": [], "kinds": {}}
            for which, state, was in zip(("start", "end"), (start, end), before, strict=True):
                same = state.keys() == was.keys() and all(torch.equal(state[name], was[name]) for name in was)
                run["changed"] += [] if same else [which]
            if isinstance(mixed, dict):
                run["kinds"] = {
                    str(name): str(getattr(tensor, "dtype", type(tensor).__name__)) for name, tensor in mixed.items()
                }
            runs.append(run)
    return {"runs": runs}


_Mix = Callable[[str, np.ndarray, np.ndarray, float], np.ndarray | None]


def _mixed(rule: _Mix) -> Callable[..., dict[str, Any]]:
    """A model that mixes the floating tensors by a rule; None leaves a tensor out."""

    def model(start: dict[str, Tensor], end: dict[str, Tensor], share: float) -> dict[str, Any]:
        pairs = {n: (_numbers(start[n]), _numbers(end[n])) for n in start if not n.endswith(_COUNTER)}
        found = {name: rule(name, *pair, share) for name, pair in pairs.items()}
        return {name: value for name, value in found.items() if value is not None}

    return model


def _floats(value: Any) -> Any:
    """What was returned, without the counters."""
    if not isinstance(value, dict) or set(value) == {"type"}:
        return value
    return {name: tensor for name, tensor in value.items() if not name.endswith(_COUNTER)}


def _same_states(found: Any, right: dict[str, np.ndarray]) -> bool:
    return (
        isinstance(found, dict)
        and found.keys() == right.keys()
        and all(isinstance(found[n], np.ndarray) and _close(found[n], right[n]) for n in right)
    )


def _between(start: np.ndarray, end: np.ndarray, share: float) -> np.ndarray:
    return (1 - share) * start + share * end


def _is_statistic(name: str) -> bool:
    return "running_" in name


_MIX = Question(
    code="interpolation",
    right="Every floating tensor lies between the two, the running statistics too, at the end's share.",
    reference=_mixed(lambda name, start, end, share: _between(start, end, share)),
    points=_MIX_POINTS,
    part=_floats,
    agree=_same_states,
    misconceptions=(
        Misconception(
            "direction",
            "The direction is turned round: a share of 0 gives the end, and 1 the start.",
            "`(1 - share) * start + share * end`.",
            _mixed(lambda name, start, end, share: _between(end, start, share)),
        ),
        Misconception(
            "statistics-left-out",
            "The running statistics of batch norm are missing: `load_state_dict` would refuse this.",
            "Go through all names of the state dict, not only those of parameters.",
            _mixed(lambda n, start, end, share: None if _is_statistic(n) else _between(start, end, share)),
        ),
        Misconception(
            "statistics-of-start",
            "The running statistics of batch norm are the start's; they should be between the two, as the weights are.",
            "Treat every floating tensor alike.",
            _mixed(lambda n, start, end, share: start if _is_statistic(n) else _between(start, end, share)),
        ),
        Misconception(
            "statistics-of-end",
            "The running statistics of batch norm are the end's; they should be between the two, as the weights are.",
            "Treat every floating tensor alike.",
            _mixed(lambda n, start, end, share: end if _is_statistic(n) else _between(start, end, share)),
        ),
        Misconception(
            "head-not-mixed",
            "The head is the end's own: with it half-way features meet a head that was fitted to others.",
            "Treat the head as every other tensor.",
            _mixed(lambda n, start, end, share: end if n.startswith("head") else _between(start, end, share)),
        ),
        Misconception(
            "start-in-full",
            "The start counts in full and the end is added: the weights grow.",
            "`(1 - share) * start + share * end`: the two shares add up to 1.",
            _mixed(lambda name, start, end, share: start + share * end),
        ),
        Misconception(
            "always-half",
            "The share plays no part: this is the mean of the two.",
            "Use `share` as the weight of the end.",
            _mixed(lambda name, start, end, share: (start + end) / 2),
        ),
        Misconception(
            "difference-alone",
            "You return the way from start to end, times the share, without the start.",
            "Add it to the start: `start + share * (end - start)`.",
            _mixed(lambda name, start, end, share: share * (end - start)),
        ),
        Misconception(
            "backwards",
            "The difference has the wrong sign: the weights move away from the end.",
            "`start + share * (end - start)`.",
            _mixed(lambda name, start, end, share: start + share * (start - end)),
        ),
    ),
)


def _judge_mix(evidence: Evidence, rng: np.random.Generator) -> list[Finding]:
    runs, cases = evidence["runs"], _mix_cases(rng)
    calls = [run["call"] for run in runs]
    if fault := unusable("interpolate_weights", calls, _MIX_POINTS):
        return [fault]
    code, message, cure = _mix_form(runs, cases) or ("", "", "")
    if code:
        return [Finding(code, False, message, cure, _MIX_POINTS)]
    values = _judged(_MIX, cases, calls)
    if values.code == "interpolation-differs":
        name, place = _first_wrong(calls, cases)
        message = f"`{name}` of the {place} pair is not between the two at that share."
        cure = "`(1 - share) * start[name] + share * end[name]` for each floating tensor."
        return [Finding(values.code, False, message, cure, _MIX_POINTS)]
    if not values.passed:
        return [values]
    fault_ = _counter_fault(runs, cases)
    return [Finding(fault_[0], False, *fault_[1:], _MIX_POINTS) if fault_ else values]


def _mix_form(runs: Sequence[Evidence], cases: Sequence[tuple[Any, ...]]) -> Fault | None:
    """What is wrong before any value is looked at."""
    if not all(run["kinds"] for run in runs):
        message = "What you return is no dict of tensors."
        return "not-a-dict", message, "Return `{name: tensor}` with the names of the state dicts."
    if changed := next((run["changed"] for run in runs if run["changed"]), None):
        message = f"The {' and the '.join(changed)} came back changed: who called you has lost the network."
        cure = "Make new tensors: no `+=`, no `.mul_()`, no `lerp_`, and no writing into the dict that you were given."
        return "inputs-changed", message, cure
    for run, (start, *_) in zip(runs, cases, strict=True):
        if extra := sorted(set(run["kinds"]) - set(start)):
            return "unknown-names", f"There is no `{extra[0]}` in the start.", "Use the names as they come."
    return None


def _first_wrong(calls: Sequence[Evidence], cases: Sequence[tuple[Any, ...]]) -> tuple[str, str]:
    for place, record, case in zip(("first", "second"), calls, cases, strict=True):
        for name, right in _MIX.reference(*case).items():
            if not _close(record["value"].get(name, []), right):
                return name, place
    return "a tensor", "first"


def _counter_fault(runs: Sequence[Evidence], cases: Sequence[tuple[Any, ...]]) -> Fault | None:
    """What is wrong with what counts in whole numbers."""
    for run, (start, end, _) in zip(runs, cases, strict=True):
        names = [name for name in start if name.endswith(_COUNTER)]
        if missing := next((name for name in names if name not in run["kinds"]), None):
            message = f"`{missing}` is missing: `load_state_dict` would refuse this."
            return "counters-left-out", message, "Take what is not floating from `end`, as it is."
        if mixed := next((name for name in names if "int" not in run["kinds"][name]), None):
            message = f"`{mixed}` counts batches and was mixed into a fraction ({run['kinds'][mixed]})."
            return (
                "counters-mixed",
                message,
                "Ask `tensor.is_floating_point()`; take the others from `end`, as they are.",
            )
        found = [int(one_number(run["call"]["value"][name])) for name in names]
        if found == [int(start[name]) for name in names]:
            return "counters-of-start", "The counters are the start's.", "Take what is not floating from `end`."
        if found != [int(end[name]) for name in names]:
            message = (
                f"`{names[0]}` is {found[0]}, where the end has {int(end[names[0]])}: a counter was mixed and cut."
            )
            return "counters-cut", message, "Ask `tensor.is_floating_point()`; take the others from `end`, as they are."
    return None


# --- count_trainable ------------------------------------------------------------------------------------------------


_COUNT_CASES = ("body frozen", "all free, in evaluation mode", "one weight in three places", "LoRA", "LoRA, merged")


def _count_cases(rng: np.random.Generator) -> list[tuple[nn.Module]]:
    """The networks that `_COUNT_CASES` names."""
    from torch import nn

    from tlcourse.checks.small_network import small_network
    from tlcourse.transfer import add_lora, merge_lora

    frozen = small_network(rng, (3, 5), int(rng.integers(4, 9)))
    frozen.body.requires_grad_(False)
    whole = small_network(rng, (2, int(rng.integers(3, 7))), int(rng.integers(3, 6))).eval()
    width = int(rng.integers(5, 9))
    shared = nn.Linear(width, width)
    twice = nn.Sequential(shared, nn.ReLU(), shared, nn.BatchNorm1d(width), nn.Linear(width, width))
    twice[4].weight = shared.weight  # another layer with the same weight
    twice[3].requires_grad_(False)
    lora = add_lora(small_network(rng, (3, 4), 3), int(rng.integers(1, 4)))
    merged = merge_lora(add_lora(small_network(rng, (3, 4), 5), 2))
    return [(network,) for network in (frozen, whole, twice, lora, merged)]


def _collect_count(answer: Any, rng: np.random.Generator) -> Evidence:
    with undisturbed():
        return {"calls": [call(answer, *case) for case in _count_cases(rng)]}


def _by_module(network: nn.Module, trainable: bool = True) -> int:
    """Every layer's own parameters, a shared one each time that it appears."""
    found, seen = 0, [network]
    while seen:
        module = seen.pop()
        seen.extend(child for child in module._modules.values() if child is not None)
        own = [p for p in module._parameters.values() if p is not None]
        found += sum(p.numel() for p in own if p.requires_grad or not trainable)
    return found


def _count(chosen: Callable[[Any], bool] = lambda p: p.requires_grad, size: Callable[[Any], int] | None = None) -> Any:
    return lambda network: sum(size(p) if size else p.numel() for p in network.parameters() if chosen(p))


_free = _count()

_COUNT = Question(
    code="trainable",
    right="What trains counts once; what is frozen or a buffer does not count.",
    reference=_free,
    points=1,
    part=one_number,
    misconceptions=(
        Misconception(
            "frozen-counted",
            "Frozen parameters count too.",
            "Ask each parameter for `requires_grad`.",
            _count(lambda p: True),
        ),
        Misconception(
            "buffers-counted",
            "You count the state dict: it holds frozen parameters, running statistics and counters as well.",
            "Go through `network.parameters()`, and ask for `requires_grad`.",
            lambda network: sum(t.numel() for t in network.state_dict().values()),
        ),
        Misconception(
            "buffers-counted-too",
            "Buffers count too: running statistics and counters, which no optimiser touches.",
            "Leave `network.buffers()` out.",
            lambda network: _free(network) + sum(b.numel() for b in network.buffers()),
        ),
        Misconception(
            "shared-twice",
            "A parameter that two layers share counts twice; the optimiser has it once.",
            "`network.parameters()` gives each once: go through it, not through the layers.",
            _by_module,
        ),
        Misconception(
            "shared-twice-and-frozen",
            "A parameter that two layers share counts twice, and frozen ones count too.",
            "Go through `network.parameters()`, and ask for `requires_grad`.",
            lambda network: _by_module(network, trainable=False),
        ),
        Misconception(
            "tensors-counted",
            "You count tensors; each holds many numbers.",
            "Add up `parameter.numel()`.",
            _count(size=lambda p: 1),
        ),
        Misconception(
            "first-dimension",
            "`len(parameter)` is the number of rows.",
            "Use `parameter.numel()`.",
            _count(size=len),
        ),
        Misconception(
            "frozen-instead",
            "You count what is frozen.",
            "Turn the condition round.",
            _count(lambda p: not p.requires_grad),
        ),
        Misconception(
            "matrices-only",
            "Biases and the weights of batch norm are left out.",
            "Count every parameter that asks for a gradient, whatever its shape.",
            _count(lambda p: p.requires_grad and p.ndim > 1),
        ),
        Misconception(
            "by-training-mode",
            "You go by `training`. That is a mode: it says how dropout and batch norm compute, not what may change.",
            "Ask the parameter for `requires_grad`.",
            lambda network: sum(
                p.numel() for m in network.modules() if m.training for p in m.parameters(recurse=False)
            ),
        ),
        Misconception(
            "top-level-only",
            "Only parameters of the network itself count; its layers hold theirs.",
            "`network.parameters()` without `recurse=False` goes all the way down.",
            lambda network: sum(p.numel() for p in network.parameters(recurse=False)),
        ),
        Misconception(
            "bytes",
            "These are bytes, four for each number.",
            "Count numbers: `parameter.numel()`.",
            lambda network: 4 * _free(network),
        ),
    ),
)


def _judge_count(evidence: Evidence, rng: np.random.Generator) -> list[Finding]:
    calls = evidence["calls"]
    if fault := unusable("count_trainable", calls, 1) or _not_one_number("count_trainable", calls, 1):
        return [fault]
    cases = _count_cases(rng)
    finding = _judged(_COUNT, cases, calls, _COUNT_CASES)
    return [finding]


# --- distillation_loss ----------------------------------------------------------------------------------------------

_DISTIL_POINTS = 3.0


def _distil_cases(rng: np.random.Generator) -> list[tuple[Any, ...]]:
    """(student's logits, teacher's logits, labels, temperature, share of the teacher)."""
    cases = []
    for n, classes, ends in ((5, 3, (2.0, 3.0)), (4, 6, (3.5, 6.0))):
        student, teacher = (rng.normal(0, 2, (n, classes)).astype(np.float32) for _ in range(2))
        temperature, share = float(np.round(rng.uniform(*ends), 2)), float(np.round(rng.uniform(0.6, 0.8), 2))
        cases.append((student, teacher, rng.integers(0, classes, n), temperature, share))
    return cases


def _collect_distil(answer: Any, rng: np.random.Generator) -> Evidence:
    import torch

    runs = []
    with undisturbed():
        for student, teacher, labels, temperature, share in _distil_cases(rng):
            leaves = [torch.from_numpy(logits).requires_grad_() for logits in (student, teacher)]
            inputs = [leaf.clone() for leaf in leaves]
            record, value = kept(answer, *inputs, torch.from_numpy(labels.copy()), temperature, share)
            runs.append({"call": record, "gradients": _gradients(value, leaves)})
    return {"runs": runs}


def _log_softmax(x: Any) -> np.ndarray:
    x = np.asarray(x, np.float64)
    x = x - x.max(1, keepdims=True)
    return x - np.log(np.exp(x).sum(1, keepdims=True))


def _kl(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """KL(p || q) of each row, from logarithms."""
    return (np.exp(p) * (p - q)).sum(1)


def _hard(student: Any, labels: np.ndarray, temperature: float = 1) -> float:
    return float(-_log_softmax(np.asarray(student) / temperature)[np.arange(len(labels)), labels].mean())


def _soft(student: Any, teacher: Any, student_t: float, teacher_t: float, turned: bool = False) -> np.ndarray:
    q, p = _log_softmax(np.asarray(student) / student_t), _log_softmax(np.asarray(teacher) / teacher_t)
    return _kl(q, p) if turned else _kl(p, q)


def _distilled(soft: Callable[..., float], factor: Callable[[float], float] = lambda t: t * t) -> Callable[..., float]:
    """A model with another soft part, or another factor in front of it."""
    return lambda s, t, y, temperature, share: float(
        share * factor(temperature) * soft(s, t, temperature) + (1 - share) * _hard(s, y)
    )


def _right_soft(s: Any, t: Any, temperature: float) -> float:
    return float(_soft(s, t, temperature, temperature).mean())


def _soft_cross_entropy(s: Any, t: Any, temperature: float) -> float:
    p, q = (_log_softmax(np.asarray(logits) / temperature) for logits in (t, s))
    return float(-(np.exp(p) * q).sum(1).mean())


def _raw_kl(s: Any, t: Any, temperature: float) -> float:
    """What `F.kl_div` makes of logits that nobody put through a softmax, where the teacher alone got its softmax."""
    p = _log_softmax(np.asarray(t) / temperature)
    return float((np.exp(p) * (p - np.asarray(s, np.float64) / temperature)).sum(1).mean())


def _kl_of_probabilities(s: Any, t: Any, temperature: float) -> float:
    """`F.kl_div` with the student's probabilities where it wants their logarithm."""
    p, q = (_log_softmax(np.asarray(logits) / temperature) for logits in (t, s))
    return float((np.exp(p) * (p - np.exp(q))).sum(1).mean())


_DISTIL = Question(
    code="distillation",
    right="The teacher's softened probabilities and the labels, each with its share.",
    reference=_distilled(_right_soft),
    points=_DISTIL_POINTS,
    part=one_number,
    misconceptions=(
        Misconception(
            "temperature-not-squared",
            "The factor T^2 is missing: at a high temperature the teacher's part has next to no gradient.",
            "Multiply the teacher's part by `temperature ** 2`.",
            _distilled(_right_soft, lambda t: 1),
        ),
        Misconception(
            "temperature-once",
            "The teacher's part is multiplied by T, not by T^2.",
            "Its gradient shrinks by T twice: once inside each softmax. Multiply by `temperature ** 2`.",
            _distilled(_right_soft, lambda t: t),
        ),
        Misconception(
            "divided-by-temperature",
            "The teacher's part is divided by T^2; it should be multiplied.",
            "Multiply by `temperature ** 2`.",
            _distilled(_right_soft, lambda t: 1 / t**2),
        ),
        Misconception(
            "divergence-turned-round",
            "The divergence is turned round: KL(student || teacher).",
            "`F.kl_div(log_of_student, teacher)` takes the student first, and computes KL(teacher || student).",
            _distilled(lambda s, t, temperature: _soft(s, t, temperature, temperature, turned=True).mean()),
        ),
        Misconception(
            "student-not-softened",
            "The student's logits are not divided by the temperature: it is asked to be as unsure as the softened teacher.",
            "Divide both by `temperature` in the first part.",
            _distilled(lambda s, t, temperature: _soft(s, t, 1, temperature).mean()),
        ),
        Misconception(
            "teacher-not-softened",
            "The teacher's logits are not divided by the temperature.",
            "Divide both by `temperature` in the first part.",
            _distilled(lambda s, t, temperature: _soft(s, t, temperature, 1).mean()),
        ),
        Misconception(
            "no-temperature",
            "The temperature is in front, but in neither softmax.",
            "Divide both logits by `temperature` in the first part.",
            _distilled(lambda s, t, temperature: _soft(s, t, 1, 1).mean()),
        ),
        Misconception(
            "multiplied-by-temperature",
            "The logits are multiplied by the temperature: a high one now makes the teacher surer.",
            "Divide the logits by it.",
            _distilled(lambda s, t, temperature: _soft(s, t, 1 / temperature, 1 / temperature).mean()),
        ),
        Misconception(
            "labels-softened",
            "The cross-entropy with the labels uses the softened student.",
            "In the second part take the student's logits as they are.",
            lambda s, t, y, temperature, share: float(
                share * temperature**2 * _right_soft(s, t, temperature) + (1 - share) * _hard(s, y, temperature)
            ),
        ),
        Misconception(
            "shares-exchanged",
            "The shares are exchanged: `share` stands at the labels.",
            "`share` is the teacher's.",
            lambda s, t, y, temperature, share: float(
                (1 - share) * temperature**2 * _right_soft(s, t, temperature) + share * _hard(s, y)
            ),
        ),
        Misconception(
            "labels-unused",
            "The labels play no part.",
            "Add (1 - share) times the cross-entropy.",
            lambda s, t, y, temperature, share: float(share * temperature**2 * _right_soft(s, t, temperature)),
        ),
        Misconception(
            "labels-in-full",
            "The labels' part counts in full, whatever the share.",
            "Multiply the cross-entropy by `1 - share`.",
            lambda s, t, y, temperature, share: float(
                share * temperature**2 * _right_soft(s, t, temperature) + _hard(s, y)
            ),
        ),
        Misconception(
            "factor-on-both",
            "T^2 multiplies both parts.",
            "Multiply the teacher's part alone.",
            lambda s, t, y, temperature, share: float(
                temperature**2 * (share * _right_soft(s, t, temperature) + (1 - share) * _hard(s, y))
            ),
        ),
        Misconception(
            "mean-over-classes",
            "The divergence is averaged over the classes too: `F.kl_div` does that by default.",
            'Say `reduction="batchmean"`: a sum over the classes, a mean over the images.',
            lambda s, t, y, temperature, share: float(
                share * temperature**2 * _right_soft(s, t, temperature) / np.shape(s)[1] + (1 - share) * _hard(s, y)
            ),
        ),
        Misconception(
            "sum-over-images",
            "The divergence is summed over the images.",
            "Take its mean over the images, as cross-entropy does.",
            _distilled(lambda s, t, temperature: _soft(s, t, temperature, temperature).sum()),
        ),
        Misconception(
            "cross-entropy-for-divergence",
            "The teacher's part is the cross-entropy, which has the same gradient but does not end at 0 when the student "
            "has learned all. Asked for is the divergence.",
            "Subtract the teacher's own entropy, or use `F.kl_div`.",
            _distilled(_soft_cross_entropy),
        ),
        Misconception(
            "student-without-logarithm",
            "`F.kl_div` was given the student's probabilities; it wants their logarithm.",
            "Use `F.log_softmax` for the student.",
            _distilled(_kl_of_probabilities),
        ),
        Misconception(
            "student-without-softmax",
            "`F.kl_div` was given the student's logits; it wants the logarithm of probabilities.",
            "Use `F.log_softmax` for the student.",
            _distilled(_raw_kl),
        ),
        Misconception(
            "logits-compared",
            "This is the mean squared difference of the logits, not a divergence of probabilities.",
            "Soften both with a softmax, and take the divergence.",
            _distilled(lambda s, t, temperature: np.square(np.asarray(s) - t).mean() / temperature**2),
        ),
        Misconception(
            "sign",
            "The divergence has the wrong sign.",
            "KL(p || q) = sum of p (log p - log q); it is never negative.",
            _distilled(lambda s, t, temperature: -_right_soft(s, t, temperature)),
        ),
    ),
)


def _judge_distil(evidence: Evidence, rng: np.random.Generator) -> list[Finding]:
    runs, cases = evidence["runs"], _distil_cases(rng)
    calls = [run["call"] for run in runs]
    name, points = "distillation_loss", _DISTIL_POINTS
    if fault := unusable(name, calls, points) or _not_one_number(name, calls, points):
        return [fault]
    value = _judged(_DISTIL, cases, calls)
    if value.code == "distillation-differs":
        right = _DISTIL.reference(*cases[0])
        message = f"For the first batch the loss is {one_number(calls[0]['value']):.5g}; it should be {right:.5g}."
        cure = "Equal logits must give (1 - share) times the cross-entropy. Check that first, then a share of 1."
        return [Finding(value.code, False, message, cure, points)]
    if not value.passed:
        return [value]
    if any(run["gradients"] and np.any(run["gradients"].get("value", [0, 0])[1]) for run in runs):
        message = "The value is right, but a gradient reaches the teacher: it would learn to agree with its student."
        return [Finding("teacher-learns", False, message, "Use `teacher.detach()`.", points)]
    nobody = [[np.zeros_like(case[1])] for case in cases]
    right_ = [[_distil_gradient(*case), *zeros] for case, zeros in zip(cases, nobody, strict=True)]
    wrong = _gradient_fault(runs, right_, "the student's logits")
    return [Finding(wrong[0], False, *wrong[1:], points) if wrong else value]


def _distil_gradient(student: Any, teacher: Any, labels: np.ndarray, temperature: float, share: float) -> np.ndarray:
    """(share T (softmax(s / T) - softmax(t / T)) + (1 - share) (softmax(s) - one-hot)) / N."""
    s, t = (np.exp(_log_softmax(np.asarray(logits) / temperature)) for logits in (student, teacher))
    hot = np.eye(np.shape(student)[1])[labels]
    plain = np.exp(_log_softmax(student)) - hot
    return (share * temperature * (s - t) + (1 - share) * plain) / len(labels)


EXERCISES = (
    Exercise(
        id="lora_layer",
        title="A LoRA layer by hand",
        lesson="13",
        points=_LORA_POINTS,
        minutes=12,
        difficulty=3,
        purpose="Once written, you can put it beside any layer, and you know what a library does for you.",
        hints=(
            "The given layer does what it did. Beside it stand two thin ones: A from the inputs to `rank` numbers, B from "
            "those to the outputs. Which of the two must be zero at first, and why not both?",
            "`linear.requires_grad_(False)`, then `self.a = nn.Linear(linear.in_features, rank, bias=False)`, `self.b` the "
            "other way, and `nn.init.zeros_(self.b.weight)`.",
            "`forward` returns `self.linear(x) + self.scale * self.b(self.a(x))` with `self.scale = alpha / rank`.",
            "`merged`: `whole = copy.deepcopy(self.linear)`, then "
            "`whole.weight += (self.scale * self.b.weight @ self.a.weight).detach()`; return `whole`.",
        ),
        collect=_collect_lora,
        judge=_judge_lora,
    ),
    Exercise(
        id="count_trainable",
        title="How many parameters train?",
        lesson="13",
        points=1,
        minutes=4,
        difficulty=1,
        purpose="The number on which methods for few parameters are compared: count it right.",
        hints=(
            "What does an optimiser get? Not buffers, nothing frozen, and each parameter once.",
            "`network.parameters()` gives each once, however many layers share it. Add up `parameter.numel()` of those "
            "that ask for a gradient.",
        ),
        collect=_collect_count,
        judge=_judge_count,
    ),
    Exercise(
        id="l2_sp_penalty",
        title="The L2-SP penalty",
        lesson="13",
        points=_L2_POINTS,
        minutes=8,
        difficulty=2,
        purpose="Weight decay that pulls back to the source, in two sums.",
        hints=(
            "Two sums: over the body's parameters, of how far each has moved; over the head's, of how large each is.",
            "Go through `network.named_parameters()`: they carry gradients, and running statistics are not among them. "
            "A name that begins with `head` goes into the second sum.",
            "`near = sum((p - start[n]).square().sum() for n, p in ... if not n.startswith('head'))`; the same without "
            "`start` for the head; then `alpha / 2 * near + beta / 2 * small`.",
        ),
        collect=_collect_l2,
        judge=_judge_l2,
    ),
    Exercise(
        id="interpolate_weights",
        title="Half-way between two networks",
        lesson="13",
        points=_MIX_POINTS,
        minutes=6,
        difficulty=2,
        purpose="An average of weights that loads, and costs nothing at run time.",
        hints=(
            "A state dict holds weights, running statistics and counters. Which of them can be averaged?",
            "`tensor.is_floating_point()` tells. `torch.lerp(a, b, share)` is (1 - share) a + share b, in a new tensor.",
            "`{n: torch.lerp(t, end[n], share) if t.is_floating_point() else end[n].clone() for n, t in start.items()}`",
        ),
        collect=_collect_mix,
        judge=_judge_mix,
    ),
    Exercise(
        id="distillation_loss",
        title="The loss of distillation",
        lesson="13",
        points=_DISTIL_POINTS,
        minutes=10,
        difficulty=2,
        purpose="Let a small network learn from all that a large one says, not from its first choice alone.",
        hints=(
            "Two parts. The first compares two softened distributions and has `share`; the second is the usual "
            "cross-entropy, unsoftened, with `1 - share`.",
            "`F.kl_div(q, p, reduction='batchmean', log_target=True)` is KL(p || q) of logarithms: student first.",
            "Divide both logits by the temperature, take `F.log_softmax(..., dim=1)`, detach the teacher's.",
            "`share * temperature**2 * F.kl_div(...) + (1 - share) * F.cross_entropy(student, labels)`.",
        ),
        collect=_collect_distil,
        judge=_judge_distil,
    ),
)
