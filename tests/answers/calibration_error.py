from itertools import pairwise

import numpy as np


def bin_by_bin(probabilities, labels, bins):
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    edges, error = np.linspace(0, 1, bins + 1), 0.0
    for low, high in pairwise(edges):
        inside = (low < confidence) & (confidence <= high)
        if inside.any():
            error += inside.mean() * abs(right[inside].mean() - confidence[inside].mean())
    return error


def with_bincount(probabilities, labels, bins):
    confidence = probabilities.max(1)
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = np.bincount(place, (probabilities.argmax(1) == labels) - confidence, bins)
    return np.abs(gaps).sum() / len(labels)


def in_torch(probabilities, labels, bins):
    import torch

    confidence, named = torch.from_numpy(probabilities).max(1)
    right = (named == torch.from_numpy(labels)).double()
    place = torch.bucketize(confidence, torch.linspace(0, 1, bins + 1).double()[1:-1])
    parts = [(right[place == m] - confidence[place == m]).sum().abs() for m in range(bins)]
    return sum(parts) / len(labels)


RIGHT = [bin_by_bin, with_bincount, in_torch]


def of(combine, lower=np.less, upper=np.less_equal, empty=False, count=None):
    """The error from the bins' (gap, share), with other edges or another number of bins."""

    def calibration_error(probabilities, labels, bins):
        confidence, right = probabilities.max(1), probabilities.argmax(1) == labels
        edges = np.linspace(0, 1, (count or bins) + 1)
        gaps, shares = [], []
        for low, high in pairwise(edges):
            inside = lower(low, confidence) & upper(confidence, high)
            if inside.any() or empty:
                gaps.append(right[inside].mean() - confidence[inside].mean())
                shares.append(inside.mean())
        return combine(np.array(gaps), np.array(shares))

    return calibration_error


def weighted(gaps, shares):
    return np.sum(np.abs(gaps) * shares)


def on(stated, right):
    return lambda p, y, bins: with_bincount_of(stated(p, y), right(p, y), bins)


def with_bincount_of(stated, right, bins):
    place = np.minimum((stated * bins).astype(int), bins - 1)
    return np.abs(np.bincount(place, right - stated, bins)).sum() / len(stated)


def over_all_bins(probabilities, labels, bins):
    return of(lambda gaps, shares: np.abs(gaps).sum())(probabilities, labels, bins) / bins


def middles(probabilities, labels, bins):
    confidence, right = probabilities.max(1), probabilities.argmax(1) == labels
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    return sum(np.mean(place == m) * abs(right[place == m].mean() - (m + 0.5) / bins) for m in set(place))


def by_rank(probabilities, labels, bins):
    confidence, right = probabilities.max(1), probabilities.argmax(1) == labels
    parts = np.array_split(np.argsort(confidence), bins)
    return sum(len(r) / len(labels) * abs(right[r].mean() - confidence[r].mean()) for r in parts)


WRONG = {
    "empty-bins-nan": of(weighted, empty=True),
    "bins-not-weighted": of(lambda gaps, shares: np.abs(gaps).mean()),
    "empty-bins-counted": over_all_bins,
    "largest-gap": of(lambda gaps, shares: np.abs(gaps).max()),
    "gaps-cancel": of(lambda gaps, shares: (gaps * shares).sum()),
    "no-bins": lambda p, y, bins: abs(p.max(1).mean() - np.mean(p.argmax(1) == y)),
    "gaps-squared": of(lambda gaps, shares: (gaps**2 * shares).sum()),
    "root-mean-square": of(lambda gaps, shares: np.sqrt((gaps**2 * shares).sum())),
    "percent": lambda p, y, bins: 100 * bin_by_bin(p, y, bins),
    "each-image-a-bin": lambda p, y, bins: np.mean(np.abs(p.max(1) - (p.argmax(1) == y))),
    "certain-fall-out": of(weighted, np.less_equal, np.less),
    "bin-middles": middles,
    "equal-sizes": by_rank,
    "label-probability": on(lambda p, y: p[np.arange(len(y)), y], lambda p, y: p.argmax(1) == y),
    "all-classes": on(lambda p, y: p.ravel(), lambda p, y: np.eye(p.shape[1])[y].ravel()),
    "first-class": on(lambda p, y: p[:, 0], lambda p, y: y == 0),
    "brier-score": lambda p, y, bins: np.mean(((p - np.eye(p.shape[1])[y]) ** 2).sum(1)),
    "bins-ignored": of(weighted, count=10),
    "bins-fifteen": of(weighted, count=15),
    "counts-for-shares": lambda p, y, bins: len(y) * bin_by_bin(p, y, bins),
    "calibration-error-rounded": lambda p, y, bins: round(bin_by_bin(p, y, bins), 2),
    "calibration-error-differs": lambda p, y, bins: bin_by_bin(p, y, bins) ** 3,
    "raises": lambda p, y, bins: np.linspace(0, 1, bins)[p],
}
