"""Where the better of two choices changes: the crossing of two curves, with an interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tlcourse.errors import DataError
from tlcourse.measure.intervals import mean_band


@dataclass(frozen=True)
class Border:
    """Where a gap passes zero, in the unit of the sizes.

    Args:
        at: where the mean gap does; None if it keeps its sign over all sizes measured.
        low, high: the nearest sizes below and above at which the gap's interval begins to leave out 0; None where it
            covers 0 as far as was measured: the border's own interval is open on that side.
    """

    at: float | None
    low: float | None
    high: float | None

    def __str__(self) -> str:
        if self.at is None:
            return "no border among the sizes measured"
        ends = ["open" if end is None else f"{end:.3g}" for end in (self.low, self.high)]
        return f"{self.at:.3g} [{ends[0]}, {ends[1]}]"


def crossing_size(sizes: Sequence[float] | np.ndarray, gaps: Sequence[float] | np.ndarray) -> float | None:
    """The first size at which a gap passes zero.

    Between two measured sizes the gap is taken as a straight line over the logarithm of the size.

    Args:
        sizes: positive and increasing, shape (points,).
        gaps: one a size.

    Returns:
        The size, or None if the gap keeps its sign: nothing is extrapolated.

    Raises:
        DataError: sizes that do not increase from above 0, or another number of gaps.
    """
    return next(iter(_crossings(sizes, gaps)), None)


def _crossings(sizes: Sequence[float] | np.ndarray, gaps: Sequence[float] | np.ndarray) -> list[float]:
    """Every size at which a gap passes zero, increasing."""
    x, y = np.asarray(sizes, float), np.asarray(gaps, float)
    if x.ndim != 1 or x.shape != y.shape or not len(x) or x[0] <= 0 or (np.diff(x) <= 0).any():
        raise DataError(
            f"{y.shape} gaps at sizes {x.tolist()} are no curve.", "Give one gap for each of some increasing sizes."
        )
    found = [float(x[0])] if y[0] == 0 else []
    for left in np.flatnonzero((y[:-1] * y[1:] < 0) | ((y[1:] == 0) & (y[:-1] != 0))):
        share = y[left] / (y[left] - y[left + 1])
        found.append(float(x[left] * (x[left + 1] / x[left]) ** share))
    return found


def border(sizes: Sequence[float] | np.ndarray, first: np.ndarray, second: np.ndarray, level: float = 0.95) -> Border:
    """The size at which two curves cross, and the sizes between which the interval of their paired gap covers 0.

    The interval holds the sizes at which a test of the gap would not decide, as in Fieller (1954), "Some Problems in
    Interval Estimation", with a straight line between measured sizes.

    Args:
        sizes: increasing, shape (points,).
        first, second: accuracies of runs that share their seeds, shape (seeds, points).
        level: of the gap's interval at each size.

    Raises:
        DataError: shapes that do not fit, or what `mean_band` refuses.
    """
    first, second = np.asarray(first, float), np.asarray(second, float)
    if first.shape != second.shape:
        raise DataError(f"Curves of shapes {first.shape} and {second.shape} are no pairs.", "Share seeds and sizes.")
    mean, low, high = mean_band(first - second, level)
    at = crossing_size(sizes, mean)
    if at is None:
        return Border(None, None, None)
    ends = [*_crossings(sizes, low), *_crossings(sizes, high)]
    below, above = [end for end in ends if end < at], [end for end in ends if end > at]
    return Border(at, max(below, default=None), min(above, default=None))
