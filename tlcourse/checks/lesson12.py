"""Exercises of lesson 12, sound-medical-driving: sound and medicine. Those about detectors are in
`lesson12_detection`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from tlcourse.checks.collecting import each, kept, simple
from tlcourse.checks.exercise import Evidence, Exercise, Finding
from tlcourse.checks.judging import (
    Misconception,
    Question,
    entries_missing,
    judge_in_turn,
    one_number,
    unusable,
)

# torch takes seconds to import, and the registry imports this module: what needs torch imports it when it runs.


# === sound ===

# --- log_mel --------------------------------------------------------------------------------------------------------

_WINDOW, _HOP, _BANDS, _LEAST = 256, 128, 20, 1e-10


def _wave_cases(rng: np.random.Generator) -> list[tuple[np.ndarray, int]]:
    """Voices of a few overtones with noise, at three rates; each falls silent for a while, to exact zeros."""
    cases = []
    for rate in rng.permutation([6000, 8000, 16000]).tolist():
        samples = _HOP * int(rng.integers(14, 20)) + int(rng.integers(10, _HOP - 10))
        at = np.arange(samples) / rate
        tones = rng.uniform(100, 0.45 * rate, 5)
        wave = (rng.uniform(0.05, 0.2, 5)[:, None] * np.sin(2 * np.pi * tones[:, None] * at)).sum(0)
        wave += 0.01 * rng.standard_normal(samples)
        start = int(rng.integers(3, 7))
        wave[_HOP * start : _HOP * (start + int(rng.integers(3, 6)))] = 0
        cases.append((wave, rate))
    return cases


def _collect_log_mel(answer: Any, rng: np.random.Generator) -> Evidence:
    return {"calls": each(answer, list(_wave_cases(rng)))}


_PLAIN: dict[str, Any] = {
    "hop": _HOP,
    "window": np.hanning(_WINDOW),
    "pad": (0, 0, "constant"),
    "power": 2,
    "scale": 1.0,
    "edges": lambda rate: _mel_edges(rate),
    "area": False,
    "early": None,
    "floor": lambda power: np.maximum(power, _LEAST),
    "log": lambda power: 10 * np.log10(power),
    "late": lambda decibels: decibels,
}
"""The steps of the pipeline, each of which a mistake may replace."""


def _mel_edges(
    rate: int,
    count: int = _BANDS + 2,
    top: float = 0.5,
    there: Callable[[Any], Any] = lambda f: 2595 * np.log10(1 + f / 700),
    back: Callable[[Any], Any] = lambda m: 700 * (10 ** (m / 2595) - 1),
) -> np.ndarray:
    return back(np.linspace(there(0.0), there(top * rate), count))


def _slaney(f: float) -> float:
    return f / (200 / 3) if f < 1000 else 15 + 27 * np.log(f / 1000) / np.log(6.4)


def _slaney_back(mel: np.ndarray) -> np.ndarray:
    return np.where(mel < 15, mel * 200 / 3, 1000 * np.exp(np.log(6.4) * (mel - 15) / 27))


def _pipeline(wave: np.ndarray, rate: int, **changes: Any) -> np.ndarray:
    """Log-mel by the definition, with some of its steps replaced."""
    step = _PLAIN | changes
    before, after, mode = step["pad"]
    padded = np.pad(wave, (before, after(len(wave)) if callable(after) else after), mode=mode)
    starts = range(0, len(padded) - _WINDOW + 1, step["hop"])
    spectra = np.fft.rfft([padded[start : start + _WINDOW] * step["window"] for start in starts])
    power = np.abs(spectra.T) ** step["power"] * step["scale"]
    edges, bins = step["edges"](rate), np.linspace(0, rate / 2, _WINDOW // 2 + 1)
    triples = zip(edges[:-2], edges[1:-1], edges[2:], strict=True)
    filters = np.array([np.interp(bins, triple, (0, 1, 0)) for triple in triples])
    if step["area"]:
        filters = filters * (2 / (edges[2:] - edges[:-2]))[:, None]
    with np.errstate(all="ignore"):
        if step["early"] is not None:
            return step["late"](filters @ step["early"](power))
        return step["late"](step["log"](step["floor"](filters @ power)))


_RIGHT_PIPELINES: tuple[dict[str, Any], ...] = ({}, {"window": np.hanning(_WINDOW + 1)[:-1]})
"""The window of the task, and its periodic brother, which scipy and torch give."""


def _to_the_end(samples: int) -> int:
    """Zeros to add, so that the last samples fill a window too."""
    return -(samples - _WINDOW) % _HOP


_DECIBELS = "Decibels of a power are `10 * np.log10(power)`."
_SLIPS: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
    (
        "magnitude",
        "The magnitude is used where the power belongs: every level is half of what it should be, or near it.",
        "Square it before the filters: `np.abs(np.fft.rfft(...)) ** 2`.",
        {"power": 1},
    ),
    (
        "log-before-filter",
        "The logarithm comes before the filters: they must add up powers, and not decibels.",
        "Filter the power spectrum first; take the logarithm of the bands last.",
        {"early": lambda power: 10 * np.log10(np.maximum(power, _LEAST))},
    ),
    (
        "no-floor",
        "There is no floor: in digital silence the power is 0 and its logarithm minus infinity.",
        "Raise each band's power to at least 1e-10 before the logarithm: `np.maximum(power, 1e-10)`.",
        {"floor": lambda power: power},
    ),
    (
        "floor-before-filter",
        "The floor is put under the spectrum, before the filters. Silence then depends on how wide a band is.",
        "Put it under the bands: filter first, then `np.maximum(bands, 1e-10)`.",
        {"early": lambda power: np.maximum(power, _LEAST), "late": lambda bands: 10 * np.log10(bands)},
    ),
    (
        "twenty-for-ten",
        "20 log10 is for magnitudes. These are powers, so each level is twice as large as it should be.",
        _DECIBELS,
        {"log": lambda power: 20 * np.log10(power)},
    ),
    (
        "natural-logarithm",
        "This is 10 times the natural logarithm; decibels take the logarithm to the base 10.",
        _DECIBELS,
        {"log": lambda power: 10 * np.log(power)},
    ),
    (
        "bare-natural-logarithm",
        "This is the natural logarithm of the power, not decibels.",
        _DECIBELS,
        {"log": np.log},
    ),
    (
        "bel",
        "The factor 10 is missing: these are bels.",
        _DECIBELS,
        {"log": np.log10},
    ),
    (
        "no-logarithm",
        "There is no logarithm: these are powers, and the loudest hide all others.",
        _DECIBELS,
        {"log": lambda power: power},
    ),
    (
        "no-window",
        "The samples are not multiplied by a window: what is cut off sharply smears over the whole spectrum.",
        "Multiply each piece by `np.hanning(256)` before the Fourier transform.",
        {"window": np.ones(_WINDOW)},
    ),
    (
        "hamming",
        "This is the Hamming window; the Hann window is asked for.",
        "`np.hanning(256)` is Hann's; `np.hamming` is another's.",
        {"window": np.hamming(_WINDOW)},
    ),
    (
        "hop-is-window",
        "The windows lie end to end: each starts 256 samples after the last.",
        "Start one every 128 samples.",
        {"hop": _WINDOW},
    ),
    (
        "hop-too-short",
        "The windows start every 64 samples.",
        "Start one every 128 samples.",
        {"hop": _HOP // 2},
    ),
    (
        "padded",
        "The recording is padded at both ends, as some libraries do by default: there are windows that hang over.",
        "Take only windows that lie wholly inside (`center=False`).",
        {"pad": (_WINDOW // 2, _WINDOW // 2, "reflect")},
    ),
    (
        "padded",
        "The recording is padded at both ends, as some libraries do by default: there are windows that hang over.",
        "Take only windows that lie wholly inside (`center=False`).",
        {"pad": (_WINDOW // 2, _WINDOW // 2, "constant")},
    ),
    (
        "last-window-padded",
        "The last samples, too few for a window, are filled up with zeros and counted.",
        "Stop at the last window that lies wholly inside: `range(0, len(wave) - 255, 128)`.",
        {"pad": (0, _to_the_end, "constant")},
    ),
    (
        "edges-in-hertz",
        "The edges lie equally far apart in Hz: this is no mel spectrogram.",
        "Put them equally far apart in mel, then turn them into Hz.",
        {"edges": lambda rate: np.linspace(0, rate / 2, _BANDS + 2)},
    ),
    (
        "whole-rate",
        "The edges run up to the rate. A recording holds nothing above half of it.",
        "Let the last edge be `rate / 2`.",
        {"edges": lambda rate: _mel_edges(rate, top=1)},
    ),
    (
        "rate-ignored",
        "The edges end at 4,000 Hz whatever the rate is.",
        "Let the last edge be `rate / 2`.",
        {"edges": lambda rate: _mel_edges(8000)},
    ),
    (
        "edges-forgotten",
        "You made 20 edges; 20 triangles need 22, since each reaches from one edge to the next but one.",
        "Ask `np.linspace` for 22.",
        {"edges": lambda rate: _mel_edges(rate, count=_BANDS)},
    ),
    (
        "edges-forgotten",
        "You made 21 edges; 20 triangles need 22, since each reaches from one edge to the next but one.",
        "Ask `np.linspace` for 22.",
        {"edges": lambda rate: _mel_edges(rate, count=_BANDS + 1)},
    ),
    (
        "slaney-mel",
        "This is Slaney's mel scale, straight up to 1,000 Hz; the task gives another formula.",
        "mel = 2595 log10(1 + f / 700); in libraries it is called htk.",
        {"edges": lambda rate: _mel_edges(rate, there=_slaney, back=_slaney_back)},
    ),
    (
        "mel-by-thousand",
        "The mel formula divides the frequency by 1,000; here it is 700.",
        "mel = 2595 log10(1 + f / 700), and back 700 (10^(mel / 2595) - 1).",
        {
            "edges": lambda rate: _mel_edges(
                rate, there=lambda f: np.log10(1 + f / 1000), back=lambda m: 1000 * (10**m - 1)
            )
        },
    ),
    (
        "mel-logarithms-mixed",
        "The way to mel takes one logarithm and the way back another: the edges end far from half the rate.",
        "With log10 there, it is 10 ** (mel / 2595) back.",
        {"edges": lambda rate: _mel_edges(rate, there=lambda f: 2595 * np.log(1 + f / 700))},
    ),
    (
        "mel-logarithms-mixed",
        "The way to mel takes one logarithm and the way back another: the edges end far from half the rate.",
        "With log10 there, it is 10 ** (mel / 2595) back.",
        {"edges": lambda rate: _mel_edges(rate, back=lambda m: 700 * (np.exp(m / 2595) - 1))},
    ),
    (
        "mel-one-outside",
        "In the mel formula the 1 stands outside of the logarithm, or is missing: low frequencies become negative.",
        "mel = 2595 log10(1 + f / 700): add the 1 first.",
        {
            "edges": lambda rate: _mel_edges(
                rate, there=lambda f: 2595 * np.log10(max(f, 1) / 700), back=lambda m: 700 * 10 ** (m / 2595)
            )
        },
    ),
    (
        "area-normalised",
        "The triangles are scaled to equal areas, as some libraries do; here each has a height of 1.",
        "Use the triangles as `tl.worlds.triangles` gives them (`norm=None`).",
        {"area": True},
    ),
    (
        "divided-by-n",
        "The power is divided by the window's length: all is 24 dB too low.",
        "Leave the power as the Fourier transform gives it.",
        {"scale": 1 / _WINDOW},
    ),
    (
        "divided-by-n",
        "The spectrum is divided by the window's length: all is 48 dB too low.",
        "Leave the spectrum as the Fourier transform gives it.",
        {"scale": 1 / _WINDOW**2},
    ),
    (
        "relative-to-peak",
        "The loudest point is moved to 0 dB. The task asks for the level itself.",
        "Do not subtract the maximum.",
        {"late": lambda decibels: decibels - decibels.max()},
    ),
    (
        "transposed",
        "Rows and columns have changed places.",
        "Bands are the rows, windows the columns: transpose.",
        {"late": np.transpose},
    ),
    (
        "upside-down",
        "The bands are upside down: the lowest must come first.",
        "Leave out the flip. A figure may turn them over; the array does not.",
        {"late": np.flipud},
    ),
)


def _agree(answers: Sequence[Any], cases: Sequence[tuple[np.ndarray, int]], changes: dict[str, Any]) -> bool:
    return all(_alike(answer, case, changes) for answer, case in zip(answers, cases, strict=True))


def _alike(answer: np.ndarray | None, case: tuple[np.ndarray, int], changes: dict[str, Any]) -> bool:
    try:
        right = _pipeline(*case, **changes)
    except (ValueError, ArithmeticError):
        return False  # two mistakes that do not go together
    return answer is not None and answer.shape == right.shape and np.allclose(answer, right, rtol=1e-3, atol=0.02)


def _numbers(value: Any) -> np.ndarray | None:
    """What was returned as an array of numbers; None if it is none."""
    try:
        array = np.asarray(value, float)
    except (TypeError, ValueError):
        return None
    return array if array.ndim == 2 else None


def _judge_log_mel(evidence: Evidence, rng: np.random.Generator) -> list[Finding]:
    calls, cases, points = evidence["calls"], _wave_cases(rng), 3
    if fault := unusable("log_mel", calls, points):
        return [fault]
    answers = [_numbers(record["value"]) for record in calls]
    if any(_agree(answers, cases, changes) for changes in _RIGHT_PIPELINES):
        right = "Window, power, mel bands, floor, decibels: the log-mel spectrogram, at every rate."
        return [Finding("log-mel", True, right, "", points)]
    for code, message, cure, changes in _SLIPS:
        # A mistake shows with either window, unless it is a mistake about the window.
        if any(_agree(answers, cases, window | changes) for window in _RIGHT_PIPELINES):
            return [Finding(code, False, message, cure, points)]
    for first, second in combinations(_SLIPS, 2):
        if not set(first[3]) & set(second[3]) and _agree(answers, cases, first[3] | second[3]):
            message = f"Two things are wrong. {first[1]} And: {second[1][0].lower()}{second[1][1:]}"
            return [Finding("two-mistakes", False, message, f"{first[2]} {second[2]}", points)]
    return [_unexplained(answers, cases, points)]


def _unexplained(answers: Sequence[Any], cases: Sequence[tuple[np.ndarray, int]], points: float) -> Finding:
    """Where an answer differs, when no known mistake explains it."""
    for answer, (wave, rate) in zip(answers, cases, strict=True):
        right = _pipeline(wave, rate)
        if answer is None:
            message = "What is returned is no array of numbers with two axes, bands and windows."
            return Finding("no-spectrogram", False, message, "Return an array of shape (20, windows).", points)
        if answer.shape != right.shape:
            message = f"{len(wave)} samples must give shape {right.shape}; here it is {answer.shape}."
            cure = "20 bands are the rows. The columns are the windows that lie wholly inside: 1 + (n - 256) // 128."
            return Finding("wrong-shape", False, message, cure, points)
        wrong = ~np.isclose(answer, right, rtol=1e-3, atol=0.02)
        if not wrong.any():
            continue
        band, window = np.argwhere(wrong)[0].tolist()
        given, wanted = answer[band, window], right[band, window]
        if (right[wrong] == 10 * np.log10(_LEAST)).all():
            message = f"In digital silence the answer is {given:.4g}; with a floor of 1e-10 it is {wanted:.4g} dB."
            cure = "Raise each band's power to at least 1e-10, then take the logarithm."
            return Finding("other-floor", False, message, cure, points)
        message = (
            f"At a rate of {rate} Hz, {np.mean(wrong):.0%} of the values differ. The first: band {band}, window {window} "
            f"is {given:.4g}; it should be {wanted:.4g} dB."
        )
        cure = "Print the shape and a few values after each step; compare them with the text above, step by step."
        return Finding("log-mel-differs", False, message, cure, points)
    raise AssertionError("an answer that agrees is right")


# --- speaker_folds --------------------------------------------------------------------------------------------------

_INSIDE = (("anna", "hanna"), ("theo", "theodora"), ("leo", "leon"), ("ian", "brian"), ("eva", "evan"))
_NAMES = ("george", "jackson", "nicolas", "yara", "lucia", "mbali", "kenji", "sofia", "ravi", "chloe")


def _file_cases(rng: np.random.Generator) -> list[tuple[list[str]]]:
    """File names of a few speakers, of whom one's name is part of another's; not all have recorded as much."""
    cases = []
    for _ in range(2):
        pair = _INSIDE[int(rng.integers(len(_INSIDE)))]
        cast = [*pair, *rng.choice(_NAMES, int(rng.integers(1, 4)), replace=False).tolist()]
        words = rng.choice(10, int(rng.integers(2, 4)), replace=False).tolist()
        takes = {name: int(rng.integers(2, 6)) for name in cast}
        files = [f"{word}_{name}_{take}.wav" for word in words for name in cast for take in range(takes[name])]
        cases.append(([files[row] for row in rng.permutation(len(files))],))
    return cases


def _collect_folds(answer: Any, rng: np.random.Generator) -> Evidence:
    calls = []
    for (files,) in _file_cases(rng):
        record, value = kept(answer, list(files))
        if type(value) is dict and "value" in record:
            record["value"] = simple({name: _as_lists(fold) for name, fold in value.items()})
        calls.append(record)
    return {"calls": calls}


def _as_lists(fold: Any) -> Any:
    """A pair of lists, also where the file names came as arrays or sets."""
    if type(fold) not in (tuple, list):
        return fold
    sides = [side.tolist() if type(side) is np.ndarray else side for side in fold]
    return [list(side) if type(side) in (set, frozenset) else side for side in sides]


def _part(file: str, place: int) -> str:
    return file.removesuffix(".wav").split("_")[place]


def _judge_folds(evidence: Evidence, rng: np.random.Generator) -> list[Finding]:
    calls, cases = evidence["calls"], _file_cases(rng)
    if fault := unusable("speaker_folds", calls, 2):
        return [fault]
    pairs = [(record["value"], files) for record, (files,) in zip(calls, cases, strict=True)]
    for value, files in pairs:
        if found := _not_folds(value, files):
            return [Finding(found[0], False, found[1], found[2], 2)]
    folds = [(name, *fold, files) for value, files in pairs for name, fold in value.items()]
    if all(_spoken(name, train, files) and _spoken(name, test, files, by=False) for name, train, test, files in folds):
        message = "The sides are exchanged: each fold trains on the one speaker and tests on all the others."
        return [Finding("sides-exchanged", False, message, "The speaker who gives the fold its name is tested.", 2)]
    tested = _first(_test_fault(*fold) for fold in folds)
    trained = _first(_train_fault(*fold) for fold in folds)
    if tested and trained and tested[0] in ("name-inside-name", "others-tested"):
        return [Finding(*tested, 2)]  # one mistake: whoever is tested wrongly is missing or extra on the other side
    right = Finding("test-side", True, "Each fold tests all recordings of its own speaker.", "", 1)
    apart = Finding("training-side", True, "Each fold trains on all others, and on nobody that it tests.", "", 1)
    return [Finding(*tested, 1) if tested else right, Finding(*trained, 1) if trained else apart]


def _first(faults: Iterable[tuple[str, bool, str, str] | None]) -> tuple[str, bool, str, str] | None:
    return next((fault for fault in faults if fault), None)


def _spoken(name: str, given: list[str], files: list[str], by: bool = True) -> bool:
    """Whether these are exactly the files by this speaker, or exactly those that are not."""
    return sorted(given) == sorted(file for file in files if (_part(file, 1) == name) == by)


_FORM = "Return `{speaker: (training files, test files)}`, one entry for each speaker."


def _not_folds(value: Any, files: list[str]) -> tuple[str, str, str] | None:
    """What is wrong with the form: code, message, next step."""
    if not isinstance(value, dict) or set(value) == {"type"}:
        return "not-a-dict", f"What you return is no dict, but {_kind(value)}.", _FORM
    keys, cast = set(value), {_part(file, 1) for file in files}
    for place, code, what in ((0, "split-by-word", "words said"), (2, "split-by-take", "takes")):
        if keys == {_part(file, place) for file in files}:
            message = f"The folds are the {what}, not the speakers: every speaker stands on both sides."
            return code, message, "`file.split('_')` gives word, speaker, take: the speaker is the second."
    if keys < cast:
        return "speaker-missing", f"There is no fold for {', '.join(sorted(cast - keys))}.", _FORM
    if keys != cast:
        message = f"The folds are {', '.join(sorted(keys)[:6])}; the speakers are {', '.join(sorted(cast))}."
        return "wrong-keys", message, "Name each fold by its speaker, as the files write it."
    for name, fold in value.items():
        sides = fold if isinstance(fold, list) and len(fold) == 2 else []
        sides = [side.tolist() if isinstance(side, np.ndarray) else side for side in sides]
        if not sides or not all(isinstance(side, list) for side in sides):
            return "not-a-pair", f"The fold of {name} is no pair of lists.", _FORM
        if any(not isinstance(item, str) for side in sides for item in side):
            message = f"The fold of {name} holds other things than file names, such as positions or truth values."
            return "rows-not-files", message, "Collect the file names themselves."
        if unknown := set().union(*sides) - set(files):
            message = f"The fold of {name} holds {sorted(unknown)[0]!r}, which is none of the files."
            return "unknown-files", message, "Return the names as they were given, with their ending."
        if len(set(sides[0])) < len(sides[0]) or len(set(sides[1])) < len(sides[1]):
            return "files-twice", f"The fold of {name} holds a file twice on one side.", "Take each file once."
    return None


def _test_fault(name: str, train: list[str], test: list[str], files: list[str]) -> tuple[str, bool, str, str] | None:
    own = [file for file in files if _part(file, 1) == name]
    foreign = sorted({_part(file, 1) for file in test} - {name})
    if set(test) == set(own):
        return None
    if foreign and all(name in other for other in foreign) and set(own) <= set(test):
        message = f"The fold of {name} tests {', '.join(foreign)} too: one name is part of the other."
        return "name-inside-name", False, message, "Compare whole names: `file.split('_')[1] == speaker`."
    if foreign:
        message = f"The fold of {name} tests {', '.join(foreign[:4])} too."
        return "others-tested", False, message, "Test the recordings of the fold's own speaker alone."
    message = f"The fold of {name} tests {len(test)} of {len(own)} recordings of {name}."
    return "test-incomplete", False, message, "Test all of them: none may be left for training."


def _train_fault(name: str, train: list[str], test: list[str], files: list[str]) -> tuple[str, bool, str, str] | None:
    others = {file for file in files if _part(file, 1) != name}
    if set(train) == others:
        return None
    if any(_part(file, 1) == name for file in train):
        both = "the test recordings themselves" if set(train) & set(test) else "other takes of the same voice"
        message = f"The fold of {name} trains on {name}: {both}. The score will tell nothing about new speakers."
        return "speaker-on-both-sides", False, message, "Train on the other speakers alone."
    lost = sorted({_part(file, 1) for file in others - set(train)})
    message = f"The fold of {name} leaves recordings of {', '.join(lost[:4])} unused."
    return "training-incomplete", False, message, "Train on every recording that is not by the fold's speaker."


def _kind(value: Any) -> str:
    """What a value is, in words."""
    kinds = {list: "a list", np.ndarray: "an array", str: "text", int: "a number", float: "a number"}
    opaque = isinstance(value, dict) and set(value) == {"type"}
    return f"of the type {value['type']}" if opaque else kinds.get(type(value), type(value).__name__)


# === medicine ===

# --- screening_threshold --------------------------------------------------------------------------------------------


# (required sensitivity, positives): the first and the last can be met exactly, the others cannot.
_REQUIRED = ((0.9, 20), (0.8, 13), (0.9, 17), (0.75, 16))


def _screening_cases(rng: np.random.Generator) -> list[tuple[Any, ...]]:
    """(validation scores and labels, test scores and labels, required): scores of two decimals, so that many are equal.

    Every validation positive's score stands in the test set too, once for each label: where a threshold is one of these
    scores, "or higher" and "higher" count differently.
    """
    cases = []
    for required, n in (_REQUIRED[i] for i in rng.permutation(len(_REQUIRED))):
        negatives = int(rng.integers(70, 90))
        labels = np.repeat([1, 0], [n, negatives])
        valid = np.concatenate([_marks(rng, 0.62, n), _marks(rng, 0.4, negatives)])
        more = int(rng.integers(10, 15)), int(rng.integers(80, 100))
        test = np.concatenate([valid[:n], _marks(rng, 0.55, more[0]), valid[:n], _marks(rng, 0.42, more[1])])
        test_labels = np.repeat([1, 0], [n + more[0], n + more[1]])
        order, test_order = rng.permutation(len(labels)), rng.permutation(len(test))
        cases.append((valid[order], labels[order], test[test_order], test_labels[test_order], required))
    return cases


def _marks(rng: np.random.Generator, middle: float, n: int) -> np.ndarray:
    return rng.normal(middle, 0.16, n).clip(0.02, 0.98).round(2)


def _collect_screening(answer: Any, rng: np.random.Generator) -> Evidence:
    return {"calls": each(answer, _screening_cases(rng))}


def _kth(positives: np.ndarray, count: int) -> float:
    """The count-th highest score."""
    return float(np.sort(positives)[::-1][min(max(count, 1), len(positives)) - 1])


def _needed(share: float, n: int) -> int:
    """The least whole number that is this share of n or more."""
    return int(np.ceil(share * n - 1e-9))


def _right_threshold(scores: np.ndarray, labels: np.ndarray, _s: Any, _y: Any, required: float) -> float:
    positives = scores[labels == 1]
    return _kth(positives, _needed(required, len(positives)))


def _of_positives(choose: Callable[[np.ndarray, float], float]) -> Callable[..., float]:
    """A threshold chosen from the validation positives' scores and the required share."""
    return lambda s, y, _s, _y, required: float(choose(s[y == 1], required))


