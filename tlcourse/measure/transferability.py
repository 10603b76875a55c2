"""Scores that say which source model suits a target, before any fine-tuning; and how well such a score ordered sources.

Every score is higher for what it takes for the better source. All see labelled target images, and none trains a body.
"""

from __future__ import annotations

import numpy as np

from tlcourse.errors import DataError
from tlcourse.measure.intervals import Interval

_ROUNDS = 1000  # of LogME's fixed point; a dozen is usual, more only where the evidence is flat
_SMALL = 1e-12
_PLACES = 8  # of an H-score: bodies that tie but for rounding errors would be ranked by those


def leep(source_probabilities: np.ndarray, labels: np.ndarray) -> float:
    """LEEP, the log expected empirical prediction: how well the source's *classes* explain the target's labels.

    Nguyen, Hassner, Seeger and Archambeau (2020), "LEEP: A New Measure to Evaluate Transferability of Learned
    Representations", equation 2. The source model gives theta(x)_z for each of its classes z. From them come the joint
    P(y, z) = (1 / N) sum of theta(x_i)_z over images of class y, from that P(y | z), and the score is

        (1 / N) sum_i log sum_z P(y_i | z) theta(x_i)_z

    in nats: 0 where each source class belongs to one target class, and less otherwise.

    Args:
        source_probabilities: softmax of the source model with its own head, shape (N, source classes).
        labels: of the target, shape (N,).

    Raises:
        DataError: shapes that do not fit, rows that are no probabilities, or one class only.
    """
    probabilities, classes = _scored(source_probabilities, labels)
    if not (probabilities.min() >= 0 and np.abs(probabilities.sum(1) - 1).max() < 1e-3):
        raise DataError("The rows do not sum to 1.", "Give the softmax of the source model's own head.")
    joint = np.eye(classes.max() + 1)[classes].T @ probabilities  # N P(y, z); N cancels
    marginal = joint.sum(0)
    given = np.divide(joint, marginal, out=np.zeros_like(joint), where=marginal > 0)
    return float(np.log((given[classes] * probabilities).sum(1)).mean())


def logme(features: np.ndarray, labels: np.ndarray) -> float:
    """LogME, the logarithm of maximum evidence: how probable the labels are under a Bayesian linear model of features.

    You, Liu, Wang and Long (2021), "LogME: Practical Assessment of Pre-trained Models for Transfer Learning", section
    4. For each class, y is 1 for its images and 0 for others; weights w ~ N(0, I / alpha), y ~ N(F w, I / beta),
    and w is integrated out. The evidence is maximised over alpha and beta by MacKay's fixed point, computed from one
    singular value decomposition as in You et al. (2022), "Ranking and Tuning Pre-trained Models: A New Paradigm for
    Exploiting Model Hubs", JMLR 23. Features that help by chance alone lower it: no validation set is needed.

    Args:
        features: of labelled target images under the frozen body, shape (N, F). They are not centred.
        labels: shape (N,).

    Returns:
        The mean over classes of the largest log evidence, divided by N, in nats; may have either sign.

    Raises:
        DataError: shapes that do not fit, a value that is not finite, or one class only.
    """
    features, classes = _scored(features, labels)
    left, singular, _ = np.linalg.svd(features, full_matrices=False)
    kept = singular > singular.max() * max(features.shape) * np.finfo(float).eps
    spectrum = singular[kept] ** 2
    if not spectrum.size:
        raise DataError("Every feature is 0.", "Look for a body whose weights are broken.")
    evidences = []
    for label in range(classes.max() + 1):
        y = (classes == label).astype(float)
        along = (left[:, kept].T @ y) ** 2
        outside = max(float(y @ y - along.sum()), _SMALL * len(y))  # an exact fit would have infinite evidence
        evidences.append(_largest_evidence(spectrum, along, outside, len(y)))
    return float(np.mean(evidences)) / len(features)


def h_score(features: np.ndarray, labels: np.ndarray, *, shrunk: bool = False) -> float:
    """The H-score: how much of the features' variation is between the target's classes.

    tr(cov(f)^+ cov(E[f | y])), with the pseudo-inverse (Bao et al. 2019, "An Information-Theoretic Approach to
    Transferability in Task Transfer Learning"). It lies between 0 and the number of classes minus 1. With
    fewer images than features it reaches that end for *every* body, since a plane through so few points separates
    anything. Then take the shrunk one: (1 - s) tr(cov_s(f)^-1 cov(E[f | y])), where cov_s is Ledoit and Wolf's estimate
    with its shrinkage s (Ibrahim, Ponomareva and Mazumder 2022, "Newer is not always better: Rethinking transferability
    metrics, their peculiarities, stability and performance").

    Args:
        features: of labelled target images under the frozen body, shape (N, F).
        labels: shape (N,).
        shrunk: estimate the covariance with shrinkage.

    Raises:
        DataError: shapes that do not fit, a value that is not finite, or one class only.
    """
    features, classes = _scored(features, labels)
    centred = features - features.mean(0)
    one_hot = np.eye(classes.max() + 1)[classes]
    means = one_hot @ ((one_hot.T @ centred) / one_hot.sum(0)[:, None])
    between = means.T @ means / len(features)
    if not shrunk:
        score = np.trace(np.linalg.pinv(centred.T @ centred / len(features), hermitian=True) @ between)
        return round(float(score), _PLACES)
    from sklearn.covariance import ledoit_wolf

    covariance, shrinkage = ledoit_wolf(centred, assume_centered=True)
    return round(float((1 - shrinkage) * np.trace(np.linalg.pinv(covariance, hermitian=True) @ between)), _PLACES)


