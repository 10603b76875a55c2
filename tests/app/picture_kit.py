"""Pictures as visitors send them, good and bad."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image, ImageDraw


def drawing(side: int = 336) -> Image.Image:
    """An envelope, as drawn with a thick pen."""
    picture = Image.new("RGB", (side, side), "white")
    brush = ImageDraw.Draw(picture)
    brush.rectangle((side // 7, side // 3, 6 * side // 7, 3 * side // 4), outline="black", width=side // 16)
    brush.line((side // 7, side // 3, side // 2, side // 2, 6 * side // 7, side // 3), fill="black", width=side // 16)
    return picture


def encoded(picture: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    """The bytes of a file."""
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def animation() -> bytes:
    return encoded(drawing(64), "GIF", save_all=True, append_images=[Image.new("RGB", (64, 64), "red")])


def many_pixels() -> bytes:
    """A file of some kilobytes that would unfold to 81 million pixels."""
    return encoded(Image.new("1", (9000, 9000)), "PNG")


def cut_off() -> bytes:
    whole = encoded(drawing())
    return whole[: len(whole) // 2]
