"""From a character to its drawing: an anti-aliased mask, rasterised by matplotlib from one of its own fonts."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np

from tlcourse.errors import DataError

MASK_SIZE = 64
"""Height and width of a mask, pixels."""
_BOX = 50  # the longer side of the drawing inside its mask; the rest is room to turn


@lru_cache(maxsize=4096)
def glyph_mask(character: str, font: str = "DejaVuSans") -> np.ndarray:
    """The drawing of one character, centred, its longer side always the same.

    Args:
        character: one character.
        font: the file stem of a font that matplotlib ships.

    Returns:
        uint8 array of shape (64, 64), 255 where there is ink. Do not write to it: it is shared.

    Raises:
        DataError: matplotlib has no such font, or the font no such character.
    """
    from PIL import Image

    face = _face(font)
    if ord(character) not in face.get_charmap():
        raise DataError(f"The font {font} has no character {character!r}.", "Choose another font or character.")
    face.set_text(character)
    face.draw_glyphs_to_bitmap(antialiased=True)
    drawing = np.asarray(face.get_image())
    rows, columns = np.nonzero(drawing > 32)
    if not len(rows):
        raise DataError(f"The character {character!r} of {font} is blank.", "Choose a character with ink.")
    drawing = drawing[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    scale = _BOX / max(drawing.shape)
    height, width = (max(1, round(side * scale)) for side in drawing.shape)
    resized = np.asarray(Image.fromarray(drawing).resize((width, height), Image.Resampling.LANCZOS))
    mask = np.zeros((MASK_SIZE, MASK_SIZE), np.uint8)
    top, left = (MASK_SIZE - height) // 2, (MASK_SIZE - width) // 2
    mask[top : top + height, left : left + width] = resized
    mask.setflags(write=False)
    return mask


@lru_cache(maxsize=64)
def _face(font: str):  # type: ignore[no-untyped-def]  # FT2Font is matplotlib's own, without public types
    import matplotlib
    from matplotlib.ft2font import FT2Font

    path = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / f"{font}.ttf"
    if not path.is_file():
        raise DataError(
            f"matplotlib's font {font}.ttf is missing from {path.parent}.",
            "Reinstall it: pip install --force-reinstall --no-deps matplotlib",
        )
    face = FT2Font(str(path))
    face.set_size(96, 72)
    return face
