"""From a recording to an image: the log-mel spectrogram, and the ways in which training may vary it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tlcourse.errors import DataError
from tlcourse.worlds.images import LabelledImages
from tlcourse.worlds.sound import LabelledSounds

BANDS = 48
"""Rows of a spectrogram."""
WINDOW, HOP = 0.032, 0.0125
"""Length of a window and the way to the next, seconds."""
FLOOR = 1e-10
"""The least power: what is taken where there is none, since it has no logarithm."""
RANGE = 60.0
"""Decibels from black to white."""

_BATCH = 256  # recordings at a time


def hz_to_mel(hz: np.ndarray | float) -> np.ndarray:
    """2595 log10(1 + f / 700): steps that sound equal (O'Shaughnessy 1987, "Speech Communication", page 150)."""
    return 2595 * np.log10(1 + np.asarray(hz, float) / 700)


def mel_to_hz(mel: np.ndarray | float) -> np.ndarray:
    """The inverse of `hz_to_mel`."""
    return 700 * (10 ** (np.asarray(mel, float) / 2595) - 1)


def triangles(edges: np.ndarray | Sequence[float], n_fft: int, rate: int) -> np.ndarray:
    """Triangular filters: band i rises from edge i to a height of 1 at edge i + 1 and falls to edge i + 2.

    Args:
        edges: frequencies in Hz, rising, shape (bands + 2,).
        n_fft: samples of the Fourier transform.
        rate: samples a second.

    Returns:
        Weights of shape (bands, n_fft // 2 + 1): row i times a power spectrum is band i.

    Raises:
        DataError: edges that do not rise, or fewer than three.
    """
    at = np.asarray(edges, float)
    if at.ndim != 1 or len(at) < 3 or not (np.diff(at) > 0).all():
        raise DataError("The edges of the bands must rise, and be at least three.", "Sort them; leave none out.")
    bins = np.fft.rfftfreq(n_fft, 1 / rate)
    left, middle, right = (part[:, None] for part in (at[:-2], at[1:-1], at[2:]))
    return np.maximum(0, np.minimum((bins - left) / (middle - left), (right - bins) / (right - middle)))


def mel_filters(bands: int = BANDS, n_fft: int = 512, rate: int = 8000, *, warp: float = 1.0) -> np.ndarray:
    """Triangular filters whose edges lie equally far apart in mel, from 0 Hz to half the rate.

    Args:
        bands: how many.
        n_fft, rate: as in `triangles`.
        warp: moves the edges as another vocal tract would move the voice: below 1, a voice is seen as if its tract were
            longer. It bends back towards half the rate above 80 % of it (Jaitly and Hinton 2013, "Vocal Tract Length
            Perturbation (VTLP) improves speech recognition").

    Raises:
        DataError: a warp outside 0.7 to 1.4.
    """
    if not 0.7 <= warp <= 1.4:
        raise DataError(f"A warp of {warp:g} is no other speaker.", "Give a factor from 0.7 to 1.4.")
    edges = mel_to_hz(np.linspace(0, hz_to_mel(rate / 2), bands + 2))
    top = rate / 2
    knee = 0.8 * top * min(1.0, 1 / warp)
    # A band that is to show what lies at f of the warped voice looks at f / warp of the recorded one.
    warped = np.interp(edges, [0, knee * warp, top], [0, knee, top])
    return triangles(warped, n_fft, rate)


def log_mel(waves: np.ndarray, rate: int = 8000, *, bands: int = BANDS, warp: float = 1.0) -> np.ndarray:
    """Log-mel spectrograms: Hann windows of 32 ms every 12.5 ms, power, mel bands, decibels.

    Only windows that lie wholly inside a recording count.

    Args:
        waves: one recording, shape (samples,), or several, (N, samples).
        rate: samples a second.
        bands: how many; the lowest frequencies come first.
        warp: as in `mel_filters`.

    Returns:
        Decibels, float32, shape (bands, windows) or (N, bands, windows); at least 10 log10(1e-10) = -100.

    Raises:
        DataError: recordings shorter than a window, or not finite.
    """
    sound = np.asarray(waves, np.float32)
    length, hop = round(WINDOW * rate), round(HOP * rate)
    if sound.ndim not in (1, 2) or sound.shape[-1] < length:
        raise DataError(
            f"Recordings of shape {sound.shape} are too short for windows of {length} samples.",
            "Give (samples,) or (N, samples).",
        )
    if not np.isfinite(sound).all():
        raise DataError("A recording holds NaN or infinity.", "Look at how it was read.")
    n_fft = 1 << (2 * length - 1).bit_length()  # twice the window, or the lowest bands would hold no bin
    filters = mel_filters(bands, n_fft, rate, warp=warp).astype(np.float32)
    several = np.atleast_2d(sound)
    batches = [several[start : start + _BATCH] for start in range(0, len(several), _BATCH)]
    found = np.concatenate([_decibels(batch, length, hop, n_fft, filters) for batch in batches])
    return found[0] if sound.ndim == 1 else found


def _decibels(waves: np.ndarray, length: int, hop: int, n_fft: int, filters: np.ndarray) -> np.ndarray:
    frames = np.lib.stride_tricks.sliding_window_view(waves, length, axis=1)[:, ::hop]
    window = np.hanning(length).astype(np.float32)
    spectrum = np.fft.rfft(frames * window, n_fft, axis=-1)
    power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32)
    return 10 * np.log10(np.maximum(filters @ power.transpose(0, 2, 1), FLOOR))


