"""How sure a mean over seeds is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tlcourse.errors import DataError


@dataclass(frozen=True)
class Interval:
    """A mean and the ends of its confidence interval, in the unit of the values."""

    mean: float
    low: float
    high: float
    n: int

    @property
    def half_width(self) -> float:
        """Half the distance between the ends."""
        return (self.high - self.low) / 2

    @property
    def verdict(self) -> str:
        """Of a difference: "a gain" or "a loss" if the interval leaves out 0, else "a tie"."""
        return "a gain" if self.low > 0 else "a loss" if self.high < 0 else "a tie"

    def __str__(self) -> str:
        return f"{self.mean:.3f} [{self.low:.3f}, {self.high:.3f}], n = {self.n}"


def mean_interval(values: Sequence[float] | np.ndarray, level: float = 0.95) -> Interval:
    """Student's t interval for the mean of independent runs.

    mean ± t * s / sqrt(n), with s the sample standard deviation (n - 1 below) and t the two-sided quantile with n - 1
    degrees of freedom (Student 1908, "The probable error of a mean").

    Args:
        values: one number a run, shape (n,), n at least 2.
        level: the share of such intervals that cover the true mean.

    Raises:
        DataError: fewer than two values, a value that is not finite, or a level that is no share.
    """
    mean, low, high = (float(band[0]) for band in mean_band(np.asarray(values, float).reshape(-1, 1), level))
    return Interval(mean, low, high, len(values))


def mean_band(runs: np.ndarray, level: float = 0.95) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """`mean_interval` at every point of a curve.

    Args:
        runs: shape (n, points), one row a run.
        level: as above, for each point by itself.

    Returns:
        (mean, low, high), each of shape (points,).
    """
    from scipy import stats

    runs = np.asarray(runs, float)
    if runs.ndim != 2 or len(runs) < 2:
        raise DataError(
            f"An interval over runs needs at least two runs in rows, not an array of shape {runs.shape}.",
            "Repeat the experiment with other seeds.",
        )
    if not np.isfinite(runs).all():
        raise DataError("A run holds a value that is not finite.", "Look for a loss that became NaN.")
    if not 0 < level < 1:
        raise DataError(f"A level of {level:g} is no share.", "Give a number between 0 and 1, such as 0.95.")
    n = len(runs)
    mean = runs.mean(0)
    reach = stats.t.ppf((1 + level) / 2, n - 1) * runs.std(0, ddof=1) / np.sqrt(n)
    return mean, mean - reach, mean + reach


def paired_gap(better: Sequence[float], worse: Sequence[float], level: float = 0.95) -> Interval:
    """The interval of the mean difference of runs that share their seeds; if it covers 0, there is no gap to speak of.

    Args:
        better, worse: shape (n,), the same seeds in the same order.

    Raises:
        DataError: the arms have different numbers of runs, or what `mean_interval` refuses.
    """
    if len(better) != len(worse):
        raise DataError(f"{len(better)} and {len(worse)} runs are no pairs.", "Run both arms with the same seeds.")
    return mean_interval(np.asarray(better, float) - np.asarray(worse, float), level)
