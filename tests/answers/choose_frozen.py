import numpy as np
from sklearn.model_selection import StratifiedKFold, StratifiedShuffleSplit


def with_folds(labels, candidates, score):
    splits = list(StratifiedKFold(4, shuffle=True, random_state=0).split(labels, labels))
    means = {k: np.mean([score(k, fit, held) for fit, held in splits]) for k in candidates}
    return max(candidates, key=lambda k: (means[k], k))


def with_shuffles(labels, candidates, score):
    splits = StratifiedShuffleSplit(5, test_size=0.3, random_state=1)
    best, best_mean = None, -1.0
    for k in sorted(candidates):
        mean = sum(score(k, *split) for split in splits.split(labels, labels)) / 5
        if mean >= best_mean:
            best, best_mean = k, mean
    return best


def by_hand(labels, candidates, score):
    """Splits in the outer loop, masks instead of row numbers."""
    totals = dict.fromkeys(reversed(candidates), 0.0)
    for turn in range(3):
        held = np.zeros(len(labels), bool)
        for label in np.unique(labels):
            rows = np.flatnonzero(labels == label)
            held[rows[turn::3]] = True
        for k in totals:
            totals[k] += score(k, np.flatnonzero(~held), np.flatnonzero(held).tolist())
    return max(totals, key=totals.get)


RIGHT = [with_folds, with_shuffles, by_hand]


def folds(labels, n=4):
    return list(StratifiedKFold(n, shuffle=True, random_state=0).split(labels, labels))


def table(labels, candidates, score):
    return {k: [score(k, fit, held) for fit, held in folds(labels)] for k in candidates}


def on_training_rows(labels, candidates, score):
    rows = np.arange(len(labels))
    return max(candidates, key=lambda k: (np.mean([score(k, rows, held) for _, held in folds(labels)]), k))


def first_rows_held(labels, candidates, score):
    order = np.argsort(labels, kind="stable")
    return max(candidates, key=lambda k: score(k, order[10:], order[:10]))


def one_split(labels, candidates, score):
    fit, held = folds(labels)[0]
    return max(candidates, key=lambda k: score(k, fit, held))


def own_splits(labels, candidates, score):
    means = {}
    for k in candidates:
        splits = StratifiedShuffleSplit(3, test_size=0.25, random_state=k).split(labels, labels)
        means[k] = np.mean([score(k, fit, held) for fit, held in splits])
    return max(means, key=means.get)


def some_candidates(labels, candidates, score):
    return with_folds(labels, candidates[1:], score)


def luckiest(labels, candidates, score):
    found = table(labels, candidates, score)
    return max(candidates, key=lambda k: (max(found[k]), k))


def worst(labels, candidates, score):
    found = table(labels, candidates, score)
    return min(candidates, key=lambda k: np.mean(found[k]))


def second(labels, candidates, score):
    found = table(labels, candidates, score)
    return sorted(candidates, key=lambda k: np.mean(found[k]))[1]


def accuracy_itself(labels, candidates, score):
    return max(np.mean(runs) for runs in table(labels, candidates, score).values())


def smallest_of_equals(labels, candidates, score):
    found = table(labels, candidates, score)
    return max(candidates, key=lambda k: (np.mean(found[k]), -k))


WRONG = {
    "never-scores": lambda labels, candidates, score: max(candidates),
    "leak": on_training_rows,
    "class-missing": first_rows_held,
    "too-few-splits": one_split,
    "splits-differ": own_splits,
    "candidates-left-out": some_candidates,
    "best-single-run": luckiest,
    "lowest": worst,
    "not-the-best": second,
    "not-a-candidate": accuracy_itself,
    "tie-trains-more": smallest_of_equals,
    "raises": lambda labels, candidates, score: [score(k) for k in candidates],
}
