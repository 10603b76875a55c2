"""A test set that can be looked at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tlcourse.errors import CourseError, DataError
from tlcourse.measure.audits import wilson_interval


@dataclass(frozen=True)
class TestScore:
    """What the one look at a test set showed: accuracy with its 95 % interval (Wilson), 0 to 1."""

    __test__ = False  # pytest takes names that begin so for tests

    accuracy: float
    low: float
    high: float
    n: int

    def __str__(self) -> str:
        return f"{self.accuracy:.3f} [{self.low:.3f}, {self.high:.3f}] on {self.n:,} images, looked at once"


class SealedTest:
    """The labels of a test set, behind a seal that one score breaks.

    A seal in memory stops no cheat, who can make another. It stops an accident: the second look that nobody meant to
    take, and it says what the first one was.

    Args:
        labels: integers, shape (N,).

    Raises:
        DataError: there are none.
    """

    def __init__(self, labels: Sequence[int] | np.ndarray) -> None:
        self._labels = np.array(labels)  # a copy: what happens to the caller's array changes no score
        if self._labels.ndim != 1 or not len(self._labels):
            raise DataError(
                f"Labels of shape {self._labels.shape} make no test set.", "Give one label for each test image."
            )
        self.seen: TestScore | None = None

    def __repr__(self) -> str:
        return f"a test set of {len(self._labels):,} labels, " + (f"used: {self.seen}" if self.seen else "sealed")

    def score(self, predictions: Sequence[int] | np.ndarray) -> TestScore:
        """The accuracy of these predictions, once.

        Args:
            predictions: integers, shape (N,).

        Raises:
            DataError: not one prediction for each label; the seal stays whole.
            CourseError: this test set has been used.
        """
        if self.seen is not None:
            raise CourseError(
                f"This test set has been used: {self.seen}.",
                "Choose on validation images, and collect new test images for another final score.",
            )
        given = np.asarray(predictions)
        if given.shape != self._labels.shape:
            raise DataError(
                f"Predictions of shape {given.shape} do not fit {len(self._labels)} labels; the seal is whole.",
                "Give one class for each test image, in order.",
            )
        right = int(np.sum(given == self._labels))
        low, high = wilson_interval(right, len(given))
        self.seen = TestScore(right / len(given), low, high, len(given))
        return self.seen
