"""How far training has moved a network's features."""

from __future__ import annotations

import numpy as np

from tlcourse.errors import DataError


def feature_shift(before: np.ndarray, after: np.ndarray) -> float:
    """The mean distance that an image's features have moved, in units of their spread before.

    sqrt(mean_i ||f'(x_i) - f(x_i)||^2 / mean_i ||f(x_i) - m||^2), with m the mean before: 0 is not moved at all, 1 is
    moved as far as features lie from their mean. Kumar et al. (2022, "Fine-Tuning can Distort Pretrained Features and
    Underperform Out-of-Distribution") report plain distances; a ratio can be compared between domains.

    Args:
        before, after: features of the same images in the same order, shape (N, F).

    Raises:
        DataError: other shapes, or features that do not vary.
    """
    before, after = _pair(before, after)
    if before.shape != after.shape:
        raise DataError(f"Features of {before.shape} and {after.shape}.", "Compare one network before and after.")
    spread = np.square(before - before.mean(0)).sum(1).mean()
    if spread == 0:
        raise DataError("The features before do not vary.", "Give features of more than one image.")
    return float(np.sqrt(np.square(after - before).sum(1).mean() / spread))


def linear_cka(before: np.ndarray, after: np.ndarray) -> float:
    """Centred kernel alignment with a linear kernel: ||B^T A||^2 / (||B^T B|| ||A^T A||) of centred features
    (Kornblith et al. 2019, "Similarity of Neural Network Representations Revisited", section 3).

    1 where the features are the same up to a rotation and a scale, which a new head undoes; 0 where they have nothing
    in common.

    Args:
        before, after: features of the same images in the same order, shapes (N, F) and (N, G).

    Raises:
        DataError: different numbers of images, or features that do not vary.
    """
    before, after = _pair(before, after)
    b, a = before - before.mean(0), after - after.mean(0)
    below = np.linalg.norm(b.T @ b) * np.linalg.norm(a.T @ a)
    if below == 0:
        raise DataError("The features do not vary.", "Give features of more than one image.")
    return float(np.linalg.norm(b.T @ a) ** 2 / below)


def _pair(before: np.ndarray, after: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    before, after = np.asarray(before, np.float64), np.asarray(after, np.float64)
    if before.ndim != 2 or after.ndim != 2 or len(before) != len(after) or not len(before):
        raise DataError(
            f"Features of shapes {before.shape} and {after.shape} are not of the same images.",
            "Give one row for each image, in the same order.",
        )
    return before, after
