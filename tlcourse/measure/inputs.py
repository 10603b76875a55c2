"""What a wrongly prepared input costs: accuracies of a probe on frozen features, one way to prepare beside another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch.nn import functional

from tlcourse.transfer.probe import STRENGTHS, probe_seeds
from tlcourse.worlds.images import LabelledImages


def input_costs(
    ways: Mapping[str, Callable[[LabelledImages], np.ndarray]],
    train: LabelledImages,
    test: LabelledImages,
    *,
    per_class: int,
    seeds: Iterable[int],
    strengths: Sequence[float] = STRENGTHS,
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """How well a linear probe does on features of inputs that were prepared in several ways.

    Args:
        ways: name -> a function from images to features (N, F); the first is the right way.
        train, test: labelled images.
        per_class: training images of each class, drawn anew by each seed, the same for every way.
        seeds: one probe each.
        strengths: as in `linear_probe`.

    Returns:
        name -> (accuracies where training and test images are prepared this way, accuracies where the training images
        are prepared in the right way and the test images in this one), each of shape (seeds,).
    """
    seeds, results = list(seeds), {}

    def probed(features: np.ndarray, test_features: np.ndarray) -> np.ndarray:
        return probe_seeds(features, train.labels, test_features, test.labels, per_class, seeds, strengths=strengths)

    right: np.ndarray | None = None
    for name, way in ways.items():
        features, test_features = way(train), way(test)
        same = probed(features, test_features)
        results[name] = (same, same if right is None else probed(right, test_features))
        right = features if right is None else right
    return results


def resized(data: LabelledImages, size: int) -> LabelledImages:
    """The images at `size` x `size` pixels: bilinear, with antialiasing where they shrink."""
    x = torch.from_numpy(np.ascontiguousarray(data.images)).float()
    x = functional.interpolate(x, (size, size), mode="bilinear", antialias=True, align_corners=False)
    return replace(data, images=x.round().clamp(0, 255).byte().numpy())


def channels_swapped(data: LabelledImages) -> LabelledImages:
    """The images with red and blue exchanged: what a network gets from a reader that gives BGR, as OpenCV's does."""
    return replace(data, images=np.ascontiguousarray(data.images[:, ::-1]))


def in_ink(data: LabelledImages, seed: int = 0) -> LabelledImages:
    """Grey strokes tinted red or blue at random, labelled by it: a task where nothing but colour counts."""
    red = np.random.default_rng(seed).random(len(data)) < 0.5
    images = data.images.copy()
    images[red, 1:] //= 4
    images[~red, :2] //= 4
    return LabelledImages(images, red.astype(np.int64), ("blue", "red"), f"{data.name} in red and blue ink")
