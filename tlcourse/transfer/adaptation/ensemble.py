"""Several source domains, one target: networks that each know one source vote together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from torch import nn

from tlcourse.errors import DataError
from tlcourse.models.glyphnet import GLYPH_MEAN, GLYPH_STD
from tlcourse.transfer.adaptation.training import predict


def ensemble_probabilities(
    networks: Sequence[nn.Sequential],
    images: np.ndarray,
    *,
    weights: Sequence[float] | None = None,
    mean: Sequence[float] = GLYPH_MEAN,
    std: Sequence[float] = GLYPH_STD,
) -> np.ndarray:
    """The mean of the networks' class probabilities, sum over k of w_k p_k(y | x), with weights that sum to 1.

    With one network for each source domain this is the convex combination of Mansour, Mohri & Rostamizadeh (2009,
    "Domain Adaptation with Multiple Sources", section 2), with weights that are the same for every image.

    Args:
        networks: each with the same classes in the same order, such as `adapt` has trained from one source style each.
        images: uint8, shape (N, 3, H, W).
        weights: one for each network, not negative; equal if left out.
        mean, std: what images are normalised with.

    Returns:
        float32, shape (N, classes); rows sum to 1.

    Raises:
        DataError: no network, or weights that do not fit.
    """
    shares = np.ones(len(networks)) if weights is None else np.asarray(weights, np.float64)
    if not len(networks) or shares.shape != (len(networks),) or not (shares.min() >= 0 and shares.sum() > 0):
        raise DataError(
            f"{len(networks)} networks and weights {weights} make no ensemble.",
            "Give at least one network, and no weights or one for each: 0 or more, not all 0.",
        )
    opinions = [predict(network, images, mean=mean, std=std).probabilities for network in networks]
    return np.tensordot(shares / shares.sum(), np.stack(opinions), axes=1).astype(np.float32)
