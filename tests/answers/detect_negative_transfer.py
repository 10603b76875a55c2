import numpy as np
from scipy import stats


def _report(gap, reach, verdict=None):
    low, high = gap - reach, gap + reach
    word = "hurts" if high < 0 else "helps" if low > 0 else "no gap"
    return {"gap": gap, "low": low, "high": high, "verdict": verdict(gap, low, high) if verdict else word}


def by_hand(source_scores, scratch_scores):
    d = source_scores - scratch_scores
    return _report(d.mean(), stats.t.ppf(0.975, len(d) - 1) * d.std(ddof=1) / np.sqrt(len(d)))


def with_scipy(source_scores, scratch_scores):
    differences = np.subtract(source_scores, scratch_scores)
    low, high = stats.t.interval(0.95, len(differences) - 1, differences.mean(), stats.sem(differences))
    verdict = "no gap"
    if low > 0:
        verdict = "helps"
    elif high < 0:
        verdict = "hurts"
    return {"verdict": verdict, "low": low, "high": high, "gap": np.mean(differences)}


def with_a_test(source_scores, scratch_scores):
    test = stats.ttest_rel(source_scores, scratch_scores)
    interval = test.confidence_interval()
    gap = (interval.low + interval.high) / 2
    verdict = "no gap" if test.pvalue > 0.05 else ("helps" if test.statistic > 0 else "hurts")
    return {"gap": float(gap), "low": interval.low, "high": interval.high, "verdict": verdict}


RIGHT = [by_hand, with_scipy, with_a_test]


def of(times, ddof=1):
    def answer(source_scores, scratch_scores):
        d = source_scores - scratch_scores
        return _report(d.mean(), times(len(d)) * d.std(ddof=ddof))

    return answer


def judged(verdict):
    def answer(source_scores, scratch_scores):
        found = by_hand(source_scores, scratch_scores)
        return {**found, "verdict": verdict(found["gap"], found["low"], found["high"])}

    return answer


def t(n):
    return stats.t.ppf(0.975, n - 1) / np.sqrt(n)


def independent(source_scores, scratch_scores):
    interval = stats.ttest_ind(source_scores, scratch_scores).confidence_interval()
    return _report((interval.low + interval.high) / 2, (interval.high - interval.low) / 2)


def ends_exchanged(source_scores, scratch_scores):
    found = by_hand(source_scores, scratch_scores)
    return {**found, "low": found["high"], "high": found["low"]}


def the_range(source_scores, scratch_scores):
    d = source_scores - scratch_scores
    return {**_report(d.mean(), 0), "low": d.min(), "high": d.max()}


def in_percent(source_scores, scratch_scores):
    return by_hand(100 * source_scores, 100 * scratch_scores)


def median(source_scores, scratch_scores):
    return {**by_hand(source_scores, scratch_scores), "gap": np.median(source_scores - scratch_scores)}


WRONG = {
    "sign": lambda source, scratch: by_hand(scratch, source),
    "ends-exchanged": ends_exchanged,
    "unpaired": independent,
    "normal-quantile": of(lambda n: 1.96 / np.sqrt(n)),
    "one-sided-quantile": of(lambda n: stats.t.ppf(0.95, n - 1) / np.sqrt(n)),
    "degrees-of-freedom": of(lambda n: stats.t.ppf(0.975, n) / np.sqrt(n)),
    "population-deviation": of(t, ddof=0),
    "deviation-not-error": of(lambda n: stats.t.ppf(0.975, n - 1)),
    "divided-by-n": of(lambda n: stats.t.ppf(0.975, n - 1) / n),
    "one-standard-error": of(lambda n: 1 / np.sqrt(n)),
    "two-standard-errors": of(lambda n: 2 / np.sqrt(n)),
    "range-of-seeds": the_range,
    "relative-gap": lambda source, scratch: by_hand(source / scratch, np.ones(len(scratch))),
    "percent": in_percent,
    "median-gap": median,
    "mean-decides": judged(lambda gap, low, high: "hurts" if gap < 0 else "helps"),
    "words-exchanged": judged(lambda gap, low, high: "helps" if high < 0 else "hurts" if low > 0 else "no gap"),
    "wrong-end": judged(lambda gap, low, high: "hurts" if low < 0 else "helps"),
    "tie-helps": judged(lambda gap, low, high: "hurts" if high < 0 else "helps"),
    "only-harm": judged(lambda gap, low, high: "hurts" if high < 0 else "no gap"),
    "never-hurts": judged(lambda gap, low, high: "helps" if low > 0 else "no gap"),
    "tie-never": judged(lambda g, low, high: "no gap" if low * high > 0 else "hurts" if g < 0 else "helps"),
    "unknown-verdict": judged(lambda gap, low, high: high < 0),
    "verdict-differs": judged(lambda gap, low, high: "no gap"),
    "gap-interval-differs": lambda source, scratch: by_hand(source + 0.01, scratch),
    "keys-missing": lambda source, scratch: {"gap": np.mean(source - scratch)},
    "not-a-dict": lambda source, scratch: "hurts",
    "raises": lambda source, scratch: stats.ttest_paired(source, scratch),
}
