"""Auditing a model group by group, and a source before it is used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tlcourse.errors import DataError
from tlcourse.measure.intervals import mean_interval

FEWEST = 10
"""Groups with fewer examples than this are not judged, only named."""


@dataclass(frozen=True)
class GroupAudit:
    """How a model does on each group.

    Args:
        size: group -> number of examples.
        accuracy: group -> share named right, 0 to 1.
        low, high: group -> the ends of the 95 % interval.
        fewest: groups smaller than this are too small to judge.
    """

    size: dict[str, int]
    accuracy: dict[str, float]
    low: dict[str, float]
    high: dict[str, float]
    fewest: int

    @property
    def average(self) -> float:
        """The share of all examples named right."""
        return sum(self.size[g] * self.accuracy[g] for g in self.size) / sum(self.size.values())

    @property
    def too_few(self) -> list[str]:
        """The groups that are too small to judge."""
        return sorted(group for group, n in self.size.items() if n < self.fewest)

    @property
    def worst(self) -> str:
        """The group of the lowest accuracy among those large enough.

        Raises:
            DataError: all are too small.
        """
        large = [group for group in self.size if group not in self.too_few]
        if not large:
            raise DataError(f"Every group has fewer than {self.fewest} examples.", "Collect more before you judge.")
        return min(large, key=self.accuracy.__getitem__)

    def __repr__(self) -> str:
        rows = [
            f"{group:24} n = {n:4}  {self.accuracy[group]:.2f} [{self.low[group]:.2f}, {self.high[group]:.2f}]"
            + ("  too few to judge" if n < self.fewest else "")
            for group, n in self.size.items()
        ]
        return "\n".join([*rows, f"{'all':24} n = {sum(self.size.values()):4}  {self.average:.2f}"])


def audit_groups(right: Sequence[bool] | np.ndarray, groups: Sequence[str], fewest: int = FEWEST) -> GroupAudit:
    """Accuracy, size and Wilson interval of each group.

    Args:
        right: whether each example was named right, shape (N,).
        groups: the group of each example.
        fewest: groups smaller than this are too small to judge.

    Raises:
        DataError: no example, or not one group for each.
    """
    right, names = np.asarray(right, bool), np.asarray(groups)
    if not len(right) or right.shape != names.shape:
        raise DataError(f"{len(right)} results and {len(names)} groups do not fit.", "Give one group for each result.")
    size, share, low, high = {}, {}, {}, {}
    for group in np.unique(names).tolist():
        mine = right[names == group]
        size[group], share[group] = len(mine), float(mine.mean())
        low[group], high[group] = wilson_interval(int(mine.sum()), len(mine))
    return GroupAudit(size, share, low, high, fewest)


def wilson_interval(successes: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """The score interval of a share (Wilson 1927, "Probable inference, the law of succession, and statistical
    inference").

    It stays between 0 and 1, and keeps a width where all or none succeed, as p ± 1.96 sqrt(p (1 - p) / n) does not.

    Raises:
        DataError: no trial, more successes than trials, or a level that is no share.
    """
    from scipy import stats

    if not 0 <= successes <= n or n < 1 or not 0 < level < 1:
        raise DataError(f"{successes} of {n} at a level of {level:g} have no interval.", "Count again.")
    z, share = float(stats.norm.ppf((1 + level) / 2)), successes / n
    below = 1 + z**2 / n
    centre = (share + z**2 / (2 * n)) / below
    reach = z * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2)) / below
    # At the ends the formula gives 0 and 1 exactly, but for rounding, which would put the share outside its interval.
    low = 0.0 if successes == 0 else float(centre - reach)
    return low, 1.0 if successes == n else float(centre + reach)


def alarm_rates(
    source: Sequence[float] | np.ndarray,
    scratch: Sequence[float] | np.ndarray,
    seeds: int,
    draws: int = 1000,
    seed: int = 0,
) -> tuple[float, float]:
    """How often two rules say that a source hurts, when one looks at a few seeds of many.

    Args:
        source, scratch: validation scores of paired runs, shape (runs,).
        seeds: how many runs one looks at, drawn without replacement each time.
        draws: how often to look.
        seed: which draws.

    Returns:
        (share of the draws in which the mean gap is below 0, share in which its whole 95 % interval is).

    Raises:
        DataError: fewer runs than seeds, or what `mean_interval` refuses.
    """
    if seeds > len(source) or len(source) != len(scratch):
        raise DataError(
            f"{len(source)} and {len(scratch)} runs have no {seeds} pairs.", "Ask for fewer seeds, or run more."
        )
    ours, without = np.asarray(source, float), np.asarray(scratch, float)
    rng = np.random.default_rng(seed)
    looks = [rng.permutation(len(ours))[:seeds] for _ in range(draws)]
    gaps = [mean_interval(ours[rows] - without[rows]) for rows in looks]
    return float(np.mean([gap.mean < 0 for gap in gaps])), float(np.mean([gap.high < 0 for gap in gaps]))
