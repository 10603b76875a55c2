"""Cluttered scenes: several pictographs on one textured ground, each with its box."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from tlcourse.errors import DataError
from tlcourse.worlds.alphabets import EVERYDAY, HELD_OUT, Alphabet, alphabet
from tlcourse.worlds.fonts import glyph_mask
from tlcourse.worlds.glyph_world import find_style
from tlcourse.worlds.style import PHOTO, Style

if TYPE_CHECKING:
    import torch

SCENE_SIZE = 96
"""Height and width of a scene, pixels."""

SCENE = PHOTO.but(contrast=0.6, background=0.5, pose=0.6, hidden=0.2, blur=0.2, noise=0.2)
"""How scenes look unless told otherwise: photo-like, with figures that a person sees at once."""

_TILES = (28, 36, 44)  # sides of the squares that figures are drawn in, pixels at SCENE_SIZE
_VISIBLE = 0.4  # a pixel belongs to a figure if the figure covers this much of it
_SMALLEST = 6  # pixels; what shows less is no object
_OVERLAP = 0.15  # of the smaller box, that two objects may share
_TRIES = 20


@dataclass(frozen=True)
class Scenes:
    """Images with several labelled boxes each.

    Args:
        images: uint8, shape (N, 3, height, width), RGB.
        boxes: for each image float32 of shape (objects, 4): left, top, right, bottom in pixels. The edges lie *between*
            pixels: a figure that covers the pixels 3, 4 and 5 of a row reaches from 3.0 to 6.0.
        labels: for each image int64 of shape (objects,); they index `classes`.
        classes: the name of each class.
        name: what to call this set in a figure.
    """

    images: np.ndarray
    boxes: tuple[np.ndarray, ...]
    labels: tuple[np.ndarray, ...]
    classes: tuple[str, ...]
    name: str

    def __len__(self) -> int:
        return len(self.images)

    def __repr__(self) -> str:
        (height, width), objects = self.images.shape[2:], sum(map(len, self.labels))
        count = f"{len(self):,} scenes, {objects:,} objects of {len(self.classes)} classes"
        return f"{self.name}: {count}, {height} x {width} px"

    def subset(self, rows: Sequence[int] | np.ndarray) -> Scenes:
        """The scenes at these positions, in this order."""
        boxes, labels = (tuple(items[row] for row in rows) for items in (self.boxes, self.labels))
        return replace(self, images=self.images[np.asarray(rows, int)], boxes=boxes, labels=labels)


@dataclass(frozen=True)
class Detections:
    """What a detector found in one image.

    Args:
        boxes: shape (n, 4): left, top, right, bottom in pixels.
        scores: shape (n,); a higher one is surer.
        labels: shape (n,), whole numbers.
    """

    boxes: np.ndarray
    scores: np.ndarray
    labels: np.ndarray

    def __post_init__(self) -> None:
        if np.shape(self.boxes) != (len(self.scores), 4) or np.shape(self.scores) != np.shape(self.labels):
            raise DataError(
                f"Boxes of shape {np.shape(self.boxes)}, scores of shape {np.shape(self.scores)} and labels of shape "
                f"{np.shape(self.labels)} do not fit.",
                "Give one row of four numbers, one score and one label for each box.",
            )

    def __len__(self) -> int:
        return len(self.scores)

    def above(self, score: float) -> Detections:
        """Those with a higher score."""
        keep = np.asarray(self.scores) > score
        return Detections(self.boxes[keep], self.scores[keep], self.labels[keep])


def scenes(
    n: int,
    classes: str | Alphabet = EVERYDAY,
    *,
    clutter: str | Alphabet = HELD_OUT,
    most_objects: int = 4,
    most_clutter: int = 3,
    style: Style | str = SCENE,
    size: int = SCENE_SIZE,
    seed: int = 0,
) -> Scenes:
    """Scenes with objects to find, among other pictographs that are not to be found.

    Args:
        n: scenes.
        classes: what to find; 0 to `most_objects` in each scene, of any of the classes.
        clutter: what else lies about, without a box: up to `most_clutter` in each scene.
        most_objects, most_clutter: at most so many; fewer where there is no room.
        style: how figures and ground look, as in `glyphs`.
        size: height and width, pixels.
        seed: which scenes; equal arguments give equal bytes.

    Raises:
        DataError: an unknown alphabet or style, a character in both alphabets, or numbers that make no sense.
    """
    from tlcourse.worlds.render import finished, layers

    letters, others, look = alphabet(classes), alphabet(clutter), find_style(style)
    _check(n, letters, others, (most_objects, most_clutter), size)
    rng = np.random.default_rng(seed)
    canvas = layers(np.zeros((n, 8, 8), np.uint8), look, size, rng)[2].clamp(0, 1)
    figures = _drawn(_cast(n, (letters, most_objects), (others, most_clutter), rng), look, size / SCENE_SIZE, rng)
    boxes: list[list[np.ndarray]] = [[] for _ in range(n)]
    labels: list[list[int]] = [[] for _ in range(n)]
    for figure in figures:  # those to be found come first, while there is room
        box = _placed(figure, boxes[figure.scene], size, rng)
        if box is None:
            continue
        _paint(canvas[figure.scene], figure, box)
        if figure.label is not None:
            boxes[figure.scene].append(box)
            labels[figure.scene].append(figure.label)
    return Scenes(
        finished(canvas, look, rng),
        tuple(np.array(found, np.float32).reshape(-1, 4) for found in boxes),
        tuple(np.array(found, np.int64) for found in labels),
        letters.classes,
        f"{letters.name} in scenes",
    )


@dataclass
class _Figure:
    """A pictograph of a scene, cut to what shows of it; `label` is None for clutter.

    coverage: how much of each pixel it covers, shape (height, width). difference: its colours less those of a ground,
    shape (3, height, width).
    """

    scene: int
    label: int | None
    coverage: torch.Tensor
    difference: torch.Tensor


def _check(n: int, letters: Alphabet, others: Alphabet, most: tuple[int, int], size: int) -> None:
    if n < 1 or min(most) < 0 or not 48 <= size <= 512:
        raise DataError(
            f"{n} scenes of {size} pixels with up to {most[0]} objects and {most[1]} others cannot be drawn.",
            "Ask for at least 1 scene, for 48 to 512 pixels, and for no negative numbers.",
        )
    if shared := set(letters.characters) & set(others.characters):
        raise DataError(
            f"{' '.join(sorted(shared))} would be both to be found and clutter.",
            "Give two alphabets without a common character.",
        )


def _cast(
    n: int, objects: tuple[Alphabet, int], clutter: tuple[Alphabet, int], rng: np.random.Generator
) -> list[tuple[int, int | None, np.ndarray]]:
    """(scene, label, drawing) of the objects of all scenes, then of the clutter."""
    found: list[tuple[int, int | None, np.ndarray]] = []
    for (letters, most), wanted in ((objects, True), (clutter, False)):
        counts = rng.integers(0, most + 1, n)
        for scene in np.repeat(np.arange(n), counts).tolist():
            index = int(rng.integers(len(letters)))
            mask = glyph_mask(letters.characters[index], letters.fonts[int(rng.integers(len(letters.fonts)))])
            found.append((scene, index if wanted else None, mask))
    return found


def _drawn(
    cast: list[tuple[int, int | None, np.ndarray]], look: Style, scale: float, rng: np.random.Generator
) -> list[_Figure]:
    """Each with its own size, pose and colours, in the order of the cast; too little to see is left out."""
    from tlcourse.worlds.render import layers

    sides, figures = rng.choice(_TILES, len(cast)), {}
    for side in _TILES:
        mine = np.flatnonzero(sides == side).tolist()
        if not mine:
            continue
        coverage, ink, ground = layers(np.stack([cast[i][2] for i in mine]), look, round(side * scale), rng)
        for i, covers, difference in zip(mine, coverage[:, 0], ink - ground, strict=True):
            rows, columns = np.nonzero(covers.numpy() > _VISIBLE)
            if len(rows) and min(np.ptp(rows), np.ptp(columns)) + 1 >= _SMALLEST:
                part = slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1)
                figures[i] = _Figure(*cast[i][:2], covers[part], difference[:, *part])
    return [figures[i] for i in sorted(figures)]


def _placed(figure: _Figure, taken: list[np.ndarray], size: int, rng: np.random.Generator) -> np.ndarray | None:
    """A box for a figure that hardly touches those there are; None if none was found."""
    height, width = figure.coverage.shape
    for _ in range(_TRIES):
        left, top = rng.integers(0, size - width + 1), rng.integers(0, size - height + 1)
        box = np.array([left, top, left + width, top + height], np.float32)
        if all(_shared(box, other) <= _OVERLAP for other in taken):
            return box
    return None


def _shared(box: np.ndarray, other: np.ndarray) -> float:
    """The share of the smaller box that lies in the other."""
    sides = np.minimum(box[2:], other[2:]) - np.maximum(box[:2], other[:2])
    area = min(np.prod(b[2:] - b[:2]) for b in (box, other))
    return float(np.prod(sides.clip(0)) / area)


def _paint(scene: torch.Tensor, figure: _Figure, box: np.ndarray) -> None:
    """Put a figure into its box of a scene of shape (3, size, size).

    The renderer's difference is kept on whatever ground is there: added to it, or subtracted where the sum would be
    darker than black or brighter than white. One of the two always has room for half the range.
    """
    left, top, right, bottom = box.astype(int).tolist()
    ground = scene[:, top:bottom, left:right]
    brightness, change = float(ground.mean()), float(figure.difference.mean())
    room = 1 - brightness if change > 0 else brightness
    sign = 1 if room >= min(abs(change), 0.5) else -1
    ground += figure.coverage * sign * figure.difference
    ground.clamp_(0, 1)
