"""Frozen features: what a source model's body says about images, without training any of it."""

from __future__ import annotations

import hashlib
import io
import logging
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from tlcourse import storage
from tlcourse.errors import DataError, StorageError
from tlcourse.models.device import autocast_context, best_device, fast_dtype, memory_format
from tlcourse.worlds.images import LabelledImages

_log = logging.getLogger(__name__)
# Part of every key: raise it when the computation changes, and old files are no longer found.
_VERSION = 1


def frozen_features(
    body: nn.Module,
    images: np.ndarray | LabelledImages,
    *,
    mean: Sequence[float],
    std: Sequence[float],
    batch_size: int = 64,
    device: torch.device | str | None = None,
    cache: bool = True,
    image_size: int | None = None,
    full_precision: bool = False,
) -> np.ndarray:
    """The body's output for each image, averaged over positions (Donahue et al. 2014, "DeCAF").

    The whole body runs in evaluation mode: dropout is off, and batch norm uses its stored statistics and
    leaves them as they are, which fastai's `freeze()` does not do. Training flags and device are put back.

    Args:
        body: a network from (N, 3, H, W) to (N, F, h, w), (N, tokens, F) or (N, F).
        images: uint8 of shape (N, 3, H, W), or labelled images.
        mean, std: the source model's, three numbers each in [0, 1].
        batch_size: images at a time.
        device: where to compute; the best there is if left out.
        cache: keep the result on disk, and take it from there when weights, images and settings are the same.
        image_size: side in pixels to which images are scaled first; None leaves them as they are.
        full_precision: compute in float32 even where a shorter format is faster.

    Returns:
        float32, shape (N, F).

    Raises:
        DataError: images of another type or shape.
    """
    pixels = _pixels(images)
    device = torch.device(device) if device is not None else best_device()
    dtype = torch.float32 if full_precision else fast_dtype(device)
    settings = (_VERSION, tuple(mean), tuple(std), image_size, device.type, str(dtype))
    path = _cache_file(body, pixels, settings) if cache else None
    if path is not None and (kept := _read(path)) is not None and len(kept) == len(pixels):
        return kept
    prepare = _Preparation(mean, std, image_size, device)
    features = _compute(body, pixels, prepare, batch_size, dtype)
    if path is not None:
        _write(path, features)
    return features


def clear_features() -> int:
    """Delete every feature file in the cache; gives their number."""
    files = list(_folder().glob("*.npz"))
    for file in files:
        file.unlink(missing_ok=True)
    return len(files)


class _Preparation:
    """uint8 pixels to what a network wants: on its device, scaled, normalised."""

    def __init__(
        self, mean: Sequence[float], std: Sequence[float], image_size: int | None, device: torch.device
    ) -> None:
        self.device, self.image_size = device, image_size
        self.mean = torch.tensor(mean, device=device).view(1, 3, 1, 1)
        self.std = torch.tensor(std, device=device).view(1, 3, 1, 1)

    def __call__(self, pixels: np.ndarray) -> torch.Tensor:
        x = torch.from_numpy(np.ascontiguousarray(pixels)).to(self.device).float() / 255
        if self.image_size is not None and x.shape[-2:] != (self.image_size, self.image_size):
            size = (self.image_size, self.image_size)
            x = functional.interpolate(x, size, mode="bilinear", antialias=True, align_corners=False)
        return ((x - self.mean) / self.std).contiguous(memory_format=memory_format(self.device))


def _compute(
    body: nn.Module, pixels: np.ndarray, prepare: _Preparation, batch_size: int, dtype: torch.dtype
) -> np.ndarray:
    precision = autocast_context(prepare.device) if dtype != torch.float32 else nullcontext()
    batches = []
    with _frozen(body, prepare.device), torch.inference_mode(), precision:
        for start in range(0, len(pixels), batch_size):
            maps = body(prepare(pixels[start : start + batch_size]))
            batches.append(_pooled(maps).float().cpu().numpy())
    return np.concatenate(batches)


def _pooled(maps: torch.Tensor) -> torch.Tensor:
    """(N, F, h, w), (N, tokens, F) or (N, F) to (N, F), averaged in float32."""
    if maps.ndim == 4:
        return maps.float().mean(dim=(2, 3))
    if maps.ndim == 3:
        return maps.float().mean(dim=1)
    return maps.flatten(1)


@contextmanager
def _frozen(body: nn.Module, device: torch.device) -> Iterator[None]:
    """`body` in evaluation mode on `device`; each module's own flag, and the device, are put back."""
    flags = [(module, module.training) for module in body.modules()]
    home = next((tensor.device for tensor in body.state_dict().values()), device)
    body.eval().to(device)
    try:
        yield
    finally:
        body.to(home)
        for module, training in flags:
            module.training = training


def _pixels(images: np.ndarray | LabelledImages) -> np.ndarray:
    pixels = images.images if isinstance(images, LabelledImages) else images
    if not isinstance(pixels, np.ndarray) or pixels.dtype != np.uint8 or pixels.ndim != 4 or pixels.shape[1] != 3:
        kind, shape = getattr(pixels, "dtype", type(pixels).__name__), tuple(getattr(pixels, "shape", ()))
        raise DataError(
            f"Images must be a uint8 array of shape (N, 3, height, width), not {kind} of shape {shape}.",
            "Give labelled images, or their .images.",
        )
    if not len(pixels):
        raise DataError("There are no images.", "Give at least one.")
    return pixels


def _cache_file(body: nn.Module, pixels: np.ndarray, settings: tuple[Any, ...]) -> Path:
    """A name that changes with the network, its weights, the images and the settings."""
    digest = hashlib.sha256(repr((settings, str(body), pixels.shape)).encode())
    for name, tensor in body.state_dict().items():
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    digest.update(np.ascontiguousarray(pixels).data)
    return _folder() / f"{digest.hexdigest()}.npz"


def _folder() -> Path:
    return storage.cache_dir() / "features"


def _read(path: Path) -> np.ndarray | None:
    """The features in a file; None if it is missing or damaged. A zip's checksum covers every byte."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            features = archive["features"]
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        _log.info("Feature file %s is damaged and is made again: %s", path, error)
        return None
    return features if features.ndim == 2 and features.dtype == np.float32 else None


def _write(path: Path, features: np.ndarray) -> None:
    """Keep features if the disk allows: a full disk costs the next run some time, not this one its result."""
    buffer = io.BytesIO()
    np.savez(buffer, features=features)
    try:
        storage.write_bytes(path, buffer.getvalue())
    except StorageError as error:
        _log.info("Features are not kept: %s", error)
