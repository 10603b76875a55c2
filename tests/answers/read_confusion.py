import numpy as np


def right(matrix):
    recall = np.diag(matrix) / matrix.sum(axis=1)
    precision = np.diag(matrix) / matrix.sum(axis=0)
    shares = matrix / matrix.sum(axis=1, keepdims=True)
    np.fill_diagonal(shares, 0)
    pair = np.unravel_index(shares.argmax(), shares.shape)
    return {"recall": recall.argmin(), "precision": precision.argmin(), "confused": pair}


def with_loops(matrix):
    n = len(matrix)
    found = [matrix[i][i] / sum(matrix[i]) for i in range(n)]
    trusted = [matrix[i][i] / sum(matrix[k][i] for k in range(n)) for i in range(n)]
    pairs = [(matrix[i][j] / sum(matrix[i]), [i, j]) for i in range(n) for j in range(n) if i != j]
    return {"confused": max(pairs)[1], "recall": found.index(min(found)), "precision": trusted.index(min(trusted))}


RIGHT = [right, with_loops]


def but(**changes):
    return lambda matrix: {**right(matrix), **{key: change(matrix) for key, change in changes.items()}}


def off(matrix):
    return matrix - np.diag(np.diag(matrix))


def where(values):
    return np.unravel_index(values.argmax(), values.shape)


WRONG = {
    "transposed": lambda matrix: right(matrix.T),
    "counts-from-one": lambda m: {k: np.asarray(v) + 1 for k, v in right(m).items()},
    "recall-by-count": but(recall=lambda m: np.diag(m).argmin()),
    "recall-by-errors": but(recall=lambda m: off(m).sum(1).argmax()),
    "recall-highest": but(recall=lambda m: (np.diag(m) / m.sum(1)).argmax()),
    "recall-is-precision": but(recall=lambda m: right(m)["precision"]),
    "precision-is-recall": but(precision=lambda m: right(m)["recall"]),
    "precision-by-count": but(precision=lambda m: off(m).sum(0).argmax()),
    "precision-highest": but(precision=lambda m: (np.diag(m) / m.sum(0)).argmax()),
    "confused-by-count": but(confused=lambda m: where(off(m))),
    "confused-turned-round": but(confused=lambda m: right(m)["confused"][::-1]),
    "confused-on-the-diagonal": but(confused=lambda m: where(m / m.sum(1, keepdims=True))),
    "confused-by-column": but(confused=lambda m: where(off(m) / m.sum(0))),
    "confused-differs": but(confused=lambda m: [0, 0]),
    "not-the-dict": lambda m: tuple(right(m).values()),
    "returns-nothing": lambda m: None,
    "raises": lambda m: m.argmin(axis=2),
}
