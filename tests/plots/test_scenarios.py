"""Figures of the four scenarios say in words what they show."""

import numpy as np
import pytest

from tlcourse import plots
from tlcourse.errors import DataError

CELL = {"frozen features": [0.8, 0.82, 0.81], "fine-tune all": [0.3, 0.35, 0.31]}


def test_a_panel_for_each_scenario():
    picture = plots.scenarios({"small": CELL, "large": CELL}, title="Two cells")
    assert [axes.get_title(loc="left") for axes in picture.figure.axes] == ["small", "large"]
    assert "frozen features 0.81" in picture.alt and "fine-tune all 0.32" in picture.alt


def test_scenarios_with_other_strategies_are_refused():
    with pytest.raises(DataError, match="different strategies"):
        plots.scenarios({"small": CELL, "large": {"frozen features": [0.5, 0.6]}}, title="No")


def test_borders_are_ringed_where_the_mean_gap_passes_zero():
    falls = np.array([[0.2, -0.2], [0.3, -0.3], [0.1, -0.1]])
    picture = plots.borders(
        [1, 100], {"falls": falls, "stays": falls + 1}, x_label="n", y_label="gap", title="T", above="a", below="b"
    )
    assert "falls passes zero at 10" in picture.alt and "stays does not pass zero" in picture.alt


def test_a_walk_shows_each_task_at_its_distance():
    distances, gaps = np.array([[0.5, 2.0], [0.7, 2.0]]), np.array([[0.1, -0.1], [0.2, -0.2]])
    picture = plots.similarity_walk(["near", "far"], distances, gaps, y_label="gap", title="T", above="a", below="b")
    assert "near at 0.60: +0.150" in picture.alt and "far at 2.00: -0.150" in picture.alt


def test_a_name_in_a_walk_stands_clear_of_the_neighbours_bar():
    distances = np.array([[0.5, 1.8, 1.9]] * 2)
    gaps = np.array([[0.1, -0.1, 0.3], [0.2, -0.2, -0.3]])
    names = ["near", "digits in chalk", "handwriting"]
    picture = plots.similarity_walk(names, distances, gaps, y_label="gap", title="T", above="a", below="b")
    sides = {text.get_text(): text.get_ha() for text in picture.figure.axes[0].texts}
    assert (sides["near"], sides["digits in chalk"], sides["handwriting"]) == ("left", "right", "left")
