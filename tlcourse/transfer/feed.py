"""Photos from files to a card that never waits: decoded in workers or on the card, augmented there in whole batches."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

from tlcourse.errors import CourseError
from tlcourse.models.device import best_device, memory_format

Decoder = Literal["processor", "card"]
_SMALLEST_CROP = 0.35
"""Least share of a photo's area that a crop shows, as in fastai's `RandomResizedCrop`."""


class PhotoFeed:
    """Shuffled training batches of photos, ready on the device: normalised, augmented, in the layout it likes.

    Workers read ahead; what they hand over is pinned and copied while the card computes. Crops are drawn for each
    photo, mirrors and light for each photo of a batch on the device.

    Args:
        files: JPEG files (any photo with decode="processor").
        labels: an integer for each.
        size: side of the square crops, in pixels.
        batch_size: photos a batch; the last, smaller batch of a pass is left out.
        mean, std: what to normalise with, three numbers each in [0, 1].
        device: where the batches are wanted; the best there is if left out.
        workers: reading processes; by default one a core, and none on a machine without a card.
        decode: "card" decodes with the card's own JPEG unit (torchvision's `decode_jpeg`), "processor" in the workers,
            at a fraction of the size where the crop allows.
        flip: mirror half of the photos.
        light: brightness and contrast are changed by up to this share.
        seed: order, crops and views.

    Raises:
        CourseError: no files, fewer than a batch, or a decoder that the device does not have.
    """

    def __init__(
        self,
        files: Sequence[str | Path],
        labels: Sequence[int],
        *,
        size: int,
        batch_size: int,
        mean: Sequence[float],
        std: Sequence[float],
        device: torch.device | str | None = None,
        workers: int | None = None,
        decode: Decoder = "processor",
        flip: bool = True,
        light: float = 0.2,
        seed: int = 0,
    ) -> None:
        self.device = torch.device(device) if device is not None else best_device()
        if len(files) < batch_size or len(files) != len(labels):
            raise CourseError(
                f"{len(files)} photos with {len(labels)} labels make no batch of {batch_size}.",
                "Give one label for each photo, and a batch no larger than their number.",
            )
        if decode == "card" and self.device.type != "cuda":
            raise CourseError("Only a CUDA card decodes photos.", 'Give decode="processor".')
        on_card = self.device.type == "cuda"
        workers = (os.cpu_count() or 1) * on_card if workers is None else workers
        self.size, self.flip, self.light, self.decode = size, flip, light, decode
        self.mean, self.std = (torch.tensor(v, device=self.device).view(1, 3, 1, 1) for v in (mean, std))
        self.generator = torch.Generator().manual_seed(seed)
        self.loader: DataLoader[Any] = DataLoader(
            _Files(list(files), list(labels), size, decode),
            batch_size,
            shuffle=True,
            drop_last=True,
            num_workers=workers,
            pin_memory=on_card and decode == "processor",
            persistent_workers=workers > 0,
            prefetch_factor=4 if workers else None,
            generator=self.generator,
            collate_fn=_together,
        )

    def __len__(self) -> int:
        return len(self.loader)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        """One pass: (images (N, 3, size, size), labels (N,)), each prepared while the one before is trained on."""
        if self.device.type != "cuda":
            for photos, labels in self.loader:
                yield self._prepared(photos, labels)
            return
        beside, here = torch.cuda.Stream(self.device), torch.cuda.current_stream(self.device)
        ahead: tuple[Tensor, Tensor] | None = None
        for photos, labels in self.loader:
            with torch.cuda.stream(beside):
                following = self._prepared(photos, labels)
            if ahead is not None:
                yield ahead
            here.wait_stream(beside)
            for tensor in following:
                tensor.record_stream(here)
            ahead = following
        if ahead is not None:
            yield ahead

    def _prepared(self, photos: Any, labels: Tensor) -> tuple[Tensor, Tensor]:
        x = self._decoded(photos) if self.decode == "card" else photos.to(self.device, non_blocking=True)
        x = x.float().div_(255)
        draws = torch.rand(3, len(x), 1, 1, 1, generator=self.generator).to(self.device, non_blocking=True)
        if self.flip:
            x = torch.where(draws[0] < 0.5, x.flip(-1), x)
        gain, shift = (1 + self.light * (2 * draw - 1) for draw in draws[1:])
        middle = x.mean((1, 2, 3), keepdim=True)
        x = ((x - middle) * gain + middle * shift).clamp_(0, 1)
        x = (x - self.mean) / self.std
        return x.contiguous(memory_format=memory_format(self.device)), labels.to(self.device, non_blocking=True)

    def _decoded(self, photos: list[Tensor]) -> Tensor:
        """Files' bytes to crops, on the card."""
        from torchvision.io import ImageReadMode, decode_jpeg

        side = (self.size, self.size)
        whole = decode_jpeg(photos, mode=ImageReadMode.RGB, device=self.device)
        shares = torch.rand(len(photos), 3, generator=self.generator).numpy()
        crops = []
        for photo, draws in zip(whole, shares, strict=True):
            height, width = photo.shape[-2:]
            top, left, edge = _crop(height, width, draws)
            cut = photo[None, :, top : top + edge, left : left + edge].float()
            crops.append(functional.interpolate(cut, side, mode="bilinear", antialias=True, align_corners=False))
        return torch.cat(crops)


class _Files(Dataset[Any]):
    """A photo as its file's bytes, or as a crop, with its label."""

    def __init__(self, files: list[str | Path], labels: list[int], size: int, decode: Decoder) -> None:
        self.files, self.labels, self.size, self.decode = files, labels, size, decode

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        data = Path(self.files[index]).read_bytes()
        if self.decode == "card":
            return torch.frombuffer(bytearray(data), dtype=torch.uint8), self.labels[index]
        return torch.from_numpy(_cropped(data, self.size, torch.rand(3).numpy())), self.labels[index]


def _cropped(data: bytes, size: int, draws: np.ndarray) -> np.ndarray:
    """uint8, shape (3, size, size). A JPEG is decoded at a fraction of its size where the crop stays larger."""
    with Image.open(io.BytesIO(data)) as photo:
        width, height = photo.size
        top, left, edge = _crop(height, width, draws)
        photo.draft("RGB", (max(1, width * size // edge), max(1, height * size // edge)))
        scale = photo.size[0] / width
        box = (left * scale, top * scale, (left + edge) * scale, (top + edge) * scale)
        square = photo.convert("RGB").resize((size, size), Image.Resampling.BILINEAR, box)
    return np.ascontiguousarray(np.asarray(square).transpose(2, 0, 1))


def _crop(height: int, width: int, draws: np.ndarray) -> tuple[int, int, int]:
    """(top, left, edge) of a square crop, from three numbers in [0, 1)."""
    least = int(np.sqrt(_SMALLEST_CROP * height * width))
    longest = min(height, width)
    edge = longest if least >= longest else int(least + draws[0] * (longest - least + 1))
    return int(draws[1] * (height - edge + 1)), int(draws[2] * (width - edge + 1)), edge


def _together(rows: list[tuple[Tensor, int]]) -> tuple[Any, Tensor]:
    photos, labels = zip(*rows, strict=True)
    same = len({photo.shape for photo in photos}) == 1 and photos[0].ndim == 3
    return (torch.stack(photos) if same else list(photos)), torch.tensor(labels)
