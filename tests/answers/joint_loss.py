import torch
import torch.nn.functional as F
from torch import nn


def summed(logits, labels):
    known = (labels != -1).sum().clamp(min=1)
    return F.cross_entropy(logits, labels, ignore_index=-1, reduction="sum") / known


def chosen(logits, labels):
    rows = labels >= 0
    return F.cross_entropy(logits[rows], labels[rows]) if rows.any() else logits.sum() * 0


def by_hand(logits, labels):
    logs = logits.double() - logits.double().logsumexp(1, keepdim=True)
    losses = [-logs[i, y].item() for i, y in enumerate(labels.tolist()) if y != -1]
    return sum(losses) / len(losses) if losses else 0.0


def joined(loss):
    return lambda a, y, b, z, weight: loss(a, y) + weight * loss(b, z)


def without_nan(a, y, b, z, weight):
    losses = torch.stack([F.cross_entropy(a, y, ignore_index=-1), weight * F.cross_entropy(b, z, ignore_index=-1)])
    return torch.nan_to_num(losses).sum()


RIGHT = [joined(summed), joined(chosen), joined(by_hand), without_nan]


def over_all(logits, labels):
    return F.cross_entropy(logits, labels, ignore_index=-1, reduction="sum") / len(labels)


def last_class(logits, labels):
    return -logits.log_softmax(1)[torch.arange(len(labels)), labels].mean()


def both(a, y, b, z, weight):
    rows = (y >= 0) & (z >= 0)
    return chosen(a[rows], y[rows]) + weight * chosen(b[rows], z[rows])


def pooled(a, y, b, z, weight):
    criterion = nn.CrossEntropyLoss(ignore_index=-1, reduction="sum")
    return (criterion(a, y) + weight * criterion(b, z)) / ((y != -1).sum() + (z != -1).sum())


WRONG = {
    "nan-without-labels": joined(lambda x, y: F.cross_entropy(x, y, ignore_index=-1)),
    "mean-over-all": joined(over_all),
    "missing-as-last-class": joined(last_class),
    "missing-as-first-class": joined(lambda x, y: F.cross_entropy(x, y.clamp(min=0))),
    "both-labels-only": both,
    "pooled-mean": pooled,
    "weight-ignored": lambda a, y, b, z, weight: summed(a, y) + summed(b, z),
    "weight-on-first": lambda a, y, b, z, weight: weight * summed(a, y) + summed(b, z),
    "weight-on-both": lambda a, y, b, z, weight: weight * (summed(a, y) + summed(b, z)),
    "weights-sum-to-one": lambda a, y, b, z, weight: (1 - weight) * summed(a, y) + weight * summed(b, z),
    "mean-of-tasks": lambda a, y, b, z, weight: (summed(a, y) + weight * summed(b, z)) / 2,
    "sums-not-means": joined(lambda x, y: F.cross_entropy(x, y, ignore_index=-1, reduction="sum")),
    "softmax-twice": joined(lambda x, y: summed(x.softmax(1), y)),
    "first-task-only": lambda a, y, b, z, weight: summed(a, y),
    "raises": joined(F.cross_entropy),
    "joint-loss-differs": lambda a, y, b, z, weight: a.mean(),
}