def kendall(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Kendall's tau-b of two rows of numbers: agreeing pairs minus disagreeing ones, over the pairs that are no ties.

    1 for the same order, -1 for the reverse, 0 where one of the rows is all ties (Kendall 1945, "The Treatment of Ties
    in Ranking Problems").

    Args:
        first, second: shape (..., items); leading axes run together.

    Returns:
        Shape (...).
    """
    signs = [np.sign(x[..., :, None] - x[..., None, :]) for x in (np.asarray(first), np.asarray(second))]
    untied = [np.square(sign).sum((-2, -1)) for sign in signs]
    below = np.sqrt(untied[0] * untied[1])
    return np.divide((signs[0] * signs[1]).sum((-2, -1)), below, out=np.zeros_like(below), where=below > 0)


def ranking_agreement(scores: np.ndarray, outcomes: np.ndarray, *, draws: int = 2000, seed: int = 0) -> Interval:
    """How well a score orders sources: Kendall's tau with the fine-tuned accuracies, mean over targets, 95 % interval.

    Orders are compared within each target: a score that only tells easy targets from hard ones chooses no source.
    The interval is a percentile bootstrap (Efron & Tibshirani 1993, "An Introduction to the Bootstrap") that draws
    targets, sources and fine-tuning seeds anew together, because all three might have been others. A source that is
    drawn twice is no pair with itself.

    Args:
        scores: shape (targets, sources).
        outcomes: accuracies after fine-tuning, shape (targets, sources, seeds).
        draws: bootstrap samples.
        seed: of the bootstrap.

    Returns:
        The agreement, its interval, and the number of (source, target) pairs.

    Raises:
        DataError: shapes that do not fit, fewer than two sources, or a value that is not finite.
    """
    scores, outcomes = np.asarray(scores, np.float64), np.asarray(outcomes, np.float64)
    if scores.ndim != 2 or outcomes.ndim != 3 or outcomes.shape[:2] != scores.shape or scores.shape[1] < 2:
        raise DataError(
            f"Scores of shape {scores.shape} and outcomes of shape {outcomes.shape} do not fit.",
            "Give (targets, sources) and (targets, sources, seeds), with at least two sources.",
        )
    if not (np.isfinite(scores).all() and np.isfinite(outcomes).all()):
        raise DataError("A score or an outcome is not finite.", "Leave out the source that it belongs to.")
    rng = np.random.default_rng(seed)
    rows, columns, runs = (rng.integers(size, size=(draws, size)) for size in outcomes.shape)
    rows, columns = rows[:, :, None], columns[:, None, :]
    drawn = outcomes[rows[..., None], columns[..., None], runs[:, None, None, :]].mean(-1)
    means = kendall(scores[rows, columns], drawn).mean(-1)
    low, high = np.quantile(means, (0.025, 0.975))
    return Interval(float(kendall(scores, outcomes.mean(-1)).mean()), float(low), float(high), scores.size)


def _largest_evidence(spectrum: np.ndarray, along: np.ndarray, outside: float, n: int) -> float:
    """The log evidence of n numbers y at the alpha and beta that make it largest.

    Args:
        spectrum: squared singular values of the features.
        along: squared parts of y along the left singular vectors.
        outside: squared length of the part of y that no weights can reach.
    """
    ratio, best = 1.0, -np.inf  # alpha / beta
    for _ in range(_ROUNDS):
        shrinking = ratio / (ratio + spectrum)
        effective = (1 - shrinking).sum()  # MacKay's number of well-determined weights
        squared_weights = max((spectrum * along / (ratio + spectrum) ** 2).sum(), _SMALL)
        squared_errors = (along * shrinking**2).sum() + outside
        alpha, beta = effective / squared_weights, (n - effective) / squared_errors
        ratio = float(np.clip(alpha / beta, _SMALL, 1 / _SMALL))
        evidence = _evidence(ratio, spectrum, along, outside, n)
        if evidence - best < 1e-9 * n:
            break
        best = evidence
    return max(best, evidence)


def _evidence(ratio: float, spectrum: np.ndarray, along: np.ndarray, outside: float, n: int) -> float:
    """log p(y | F, alpha, beta) at alpha = ratio * beta, with the beta that is best for this ratio."""
    unexplained = (along * ratio / (ratio + spectrum)).sum() + outside
    return float(-0.5 * (n * np.log(2 * np.pi * unexplained / n) + n + np.log1p(spectrum / ratio).sum()))


def _scored(values: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of shape (N, F) and the classes of the rows, counted from 0."""
    values, labels = np.asarray(values, np.float64), np.asarray(labels)
    if values.ndim != 2 or not values.size or labels.shape != (len(values),):
        raise DataError(
            f"An array of shape {values.shape} and labels of shape {labels.shape} do not fit.",
            "Give one row and one label for each image.",
        )
    if not np.isfinite(values).all():
        raise DataError("A value is not finite.", "Look for a body whose weights are broken.")
    known, classes = np.unique(labels, return_inverse=True)
    if len(known) < 2:
        raise DataError("All images have one class.", "Give at least two classes.")
    return values, classes