def _highest(good: Callable[[np.ndarray, np.ndarray, float, float], bool]) -> Callable[..., float]:
    """The highest of all validation scores that is good enough."""

    def threshold(s: np.ndarray, y: np.ndarray, _s: Any, _y: Any, required: float) -> float:
        return max(float(t) for t in np.unique(s) if good(s, y, float(t), required))

    return threshold


def _best(gain: Callable[[np.ndarray, np.ndarray, float], float], last: bool = False) -> Callable[..., float]:
    """The validation score with the greatest gain; of equal ones the lowest, or the highest."""

    def threshold(s: np.ndarray, y: np.ndarray, *_: Any) -> float:
        candidates = np.unique(s)
        gains = np.array([gain(s, y, float(t)) for t in candidates])
        return float(candidates[gains >= gains.max() - 1e-9][-1 if last else 0])

    return threshold


def _rates(s: np.ndarray, y: np.ndarray, t: float) -> tuple[float, float]:
    return float(np.mean(s[y == 1] >= t)), float(np.mean(s[y == 0] < t))


_ACCURACY = (
    "accuracy-optimal",
    "Your threshold is the one with the most right answers. With few positives that is a high one, which misses many.",
    "Look at the positives alone, and ask for the required share of them.",
)
_YOUDEN = (
    "balanced-optimal",
    "Your threshold has the best sum of sensitivity and specificity (Youden's index). It was not asked what a miss costs.",
    "Take the highest threshold whose sensitivity is `required` or more.",
)

