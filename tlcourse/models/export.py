"""A network as one ONNX file that others can run without PyTorch: pictures in, logits out, its facts inside."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from tlcourse import storage
from tlcourse.errors import DataError, WeightsError
from tlcourse.extras import require
from tlcourse.models.exported import EVIDENCE, FACTS, INPUT, LOGITS, parse_facts


def export_onnx(
    network: nn.Module,
    path: str | Path,
    *,
    classes: Sequence[str],
    image_size: int,
    mean: Sequence[float],
    std: Sequence[float],
    temperature: float = 1.0,
    facts: Mapping[str, Any] | None = None,
) -> Path:
    """Write a classifier as an ONNX file that takes pictures as they are.

    The file's input is `images`, uint8 of shape (N, 3, image_size, image_size) for any N; scaling and normalisation are
    inside, so that nobody can forget them. Its output is `logits`, float32 (N, C), before softmax. Where the network
    ends in average pooling and a linear head there is a second, `evidence`, float32 (N, C, h, w): what each place gives
    to each class. Its mean over the places, plus the head's bias, is the logits (Zhou et al. 2016, "Learning Deep
    Features for Discriminative Localization"). The network is exported in evaluation mode and left as it was.

    Args:
        network: maps normalised images (N, 3, H, W) to logits (N, C).
        path: the file; written whole or not at all.
        classes: the name of each class.
        image_size: height and width of the pictures, pixels.
        mean, std: what the network's images are normalised with, three numbers each in [0, 1].
        temperature: divides the logits before softmax (see `fit_temperature`); kept as a fact, not built in.
        facts: what else a user must know; JSON data.

    Returns:
        The path.

    Raises:
        CourseError: the package's extra `ship` is not installed.
        DataError: another number of classes than the network has.
        StorageError: the file cannot be written.
    """
    onnx = require("onnx", "ship")
    require("onnxscript", "ship")
    path = Path(path)
    example = torch.zeros(2, 3, image_size, image_size, dtype=torch.uint8)
    with _on_the_cpu(network), torch.no_grad():
        whole = WithPreparation(network, mean, std).eval()
        n_classes = whole(example)[0].shape[1]
        if n_classes != len(classes):
            raise DataError(
                f"The network has {n_classes} outputs and there are {len(classes)} names of classes.",
                "Give one name for each output, in order.",
            )
        model = onnx.load_from_string(_exported(whole, example))
    known = {"classes": list(classes), "image_size": image_size, "temperature": temperature, **(facts or {})}
    onnx.helper.set_model_props(model, {FACTS: json.dumps(known)})
    onnx.checker.check_model(model)
    storage.write_bytes(path, model.SerializeToString())
    return path


class WithPreparation(nn.Module):
    """A classifier with its preparation in front: uint8 pictures (N, 3, H, W) to a tuple of logits and, if the network
    ends in pooling and a linear head, the evidence of each place."""

    mean: Tensor
    std: Tensor

    def __init__(self, network: nn.Module, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self.network, self.body, self.head = network, *_body_and_head(network)
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1))

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        x = (images.float() / 255 - self.mean) / self.std
        if self.body is None or self.head is None:
            return (self.network(x),)
        evidence = functional.conv2d(self.body(x), self.head.weight[:, :, None, None])
        return evidence.mean((2, 3)) + self.head.bias, evidence


def _body_and_head(network: nn.Module) -> tuple[nn.Module | None, nn.Linear | None]:
    """The parts of a network that ends in average pooling to one place, flattening and a linear head; else nothing."""
    parts = list(network.children()) if isinstance(network, nn.Sequential) else []
    *front, pool, flatten, head = [None, None, None, *parts]
    if isinstance(pool, nn.AdaptiveAvgPool2d) and isinstance(flatten, nn.Flatten) and isinstance(head, nn.Linear):
        return nn.Sequential(*[part for part in front if part is not None]), head
    return None, None


def _exported(whole: WithPreparation, example: Tensor) -> bytes:
    """The file's bytes. The exporter prints and warns about its own affairs; both are dropped."""
    outputs = [LOGITS, EVIDENCE] if whole.body is not None else [LOGITS]
    with tempfile.TemporaryDirectory() as folder, _quiet():
        file = Path(folder) / "network.onnx"
        torch.onnx.export(
            whole,
            (example,),
            str(file),
            dynamo=True,
            external_data=False,
            input_names=[INPUT],
            output_names=outputs,
            dynamic_shapes=({0: torch.export.Dim("batch")},),
        )
        return file.read_bytes()


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    with (
        warnings.catch_warnings(),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
    ):
        warnings.simplefilter("ignore")
        logging.disable(logging.WARNING)
        try:
            yield
        finally:
            logging.disable(logging.NOTSET)


