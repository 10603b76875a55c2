import statistics

import numpy as np
from scipy import stats

import tlcourse as tl


def with_scipy(values):
    return stats.t.interval(0.95, len(values) - 1, loc=np.mean(values), scale=stats.sem(values))


def with_the_standard_library(values):
    values = [float(value) for value in values]
    reach = stats.t.ppf(0.975, len(values) - 1) * statistics.stdev(values) / len(values) ** 0.5
    return [statistics.mean(values) - reach, statistics.mean(values) + reach]


def around_the_mean(reach):
    return lambda values: (np.mean(values) - reach(values), np.mean(values) + reach(values))


def t(values, share=0.975, spent=1):
    return stats.t.ppf(share, len(values) - spent)


def crashes(values):
    return values.mean() - values.interval()


def with_a_scipy_test(values):
    return stats.ttest_1samp(values, 0).confidence_interval(0.95)


RIGHT = [
    with_scipy,
    with_a_scipy_test,
    tl.measure.mean_interval,
    with_the_standard_library,
    lambda values: np.mean(values) + np.array([-1, 1]) * t(values) * np.std(values, ddof=1) / np.sqrt(len(values)),
]

WRONG = {
    "standard-error": around_the_mean(stats.sem),
    "fixed-factor": around_the_mean(lambda v: 2.776 * stats.sem(v)),
    "factor-two": around_the_mean(lambda v: 2 * stats.sem(v)),
    "two-spreads": around_the_mean(lambda v: 2 * v.std(ddof=1)),
    "ninety-nine": around_the_mean(lambda v: t(v, 0.995) * stats.sem(v)),
    "root-of-n-minus-one": around_the_mean(lambda v: t(v) * v.std(ddof=1) / np.sqrt(len(v) - 1)),
    "percentiles": lambda values: np.percentile(values, [2.5, 97.5]),
    "interval-rounded": lambda values: [round(end, 2) for end in with_scipy(values)],
    "normal-quantile": around_the_mean(lambda v: 1.96 * stats.sem(v)),
    "normal-quantile-and-population": around_the_mean(lambda v: 1.96 * v.std() / len(v) ** 0.5),
    "population-spread": around_the_mean(lambda v: t(v) * v.std() / np.sqrt(len(v))),
    "spread-of-runs": around_the_mean(lambda v: t(v) * v.std(ddof=1)),
    "divided-by-n": around_the_mean(lambda v: t(v) * v.std(ddof=1) / len(v)),
    "one-sided": around_the_mean(lambda v: t(v, 0.95) * stats.sem(v)),
    "n-degrees": around_the_mean(lambda v: t(v, spent=0) * stats.sem(v)),
    "two-standard-deviations": around_the_mean(lambda v: v.std(ddof=1)),
    "extremes": lambda values: (min(values), max(values)),
    "mean-and-reach": lambda values: (np.mean(values), t(values) * stats.sem(values)),
    "swapped-ends": lambda values: with_scipy(values)[::-1],
    "interval-differs": lambda values: (0.0, 1.0),
    "raises": crashes,
}
