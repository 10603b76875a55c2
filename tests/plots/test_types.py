"""The picture of the three types says in words what it shows, and is the same every time."""

from __future__ import annotations

from pathlib import Path

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from tlcourse.plots import types_of_transfer


@pytest.mark.parametrize(
    "words",
    [
        "inductive: the tasks differ, the domains may differ, labels in the target",
        "transductive: the same task, the domains differ, labels in the source only",
        "unsupervised: the tasks differ, the domains may differ, no labels at all",
    ],
)
def test_the_text_names_each_type(words: str) -> None:
    assert words in types_of_transfer().alt


def test_each_side_shows_its_labels_or_question_marks() -> None:
    shown = [text.get_text() for text in types_of_transfer().figure.axes[0].texts]
    assert shown.count("?") == 3 + 6  # transductive: the target's; unsupervised: both sides'
    assert {"umbrella", "airplane", "mouse", "0", "4", "7", "3", "5", "8"} <= set(shown)


def test_equal_pictures_have_equal_bytes(tmp_path: Path) -> None:
    for name in ("one.png", "two.png"):
        types_of_transfer().save(tmp_path / name)
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()


def test_nothing_is_cut_off() -> None:
    figure = types_of_transfer().figure
    page, renderer = figure.bbox, FigureCanvasAgg(figure).get_renderer()
    for text in figure.axes[0].texts:
        box = text.get_window_extent(renderer)
        assert page.x0 <= box.x0 and box.x1 <= page.x1 and page.y0 <= box.y0 and box.y1 <= page.y1, text.get_text()