_THRESHOLD = Question(
    code="threshold",
    right="The threshold finds the required share of the validation positives, and is the highest that does.",
    reference=_right_threshold,
    points=2,
    part=lambda value: one_number(value["threshold"]),
    misconceptions=(
        Misconception(
            "chosen-on-test",
            "You choose the threshold on the *test* scores. What you then measure there is what you have arranged.",
            "Choose on `valid_scores` and `valid_labels`; the test set is for measuring.",
            lambda s, y, test_s, test_y, required: _right_threshold(test_s, test_y, None, None, required),
        ),
        Misconception(
            "wrong-side",
            "Your threshold leaves the required share of the positives *below* it: these are the missed ones.",
            "Sort the positives from the highest score down.",
            _of_positives(lambda p, required: np.sort(p)[_needed(required, len(p)) - 1]),
        ),
        Misconception(
            "wrong-side",
            "Your threshold leaves the required share of the positives *below* it: these are the missed ones.",
            "Sort the positives from the highest score down.",
            _of_positives(lambda p, required: np.quantile(p, required)),
        ),
        Misconception(
            "more-than-required",
            "You ask for *more* than the required share. Where the share is met exactly, that costs an extra positive.",
            "Compare with >=, not with >.",
            _of_positives(lambda p, required: _kth(p, int(np.floor(required * len(p) + 1e-9)) + 1)),
        ),
        Misconception(
            "rounded-down",
            "You round the number of positives to be found down, so that the share found falls short of the required.",
            "Round up: `np.ceil`.",
            _of_positives(lambda p, required: _kth(p, int(required * len(p) + 1e-9))),
        ),
        Misconception(
            "quantile-between",
            "You take a quantile that lies *between* two scores. It is no score of a positive, and not the highest "
            "threshold that is good enough.",
            "Take the score of the last positive that must be found.",
            _of_positives(lambda p, required: np.quantile(p, 1 - required)),
        ),
        Misconception(
            "flags-above",
            "Your threshold is right for a rule that flags scores *above* it. Here a score equal to it is flagged too.",
            "Take the lowest score that is still flagged: compare with `>=`.",
            _highest(lambda s, y, t, required: np.mean(s[y == 1] > t) >= required - 1e-9),
        ),
        Misconception(
            "flags-above",
            "Your threshold is right for a rule that flags scores *above* it. Here a score equal to it is flagged too.",
            "Take the lowest score that is still flagged: compare with `>=`.",
            _of_positives(lambda p, r: max((t for t in p if np.mean(p > t) >= r - 1e-9), default=-np.inf)),
        ),
        Misconception(
            "specificity-required",
            "You ask for the required share of the *negatives*: that is a specificity.",
            "Sensitivity is the share of the positives that is flagged.",
            lambda s, y, _s, _y, r: min(float(t) for t in np.unique(s) if np.mean(s[y == 0] < t) >= r - 1e-9),
        ),
        Misconception(
            "specificity-required",
            "You ask for the required share of the *negatives*: that is a specificity.",
            "Sensitivity is the share of the positives that is flagged.",
            lambda s, y, _s, _y, r: _kth(s[y == 0], len(s[y == 0]) - _needed(r, len(s[y == 0])) + 1),
        ),
        Misconception(
            "negatives-flagged",
            "You take the share of the *negatives* that is flagged for the sensitivity.",
            "Select the scores with label 1.",
            lambda s, y, _s, _y, r: _kth(s[y == 0], _needed(r, len(s[y == 0]))),
        ),
        Misconception(
            "labels-ignored",
            "You flag the required share of *all* scores; the labels take no part.",
            "Select the scores with label 1 first.",
            lambda s, y, _s, _y, r: _kth(s, _needed(r, len(s))),
        ),
        Misconception(
            "lowest-threshold",
            "You take the *lowest* threshold that is good enough: it finds every positive, and flags nearly everybody.",
            "Take the highest one: it raises the fewest false alarms.",
            _best(lambda s, y, t: -t),
        ),
        Misconception(
            "finds-all",
            "Your threshold is the lowest score of a positive: it finds all of them, whatever is required.",
            "Stop as soon as the required share is found.",
            _of_positives(lambda p, required: np.min(p)),
        ),
        Misconception(*_ACCURACY, _best(lambda s, y, t: float(np.mean((s >= t) == y)))),
        Misconception(*_ACCURACY, _best(lambda s, y, t: float(np.mean((s >= t) == y)), last=True)),
        Misconception(*_YOUDEN, _best(lambda s, y, t: sum(_rates(s, y, t)))),
        Misconception(*_YOUDEN, _best(lambda s, y, t: sum(_rates(s, y, t)), last=True)),
        Misconception(
            "one-half",
            "Your threshold is 0.5, whatever the scores are.",
            "Let the validation positives decide.",
            lambda *case: 0.5,
        ),
    ),
)


