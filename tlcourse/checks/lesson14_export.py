"""The exercise of lesson 14 that exports a network: the learner's file is run by onnxruntime, on its own."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from tlcourse.checks.collecting import call
from tlcourse.checks.exercise import Evidence, Exercise, Finding
from tlcourse.checks.judging import unusable

# torch takes seconds to import, and the registry imports this module: what needs torch imports it when it runs.

_POINTS = 3
_SIDE, _CLASSES = 12, 4
_BATCHES = (1, 2, 5)
AGREEMENT = 1e-4


def _case(rng: np.random.Generator) -> dict[str, Any]:
    """A small network's seed, its statistics, and pictures."""
    return {
        "seed": int(rng.integers(2**31)),
        "mean": rng.uniform(0.3, 0.7, 3).round(3).tolist(),
        "std": rng.uniform(0.15, 0.4, 3).round(3).tolist(),
        "images": rng.integers(0, 256, (max(_BATCHES), 3, _SIDE, _SIDE)).astype(np.uint8),
    }


def _network(seed: int) -> Any:
    """Convolution, batch norm that has seen something, dropout, a head with outputs far from 0; in training mode, as a
    training loop leaves a network."""
    import torch
    from torch import nn

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = nn.Sequential(
            nn.Conv2d(3, 6, 3, 2, 1, bias=False),
            nn.BatchNorm2d(6),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(2),
            nn.Flatten(),
            nn.Dropout(0.5),
            nn.Linear(24, _CLASSES),
        )
        norm: Any = network[1]
        head: Any = network[-1]
        with torch.no_grad():
            norm.running_mean.uniform_(-0.5, 0.5)
            norm.running_var.uniform_(0.3, 2.0)
            head.weight.mul_(8)
    return network.train()


def _collect(answer: Any, rng: np.random.Generator) -> Evidence:
    case = _case(rng)
    missing = _missing()
    if missing:
        return {"missing": missing}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.onnx"
        record = call(answer, _network(case["seed"]), case["mean"], case["std"], _SIDE, str(path))
        if "error" in record:
            return {"call": record}
        beside = sorted(file.name for file in Path(folder).iterdir() if file != path)
        return {"call": record | {"value": True}, "beside": beside, **_run(path, case["images"])}


def _missing() -> str:
    """The library that is not installed, if one is."""
    import importlib.util

    names = ("onnx", "onnxscript", "onnxruntime")
    return next((name for name in names if importlib.util.find_spec(name) is None), "")


