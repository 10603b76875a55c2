import math

import numpy as np
from scipy import stats


def by_counting(clean, stream, rate):
    return np.array([(1 + np.sum(clean >= score)) / (len(clean) + 1) for score in stream]) <= rate


def by_threshold(clean, stream, rate):
    k = math.ceil((1 - rate) * (len(clean) + 1))
    threshold = np.sort(clean)[k - 1] if k <= len(clean) else np.inf
    return [bool(score > threshold) for score in stream]


def in_one_go(clean, stream, rate):
    larger = len(clean) - np.searchsorted(np.sort(clean), stream, side="left")
    return ((larger + 1) <= rate * (len(clean) + 1)).astype(int)


def with_scipy(clean, stream, rate):
    return [
        stats.percentileofscore(-clean, -s, kind="weak") * len(clean) / 100 + 1 <= rate * (len(clean) + 1)
        for s in stream
    ]


RIGHT = [by_counting, by_threshold, in_one_go, with_scipy]


def chance(of):
    """An alarm where `of(clean, score)` is at most the rate."""
    return lambda clean, stream, rate: [of(clean, score) <= rate for score in stream]


def above(threshold):
    return lambda clean, stream, rate: stream > threshold(clean, stream, rate)


WRONG = {
    "one-missing": chance(lambda clean, s: np.mean(clean >= s)),
    "one-missing-above": chance(lambda clean, s: np.sum(clean >= s) / (len(clean) + 1)),
    "one-missing-below": chance(lambda clean, s: (1 + np.sum(clean >= s)) / len(clean)),
    "ties-not-counted": chance(lambda clean, s: (1 + np.sum(clean > s)) / (len(clean) + 1)),
    "wrong-tail": chance(lambda clean, s: (1 + np.sum(clean <= s)) / (len(clean) + 1)),
    "upside-down": lambda clean, stream, rate: ~by_counting(clean, stream, rate),
    "rate-halved": lambda clean, stream, rate: by_counting(clean, stream, rate / 2),
    "rate-shared-out": lambda clean, stream, rate: by_counting(clean, stream, rate / len(stream)),
    "plain-quantile": above(lambda clean, stream, rate: np.quantile(clean, 1 - rate)),
    "largest-clean": above(lambda clean, stream, rate: clean.max()),
    "two-sigma": above(lambda clean, stream, rate: clean.mean() + 2 * clean.std()),
    "three-sigma": above(lambda clean, stream, rate: clean.mean() + 3 * clean.std()),
    "threshold-from-stream": above(lambda clean, stream, rate: np.quantile(stream, 1 - rate)),
    "compared-with-rate": above(lambda clean, stream, rate: rate),
    "one-value": lambda clean, stream, rate: bool(by_counting(clean, stream, rate).any()),
    "not-one-a-window": lambda clean, stream, rate: np.flatnonzero(by_counting(clean, stream, rate)),
    "chances-returned": lambda clean, stream, rate: [(1 + np.sum(clean >= s)) / (len(clean) + 1) for s in stream],
    "drift-alarm-differs": lambda clean, stream, rate: stream > np.median(clean),
    "raises": lambda clean, stream, rate: clean >= stream,
}
