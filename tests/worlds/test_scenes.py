"""Scenes hold what their boxes say."""

from __future__ import annotations

import numpy as np
import pytest

from tlcourse.errors import DataError
from tlcourse.measure import box_iou
from tlcourse.worlds import EVERYDAY, HELD_OUT, PRINT, Detections, scenes

KINDS = EVERYDAY.only(*"☂⚓✈")


def test_boxes_lie_in_the_image_and_hardly_overlap() -> None:
    data = scenes(30, KINDS, seed=1)
    assert data.images.shape == (30, 3, 96, 96) and data.images.dtype == np.uint8
    assert len(data.boxes) == len(data.labels) == 30 and {len(labels) for labels in data.labels} <= {0, 1, 2, 3, 4}
    for boxes, labels in zip(data.boxes, data.labels, strict=True):
        assert boxes.shape == (len(labels), 4) and boxes.dtype == np.float32 and labels.dtype == np.int64
        assert (boxes >= 0).all() and (boxes <= 96).all() and (boxes[:, 2:] - boxes[:, :2] >= 6).all()
        overlaps = box_iou(boxes, boxes) - np.eye(len(boxes))
        assert not len(boxes) or overlaps.max() < 0.2
    assert set(np.concatenate(data.labels).tolist()) == {0, 1, 2}
    assert "30 scenes" in repr(data) and "3 classes" in repr(data)


def test_a_figure_fills_its_box_to_the_edges() -> None:
    """On plain paper without clutter, all that is drawn lies in the boxes and reaches their edges."""
    data = scenes(20, KINDS, most_objects=1, most_clutter=0, style=PRINT.but(blur=0), seed=2)
    for image, boxes in zip(data.images, data.boxes, strict=True):
        ground = np.median(image)
        drawn = np.abs(image[0].astype(float) - ground) > 25
        for left, top, right, bottom in boxes.astype(int):
            part = drawn[top:bottom, left:right]
            assert part[0].any() and part[-1].any() and part[:, 0].any() and part[:, -1].any()
            drawn[top:bottom, left:right] = False
        assert not drawn.any()


def test_a_seed_gives_the_same_bytes() -> None:
    first, again, other = (scenes(4, KINDS, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.images, again.images)
    assert all(np.array_equal(a, b) for a, b in zip(first.boxes, again.boxes, strict=True))
    assert not np.array_equal(first.images, other.images)


def test_a_subset_keeps_boxes_with_their_images() -> None:
    data = scenes(6, KINDS, seed=3)
    part = data.subset([4, 1])
    np.testing.assert_array_equal(part.images, data.images[[4, 1]])
    assert part.boxes[0] is data.boxes[4] and part.labels[1] is data.labels[1] and len(part) == 2


def test_sure_boxes_alone() -> None:
    found = Detections(np.array([[0, 0, 5, 5], [5, 5, 9, 9]]), np.array([0.9, 0.2]), np.array([0, 1]))
    assert len(found.above(0.5)) == 1 and found.above(0.5).boxes.tolist() == [[0, 0, 5, 5]]
    with pytest.raises(DataError, match="do not fit"):
        Detections(np.zeros((1, 4)), np.ones(2), np.zeros(2))


def test_scenes_that_cannot_be_drawn() -> None:
    with pytest.raises(DataError, match="both to be found and clutter"):
        scenes(2, EVERYDAY, clutter=KINDS)
    with pytest.raises(DataError, match="cannot be drawn"):
        scenes(0, KINDS)
    with pytest.raises(DataError, match="no alphabet called"):
        scenes(1, "runes")
    assert not set(EVERYDAY.characters) & set(HELD_OUT.characters), "the defaults go together"
