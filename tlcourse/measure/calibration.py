"""Whether a stated probability can be believed: reliability, calibration error, temperature scaling."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tlcourse.errors import DataError

BINS = 15
"""Bins of equal width, as in Guo et al. (2017)."""

_HOTTEST, _COLDEST = 20.0, 0.05  # temperatures outside are no correction, but a sign that the logits are broken


@dataclass(frozen=True)
class Reliability:
    """What was stated and what happened, bin by bin; bins without an example are left out.

    Args:
        stated: mean stated probability in each bin, shape (B,).
        happened: share of the bin's examples in which it was so, shape (B,).
        size: examples in each bin, shape (B,).
        bins: how many bins there were, empty ones too.
    """

    stated: np.ndarray
    happened: np.ndarray
    size: np.ndarray
    bins: int

    @property
    def error(self) -> float:
        """The expected calibration error, 0 to 1: the bins' gaps |happened - stated|, weighted by their sizes."""
        return float(np.sum(self.size * np.abs(self.happened - self.stated)) / self.size.sum())

    @property
    def overconfidence(self) -> float:
        """Mean stated probability minus the share in which it was so; above 0, the model promises too much."""
        return float(np.sum(self.size * (self.stated - self.happened)) / self.size.sum())


def reliability(
    stated: Sequence[float] | np.ndarray, happened: Sequence[bool] | np.ndarray, bins: int = BINS
) -> Reliability:
    """Compare stated probabilities with what happened, in bins of equal width over [0, 1].

    Bin m holds ((m - 1) / M, m / M], as in Guo et al. (2017), "On Calibration of Modern Neural Networks", section 2;
    a probability of exactly 0 goes to the first.

    Args:
        stated: probabilities, shape (N,): the confidence in the named class, or that of a positive.
        happened: whether it was so, shape (N,): the named class was right, or the example was positive.
        bins: how many.

    Raises:
        DataError: no example, shapes that do not fit, something that is no probability, or no bin.
    """
    p, was = np.asarray(stated, float), np.asarray(happened, bool)
    if p.ndim != 1 or not len(p) or p.shape != was.shape:
        raise DataError(
            f"{p.shape} probabilities and {was.shape} results do not fit.", "Give one result for each probability."
        )
    if not (np.isfinite(p).all() and p.min() >= 0 and p.max() <= 1 + 1e-6):
        raise DataError("Something stated is no probability: it lies outside 0 to 1.", "Apply a softmax first.")
    if bins < 1:
        raise DataError(f"{bins} bins cannot be filled.", "Take 10 or 15.")
    # The edges must be the very numbers m / M: 0.3 belongs to (0.2, 0.3], which 0.3 * 10 rounded up would miss.
    place = np.clip(np.searchsorted(np.arange(bins + 1) / bins, p, side="left") - 1, 0, bins - 1)
    size = np.bincount(place, minlength=bins)
    used = size > 0
    mean = np.bincount(place, p, bins)[used] / size[used]
    share = np.bincount(place, was, bins)[used] / size[used]
    return Reliability(mean, share, size[used], bins)


def top_class_reliability(probabilities: np.ndarray, labels: np.ndarray, bins: int = BINS) -> Reliability:
    """`reliability` of a classifier's confidence: the largest probability, and whether that class is the label.

    Args:
        probabilities: shape (N, C), each row a distribution.
        labels: shape (N,), classes 0 to C - 1.
        bins: how many.

    Raises:
        DataError: what `reliability` refuses.
    """
    p = np.asarray(probabilities, float)
    if p.ndim != 2 or len(p) != len(labels):
        raise DataError(
            f"Probabilities of shape {p.shape} do not fit {len(labels)} labels.", "Give one row for each label."
        )
    return reliability(p.max(1), p.argmax(1) == np.asarray(labels), bins)


def calibration_error(probabilities: np.ndarray, labels: np.ndarray, bins: int = BINS) -> float:
    """The expected calibration error of a classifier, 0 to 1 (Naeini, Cooper & Hauskrecht 2015, "Obtaining Well
    Calibrated Probabilities Using Bayesian Binning"; Guo et al. 2017, equation 3).

    Arguments and errors are those of `top_class_reliability`.
    """
    return top_class_reliability(probabilities, labels, bins).error


def softmax(logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """Probabilities from logits divided by a temperature, over the last axis.

    Raises:
        DataError: a temperature that is not positive.
    """
    from scipy import special

    if not temperature > 0:
        raise DataError(f"{temperature} is no temperature.", "It must be above 0; 1 changes nothing.")
    return special.softmax(np.asarray(logits, float) / temperature, axis=-1)


def negative_log_likelihood(logits: np.ndarray, labels: np.ndarray, temperature: float = 1.0) -> float:
    """Mean of -log p(label), nats, with p = softmax(logits / temperature)."""
    from scipy import special

    logp = special.log_softmax(np.asarray(logits, float) / temperature, axis=-1)
    return float(-logp[np.arange(len(logp)), np.asarray(labels)].mean())


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """The temperature with the least negative log-likelihood on held-out examples (Guo et al. 2017, section 4.2).

    Above 1 it makes every confidence smaller, below 1 larger; it changes no predicted class.

    Args:
        logits: what the network says *before* softmax, shape (N, C).
        labels: shape (N,), examples that the network was not trained on.

    Returns:
        A number between 0.05 and 20.

    Raises:
        DataError: shapes that do not fit, or logits that are not finite.
    """
    from scipy import optimize

    z, y = np.asarray(logits, float), np.asarray(labels)
    if z.ndim != 2 or y.shape != (len(z),) or not len(z) or not np.isfinite(z).all():
        raise DataError(
            f"Logits of shape {z.shape} and labels of shape {y.shape} give no temperature.",
            "Give finite logits (N, C) and labels (N,).",
        )
    # In 1 / T the objective is convex; in log T the interval is searched evenly.
    found = optimize.minimize_scalar(
        lambda log_t: negative_log_likelihood(z, y, float(np.exp(log_t))),
        bounds=(np.log(_COLDEST), np.log(_HOTTEST)),
        method="bounded",
        options={"xatol": 1e-6},
    )
    return float(np.exp(found.x))
