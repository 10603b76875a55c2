"""Augmentation changes training batches alone."""

from __future__ import annotations

import numpy as np
import torch
from fastai.vision.augment import Flip

from tlcourse.worlds import LabelledImages


def halves(n: int = 8) -> LabelledImages:
    """Dark on the left, bright on the right."""
    images = np.zeros((n, 3, 16, 16), np.uint8)
    images[..., 8:] = 255
    return LabelledImages(images, np.arange(n) % 2, ("a", "b"), "halves")


def test_training_batches_are_augmented_and_validation_is_not() -> None:
    data = halves()
    dls = data.dataloaders(data, batch_size=4, batch_transforms=[Flip(p=1.0)])
    train, valid = dls.train.one_batch()[0], dls.valid.one_batch()[0]
    assert float(train[..., :8].mean()) > 0.99 and float(valid[..., :8].mean()) < 0.01


def test_test_time_augmentation_asks_for_views() -> None:
    data = halves()
    dls = data.dataloaders(data, batch_size=4, batch_transforms=[Flip(p=1.0)])
    with dls.valid.dataset.set_split_idx(0):
        assert float(dls.valid.one_batch()[0][..., :8].mean()) > 0.99
    assert torch.equal(dls.valid.one_batch()[0][0, :, :, 0], torch.zeros(3, 16))
