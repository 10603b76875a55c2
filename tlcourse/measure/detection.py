"""Detection judged as COCO does: overlap of boxes, matching, and average precision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tlcourse.errors import DataError
from tlcourse.worlds.scenes import Detections

COCO_THRESHOLDS = tuple(0.5 + 0.05 * step for step in range(10))
"""The overlaps that COCO's mAP averages over: 0.50, 0.55 ... 0.95."""

MOST = 100
"""Boxes of a class that count in an image, those of the highest scores."""

_RECALLS = np.linspace(0, 1, 101)


@dataclass(frozen=True)
class DetectionScore:
    """Average precision of each class at each overlap.

    Args:
        precision: shape (overlaps, classes); NaN for a class without an object.
        thresholds: the overlaps.
        classes: the labels of the columns.
    """

    precision: np.ndarray
    thresholds: tuple[float, ...]
    classes: tuple[int, ...]

    @cached_property
    def map(self) -> float:
        """The mean over overlaps and classes: COCO's AP where the overlaps are COCO's."""
        return float(np.nanmean(self.precision))

    def at(self, overlap: float) -> float:
        """The mean over classes at one of the overlaps: `at(0.5)` is COCO's AP50.

        Raises:
            DataError: it was not measured there.
        """
        row = np.flatnonzero(np.isclose(self.thresholds, overlap))
        if not len(row):
            known = ", ".join(f"{value:g}" for value in self.thresholds)
            raise DataError(f"Nothing was measured at an overlap of {overlap:g}.", f"Ask for one of {known}.")
        return float(np.nanmean(self.precision[row[0]]))


