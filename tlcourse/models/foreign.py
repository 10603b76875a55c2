"""Weights from Keras and TensorFlow: the same numbers under other names, in another order, read without TensorFlow."""

from __future__ import annotations

import io
import re
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tlcourse import extras
from tlcourse.errors import WeightsError

Arrays = Mapping[str, np.ndarray]
Names = Mapping[str, str | tuple[str, str]]

KERAS_EPSILON = 1e-3
"""What Keras's batch norm adds to a variance; PyTorch's adds 1e-5."""

_KERNEL = ("kernel", "weights", "weight")
_DEPTHWISE = ("depthwise_kernel", "depthwise_weights", *_KERNEL)
_POINTWISE = ("pointwise_kernel", "pointwise_weights")
_BIAS = ("bias", "biases")
# The order in which Keras 3 numbers a layer's variables in its own files.
_ORDER = {
    "batch_normalization": ("gamma", "beta", "moving_mean", "moving_variance"),
    "layer_normalization": ("gamma", "beta"),
    "separable_conv2d": ("depthwise_kernel", "pointwise_kernel", "bias"),
    "embedding": ("embeddings",),
}
_BY_NAME = "Save the arrays by their names with numpy.savez, and read that file."


def read_arrays(path: str | Path) -> dict[str, np.ndarray]:
    """Read arrays by name from a `.npz`, `.safetensors`, `.h5`, `.weights.h5` or `.keras` file. No code in it is run.

    The last two need h5py (`pip install 'tlcourse[zoo]'`). Arrays of Keras's own files are named layer/variable, such
    as `conv1/kernel` and `bn1/moving_mean`, with the outer names in front only where two would be the same; those of
    an optimizer are left out. The `:0` at the end of TensorFlow's names is taken off.

    Raises:
        WeightsError: the file is missing, damaged, holds Python objects, or is of another kind.
        CourseError: h5py is needed and not installed.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise WeightsError(f"There is no weight file {path}.", "Check the path.")
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise WeightsError(f"{path} is no file of arrays that this course reads.", f"Give {', '.join(_READERS)}.")
    try:
        arrays = reader(path)
    except (OSError, ValueError, KeyError, EOFError, RuntimeError, zipfile.BadZipFile) as error:
        raise WeightsError(f"{path} is damaged, or no such file ({error}).", "Download or copy it again.") from error
    return {name.removesuffix(":0"): array for name, array in arrays.items()}


def to_torch(array: np.ndarray, layout: str) -> Tensor:
    """One array of Keras's as the tensor that PyTorch wants.

    Args:
        array: as Keras keeps it.
        layout: "conv" (height, width, in, out) to (out, in, height, width), also of a transposed convolution, whose
            ins and outs both libraries exchange; "depthwise" (height, width, channels, multiplier) to
            (channels x multiplier, 1, height, width); "dense" (in, out) to (out, in); "vector" as it is.

    Raises:
        WeightsError: there is no such layout, or the array has another number of axes.
    """
    if layout not in _LAYOUTS:
        raise WeightsError(f"There is no layout {layout!r}.", f"Choose one of {', '.join(_LAYOUTS)}.")
    axes, turn = _LAYOUTS[layout]
    if array.ndim != axes:
        raise WeightsError(
            f"An array of shape {array.shape} has {array.ndim} axes, not the {axes} of the layout {layout!r}.",
            "Look at its name and shape again, and choose the layout that fits.",
        )
    return torch.from_numpy(np.array(turn(array), dtype=np.float32, order="C"))


def convert_keras(
    arrays: Arrays,
    network: nn.Module,
    names: Names,
    *,
    flattened: Mapping[str, tuple[int, int, int]] | None = None,
    epsilon: float = KERAS_EPSILON,
) -> dict[str, Tensor]:
    """The state dict that makes `network` compute what a Keras network does.

    Layouts follow from the network's own layers. Keras's batch norm adds another epsilon to the variance: the
    difference goes into `running_var`, so that outputs agree in evaluation mode. What padding does is for the network
    to copy: see `SamePad2d`.

    Args:
        arrays: by name, "layer/variable" (`read_arrays`).
        network: not changed; all of it must be named.
        names: for each Keras layer, the path of the module that takes its arrays, as in `network.get_submodule`. A
            SeparableConv2D becomes two convolutions: give a pair (depthwise, pointwise).
        flattened: for each Dense layer right after a Flatten, the (height, width, channels) of what it flattened:
            Keras runs through it channels last, PyTorch channels first.
        epsilon: what Keras's normalisation layers add to a variance.

    Returns:
        A state dict for `load_into(network, state)`.

    Raises:
        WeightsError: an array is missing, left over, not finite, or does not fit; a module does not exist, is of a
            kind that cannot be converted, or gets nothing. The message names it.
    """
    left, state = dict(arrays), _counters(network)
    flattened = dict(flattened or {})
    for layer, target in names.items():
        for path, part in _parts(network, layer, target, epsilon, flattened.pop(layer, None)):
            state[path] = part.take(left)
            _check_shape(path, state[path], part, network)
    _check_complete(network, state, left, flattened)
    return state


class _Part:
    """One tensor of a module: the array that it comes from, and how."""

    def __init__(
        self,
        layer: str,
        variables: tuple[str, ...],
        layout: str,
        default: Tensor | None = None,
        turn: Callable[[np.ndarray], np.ndarray] | None = None,
    ) -> None:
        self.layer, self.variables, self.layout = layer, variables, layout
        self.default, self.turn = default, turn
        self.name, self.shape = f"{layer}/{variables[0]}", ()

    def take(self, left: dict[str, np.ndarray]) -> Tensor:
        """The tensor; its array is taken out of `left`."""
        found = next((name for name in self._candidates() if name in left), None)
        if found is None:
            if self.default is not None:
                return self.default
            near = sorted(name for name in left if name.startswith(f"{self.layer}/"))
            has = f"it has {', '.join(near)}" if near else "nothing has that layer's name"
            raise WeightsError(f"There is no array {self.name!r}: {has}.", "Check the layer's name and its module.")
        array = np.asarray(left.pop(found))
        self.name, self.shape = found, array.shape
        if array.dtype.kind not in "fiu" or not np.isfinite(array).all():
            raise WeightsError(f"The array {found!r} holds what is no finite number.", "Save the network again.")
        try:
            return to_torch(self.turn(array) if self.turn else array, self.layout)
        except WeightsError as error:
            raise WeightsError(f"{found!r}: {error.fault}", error.cure) from None

    def _candidates(self) -> Iterator[str]:
        return (f"{self.layer}/{variable}" for variable in self.variables)


def _parts(
    network: nn.Module,
    layer: str,
    target: str | tuple[str, str],
    epsilon: float,
    flattened: tuple[int, int, int] | None,
) -> list[tuple[str, _Part]]:
    """The tensors that a Keras layer's arrays fill, by their names in the state dict."""
    if not isinstance(target, str):
        return _separable_parts(network, layer, target)
    module = _module(network, layer, target)
    if flattened is not None and not isinstance(module, nn.Linear):
        raise WeightsError(f"flattened= names {layer!r}, whose module is no Linear.", "Name the Dense layer there.")
    parts: dict[str, _Part]
    if isinstance(module, nn.Linear):
        turn = None if flattened is None else _unflatten(layer, flattened)
        parts = {"weight": _Part(layer, _KERNEL, "dense", turn=turn)}
    elif isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        parts = {"weight": _convolution(layer, module)}
    elif isinstance(module, nn.Embedding):
        parts = {"weight": _Part(layer, ("embeddings", *_KERNEL), "matrix")}
    elif isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
        parts = _batch_norm(layer, module, epsilon)
    elif isinstance(module, nn.LayerNorm):
        parts = _layer_norm(layer, module, epsilon)
    else:
        raise WeightsError(
            f"Module {target!r} is a {type(module).__name__}, which has no counterpart among Keras's layers here.",
            "Name the convolution, Linear or normalisation inside it.",
        )
    if isinstance(module, nn.Linear | nn.Conv2d | nn.ConvTranspose2d) and module.bias is not None:
        parts["bias"] = _Part(layer, _BIAS, "vector", torch.zeros_like(module.bias, device="cpu").detach())
    return [(_join(target, name), part) for name, part in parts.items()]


