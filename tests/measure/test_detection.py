"""IoU, matching and mAP agree with pycocotools, on random scenes and in the corners."""

from __future__ import annotations

import contextlib
import io

import numpy as np
import pytest

from tlcourse.errors import DataError
from tlcourse.measure import box_iou, detection_score, match_boxes
from tlcourse.worlds import Detections

NOTHING = Detections(np.zeros((0, 4)), np.zeros(0), np.zeros(0, int))
Truths = list[tuple[np.ndarray, np.ndarray]]


def coco(found: list[Detections], truths: Truths) -> tuple[float, float]:
    """(mAP, AP50) of pycocotools."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    def sized(boxes: np.ndarray) -> list[list[float]]:
        return np.hstack([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]]).astype(float).tolist()

    objects = [
        {"image_id": i, "category_id": int(label), "bbox": box, "area": box[2] * box[3], "iscrowd": 0}
        for i, (boxes, labels) in enumerate(truths)
        for box, label in zip(sized(boxes), labels, strict=True)
    ]
    boxes_found = [
        {"image_id": i, "category_id": int(label), "bbox": box, "score": float(score)}
        for i, one in enumerate(found)
        for box, score, label in zip(sized(one.boxes), one.scores, one.labels, strict=True)
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        reference = COCO()
        reference.dataset = {
            "info": {},
            "images": [{"id": i} for i in range(len(truths))],
            "annotations": [{"id": i + 1, **one} for i, one in enumerate(objects)],
            "categories": [{"id": label} for label in range(9)],
        }
        reference.createIndex()
        results = reference.loadRes(boxes_found) if boxes_found else COCO()
        if not boxes_found:
            results.dataset = {**reference.dataset, "annotations": []}
            results.createIndex()
        evaluation = COCOeval(reference, results, "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return float(evaluation.stats[0]), float(evaluation.stats[1])


def ours(found: list[Detections], truths: Truths) -> tuple[float, float]:
    score = detection_score(found, [boxes for boxes, _ in truths], [labels for _, labels in truths])
    return score.map, score.at(0.5)


def random_boxes(rng: np.random.Generator, n: int) -> np.ndarray:
    corners = rng.uniform(0, 70, (n, 2))
    return np.hstack([corners, corners + rng.uniform(5, 30, (n, 2))])


def random_scene(rng: np.random.Generator) -> tuple[Detections, tuple[np.ndarray, np.ndarray]]:
    """Some objects; boxes near them, twice near some, elsewhere; scores of one decimal, so that many are equal."""
    truths, labels = random_boxes(rng, rng.integers(0, 6)), None
    labels = rng.integers(0, 3, len(truths))
    near = np.repeat(np.arange(len(truths)), rng.integers(0, 3, len(truths)))
    close = truths[near] + rng.normal(0, 1.5, (len(near), 4)) * [1, 1, 0, 0]
    stray = random_boxes(rng, rng.integers(0, 4))
    boxes = np.concatenate([close, stray])
    named = np.where(rng.random(len(near)) < 0.9, labels[near], rng.integers(0, 3, len(near)))
    found_labels = np.concatenate([named, rng.integers(0, 3, len(stray))])
    return Detections(boxes, rng.random(len(boxes)).round(1), found_labels), (truths, labels)


@pytest.mark.parametrize("seed", range(20))
def test_random_scenes_agree_with_pycocotools(seed: int) -> None:
    rng = np.random.default_rng(seed)
    found, truths = (list(part) for part in zip(*(random_scene(rng) for _ in range(12)), strict=True))
    assert ours(found, truths) == pytest.approx(coco(found, truths), abs=1e-9)


SQUARE, FAR = [10.0, 10.0, 30.0, 30.0], [50.0, 50.0, 70.0, 70.0]
ONE_OBJECT = (np.array([SQUARE]), np.array([0]))
NO_OBJECT = (np.zeros((0, 4)), np.zeros(0, int))


def found(boxes: list[list[float]], scores: list[float], labels: list[int] | None = None) -> Detections:
    return Detections(np.array(boxes, float), np.array(scores), np.array(labels or [0] * len(scores)))


CORNERS = {
    "nothing found": ([NOTHING], [ONE_OBJECT]),
    "all right": ([found([SQUARE], [0.4])], [ONE_OBJECT]),
    "all wrong": ([found([FAR, FAR], [0.9, 0.8])], [ONE_OBJECT]),
    "right box, wrong class": ([found([SQUARE], [0.9], [1])], [ONE_OBJECT]),
    "a duplicate": ([found([SQUARE, SQUARE], [0.9, 0.8])], [ONE_OBJECT]),
    "a duplicate before another object": (
        [found([SQUARE, SQUARE, FAR], [0.9, 0.8, 0.7])],
        [(np.array([SQUARE, FAR]), np.array([0, 0]))],
    ),
    "equal scores, right first": ([found([SQUARE, FAR], [0.5, 0.5])], [ONE_OBJECT]),
    "equal scores, wrong first": ([found([FAR, SQUARE], [0.5, 0.5])], [ONE_OBJECT]),
    "equal scores in two images": ([found([FAR], [0.5]), found([SQUARE], [0.5])], [ONE_OBJECT, ONE_OBJECT]),
    "false alarm in an empty image": ([found([SQUARE], [0.6]), found([SQUARE], [0.5])], [NO_OBJECT, ONE_OBJECT]),
    "two objects at one place": ([found([SQUARE, SQUARE], [0.9, 0.8])], [(np.array([SQUARE] * 2), np.array([0, 0]))]),
    "exactly half": ([found([[10, 10, 20, 30]], [0.9])], [ONE_OBJECT]),
    "takes what is left": (
        [found([[11, 10, 31, 30], [10, 10, 30, 30]], [0.9, 0.8])],
        [(np.array([[11.0, 10, 31, 30], [14, 10, 34, 30]]), np.array([0, 0]))],
    ),
    "more than a hundred": (
        [found([FAR] * 100 + [SQUARE], [*np.linspace(0.9, 0.5, 100), 0.1])],
        [ONE_OBJECT],
    ),
}


@pytest.mark.parametrize("case", CORNERS)
def test_corner_cases_agree_with_pycocotools(case: str) -> None:
    assert ours(*CORNERS[case]) == pytest.approx(coco(*CORNERS[case]), abs=1e-9)


def test_what_some_corners_are_worth() -> None:
    assert ours(*CORNERS["nothing found"]) == (0, 0)
    assert ours(*CORNERS["all right"]) == pytest.approx((1, 1))
    assert ours(*CORNERS["a duplicate"])[1] == pytest.approx(1), "a false alarm below all hits costs nothing"
    assert ours(*CORNERS["equal scores, wrong first"])[1] == pytest.approx(0.5)


def test_overlaps_by_hand() -> None:
    boxes = np.array([[0, 0, 4, 4], [2, 0, 6, 4], [4, 0, 8, 4], [1, 1, 3, 3], [5, 5, 5, 5]])
    expected = [1, 8 / 24, 0, 4 / 16, 0]
    assert box_iou(boxes[:1], boxes)[0] == pytest.approx(expected)
    assert box_iou(boxes[4:], boxes[4:]) == 0, "a box without area shares nothing, not even with itself"
    assert box_iou(np.zeros((0, 4)), boxes).shape == (0, 5)


def test_the_surest_box_chooses_first_and_a_truth_is_given_once() -> None:
    truths = np.array([SQUARE, FAR])
    boxes = np.array([SQUARE, [11, 10, 31, 30], FAR, [0, 0, 5, 5]])
    assert match_boxes(boxes, np.array([0.5, 0.9, 0.3, 0.8]), truths).tolist() == [-1, 0, 1, -1]
    assert match_boxes(boxes, np.array([0.9, 0.5, 0.3, 0.8]), truths, overlap=0.95).tolist() == [0, -1, 1, -1]
    assert match_boxes(boxes, np.ones(4), np.zeros((0, 4))).tolist() == [-1] * 4


def test_what_cannot_be_measured_is_refused() -> None:
    with pytest.raises(DataError, match=r"ends before it begins.*not a centre"):
        box_iou(np.array([[20, 20, 10, 10]]), np.array([SQUARE]))
    with pytest.raises(DataError, match=r"shape \(4,\)"):
        box_iou(np.array(SQUARE), np.array([SQUARE]))
    with pytest.raises(DataError, match="1 boxes and 2 scores"):
        match_boxes(np.array([SQUARE]), np.ones(2), np.array([SQUARE]))
    with pytest.raises(DataError, match="No image has an object"):
        detection_score([NOTHING], [np.zeros((0, 4))], [np.zeros(0, int)])
    with pytest.raises(DataError, match="in 1 images, boxes in 2"):
        detection_score([NOTHING], [np.zeros((0, 4))] * 2, [np.zeros(0, int)])
    with pytest.raises(DataError, match=r"Nothing was measured at an overlap of 0\.3"):
        detection_score(*([part] for part in (NOTHING, *ONE_OBJECT))).at(0.3)
