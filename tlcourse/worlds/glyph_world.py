"""The glyph world: labelled images of characters, made on this machine, the same for everyone with the same seed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np

from tlcourse import storage
from tlcourse.errors import DataError
from tlcourse.worlds.alphabets import Alphabet, alphabet
from tlcourse.worlds.fonts import glyph_mask
from tlcourse.worlds.images import LabelledImages
from tlcourse.worlds.style import PHOTO, STYLES, Style

IMAGE_SIZE = 48
"""Height and width of the course's own images, pixels."""

_CHUNK = 256  # images drawn from one generator; a set is a whole number of chunks, cut to length
_RENDERER = 1  # raise when render.py draws differently, so that cached images of before are not used


def glyphs(
    classes: str | Alphabet = "everyday",
    per_class: int = 10,
    *,
    style: str | Style = PHOTO,
    size: int = IMAGE_SIZE,
    seed: int = 0,
    cache: bool = True,
) -> LabelledImages:
    """Images of an alphabet's characters, `per_class` of each.

    Equal arguments give equal bytes, and a smaller set is the start of a larger one: the 10 images a class of seed 0
    are the first 10 of its 100. Use other seeds for validation and test.

    Args:
        classes: an alphabet or its name: pictographs, everyday, held-out, digits, latin, greek, georgian, armenian,
            tifinagh, syllabics.
        per_class: images of each class.
        style: a style or its name: photo, print, chalk, night.
        size: height and width, pixels.
        seed: which images.
        cache: keep them on disk, in `cache_dir()/glyphs`, for the next time.

    Returns:
        Images of shape (N, 3, size, size), the classes in turn: 0, 1, 2, ..., 0, 1, 2, ...

    Raises:
        DataError: an unknown alphabet or style, a missing font, or a size that makes no sense.
        StorageError: the cache cannot be written.
    """
    letters, look = alphabet(classes), find_style(style)
    if per_class < 1 or not 8 <= size <= 512:
        raise DataError(
            f"{per_class} images a class of {size} pixels cannot be drawn.",
            "Ask for at least 1 image and for 8 to 512 pixels.",
        )
    n = per_class * len(letters)
    images = _cached(letters, look, size, seed, n) if cache else _render_set(letters, look, size, seed, n)
    return LabelledImages(images, _labels(letters, n), letters.classes, letters.name)


def stream(
    classes: str | Alphabet, *, style: str | Style = PHOTO, size: int = IMAGE_SIZE, seed: int = 0, start: int = 0
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Endless chunks of 256 (uint8 images, int64 labels), never the same image twice; nothing is kept on disk.

    Args:
        start: the chunk to begin with, so that interrupted training goes on where it stopped.
    """
    letters, look = alphabet(classes), find_style(style)
    chunk = start
    while True:
        labels = (np.arange(_CHUNK, dtype=np.int64) + chunk * _CHUNK) % len(letters)
        yield _render_chunk(letters, look, size, seed, chunk, labels), labels
        chunk += 1


def find_style(style: str | Style) -> Style:
    """The style of this name; a style as it is."""
    if isinstance(style, Style):
        return style
    if style not in STYLES:
        raise DataError(f"There is no style called {style!r}.", f"The styles are {', '.join(STYLES)}.")
    return STYLES[style]


def _labels(letters: Alphabet, n: int) -> np.ndarray:
    return np.arange(n, dtype=np.int64) % len(letters)


def _render_set(letters: Alphabet, style: Style, size: int, seed: int, n: int) -> np.ndarray:
    images = np.empty((n, 3, size, size), np.uint8)
    for chunk in range(-(-n // _CHUNK)):
        rows = slice(chunk * _CHUNK, (chunk + 1) * _CHUNK)
        labels = (np.arange(_CHUNK, dtype=np.int64) + chunk * _CHUNK) % len(letters)
        images[rows] = _render_chunk(letters, style, size, seed, chunk, labels)[: n - chunk * _CHUNK]
    return images


def _render_chunk(letters: Alphabet, style: Style, size: int, seed: int, chunk: int, labels: np.ndarray) -> np.ndarray:
    from tlcourse.worlds.render import render

    rng = np.random.default_rng([seed, chunk])
    fonts = rng.integers(len(letters.fonts), size=len(labels))
    masks = np.stack(
        [
            glyph_mask(letters.characters[i], letters.fonts[f])
            for i, f in zip(labels.tolist(), fonts.tolist(), strict=True)
        ]
    )
    return render(masks, style, size, rng)


def _cached(letters: Alphabet, style: Style, size: int, seed: int, n: int) -> np.ndarray:
    """The set from disk, drawn first if it is not there or is damaged; two processes never draw it twice."""
    path = _cache_path(letters, style, size, seed, n)
    images = _load(path, (n, 3, size, size))
    if images is not None:
        return images
    with storage.locked(path):
        images = _load(path, (n, 3, size, size))  # another process may have drawn it while this one waited
        if images is None:
            images = _render_set(letters, style, size, seed, n)
            with storage.atomic_file(path) as file:
                np.save(file, images)
    return images


def _cache_path(letters: Alphabet, style: Style, size: int, seed: int, n: int) -> Path:
    recipe = [_RENDERER, letters.characters, letters.fonts, asdict(style), size, seed, n]
    key = hashlib.sha256(json.dumps(recipe).encode()).hexdigest()[:20]
    return storage.cache_dir() / "glyphs" / f"{key}.npy"


def _load(path: Path, shape: tuple[int, ...]) -> np.ndarray | None:
    try:
        images = np.load(path, allow_pickle=False)
    except Exception:  # numpy has no one exception for a damaged file; if the disk is at fault, writing says so
        return None
    fits = isinstance(images, np.ndarray) and images.shape == shape and images.dtype == np.uint8
    return images if fits else None
