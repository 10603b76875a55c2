"""Is the door open? One drawing in two states that differ in one detail: doorway brighter or darker than the wall."""

from __future__ import annotations

from functools import cache

import numpy as np

from tlcourse.errors import DataError
from tlcourse.worlds.fonts import MASK_SIZE
from tlcourse.worlds.glyph_world import IMAGE_SIZE, find_style
from tlcourse.worlds.images import LabelledImages
from tlcourse.worlds.style import PHOTO, Style

STATES = ("closed", "open")
"""The classes of `doors`: through an open door shines daylight, a closed one is a dark panel."""


def doors(per_class: int = 10, *, style: Style | str = PHOTO, size: int = IMAGE_SIZE, seed: int = 0) -> LabelledImages:
    """Images of a door, closed or open. Equal arguments give equal bytes.

    The drawing is the same in both states. A closed door is darker than the wall around it, an open one brighter: in
    the glyph world's terms, its polarity is 0 or 1. Shape says nothing here.

    Args:
        per_class: images of each state.
        style: how they are drawn, as in `glyphs`, but for the polarity.
        size: height and width, pixels.
        seed: which images.

    Returns:
        Images of shape (N, 3, size, size) with the labels 0, 1, 0, 1, ...: closed, open, closed, open, ...

    Raises:
        DataError: an unknown style, no image, or a size that makes no sense.
    """
    from tlcourse.worlds.render import render

    if per_class < 1 or not 8 <= size <= 512:
        raise DataError(
            f"{per_class} doors of {size} pixels cannot be drawn.", "Ask for at least 1 image and for 8 to 512 pixels."
        )
    rng, look = np.random.default_rng(seed), find_style(style)
    masks = np.repeat(_door()[None], per_class, axis=0)
    images = np.empty((2 * per_class, 3, size, size), np.uint8)
    for state in (0, 1):
        images[state::2] = render(masks, look.but(polarity=state), size, rng)
    return LabelledImages(images, np.tile(np.array([0, 1], np.int64), per_class), STATES, "doors")


@cache
def _door() -> np.ndarray:
    """A doorway, its knob and its step: uint8, shape (64, 64), 255 where there is ink."""
    from PIL import Image, ImageDraw

    drawing = Image.new("L", (4 * MASK_SIZE, 4 * MASK_SIZE))  # drawn large, so that its edges become smooth
    draw = ImageDraw.Draw(drawing)
    draw.rectangle((72, 30, 184, 216), fill=255)
    draw.rectangle((44, 222, 212, 234), fill=255)
    draw.ellipse((154, 118, 174, 138), fill=0)
    return np.asarray(drawing.resize((MASK_SIZE, MASK_SIZE), Image.Resampling.LANCZOS))
