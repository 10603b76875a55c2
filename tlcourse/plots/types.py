"""The three types of transfer (Pan & Yang 2010) as a picture: what differs, and who has labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from tlcourse.plots.picture import COLOURS, Picture, look
from tlcourse.worlds.glyph_world import glyphs
from tlcourse.worlds.handwritten import handwriting
from tlcourse.worlds.images import LabelledImages
from tlcourse.worlds.style import CHALK, PHOTO

_SIZE = 48
_HEAD = 0.93  # inches above the first row: title and headings
# The world's own style, somewhat clearer: three images must do.
_CLEAR = PHOTO.but(contrast=0.7, noise=0.15, blur=0.15, hidden=0, background=0.5, pose=0.5)


@dataclass(frozen=True)
class _Side:
    """One side of a transfer: its images, and what each is called; "?" where nobody has said."""

    images: np.ndarray
    tags: tuple[str, ...]


@dataclass(frozen=True)
class _Row:
    name: str
    colour: str
    source: _Side
    target: _Side
    facts: tuple[str, ...]


def types_of_transfer() -> Picture:
    """A row for each type: three source images, three target images, each with its label or a question mark."""
    rows, title = _rows(), "Three types of transfer: what differs, and where the labels are"
    height = 1.62 * len(rows) + _HEAD
    figure = Figure(figsize=(9.4, height))
    with look():
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(0, 9.4), ylim=(height, 0))
        axes.set_axis_off()
        axes.text(0.3, 0.3, title, fontweight="bold", fontsize=13, va="center")
        for x, heading in ((1.72, "source"), (4.72, "target"), (7.35, "what differs, labels")):
            axes.text(x, 0.72, heading, fontweight="bold", fontsize=11, va="center")
        for number, row in enumerate(rows):
            _draw_row(axes, row, _HEAD + 1.62 * number)
    said = "; ".join(f"{row.name}: {', '.join(row.facts)}" for row in rows)
    return Picture(figure, f"{title}. {said}.")


def _rows() -> tuple[_Row, ...]:
    signs = glyphs("everyday", 1, style=_CLEAR, size=_SIZE, seed=3)
    printed = glyphs("digits", 1, style=_CLEAR, size=_SIZE, seed=4)
    chalk = glyphs("digits", 1, style=CHALK, size=_SIZE, seed=1)
    written = handwriting(size=_SIZE, seed=3)
    return (
        _Row(
            "inductive",
            COLOURS["transfer"],
            _side(signs, (0, 9, 14), labelled=True),
            _side(written, (0, 4, 7), labelled=True),
            ("the tasks differ", "the domains may differ", "labels in the target"),
        ),
        _Row(
            "transductive",
            COLOURS["scratch"],
            _side(printed, (3, 5, 8), labelled=True),
            _side(written, (1, 2, 6), labelled=False),
            ("the same task", "the domains differ", "labels in the source only"),
        ),
        _Row(
            "unsupervised",
            COLOURS["third"],
            _side(signs, (2, 12, 13), labelled=False),
            _side(chalk, (2, 3, 9), labelled=False),
            ("the tasks differ", "the domains may differ", "no labels at all"),
        ),
    )


def _side(data: LabelledImages, chosen: tuple[int, ...], *, labelled: bool) -> _Side:
    """The first image of each chosen class."""
    rows = [int(np.flatnonzero(data.labels == label)[0]) for label in chosen]
    return _Side(data.images[rows], tuple(data.classes[label] if labelled else "?" for label in chosen))


def _draw_row(axes: Axes, row: _Row, top: float) -> None:
    shape = FancyBboxPatch(
        (0.15, top + 0.05), 9.1, 1.48, boxstyle="round,pad=0,rounding_size=0.12", facecolor=row.colour, alpha=0.09
    )
    axes.add_patch(shape)
    axes.text(0.3, top + 0.79, row.name, color=row.colour, fontweight="bold", fontsize=11.5, va="center")
    _draw_side(axes, row.source, 1.72, top)
    _draw_side(axes, row.target, 4.72, top)
    axes.annotate(
        "", (4.6, top + 0.67), (4.2, top + 0.67), arrowprops={"arrowstyle": "-|>", "color": row.colour, "lw": 2.2}
    )
    for line, fact in enumerate(row.facts):
        axes.text(7.35, top + 0.42 + 0.37 * line, fact, fontsize=10.5, va="center")


def _draw_side(axes: Axes, side: _Side, left: float, top: float) -> None:
    for place, (image, tag) in enumerate(zip(side.images, side.tags, strict=True)):
        x = left + 0.82 * place
        axes.imshow(
            image.transpose(1, 2, 0), extent=(x, x + 0.74, top + 1.04, top + 0.3), interpolation="nearest", zorder=2
        )
        known = tag != "?"
        axes.text(
            x + 0.37,
            top + 1.28,
            tag,
            ha="center",
            va="center",
            fontsize=8.5 if known else 11,
            fontweight="bold" if known else "normal",
            color=COLOURS["ink"] if known else COLOURS["baseline"],
        )
