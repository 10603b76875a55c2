"""Choosing among adapted models without a target label: scores to choose by, and how well a score chose.

Every score is higher for what it takes for a better model. None sees a label of the target.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tlcourse.errors import DataError

_ROWS = 1000  # of a similarity matrix that stand in memory at once


def entropy_score(target_probabilities: np.ndarray) -> float:
    """Minus the mean entropy of the predictions, in nats: 0 where all are certain (used by Morerio, Cavazza & Murino
    2018, "Minimal-Entropy Correlation Alignment for Unsupervised Deep Domain Adaptation", to choose among models).

    A model that gives every image the same class with certainty reaches the highest score.

    Args:
        target_probabilities: shape (N, C), rows that sum to 1.

    Raises:
        DataError: something that is no table of probabilities.
    """
    return -float(_entropies(_probabilities(target_probabilities)).mean())


def information_score(target_probabilities: np.ndarray) -> float:
    """The entropy of the mean prediction minus the mean entropy of the predictions, in nats: between 0 and log C.

    It is the mutual information of image and predicted class: high where each prediction is certain and all classes
    are used (Bridle, Heading & MacKay 1991, "Unsupervised Classifiers, Mutual Information and 'Phantom Targets'"; for
    adaptation Shi & Sha 2012, "Information-Theoretical Learning of Discriminative Clusters for Unsupervised Domain
    Adaptation").

    Args:
        target_probabilities: shape (N, C), rows that sum to 1.

    Raises:
        DataError: something that is no table of probabilities.
    """
    probabilities = _probabilities(target_probabilities)
    return float(_entropies(probabilities.mean(0, keepdims=True))[0] - _entropies(probabilities).mean())


def source_weighted_score(source_correct: np.ndarray, weights: np.ndarray) -> float:
    """Accuracy on held-out source images, each counted by how much it looks like the target: sum w c / sum w.

    Under covariate shift, and with the true density ratio as weights, this estimates the target's accuracy (Sugiyama,
    Krauledat & Müller 2007, "Covariate Shift Adaptation by Importance Weighted Cross Validation"). The paper
    divides by the number of images; dividing by the weights' sum keeps the score between 0 and 1 where the ratio is
    itself an estimate.

    Args:
        source_correct: whether each prediction is right, shape (N,), of source images that were not trained on.
        weights: shape (N,), not negative; see `tlcourse.transfer.importance_weights`.

    Raises:
        DataError: shapes that differ, no image, weights that are negative or all 0.
    """
    correct, weights = np.asarray(source_correct, np.float64), np.asarray(weights, np.float64)
    if correct.ndim != 1 or correct.shape != weights.shape or not len(correct):
        raise DataError(
            f"{correct.shape} predictions and {weights.shape} weights do not fit.",
            "Give one of each for every held-out source image.",
        )
    if not (np.isfinite(weights).all() and weights.min() >= 0 and weights.sum() > 0):
        raise DataError("Weights must be 0 or more, finite, and not all 0.", "Give density ratios, not logarithms.")
    return float(weights @ correct / weights.sum())


def neighbourhood_score(target_outputs: np.ndarray, temperature: float = 0.05) -> float:
    """Soft neighbourhood density: how many near neighbours each image has, as the mean entropy of a softmax over all
    other images' similarities, in nats (Saito et al. 2021, "Tune it the Right Way: Unsupervised Validation of Domain
    Adaptation via Soft Neighborhood Density").

    P_ij = exp(cos(z_i, z_j) / temperature) / sum over k other than i of exp(cos(z_i, z_k) / temperature); the score is
    -(1 / N) sum_ij P_ij log P_ij, at most log(N - 1). Images in dense clusters have many neighbours that are equally
    near. So has a model that gives all images the same output: the score does not see such a collapse.

    Args:
        target_outputs: shape (N, F); the paper takes the predicted probabilities.
        temperature: how near a neighbour must be.

    Raises:
        DataError: fewer than three rows, a row of zeros, a value that is not finite, or a temperature of 0 or less.
    """
    z = np.asarray(target_outputs, np.float64)
    if z.ndim != 2 or len(z) < 3 or not np.isfinite(z).all() or not np.linalg.norm(z, axis=1).all():
        raise DataError(
            f"Outputs of shape {z.shape} have no neighbourhoods.",
            "Give one finite row for each of at least three images, none of it all zeros.",
        )
    if temperature <= 0:
        raise DataError(f"A temperature of {temperature:g} is not above 0.", "The paper takes 0.05.")
    z = z / np.linalg.norm(z, axis=1, keepdims=True)
    return float(
        np.concatenate([_neighbour_entropies(z, first, temperature) for first in range(0, len(z), _ROWS)]).mean()
    )


def rank_agreement(scores: Sequence[float] | np.ndarray, accuracies: Sequence[float] | np.ndarray) -> float:
    """Spearman's rank correlation of scores and true accuracies: 1 where the score orders all models rightly, -1 where
    it turns the order round (Spearman 1904, "The Proof and Measurement of Association between Two Things").

    Where all scores, or all accuracies, are equal there is no order to agree with; that counts as 0.

    Args:
        scores, accuracies: one of each for every model, shape (models,), at least two.

    Raises:
        DataError: different lengths, fewer than two models, or a value that is not finite.
    """
    from scipy import stats

    scores, accuracies = _models(scores, accuracies)
    if np.ptp(scores) == 0 or np.ptp(accuracies) == 0:
        return 0.0
    return float(stats.spearmanr(scores, accuracies).statistic)


def regret(scores: Sequence[float] | np.ndarray, accuracies: Sequence[float] | np.ndarray) -> float:
    """What choosing by the score costs: the best model's accuracy minus that of the model with the highest score.

    Models that share the highest score count with their mean: which of them is chosen is left to chance.

    Args:
        scores, accuracies: one of each for every model, shape (models,), at least two.

    Raises:
        DataError: as for `rank_agreement`.
    """
    scores, accuracies = _models(scores, accuracies)
    return float(accuracies.max() - accuracies[scores == scores.max()].mean())


def _entropies(probabilities: np.ndarray) -> np.ndarray:
    """Of each row, in nats, with 0 log 0 = 0."""
    from scipy.special import entr

    return entr(probabilities).sum(1)


def _neighbour_entropies(unit: np.ndarray, first: int, temperature: float) -> np.ndarray:
    """Of up to `_ROWS` rows from `first` on, over all rows but the row itself."""
    from scipy.special import softmax

    similarities = unit[first : first + _ROWS] @ unit.T / temperature
    rows = np.arange(len(similarities))
    similarities[rows, first + rows] = -np.inf
    return _entropies(softmax(similarities, axis=1))


def _probabilities(values: np.ndarray) -> np.ndarray:
    values = np.asarray(values, np.float64)
    # `not (a < b)` rather than `a >= b`: NaN fails it.
    if values.ndim != 2 or not values.size or not (values.min() >= 0 and np.abs(values.sum(1) - 1).max() < 1e-3):
        raise DataError(
            f"An array of shape {values.shape} does not hold a row of probabilities for each image.",
            "Give a softmax's output, shape (N, C): no negative number, and each row sums to 1.",
        )
    return values


def _models(scores: Sequence[float] | np.ndarray, accuracies: Sequence[float] | np.ndarray) -> tuple[np.ndarray, ...]:
    scores, accuracies = np.asarray(scores, np.float64), np.asarray(accuracies, np.float64)
    if scores.ndim != 1 or scores.shape != accuracies.shape or len(scores) < 2:
        raise DataError(
            f"{scores.shape} scores and {accuracies.shape} accuracies do not fit.",
            "Give one of each for every model, at least two.",
        )
    if not (np.isfinite(scores).all() and np.isfinite(accuracies).all()):
        raise DataError("A score or an accuracy is not finite.", "Leave out the model that it belongs to.")
    return scores, accuracies
