"""Speech made from nothing: vowels and words by source and filter, the same for everyone with the same seed.

The source is what the throat gives: pulses of the vocal folds, or the hiss of air. The filter is the mouth: a few
resonances, the formants (Fant 1960, "Acoustic Theory of Speech Production"). Formants of the vowels are the men's means
of Peterson and Barney (1952), "Control methods used in a study of the vowels"; a shorter tract moves all of them up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tlcourse.errors import DataError
from tlcourse.worlds.sound import RATE, LabelledSounds
from tlcourse.worlds.sound_speakers import Speaker


@dataclass(frozen=True)
class _Phone:
    """One sound of speech.

    Args:
        formants: the first three, Hz, of a tract of 17.5 cm.
        voice: strength of the vocal folds, 0 to 1.
        hiss: strength of the noise made in the mouth, 0 to 1.
        hiss_at: its middle, Hz.
        length: relative to a vowel's.
    """

    formants: tuple[float, float, float]
    voice: float = 1.0
    hiss: float = 0.0
    hiss_at: float = 3000.0
    length: float = 1.0


_PHONES = {
    "i": _Phone((270, 2290, 3010)),
    "I": _Phone((390, 1990, 2550)),
    "E": _Phone((530, 1840, 2480)),
    "a": _Phone((660, 1720, 2410)),
    "A": _Phone((730, 1090, 2440)),
    "O": _Phone((570, 840, 2410)),
    "U": _Phone((440, 1020, 2240)),
    "u": _Phone((300, 870, 2240)),
    "V": _Phone((640, 1190, 2390)),
    "r": _Phone((490, 1350, 1690)),
    "s": _Phone((350, 1700, 2600), voice=0, hiss=0.5, hiss_at=3700, length=0.8),
    "S": _Phone((350, 1800, 2500), voice=0, hiss=0.6, hiss_at=2500, length=0.8),
    "m": _Phone((250, 1000, 2200), voice=0.3, length=0.6),
    "n": _Phone((250, 1500, 2400), voice=0.3, length=0.6),
}

VOCABULARIES: dict[str, dict[str, str]] = {
    "vowels": dict(
        zip(
            ("heed", "hid", "head", "had", "hod", "hawed", "hood", "who'd", "hud", "heard"),
            "iIEaAOUuVr",
            strict=True,
        )
    ),
    "words": {
        "see": "si",
        "saw": "sO",
        "she": "Si",
        "shoe": "Su",
        "me": "mi",
        "moo": "mu",
        "knee": "ni",
        "eye": "Ai",
        "we": "ui",
        "you": "iu",
        "miss": "mIs",
        "mass": "mas",
        "moss": "mAs",
        "mesh": "mES",
        "us": "Vs",
        "ash": "aS",
    },
}
"""Word -> its sounds. The vowels stand alone, named by the words in which they are usually shown."""

_SAMPLES = 5120  # 0.64 s
_HOP, _FFT = 128, 384  # the filter changes every 16 ms
_BATCH = 128  # recordings made together
_BANDWIDTHS = (60.0, 90.0, 130.0, 200.0)  # Hz, of the four formants
_FOURTH = 3500.0  # Hz: the fourth formant hardly moves with the sound


def spoken(
    vocabulary: str, takes: int, cast: Sequence[Speaker], *, seed: int = 0, noise: float = 0.004
) -> LabelledSounds:
    """Recordings of every word of a vocabulary by every speaker, `takes` of each. Equal arguments give equal sounds.

    No two takes are alike: length, place, melody, formants (3 %) and loudness vary.

    Args:
        vocabulary: "vowels" (10) or "words" (16).
        takes: recordings of each word by each speaker.
        cast: the speakers.
        seed: which takes.
        noise: standard deviation of the room's noise; the sound's own peak is at 0.9 or below.

    Returns:
        Recordings of 0.64 s at 8 kHz, speaker by speaker; within a speaker the words in turn: 0, 1, 2, ..., 0, 1, ...

    Raises:
        DataError: an unknown vocabulary, no take, no speaker, or two of one name.
    """
    if vocabulary not in VOCABULARIES:
        raise DataError(f"There is no vocabulary {vocabulary!r}.", f"Choose one of {', '.join(VOCABULARIES)}.")
    names = [speaker.name for speaker in cast]
    if takes < 1 or not names or len(set(names)) < len(names):
        raise DataError(
            f"{takes} takes by the speakers {names} cannot be recorded.",
            "Ask for at least one take, by at least one speaker, each of another name.",
        )
    words = VOCABULARIES[vocabulary]
    labels = np.tile(np.arange(len(words), dtype=np.int64), takes)
    sounds = [words[name] for name in words]
    waves = []
    for index, speaker in enumerate(cast):
        rng = np.random.default_rng([seed, index])
        for rows in np.split(labels, range(_BATCH, len(labels), _BATCH)):
            waves.append(_recorded([sounds[label] for label in rows], speaker, noise, rng))
    return LabelledSounds(
        np.concatenate(waves),
        RATE,
        np.tile(labels, len(names)),
        tuple(words),
        np.repeat(names, len(labels)),
        f"{vocabulary} by {len(names)} speakers",
    )


def _recorded(words: Sequence[str], speaker: Speaker, noise: float, rng: np.random.Generator) -> np.ndarray:
    """One batch of recordings by one speaker: float32, shape (N, samples)."""
    tracks = _tracks(words, speaker, rng)
    folds = _pulses(tracks["pitch"], rng)
    air = rng.standard_normal(folds.shape, dtype=np.float32)
    throat = (1 - speaker.breath) * folds + speaker.breath * air
    spoken_part = _spectra(throat, tracks["voice"]) * _mouth(tracks["formants"], speaker)
    hissed_part = _spectra(air[:, ::-1], tracks["hiss"]) * _teeth(tracks["hiss_at"])
    wave = _overlapped(spoken_part + hissed_part)
    loud = np.abs(wave).max(axis=1, keepdims=True)
    wave *= (rng.uniform(0.3, 0.9, (len(words), 1)) / np.maximum(loud, 1e-9)).astype(np.float32)
    wave += noise * rng.standard_normal(wave.shape, dtype=np.float32)
    return np.clip(wave, -1, 1)


def _tracks(words: Sequence[str], speaker: Speaker, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """What voice and mouth do at each hop: arrays of shape (N, hops), formants (N, hops, 3)."""
    hops = _SAMPLES // _HOP
    names = ("pitch", "voice", "hiss", "hiss_at")
    tracks = {name: np.zeros((len(words), hops)) for name in names}
    tracks["formants"] = np.zeros((len(words), hops, 3))
    for row, word in enumerate(words):
        for name, track in _track(word, hops, speaker, rng).items():
            tracks[name][row] = track
    return tracks


def _track(word: str, hops: int, speaker: Speaker, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """One word: targets of its sounds, with smooth ways between them."""
    phones = [_PHONES[letter] for letter in word]
    usual = 0.14 if len(phones) > 1 else 0.24  # seconds
    lengths = np.array([phone.length for phone in phones]) * usual / speaker.pace
    lengths = lengths * np.exp(rng.normal(0, 0.12, len(phones))) * RATE / _HOP
    lengths *= min(1.0, 0.9 * hops / lengths.sum())
    start = rng.uniform(0.03, 0.97) * (hops - lengths.sum())
    borders = start + np.concatenate([[0], np.cumsum(lengths)])
    at = np.arange(hops) + 0.5
    inside = _step(at - borders[0], 1.5) * _step(borders[-1] - at, 2)
    # Each sound's share of each moment: they sum to 1, and change over about 50 ms.
    steps = np.array([_step(at - border, 1.5) for border in borders[1:-1]]).reshape(-1, hops)
    shares = -np.diff(np.concatenate([np.ones((1, hops)), steps, np.zeros((1, hops))]), axis=0)
    scale = 17.5 / speaker.tract
    targets = np.array([phone.formants for phone in phones]) * scale * np.exp(rng.normal(0, 0.03, (len(phones), 3)))
    melody = np.linspace(1 + rng.uniform(0, 0.15), 1 - rng.uniform(0, 0.2), hops)
    return {
        "pitch": speaker.pitch * np.exp(rng.normal(0, 0.05)) * melody,
        "formants": shares.T @ targets,
        "voice": inside * (shares.T @ [phone.voice for phone in phones]),
        "hiss": inside * (shares.T @ [phone.hiss for phone in phones]),
        # The room in front of the teeth is small: it follows the tract by half.
        "hiss_at": shares.T @ [phone.hiss_at for phone in phones] * scale**0.5,
    }


def _step(distance: np.ndarray, width: float) -> np.ndarray:
    """0 before, 1 after, in about `width` hops."""
    return 1 / (1 + np.exp(-4 * distance / width))


def _pulses(pitch: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One pulse a turn of the vocal folds, shape (N, samples), shared by the two samples nearest to it; unit power."""
    n, hops = pitch.shape
    grid = (np.arange(_SAMPLES) + 0.5) / _HOP - 0.5
    wobble = np.exp(0.01 * rng.standard_normal((n, hops)))
    smooth = np.stack([np.interp(grid, np.arange(hops), row) for row in pitch * wobble])
    step = smooth / RATE
    past = (np.cumsum(step, axis=1) + rng.uniform(size=(n, 1))) % 1
    due = past < step  # a turn ended within this sample
    late = np.where(due, past / step, 0)
    pulses = np.where(due, 1 - late, 0)
    pulses[:, :-1] += late[:, 1:]
    return (pulses / np.sqrt(step)).astype(np.float32)


