import numpy as np


def in_three_lines(probabilities, labels):
    joint = np.eye(labels.max() + 1)[labels].T @ probabilities / len(labels)
    given = joint / np.maximum(joint.sum(0), 1e-300)
    return np.log((given[labels] * probabilities).sum(1)).mean()


def with_loops(probabilities, labels):
    n, sources = probabilities.shape
    joint = {}
    for i in range(n):
        for z in range(sources):
            joint[labels[i], z] = joint.get((labels[i], z), 0) + probabilities[i, z] / n
    marginal = [sum(value for (_, other), value in joint.items() if other == z) for z in range(sources)]
    total = 0
    for i in range(n):
        terms = [joint[labels[i], z] / marginal[z] * probabilities[i, z] for z in range(sources) if marginal[z]]
        total += np.log(sum(terms))
    return total / n


def with_nan_to_num(probabilities, labels):
    joint = np.stack([probabilities[labels == y].sum(0) for y in np.unique(labels)])
    given = np.nan_to_num(joint / joint.sum(0))
    return float(np.mean(np.log(np.einsum("nz,nz->n", given[labels], probabilities))))


RIGHT = [in_three_lines, with_loops, with_nan_to_num]


def table(p, y, axis=0):
    joint = np.eye(y.max() + 1)[y].T @ p / len(y)
    total = joint.sum(axis, keepdims=True)
    return joint / np.where(total > 0, total, 1)


def expected(p, y):
    return (table(p, y)[y] * p).sum(1)


def hard(p):
    return np.eye(p.shape[1])[p.argmax(1)]


def unguarded(p, y):
    joint = np.eye(y.max() + 1)[y].T @ p
    return np.log(((joint / joint.sum(0))[y] * p).sum(1)).mean()


def log_inside(p, y):
    given = table(p, y)[y]
    return (np.log(np.where(given > 0, given, 1)) * p).sum(1).mean()


def joint_only(p, y, n):
    return np.log(((np.eye(y.max() + 1)[y].T @ p / n)[y] * p).sum(1)).mean()


WRONG = {
    "nan-at-empty-class": unguarded,
    "sum-not-mean": lambda p, y: np.log(expected(p, y)).sum(),
    "sign": lambda p, y: -in_three_lines(p, y),
    "no-logarithm": lambda p, y: expected(p, y).mean(),
    "log-of-mean": lambda p, y: np.log(expected(p, y).mean()),
    "bits": lambda p, y: np.log2(expected(p, y)).mean(),
    "decadic": lambda p, y: np.log10(expected(p, y)).mean(),
    "log-inside": log_inside,
    "joint-for-conditional": lambda p, y: joint_only(p, y, len(y)),
    "counts-for-conditional": lambda p, y: joint_only(p, y, 1),
    "conditioned-on-target": lambda p, y: np.log((table(p, y, 1)[y] * p).sum(1)).mean(),
    "most-probable-source-class": lambda p, y: in_three_lines(hard(p), y),
    "hard-table": lambda p, y: np.log((table(hard(p), y)[y] * p).sum(1)).mean(),
    "accuracy": lambda p, y: np.mean((p @ table(p, y).T).argmax(1) == y),
    "not-one-number": lambda p, y: np.log(expected(p, y)),
    "leep-rounded": lambda p, y: round(float(in_three_lines(p, y)), 2),
    "leep-differs": lambda p, y: in_three_lines(p, y) * 2,
}