def _separable_parts(network: nn.Module, layer: str, target: tuple[str, str]) -> list[tuple[str, _Part]]:
    depthwise, pointwise = target
    second = _module(network, layer, pointwise)
    _module(network, layer, depthwise)
    parts = [
        (_join(depthwise, "weight"), _Part(layer, _DEPTHWISE, "depthwise")),
        (_join(pointwise, "weight"), _Part(layer, _POINTWISE, "conv")),
    ]
    if isinstance(second.bias, Tensor):
        zeros = torch.zeros_like(second.bias, device="cpu").detach()
        parts.append((_join(pointwise, "bias"), _Part(layer, _BIAS, "vector", zeros)))
    return parts


def _convolution(layer: str, module: nn.Conv2d | nn.ConvTranspose2d) -> _Part:
    depthwise = module.groups > 1 and module.groups == module.in_channels
    if not depthwise:
        return _Part(layer, _KERNEL, "conv")

    def as_depthwise(kernel: np.ndarray) -> np.ndarray:
        # Keras's Conv2D(groups=channels) says (height, width, 1, out) where DepthwiseConv2D says (.., channels, m).
        if kernel.ndim == 4 and kernel.shape[2] == 1:
            return kernel.reshape(*kernel.shape[:2], module.in_channels, -1)
        return kernel

    return _Part(layer, _DEPTHWISE, "depthwise", turn=as_depthwise)


