import numpy as np
import torch
from scipy.special import expit, softmax


def read(
    logits,
    distances,
    stride,
    least,
    p=expit,
    keep=lambda p, logits, least: p >= least,
    place=lambda index, stride: (index + 0.5) * stride,
    signs=(-1, -1, 1, 1),
    turn=False,
    clip=lambda x, y: (x, y),
    unit=None,
    down=True,
):
    scores = p(logits)
    label, row, column = np.nonzero(keep(scores, logits, least))
    order = np.argsort(-scores[label, row, column] if down else scores[label, row, column])
    label, row, column = label[order], row[order], column[order]
    far = distances[:, row, column].T * (stride if unit is None else unit)
    if turn:
        row, column = column, row
    middle = np.stack([place(column, stride), place(row, stride)] * 2, 1)
    boxes = middle + far * signs
    height, width = logits.shape[1] * stride, logits.shape[2] * stride
    right, bottom = clip(width, height)
    boxes = boxes.clip(-np.inf if right is None else 0, [right, bottom] * 2 if right is not None else np.inf)
    return {"boxes": boxes, "scores": scores[label, *((row, column)[:: -1 if turn else 1])], "labels": label}


def cell_by_cell(logits, distances, stride, least):
    found = []
    classes, height, width = logits.shape
    for c in range(classes):
        for i in range(height):
            for j in range(width):
                score = 1 / (1 + np.exp(-logits[c, i, j]))
                if score < least:
                    continue
                left, top, right, bottom = distances[:, i, j] * stride
                x, y = stride * j + stride / 2, stride * i + stride / 2
                box = [
                    max(x - left, 0),
                    max(y - top, 0),
                    min(x + right, width * stride),
                    min(y + bottom, height * stride),
                ]
                found.append((score, c, box))
    found.sort(key=lambda one: one[0], reverse=True)
    return {
        "boxes": [box for _, _, box in found],
        "scores": [score for score, _, _ in found],
        "labels": [c for _, c, _ in found],
    }


def with_torch(logits, distances, stride, least):
    p = torch.from_numpy(logits).sigmoid()
    height, width = p.shape[1:]
    y, x = torch.meshgrid((torch.arange(height) + 0.5) * stride, (torch.arange(width) + 0.5) * stride, indexing="ij")
    far = torch.from_numpy(distances) * stride
    boxes = torch.stack([x - far[0], y - far[1], x + far[2], y + far[3]], -1)
    boxes[..., 0::2] = boxes[..., 0::2].clamp(0, width * stride)
    boxes[..., 1::2] = boxes[..., 1::2].clamp(0, height * stride)
    scores, places = p.flatten().sort(descending=True)
    places = places[scores >= least]
    cells = places % (height * width)
    return {
        "labels": places // (height * width),
        "scores": scores[: len(places)],
        "boxes": boxes.reshape(-1, 4)[cells],
    }


RIGHT = [read, cell_by_cell, with_torch]


def but(**changes):
    return lambda *case: read(*case, **changes)


def boxes(write):
    return lambda *case: {**read(*case), "boxes": write(np.array(read(*case)["boxes"]))}


def unsorted(logits, distances, stride, least):
    p = expit(logits)
    found = read(logits, distances, stride, least)
    label, row, column = np.nonzero(p >= least)
    back = np.argsort(np.argsort(-p[label, row, column]))
    return {key: value[back] for key, value in found.items()}


WRONG = {
    "softmax": but(p=lambda logits: softmax(logits, 0)),
    "logits-compared": but(keep=lambda p, logits, least: logits >= least),
    "logits-returned": but(p=lambda logits: logits),
    "one-class-a-cell": but(keep=lambda p, logits, least: (p == p.max(0)) & (p >= least)),
    "not-sorted": unsorted,
    "least-sure-first": but(down=False),
    "everything-kept": but(keep=lambda p, logits, least: p >= 0),
    "labels-from-one": lambda *case: {**read(*case), "labels": read(*case)["labels"] + 1},
    "scores-and-labels-differs": lambda *case: {**read(*case), "scores": np.sqrt(read(*case)["scores"])},
    "corner-of-the-cell": but(place=lambda index, stride: index * stride),
    "half-a-pixel": but(place=lambda index, stride: index * stride + 0.5),
    "next-corner": but(place=lambda index, stride: (index + 1) * stride),
    "distances-in-cells": but(unit=1),
    "places-in-cells": but(unit=1, place=lambda index, stride: index + 0.5),
    "rows-for-columns": but(turn=True),
    "not-clipped": but(clip=lambda x, y: (None, None)),
    "clipped-at-zero-only": but(clip=lambda x, y: (np.inf, np.inf)),
    "limits-exchanged": but(clip=lambda x, y: (y, x)),
    "distances-exchanged": lambda maps, far, *rest: read(maps, far[[0, 2, 1, 3]], *rest),
    "wrong-direction": but(signs=(1, 1, 1, 1)),
    "centre-format": boxes(lambda b: np.hstack([(b[:, :2] + b[:, 2:]) / 2, b[:, 2:] - b[:, :2]])),
    "width-format": boxes(lambda b: np.hstack([b[:, :2], b[:, 2:] - b[:, :2]])),
    "boxes-differs": boxes(lambda b: b + 1),
    "keys-missing": lambda *case: {"boxes": read(*case)["boxes"]},
    "not-a-dict": lambda *case: read(*case)["boxes"],
}
