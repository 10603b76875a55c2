import math

import numpy as np
from scipy.stats import rankdata


def scores_of(sources, score):
    found = {}
    for name, source in sources.items():
        try:
            found[name] = score(source)
        except Exception:
            found[name] = None
        else:
            if math.isnan(found[name]):
                found[name] = None
    return found


def by_counting(sources, score):
    found = scores_of(sources, score)
    known = [value for value in found.values() if value is not None]
    return {name: None if v is None else 1 + sum(other > v for other in known) for name, v in found.items()}


def with_rankdata(sources, score):
    found = {name: value for name, value in scores_of(sources, score).items() if value is not None}
    ranks = rankdata([-value for value in found.values()], method="min")
    return {**dict.fromkeys(sources), **dict(zip(found, ranks, strict=True))}


def by_sorting(sources, score):
    found = scores_of(sources, score)
    order = sorted((v for v in found.values() if v is not None), reverse=True)
    return {name: v if v is None else order.index(v) + 1 for name, v in found.items()}


RIGHT = [by_counting, with_rankdata, by_sorting]


def ranked_by(rank, clean=scores_of):
    def answer(sources, score):
        found = clean(sources, score)
        known = [value for value in found.values() if value is not None]
        return {name: None if value is None else rank(value, known) for name, value in found.items()}

    return answer


def higher(value, known):
    return 1 + sum(other > value for other in known)


def without_ties(sources, score):
    found = scores_of(sources, score)
    order = sorted((n for n in found if found[n] is not None), key=lambda n: found[n], reverse=True)
    return {name: order.index(name) + 1 if name in order else None for name in found}


def standing_in(value):
    def clean(sources, score):
        return {name: value if found is None else found for name, found in scores_of(sources, score).items()}

    return ranked_by(higher, clean)


def failures_last(sources, score):
    found = by_counting(sources, score)
    known = sum(rank is not None for rank in found.values())
    return {name: known + 1 if rank is None else rank for name, rank in found.items()}


def errors_alone(sources, score):
    found = {}
    for name, source in sources.items():
        try:
            found[name] = score(source)
        except ValueError:
            found[name] = None
    return found


def finite_alone(sources, score):
    return {n: v if v is not None and np.isfinite(v) else None for n, v in scores_of(sources, score).items()}


def asking_twice(sources, score):
    scores_of(sources, score)
    return by_counting(sources, score)


WRONG = {
    "worst-first": ranked_by(lambda value, known: 1 + sum(other < value for other in known)),
    "from-zero": ranked_by(lambda value, known: higher(value, known) - 1),
    "ties-by-order": without_ties,
    "no-gap-after-tie": ranked_by(lambda value, known: 1 + len({other for other in known if other > value})),
    "ties-share-worst": ranked_by(lambda value, known: sum(other >= value for other in known)),
    "ties-averaged": ranked_by(lambda value, known: float(rankdata([-k for k in known])[known.index(value)])),
    "failed-left-out": lambda *args: {name: rank for name, rank in by_counting(*args).items() if rank},
    "failed-last": failures_last,
    "failed-as-minus-infinity": standing_in(-math.inf),
    "failed-as-zero": standing_in(0.0),
    "nan-ranked": ranked_by(higher, errors_alone),
    "infinity-dropped": ranked_by(higher, finite_alone),
    "scores-not-ranks": scores_of,
    "error-not-caught": lambda sources, score: {name: score(source) for name, source in sources.items()},
    "score-asked-again": asking_twice,
    "not-a-dict": lambda *args: [name for name, rank in by_counting(*args).items() if rank],
    "rank-sources-differs": lambda *args: dict.fromkeys(by_counting(*args), 1),
}
