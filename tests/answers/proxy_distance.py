import numpy as np
import torch
from sklearn.metrics import accuracy_score, zero_one_loss


def with_a_mean(domains, predictions):
    error = np.mean(domains != predictions)
    return 2 * (1 - 2 * error)


def by_counting(domains, predictions):
    wrong = 0
    for domain, guess in zip(domains, predictions, strict=True):
        if domain != guess:
            wrong += 1
    return 2.0 - 4.0 * wrong / len(domains)


def from_the_accuracy(domains, predictions):
    return 4 * accuracy_score(domains, predictions) - 2


def with_a_library(domains, predictions):
    return [2 * (1 - 2 * zero_one_loss(domains, predictions))]


def in_torch(domains, predictions):
    return 2 * (1 - 2 * (torch.tensor(domains) != torch.tensor(predictions)).float().mean())


def from_both_errors(domains, predictions):
    """As many examples of each domain: the share of wrong guesses is the mean of the domains' own errors."""
    return 2 * (1 - np.mean(predictions[domains == 0] == 1) - np.mean(predictions[domains == 1] == 0))


RIGHT = [with_a_mean, by_counting, from_the_accuracy, with_a_library, in_torch, from_both_errors]


def of_error(change):
    return lambda domains, predictions: change(np.mean(domains != predictions))


WRONG = {
    "accuracy-for-error": lambda domains, predictions: 2 * (1 - 2 * np.mean(domains == predictions)),
    "factor-two-missing": of_error(lambda e: 1 - 2 * e),
    "two-minus-error": of_error(lambda e: 2 - e),
    "inner-two-missing": of_error(lambda e: 2 * (1 - e)),
    "error-itself": of_error(lambda e: e),
    "accuracy-itself": of_error(lambda e: 1 - e),
    "absolute-value": of_error(lambda e: 2 * abs(1 - 2 * min(e, 1 - e))),
    "clipped": of_error(lambda e: np.clip(2 * (1 - 2 * e), 0, 2)),
    "error-in-percent": of_error(lambda e: 2 * (1 - 2 * (100 * e))),
    "percent": of_error(lambda e: 100 * (2 * (1 - 2 * e))),
    "count-for-share": lambda domains, predictions: 2 * (1 - 2 * (domains != predictions).sum()),
    "mistakes-cancel": lambda domains, predictions: 2 * (1 - 2 * abs((domains - predictions).mean())),
    "errors-added": lambda d, p: 2 * (1 - 2 * (np.mean(p[d == 0] == 1) + np.mean(p[d == 1] == 0))),
    "not-one-number": lambda domains, predictions: f"{with_a_mean(domains, predictions):.4f}",
    "source-errors-only": lambda domains, predictions: 2 * (1 - 2 * predictions[domains == 0].mean()),
    "target-errors-only": lambda domains, predictions: 2 * (1 - 2 * (1 - predictions[domains == 1].mean())),
    "proxy-distance-rounded": lambda domains, predictions: round(with_a_mean(domains, predictions), 2),
    "proxy-distance-differs": lambda domains, predictions: 0.7,
    "returns-nothing": lambda domains, predictions: None,
}
