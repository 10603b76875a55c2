"""Figures of lesson 14."""

import numpy as np
import pytest

from tlcourse import plots
from tlcourse.errors import DataError
from tlcourse.measure import reliability


def test_a_reliability_diagram_tells_its_errors():
    shown = {"sure": reliability([0.95] * 10, [1] * 6 + [0] * 4), "modest": reliability([0.55] * 10, [1] * 9 + [0])}
    alt = plots.reliability_diagram(shown, title="Promises").alt
    assert "sure: ECE 0.350, on average 0.35 too sure" in alt and "0.35 too cautious" in alt


def test_what_a_model_looked_at_needs_one_map_a_picture():
    images = np.zeros((2, 3, 12, 12), np.uint8)
    picture = plots.looked_at(images, [np.eye(3)] * 2, ["gear", "cat"], title="Why")
    assert "gear, cat" in picture.alt and len(picture.figure.axes) == 4
    with pytest.raises(DataError, match="do not fit"):
        plots.looked_at(images, [np.eye(3)], ["gear", "cat"], title="Why")


def test_a_watch_tells_alarms_before_and_after():
    runs = np.array([[0, 0, 2, 2], [0, 0, 0, 2.0]])
    alt = plots.drift_watch({"KS": runs}, {"KS": 1.0}, start=2, title="Watch", x_label="window").alt
    assert "0% of the windows alarm before the drift, 75% after" in alt