def _run(path: Path, images: np.ndarray) -> Evidence:
    """What the file alone answers, for batches of several sizes; moved first, as it is when somebody gets it."""
    import onnxruntime

    if not path.is_file():
        return {"written": False}
    with tempfile.TemporaryDirectory() as elsewhere:
        moved = shutil.copy(path, elsewhere)
        options = onnxruntime.SessionOptions()
        options.log_severity_level, options.intra_op_num_threads = 4, 1
        try:
            session = onnxruntime.InferenceSession(moved, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime has no public base of its errors
            return {"written": True, "unreadable": str(error)[:300]}
        takes = session.get_inputs()
        told = {"written": True, "inputs": len(takes), "takes": takes[0].type, "shape": _shape(takes[0].shape)}
        dtype = np.uint8 if "uint8" in takes[0].type else np.float32
        outputs = {str(n): _outputs(session, takes[0].name, images[:n].astype(dtype)) for n in _BATCHES}
        return told | {"outputs": outputs}


def _shape(shape: Any) -> list[Any]:
    return [item if isinstance(item, int) else "any" for item in shape]


def _outputs(session: Any, name: str, batch: np.ndarray) -> Evidence:
    try:
        value = np.asarray(session.run(None, {name: batch})[0])
    except Exception as error:
        return {"error": str(error)[:300]}
    return {"value": value.astype(np.float64).ravel()[:100], "shape": list(value.shape)}


def _judge(evidence: Evidence, rng: np.random.Generator) -> list[Finding]:
    if missing := evidence.get("missing"):
        message = f"The check needs {missing}, which is not installed."
        cure = "Install the course's extra for shipping, `pip install 'tlcourse[ship]'`, and restart the kernel."
        return [Finding("extra-missing", False, message, cure, _POINTS)]
    if fault := unusable("export_model", [evidence["call"]], _POINTS):
        return [_with_known_cause(fault)]
    found = _not_runnable(evidence) or _wrong_batches(evidence) or _wrong_values(evidence, _case(rng))
    if found is None:
        message = f"The file alone, run by onnxruntime, agrees with PyTorch to {AGREEMENT:g}, for any batch."
        return [Finding("agrees", True, message, "", _POINTS)]
    code, message, cure = found
    return [Finding(code, False, message, cure, _POINTS)]


def _with_known_cause(fault: Finding) -> Finding:
    if (fault.code == "raises" and "uint8" in fault.message.lower()) or "Byte" in fault.message:
        cure = "Turn the pictures into floats first: `images.float() / 255`."
        return Finding("bytes-convolved", False, fault.message, cure, fault.points)
    return fault


Fault = tuple[str, str, str]


def _not_runnable(evidence: Evidence) -> Fault | None:
    if not evidence["written"]:
        return "no-file", "There is no file at `path`.", "Give `path` to `torch.onnx.export`, as its third argument."
    if evidence.get("unreadable"):
        if evidence["beside"]:
            message = f"The file does not stand alone: {evidence['beside'][0]} beside it holds its weights."
            return "weights-beside", message, "Say `external_data=False`: then everything is in one file."
        message = f"onnxruntime cannot read the file: {evidence['unreadable']}."
        return "unreadable", message, "Write it with `torch.onnx.export`."
    if evidence["takes"] != "tensor(uint8)":
        message = f"The file takes {evidence['takes']}; pictures are bytes, uint8."
        return "not-bytes", message, "Export with an example of dtype `torch.uint8`, and turn it into floats inside."
    return None


def _wrong_batches(evidence: Evidence) -> Fault | None:
    outputs = evidence["outputs"]
    failed = [n for n in _BATCHES if "error" in outputs[str(n)]]
    if len(failed) == len(_BATCHES):
        shape = ", ".join(map(str, evidence["shape"]))
        message = f"The file takes pictures of the shape ({shape}); none of (N, 3, {_SIDE}, {_SIDE}) runs."
        return "does-not-run", message, "Export with an example of exactly the pictures' shape."
    if failed:
        works = next(n for n in _BATCHES if n not in failed)
        message = f"The file takes batches of {works} and no others: a batch of {failed[0]} fails."
        return "fixed-batch", message, "Name the first dimension as free, with `dynamic_shapes` (or `dynamic_axes`)."
    return None


def _wrong_values(evidence: Evidence, case: dict[str, Any]) -> Fault | None:
    outputs = {n: evidence["outputs"][str(n)] for n in _BATCHES}
    if any(outputs[n]["shape"] != [n, _CLASSES] for n in _BATCHES):
        shape = outputs[max(_BATCHES)]["shape"]
        message = f"For 5 pictures of {_CLASSES} classes the file gives the shape {tuple(shape)}."
        return "not-logits", message, "Its first output must be the network's logits, (N, classes)."
    values = {n: np.asarray(outputs[n]["value"], float).reshape(n, _CLASSES) for n in _BATCHES}
    whole = values[max(_BATCHES)]
    expected = _answers(case)
    if all(_agree(values[n], expected["right"][:n]) for n in _BATCHES):
        return None
    if not all(_agree(values[n], whole[:n]) for n in _BATCHES):
        message = (
            "What the file says of a picture depends on which others are in its batch: batch norm or dropout trains."
        )
        return "training-mode", message, "Call `network.eval()` before you export."
    for code, (message, cure) in _MISTAKES.items():
        if _agree(whole, expected[code]):
            return code, message, cure
    furthest = float(np.abs(whole - expected["right"]).max())
    message = f"The file's logits differ from PyTorch's by up to {furthest:.3g}."
    return "differs", message, "Compare both on one picture, step by step: bytes, scaling, normalisation, network."


def _agree(one: np.ndarray, other: np.ndarray) -> bool:
    return bool(np.allclose(one, other, rtol=1e-5, atol=AGREEMENT))


_MISTAKES = {
    "training-mode": (
        "The file does what the network does while it trains.",
        "Call `network.eval()` before you export.",
    ),
    "normalisation-left-out": (
        "Normalisation is not in the file: pictures are scaled to 0 to 1 and go straight to the network.",
        "Subtract `mean` and divide by `std` inside the module that you export.",
    ),
    "scaling-left-out": (
        "The pictures' bytes, 0 to 255, are normalised without being scaled: `mean` and `std` are for 0 to 1.",
        "Divide by 255 first.",
    ),
    "preparation-left-out": (
        "The bytes go to the network as they are, neither scaled nor normalised.",
        "Export a module that prepares them and then calls the network.",
    ),
    "mean-only": ("The mean is subtracted, but nothing is divided by `std`.", "Divide by `std`, channel by channel."),
    "std-multiplied": ("The pictures are multiplied by `std`.", "Divide by it."),
    "statistics-exchanged": ("`mean` and `std` have changed places.", "Subtract `mean`, divide by `std`."),
    "one-statistic": (
        "One channel's mean and deviation are used for all three.",
        "Shape both as (1, 3, 1, 1), so that each channel has its own.",
    ),
    "other-statistics": (
        "The statistics of ImageNet are in the file, not those of this network.",
        "Use `mean` and `std`, the second and third argument.",
    ),
    "softmax-inside": (
        "Softmax is built in: the file gives probabilities. Nobody can put a temperature on those.",
        "Export the logits; softmax comes after them.",
    ),
    "log-softmax-inside": ("Log-softmax is built in.", "Export the logits as the network gives them."),
}


def _answers(case: dict[str, Any]) -> dict[str, np.ndarray]:
    """The right logits, and those of each mistake."""
    import torch

    pixels = torch.from_numpy(case["images"]).float()
    mean, std = (torch.tensor(case[name]).view(1, 3, 1, 1) for name in ("mean", "std"))
    imagenet = (torch.tensor(v).view(1, 3, 1, 1) for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    centre, width = imagenet
    scaled = pixels / 255
    inputs = {
        "right": (scaled - mean) / std,
        "normalisation-left-out": scaled,
        "scaling-left-out": (pixels - mean) / std,
        "preparation-left-out": pixels,
        "mean-only": scaled - mean,
        "std-multiplied": (scaled - mean) * std,
        "statistics-exchanged": (scaled - std) / mean,
        "one-statistic": (scaled - mean[:, :1]) / std[:, :1],
        "other-statistics": (scaled - centre) / width,
    }
    network = _network(case["seed"]).eval()
    with torch.no_grad():
        found = {code: network(x).double() for code, x in inputs.items()}
        found["training-mode"] = _as_in_training(network, inputs["right"]).double()
    found["softmax-inside"] = found["right"].softmax(1)
    found["log-softmax-inside"] = found["right"].log_softmax(1)
    return {code: value.numpy() for code, value in found.items()}


def _as_in_training(network: Any, x: Any) -> Any:
    """With the batch's own statistics and without dropout, which some exporters drop."""
    network[1].train()
    return network(x)


EXERCISES: tuple[Exercise, ...] = (
    Exercise(
        id="export_model",
        title="A file that says the same",
        lesson="14",
        points=_POINTS,
        minutes=12,
        difficulty=3,
        purpose="Hand a network to people without PyTorch, so that they can do nothing wrong with it.",
        hints=(
            "What has to happen to a picture before the network sees it, and who should have to remember that?",
            "Write an `nn.Module` whose `forward(images)` scales, normalises and calls the network; export that one, after "
            "`.eval()`.",
            "Give it an example of two pictures, `torch.zeros(2, 3, size, size, dtype=torch.uint8)`, as a tuple of one.",
            '`torch.onnx.export(whole, (example,), path, dynamo=True, external_data=False, dynamic_shapes=({0: "batch"},))`.',
        ),
        collect=_collect,
        judge=_judge,
    ),
)
