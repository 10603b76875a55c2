import numpy as np
import torch


def as_a_product(p_target, n_source, n_target):
    return p_target / (1 - p_target) * (n_source / n_target)


def by_bayes(p_target, n_source, n_target):
    total = n_source + n_target
    density_in_target = p_target / (n_target / total)
    density_in_source = (1 - p_target) / (n_source / total)
    return density_in_target / density_in_source


def one_by_one(p_target, n_source, n_target):
    return [n_source * p / (n_target * (1 - p)) for p in p_target]


def through_the_logit(p_target, n_source, n_target):
    p = torch.tensor(p_target, dtype=torch.float32)
    return torch.exp(torch.logit(p) + np.log(n_source) - np.log(n_target))


def as_a_column(p_target, n_source, n_target):
    p = p_target.reshape(-1, 1)
    return p * len(p) / ((1 - p) * n_target)


def as_rows(p_target, n_source, n_target):
    return [[p / n_target / ((1 - p) / n_source)] for p in p_target]


RIGHT = [as_a_product, by_bayes, one_by_one, through_the_logit, as_a_column, as_rows]


def scaled(by):
    def answer(p_target, n_source, n_target):
        weights = as_a_product(p_target, n_source, n_target)
        return weights / by(weights)

    return answer


WRONG = {
    "probability-itself": lambda p, n, m: p,
    "probability-scaled": lambda p, n, m: p * n / m,
    "source-over-target": lambda p, n, m: (1 - p) / p * m / n,
    "odds-upside-down": lambda p, n, m: (1 - p) / p * n / m,
    "odds-upside-down-no-sizes": lambda p, n, m: (1 - p) / p,
    "sizes-ignored": lambda p, n, m: p / (1 - p),
    "sizes-upside-down": lambda p, n, m: p / (1 - p) * m / n,
    "share-of-sizes": lambda p, n, m: p / (1 - p) * n / (n + m),
    "mean-one": scaled(np.mean),
    "sum-one": scaled(np.sum),
    "largest-one": scaled(np.max),
    "logarithm": lambda p, n, m: np.log(p) - np.log(1 - p) + np.log(n / m),
    "clipped-at-one": lambda p, n, m: as_a_product(p, n, m).clip(max=1),
    "clipped": lambda p, n, m: np.clip(as_a_product(p, n, m), 0, 10),
    "brackets-missing": lambda p, n, m: p / 1 - p * n / m,
    "inverse-propensity": lambda p, n, m: 1 / (1 - p),
    "inverse-propensity-scaled": lambda p, n, m: 1 / (1 - p) * n / m,
    "one-weight-each": lambda p, n, m: as_a_product(p, n, m).mean(),
    "importance-weights-rounded": lambda p, n, m: np.round(as_a_product(p, n, m), 2).tolist(),
    "importance-weights-differs": lambda p, n, m: as_a_product(p, n, m) ** 2,
    "wrong-arguments": lambda p: p / (1 - p),
}
