"""Screening for what is rare: thresholds, what they find and what they raise, with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tlcourse.errors import DataError
from tlcourse.measure.audits import wilson_interval

Array = Sequence[float] | np.ndarray


@dataclass(frozen=True)
class Screening:
    """What a threshold does on a set of examples: an example is flagged if its score is the threshold or higher.

    Args:
        threshold: the least score that is flagged.
        found, missed: positives that are flagged, and that are not.
        false_alarms, cleared: negatives that are flagged, and that are not.
    """

    threshold: float
    found: int
    missed: int
    false_alarms: int
    cleared: int

    @property
    def sensitivity(self) -> float:
        """The share of the positives that is found (also called recall, or true-positive rate)."""
        return self.found / (self.found + self.missed)

    @property
    def specificity(self) -> float:
        """The share of the negatives that is left in peace (1 - the false-positive rate)."""
        return self.cleared / (self.cleared + self.false_alarms)

    @property
    def precision(self) -> float:
        """The share of the flagged that is positive; NaN if nothing is flagged."""
        flagged = self.found + self.false_alarms
        return self.found / flagged if flagged else float("nan")

    @property
    def accuracy(self) -> float:
        """The share of all that is named right."""
        return (self.found + self.cleared) / (self.found + self.missed + self.false_alarms + self.cleared)

    @property
    def sensitivity_interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval of the sensitivity."""
        return wilson_interval(self.found, self.found + self.missed)

    @property
    def specificity_interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval of the specificity."""
        return wilson_interval(self.cleared, self.cleared + self.false_alarms)

    def __str__(self) -> str:
        sure = [
            f"{name} {share:.3f} [{low:.3f}, {high:.3f}]"
            for name, share, (low, high) in (
                ("sensitivity", self.sensitivity, self.sensitivity_interval),
                ("specificity", self.specificity, self.specificity_interval),
            )
        ]
        return f"{', '.join(sure)}, precision {self.precision:.3f}, accuracy {self.accuracy:.3f}"


def screening(scores: Array, labels: Array, threshold: float) -> Screening:
    """Count what a threshold finds and misses.

    Args:
        scores: shape (N,); higher means more likely positive.
        labels: 0 or 1, shape (N,).
        threshold: scores from here on are flagged.

    Raises:
        DataError: shapes that do not fit, scores that are not finite, or not both labels.
    """
    s, positive = _checked(scores, labels)
    flagged = s >= threshold
    return Screening(
        threshold=float(threshold),
        found=int(np.sum(flagged & positive)),
        missed=int(np.sum(~flagged & positive)),
        false_alarms=int(np.sum(flagged & ~positive)),
        cleared=int(np.sum(~flagged & ~positive)),
    )


def threshold_at_specificity(scores: Array, labels: Array, specificity: float) -> float:
    """The lowest threshold that leaves at least this share of the negatives in peace.

    Choose it on validation examples; on others it will give another specificity. The negatives alone decide.

    Args:
        scores, labels: as in `screening`; of the labels the negatives are enough.
        specificity: the share, above 0 and up to 1.

    Returns:
        One of the scores, or just above the highest one.

    Raises:
        DataError: what `screening` refuses, no negative, or a share that is none.
    """
    s, positive = _checked(scores, labels, both=False)
    negatives = np.sort(s[~positive])
    if not len(negatives) or not 0 < specificity <= 1:
        raise DataError(
            f"{len(negatives)} negatives have no threshold with a specificity of {specificity:g}.",
            "Give scores of negatives, and a share above 0 and up to 1.",
        )
    # So many negatives must stay below; 1e-9 keeps 0.9 * 10 from becoming 9.000000000000002 and then 10.
    below = int(np.ceil(specificity * len(negatives) - 1e-9))
    highest_below = negatives[below - 1]
    higher = s[s > highest_below]
    return float(higher.min() if len(higher) else np.nextafter(highest_below, np.inf))


def threshold_at_sensitivity(scores: Array, labels: Array, sensitivity: float) -> float:
    """The highest threshold that finds at least this share of the positives, which alone decide.

    Raises:
        DataError: what `screening` refuses, no positive, or a share that is none.
    """
    s, positive = _checked(scores, labels, both=False)
    positives = np.sort(s[positive])[::-1]
    if not len(positives) or not 0 < sensitivity <= 1:
        raise DataError(
            f"{len(positives)} positives have no threshold with a sensitivity of {sensitivity:g}.",
            "Give scores of positives, and a share above 0 and up to 1.",
        )
    return float(positives[int(np.ceil(sensitivity * len(positives) - 1e-9)) - 1])


def ranking_quality(scores: Array, labels: Array) -> float:
    """The area under the ROC curve: how often a positive scores higher than a negative, ties counted half (Hanley and
    McNeil 1982, "The meaning and use of the area under a ROC curve"). 0.5 is guessing, 1 a perfect ranking.

    Raises:
        DataError: what `screening` refuses.
    """
    from sklearn.metrics import roc_auc_score

    s, positive = _checked(scores, labels)
    return float(roc_auc_score(positive, s))


def _checked(scores: Array, labels: Array, both: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """(float scores, whether each is positive)."""
    s, y = np.asarray(scores, float), np.asarray(labels)
    if s.ndim != 1 or s.shape != y.shape or not len(s):
        raise DataError(
            f"Scores of shape {s.shape} and labels of shape {y.shape} do not fit.",
            "Give one of each for every example.",
        )
    if not np.isfinite(s).all():
        raise DataError("A score is not finite.", "Look for a division by zero in the model.")
    found = set(np.unique(y).tolist())
    if not found <= {0, 1} or (both and len(found) < 2):
        raise DataError(f"The labels are {sorted(found)}.", "Give 1 for positives and 0 for negatives, some of both.")
    return s, y == 1
