"""Who speaks in the course's own sounds: throats, pitches and habits, drawn at random."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from tlcourse.errors import DataError

_RANGES = {
    "tract": (10.0, 20.0),
    "pitch": (60.0, 400.0),
    "breath": (0.0, 1.0),
    "pace": (0.5, 2.0),
    "tilt": (-24.0, 0.0),
}


@dataclass(frozen=True)
class Speaker:
    """A voice.

    Args:
        name: what to call it.
        tract: length of the vocal tract, from the vocal folds to the lips, in cm: about 17.5 for a tall man, 12 for a
            child. All resonances of a tube of this shape move as 1 / length.
        pitch: of the voice at rest, in Hz.
        breath: noise in the voice, from 0 (none) to 1 (a whisper).
        pace: how fast it speaks; 1 is the usual.
        tilt: how fast the voice's overtones become weaker, in dB an octave.
    """

    name: str
    tract: float = 17.5
    pitch: float = 120.0
    breath: float = 0.1
    pace: float = 1.0
    tilt: float = -12.0

    def __post_init__(self) -> None:
        for knob in fields(self):
            if knob.name not in _RANGES:
                continue
            value, (low, high) = getattr(self, knob.name), _RANGES[knob.name]
            if not low <= value <= high:
                raise DataError(
                    f"The speaker {self.name!r} has a {knob.name} of {value:g}.",
                    f"Give a number from {low:g} to {high:g}.",
                )


def speakers(count: int, *, seed: int = 0, tract: tuple[float, float] = (12, 18)) -> tuple[Speaker, ...]:
    """Voices drawn at random, their tracts spread over a range; the shorter, the higher the pitch, mostly.

    Args:
        count: how many; the first of a larger cast are not those of a smaller one.
        seed: which cast. Names hold the seed, so that casts can be joined.
        tract: shortest and longest tract, cm. Children have about 12 to 14, men about 16 to 18.

    Raises:
        DataError: fewer than one, or a range that no tract has.
    """
    low, high = tract
    if count < 1 or not _RANGES["tract"][0] <= low <= high <= _RANGES["tract"][1]:
        raise DataError(
            f"{count} speakers with tracts of {low:g} to {high:g} cm cannot speak.",
            "Ask for at least 1, with tracts between 10 and 20 cm, the shortest first.",
        )
    rng = np.random.default_rng([seed, count, round(100 * low), round(100 * high)])
    # One speaker in each of `count` equal parts of the range: a cast of four has short and long tracts.
    tracts = low + (high - low) * (rng.permutation(count) + rng.uniform(size=count)) / count
    return tuple(
        Speaker(
            f"{low:g}-{high:g} cm, {seed}.{index}",
            tract=float(length),
            pitch=float(np.clip(110 * (17.5 / length) ** 2.2 * np.exp(rng.normal(0, 0.12)), 70, 350)),
            breath=float(rng.uniform(0.03, 0.4)),
            pace=float(rng.uniform(0.8, 1.25)),
            tilt=float(rng.uniform(-15, -9)),
        )
        for index, length in enumerate(tracts)
    )