def box_iou(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Intersection over union of every box of the first with every box of the second (Jaccard 1912).

    Args:
        first, second: left, top, right, bottom; shapes (N, 4) and (M, 4).

    Returns:
        Shape (N, M), from 0 (apart) to 1 (the same box); two boxes without area share nothing.

    Raises:
        DataError: other shapes, or a right or bottom edge before the left or top one.
    """
    a, b = (_boxes(boxes) for boxes in (first, second))
    sides = np.minimum(a[:, None, 2:], b[None, :, 2:]) - np.maximum(a[:, None, :2], b[None, :, :2])
    shared = sides.clip(0).prod(-1)
    areas = [(boxes[:, 2:] - boxes[:, :2]).prod(-1) for boxes in (a, b)]
    union = areas[0][:, None] + areas[1][None] - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)


def match_boxes(boxes: np.ndarray, scores: np.ndarray, truths: np.ndarray, overlap: float = 0.5) -> np.ndarray:
    """Which truth each detected box gets, as COCO does it: the surest box chooses first.

    A box takes, of the truths that no surer box has taken, the one it overlaps most, if by `overlap` or more. Whatever
    comes second to a truth is a false alarm. Of equal scores the earlier box chooses first.

    Args:
        boxes: shape (N, 4), scores: shape (N,), truths: shape (M, 4), all of one class and one image.
        overlap: the least intersection over union.

    Returns:
        int64, shape (N,): the index of the truth, -1 for a false alarm.

    Raises:
        DataError: shapes that do not fit, or boxes that `box_iou` refuses.
    """
    if len(boxes) != len(scores):
        raise DataError(f"{len(boxes)} boxes and {len(scores)} scores do not fit.", "Give one score for each box.")
    overlaps = box_iou(boxes, truths)
    return _matched(overlaps, np.argsort(-np.asarray(scores, float), kind="stable"), overlap)


def detection_score(
    found: Sequence[Detections],
    boxes: Sequence[np.ndarray],
    labels: Sequence[np.ndarray],
    thresholds: Sequence[float] = COCO_THRESHOLDS,
) -> DetectionScore:
    """COCO's average precision (Lin et al. 2014, "Microsoft COCO: Common Objects in Context").

    For each class, the boxes of all images are sorted by score; each step down the list gives a recall (the share of
    the objects found so far) and a precision (the share of right boxes so far). AP is the mean, over the recalls 0,
    0.01 ... 1, of the best precision at that recall or a higher one. It agrees with pycocotools, for boxes of all sizes
    and up to 100 a class and image.

    Args:
        found: one an image.
        boxes, labels: the truths, one array an image: shapes (objects, 4) and (objects,).
        thresholds: the overlaps from which a box is right.

    Raises:
        DataError: other numbers of images, or no object in any of them.
    """
    if not len(found) == len(boxes) == len(labels):
        raise DataError(
            f"Detections in {len(found)} images, boxes in {len(boxes)} and labels in {len(labels)} do not fit.",
            "Give one of each for every image, empty ones too.",
        )
    classes = tuple(np.unique(np.concatenate([np.asarray(one, np.int64) for one in labels])).tolist()) if labels else ()
    if not classes:
        raise DataError("No image has an object to find.", "Measure on scenes with objects.")
    columns = [_class_precision(_of_class(found, boxes, labels, label), thresholds) for label in classes]
    return DetectionScore(np.array(columns).T, tuple(thresholds), classes)


def _of_class(
    found: Sequence[Detections], boxes: Sequence[np.ndarray], labels: Sequence[np.ndarray], label: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    """For each image: (scores of this class's best boxes, the best first; their overlap with each truth)."""
    images = []
    for one, truths, theirs in zip(found, boxes, labels, strict=True):
        mine = np.flatnonzero(np.asarray(one.labels) == label)
        scores = np.asarray(one.scores, float)[mine]
        order = np.argsort(-scores, kind="stable")[:MOST]
        overlaps = box_iou(np.asarray(one.boxes)[mine[order]], np.asarray(truths)[np.asarray(theirs) == label])
        images.append((scores[order], overlaps))
    return images


def _class_precision(images: list[tuple[np.ndarray, np.ndarray]], thresholds: Sequence[float]) -> list[float]:
    """Average precision of a class at each overlap."""
    order = np.argsort(-np.concatenate([scores for scores, _ in images]), kind="stable")
    objects = sum(overlaps.shape[1] for _, overlaps in images)
    averages = []
    for threshold in thresholds:
        right = np.concatenate([_matched(o, np.arange(len(o)), threshold) >= 0 for _, o in images])[order]
        averages.append(_average_precision(right, objects))
    return averages


def _matched(overlaps: np.ndarray, order: np.ndarray, least: float) -> np.ndarray:
    """The truth of each box, -1 for none; `overlaps` has one row a box, boxes choose in this order."""
    taken, truth_of = np.zeros(overlaps.shape[1], bool), np.full(len(overlaps), -1)
    for box in order if overlaps.size else ():
        free = np.where(taken, -1.0, overlaps[box])
        best = len(free) - 1 - int(np.argmax(free[::-1]))  # of equal overlaps the last, as pycocotools does
        if free[best] >= min(least, 1 - 1e-10):
            truth_of[box], taken[best] = best, True
    return truth_of


def _average_precision(right: np.ndarray, objects: int) -> float:
    hits = np.cumsum(right)
    recall, precision = hits / objects, hits / np.arange(1, len(right) + 1)
    best = np.maximum.accumulate(precision[::-1])[::-1]  # at this recall or a higher one
    at = np.searchsorted(recall, _RECALLS)
    return float(np.mean(np.append(best, 0.0)[at]))


def _boxes(boxes: np.ndarray) -> np.ndarray:
    array = np.asarray(boxes, float)
    if array.ndim != 2 or array.shape[1] != 4:
        raise DataError(f"Boxes of shape {array.shape} are none.", "Give rows of left, top, right, bottom.")
    if (array[:, 2:] < array[:, :2]).any():
        raise DataError(
            "A box ends before it begins.",
            "Give corners: left, top, right, bottom, not a centre, a width and a height.",
        )
    return array
