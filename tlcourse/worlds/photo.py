"""One photo file to one square of pixels, the same on every machine."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageOps


class PhotoError(Exception):
    """A photo that cannot be read; its text says why."""


def read_photo(path: Path, size: int) -> np.ndarray:
    """Read a photo upright, scale its shorter side to `size` pixels and crop the middle.

    The camera's orientation (EXIF) is honoured; grey, palette, CMYK and 16-bit photos become RGB; what is
    transparent becomes white.

    Returns:
        uint8, shape (3, size, size).

    Raises:
        PhotoError: the file is missing, damaged, cut short or no photo.
    """
    try:
        with Image.open(path) as opened:
            # A JPEG can be decoded at a fraction of its size: much faster, and no smaller than asked.
            opened.draft(None, (size, size))
            photo = _as_rgb(ImageOps.exif_transpose(opened))
    except Exception as error:  # each of Pillow's decoders fails in its own way
        raise PhotoError(_reason(error)) from error
    square = ImageOps.fit(photo, (size, size), method=Image.Resampling.BILINEAR)
    return np.ascontiguousarray(np.asarray(square).transpose(2, 0, 1))


def bare_photo(path: Path, side: int) -> Image.Image:
    """A photo upright, in RGB, its longer side at most `side` pixels, with nothing but its pixels.

    Raises:
        PhotoError: the file is missing, damaged, cut short or no photo.
    """
    try:
        with Image.open(path) as opened:
            opened.draft(None, (side, side))
            photo = _as_rgb(ImageOps.exif_transpose(opened))
    except Exception as error:
        raise PhotoError(_reason(error)) from error
    photo.thumbnail((side, side))
    return Image.fromarray(np.asarray(photo))  # a copy of the pixels: metadata stays behind


def _as_rgb(photo: Image.Image) -> Image.Image:
    if photo.mode.startswith("I"):  # 16 bits a pixel, which convert() would clip at 255
        photo = Image.fromarray((np.asarray(photo) / 257).round().clip(0, 255).astype(np.uint8))
    if "A" in photo.getbands() or "transparency" in photo.info:
        photo = photo.convert("RGBA")
        white = Image.new("RGBA", photo.size, "white")
        photo = Image.alpha_composite(white, photo)
    return photo.convert("RGB")


def _reason(error: Exception) -> str:
    text = str(error).splitlines()[0] if str(error) else type(error).__name__
    return "not an image that can be identified" if "cannot identify" in text else text
