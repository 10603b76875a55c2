import itertools

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict
from sklearn.neighbors import NearestNeighbors


def minus_mean_gap(source, target):
    gap = np.abs(target.mean(0) - source.mean(0)) / source.std(0)
    return -gap.mean()


def minus_proxy_a_distance(source, target):
    both = np.concatenate([source, target])
    both = (both - source.mean(0)) / source.std(0)
    domain = np.repeat([0, 1], [len(source), len(target)])
    guesses = cross_val_predict(LogisticRegression(class_weight="balanced"), both, domain, cv=2)
    error = (np.mean(guesses[domain == 0] != 0) + np.mean(guesses[domain == 1] != 1)) / 2
    return 1 - (1 - 2 * error)


def nearness(source, target):
    """How near the target's rows find one of the source's, against how near those are to each other."""
    mean, spread = source.mean(0), source.std(0)
    source, target = (source - mean) / spread, (target - mean) / spread
    index = NearestNeighbors(n_neighbors=2).fit(source)
    own, other = index.kneighbors(source)[0][:, 1], index.kneighbors(target)[0][:, 0]
    return np.array([own.mean() / other.mean()])


def in_words_of_torch(source, target):
    import torch

    source, target = torch.tensor(source), torch.tensor(target)
    gap = (target.mean(0) - source.mean(0)) / source.std(0)
    return 1 / (1 + gap.norm())


RIGHT = [minus_mean_gap, minus_proxy_a_distance, nearness, in_words_of_torch]


def standard(x):
    return (x - x.mean(0)) / x.std(0)


def guessed_right(source, target):
    both = np.concatenate([source, target])
    domain = np.repeat([0, 1], [len(source), len(target)])
    guesses = cross_val_predict(LogisticRegression(max_iter=2000), standard(both), domain, cv=2)
    return np.mean(guesses == domain)


def cosine_of_means(source, target):
    a, b = source.mean(0), target.mean(0)
    return a @ b / np.linalg.norm(a) / np.linalg.norm(b)


def summed(source, target):
    z = (target - source.mean(0)) / source.std(0)
    return -np.sum(z**2)


def to_the_middle(source, target):
    gap = np.abs(minus_mean_gap(source, target))
    return -np.abs(gap - 0.6)


calls = itertools.count()


def with_a_memory(source, target):
    """A running total that nobody resets."""
    return minus_mean_gap(source, target) + 10 * next(calls)


WRONG = {
    "distance-not-similarity": guessed_right,
    "blind-to-shift": lambda source, target: -np.abs(standard(source).mean(0) - standard(target).mean(0)).mean(),
    "depends-on-units": cosine_of_means,
    "depends-on-size": summed,
    "not-ordered": to_the_middle,
    "unstable": with_a_memory,
    "pairs-rows": lambda source, target: -np.abs(standard(source) - (target - source.mean(0)) / source.std(0)).mean(),
    "not-one-number": lambda source, target: -np.abs(source.mean(0) - target.mean(0)) / source.std(0),
    "not-finite": lambda source, target: 1 / np.float64(0 * source.sum()),
    "returns-nothing": lambda source, target: None,
}
