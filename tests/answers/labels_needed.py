import math

import numpy as np


def with_a_loop(labels, accuracies, target):
    for i in range(len(labels)):
        if accuracies[i] >= target:
            if i == 0:
                return labels[0]
            share = (target - accuracies[i - 1]) / (accuracies[i] - accuracies[i - 1])
            return labels[i - 1] + share * (labels[i] - labels[i - 1])
    return None


def with_interp_between_two_points(labels, accuracies, target):
    reached = np.flatnonzero(np.asarray(accuracies) >= target)
    if len(reached) == 0:
        return None
    i = reached[0]
    if i == 0:
        return float(labels[0])
    return float(np.interp(target, accuracies[i - 1 : i + 1], labels[i - 1 : i + 1]))


def with_a_running_maximum(labels, accuracies, target):
    """A dip cannot undo a crossing that was made before it."""
    for (x0, y0), (x1, y1) in zip(
        zip(labels, accuracies, strict=True), zip(labels[1:], accuracies[1:], strict=True), strict=False
    ):
        if y0 >= target:
            return x0
        if y1 >= target:
            return x0 + (x1 - x0) * (target - y0) / (y1 - y0)
    return None


def instead_of_none(value):
    def answer(labels, accuracies, target):
        amount = with_a_loop(labels, accuracies, target)
        return value(labels) if amount is None else amount

    return answer


def first_point(labels, accuracies, target):
    return next((float(x) for x, y in zip(labels, accuracies, strict=True) if y >= target), None)


def first_point_above(labels, accuracies, target):
    return next((float(x) for x, y in zip(labels, accuracies, strict=True) if y > target), None)


def point_before(labels, accuracies, target):
    if max(accuracies) < target:
        return None
    first = int(np.argmax(accuracies >= target))
    return float(labels[max(first - 1, 0)])


def index(labels, accuracies, target):
    return int(np.argmax(accuracies >= target)) if (accuracies >= target).any() else None


def last_crossing(labels, accuracies, target):
    if accuracies[-1] < target:
        return None
    for i in range(len(labels) - 1, 0, -1):
        if accuracies[i - 1] < target:
            return np.interp(target, accuracies[i - 1 : i + 1], labels[i - 1 : i + 1])
    return labels[0]


def log_line(labels, accuracies, target):
    amount = with_a_loop(np.log(labels), accuracies, target)
    return None if amount is None else math.exp(amount)


def strictly(labels, accuracies, target):
    for i in range(1, len(labels)):
        if accuracies[0] >= target:
            return labels[0]
        if accuracies[i] > target:
            share = (target - accuracies[i - 1]) / (accuracies[i] - accuracies[i - 1])
            return labels[i - 1] + share * (labels[i] - labels[i - 1])
    return None


def between(place):
    def answer(labels, accuracies, target):
        reached = np.flatnonzero(accuracies >= target)
        if len(reached) == 0 or reached[0] == 0:
            return labels[0] if len(reached) else None
        i = reached[0]
        share = (target - accuracies[i - 1]) / (accuracies[i] - accuracies[i - 1])
        return float(place(labels[i - 1], labels[i], share))

    return answer


def without_end(labels, accuracies, target):
    first = next(i for i, y in enumerate(accuracies) if y >= target)
    return with_a_loop(labels[: first + 1], accuracies[: first + 1], target)


RIGHT = [with_a_loop, with_interp_between_two_points, with_a_running_maximum]

WRONG = {
    "measured-point": first_point,
    "strictly-above": first_point_above,
    "point-before": point_before,
    "index": index,
    "clipped": instead_of_none(lambda labels: labels[-1]),
    "never-exactly": strictly,
    "np-interp": lambda labels, accuracies, target: np.interp(target, accuracies, labels),
    "np-interp-guarded": lambda x, y, target: None if max(y) < target else np.interp(target, y, x),
    "looks-at-the-end": lambda x, y, target: None if y[-1] < target else with_a_loop(x, y, target),
    "share-from-wrong-end": between(lambda x0, x1, share: x1 + share * (x0 - x1)),
    "base-forgotten": between(lambda x0, x1, share: share * (x1 - x0)),
    "midpoint": between(lambda x0, x1, share: (x0 + x1) / 2),
    "rounded-up": between(lambda x0, x1, share: math.ceil(x0 + share * (x1 - x0))),
    "starts-above": lambda x, y, target: None if y[0] >= target else with_a_loop(x, y, target),
    "infinite": instead_of_none(lambda labels: float("inf")),
    "zero-or-less": instead_of_none(lambda labels: 0),
    "minus-one": instead_of_none(lambda labels: -1),
    "last-crossing": last_crossing,
    "log-line": log_line,
    "never-reached-raises": without_end,
    "labels-differs": lambda labels, accuracies, target: float(np.mean(labels)),
}
