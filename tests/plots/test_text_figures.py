"""Figures of the lesson on text."""

from __future__ import annotations

import numpy as np
import pytest

from tlcourse.errors import DataError
from tlcourse.plots import schedule, who_sees_whom, word_map


def test_words_on_a_map() -> None:
    picture = word_map({"colours": ["red", "blue"], "shapes": ["line"]}, np.eye(3), title="Words")
    assert "colours: red, blue" in picture.alt
    with pytest.raises(DataError, match="do not fit"):
        word_map({"colours": ["red"]}, np.eye(3), title="Words")


def test_who_sees_whom_tells_its_share() -> None:
    panels = {"BERT": np.ones((3, 3), bool), "T5": np.concatenate([np.ones((3, 3)), np.tri(3)], 1) > 0}
    picture = who_sees_whom(panels, title="Who sees whom")
    assert "BERT: 100% of the pairs, T5: 83%" in picture.alt
    assert picture.figure.axes[1].get_xlabel() == "input token | written so far"


def test_a_schedule_leaves_frozen_steps_out() -> None:
    picture = schedule([0, 1, 2], {"words": [0, 0, 1e-4], "head": [1e-3, 1e-2, 1e-3]}, title="Rates")
    assert "words up to 0.0001, head up to 0.01" in picture.alt
    assert np.isnan(picture.figure.axes[0].lines[0].get_ydata()[0])
    with pytest.raises(DataError, match="5 groups"):
        schedule([0], {str(group): [1] for group in range(5)}, title="Rates")


def test_a_schedules_names_stand_at_the_ends_of_their_lines() -> None:
    rates = {"words": [0, 0, 1e-5], "body": [0, 1e-3, 1e-4], "head": [1e-3, 1e-2, 1e-3], "never": [0, 0, 0]}
    names = schedule([0, 1, 2], rates, title="Rates").figure.axes[0].texts
    heights = {name.get_text(): float(name.xy[1]) for name in names}  # type: ignore[attr-defined]
    assert heights["words"] == pytest.approx(1e-5) and heights["head"] == pytest.approx(1e-3)
    assert set(heights) == {"words", "body", "head"}, "a group that never trains has no line"
