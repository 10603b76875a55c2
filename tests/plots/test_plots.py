"""Figures: they show themselves, say in words what they show, and are the same every time."""

from __future__ import annotations

import base64
import struct
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import rgb_to_hsv, to_rgb

from tlcourse import storage
from tlcourse.errors import DataError, StorageError
from tlcourse.plots import COLOURS, Picture, bars, benefits, curves, explore_styles, lines, sheet, strips, style_walk
from tlcourse.worlds import LabelledImages, glyphs, handwriting

STEPS = [0, 10, 20, 40, 80]


def runs(*heights: float) -> np.ndarray:
    """Three seeds around these mean accuracies, a hundredth apart."""
    return np.array(heights) + np.array([[-0.01], [0], [0.01]])


TRANSFER, SCRATCH = runs(0.4, 0.55, 0.7, 0.8, 0.87), runs(0.1, 0.12, 0.2, 0.4, 0.62)


def drawn_curves() -> Picture:
    return curves(STEPS, {"transfer": TRANSFER, "scratch": SCRATCH}, x_label="steps", title="Two arms", chance=0.1)


def contrast_on_white(rgb: np.ndarray) -> float:
    """As the Web Content Accessibility Guidelines 2.1 define it."""
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return 1.05 / (float(linear @ [0.2126, 0.7152, 0.0722]) + 0.05)


def small() -> LabelledImages:
    return glyphs("everyday", 2, size=16, cache=False)


# Each figure, and words and numbers that its text must hold.
FIGURES: dict[str, tuple[Callable[[], Picture], list[str]]] = {
    "sheet": (lambda: sheet(small(), rows=2, columns=3), ["20 everyday things", "2 images", "umbrella", "telephone"]),
    "strips": (lambda: strips({"ours": small(), "theirs": small()}, title="Worlds"), ["Worlds", "ours, theirs"]),
    "curves": (drawn_curves, ["Two arms", "test accuracy against steps", "transfer ends at 0.87", "0.62"]),
    "bars": (
        lambda: bars({"frozen": [0.7, 0.8, 0.9], "once": [0.25]}, title="Arms", chance=0.1),
        ["Arms", "frozen 0.80", "once 0.25"],
    ),
    "benefits": (
        lambda: benefits(STEPS, TRANSFER, SCRATCH, chance=0.1, title="Three"),
        ["Three", "0.30 at the start", "0.010 more a step", "0.38 at the end"],
    ),
    "lines": (
        lambda: lines([0, 5], {"with": [1200, 1300], "without": [0, 2500]}, x_label="k", y_label="s", title="Cost"),
        ["Cost", "with ends at 1,300", "without ends at 2,500"],
    ),
    "style_walk": (style_walk, ["From one domain to another", "0% of the way", "100% of the way"]),
}


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_shows_itself_as_a_sharp_png_with_its_text(name: str) -> None:
    picture = FIGURES[name][0]()
    data, metadata = picture._repr_mimebundle_()
    png = base64.b64decode(data["image/png"])
    assert png.startswith(b"\x89PNG")
    assert data["text/plain"] == metadata["image/png"]["alt"] == picture.alt
    (pixels,) = struct.unpack(">I", png[16:20])
    assert pixels == pytest.approx(2 * metadata["image/png"]["width"], abs=2), "two pixels a dot of the page"


@pytest.mark.parametrize("name", FIGURES)
def test_its_text_holds_the_numbers(name: str) -> None:
    draw, words = FIGURES[name]
    alt = draw().alt
    assert alt.endswith(".") and all(word in alt for word in words), alt