@contextlib.contextmanager
def _on_the_cpu(network: nn.Module) -> Iterator[None]:
    """`network` in evaluation mode on the CPU; each module's own flag, and the device, are put back."""
    flags = [(module, module.training) for module in network.modules()]
    home = next((tensor.device for tensor in network.state_dict().values()), torch.device("cpu"))
    network.eval().to("cpu")
    try:
        yield
    finally:
        network.to(home)
        for module, training in flags:
            module.training = training


def quantise(path: str | Path, out: str | Path, images: np.ndarray) -> Path:
    """Write an int8 version of an exported file: weights and activations in 8 bits, each with its own scale.

    Static quantisation (Jacob et al. 2018, "Quantization and Training of Neural Networks for Efficient
    Integer-Arithmetic-Only Inference"): the ranges of the activations are those seen on `images`; the weights of each
    channel have a scale of their own. The preparation of the pictures stays in float32.

    Args:
        path: what `export_onnx` wrote.
        out: the file to write.
        images: pictures like those to come, uint8, shape (N, 3, H, W); some hundred are enough. No labels are needed.

    Returns:
        `out`.

    Raises:
        CourseError: the package's extra `ship` is not installed.
        WeightsError: `path` is no file of `export_onnx`.
        StorageError: the file cannot be written.
    """
    onnx = require("onnx", "ship")
    tools = require("onnxruntime.quantization", "ship")
    shapes = require("onnxruntime.quantization.shape_inference", "ship")
    facts = read_facts(path)
    with tempfile.TemporaryDirectory() as folder, _quiet():
        ready, small = Path(folder) / "ready.onnx", Path(folder) / "int8.onnx"
        shapes.quant_pre_process(str(path), str(ready), skip_symbolic_shape=True)
        tools.quantize_static(
            str(ready),
            str(small),
            _Pictures(images),
            quant_format=tools.QuantFormat.QDQ,
            per_channel=True,
            op_types_to_quantize=["Conv", "Gemm", "MatMul", "Relu", "Add"],
            nodes_to_exclude=_preparation(onnx.load(str(ready))),
        )
        model = onnx.load(str(small))
    onnx.helper.set_model_props(model, {FACTS: json.dumps(facts)})
    storage.write_bytes(Path(out), model.SerializeToString())
    return Path(out)


class _Pictures:
    """Batches of pictures as the quantiser asks for them; it looks for these methods only."""

    def __init__(self, images: np.ndarray, batch_size: int = 32) -> None:
        self._all = [images[start : start + batch_size] for start in range(0, len(images), batch_size)]
        self._left = iter(self._all)

    def get_next(self) -> dict[str, np.ndarray] | None:
        batch = next(self._left, None)
        return None if batch is None else {INPUT: batch}

    def rewind(self) -> None:
        self._left = iter(self._all)


def _preparation(model: Any) -> list[str]:
    """The names of the nodes before the first convolution."""
    nodes = list(model.graph.node)
    first = next((i for i, node in enumerate(nodes) if node.op_type == "Conv"), 0)
    return [node.name for node in nodes[:first]]


def read_facts(path: str | Path) -> dict[str, Any]:
    """The facts in a file that `export_onnx` or `quantise` wrote.

    Raises:
        CourseError: the package's extra `ship` is not installed.
        WeightsError: there is no such file, or it is none of theirs.
    """
    onnx = require("onnx", "ship")
    path = Path(path).expanduser()
    if not path.is_file():
        raise WeightsError(f"There is no model file {path}.", "Check the path; `tl.models.export_onnx` writes one.")
    try:
        model = onnx.load(str(path), load_external_data=False)
    except Exception as error:  # protobuf's errors have no public base
        raise WeightsError(f"{path} is not an ONNX file.", "Give a file that `tl.models.export_onnx` wrote.") from error
    return parse_facts({entry.key: entry.value for entry in model.metadata_props}, path)
