"""Instance weighting: source examples count by how much they look like the target."""

from __future__ import annotations

import numpy as np

from tlcourse.transfer.adaptation.alignment import _pair


def importance_weights(source: np.ndarray, target: np.ndarray, *, C: float = 1.0, seed: int = 0) -> np.ndarray:
    """How much more likely each source example is under the target: p_t(x) / p_s(x), scaled to a mean of 1.

    A risk over the target is a weighted risk over the source (Shimodaira 2000, "Improving predictive inference under
    covariate shift"). The ratio comes from a classifier of the domains, p(t | x) n_s / (p(s | x) n_t) (Bickel, Brückner
    & Scheffer 2009, "Discriminative Learning Under Covariate Shift"): logistic regression on standardised features, by
    five-fold cross-fitting, so that no example is weighted by a classifier that has learned it by heart.

    Args:
        source, target: features, shapes (N, F) and (M, F).
        C: inverse penalty of the classifier.
        seed: the folds.

    Returns:
        float64, shape (N,), positive, mean 1.

    Raises:
        DataError: shapes that do not fit.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from threadpoolctl import threadpool_limits

    source, target = _pair(source, target)
    features = np.concatenate([source, target])
    domain = np.repeat([0, 1], [len(source), len(target)])
    classifier = make_pipeline(StandardScaler(), LogisticRegression(C=C, max_iter=500))
    folds = StratifiedKFold(min(5, len(source), len(target)), shuffle=True, random_state=seed)
    with threadpool_limits(1):
        scores = cross_val_predict(classifier, features, domain, cv=folds, method="predict_proba")[: len(source)]
    # A certain classifier would divide by zero: no example counts more than a million times another.
    ratio = scores[:, 1].clip(1e-6) / scores[:, 0].clip(1e-6)
    return ratio / ratio.mean()


def effective_size(weights: np.ndarray) -> float:
    """How many equally weighted examples are worth as much: (sum w)^2 / sum w^2 (Kish 1965, "Survey Sampling").

    Args:
        weights: shape (N,), not negative.
    """
    weights = np.asarray(weights, np.float64)
    return float(weights.sum() ** 2 / np.square(weights).sum())
