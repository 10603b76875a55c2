"""Signs like those along a road: plates of a few shapes and colours, a pictograph or a number on each."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from tlcourse.errors import DataError
from tlcourse.worlds.fonts import MASK_SIZE, glyph_mask
from tlcourse.worlds.glyph_world import IMAGE_SIZE, find_style
from tlcourse.worlds.images import LabelledImages
from tlcourse.worlds.style import PHOTO, Style

if TYPE_CHECKING:
    import torch

Colour = tuple[int, int, int]
_RED, _BLUE, _WHITE, _BLACK, _YELLOW = (196, 24, 36), (20, 78, 168), (245, 245, 240), (20, 20, 20), (250, 190, 20)
_PLATE = 128  # height and width of a drawn plate, pixels


@dataclass(frozen=True)
class _Sign:
    """A plate: outline, colours of rim, field and symbol; the symbol's characters, its longer side as a share of it."""

    shape: str
    rim: Colour
    field: Colour
    ink: Colour
    symbol: str = ""
    share: float = 0.5


def _warning(symbol: str) -> _Sign:
    return _Sign("triangle", _RED, _WHITE, _BLACK, symbol, 0.36)


def _limit(symbol: str) -> _Sign:
    return _Sign("circle", _RED, _WHITE, _BLACK, symbol, 0.56)


def _order(symbol: str) -> _Sign:
    return _Sign("circle", _WHITE, _BLUE, _WHITE, symbol, 0.55)


def _place(symbol: str) -> _Sign:
    return _Sign("square", _WHITE, _BLUE, _WHITE, symbol, 0.6)


_SIGNS = {
    "danger": _warning("!"),
    "ice": _warning("❄"),
    "cattle": _warning("🐮"),
    "crossroads": _warning("✚"),
    "30": _limit("30"),
    "50": _limit("50"),
    "80": _limit("80"),
    "turn left": _order("↰"),
    "turn right": _order("↱"),
    "straight on": _order("↑"),
    "parking": _place("P"),
    "telephone": _place("☎"),
    "café": _place("☕"),
    "give way": _Sign("inverted", _RED, _WHITE, _BLACK),
    "stop": _Sign("octagon", _WHITE, _RED, _WHITE, "STOP", 0.72),
    "priority": _Sign("diamond", _WHITE, _YELLOW, _BLACK),
}
SIGNS = tuple(_SIGNS)
"""The classes of `signs`, in order."""


def signs(per_class: int = 10, *, style: str | Style = PHOTO, size: int = IMAGE_SIZE, seed: int = 0) -> LabelledImages:
    """Images of road signs in front of the glyph world's grounds. Equal arguments give equal bytes.

    Signs are turned by up to 12 degrees, stand nearer or farther and off the middle, and catch more or less light.

    Args:
        per_class: images of each sign.
        style: of the ground, as in `glyphs`.
        size: height and width, pixels.
        seed: which images.

    Returns:
        Images of shape (N, 3, size, size), the classes in turn: 0, 1, 2, ..., 0, 1, 2, ...

    Raises:
        DataError: an unknown style, no image, or a size that makes no sense.
    """
    from tlcourse.worlds.render import render

    if per_class < 1 or not 16 <= size <= 512:
        raise DataError(
            f"{per_class} signs of {size} pixels cannot be drawn.", "Ask for at least 1 image and for 16 to 512 pixels."
        )
    rng, look = np.random.default_rng([seed, 16]), find_style(style)
    labels = np.tile(np.arange(len(SIGNS), dtype=np.int64), per_class)
    images = np.empty((len(labels), 3, size, size), np.uint8)
    plates = np.stack([_plate(name) for name in SIGNS])
    for start in range(0, len(labels), 256):
        rows = slice(start, start + 256)
        blank = np.zeros((len(labels[rows]), MASK_SIZE, MASK_SIZE), np.uint8)
        ground = render(blank, look, size, rng).astype(np.float32) / 255
        placed = _placed(plates[labels[rows]], size, rng).numpy()
        light = rng.uniform(0.65, 1.1, (len(blank), 1, 1, 1)).astype(np.float32)
        scene = ground + placed[:, 3:] * (light * placed[:, :3] / np.maximum(placed[:, 3:], 1e-6) - ground)
        scene += rng.uniform(0, 0.04, light.shape) * rng.standard_normal(scene.shape)
        images[rows] = np.round(255 * np.clip(scene, 0, 1)).astype(np.uint8)
    return LabelledImages(images, labels, SIGNS, "road signs")


