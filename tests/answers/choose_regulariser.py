import numpy as np


def stepwise(scores):
    means = {name: values.mean() for name, values in scores.items()}
    best = max(means, key=means.get)
    limit = means[best] - scores[best].std(ddof=1) / np.sqrt(len(scores[best]))
    return {"chosen": next(name for name in scores if means[name] >= limit), "limit": limit}


def with_arrays(scores):
    names, table = list(scores), np.array(list(scores.values()))
    means = table.mean(1)
    errors = np.sqrt(((table - means[:, None]) ** 2).sum(1) / (table.shape[1] - 1) / table.shape[1])
    limit = (means - errors)[means.argmax()]
    return {"limit": float(limit), "chosen": names[int(np.argmax(means >= limit))]}


RIGHT = [stepwise, with_arrays]


def limited(width):
    def answer(scores):
        best = max(scores.values(), key=np.mean)
        limit = best.mean() - width(best)
        return {"chosen": next((name for name in scores if scores[name].mean() >= limit), None), "limit": limit}

    return answer


def choosing(choose):
    def answer(scores):
        limit = stepwise(scores)["limit"]
        return {"chosen": choose(scores, limit, [n for n in scores if scores[n].mean() >= limit]), "limit": limit}

    return answer


def sem(values):
    return values.std(ddof=1) / np.sqrt(len(values))


def own_error(scores, limit, within):
    top = max(values.mean() for values in scores.values())
    return next(name for name, values in scores.items() if values.mean() + sem(values) >= top)


def best_seed(scores):
    values = max(scores.values(), key=np.max)
    limit = values.max() - sem(values)
    return {"chosen": next((n for n in scores if scores[n].mean() >= limit), None), "limit": limit}


WRONG = {
    "best-mean": choosing(lambda scores, limit, within: max(scores, key=lambda n: scores[n].mean())),
    "limit-is-best": limited(lambda best: 0),
    "most-complex": choosing(lambda scores, limit, within: within[-1]),
    "worst-within": choosing(lambda scores, limit, within: min(within, key=lambda n: scores[n].mean())),
    "always-simplest": choosing(lambda scores, limit, within: next(iter(scores))),
    "own-error": choosing(own_error),
    "deviation-not-error": limited(lambda best: best.std(ddof=1)),
    "population-deviation": limited(lambda best: best.std() / np.sqrt(len(best))),
    "two-errors": limited(lambda best: 2 * sem(best)),
    "error-added": limited(lambda best: -sem(best)),
    "best-seed": best_seed,
    "one-standard-error-differs": choosing(lambda scores, limit, within: list(scores)[-1]),
    "keys-missing": lambda scores: {"chosen": stepwise(scores)["chosen"]},
    "not-a-dict": lambda scores: stepwise(scores)["chosen"],
}
