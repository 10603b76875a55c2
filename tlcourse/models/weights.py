"""Weight files: read without running code in them, checked before use, written whole or not at all."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tlcourse import storage
from tlcourse.errors import WeightsError

State = Mapping[str, Tensor]

_PICKLED = (".pth", ".pt", ".bin")
_AGAIN = "Download or copy the file again and compare its size with the original's."
# Trainers wrap the state dict in a checkpoint under one of these names.
_WRAPPERS = ("state_dict", "model_state_dict", "model")


def load_state(path: str | Path, sha256: str | None = None) -> dict[str, Tensor]:
    """Read a state dict from a `.safetensors`, `.pth`, `.pt` or `.bin` file, on the CPU.

    Nothing in the file is executed: a pickle may hold tensors and plain containers only.

    Args:
        path: the file.
        sha256: its expected SHA-256 in hexadecimal, or the first eight digits or more of it.

    Returns:
        Tensors by name; every floating-point tensor is cast to float32.

    Raises:
        WeightsError: the file is missing, damaged, not a weight file, holds objects other than tensors, holds
            NaN, or has another checksum.
    """
    path = Path(path).expanduser()
    _check_file(path, sha256)
    raw = _read_safetensors(path) if path.suffix.lower() == ".safetensors" else _read_pickled(path)
    state = {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in raw.items()}
    for name, tensor in state.items():
        if tensor.is_floating_point() and tensor.isnan().any():
            raise WeightsError(f"{path} is damaged: its tensor {name!r} holds NaN.", _AGAIN)
    return state


def load_into(model: nn.Module, state: State, source: str | Path = "the state dict") -> None:
    """Copy `state` into `model`, all of it or nothing.

    Args:
        model: changed only if every name and shape fits.
        state: tensors by name.
        source: what to call the state in a message, such as its file.

    Raises:
        WeightsError: a tensor is missing, unexpected or has another shape; the model is unchanged.
    """
    own = model.state_dict()
    problems = _mismatches(own, state)
    if problems:
        guess = guess_network(state)
        seems = f" It seems to be for {guess}." if guess else ""
        raise WeightsError(
            f"{source} does not fit this {type(model).__name__}: {'; '.join(problems)}.{seems}",
            "Load a file made for this network, or build the network that the file was made for.",
        )
    model.load_state_dict(dict(state), strict=True)


def save_safetensors(
    model_or_state: nn.Module | State,
    path: str | Path,
    metadata: Mapping[str, object] | None = None,
    half: bool = True,
) -> Path:
    """Write weights as one `.safetensors` file, whole or not at all.

    Args:
        model_or_state: a network or its state dict.
        path: the file to write; its folder is created.
        metadata: facts to keep in the file's header; values are written as text.
        half: store floating-point tensors in float16; one with a value too large for it stays float32.

    Returns:
        The path written.

    Raises:
        StorageError: the disk refuses the file.
    """
    from safetensors.torch import save

    path = Path(path).expanduser()
    state = model_or_state.state_dict() if isinstance(model_or_state, nn.Module) else model_or_state
    tensors = {name: _packed(tensor, half) for name, tensor in state.items()}
    data = save(tensors, metadata={key: str(value) for key, value in (metadata or {}).items()})
    storage.write_bytes(path, data)
    return path


def guess_network(state: State) -> str | None:
    """The network that a state dict seems to be for, from its tensors' names; None if they tell nothing."""
    if any(name.startswith("module.") for name in state):
        return "a network wrapped in DataParallel (strip 'module.' from each name)"
    if "layer1.0.conv1.weight" in state:
        return _resnet_depth(state)
    for telling, network in _TELLING.items():
        if telling in state:
            return network
    return None


# A tensor's name that only this network has, in torchvision's and timm's naming.
_TELLING = {
    "features.18.0.weight": "mobilenet_v2",
    "features.12.expand3x3.weight": "squeezenet1_1 or squeezenet1_0",
    "features.1.0.layer_scale": "a torchvision ConvNeXt",
    "features.1.0.block.1.fc1.weight": "a torchvision EfficientNet",
    "features.denseblock1.denselayer1.conv1.weight": "a torchvision DenseNet",
    "features.28.weight": "a torchvision VGG",
    "blocks.0.attn.qkv.weight": "a timm vision transformer",
    "stages.0.blocks.0.conv_dw.weight": "a timm ConvNeXt",
    "conv_stem.weight": "a timm EfficientNet or MobileNet",
    "encoder.layers.encoder_layer_0.mlp.0.weight": "a torchvision vision transformer",
    "0.0.weight": "a Sequential such as a fastai Learner's model",
    "0.0.0.weight": "a Sequential such as a fastai Learner's model",
}
# Blocks a stage, and whether a block is a bottleneck of three convolutions (He et al. 2016, table 1).
_RESNETS = {
    (2, 2, 2, 2, False): "resnet18",
    (3, 4, 6, 3, False): "resnet34",
    (3, 4, 6, 3, True): "resnet50",
    (3, 4, 23, 3, True): "resnet101",
    (3, 8, 36, 3, True): "resnet152",
}