def _placed(plates: np.ndarray, size: int, rng: np.random.Generator) -> torch.Tensor:
    """Plates (N, 4, 128, 128), turned, scaled and moved: colour times coverage, and coverage, (N, 4, size, size)."""
    import torch
    import torch.nn.functional as F

    n = len(plates)
    angle, scale = np.deg2rad(rng.uniform(-12, 12, n)), 1 / rng.uniform(0.55, 0.95, n)
    stretch = np.exp(rng.uniform(-0.15, 0.15, n))
    matrix = np.empty((n, 2, 3), np.float32)
    matrix[:, 0, 0], matrix[:, 0, 1] = scale * stretch * np.cos(angle), -scale * np.sin(angle)
    matrix[:, 1, 0], matrix[:, 1, 1] = scale * np.sin(angle), scale / stretch * np.cos(angle)
    matrix[:, :, 2] = rng.uniform(-0.25, 0.25, (n, 2))
    # Twice the size, then averaged: a plate is drawn large, and single samples of it would flicker.
    grid = F.affine_grid(torch.from_numpy(matrix), [n, 1, 2 * size, 2 * size], align_corners=False)
    return F.avg_pool2d(F.grid_sample(torch.from_numpy(plates), grid, align_corners=False), 2)


@cache
def _plate(name: str) -> np.ndarray:
    """A sign seen from the front: float32 in [0, 1], shape (4, 128, 128), its colours times its coverage, and that."""
    from PIL import Image, ImageDraw

    sign, big = _SIGNS[name], 4 * _PLATE
    drawing = Image.new("RGBA", (big, big))
    draw = ImageDraw.Draw(drawing)
    for colour, reach in ((sign.rim, 0.96), (sign.field, 0.76)):
        if sign.shape == "circle":
            ends = (1 - reach) / 2 * big, (1 + reach) / 2 * big
            draw.ellipse((ends[0], ends[0], ends[1], ends[1]), fill=colour)
        else:
            draw.polygon([tuple(point) for point in _outline(sign.shape, reach) * big], fill=colour)
    if sign.symbol:
        symbol = Image.fromarray(_symbol(sign.symbol))
        scale = sign.share * big / max(symbol.size)
        symbol = symbol.resize((round(scale * symbol.width), round(scale * symbol.height)), Image.Resampling.LANCZOS)
        middle = 0.6 if sign.shape == "triangle" else 0.5
        corner = ((big - symbol.width) // 2, round(middle * big) - symbol.height // 2)
        drawing.paste(Image.new("RGBA", symbol.size, sign.ink), corner, symbol)
    small = np.asarray(drawing.resize((_PLATE, _PLATE), Image.Resampling.LANCZOS), np.float32) / 255
    small = small.transpose(2, 0, 1)
    return np.concatenate([small[:3] * small[3:], small[3:]])


_CORNERS = {"triangle": (3, 0.0), "inverted": (3, 0.5), "diamond": (4, 0.0), "square": (4, 0.5), "octagon": (8, 0.5)}


def _outline(shape: str, reach: float) -> np.ndarray:
    """Corners of a regular polygon in the unit square, shape (n, 2): `reach` is its height there, or nearly."""
    n, turn = _CORNERS[shape]
    angle = 2 * np.pi * (np.arange(n) + turn) / n
    corners = np.stack([np.sin(angle), -np.cos(angle)], axis=1)
    centre, radius = np.array([0.5, 0.5]), reach / 2
    if n == 3:
        centre = np.array([0.5, 0.62 if shape == "triangle" else 0.38])
        radius = reach * 0.6 if reach > 0.9 else reach * 0.48
    elif shape == "square":
        radius = reach * 0.64
    return centre + radius * corners


def _symbol(characters: str) -> np.ndarray:
    """Characters side by side, without room around them: uint8, 255 where there is ink."""
    font = "DejaVuSans-Bold" if characters.isascii() else "DejaVuSans"
    masks = [glyph_mask(character, font) for character in characters]
    columns = [mask[:, mask.max(axis=0) > 32] for mask in masks]
    gap = np.zeros((MASK_SIZE, 5), np.uint8)
    joined = np.concatenate([part for column in columns for part in (column, gap)][:-1], axis=1)
    return joined[joined.max(axis=1) > 32]
