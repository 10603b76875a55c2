"""Whether predictions beat a baseline on the same test pictures, beyond what the draw of these pictures can do."""

from __future__ import annotations

import numpy as np

from tlcourse.errors import DataError
from tlcourse.measure.intervals import Interval

_DRAWS = 4000


def bootstrap_gap(
    right: np.ndarray, baseline: float | np.ndarray, *, level: float = 0.95, draws: int = _DRAWS, seed: int = 0
) -> Interval:
    """How far an accuracy is above a baseline's, with a bootstrap interval over the test pictures.

    The pictures are drawn anew, with repetition, `draws` times; the interval holds the middle `level` of the gaps
    (Efron 1979, "Bootstrap Methods: Another Look at the Jackknife"). It covers which pictures happened to be in the
    test set. It does not cover the training: other seeds, other training pictures.

    Args:
        right: for each of N test pictures, whether the answer is right; shape (N,).
        baseline: the same for the baseline on the same pictures, or the share of its seeds that are right, shape (N,);
            or one accuracy that was measured on many more pictures.
        level: the share of such intervals that cover the true gap.
        draws: of the bootstrap.
        seed: of the draws.

    Raises:
        DataError: fewer than two pictures, or shapes that do not fit.
    """
    hits, others = np.asarray(right, float), np.asarray(baseline, float)
    if hits.ndim != 1 or len(hits) < 2 or others.shape not in ((), hits.shape):
        raise DataError(
            f"Answers of shape {hits.shape} and a baseline of shape {others.shape} do not fit.",
            "Give one value for each of the same test pictures.",
        )
    gaps = hits - others
    rng = np.random.default_rng(seed)
    means = gaps[rng.integers(0, len(gaps), (draws, len(gaps)))].mean(1)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(gaps.mean()), float(low), float(high), len(gaps))