def _measured(rates: Callable[[np.ndarray, np.ndarray], list[float]], strict: bool = False) -> Callable[..., Any]:
    """What `rates` of (flagged, label) gives on the test set, at the right threshold."""

    def model(s: np.ndarray, y: np.ndarray, test_s: np.ndarray, test_y: np.ndarray, required: float) -> list[float]:
        threshold = _right_threshold(s, y, None, None, required)
        return rates(test_s > threshold if strict else test_s >= threshold, test_y == 1)

    return model


def _both(flagged: np.ndarray, positive: np.ndarray) -> list[float]:
    return [float(flagged[positive].mean()), float(1 - flagged[~positive].mean())]


_ON_TEST = Question(
    code="test-rates",
    right="Sensitivity and specificity of the test set, at the threshold from validation.",
    reference=_measured(_both),
    points=1,
    part=lambda value: [one_number(value["sensitivity"]), one_number(value["specificity"])],
    misconceptions=(
        Misconception(
            "measured-on-validation",
            "The two rates are those of the *validation* set, on which the threshold was chosen.",
            "Flag `test_scores`, and compare with `test_labels`.",
            lambda s, y, _s, _y, r: list(_rates(s, y, _right_threshold(s, y, None, None, r))),
        ),
        Misconception(
            "equal-not-flagged",
            "Test scores equal to the threshold are not flagged in your count.",
            "Flag with >=.",
            _measured(_both, strict=True),
        ),
        Misconception(
            "rates-exchanged",
            "Sensitivity and specificity are exchanged.",
            "Sensitivity is the share of the positives that is flagged, specificity that of the negatives that is not.",
            _measured(lambda f, p: _both(f, p)[::-1]),
        ),
        Misconception(
            "precision",
            "Your sensitivity is the precision: the share of the *flagged* that is positive.",
            "Divide by the number of positives.",
            _measured(lambda f, p: [float(p[f].mean()), _both(f, p)[1]]),
        ),
        Misconception(
            "false-alarm-rate",
            "Your specificity is the share of the negatives that *is* flagged.",
            "Count the negatives that are left in peace.",
            _measured(lambda f, p: [_both(f, p)[0], 1 - _both(f, p)[1]]),
        ),
        Misconception(
            "accuracy",
            "Your specificity is the accuracy on all test examples.",
            "Look at the negatives alone.",
            _measured(lambda f, p: [_both(f, p)[0], float(np.mean(f == p))]),
        ),
        Misconception(
            "cleared-and-right",
            "Your specificity is the share of the *cleared* that is negative.",
            "Divide by the number of negatives.",
            _measured(lambda f, p: [_both(f, p)[0], float(1 - p[~f].mean())]),
        ),
        Misconception(
            "shares-of-all",
            "You divide by the number of *all* test examples.",
            "Divide by the positives, and by the negatives.",
            _measured(lambda f, p: [float(np.mean(f & p)), float(np.mean(~f & ~p))]),
        ),
        Misconception(
            "percent",
            "The rates are multiplied by 100.",
            "Leave them between 0 and 1.",
            _measured(lambda f, p: [100 * rate for rate in _both(f, p)]),
        ),
    ),
)


