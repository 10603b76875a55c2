import numpy as np
import torch
from scipy.special import entr, rel_entr, xlogy
from scipy.stats import entropy


def with_scipy(probabilities):
    return entr(probabilities.mean(axis=0)).sum() - entr(probabilities).sum(axis=1).mean()


def with_a_tiny_number(probabilities):
    def h(p):
        return -np.sum(p * np.log(p + 1e-12), axis=-1)

    return h(probabilities.mean(0)) - h(probabilities).mean()


def as_divergence(probabilities):
    """The mean divergence of the predictions from their mean: the same number."""
    return rel_entr(probabilities, probabilities.mean(0, keepdims=True)).sum(1).mean()


def ignoring_nan(probabilities):
    logs = np.log(probabilities)
    mean = probabilities.mean(axis=0)
    return -np.nansum(mean * np.log(mean)) + np.nansum(probabilities * logs) / len(probabilities)


def in_torch(probabilities):
    p = torch.tensor(probabilities)
    return torch.special.entr(p.mean(0)).sum() - torch.special.entr(p).sum(1).mean()


def with_stats(probabilities):
    return entropy(probabilities.mean(axis=0)) - np.mean([entropy(row) for row in probabilities])


RIGHT = [with_scipy, with_a_tiny_number, as_divergence, ignoring_nan, in_torch, with_stats]


def naive(p):
    return -(p * np.log(p)).sum(-1)


def hard_counts(probabilities):
    shares = np.bincount(probabilities.argmax(1)) / len(probabilities)
    return entropy(shares) - entropy(probabilities, axis=1).mean()


WRONG = {
    "nan-at-zeros": lambda p: naive(p.mean(0)) - naive(p).mean(),
    "certainty-only": lambda p: -entropy(p, axis=1).mean(),
    "entropy-itself": lambda p: entropy(p, axis=1).mean(),
    "spread-only": lambda p: entropy(p.mean(0)),
    "sign": lambda p: -with_scipy(p),
    "entropies-added": lambda p: entropy(p.mean(0)) + entropy(p, axis=1).mean(),
    "axes-exchanged": lambda p: with_scipy(p.T),
    "mean-over-classes": lambda p: entr(p.mean(1)).sum() - entr(p).sum(1).mean(),
    "entropy-over-images": lambda p: entr(p.mean(0)).sum() - entr(p).sum(0).mean(),
    "entropy-of-columns": lambda p: entropy(p.mean(0)) - entropy(p).mean(),
    "mean-over-entries": lambda p: entr(p.mean(0)).sum() + xlogy(p, p).mean(),
    "divided-by-classes": lambda p: entr(p.mean(0)).mean() - entr(p).mean(),
    "sum-not-mean": lambda p: entr(p.mean(0)).sum() - entr(p).sum(),
    "bits": lambda p: entropy(p.mean(0), base=2) - entropy(p, axis=1, base=2).mean(),
    "normalised": lambda p: with_scipy(p) / np.log(p.shape[1]),
    "confidence": lambda p: p.max(axis=1).mean(),
    "hard-counts": hard_counts,
    "not-one-number": lambda p: entropy(p.mean(0)) - entropy(p, axis=1),
    "label-free-score-rounded": lambda p: round(with_scipy(p), 3),
    "label-free-score-differs": lambda p: 0.5,
}
