"""Scans of tissue, some with a faint lesion, as two scanners make them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tlcourse.errors import DataError
from tlcourse.worlds.fonts import glyph_mask
from tlcourse.worlds.images import LabelledImages

SCAN_SIZE = 32
"""Height and width of a scan, pixels."""

SCAN_CLASSES = ("healthy", "lesion")


@dataclass(frozen=True)
class Scanner:
    """What a machine does to the picture of a tissue.

    Args:
        name: what to call it.
        contrast: brightness is stretched by this factor around the middle.
        brightness: what is added after that; 1 is the way from black to white.
        blur: standard deviation of the Gaussian blur, pixels of a scan of 32.
        noise: standard deviation of the pixel noise, 1 = from black to white.
        marker: a letter burnt into the upper left corner of every scan; none if empty.
    """

    name: str
    contrast: float
    brightness: float
    blur: float
    noise: float
    marker: str = ""


FIRST_SCANNER = Scanner("scanner 1", contrast=1.0, brightness=0.0, blur=0.4, noise=0.05)
SECOND_SCANNER = Scanner("scanner 2", contrast=0.9, brightness=0.04, blur=0.55, noise=0.05, marker="R")


def scans(
    n: int,
    *,
    prevalence: float = 0.05,
    scanner: Scanner = FIRST_SCANNER,
    size: int = SCAN_SIZE,
    seed: int = 0,
) -> LabelledImages:
    """Grey scans of textured tissue with vessels; a few of them show a lesion, a faint bright blob with a ragged edge.

    The tissue depends on `seed`, not on the scanner: equal seeds are the same patients on another machine.

    Args:
        n: scans.
        prevalence: the share with a lesion; their number is exact, their order is random.
        scanner: the machine.
        size: height and width, pixels.
        seed: which patients; equal arguments give equal bytes.

    Returns:
        Images of shape (n, 3, size, size), three equal channels; label 1 is a lesion.

    Raises:
        DataError: no scan, a share that is none, or a size that makes no sense.
    """
    if n < 1 or not 0 <= prevalence <= 1 or not 16 <= size <= 256:
        raise DataError(
            f"{n} scans of {size} pixels with a prevalence of {prevalence:g} cannot be made.",
            "Ask for at least 1 scan, a share from 0 to 1, and 16 to 256 pixels.",
        )
    patients, machine = (np.random.default_rng([seed, part]) for part in (0, 1))
    labels = (patients.permutation(n) < round(n * prevalence)).astype(np.int64)
    tissue = _tissue(n, size, patients)
    tissue += labels[:, None, None] * _lesions(n, size, patients)
    images = np.repeat(_scanned(tissue, scanner, machine)[:, None], 3, axis=1)
    return LabelledImages(images, labels, SCAN_CLASSES, scanner.name)


def rescanned(data: LabelledImages, scanner: Scanner = SECOND_SCANNER, *, seed: int = 0) -> LabelledImages:
    """Images that there are already, as another scanner would show them: for published sets, which come from one.

    Args:
        data: images, which become grey.
        scanner: what is done to them, on top of what their own scanner did.
        seed: the noise.
    """
    grey = data.images.mean(1, dtype=np.float32) / 255
    images = np.repeat(_scanned(grey, scanner, np.random.default_rng(seed))[:, None], 3, axis=1)
    return replace(data, images=images, name=f"{data.name}, {scanner.name}")


def _field(n: int, size: int, width: float, rng: np.random.Generator) -> np.ndarray:
    """Smooth noise of about unit spread, shape (n, size, size); `width` is that of its blotches in pixels of 32."""
    from scipy import fft

    sigma = width * size / SCAN_SIZE
    down, across = fft.fftfreq(size)[:, None], fft.rfftfreq(size)
    kept = np.exp(-2 * (np.pi * sigma) ** 2 * (down**2 + across**2))  # a Gaussian filter, by its frequencies
    smooth = fft.irfft2(fft.rfft2(rng.standard_normal((n, size, size), np.float32)) * kept, (size, size))
    return smooth * 2 * np.sqrt(np.pi) * sigma  # the filter divides the spread of white noise by this


def _tissue(n: int, size: int, rng: np.random.Generator) -> np.ndarray:
    """Blotches of two sizes, and vessels: thin bright lines where a smooth field crosses zero."""
    blotches = 0.08 * _field(n, size, 5, rng) + 0.04 * _field(n, size, 1.5, rng)
    strength = rng.uniform(0.05, 0.2, (n, 1, 1))
    return 0.42 + blotches + strength * np.exp(-((_field(n, size, 4, rng) / 0.12) ** 2))


def _lesions(n: int, size: int, rng: np.random.Generator) -> np.ndarray:
    """One blob for each scan, shape (n, size, size): place, size, strength and edge at random."""
    row, column = rng.uniform(0.2, 0.8, (2, n, 1, 1)) * size
    radius = rng.uniform(0.09, 0.15, (n, 1, 1)) * size
    rows, columns = np.mgrid[:size, :size]
    distance = np.hypot(rows - row, columns - column) / radius
    ragged = distance + 0.15 * _field(n, size, 1.5, rng)
    return rng.uniform(0.16, 0.34, (n, 1, 1)) / (1 + np.exp(8 * (ragged - 1)))


def _scanned(tissue: np.ndarray, scanner: Scanner, rng: np.random.Generator) -> np.ndarray:
    """uint8, shape (n, size, size)."""
    from scipy.ndimage import gaussian_filter

    size = tissue.shape[-1]
    sigma = scanner.blur * size / SCAN_SIZE
    picture = gaussian_filter(tissue, (0, sigma, sigma), mode="nearest")
    picture = 0.5 + scanner.contrast * (picture - 0.5) + scanner.brightness
    picture += scanner.noise * rng.standard_normal(picture.shape, np.float32)
    if scanner.marker:
        letter = _letter(scanner.marker, size // 5)
        corner = picture[:, 1 : 1 + len(letter), 1 : 1 + len(letter)]
        corner += letter * (0.95 - corner)
    return (picture.clip(0, 1) * 255).round().astype(np.uint8)


def _letter(character: str, side: int) -> np.ndarray:
    """A drawing from 0 to 1, shape (side, side)."""
    from PIL import Image

    drawing = Image.fromarray(glyph_mask(character, "DejaVuSans-Bold"))
    return np.asarray(drawing.resize((side, side), Image.Resampling.BOX), np.float32) / 255