def _mouth(formants: np.ndarray, speaker: Speaker) -> np.ndarray:
    """Gain of the mouth at each hop and frequency, with the voice's tilt: shape (N, hops, bins), complex.

    Each formant F of bandwidth B is a resonance F^2 / (F^2 - f^2 + i f B) (Fant 1960, chapter 1.3): 1 at 0 Hz.
    """
    at = np.fft.rfftfreq(_FFT, 1 / RATE).astype(np.float32)
    below = np.ones((*formants.shape[:2], len(at)), np.complex64)
    fourth = np.full((*formants.shape[:2], 1), _FOURTH * 17.5 / speaker.tract)
    for middle, width in zip(np.moveaxis(np.append(formants, fourth, axis=2), 2, 0), _BANDWIDTHS, strict=True):
        squared = (1 / middle**2).astype(np.float32)[..., None]
        below *= 1 + squared * (1j * width * at - at**2).astype(np.complex64)
    octaves = np.log2(np.maximum(at, 100) / 100)
    lips = np.minimum(1, at / 80) * 10 ** ((speaker.tilt + 6) * octaves / 20)  # 6 dB more an octave, and no still air
    return lips.astype(np.float32) / below


def _teeth(middle: np.ndarray) -> np.ndarray:
    """Gain of a narrow gap, a hump around `middle` (N, hops): shape (N, hops, bins)."""
    at = np.fft.rfftfreq(_FFT, 1 / RATE)
    return (np.exp(-(((at - middle[..., None]) / 500) ** 2)) + 0.05).astype(np.float32)


def _spectra(source: np.ndarray, strength: np.ndarray) -> np.ndarray:
    """A source (N, samples) in overlapping pieces, each as strong as its hop asks: shape (N, hops, bins)."""
    padded = np.pad(source, ((0, 0), (_HOP // 2, 2 * _HOP))).astype(np.float32)
    pieces = np.lib.stride_tricks.sliding_window_view(padded, 2 * _HOP, axis=1)[:, ::_HOP][:, : strength.shape[1]]
    window = np.hanning(2 * _HOP + 1)[:-1].astype(np.float32)  # two neighbours add up to 1
    return np.fft.rfft(pieces * window * strength[..., None].astype(np.float32), _FFT)


def _overlapped(spectra: np.ndarray) -> np.ndarray:
    """The pieces back in their places, with what rings on after them: shape (N, samples)."""
    pieces = np.fft.irfft(spectra, _FFT)
    n, hops = pieces.shape[:2]
    result = np.zeros((n, (hops - 1) * _HOP + _FFT), np.float32)
    for hop in range(hops):
        result[:, hop * _HOP : hop * _HOP + _FFT] += pieces[:, hop]
    return result[:, _HOP // 2 : _HOP // 2 + _SAMPLES]
