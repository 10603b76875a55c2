"""Labelled images in memory: what every picture world returns, and how it feeds PyTorch and fastai."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from tlcourse.errors import DataError

if TYPE_CHECKING:
    import torch
    from fastai.data.core import DataLoaders
    from torch.utils.data import Dataset


@dataclass(frozen=True)
class LabelledImages:
    """Images with their labels.

    Args:
        images: uint8, shape (N, 3, height, width), RGB.
        labels: int64, shape (N,); `labels[i]` indexes `classes`.
        classes: the name of each class.
        name: what to call this set in a figure.
    """

    images: np.ndarray
    labels: np.ndarray
    classes: tuple[str, ...]
    name: str

    def __post_init__(self) -> None:
        if self.images.ndim != 4 or self.images.shape[1] != 3 or self.images.dtype != np.uint8:
            raise DataError(
                f"{self.name}: images must be uint8 of shape (N, 3, height, width), "
                f"not {self.images.dtype} of shape {self.images.shape}.",
                "Convert grey images to three equal channels and move the channels in front.",
            )
        if self.labels.shape != (len(self.images),):
            raise DataError(
                f"{self.name}: {len(self.images)} images but labels of shape {self.labels.shape}.",
                "Give one label for each image.",
            )

    def __len__(self) -> int:
        return len(self.images)

    def __repr__(self) -> str:
        height, width = self.images.shape[2:]
        return f"{self.name}: {len(self):,} images of {len(self.classes)} classes, {height} x {width} px"

    def take(self, per_class: int, *, skip: int = 0) -> LabelledImages:
        """The first `per_class` images of each class after the first `skip` of it.

        Raises:
            DataError: a class has fewer images than that.
        """
        chosen = []
        for index, name in enumerate(self.classes):
            rows = np.flatnonzero(self.labels == index)[skip : skip + per_class]
            if len(rows) < per_class:
                raise DataError(
                    f"{self.name}: class {name!r} has {(self.labels == index).sum()} images, "
                    f"not the {skip + per_class} asked for.",
                    "Ask for fewer images a class.",
                )
            chosen.append(rows)
        return self.subset(np.sort(np.concatenate(chosen)))

    def subset(self, rows: np.ndarray | Sequence[int]) -> LabelledImages:
        """The images at these positions, in this order, with the same classes."""
        return replace(self, images=self.images[rows], labels=self.labels[rows])

    def tensors(self) -> tuple[torch.Tensor, torch.Tensor]:
        """(float32 images in [0, 1] of shape (N, 3, height, width), int64 labels of shape (N,))."""
        import torch

        images = torch.from_numpy(np.ascontiguousarray(self.images)).float() / 255
        return images, torch.from_numpy(np.ascontiguousarray(self.labels))

    def dataset(self, transform: Any = None) -> Dataset:
        """A PyTorch dataset of (float32 image in [0, 1] of shape (3, height, width), int label)."""
        return cast("Dataset", _TorchDataset(self, transform))  # torch's loaders ask for no more than these methods

    def dataloaders(
        self,
        valid: LabelledImages,
        *,
        batch_size: int = 64,
        seed: int = 0,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
        batch_transforms: Sequence[Any] = (),
    ) -> DataLoaders:
        """fastai DataLoaders: these images to train, `valid` to validate.

        Args:
            valid: images with the same classes.
            batch_size: images a batch.
            seed: the order of the training batches.
            mean, std: three numbers each, in [0, 1]; given, every batch is normalised with them. Give the source
                model's own, in every arm of a comparison.
            batch_transforms: fastai batch transforms to add, such as those of `aug_transforms()`, which change
                training batches alone.
        """
        from fastai.data.core import DataLoaders
        from fastai.data.transforms import IntToFloatTensor, Normalize
        from fastai.torch_core import default_device

        if valid.classes != self.classes:
            raise DataError(
                f"{self.name} and {valid.name} have different classes.", "Split one set of images into two."
            )
        after_batch = [IntToFloatTensor(), *batch_transforms]
        if mean is not None and std is not None:
            after_batch.append(Normalize.from_stats(mean, std, cuda=False))
        dls = DataLoaders.from_dsets(
            _FastaiDataset(self, split_idx=0),
            _FastaiDataset(valid, split_idx=1),
            bs=batch_size,
            val_bs=2 * batch_size,
            num_workers=0,
            after_batch=after_batch,
            device=default_device(),
        )
        dls.rng.seed(seed)
        dls.vocab, dls.c = list(self.classes), len(self.classes)
        return dls


def from_grey(scans: np.ndarray, size: int) -> np.ndarray:
    """Grey scans as images: enlarged or reduced with bicubic interpolation, in three equal channels.

    Args:
        scans: uint8, shape (N, height, width).
        size: height and width to come, pixels.

    Returns:
        uint8, shape (N, 3, size, size).
    """
    from PIL import Image

    scaled = [np.asarray(Image.fromarray(scan).resize((size, size), Image.Resampling.BICUBIC)) for scan in scans]
    return np.repeat(np.stack(scaled)[:, None], 3, axis=1)


class _TorchDataset:
    """Indexable pairs for `torch.utils.data.DataLoader`."""

    def __init__(self, data: LabelledImages, transform: Any) -> None:
        self.data, self.transform = data, transform

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        import torch

        image = torch.from_numpy(self.data.images[index]).float() / 255
        return (self.transform(image) if self.transform else image), int(self.data.labels[index])


class _FastaiDataset:
    """Indexable pairs in fastai's own types, so that its batch transforms find them, and the loss that suits labels."""

    def __init__(self, data: LabelledImages, split_idx: int) -> None:
        from fastai.data.transforms import CategoryMap
        from fastai.losses import CrossEntropyLossFlat

        self.data, self.split_idx, self.loss_func = data, split_idx, CrossEntropyLossFlat()
        self.vocab = CategoryMap(list(data.classes), sort=False)  # fastai's interpretation asks a loader for it

    def new_empty(self) -> _FastaiDataset:
        """The same without images: what `learn.export()` keeps."""
        return _FastaiDataset(self.data.subset([]), self.split_idx)

    @contextmanager
    def set_split_idx(self, i: int) -> Iterator[_FastaiDataset]:
        """For a while augment as for training (0) or not (1): fastai's test-time augmentation asks for it."""
        before, self.split_idx = self.split_idx, i
        try:
            yield self
        finally:
            self.split_idx = before

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        from fastai.torch_core import TensorImage
        from fastai.vision.core import TensorCategory

        image = TensorImage(np.ascontiguousarray(self.data.images[index]))
        return image, TensorCategory(int(self.data.labels[index]))