def _judge_screening(evidence: Evidence, rng: np.random.Generator) -> list[Finding]:
    calls, points, name = evidence["calls"], _THRESHOLD.points + _ON_TEST.points, "screening_threshold"
    keys = ("threshold", "sensitivity", "specificity")
    if fault := unusable(name, calls, points) or entries_missing(name, calls, keys, points):
        return [fault]
    return judge_in_turn([_THRESHOLD, _ON_TEST], _screening_cases(rng), calls)


EXERCISES: tuple[Exercise, ...] = (
    Exercise(
        id="log_mel",
        title="From sound to image",
        lesson="12",
        points=3,
        minutes=15,
        difficulty=3,
        purpose="Every speech model that looks at spectrograms begins with these few lines.",
        hints=(
            "Five steps, each a line: edges, filters, pieces of sound, their power spectra, bands in decibels.",
            "Edges: `np.linspace` from 0 to the mel of `rate / 2`, 22 numbers, then back to Hz. "
            "`tl.worlds.triangles(edges, 256, rate)` makes an array of shape (20, 129).",
            "Pieces: `[wave[s : s + 256] * np.hanning(256) for s in range(0, len(wave) - 255, 128)]`. "
            "`np.abs(np.fft.rfft(pieces)) ** 2` has shape (windows, 129): transpose it for the filters.",
            "`10 * np.log10(np.maximum(filters @ power.T, 1e-10))`",
        ),
        collect=_collect_log_mel,
        judge=_judge_log_mel,
    ),
    Exercise(
        id="speaker_folds",
        title="Split by speaker",
        lesson="12",
        points=2,
        minutes=8,
        difficulty=2,
        purpose="A score that tells how a model does on people whom it has never heard.",
        hints=(
            "First find out who speaks in a file: what stands between the two underscores?",
            "`file.split('_')[1]` is the speaker. A set comprehension over all files gives the cast.",
            "One entry for each speaker: two lists, made by comparing each file's speaker with this one.",
            "`{who: ([f for f in files if f.split('_')[1] != who], [f for f in files if f.split('_')[1] == who]) "
            "for who in cast}`",
        ),
        collect=_collect_folds,
        judge=_judge_folds,
    ),
    # medicine
    Exercise(
        id="screening_threshold",
        title="A threshold for a required sensitivity",
        lesson="12",
        points=3,
        minutes=12,
        difficulty=2,
        purpose="Where a miss is costly, say first how many may be missed, and let held-out examples choose the threshold.",
        hints=(
            "Which examples decide what share of the positives is found? Look at those alone.",
            "Sort the validation positives by score, the highest first. How many of them must be found? Round up.",
            "`threshold = np.sort(valid_scores[valid_labels == 1])[::-1][needed - 1]`; then flag `test_scores >= threshold`.",
        ),
        collect=_collect_screening,
        judge=_judge_screening,
    ),
)