def _batch_norm(layer: str, module: nn.BatchNorm1d | nn.BatchNorm2d, epsilon: float) -> dict[str, _Part]:
    ones = torch.ones(module.num_features)
    # Keras leaves gamma out with scale=False and beta with center=False.
    affine = {
        "weight": _Part(layer, ("gamma",), "vector", ones),
        "bias": _Part(layer, ("beta",), "vector", torch.zeros_like(ones)),
    }
    statistics = {
        "running_mean": _Part(layer, ("moving_mean",), "vector"),
        "running_var": _Part(layer, ("moving_variance",), "vector", turn=lambda v: v + (epsilon - module.eps)),
    }
    return {**(affine if module.affine else {}), **statistics}


def _layer_norm(layer: str, module: nn.LayerNorm, epsilon: float) -> dict[str, _Part]:
    if abs(module.eps - epsilon) > 1e-9:
        raise WeightsError(
            f"Layer norm {layer!r} has epsilon {epsilon} in Keras and {module.eps} in the network, and nothing in its "
            "weights can make up for that.",
            f"Build the network with eps={epsilon}, or give Keras's own value as epsilon=.",
        )
    return {"weight": _Part(layer, ("gamma",), "vector"), "bias": _Part(layer, ("beta",), "vector")}


def _unflatten(layer: str, shape: tuple[int, int, int]) -> Callable[[np.ndarray], np.ndarray]:
    """Turns the rows of a dense kernel from (height, width, channels) order to (channels, height, width) order."""

    def turn(kernel: np.ndarray) -> np.ndarray:
        height, width, channels = shape
        if kernel.ndim != 2 or len(kernel) != height * width * channels:
            raise WeightsError(
                f"a kernel of shape {kernel.shape} does not follow a map of {height} x {width} x {channels}.",
                f"Give flattened={{{layer!r}: (height, width, channels)}} of the map that Keras flattened.",
            )
        return kernel.reshape(height, width, channels, -1).transpose(2, 0, 1, 3).reshape(len(kernel), -1)

    return turn


def _module(network: nn.Module, layer: str, path: str) -> nn.Module:
    try:
        return network.get_submodule(path)
    except AttributeError:
        children = ", ".join(name for name, _ in network.named_children())
        raise WeightsError(
            f"The network has no module {path!r}, which was named for {layer!r}.",
            f"Its top modules are {children}; print(network) shows all.",
        ) from None


def _check_shape(path: str, tensor: Tensor, part: _Part, network: nn.Module) -> None:
    own = network.state_dict().get(path)
    if own is None or own.shape == tensor.shape:
        return
    raise WeightsError(
        f"{part.name!r} of shape {part.shape} gives {tuple(tensor.shape)}, but {path} is {tuple(own.shape)}.",
        "Check that the layer is named for the right module, and that the network has Keras's sizes.",
    )