def spectrogram_images(
    sounds: LabelledSounds, *, warps: Sequence[float] | np.ndarray | None = None, level_bands: bool = False
) -> LabelledImages:
    """Recordings as grey images in three channels: time to the right, low frequencies at the bottom, loud is bright.

    The loudest point of each recording is white, 60 dB below it is black.

    Args:
        sounds: the recordings.
        warps: a factor for each recording, as in `mel_filters`; it is rounded to 0.02.
        level_bands: first take from each band its mean over the recording. What a microphone or a voice adds to a band
            all along is gone then (Atal 1974, "Effectiveness of linear prediction characteristics of the speech wave
            for automatic speaker identification and verification", did so with cepstra).

    Returns:
        Images of shape (N, 3, 48, windows) with the recordings' labels.

    Raises:
        DataError: not one warp for each recording, or what `log_mel` refuses.
    """
    factors = np.ones(len(sounds)) if warps is None else np.round(np.asarray(warps, float) * 50) / 50
    if factors.shape != (len(sounds),):
        raise DataError(f"{len(sounds)} recordings, but warps of shape {factors.shape}.", "Give one for each.")
    decibels = np.empty((len(sounds), *log_mel(sounds.waves[0], sounds.rate).shape), np.float32)
    for factor in np.unique(factors):
        rows = factors == factor
        decibels[rows] = log_mel(sounds.waves[rows], sounds.rate, warp=float(factor))
    if level_bands:
        decibels = decibels - decibels.mean(axis=2, keepdims=True)
    return LabelledImages(_grey(decibels), sounds.labels.copy(), sounds.classes, sounds.name)


def _grey(decibels: np.ndarray) -> np.ndarray:
    below = decibels - decibels.max(axis=(1, 2), keepdims=True)
    grey = np.clip(1 + below[:, ::-1] / RANGE, 0, 1)
    return np.repeat(np.round(255 * grey).astype(np.uint8)[:, None], 3, axis=1)


def spec_augmented(images: LabelledImages, seed: int = 0, *, bands: int = 8, windows: int = 8) -> LabelledImages:
    """Spectrograms with one stripe across and one stripe down, each at a random place, set to the image's mean.

    This is SpecAugment without its time warping (Park et al. 2019, "SpecAugment: A Simple Data Augmentation Method for
    Automatic Speech Recognition").

    Args:
        images: spectrograms.
        seed: which stripes.
        bands, windows: the widest stripe across, and down; widths are drawn from 0 to these.
    """
    rng = np.random.default_rng(seed)
    pixels = images.images.copy()
    height, width = pixels.shape[2:]
    for image in pixels:
        mean = round(float(image.mean()))
        for axis, (size, widest) in enumerate(((height, bands), (width, windows)), start=1):
            stripe = int(rng.integers(0, min(widest, size) + 1))
            place = int(rng.integers(0, size - stripe + 1))
            np.moveaxis(image, axis, 0)[place : place + stripe] = mean
    return LabelledImages(pixels, images.labels, images.classes, images.name)
