"""Reading learning curves: what transfer gave, and what a level of accuracy costs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from tlcourse.errors import DataError


@dataclass(frozen=True)
class Benefits:
    """The three benefits of transfer (Torrey & Shavlik 2009, "Transfer Learning", figure 2), transfer minus scratch.

    Args:
        start: accuracy before any step.
        slope: accuracy gained a step over the first steps.
        asymptote: accuracy at the end.
    """

    start: float
    slope: float
    asymptote: float


def benefits(
    steps: Sequence[float] | np.ndarray,
    transfer: Sequence[float] | np.ndarray,
    scratch: Sequence[float] | np.ndarray,
    *,
    first: int = 3,
    last: int = 3,
) -> Benefits:
    """Read start, slope and asymptote off two curves measured at the same steps.

    Args:
        steps: training steps, increasing from 0, shape (points,).
        transfer, scratch: accuracies at those steps, same shape.
        first: points that the slope is taken over: rise from the first to the last of them, divided by their steps.
        last: points whose mean stands for the asymptote; one point would be mostly noise.
    """
    at, with_transfer, without = (np.asarray(values, float) for values in (steps, transfer, scratch))
    if not len(at) == len(with_transfer) == len(without) or len(at) < max(first, last, 2):
        raise DataError(
            f"Curves of {len(with_transfer)} and {len(without)} points at {len(at)} steps cannot be compared.",
            f"Measure both at the same steps, at least {max(first, last, 2)} of them.",
        )

    def slope(curve: np.ndarray) -> float:
        return (curve[first - 1] - curve[0]) / (at[first - 1] - at[0])

    return Benefits(
        start=float(with_transfer[0] - without[0]),
        slope=float(slope(with_transfer) - slope(without)),
        asymptote=float(with_transfer[-last:].mean() - without[-last:].mean()),
    )


def amount_to_reach(
    amounts: Sequence[float] | np.ndarray, accuracies: Sequence[float] | np.ndarray, target: float
) -> float | None:
    """How much (labels, steps, seconds) it takes until a curve first reaches `target`.

    Between two measured points the curve is taken as a straight line.

    Args:
        amounts: increasing, shape (points,).
        accuracies: at those amounts, same shape.
        target: the accuracy to reach.

    Returns:
        The amount, or None if the curve never reaches the target: nothing is extrapolated.
    """
    points = list(zip(amounts, accuracies, strict=True))
    if not points:
        raise DataError("An empty curve reaches nothing.", "Measure at least one point.")
    if points[0][1] >= target:
        return float(points[0][0])
    for (left, low), (right, high) in pairwise(points):
        if high >= target:
            return float(left + (target - low) / (high - low) * (right - left))
    return None


def break_even_tasks(pretraining: float, with_transfer: float, from_scratch: float) -> int | None:
    """After how many target tasks pretraining has paid for itself.

    The smallest whole k with pretraining + k * with_transfer <= k * from_scratch.

    Args:
        pretraining: cost of training the source model once.
        with_transfer, from_scratch: cost of one target task, in the same unit.

    Returns:
        k, or None if a task costs as much with transfer as without: then it never pays.
    """
    saved = from_scratch - with_transfer
    if saved <= 0:
        return None
    return math.ceil(round(pretraining / saved, 9))