def _check_complete(network: nn.Module, state: Mapping[str, Tensor], left: Arrays, flattened: Mapping) -> None:
    if missing := [name for name in network.state_dict() if name not in state]:
        raise WeightsError(
            f"Nothing is named for {_some(missing)} of the network.", "Name the Keras layers that fill them."
        )
    if left:
        raise WeightsError(
            f"Nothing takes {_some(list(left))}.",
            "Name the modules that do; or take those arrays out if this network does without them.",
        )
    if flattened:
        raise WeightsError(f"flattened= names {_some(list(flattened))}, which names= does not.", "Name it in both.")


def _counters(network: nn.Module) -> dict[str, Tensor]:
    """Batch norm's counts of batches, which Keras does not have."""
    return {
        name: torch.zeros((), dtype=torch.long) for name in network.state_dict() if name.endswith("batches_tracked")
    }


def _some(names: list[str], show: int = 4) -> str:
    return ", ".join(names[:show]) + (f" and {len(names) - show} more" if len(names) > show else "")


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


_LAYOUTS: dict[str, tuple[int, Callable[[np.ndarray], np.ndarray]]] = {
    "conv": (4, lambda a: a.transpose(3, 2, 0, 1)),
    "depthwise": (4, lambda a: a.transpose(2, 3, 0, 1).reshape(-1, 1, *a.shape[:2])),
    "dense": (2, lambda a: a.T),
    "vector": (1, lambda a: a),
    "matrix": (2, lambda a: a),
}


def _read_npz(path: Path) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def _read_safetensors(path: Path) -> dict[str, np.ndarray]:
    from tlcourse.models.weights import load_state

    return {name: tensor.numpy() for name, tensor in load_state(path).items()}


def _read_h5(path: Path) -> dict[str, np.ndarray]:
    return _h5_arrays(path)


def _read_keras(path: Path) -> dict[str, np.ndarray]:
    with zipfile.ZipFile(path) as archive:
        return _h5_arrays(io.BytesIO(archive.read("model.weights.h5")))


_READERS: dict[str, Callable[[Path], dict[str, np.ndarray]]] = {
    ".npz": _read_npz,
    ".safetensors": _read_safetensors,
    ".h5": _read_h5,
    ".hdf5": _read_h5,
    ".keras": _read_keras,
}


def _h5_arrays(source: Path | io.BytesIO) -> dict[str, np.ndarray]:
    h5py = extras.require("h5py", "zoo")
    found: dict[str, np.ndarray] = {}

    def visit(path: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and "optimizer" not in path.split("/")[0]:
            found[_keras_name(path, item)] = np.asarray(item)

    with h5py.File(source, "r") as file:
        file.visititems(visit)
    return _shortened(found)


def _keras_name(path: str, item: Any) -> str:
    """layer/variable of an array in a file of Keras's, with what stands before it."""
    folders = path.removesuffix(":0").split("/")
    if len(folders) < 3 or folders[-2] != "vars":
        return "/".join(folders)
    # Keras 3 files arrays under their layer's class and numbers them; the layer's name is an attribute.
    layer, number = item.parent.attrs.get("name", folders[-3]), int(folders[-1])
    kind = re.sub(r"_\d+$", "", folders[-3])
    variables = _ORDER.get(kind, ("kernel", "bias"))
    if kind == "batch_normalization" and len(item.parent) != len(variables):
        raise WeightsError(f"Layer {layer!r} has no gamma or no beta; the file does not say which.", _BY_NAME)
    variable = variables[number] if number < len(variables) else str(number)
    return "/".join([*folders[:-3], str(layer), variable])


def _shortened(arrays: Arrays) -> dict[str, np.ndarray]:
    """The last two parts of each name, or all of it where those are not alone."""
    short = {name: "/".join(name.split("/")[-2:]) for name in arrays}
    counts = Counter(short.values())
    return {short[name] if counts[short[name]] == 1 else name: array for name, array in arrays.items()}
