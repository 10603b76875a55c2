"""Figures for choosing a source."""

from __future__ import annotations

import numpy as np
import pytest

from tlcourse.errors import DataError
from tlcourse.measure import Interval
from tlcourse.plots import agreements, source_grid


def test_the_grid_names_the_best_source_of_each_target() -> None:
    table = np.array([[0.2, 0.9], [0.7, 0.6]])
    picture = source_grid(table, ["handwriting", "Greek, chalk"], ["GlyphNet", "Latin, print"], title="Fine-tuned")
    assert "handwriting: Latin, print; Greek, chalk: GlyphNet" in picture.alt
    assert {text.get_text() for text in picture.figure.axes[0].texts} == {"0.20", "0.90", "0.70", "0.60"}


def test_a_grid_whose_names_do_not_fit() -> None:
    with pytest.raises(DataError, match="2 targets and 1 sources"):
        source_grid(np.zeros((2, 2)), ["a", "b"], ["c"], title="Fine-tuned")


def test_agreements_tell_mean_and_interval() -> None:
    found = {"LogME": Interval(0.8, 0.5, 0.9, 48), "H-score": Interval(0.1, -0.4, 0.6, 48)}
    picture = agreements(found, title="Trust")
    assert "LogME 0.800 [0.500, 0.900]" in picture.alt and "H-score" in picture.alt
    sure, unsure = (line.get_color() for line in picture.figure.axes[0].lines[1::2])
    assert sure != unsure, "an interval that covers 0 is grey"
