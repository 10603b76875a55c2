"""Three baselines that a transfer must beat before it has shown anything, at the same labels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from tlcourse.errors import CourseError
from tlcourse.models.glyphnet import GLYPH_MEAN, GLYPH_STD, GlyphNet
from tlcourse.transfer.features import frozen_features
from tlcourse.transfer.probe import linear_probe
from tlcourse.transfer.training import fit, normalised
from tlcourse.worlds.images import LabelledImages

BASELINES = ("majority class", "from scratch", "frozen features")
"""The commonest training class, GlyphNet from random weights, and a linear probe on GlyphNet's features."""

SCRATCH_STEPS = 150
"""Steps of training from scratch, 32 pictures each."""


_STRENGTHS = (1.0, 10.0, 100.0)


def baseline_predictions(
    train: LabelledImages, pictures: np.ndarray, *, names: Sequence[str] = BASELINES, seed: int = 0
) -> dict[str, np.ndarray]:
    """What the baselines say of pictures, all from the same labels.

    "from scratch" takes `SCRATCH_STEPS` steps at a peak rate of 0.003; the probe's penalty is chosen from three by
    cross-validation. Nothing is kept on disk.

    Args:
        train: labelled pictures.
        pictures: uint8, shape (N, 3, height, width).
        names: which of `BASELINES`.
        seed: of training from scratch (random weights, the order of the pictures), and of the probe's folds.

    Returns:
        class numbers of shape (N,) by name.

    Raises:
        CourseError: there is no such baseline.
    """
    if unknown := sorted(set(names) - set(BASELINES)):
        raise CourseError(f"There is no baseline {unknown[0]!r}.", f"They are {', '.join(BASELINES)}.")
    ways = dict(zip(BASELINES, (_majority, _scratch, _frozen), strict=True))
    return {name: ways[name](train, pictures, seed) for name in names}


def _majority(train: LabelledImages, pictures: np.ndarray, seed: int) -> np.ndarray:
    return np.full(len(pictures), np.bincount(train.labels).argmax())


def _scratch(train: LabelledImages, pictures: np.ndarray, seed: int) -> np.ndarray:
    torch.manual_seed(seed)
    network = GlyphNet(len(train.classes))
    fit(network, train, train.subset([0]), steps=SCRATCH_STEPS, rate=3e-3, seed=seed)
    with torch.no_grad():
        found = [network(part).argmax(1).cpu().numpy() for part in normalised(pictures).split(256)]
    return np.concatenate(found)


def _frozen(train: LabelledImages, pictures: np.ndarray, seed: int) -> np.ndarray:
    body = GlyphNet.pretrained().body
    x, z = (
        frozen_features(body, images, mean=GLYPH_MEAN, std=GLYPH_STD, cache=False)
        for images in (train.images, pictures)
    )
    return linear_probe(x, train.labels, z, np.zeros(len(z), np.int64), strengths=_STRENGTHS, seed=seed).predictions
