"""From a visitor's bytes to what the model takes, or to a refusal with its reason. Nobody's file is trusted."""

from __future__ import annotations

import io
import warnings

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from tlcourse.errors import CourseError

MOST_BYTES = 5_000_000
MOST_PIXELS = 25_000_000
"""A phone's photo has 12 million. What is far larger is a mistake, or a small file made to fill the memory."""

SMALLEST_SIDE = 8
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP")


class BadPictureError(CourseError):
    """A picture that is refused.

    Args:
        reason: a short stable name.
        status: the HTTP status that says so.
    """

    def __init__(self, reason: str, status: int, fault: str, cure: str) -> None:
        super().__init__(fault, cure)
        self.reason, self.status = reason, status


def too_large() -> BadPictureError:
    """More bytes than are taken."""
    fault = f"This file is larger than {MOST_BYTES // 1_000_000} MB."
    return BadPictureError("too-large", 413, fault, "Save it smaller, or take a part of it.")


def read_picture(data: bytes, side: int) -> np.ndarray:
    """The middle square of a picture, scaled to `side` pixels; uint8, shape (3, side, side).

    Transparent places become white. A photo is turned as its camera says.

    Raises:
        BadPictureError: no picture, one of too many bytes or pixels, an animation, a damaged file.
    """
    if not data:
        raise BadPictureError("empty", 400, "This file is empty.", "Draw something, or choose another file.")
    if len(data) > MOST_BYTES:
        raise too_large()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of large pictures and odd metadata; the limits here are our own
        try:
            return _scaled(_opened(data), side)
        except BadPictureError:
            raise
        except (OSError, ValueError, SyntaxError, EOFError, MemoryError, OverflowError, IndexError, KeyError) as error:
            raise _damaged() from error
        except Exception as error:  # decoders raise errors of their own (struct, zlib) where a file lies
            raise _damaged() from error


def _damaged() -> BadPictureError:
    return BadPictureError(
        "damaged", 422, "This picture is cut off or damaged.", "Open it elsewhere, save it anew, and try that file."
    )


def _opened(data: bytes) -> Image.Image:
    """The picture behind its header, nothing decoded yet."""
    try:
        picture = Image.open(io.BytesIO(data), formats=FORMATS)
    except Image.DecompressionBombError as error:
        raise _too_many_pixels() from error
    except UnidentifiedImageError as error:
        raise BadPictureError(
            "not-a-picture",
            415,
            "This file is not a picture that the app can read.",
            f"Take one of these kinds: {', '.join(FORMATS)}.",
        ) from error
    if picture.width * picture.height > MOST_PIXELS:
        raise _too_many_pixels()
    if getattr(picture, "is_animated", False):
        raise BadPictureError("animated", 422, "This picture moves.", "Take a still one: the model answers one image.")
    if min(picture.size) < SMALLEST_SIDE:
        fault = f"This picture is {picture.width} x {picture.height} pixels."
        raise BadPictureError("too-small", 422, fault, f"Take one of at least {SMALLEST_SIDE} pixels on each side.")
    return picture


def _too_many_pixels() -> BadPictureError:
    fault = f"This picture has more than {MOST_PIXELS // 1_000_000} million pixels."
    return BadPictureError("too-many-pixels", 413, fault, "Scale it down first.")


def _scaled(picture: Image.Image, side: int) -> np.ndarray:
    picture.draft("RGB", (4 * side, 4 * side))  # a JPEG file is decoded at a fraction of its size
    picture = _on_white(ImageOps.exif_transpose(picture))
    square = min(picture.size)
    left, top = (picture.width - square) // 2, (picture.height - square) // 2
    box = (left, top, left + square, top + square)
    small = picture.resize((side, side), Image.Resampling.BILINEAR, box=box, reducing_gap=2.0)
    return np.ascontiguousarray(np.asarray(small).transpose(2, 0, 1))


def _on_white(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith("I"):  # 16 bits a pixel; Pillow would cut off at 255 and show white
        return Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8)).convert("RGB")
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    seen = picture.convert("RGBA")
    white = Image.new("RGBA", seen.size, "white")
    return Image.alpha_composite(white, seen).convert("RGB")
