"""Instance weighting: source examples count by how much they look like the target."""

from __future__ import annotations

import numpy as np

from tlcourse.transfer.adaptation.alignment import feature_pair
from tlcourse.transfer.probe import unit_scale


def importance_weights(source: np.ndarray, target: np.ndarray, *, C: float = 1.0, seed: int = 0) -> np.ndarray:
    """How much more likely each source example is under the target: p_t(x) / p_s(x), scaled to a mean of 1.

    A risk over the target is a weighted risk over the source (Shimodaira 2000, "Improving predictive inference under
    covariate shift"). The ratio comes from a classifier of the domains, p(t | x) n_s / (p(s | x) n_t) (Bickel, Brückner
    & Scheffer 2009, "Discriminative Learning Under Covariate Shift"): logistic regression on standardised features of
    mean squared length 1, as in `linear_probe`. Each half of the examples is weighted by a classifier of the other
    half, which has not learned them by heart. The penalty must be strong: with many features nearly any two domains can
    be told apart, and a certain classifier gives the whole weight to a handful of examples.

    Args:
        source, target: features, shapes (N, F) and (M, F).
        C: inverse penalty of the classifier.
        seed: the halves.

    Returns:
        float64, shape (N,), positive, mean 1.

    Raises:
        DataError: shapes that do not fit.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold
    from threadpoolctl import threadpool_limits

    source, target = feature_pair(source, target)
    features = np.concatenate([source, target])
    domain = np.repeat([0, 1], [len(source), len(target)])
    mean, scale = unit_scale(features)
    features = ((features - mean) / scale).astype(np.float32)
    log_odds = np.empty(len(source))
    with threadpool_limits(1):
        for fitted, held in StratifiedKFold(2, shuffle=True, random_state=seed).split(features, domain):
            classifier = LogisticRegression(C=C, max_iter=500).fit(features[fitted], domain[fitted])
            of_source = held[held < len(source)]
            log_odds[of_source] = classifier.decision_function(features[of_source])
    # No overflow: no example counts more than a million million times another.
    ratio = np.exp(log_odds.clip(-14, 14))
    return ratio / ratio.mean()


def effective_size(weights: np.ndarray) -> float:
    """How many equally weighted examples are worth as much: (sum w)^2 / sum w^2 (Kish 1965, "Survey Sampling").

    Args:
        weights: shape (N,), not negative.
    """
    weights = np.asarray(weights, np.float64)
    return float(weights.sum() ** 2 / np.square(weights).sum())
