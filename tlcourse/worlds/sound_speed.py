"""Recordings played faster or slower: all that a voice is made of moves with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tlcourse.errors import DataError
from tlcourse.worlds.sound import LabelledSounds


def played_at(sounds: LabelledSounds, speeds: Sequence[float] | np.ndarray) -> LabelledSounds:
    """Each recording at a speed of its own, as an augmentation for training. Length and rate stay.

    At 1.2, pitch and resonances are 1.2 times as high and the sound is shorter: a tall man becomes a small person in a
    hurry (Ko et al. 2015, "Audio augmentation for speech recognition"). What is missing at the ends is silence, what is
    too much is cut.

    Args:
        sounds: the recordings.
        speeds: one factor for each, from 0.5 to 2.

    Raises:
        DataError: not one speed for each, or one out of this range.
    """
    factors = np.asarray(speeds, float)
    if factors.shape != (len(sounds),) or not ((factors >= 0.5) & (factors <= 2)).all():
        raise DataError(
            f"{len(sounds)} recordings cannot be played at speeds of shape {factors.shape}.",
            "Give one factor from 0.5 to 2 for each.",
        )
    pairs = zip(sounds.waves, factors, strict=True)
    return replace(sounds, waves=np.stack([_played(wave, speed) for wave, speed in pairs]))


def _played(wave: np.ndarray, speed: float) -> np.ndarray:
    """The wave on another grid of times; what would lie above half the rate is taken out in the spectrum."""
    n = len(wave)
    length = 32 * round(n / speed / 32)  # of the whole, played; a length that Fourier transforms are fast at
    spectrum = np.fft.rfft(wave)
    resized = np.zeros(length // 2 + 1, spectrum.dtype)
    shared = min(len(spectrum), len(resized))
    resized[:shared] = spectrum[:shared]
    played = np.fft.irfft(resized, length) * (length / n)
    lost = length - n
    if lost >= 0:
        return played[lost // 2 : lost // 2 + n].astype(np.float32)
    return np.pad(played, (-lost // 2, -lost - -lost // 2)).astype(np.float32)
