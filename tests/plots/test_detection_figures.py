"""The figures of lesson 12's medical and detection sections say in words what they show."""

from __future__ import annotations

import numpy as np
import pytest

from tlcourse.errors import DataError
from tlcourse.plots import detections, screening_curves
from tlcourse.worlds import EVERYDAY, Detections, scenes

KINDS = EVERYDAY.only(*"☂✈")


def test_screening_curves_name_area_and_operating_point() -> None:
    scores, labels = np.array([0.1, 0.4, 0.35, 0.8]), np.array([0, 0, 1, 1])
    picture = screening_curves({"first": (scores, labels), "second": (-scores, labels)}, threshold=0.4, title="ROC")
    assert "first with an area of 0.75, at the threshold sensitivity 0.50 and specificity 0.50" in picture.alt
    assert "second with an area of 0.25" in picture.alt and "Guessing has a precision of 0.50" in picture.alt


def test_curves_without_a_threshold() -> None:
    picture = screening_curves({"one": (np.arange(4.0), np.array([0, 0, 1, 1]))}, title="ROC")
    assert "at the threshold" not in picture.alt and "area of 1.00" in picture.alt


def test_detections_count_right_and_wrong_boxes() -> None:
    data = scenes(6, KINDS, seed=1)
    objects = sum(map(len, data.labels))
    truths = [
        Detections(boxes, np.full(len(labels), 0.9), labels)
        for boxes, labels in zip(data.boxes, data.labels, strict=True)
    ]
    told = detections(data, truths, title="Found").alt
    assert told == f"Found: 6 scenes with {objects} objects to find, {objects} boxes that are right and 0 that are not."
    unsure = [Detections(one.boxes, one.scores - 0.6, one.labels) for one in truths]
    assert "0 boxes that are right and 0 that are not" in detections(data, unsure, title="Found").alt
    swapped = [Detections(one.boxes, one.scores, 1 - one.labels) for one in truths]
    assert f"0 boxes that are right and {objects} that are not" in detections(data, swapped, title="Found").alt


def test_scenes_alone_show_their_classes() -> None:
    data = scenes(2, KINDS, seed=5)
    picture = detections(data, title="Scenes")
    written = [text.get_text() for axes in picture.figure.axes for text in axes.texts]
    assert sorted(written) == sorted(data.classes[label] for labels in data.labels for label in labels)
    assert picture.alt.endswith("objects to find.")


def test_results_must_fit_the_scenes() -> None:
    with pytest.raises(DataError, match="1 results for 2 scenes"):
        detections(scenes(2, KINDS), [Detections(np.zeros((0, 4)), np.zeros(0), np.zeros(0))], title="Found")
