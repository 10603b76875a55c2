"""How far apart two domains are, as a classifier sees them."""

from __future__ import annotations

import numpy as np

from tlcourse.errors import DataError


def proxy_a_distance(source: np.ndarray, target: np.ndarray, *, seed: int = 0) -> float:
    """2 (1 - 2 error), with the error of a linear classifier that is to tell the domains apart.

    2: every held-out example is told apart; 0: the classifier guesses (Ben-David et al. 2006, "Analysis of
    Representations for Domain Adaptation"; Ganin et al. 2016, "Domain-Adversarial Training of Neural Networks"). The
    classifier is logistic regression on standardised features. Each half of the examples is predicted by the one
    trained on the other half. The error is the mean of the two domains' own errors: otherwise "always the larger
    domain" would look like a distance.

    It is not clipped: domains that are alike give values around 0 on both sides, and cutting the lower side off would
    make means over seeds too large. A value far below 0 means that both domains hold the same images: the half that
    is trained on then teaches the wrong domain for its twins in the other half.

    Args:
        source, target: features, shapes (N, F) and (M, F), at least two rows each.
        seed: the halves.

    Raises:
        DataError: shapes that do not fit, too few rows, or a value that is not finite.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from threadpoolctl import threadpool_limits

    source, target = _pair(source, target)
    features = np.concatenate([source, target])
    domain = np.repeat([0, 1], [len(source), len(target)])
    classifier = make_pipeline(StandardScaler(), LogisticRegression(class_weight="balanced", max_iter=1000))
    halves = StratifiedKFold(2, shuffle=True, random_state=seed)
    with threadpool_limits(1):
        wrong = cross_val_predict(classifier, features, domain, cv=halves) != domain
    error = (wrong[domain == 0].mean() + wrong[domain == 1].mean()) / 2
    return float(2 * (1 - 2 * error))


def _pair(source: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    source, target = np.asarray(source, np.float64), np.asarray(target, np.float64)
    fits = source.ndim == target.ndim == 2 and source.shape[1] == target.shape[1]
    if not fits or min(len(source), len(target)) < 2:
        raise DataError(
            f"Source features of shape {source.shape} and target features of shape {target.shape} cannot be compared.",
            "Give (N, F) and (M, F) from the same body, with at least two rows each.",
        )
    if not (np.isfinite(source).all() and np.isfinite(target).all()):
        raise DataError("A feature is not finite.", "Look for a network whose training broke down.")
    return source, target
