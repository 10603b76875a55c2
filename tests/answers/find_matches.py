import numpy as np
import torch
from torchvision.ops import box_iou


def iou(boxes, truths, extra=0, clamp=True, below=lambda shared, a, b: a + b - shared):
    sides = np.minimum(boxes[:, None, 2:], truths[None, :, 2:]) - np.maximum(boxes[:, None, :2], truths[None, :, :2])
    sides = sides + extra
    shared = (np.maximum(sides, 0) if clamp else sides).prod(2)
    areas = [(one[:, 2:] - one[:, :2] + extra).prod(1) for one in (boxes, truths)]
    return shared / below(shared, areas[0][:, None], areas[1][None, :])


def match(table, scores, overlap):
    taken, given = np.zeros(table.shape[1], bool), np.full(len(scores), -1)
    if not table.shape[1]:
        return given
    for box in np.argsort(-scores):
        free = np.where(taken, -1, table[box])
        best = free.argmax()
        if free[best] >= overlap:
            given[box], taken[best] = best, True
    return given


def arrays(boxes, scores, truths, overlap):
    table = iou(boxes, truths)
    return {"iou": table, "match": match(table, scores, overlap)}


def plain_python(boxes, scores, truths, overlap):
    def one(a, b):
        width = max(0, min(a[2], b[2]) - max(a[0], b[0]))
        height = max(0, min(a[3], b[3]) - max(a[1], b[1]))
        shared = width * height
        return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared)

    table = [[one(box, truth) for truth in truths] for box in boxes]
    given, left = [-1] * len(boxes), set(range(len(truths)))
    for box in sorted(range(len(boxes)), key=lambda i: scores[i], reverse=True):
        fits = [truth for truth in left if table[box][truth] >= overlap]
        if fits:
            given[box] = max(fits, key=lambda truth: table[box][truth])
            left.remove(given[box])
    return {"match": given, "iou": table}


def with_torchvision(boxes, scores, truths, overlap):
    table = box_iou(torch.from_numpy(boxes), torch.from_numpy(truths))
    free, given = table.clone(), torch.full((len(boxes),), -1)
    for box in torch.from_numpy(scores.copy()).argsort(descending=True):
        if free.shape[1] and free[box].max() >= overlap:
            given[box] = free[box].argmax()
            free[:, given[box]] = -1
    return {"iou": table, "match": given}


RIGHT = [arrays, plain_python, with_torchvision]


def table_of(make):
    """Another table, with the right matches."""
    return lambda *case: {**arrays(*case), "iou": make(case[0], case[2])}


def matches_of(make):
    """Other matches of (table, scores, overlap), with the right table."""

    def answer(boxes, scores, truths, overlap):
        table = iou(boxes, truths)
        return {"iou": table, "match": make(table, scores, overlap)}

    return answer


def as_centres(boxes):
    return np.hstack([boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2])


def as_sizes(boxes):
    return np.hstack([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]])


def hull(boxes, truths):
    sides = np.maximum(boxes[:, None, 2:], truths[None, :, 2:]) - np.minimum(boxes[:, None, :2], truths[None, :, :2])
    return sides.prod(2)


def duplicates(table, scores, overlap):
    if not table.shape[1]:
        return [-1] * len(scores)
    return np.where(table.max(1) >= overlap, table.argmax(1), -1)


def best_truth_only(table, scores, overlap):
    taken, given = set(), [-1] * len(scores)
    for box in np.argsort(-scores) if table.shape[1] else []:
        best = int(table[box].argmax())
        if table[box, best] >= overlap and best not in taken:
            given[box] = best
            taken.add(best)
    return given


def strict(table, scores, overlap):
    return match(np.where(table > overlap, table, -1), scores, overlap)


def first_fit(table, scores, overlap):
    taken, given = set(), [-1] * len(scores)
    for box in np.argsort(-scores):
        for truth in range(table.shape[1]):
            if truth not in taken and table[box, truth] >= overlap:
                given[box] = truth
                taken.add(truth)
                break
    return given


def truths_choose(table, scores, overlap):
    given = [-1] * len(scores)
    for truth in range(table.shape[1]):
        free = [box for box in range(len(scores)) if given[box] < 0]
        best = max(free, key=lambda box: table[box, truth])
        if table[best, truth] >= overlap:
            given[best] = truth
    return given


def pairs(table, scores, overlap):
    table, given = table.copy(), [-1] * len(scores)
    while table.size and table.max() >= overlap:
        box, truth = np.unravel_index(table.argmax(), table.shape)
        given[box] = truth
        table[box, :] = table[:, truth] = -1
    return given


def assignment(table, scores, overlap):
    from scipy.optimize import linear_sum_assignment

    given = [-1] * len(scores)
    for box, truth in zip(*linear_sum_assignment(table, maximize=True), strict=True):
        if table[box, truth] >= overlap:
            given[box] = truth
    return given


WRONG = {
    "one-pixel-more": table_of(lambda b, t: iou(b, t, extra=1)),
    "centre-format": table_of(lambda b, t: iou(as_centres(b), as_centres(t))),
    "width-format": table_of(lambda b, t: iou(as_sizes(b), as_sizes(t))),
    "not-clamped": table_of(lambda b, t: iou(b, t, clamp=False)),
    "union-too-large": table_of(lambda b, t: iou(b, t, below=lambda shared, a, b: a + b)),
    "dice": table_of(lambda b, t: 2 * iou(b, t, below=lambda shared, a, b: a + b)),
    "hull-for-union": table_of(lambda b, t: iou(b, t, below=lambda shared, x, y: hull(b, t))),
    "share-of-truth": table_of(lambda b, t: iou(b, t, below=lambda shared, a, b: b)),
    "share-of-box": table_of(lambda b, t: iou(b, t, below=lambda shared, a, b: a)),
    "share-of-smaller": table_of(lambda b, t: iou(b, t, below=lambda shared, a, b: np.minimum(a, b))),
    "union-not-reduced": table_of(lambda b, t: iou(b, t, below=lambda shared, a, b: a + b - 2 * shared)),
    "intersection-only": table_of(lambda b, t: iou(b, t, below=lambda shared, a, b: 1)),
    "table-turned": table_of(lambda b, t: iou(b, t).T),
    "iou-differs": table_of(lambda b, t: iou(b, t) ** 2),
    "duplicates-count": matches_of(duplicates),
    "listed-order": matches_of(lambda table, scores, overlap: match(table, -np.arange(len(scores)), overlap)),
    "least-sure-first": matches_of(lambda table, scores, overlap: match(table, -scores, overlap)),
    "no-second-choice": matches_of(best_truth_only),
    "more-than-overlap": matches_of(strict),
    "any-overlap": matches_of(lambda table, scores, overlap: match(table, scores, 1e-9)),
    "overlap-fixed": matches_of(lambda table, scores, overlap: match(table, scores, 0.5)),
    "first-that-fits": matches_of(first_fit),
    "truths-choose": matches_of(truths_choose),
    "largest-overlap-first": matches_of(pairs),
    "best-assignment": matches_of(assignment),
    "order-of-scores": matches_of(lambda table, s, overlap: match(table, s, overlap)[np.argsort(-s)]),
    "right-or-wrong": matches_of(lambda *case: match(*case) >= 0),
    "matches-differs": matches_of(lambda table, scores, overlap: [0] * len(scores)),
    "keys-missing": lambda *case: {"iou": arrays(*case)["iou"]},
    "not-a-dict": lambda *case: tuple(arrays(*case).values()),
}
