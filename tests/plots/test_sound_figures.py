"""Figures of sound and of weather."""

from __future__ import annotations

import numpy as np
import pytest

from tlcourse import plots
from tlcourse.errors import DataError

WAVE = np.sin(np.arange(5120) / 5).astype(np.float32)


def test_spectrograms_carry_units_and_names() -> None:
    picture = plots.spectrograms({"a man": WAVE, "a child": 0.5 * WAVE}, 8000, title="Two voices")
    labels = [axes.get_xlabel() + axes.get_ylabel() for axes in picture.figure.axes]
    assert any("time (s)" in label for label in labels) and any("frequency (Hz)" in label for label in labels)
    assert any("dB" in label for label in labels)
    assert "Two voices" in picture.alt and "a man, a child" in picture.alt and "0.64 s" in picture.alt


@pytest.mark.parametrize("waves", [{}, {"a": WAVE, "b": WAVE[:100]}, dict.fromkeys("abcde", WAVE)])
def test_recordings_that_do_not_fit_one_figure_are_refused(waves: dict) -> None:
    with pytest.raises(DataError):
        plots.spectrograms(waves, 8000, title="none")


def test_weather_has_one_panel_each_and_names_the_ends() -> None:
    runs = {"clear": np.linspace([0.9, 0.8], [0.3, 0.2], 3).T, "weather": np.linspace([0.9, 0.9], [0.7, 0.7], 3).T}
    picture = plots.by_weather([0, 0.5, 1], {"fog": runs, "night": runs}, title="Signs", chance=0.1)
    assert [axes.get_title(loc="left") for axes in picture.figure.axes] == ["fog", "night"]
    assert "clear in fog from 0.85 to 0.25" in picture.alt and "strength" in picture.alt


def test_panels_with_other_curves_are_refused() -> None:
    runs = {"clear": np.ones((2, 2))}
    for panels in ({}, {"fog": runs, "night": {"other": np.ones((2, 2))}}):
        with pytest.raises(DataError):
            plots.by_weather([0, 1], panels, title="none")
