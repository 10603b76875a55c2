"""Linear probes: how much of a task a linear classifier reads off frozen features."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from tlcourse.errors import DataError

# Inverse penalties to choose from, for images whose standardised features have a mean squared length of 1.
STRENGTHS: tuple[float, ...] = (0.1, 1.0, 10.0, 100.0, 1000.0)
_FALLBACK = 1.0
_FOLDS = 5


@dataclass(frozen=True)
class ProbeResult:
    """What a linear probe reached.

    Args:
        accuracy: share of the test images named right, in [0, 1].
        predictions: the label given to each test image, shape (N,).
        C: the inverse regularisation strength chosen.
        cv_loss: for each strength tried, mean cross-entropy in nats over the folds; empty without a choice.
    """

    accuracy: float
    predictions: np.ndarray
    C: float
    cv_loss: dict[float, float]

    def __repr__(self) -> str:
        return f"ProbeResult(accuracy={self.accuracy:.3f}, C={self.C:g}, {len(self.predictions)} test images)"


def linear_probe(
    train_x: np.ndarray,
    train_y: np.ndarray,
    test_x: np.ndarray,
    test_y: np.ndarray,
    *,
    strengths: Sequence[float] = STRENGTHS,
    seed: int = 0,
) -> ProbeResult:
    """Multinomial logistic regression on standardised features, its L2 penalty chosen on the training set.

    So Kornblith, Shlens and Le probe networks (2019, "Do better ImageNet models transfer better?"): L-BFGS,
    and penalties evenly spaced in the logarithm. A small training set can spare no images for validation, so
    the penalty is chosen by stratified cross-validation: the strongest whose cross-entropy is within one
    standard error of the least (Hastie, Tibshirani and Friedman 2009, section 7.10).

    Args:
        train_x, test_x: features, shapes (N, F) and (M, F).
        train_y, test_y: integer labels, shapes (N,) and (M,).
        strengths: inverse penalties to choose from; a single one is taken as it is. If a class has one training image,
            there is no choosing, and 1 is taken.
        seed: which images make a fold.

    Raises:
        DataError: shapes that do not fit, features that are not finite, or one class only.
    """
    from threadpoolctl import threadpool_limits

    _check(train_x, train_y, test_x, test_y)
    # The matrices are small: more threads gain nothing alone, and wait for each other on a busy machine.
    with threadpool_limits(1):
        train, test = _standardised(train_x, test_x)
        losses = _cross_validate(train, train_y, strengths, seed) if len(strengths) > 1 else {}
        fixed = strengths[0] if len(strengths) == 1 else _FALLBACK
        chosen = _strongest_penalty(losses) if losses else fixed
        predictions = _fit(train, train_y, chosen).predict(test)
    cv_loss = {strength: float(np.mean(values)) for strength, values in losses.items()}
    return ProbeResult(float(np.mean(predictions == test_y)), predictions, chosen, cv_loss)


@dataclass(frozen=True)
class LinearHead:
    """A linear classifier of raw features: `features @ weight.T + bias`.

    Args:
        weight: float32, shape (classes, F).
        bias: float32, shape (classes,).
        C: the inverse regularisation strength chosen.
    """

    weight: np.ndarray
    bias: np.ndarray
    C: float


def linear_head(
    features: np.ndarray,
    labels: np.ndarray,
    n_classes: int,
    *,
    more: np.ndarray | None = None,
    strengths: Sequence[float] = STRENGTHS,
    seed: int = 0,
) -> LinearHead:
    """The classifier of `linear_probe` as the weights of a linear layer, to put on the body that gave the features.

    Args:
        features: of the training images, shape (N, F).
        labels: integers from 0 to `n_classes` - 1, shape (N,); every class at least once.
        n_classes: outputs of the layer.
        more: features of a second view of the same images in the same order, such as mirrored ones, shape (N, F). They
            are fitted as well; the penalty is chosen without them, since an image and its mirror image must not stand
            on the two sides of a fold.
        strengths, seed: as in `linear_probe`.

    Raises:
        DataError: what `linear_probe` refuses, or a class without an image.
    """
    from threadpoolctl import threadpool_limits

    labels = np.asarray(labels)
    _check(features, labels, features, labels)
    if missing := sorted(set(range(n_classes)) - set(labels.tolist())):
        raise DataError(f"Class {missing[0]} has no training image.", "Give at least one image of every class.")
    views = [features] if more is None else [features, more]
    x = np.concatenate(views).astype(np.float64)
    mean, scale = unit_scale(x)
    with threadpool_limits(1):
        span = np.linalg.svd((x - mean) / scale, full_matrices=False)[2].T
        rotated = (x - mean) / scale @ span
        losses = _cross_validate(rotated[: len(labels)], labels, strengths, seed) if len(strengths) > 1 else {}
        chosen = _strongest_penalty(losses) if losses else strengths[0] if len(strengths) == 1 else _FALLBACK
        # C multiplies a sum over images: each view counts as its share of an image.
        model = _fit(rotated, np.tile(labels, len(views)), chosen / len(views))
    weight, bias = _of_every_class(model.coef_, model.intercept_)
    weight = weight @ span.T / scale
    return LinearHead(weight.astype(np.float32), (bias - weight @ mean).astype(np.float32), chosen)


def _of_every_class(weight: np.ndarray, bias: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """One row a class; for two classes scikit-learn keeps the difference of the two alone."""
    if len(weight) > 1:
        return weight, bias
    return np.concatenate([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2


def probe_seeds(
    features: np.ndarray,
    labels: np.ndarray,
    test_features: np.ndarray,
    test_labels: np.ndarray,
    per_class: int,
    seeds: Iterable[int],
    *,
    strengths: Sequence[float] = STRENGTHS,
) -> np.ndarray:
    """Accuracy of a linear probe on `per_class` training images of each class, drawn anew by each seed.

    Returns:
        float64, shape (number of seeds,), in the order of `seeds`.

    Raises:
        DataError: a class has fewer images, or `linear_probe` refuses the data.
    """
    labels = np.asarray(labels)
    accuracies = []
    for seed in seeds:
        rows = draw_rows(labels, per_class, seed)
        result = linear_probe(features[rows], labels[rows], test_features, test_labels, seed=seed, strengths=strengths)
        accuracies.append(result.accuracy)
    return np.array(accuracies)


def draw_rows(labels: np.ndarray, per_class: int, seed: int) -> np.ndarray:
    """The rows that `probe_seeds` learns from with this seed: `per_class` of each class, one class after another.

    Raises:
        DataError: a class has fewer.
    """
    rng = np.random.default_rng(seed)
    rows = []
    for label in np.unique(labels):
        of_class = np.flatnonzero(labels == label)
        if len(of_class) < per_class:
            raise DataError(
                f"Class {label} has {len(of_class)} images, not the {per_class} asked for.",
                "Ask for fewer images a class.",
            )
        rows.append(rng.permutation(of_class)[:per_class])
    return np.concatenate(rows)


def _standardised(train: np.ndarray, test: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Features of zero mean and equal variance on the training set, rotated into the space that it spans.

    The rotation changes no prediction, since an L2 penalty is the same in every direction and the weights of
    a regularised fit lie in the span of its data; it makes a fit of few images by many features much faster.
    Division by the square root of F makes one range of penalties fit narrow and wide networks.
    """
    train, test = train.astype(np.float64), test.astype(np.float64)
    mean, scale = unit_scale(train)
    train, test = (train - mean) / scale, (test - mean) / scale
    if train.shape[1] <= train.shape[0]:
        return train, test
    span = np.linalg.svd(train, full_matrices=False)[2].T
    return train @ span, test @ span


