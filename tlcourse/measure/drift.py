"""Whether what arrives after release still looks like what a model was made for; no label is needed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from tlcourse.errors import DataError

Score = Callable[[np.ndarray, np.ndarray], float]
"""Of a reference and a window: how different they are; larger is more different."""


def ks_distance(reference: np.ndarray, window: np.ndarray) -> float:
    """The largest gap between two samples' cumulative shares, 0 to 1 (Smirnov 1948, "Table for Estimating the Goodness
    of Fit of Empirical Distributions").

    Args:
        reference, window: one number an example, such as its confidence, shapes (N,) and (M,).

    Raises:
        DataError: a sample that is empty or has more than one number an example.
    """
    if np.ndim(reference) != 1 or np.ndim(window) != 1 or not len(reference) or not len(window):
        raise DataError("The samples must hold one number for each example.", "Give two arrays of shape (N,).")
    both = np.concatenate([reference, window])
    shares = [np.searchsorted(np.sort(sample), both, side="right") / len(sample) for sample in (reference, window)]
    return float(np.abs(shares[0] - shares[1]).max())


def mmd_distance(reference: np.ndarray, window: np.ndarray) -> float:
    """The squared maximum mean discrepancy of two samples of features, unbiased (Gretton et al. 2012, "A Kernel
    Two-Sample Test", equation 3), with a Gaussian kernel whose width is the reference's median distance.

    About 0 where both come from one distribution; below 0 by chance.

    Args:
        reference, window: features, shapes (N, F) and (M, F), N and M at least 2.

    Raises:
        DataError: shapes that do not fit.
    """
    x, z = np.asarray(reference, float), np.asarray(window, float)
    if x.ndim != 2 or z.ndim != 2 or x.shape[1] != z.shape[1] or min(len(x), len(z)) < 2:
        raise DataError(
            f"Features of the shapes {x.shape} and {z.shape} cannot be compared.", "Give (N, F) and (M, F)."
        )
    within = _squared_distances(x, x)
    width = float(np.median(within[~np.eye(len(x), dtype=bool)])) or 1.0
    kernel = np.exp(-within / width)
    same = (kernel.sum() - np.trace(kernel)) / (len(x) * (len(x) - 1))
    own = np.exp(-_squared_distances(z, z) / width)
    new = (own.sum() - np.trace(own)) / (len(z) * (len(z) - 1))
    return float(same + new - 2 * np.exp(-_squared_distances(x, z) / width).mean())


def _squared_distances(x: np.ndarray, z: np.ndarray) -> np.ndarray:
    return np.maximum((x**2).sum(1)[:, None] + (z**2).sum(1) - 2 * x @ z.T, 0)


def window_scores(reference: np.ndarray, stream: np.ndarray, size: int, score: Score) -> np.ndarray:
    """The score of each window of `size` examples of a stream, one after another without overlap, shape (windows,).

    Raises:
        DataError: the stream holds no whole window.
    """
    windows = len(stream) // size if size > 0 else 0
    if not windows:
        raise DataError(f"{len(stream)} examples hold no window of {size}.", "Take smaller windows.")
    return np.array([score(reference, stream[start * size : (start + 1) * size]) for start in range(windows)])


def alarm_threshold(clean: Sequence[float] | np.ndarray, rate: float) -> float:
    """The score above which a window raises an alarm, so that a clean one does so with a probability of at most `rate`.

    With n clean scores it is the k-th smallest, k = ceil((1 - rate) (n + 1)): a new clean score is as likely to fall
    into any of the n + 1 gaps between them (Vovk, Gammerman & Shafer 2005, "Algorithmic Learning in a Random World").
    Infinite if there are too few: a rate of 1 in 100 takes at least 99 clean windows.

    Args:
        clean: scores of windows without drift, none of them part of the reference, shape (n,).
        rate: the false-alarm rate of a single window, between 0 and 1.

    Raises:
        DataError: no clean score, or a rate that is no share.
    """
    scores = np.sort(np.asarray(clean, float))
    if scores.ndim != 1 or not len(scores) or not 0 < rate < 1:
        raise DataError(f"{len(scores)} clean scores and a rate of {rate} give no threshold.", "Give clean windows.")
    # Decimal rates are not exact in binary: 0.9 * 50 must not be rounded up to 46.
    k = int(np.ceil(round((1 - rate) * (len(scores) + 1), 9)))
    return float(scores[k - 1]) if k <= len(scores) else float("inf")


def alarm_delay(scores: Sequence[float] | np.ndarray, threshold: float, start: int = 0) -> int | None:
    """Windows from the first drifted one, number `start`, to the first alarm, both counted; None without an alarm.

    Alarms before `start` are false, and are not looked at.
    """
    late = np.flatnonzero(np.asarray(scores, float)[start:] > threshold)
    return int(late[0]) + 1 if len(late) else None