def test_a_page_gets_the_text_with_the_image(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TLCOURSE_STATIC", raising=False)
    picture = Picture(drawn_curves().figure, 'Less than 5 % say "<b>".')
    page = picture._repr_mimebundle_()[0]["text/html"]
    assert page.startswith('<img src="data:image/png;base64,')
    assert page.endswith('width="640" alt="Less than 5 % say &quot;&lt;b&gt;&quot;.">')


def test_a_program_gets_the_image_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TLCOURSE_STATIC", "1")
    assert set(drawn_curves()._repr_mimebundle_()[0]) == {"image/png", "text/plain"}


@pytest.mark.parametrize("name", FIGURES)
def test_equal_input_gives_equal_bytes(name: str) -> None:
    first, second = (FIGURES[name][0]()._repr_mimebundle_()[0]["image/png"] for _ in range(2))
    assert first == second


def test_the_look_does_not_leak() -> None:
    import matplotlib

    before = dict(matplotlib.rcParams)
    drawn_curves()._repr_mimebundle_()
    assert dict(matplotlib.rcParams) == before


class TestSave:
    """A picture as a file."""

    def test_it_is_the_picture_shown(self, tmp_path: Path) -> None:
        picture = drawn_curves()
        picture.save(tmp_path / "new" / "figure.png")
        shown = base64.b64decode(picture._repr_mimebundle_()[0]["image/png"])
        assert (tmp_path / "new" / "figure.png").read_bytes() == shown

    def test_whole_or_not_at_all(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "figure.png").write_bytes(b"the old one")

        def disk_full(handle: int) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(storage.os, "fsync", disk_full)
        with pytest.raises(StorageError, match="the disk is full"):
            drawn_curves().save(tmp_path / "figure.png")
        assert [file.name for file in tmp_path.iterdir()] == ["figure.png"]
        assert (tmp_path / "figure.png").read_bytes() == b"the old one"


class TestSheets:
    """Sheets and strips of images."""

    def test_an_empty_set(self) -> None:
        with pytest.raises(DataError, match="no image to show"):
            sheet(small().subset([]))

    def test_a_class_with_fewer_images_leaves_gaps(self) -> None:
        assert len(sheet(small().subset([0, 20, 1]), rows=4, columns=2).figure.axes) == 8

    def test_long_names_are_shortened(self) -> None:
        data = LabelledImages(np.zeros((1, 3, 8, 8), np.uint8), np.zeros(1, np.int64), ("a" * 40,), "long")
        assert sheet(data).figure.axes[0].get_title() == "a" * 12 + "…"

    @pytest.mark.parametrize("other", [lambda: handwriting(size=32), lambda: small().subset([0, 1])])
    def test_rows_that_do_not_fit_are_told_apart(self, other: Callable[[], LabelledImages]) -> None:
        with pytest.raises(DataError, match="differ in size: glyphs 672 x 48 px, other"):
            strips({"glyphs": glyphs("everyday", 1, cache=False), "other": other()}, title="Rows")


class TestLabels:
    """Labels stand at the ends of their curves, and apart."""

    @pytest.mark.parametrize("ends", [(0.6, 0.6, 0.6, 0.6), (0.1, 0.1, 0.12, 0.9), (0.99, 1, 0.98, 0.97)])
    def test_they_do_not_overlap(self, ends: tuple[float, ...]) -> None:
        arms = {f"arm {i}": runs(0.2, end) for i, end in enumerate(ends)}
        figure = curves([0, 1], arms, x_label="x", title="Ends", chance=0.1).figure
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        boxes = {text.get_text(): text.get_window_extent(canvas.get_renderer()) for text in figure.axes[0].texts}
        assert set(boxes) == {*arms, "chance"}
        for one, other in combinations(boxes, 2):
            assert not boxes[one].overlaps(boxes[other]), (one, other)
        page = figure.bbox
        assert all(page.x0 <= box.x0 and box.x1 <= page.x1 and box.y1 <= page.y1 for box in boxes.values())

    @pytest.mark.parametrize("series", ["transfer", "scratch", "third", "fourth"])
    def test_each_has_the_hue_of_its_curve_and_can_be_read(self, series: str) -> None:
        picture = curves(STEPS, {"an arm": TRANSFER}, x_label="steps", title="One arm", colours=[series])
        (label,) = picture.figure.axes[0].texts
        word, curve = (np.array(to_rgb(colour)) for colour in (label.get_color(), COLOURS[series]))
        assert rgb_to_hsv(word)[0] == pytest.approx(rgb_to_hsv(curve)[0], abs=0.01)
        assert contrast_on_white(word) >= 4.5

    def test_a_wanted_level_and_a_logarithmic_axis(self) -> None:
        figure = curves(
            [10, 30, 120], {"transfer": runs(0.3, 0.6, 0.9)}, x_label="n", title="T", target=0.75, log_x=True
        ).figure
        axes = figure.axes[0]
        assert "wanted: 0.75" in [text.get_text() for text in axes.texts]
        assert [label.get_text() for label in axes.get_xticklabels()] == ["10", "30", "120"]

    def test_a_loss_is_written_with_one_sign(self) -> None:
        texts = benefits(STEPS, SCRATCH, TRANSFER, chance=0.1, title="Negative transfer").figure.axes[0].texts
        shown = " ".join(text.get_text() for text in texts)
        assert "start: -0.30" in shown and "asymptote: -0.38" in shown and "+-" not in shown


class TestRefusals:
    """What cannot be drawn honestly."""

    def test_one_seed_has_no_band(self) -> None:
        with pytest.raises(DataError, match="at least two runs"):
            curves(STEPS, {"transfer": TRANSFER[:1]}, x_label="x", title="One run")

    def test_more_curves_than_colours(self) -> None:
        with pytest.raises(DataError, match="5 curves, but 4 colours"):
            curves(STEPS, {str(i): TRANSFER for i in range(5)}, x_label="x", title="Too many")

    def test_curves_too_short_to_read(self) -> None:
        with pytest.raises(DataError, match="cannot be compared"):
            benefits([0, 1], TRANSFER[:, :2], SCRATCH[:, :2], chance=0.1, title="Short")


@pytest.mark.parametrize("variable", ["TLCOURSE_STATIC", "NBGRADER_EXECUTION"])
def test_where_nobody_slides_the_slider_is_a_still_figure(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, "1")
    still = explore_styles()
    assert isinstance(still, Picture)
    assert still._repr_mimebundle_() == style_walk()._repr_mimebundle_()


def test_outside_a_notebook_there_is_no_slider_either() -> None:
    assert isinstance(explore_styles(), Picture)


def test_names_of_curves_that_end_together_stay_below_the_title():
    same = runs(0.1, 0.5, 0.9, 0.98, 0.99)
    axes = curves(STEPS, {"one": same, "two": same + 0.001}, x_label="steps", title="Ends").figure.axes[0]
    heights = sorted(text.xy[1] for text in axes.texts)
    assert heights[-1] <= 1 and heights[1] - heights[0] >= 0.07
