"""The figures of lesson 06."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tlcourse import plots
from tlcourse.worlds import glyphs

RNG = np.random.default_rng(0)


def test_gaps_say_what_they_show(tmp_path: Path) -> None:
    values = {"helped": [0.1, 0.12, 0.11], "tied": [0.1, -0.1, 0.02], "hurt": [-0.2, -0.21, -0.19]}
    picture = plots.gaps(values, title="Gaps", x_label="gap", helps="helps", hurts="hurts")
    assert "helped +0.110" in picture.alt and "hurt -0.200" in picture.alt
    picture.save(tmp_path / "gaps.png")


def test_conflict_names_both_curves() -> None:
    cosines = {"one": RNG.uniform(0, 1, (5, 4)), "two": RNG.uniform(-1, 0, (5, 4))}
    picture = plots.conflict([0, 10, 20, 30], cosines, title="Conflict")
    assert "one +" in picture.alt and "two -" in picture.alt


def test_by_labels_gives_every_mean() -> None:
    runs = {name: np.full((3, 2), level) + RNG.normal(0, 0.01, (3, 2)) for name, level in (("a", 0.5), ("b", 0.8))}
    picture = plots.by_labels([5, 100], runs, title="Labels", chance=0.05)
    assert "5, 100 labels" in picture.alt and "a 0.5" in picture.alt
    written = {text.get_text() for text in picture.figure.axes[0].texts}
    assert {"a", "b", "chance"} <= written


def test_feature_maps_draw_one_panel_each() -> None:
    data = glyphs("everyday", 4, cache=False)
    maps = {name: RNG.normal(0, 1, (len(data), 6)) for name in ("x", "y")}
    picture = plots.feature_maps(maps, data, classes=5, title="Maps")
    assert [axes.get_title(loc="left") for axes in picture.figure.axes] == ["x", "y"]
