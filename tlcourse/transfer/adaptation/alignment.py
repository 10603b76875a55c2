"""Making two sets of features alike: second moments (CORAL) and whole distributions (MMD)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from tlcourse.errors import DataError

KERNEL_WIDTHS = (0.25, 0.5, 1.0, 2.0, 4.0)
"""Multiples of the mean squared distance: a sum of kernels is sharp somewhere, whatever the scale of the features."""


def coral(source: np.ndarray, target: np.ndarray, ridge: float = 1.0) -> np.ndarray:
    """Source features with the target's mean and covariance (Sun, Feng & Saenko 2016, "Return of Frustratingly Easy
    Domain Adaptation", algorithm 1).

    (x - m_s) (C_s + r I)^(-1/2) (C_t + r I)^(1/2) + m_t: the source is whitened with its own covariance and coloured
    with the target's. The paper standardises both domains first; here the means are moved instead.

    Args:
        source, target: features, shapes (N, F) and (M, F).
        ridge: r, added to each variance, so that directions without any spread can be divided by.

    Returns:
        float64, shape (N, F).

    Raises:
        DataError: shapes that do not fit, or fewer than two rows.
    """
    source, target = feature_pair(source, target)
    identity = ridge * np.eye(source.shape[1])
    whiten = _power(np.cov(source.T) + identity, -0.5)
    colour = _power(np.cov(target.T) + identity, 0.5)
    return (source - source.mean(0)) @ whiten @ colour + target.mean(0)


def coral_loss(source: Tensor, target: Tensor) -> Tensor:
    """How far two covariances are apart (Sun & Saenko 2016, "Deep CORAL", equation 1).

    ||C_s - C_t||_F^2 / (4 F^2), with covariances that divide by n - 1.

    Args:
        source, target: features, shapes (N, F) and (M, F); at least two rows each.

    Returns:
        A scalar that gradients flow through.
    """
    gap = torch.cov(source.T) - torch.cov(target.T)
    return gap.square().sum() / (4 * source.shape[1] ** 2)


def mmd(source: Tensor, target: Tensor, widths: Sequence[float] = KERNEL_WIDTHS) -> Tensor:
    """The squared maximum mean discrepancy between two samples (Gretton et al. 2012, "A Kernel Two-Sample Test",
    equation 5; a sum of kernels as in
    Long et al. 2015, "Learning Transferable Features with Deep Adaptation Networks").

    mean k(s, s') + mean k(t, t') - 2 mean k(s, t), over all pairs (the biased estimate, never below 0), with
    k(x, y) the mean over widths w of exp(-||x - y||^2 / (w d)) and d the mean squared distance of all pairs of two
    different rows.

    Args:
        source, target: features, shapes (N, F) and (M, F).
        widths: multiples of d.

    Returns:
        A scalar that gradients flow through; none through d.
    """
    both = torch.cat([source, target])
    # Not torch.cdist: the gradient of its root is infinite at distance 0, and each row is at 0 from itself.
    norms = both.square().sum(1)
    distances = (norms[:, None] + norms[None, :] - 2 * both @ both.T).clamp(min=0)
    rows = len(both)
    scale = distances.detach().sum() / max(rows * (rows - 1), 1) + 1e-12
    kernel = torch.stack([torch.exp(-distances / (width * scale)) for width in widths]).mean(0)
    n = len(source)
    return kernel[:n, :n].mean() + kernel[n:, n:].mean() - 2 * kernel[:n, n:].mean()


def _power(matrix: np.ndarray, exponent: float) -> np.ndarray:
    """A symmetric positive definite matrix to a power."""
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * values**exponent) @ vectors.T


def feature_pair(source: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Features of two domains as float64, shapes (N, F) and (M, F); a DataError says what does not fit."""
    source, target = np.asarray(source, np.float64), np.asarray(target, np.float64)
    if (
        source.ndim != 2
        or target.ndim != 2
        or source.shape[1] != target.shape[1]
        or min(map(len, (source, target))) < 2
    ):
        raise DataError(
            f"Source features of shape {source.shape} and target features of shape {target.shape} cannot be aligned.",
            "Give (N, F) and (M, F) from the same body, with at least two rows each.",
        )
    return source, target
