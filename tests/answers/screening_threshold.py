import numpy as np
from sklearn.metrics import confusion_matrix, roc_curve


def of(threshold, rates=None):
    """An answer from a threshold of (valid scores, valid labels, required) and rates of (flagged, positive)."""

    def answer(valid_scores, valid_labels, test_scores, test_labels, required):
        chosen = threshold(valid_scores, valid_labels, required)
        flagged, positive = test_scores >= chosen, test_labels == 1
        sensitivity, specificity = (rates or both)(flagged, positive)
        return {"threshold": chosen, "sensitivity": sensitivity, "specificity": specificity}

    return answer


def both(flagged, positive):
    return flagged[positive].mean(), 1 - flagged[~positive].mean()


def sorted_down(scores, labels, required):
    positives = np.sort(scores[labels == 1])[::-1]
    return positives[int(np.ceil(required * len(positives) - 1e-9)) - 1]


def step_by_step(valid_scores, valid_labels, test_scores, test_labels, required):
    """Walks down the positives' scores until enough are found; counts with a confusion matrix."""
    positives = [s for s, y in zip(valid_scores, valid_labels, strict=True) if y]
    threshold = next(
        t for t in sorted(set(positives), reverse=True) if sum(s >= t for s in positives) / len(positives) >= required
    )
    (cleared, alarms), (missed, found) = confusion_matrix(test_labels, [s >= threshold for s in test_scores])
    return {
        "threshold": float(threshold),
        "sensitivity": found / (found + missed),
        "specificity": cleared / (cleared + alarms),
    }


def from_the_curve(scores, labels, required):
    _, found, thresholds = roc_curve(labels, scores, drop_intermediate=False)
    return thresholds[np.flatnonzero(found >= required - 1e-12)[0]]


RIGHT = [of(sorted_down), step_by_step, of(from_the_curve)]


def with_rates(rates):
    return of(sorted_down, rates)


def on_test(valid_scores, valid_labels, test_scores, test_labels, required):
    return of(sorted_down)(test_scores, test_labels, test_scores, test_labels, required)


def on_validation(valid_scores, valid_labels, test_scores, test_labels, required):
    return of(sorted_down)(valid_scores, valid_labels, valid_scores, valid_labels, required)


def strict(valid_scores, valid_labels, test_scores, test_labels, required):
    threshold = sorted_down(valid_scores, valid_labels, required)
    sensitivity, specificity = both(test_scores > threshold, test_labels == 1)
    return {"threshold": threshold, "sensitivity": sensitivity, "specificity": specificity}


def more(scores, labels, required):
    candidates = np.unique(scores[labels == 1])[::-1]
    return next(t for t in candidates if np.mean(scores[labels == 1] >= t) > required + 1e-9)


def rounded_down(scores, labels, required):
    positives = np.sort(scores[labels == 1])[::-1]
    return positives[int(required * len(positives)) - 1]


def above(scores, labels, required):
    positives = scores[labels == 1]
    return max(t for t in np.unique(scores) if np.mean(positives > t) >= required)


def wanted_specificity(scores, labels, required):
    return min(t for t in np.unique(scores) if np.mean(scores[labels == 0] < t) >= required)


def flagged_negatives(scores, labels, required):
    return sorted_down(scores, 1 - labels, required)


def most_accurate(scores, labels, required):
    return max(np.unique(scores), key=lambda t: np.mean((scores >= t) == labels))


def youden(scores, labels, required):
    return max(np.unique(scores), key=lambda t: round(sum(both(scores >= t, labels == 1)), 9))


WRONG = {
    "chosen-on-test": on_test,
    "wrong-side": of(lambda s, y, required: np.sort(s[y == 1])[int(np.ceil(required * (y == 1).sum() - 1e-9)) - 1]),
    "more-than-required": of(more),
    "rounded-down": of(rounded_down),
    "quantile-between": of(lambda s, y, required: np.quantile(s[y == 1], 1 - required)),
    "flags-above": of(above),
    "specificity-required": of(wanted_specificity),
    "negatives-flagged": of(flagged_negatives),
    "labels-ignored": of(lambda s, y, required: sorted_down(s, np.ones_like(y), required)),
    "lowest-threshold": of(lambda s, y, required: s.min()),
    "finds-all": of(lambda s, y, required: s[y == 1].min()),
    "accuracy-optimal": of(most_accurate),
    "balanced-optimal": of(youden),
    "one-half": of(lambda s, y, required: 0.5),
    "threshold-differs": of(lambda s, y, required: s.mean()),
    "measured-on-validation": lambda *case: {
        **on_validation(*case),
        "threshold": of(sorted_down)(*case)["threshold"],
    },
    "equal-not-flagged": strict,
    "rates-exchanged": with_rates(lambda f, p: both(f, p)[::-1]),
    "precision": with_rates(lambda f, p: (p[f].mean(), both(f, p)[1])),
    "false-alarm-rate": with_rates(lambda f, p: (f[p].mean(), f[~p].mean())),
    "accuracy": with_rates(lambda f, p: (f[p].mean(), np.mean(f == p))),
    "cleared-and-right": with_rates(lambda f, p: (f[p].mean(), np.mean(~p[~f]))),
    "shares-of-all": with_rates(lambda f, p: (np.mean(f & p), np.mean(~f & ~p))),
    "percent": with_rates(lambda f, p: [100 * rate for rate in both(f, p)]),
    "test-rates-differs": with_rates(lambda f, p: (0.5, 0.5)),
    "keys-missing": lambda *case: {"threshold": of(sorted_down)(*case)["threshold"]},
    "not-a-dict": lambda *case: tuple(of(sorted_down)(*case).values()),
}
