"""Recordings from a local folder of wav files, named after what is said and who says it."""

from __future__ import annotations

import re
import wave
from dataclasses import dataclass
from math import gcd
from pathlib import Path

import numpy as np

from tlcourse.errors import DataError
from tlcourse.worlds.sound import RATE, LabelledSounds

_NAME = re.compile(r"(?P<label>[^_]+)_(?P<speaker>.+)_(?P<take>[^_]+)")
_NAMING = "Name each file label_speaker_take.wav, such as 7_anna_0.wav."
_SHOWN = 5  # bad files named in a message


@dataclass(frozen=True)
class _Recording:
    label: str
    speaker: str
    path: Path


def sound_folder(
    folder: str | Path, *, seconds: float = 0.64, rate: int = RATE, takes: int | None = None, strict: bool = True
) -> LabelledSounds:
    """The recordings of a folder of files {label}_{speaker}_{take}.wav, such as 7_anna_0.wav.

    Several channels are mixed to one and other rates are resampled. What is longer than `seconds` is cut to its loudest
    stretch of this length, what is shorter gets silence on both sides.

    Args:
        folder: where the files lie.
        seconds: length of each recording to come.
        rate: samples a second to come.
        takes: at most so many recordings of each label by each speaker, in the order of their file names; None for all.
        strict: whether one bad file is an error; otherwise it is left out.

    Returns:
        The recordings, sorted by file name; classes are the labels, sorted.

    Raises:
        DataError: no such folder, no such file in it, a file that cannot be read (with its name and the reason), or
            none that can.
    """
    if seconds <= 0 or rate < 1000:
        raise DataError(f"{seconds:g} s at {rate} Hz is no recording.", "Ask for more than 0 s and at least 1,000 Hz.")
    found = _few(_listed(Path(folder).expanduser(), strict), takes)
    waves, kept, faults = [], [], []
    for recording in found:
        try:
            waves.append(_fitted(_read(recording.path, rate), round(seconds * rate)))
            kept.append(recording)
        except _Unreadable as error:
            faults.append(f"{recording.path.name}: {error}")
    if faults and (strict or not kept):
        cure = "Replace these files, or leave them out with strict=False."
        raise DataError(f"{folder}: {_some(faults, 'files cannot be read')}.", cure)
    classes = tuple(sorted({recording.label for recording in kept}))
    labels = np.array([classes.index(recording.label) for recording in kept], np.int64)
    names = np.array([recording.speaker for recording in kept])
    return LabelledSounds(np.stack(waves), rate, labels, classes, names, Path(folder).name)


class _Unreadable(Exception):
    """A file that cannot be read; its text says why."""


def _listed(folder: Path, strict: bool) -> list[_Recording]:
    if not folder.is_dir():
        raise DataError(f"There is no folder {folder}.", "Give the folder that holds the wav files.")
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() == ".wav" and path.is_file())
    if not paths:
        raise DataError(f"{folder} holds no wav file.", _NAMING)
    matches = [(path, _NAME.fullmatch(path.stem)) for path in paths]
    foreign = [path.name for path, match in matches if match is None]
    if foreign and (strict or len(foreign) == len(paths)):
        raise DataError(f"{folder}: {_some(foreign, 'names say no label, speaker and take')}.", _NAMING)
    return [_Recording(match["label"], match["speaker"], path) for path, match in matches if match]


def _few(recordings: list[_Recording], takes: int | None) -> list[_Recording]:
    """At most `takes` of each label by each speaker."""
    if takes is None:
        return recordings
    if takes < 1:
        raise DataError(f"{takes} takes are no recording.", "Ask for at least 1.")
    counts: dict[tuple[str, str], int] = {}
    kept = []
    for recording in recordings:
        key = (recording.label, recording.speaker)
        counts[key] = counts.get(key, 0) + 1
        if counts[key] <= takes:
            kept.append(recording)
    return kept


def _some(items: list[str], what: str) -> str:
    rest = f" and {len(items) - _SHOWN} more" if len(items) > _SHOWN else ""
    return f"{len(items)} {what} ({'; '.join(items[:_SHOWN])}{rest})"


def _read(path: Path, rate: int) -> np.ndarray:
    """One channel at `rate`, float32 in [-1, 1]."""
    try:
        with wave.open(str(path), "rb") as file:
            channels, width, own_rate, count = file.getparams()[:4]
            data = file.readframes(count)
    except (wave.Error, EOFError, OSError) as error:
        raise _Unreadable(str(error) or "it ends too soon") from error
    whole = len(data) // (channels * width)
    if not whole:
        raise _Unreadable("it holds no sound")
    if whole < count:
        raise _Unreadable(f"it is cut short: {whole} of {count} samples")
    sound = _samples(data, width).reshape(-1, channels).mean(axis=1)
    return sound if own_rate == rate else _resampled(sound, own_rate, rate)


def _samples(data: bytes, width: int) -> np.ndarray:
    """PCM as float32 in [-1, 1]: 8 bits are unsigned, all wider ones signed and little-endian."""
    if width == 1:
        return (np.frombuffer(data, np.uint8).astype(np.float32) - 128) / 128
    if width == 3:  # into the upper three bytes of four
        padded = np.zeros((len(data) // 3, 4), np.uint8)
        padded[:, 1:] = np.frombuffer(data, np.uint8).reshape(-1, 3)
        return padded.view("<i4")[:, 0].astype(np.float32) / 2**31
    if width not in (2, 4):
        raise _Unreadable(f"{8 * width} bits a sample are not supported")
    return np.frombuffer(data, f"<i{width}").astype(np.float32) / float(2 ** (8 * width - 1))


def _resampled(sound: np.ndarray, own_rate: int, rate: int) -> np.ndarray:
    from scipy.signal import resample_poly

    common = gcd(own_rate, rate)
    return resample_poly(sound, rate // common, own_rate // common).astype(np.float32)


def _fitted(sound: np.ndarray, length: int) -> np.ndarray:
    """Cut to the loudest stretch of `length`, or silence on both sides."""
    missing = length - len(sound)
    if missing >= 0:
        return np.pad(sound, (missing // 2, missing - missing // 2))
    power = np.concatenate([[0], np.cumsum(sound.astype(np.float64) ** 2)])
    start = int(np.argmax(power[length:] - power[:-length]))
    return sound[start : start + length]