def unit_scale(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What to subtract from features and divide them by, so that they vary equally and have a mean squared length of 1.

    Args:
        features: shape (N, F), float64.

    Returns:
        (mean, scale), each of shape (F,); the scale of a constant feature is infinite, since it tells nothing.
    """
    mean, scale = features.mean(axis=0), features.std(axis=0)
    scale[scale < 1e-8 * max(float(scale.max()), 1e-300)] = np.inf
    return mean, scale * np.sqrt(features.shape[1])


def _strongest_penalty(losses: dict[float, list[float]]) -> float:
    """The strongest penalty whose mean loss is within one standard error of the least.

    The least itself is often far down a flat valley, where fits are slower and generalise a little worse.
    """
    means = {strength: np.mean(values) for strength, values in losses.items()}
    best = losses[min(means, key=means.__getitem__)]
    limit = np.mean(best) + np.std(best, ddof=1) / np.sqrt(len(best))
    return min(strength for strength, mean in means.items() if mean <= limit)


def _cross_validate(x: np.ndarray, y: np.ndarray, strengths: Sequence[float], seed: int) -> dict[float, list[float]]:
    """Cross-entropy of each fold for each strength; nothing where a class has one image."""
    from sklearn.metrics import log_loss
    from sklearn.model_selection import StratifiedKFold

    classes, counts = np.unique(y, return_counts=True)
    folds = min(_FOLDS, int(counts.min()))
    if folds < 2:
        return {}
    losses: dict[float, list[float]] = {strength: [] for strength in strengths}
    for fit, held in StratifiedKFold(folds, shuffle=True, random_state=seed).split(x, y):
        for strength in strengths:
            probabilities = _fit(x[fit], y[fit], strength).predict_proba(x[held])
            losses[strength].append(float(log_loss(y[held], probabilities, labels=classes)))
    return losses


def _fit(x: np.ndarray, y: np.ndarray, strength: float):  # type: ignore[no-untyped-def]
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=strength, max_iter=300, tol=1e-3)
    with warnings.catch_warnings():
        # A nearly unpenalised fit need not converge to be compared, and is seldom the one chosen.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(x, y)


def _check(train_x: np.ndarray, train_y: np.ndarray, test_x: np.ndarray, test_y: np.ndarray) -> None:
    for name, x, y in (("training", train_x, train_y), ("test", test_x, test_y)):
        if np.ndim(x) != 2 or np.shape(y) != (len(x),) or not len(x):
            raise DataError(
                f"The {name} features have shape {np.shape(x)} and the labels {np.shape(y)}.",
                "Give features of shape (N, F) and labels of shape (N,).",
            )
        if not np.isfinite(x).all():
            raise DataError(
                f"The {name} features hold NaN or infinity.",
                "Check the weights and how the images were normalised.",
            )
    if train_x.shape[1] != test_x.shape[1]:
        raise DataError(
            f"Training images have {train_x.shape[1]} features and test images {test_x.shape[1]}.",
            "Compute both with the same body.",
        )
    if len(np.unique(train_y)) < 2:
        raise DataError("The training set has one class only.", "Give at least two, or check the labels.")