def _resnet_depth(state: State) -> str:
    def blocks(stage: int) -> int:
        return len({name.split(".")[1] for name in state if name.startswith(f"layer{stage}.")})

    bottleneck = "layer1.0.conv3.weight" in state
    return _RESNETS.get((blocks(1), blocks(2), blocks(3), blocks(4), bottleneck), "a ResNet")


def _mismatches(own: State, state: State, show: int = 3) -> list[str]:
    """What differs, each kind with its count and its first few names."""
    shared = [name for name in own if name in state]
    kinds = {
        "missing": [name for name in own if name not in state],
        "unexpected": [name for name in state if name not in own],
        "of another shape": [
            f"{name} {tuple(state[name].shape)}, not {tuple(own[name].shape)}"
            for name in shared
            if state[name].shape != own[name].shape
        ],
    }
    return [
        f"{len(names)} tensor{'s' * (len(names) != 1)} {kind} ({', '.join(names[:show])}"
        f"{', …' if len(names) > show else ''})"
        for kind, names in kinds.items()
        if names
    ]


def _check_file(path: Path, sha256: str | None) -> None:
    if not path.is_file():
        raise WeightsError(f"There is no weight file {path}.", "Check the path, or leave it out to use other weights.")
    if path.suffix.lower() not in (".safetensors", *_PICKLED):
        raise WeightsError(
            f"{path} is not a weight file that this course reads.",
            f"Give a .safetensors file, or a PyTorch state dict ({', '.join(_PICKLED)}).",
        )
    try:
        with path.open("rb") as file:
            start = file.read(64)
    except OSError as error:
        raise WeightsError(f"{path} cannot be read ({error.strerror}).", "Check the file's permissions.") from error
    if what := _disguise(start):
        raise WeightsError(f"{path} is {what}, not weights.", "Download the real file.")
    if sha256 and not storage.sha256(path).startswith(sha256.lower()):
        raise WeightsError(f"{path} has another checksum than {sha256}: it is damaged or another file.", _AGAIN)


def _disguise(start: bytes) -> str | None:
    """What often lies where a weight file should."""
    if not start:
        return "an empty file"
    if start.startswith(b"version https://git-lfs"):
        return "a Git LFS pointer"
    if start.lstrip()[:14].lower().startswith((b"<!doctype html", b"<html")):
        return "a web page"
    return None


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path, device="cpu")
    except (SafetensorError, ValueError, KeyError, OSError) as error:
        raise WeightsError(
            f"{path} is damaged, cut short or no safetensors file ({_first_line(error)}).", _AGAIN
        ) from error


def _read_pickled(path: Path) -> dict[str, Tensor]:
    try:
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if "nsupported" not in str(error):
            raise WeightsError(f"{path} is damaged or no PyTorch file.", _AGAIN) from error
        raise WeightsError(
            f"{path} holds Python objects besides tensors, which could run code here; it was not opened.",
            "Ask its author for a .safetensors file, or save model.state_dict() where you trust the file.",
        ) from error
    except Exception as error:  # torch.load has no one exception for a broken archive
        if "TorchScript" in str(error):
            raise WeightsError(
                f"{path} is a TorchScript archive, not a state dict.",
                "Save model.state_dict() where you can load it.",
            ) from error
        raise WeightsError(
            f"{path} is damaged, cut short or no PyTorch file ({_first_line(error)}).", _AGAIN
        ) from error
    return _state_in(loaded, path)


def _state_in(loaded: Any, path: Path) -> dict[str, Tensor]:
    """The state dict in what a file held: itself, or under one of the names that trainers use."""
    candidates = [loaded]
    if isinstance(loaded, Mapping):
        candidates += [loaded[name] for name in _WRAPPERS if name in loaded]
    for found in candidates:
        if isinstance(found, Mapping) and found and all(isinstance(value, Tensor) for value in found.values()):
            return dict(found)
    raise WeightsError(
        f"{path} holds no state dict: it is a {type(loaded).__name__}, not tensors by name.",
        "Save model.state_dict() and load that file.",
    )


def _packed(tensor: Tensor, half: bool) -> Tensor:
    """A copy fit for a file: on the CPU, contiguous, sharing memory with no other, in float16 if it fits."""
    tensor = tensor.detach().to("cpu", copy=True).contiguous()
    if not tensor.is_floating_point():
        return tensor
    tensor = tensor.float()
    if half and not bool((tensor.abs() > torch.finfo(torch.float16).max).any()):
        return tensor.half()
    return tensor


def _first_line(error: Exception) -> str:
    text = str(error).strip().splitlines()
    return text[0][:160] if text else type(error).__name__
