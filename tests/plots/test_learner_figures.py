"""The figures of lesson 09."""

from __future__ import annotations

import numpy as np
import pytest

from tlcourse.errors import DataError
from tlcourse.plots import against_time, confusion, rate_search


def test_a_rate_search_names_its_suggestions() -> None:
    rates = np.geomspace(1e-6, 1, 20)
    picture = rate_search(rates, np.linspace(3, 1, 20), {"valley": 1e-3}, title="Search")
    assert "valley 0.001" in picture.alt


def test_time_says_where_arms_begin_and_end() -> None:
    picture = against_time({"ours": [([1, 4], [0.6, 0.8])], "theirs": [([8], [0.5])]}, title="Race", chance=0.1)
    assert "ours begins at 0.60 after 1.0 s and ends at 0.80 after 4.0 s" in picture.alt


def test_dark_cells_of_a_confusion_have_light_numbers() -> None:
    axes = confusion(np.array([[90, 3], [1, 6]]), ["cat", "dog"], title="Errors").figure.axes[0]
    assert {text.get_text(): text.get_color() == "white" for text in axes.texts} == {
        "90": True,
        "3": False,
        "1": False,
        "6": False,
    }


def test_a_confusion_names_the_worst_pair() -> None:
    picture = confusion(np.array([[5, 3], [1, 6]]), ["cat", "dog"], title="Errors")
    assert "11 of 15 right" in picture.alt and "cat taken for dog, 3 times" in picture.alt
    with pytest.raises(DataError, match="for 3 classes"):
        confusion(np.eye(2), ["a", "b", "c"], title="Errors")
