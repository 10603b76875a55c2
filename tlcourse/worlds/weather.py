"""Weather over pictures: fog, rain and night, each at a strength of your choice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from tlcourse.errors import DataError
from tlcourse.worlds.images import LabelledImages

WEATHERS = ("fog", "rain", "night")
"""What `weathered` knows, besides "clear"."""

_BATCH = 256  # images changed together


def weathered(
    data: LabelledImages, kind: str, strength: float | Sequence[float] | np.ndarray = 0.5, *, seed: int = 0
) -> LabelledImages:
    """The same images in other weather. Equal arguments give equal bytes.

    - fog: light is lost on its way and bright air is added (Koschmieder 1924, "Theorie der horizontalen Sichtweite"):
      image times t plus air times 1 - t, with t = exp(-2.5 strength), thicker here and thinner there;
    - rain: less contrast, a blur, and bright streaks;
    - night: down to a tenth of the light, the grain of a camera at its limit, and the glare of a lamp.

    Args:
        data: any picture world.
        kind: fog, rain, night, or clear, which changes nothing.
        strength: from 0 (clear) to 1, one number or one for each image.
        seed: which clouds, streaks and grains.

    Raises:
        DataError: an unknown kind, or a strength outside 0 to 1.
    """
    amounts = np.broadcast_to(np.asarray(strength, np.float32), (len(data),))
    if kind not in ("clear", *WEATHERS):
        raise DataError(f"There is no weather {kind!r}.", f"Choose one of clear, {', '.join(WEATHERS)}.")
    if len(data) and not (amounts.min() >= 0 and amounts.max() <= 1):
        raise DataError(f"A strength of {strength} is none.", "Give numbers from 0 to 1.")
    if kind == "clear":
        return data
    change, pixels = _CHANGES[kind], np.empty_like(data.images)
    rng = np.random.default_rng([seed, WEATHERS.index(kind)])
    for start in range(0, len(data), _BATCH):
        rows = slice(start, start + _BATCH)
        light = data.images[rows].astype(np.float32) / 255
        changed = change(light, amounts[rows, None, None, None], rng)
        pixels[rows] = np.round(255 * np.clip(changed, 0, 1)).astype(np.uint8)
    return replace(data, images=pixels, name=f"{data.name}, {kind}")


def any_weather(
    data: LabelledImages, *, seed: int = 0, kinds: Sequence[str] = WEATHERS, strengths: tuple[float, float] = (0, 1)
) -> LabelledImages:
    """Each image in a weather and at a strength of its own, drawn at random: an augmentation for training.

    Args:
        data: any picture world.
        seed: which weather for which image.
        kinds: what to draw from.
        strengths: the range of the strengths, each as likely.

    Raises:
        DataError: no kind, or what `weathered` refuses.
    """
    if not kinds:
        raise DataError("No weather was given to draw from.", f"Give some of {', '.join(WEATHERS)}.")
    rng = np.random.default_rng([seed, 99])
    drawn, amounts = rng.integers(len(kinds), size=len(data)), rng.uniform(*strengths, size=len(data))
    pixels = data.images.copy()
    for index, kind in enumerate(kinds):
        rows = np.flatnonzero(drawn == index)
        pixels[rows] = weathered(data.subset(rows), kind, amounts[rows], seed=seed).images
    return replace(data, images=pixels, name=f"{data.name}, any weather")


def _fog(light: np.ndarray, strength: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    n, _, height, width = light.shape
    air = rng.uniform(0.75, 0.95, (n, 1, 1, 1)).astype(np.float32)
    thickness = 1 + 0.35 * _clouds(n, height, width, rng)
    through = np.exp(-2.5 * strength * np.maximum(thickness, 0.2))
    return light * through + air * (1 - through)


def _rain(light: np.ndarray, strength: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    n, _, height, width = light.shape
    dull = light + 0.5 * strength * (0.5 - light)
    soft = dull + np.minimum(1, 1.5 * strength) * (_smeared(dull) - dull)
    return soft + 0.8 * _streaks(n, height, width, strength.ravel(), rng)[:, None]


def _night(light: np.ndarray, strength: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    n, _, height, width = light.shape
    dark = light * (1 - 0.9 * strength)
    down, across = np.linspace(0, 1, height)[:, None], np.linspace(0, 1, width)[None]
    at = rng.uniform(0, 1, (2, n, 1, 1))
    far = (down - at[0]) ** 2 + (across - at[1]) ** 2
    lamp = (np.exp(-far / 0.02) * rng.uniform(0, 0.8, (n, 1, 1)))[:, None].astype(np.float32)
    seen = dark + strength * lamp
    grain = rng.standard_normal(light.shape, dtype=np.float32)
    return seen + strength * np.sqrt(0.004 * seen + 0.001) * 2 * grain  # shot noise and read noise


def _clouds(n: int, height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    """Smooth noise of about unit spread, shape (n, 1, height, width): bilinear between 4 x 4 random numbers."""
    coarse = rng.standard_normal((n, 4, 4), dtype=np.float32)
    rows, columns = (_between(size) for size in (height, width))
    return np.einsum("hi,nij,wj->nhw", rows, coarse, columns, optimize=True)[:, None]


def _between(size: int) -> np.ndarray:
    """Weights of four equally spaced values at `size` places, shape (size, 4)."""
    at = np.linspace(0, 3, size)
    return np.maximum(0, 1 - np.abs(at[:, None] - np.arange(4))).astype(np.float32)


def _smeared(light: np.ndarray) -> np.ndarray:
    """The mean of each pixel and of its eight neighbours, twice."""
    for _ in range(2):
        for axis in (2, 3):
            padding = [(0, 0)] * 4
            padding[axis] = (1, 1)
            padded = np.pad(light, padding, mode="edge")
            size = light.shape[axis]
            parts = [np.take(padded, range(shift, shift + size), axis=axis) for shift in range(3)]
            light = (parts[0] + parts[1] + parts[2]) / 3
    return light


def _streaks(n: int, height: int, width: int, strength: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Bright lines, all slanted alike within an image: shape (n, height, width)."""
    most, longest = round(0.03 * height * width), round(0.3 * height)
    drops = rng.uniform(size=(n, most)) < strength[:, None]
    slant = rng.uniform(-0.35, 0.35, (n, 1, 1))
    top, left = rng.uniform(-longest, height, (n, most, 1)), rng.uniform(0, width, (n, most, 1))
    along = np.arange(longest)
    wet = drops[..., None] & (along < rng.uniform(0.4, 1, (n, most, 1)) * longest)
    down, across = np.floor(top + along).astype(int), np.floor(left + slant * along).astype(int)
    wet &= (down >= 0) & (down < height) & (across >= 0) & (across < width)
    image, *_ = np.nonzero(wet)
    drawn = np.zeros((n, height, width), np.float32)
    bright = np.broadcast_to(rng.uniform(0.15, 0.5, (n, most, 1)), wet.shape)
    np.add.at(drawn, (image, down[wet], across[wet]), bright[wet])
    return drawn


_CHANGES: dict[str, Callable[[np.ndarray, np.ndarray, np.random.Generator], np.ndarray]] = {
    "fog": _fog,
    "rain": _rain,
    "night": _night,
}
