"""Exercises of lesson 12, sound-medical-driving."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from tlcourse.checks.collecting import each, kept, simple
from tlcourse.checks.exercise import Evidence, Exercise, Finding
from tlcourse.checks.judging import Misconception, Question, entries_missing, judge_question, one_number, unusable

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
    cases = _screening_cases(rng)
    threshold = judge_question(_THRESHOLD, cases, calls)
    if not threshold.passed:
        return [Finding(threshold.code, False, threshold.message, threshold.next_step, points)]
    return [threshold, judge_question(_ON_TEST, cases, calls)]


# === detection ===

# --- find_matches ---------------------------------------------------------------------------------------------------

_SIDE = 20.0  # of the objects, pixels


# A scene for matching: objects as (group, shift), boxes as (object, edges moved: left, top, right, bottom, rank of the
# score). Groups lie far apart; "left" is along the line on which they lie.
# - Object 0 has a good box, and a surer one that is worse: the good one comes second.
# - Objects 1 and 2 overlap. The surest box fits 1; the next fits 1 best and gets 2; the third fits 2, too late.
# - A box covers exactly one half of object 3; another touches nothing; object 4 is hardly touched.
# - Of objects 5 and 6, the surer box fits both, 6 better; the other box fits 6 alone.
_PLACES = ((0, 0), (1, 0), (1, 6), (2, 0), (3, 0), (4, 0), (4, 7))
_PLAN = (
    (0, (1, -2, 1, 2), 5),
    (0, (5, 0, 4, 0), 1),
    (1, (0, 0, 0, 0), 0),
    (1, (1, 0, 1, 0), 2),
    (2, (1, 1, 0, 1), 7),
    (3, (0, 0, -_SIDE / 2, 0), 3),
    (3, (37, 0, 33, 1), 8),
    (4, (9, -1, 9, -1), 9),
    (5, (5, 0, 5, 0), 4),
    (6, (3, 1, 3, 1), 6),
)


def _match_cases(rng: np.random.Generator) -> list[tuple[Any, ...]]:
    """(boxes, scores, truths, overlap): scenes in which every rule of matching decides about a box."""
    cases = [_scene(rng, overlap, turned) for overlap, turned in ((0.5, False), (0.55, True), (0.5, True))]
    boxes, scores, _, overlap = cases[0]
    cases.append((boxes[:3], scores[:3], np.zeros((0, 4)), overlap))
    return [cases[i] for i in rng.permutation(len(cases))]


def _scene(rng: np.random.Generator, overlap: float, turned: bool) -> tuple[Any, ...]:
    """A scene by the plan; `turned` lists object 6 before object 5."""
    places, across = rng.permutation(5) * 60.0 + rng.integers(5, 15), rng.integers(5, 60, 5)
    corners = np.array([[places[group] + shift, across[group]] for group, shift in _PLACES])
    truths = np.hstack([corners, corners + _SIDE])
    boxes = np.array([truths[number] + moved for number, moved, _ in _PLAN])
    marks = np.sort(rng.choice(np.arange(20, 99), len(_PLAN), replace=False))[::-1] / 100
    scores = marks[[rank for *_, rank in _PLAN]]
    if rng.random() < 0.5:  # along the other axis
        boxes, truths = boxes[:, [1, 0, 3, 2]], truths[:, [1, 0, 3, 2]]
    order, listed = rng.permutation(len(boxes)), rng.permutation(len(truths))
    five, six = (int(np.flatnonzero(listed == number)[0]) for number in (5, 6))
    if (six < five) != turned:
        listed[[five, six]] = listed[[six, five]]
    return boxes[order], scores[order], truths[listed], overlap


def _collect_matches(answer: Any, rng: np.random.Generator) -> Evidence:
    return {"calls": each(answer, _match_cases(rng))}


def _pairwise(
    boxes: np.ndarray,
    truths: np.ndarray,
    *,
    extra: float = 0,
    clamp: bool = True,
    corners: Callable[[np.ndarray], np.ndarray] = lambda boxes: boxes,
    below: Callable[..., np.ndarray] = lambda shared, a, b, hull: a + b - shared,
) -> np.ndarray:
    """Intersection over union by the definition, with a step replaced."""
    a, b = corners(boxes)[:, None], corners(truths)[None]
    sides = np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2]) + extra
    shared = (sides.clip(0) if clamp else sides).prod(-1)
    areas = [(one[..., 2:] - one[..., :2] + extra).prod(-1) for one in (a, b)]
    hull = (np.maximum(a[..., 2:], b[..., 2:]) - np.minimum(a[..., :2], b[..., :2]) + extra).prod(-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return shared / below(shared, *areas, hull)


def _iou(**changes: Any) -> Callable[..., np.ndarray]:
    return lambda boxes, scores, truths, overlap: _pairwise(boxes, truths, **changes)


def _from_centre(boxes: np.ndarray) -> np.ndarray:
    return np.hstack([boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2])


_UNION = (
    "The area below the line is the sum of both areas: what both cover is counted twice.",
    "Subtract the intersection once from the sum.",
)

_OVERLAPS = Question(
    code="iou",
    right="Intersection over union of every box with every truth.",
    reference=_iou(),
    points=1,
    part=lambda value: value["iou"],
    agree=lambda answer, expected: _same_table(answer, expected),
    misconceptions=(
        Misconception(
            "one-pixel-more",
            "Every side is one pixel longer than it should be. Some old code counts whole pixels; here the edges are "
            "places, and a side is right minus left.",
            "Leave out the + 1.",
            _iou(extra=1),
        ),
        Misconception(
            "centre-format",
            "You read the rows as centre, width and height. They are corners: left, top, right, bottom.",
            "Width is right minus left.",
            _iou(corners=_from_centre),
        ),
        Misconception(
            "width-format",
            "You read the last two numbers as width and height. They are the right and the bottom edge.",
            "Width is right minus left.",
            _iou(corners=lambda boxes: np.hstack([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]])),
        ),
        Misconception(
            "not-clamped",
            "Boxes that lie apart get an intersection: two negative sides have a positive product, and one a negative.",
            "Set negative sides to 0 before you multiply.",
            _iou(clamp=False),
        ),
        Misconception("union-too-large", *_UNION, _iou(below=lambda shared, a, b, hull: a + b)),
        Misconception(
            "dice",
            "This is twice the intersection over the sum of the areas: Dice's coefficient.",
            "Divide the intersection by the union.",
            _iou(below=lambda shared, a, b, hull: (a + b) / 2),
        ),
        Misconception(
            "hull-for-union",
            "You divide by the area of the smallest box around both, which holds corners that neither covers.",
            "The union is the sum of the areas less the intersection.",
            _iou(below=lambda shared, a, b, hull: hull),
        ),
        Misconception(
            "share-of-truth",
            "You divide by the truth's area alone: a box as large as the scene would be perfect.",
            "Divide by the union.",
            _iou(below=lambda shared, a, b, hull: b + 0 * a),
        ),
        Misconception(
            "share-of-box",
            "You divide by the detected box's area alone: a tiny box inside the object would be perfect.",
            "Divide by the union.",
            _iou(below=lambda shared, a, b, hull: a + 0 * b),
        ),
        Misconception(
            "share-of-smaller",
            "You divide by the smaller area of the two.",
            "Divide by the union.",
            _iou(below=lambda shared, a, b, hull: np.minimum(a, b)),
        ),
        Misconception(
            "union-not-reduced",
            "The intersection is subtracted twice from the sum of the areas: the common part is gone from the union.",
            "Subtract the intersection once.",
            _iou(below=lambda shared, a, b, hull: a + b - 2 * shared),
        ),
        Misconception(
            "intersection-only",
            "You return the intersection's area; it is not divided by the union.",
            "Divide by the union.",
            _iou(below=lambda shared, a, b, hull: np.ones_like(shared)),
        ),
        Misconception(
            "table-turned",
            "The table has one row for each truth; it should have one for each detected box.",
            "Transpose it.",
            lambda boxes, scores, truths, overlap: _pairwise(truths, boxes),
        ),
    ),
)


def _same_table(answer: Any, expected: np.ndarray) -> bool:
    """`same`, and NaN or infinity where the mistake has it."""
    try:
        table = np.array(answer, float)
    except (TypeError, ValueError):
        return False
    if expected.size == 0:
        return table.size == 0 and len(table) == len(expected)
    return table.shape == expected.shape and np.allclose(table, expected, rtol=1e-4, atol=6e-5, equal_nan=True)


def _greedy(
    order: Callable[[np.ndarray, np.ndarray], np.ndarray] = lambda scores, table: np.argsort(-scores),
    good: Callable[[float, float], bool] = lambda found, overlap: found >= overlap,
    look: Callable[[np.ndarray, np.ndarray], np.ndarray] = lambda row, taken: np.where(taken, -1, row),
    pick: Callable[[np.ndarray, float], int] = lambda row, overlap: int(np.argmax(row)),
) -> Callable[..., list[int]]:
    """Matching by the definition, with a step replaced: who chooses when, among which truths, and which of these."""

    def match(boxes: np.ndarray, scores: np.ndarray, truths: np.ndarray, overlap: float) -> list[int]:
        table = _pairwise(boxes, truths)
        taken, given = np.zeros(len(truths), bool), [-1] * len(boxes)
        for box in order(scores, table).tolist() if len(truths) else ():
            row = look(table[box], taken)
            truth = pick(row, overlap)
            if good(row[truth], overlap) and not (taken[truth] and look is not _all):
                given[box], taken[truth] = truth, True
        return given

    return match


def _all(row: np.ndarray, taken: np.ndarray) -> np.ndarray:
    return row


def _no_second_choice(row: np.ndarray, taken: np.ndarray) -> np.ndarray:
    return np.array(row)


def _truths_choose(boxes: np.ndarray, scores: np.ndarray, truths: np.ndarray, overlap: float) -> list[int]:
    table, given = _pairwise(boxes, truths), [-1] * len(boxes)
    for truth in range(len(truths)):
        free = np.where(np.array(given) >= 0, -1, table[:, truth])
        if free.max() >= overlap:
            given[int(free.argmax())] = truth
    return given


def _best_pairs(boxes: np.ndarray, scores: np.ndarray, truths: np.ndarray, overlap: float) -> list[int]:
    """The pairs with the largest overlap first, whatever the scores say."""
    table, given = np.array(_pairwise(boxes, truths)), [-1] * len(boxes)
    while table.size and table.max() >= overlap:
        box, truth = np.unravel_index(int(table.argmax()), table.shape)
        given[int(box)] = int(truth)
        table[box], table[:, truth] = -1, -1
    return given


def _most_overlap(boxes: np.ndarray, scores: np.ndarray, truths: np.ndarray, overlap: float) -> list[int]:
    from scipy.optimize import linear_sum_assignment

    table, given = _pairwise(boxes, truths), [-1] * len(boxes)
    for box, truth in zip(*linear_sum_assignment(-table), strict=True):
        given[int(box)] = int(truth) if table[box, truth] >= overlap else -1
    return given


def _in_score_order(boxes: np.ndarray, scores: np.ndarray, truths: np.ndarray, overlap: float) -> list[int]:
    return [_greedy()(boxes, scores, truths, overlap)[i] for i in np.argsort(-scores)]


_MATCHES = Question(
    code="matches",
    right="The surest box chooses first, and a truth is given once.",
    reference=_greedy(),
    points=2,
    part=lambda value: [_whole(item) for item in value["match"]] if _is_list(value["match"]) else value["match"],
    misconceptions=(
        Misconception(
            "duplicates-count",
            "Several boxes get the same truth: whoever draws ten boxes on one object would be right ten times.",
            "Remember which truths are taken.",
            _greedy(look=_all),
        ),
        Misconception(
            "listed-order",
            "The boxes choose in the order in which they are listed.",
            "Let the highest score choose first: `np.argsort(-scores)`.",
            _greedy(order=lambda scores, table: np.arange(len(scores))),
        ),
        Misconception(
            "least-sure-first",
            "The *lowest* score chooses first: `np.argsort` sorts upwards.",
            "Sort by `-scores`.",
            _greedy(order=lambda scores, table: np.argsort(scores)),
        ),
        Misconception(
            "no-second-choice",
            "A box whose best truth is taken gets nothing (PASCAL VOC counts so). Here it looks at the truths that are "
            "left.",
            "Take the maximum over the free truths only.",
            _greedy(look=_no_second_choice),
        ),
        Misconception(
            "more-than-overlap",
            "A box that overlaps by exactly `overlap` gets nothing.",
            "Compare with >=.",
            _greedy(good=lambda found, overlap: found > overlap),
        ),
        Misconception(
            "any-overlap",
            "`overlap` takes no part: every touch is a match.",
            "Match only where the IoU is `overlap` or more.",
            _greedy(good=lambda found, overlap: found > 0),
        ),
        Misconception(
            "overlap-fixed",
            "You compare with 0.5, whatever `overlap` is.",
            "Compare with the argument.",
            _greedy(good=lambda found, overlap: found >= 0.5),
        ),
        Misconception(
            "first-that-fits",
            "A box takes the *first* truth that overlaps enough, not the one it overlaps most.",
            "Take the largest IoU among the free truths.",
            _greedy(pick=lambda row, overlap: int(np.argmax(row >= overlap))),
        ),
        Misconception(
            "truths-choose",
            "The truths choose their boxes, and scores take no part. A detector is judged by its surest box.",
            "Go through the boxes, from the highest score down.",
            _truths_choose,
        ),
        Misconception(
            "largest-overlap-first",
            "The pairs with the largest overlap come first, and scores take no part.",
            "Go through the boxes, from the highest score down.",
            _best_pairs,
        ),
        Misconception(
            "best-assignment",
            "You look for the assignment with the most overlap in all; scores take no part.",
            "Go through the boxes, from the highest score down.",
            _most_overlap,
        ),
        Misconception(
            "order-of-scores",
            "The list is in the order of the scores. Its first entry should belong to the first box given.",
            "Write each result to the place of its box.",
            _in_score_order,
        ),
        Misconception(
            "right-or-wrong",
            "The list says whether a box is right. Asked for is *which* truth it gets.",
            "Write the truth's index, or -1.",
            lambda *case: [truth >= 0 for truth in _greedy()(*case)],
        ),
        Misconception(
            "right-or-wrong",
            "The list says whether a box is right. Asked for is *which* truth it gets.",
            "Write the truth's index, or -1.",
            lambda *case: [int(truth >= 0) for truth in _greedy()(*case)],
        ),
    ),
)


def _is_list(value: Any) -> bool:
    return isinstance(value, list | np.ndarray)


def _whole(item: Any) -> Any:
    """A number whatever it is wrapped in; -1 for None."""
    number = one_number(item)
    return -1 if number is None else number


def _judge_matches(evidence: Evidence, rng: np.random.Generator) -> list[Finding]:
    calls, points = evidence["calls"], _OVERLAPS.points + _MATCHES.points
    if fault := unusable("find_matches", calls, points) or entries_missing(
        "find_matches", calls, ("iou", "match"), points
    ):
        return [fault]
    cases = _match_cases(rng)
    overlaps = judge_question(_OVERLAPS, cases, calls)
    if not overlaps.passed:
        return [Finding(overlaps.code, False, overlaps.message, overlaps.next_step, points)]
    return [overlaps, judge_question(_MATCHES, cases, calls)]


# --- read_head ------------------------------------------------------------------------------------------------------


def _head_cases(rng: np.random.Generator) -> list[tuple[Any, ...]]:
    """(logits, distances, stride, least): maps higher than wide and the other way round; boxes that leave the image."""
    cases = []
    for shape, stride in (((3, 4, 6), 8), ((2, 5, 3), 16), ((4, 3, 5), 4)):
        least = float(rng.uniform(0.3, 0.45))
        edge = np.log(least / (1 - least))
        above = rng.random(shape) < 0.25
        above[:2, 1, 1] = True  # one cell with two classes
        gap = rng.uniform(0.1, 2.5, shape)
        logits = np.where(above, edge + gap, edge - gap)
        cases.append((logits, rng.uniform(0.2, 2.5, (4, *shape[1:])), stride, least))
    return cases


def _collect_head(answer: Any, rng: np.random.Generator) -> Evidence:
    return {"calls": each(answer, _head_cases(rng))}


def _sigmoid(logits: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-logits))


def _ranked(
    probability: Callable[[np.ndarray], np.ndarray] = _sigmoid,
    keep: Callable[[np.ndarray, np.ndarray, float], np.ndarray] = lambda p, logits, least: p >= least,
    sign: int = -1,
    first: int = 0,
) -> Callable[..., list[list[float]]]:
    """[scores, labels] by the definition, with a step replaced; `sign` 0 leaves them in the order of the maps."""

    def read(logits: np.ndarray, distances: np.ndarray, stride: int, least: float) -> list[list[float]]:
        p = probability(logits)
        kept = np.nonzero(keep(p, logits, least))
        order = np.argsort(sign * p[kept], kind="stable")
        return [p[kept][order].tolist(), (kept[0][order] + first).tolist()]

    return read


def _softmax(logits: np.ndarray) -> np.ndarray:
    power = np.exp(logits)
    return power / power.sum(0)


def _best_class(p: np.ndarray, logits: np.ndarray, least: float) -> np.ndarray:
    return (p >= least) & (p == p.max(0))


_NAMED = Question(
    code="scores-and-labels",
    right="Every class of every cell that is sure enough, the surest first.",
    reference=_ranked(),
    points=1,
    names=("logits", "distances", "stride", "least"),
    part=lambda value: [_plain(value["scores"]), _plain(value["labels"])],
    misconceptions=(
        Misconception(
            "softmax",
            "You apply a softmax over the classes: they compete, and a cell of plain ground must still name one.",
            "Apply a sigmoid to each logit by itself; ground is where all are low.",
            _ranked(_softmax),
        ),
        Misconception(
            "logits-compared",
            "You compare the *logits* with `least`, which is a probability.",
            "Apply the sigmoid first.",
            _ranked(keep=lambda p, logits, least: logits >= least),
        ),
        Misconception(
            "logits-returned",
            "The scores are logits: the sigmoid is missing.",
            "Apply the sigmoid.",
            _ranked(probability=lambda logits: logits),
        ),
        Misconception(
            "logits-returned",
            "The scores are logits: the sigmoid is missing.",
            "Apply the sigmoid.",
            _ranked(probability=lambda logits: logits, keep=lambda p, logits, least: _sigmoid(logits) >= least),
        ),
        Misconception(
            "one-class-a-cell",
            "You keep the best class of each cell. Two objects may share a cell, and each class has its own sigmoid.",
            "Keep every pair of a cell and a class whose score is `least` or more.",
            _ranked(keep=_best_class),
        ),
        Misconception(
            "not-sorted",
            "The boxes come in the order of the map.",
            "Sort by score, from the highest down: `np.argsort(-scores)`.",
            _ranked(sign=0),
        ),
        Misconception(
            "least-sure-first",
            "The boxes come with the *lowest* score first.",
            "Sort by `-scores`.",
            _ranked(sign=1),
        ),
        Misconception(
            "everything-kept",
            "`least` takes no part: every cell makes a box of every class.",
            "Keep the scores from `least` on.",
            _ranked(keep=lambda p, logits, least: p >= 0),
        ),
        Misconception(
            "labels-from-one",
            "The labels begin with 1; the first class is 0.",
            "The label is the index of the logits' first axis.",
            _ranked(first=1),
        ),
    ),
)


def _plain(values: Any) -> Any:
    return [one_number(item) for item in values] if _is_list(values) else values


def _edges(
    place: Callable[[np.ndarray, int], np.ndarray] = lambda index, stride: (index + 0.5) * stride,
    unit: Callable[[int], float] = lambda stride: stride,
    swap: bool = False,
    sides: Sequence[int] = (0, 1, 2, 3),
    clip: bool = True,
    limits: Callable[[int, int, int], tuple[float, float]] = lambda h, w, stride: (w * stride, h * stride),
    write: Callable[[np.ndarray], np.ndarray] = lambda boxes: boxes,
    toward: int = -1,
) -> Callable[..., list[list[float]]]:
    """The boxes by the definition, with a step replaced."""

    def read(logits: np.ndarray, distances: np.ndarray, stride: int, least: float) -> list[list[float]]:
        p = _sigmoid(logits)
        label, row, column = np.nonzero(p >= least)
        order = np.argsort(-p[label, row, column])
        row, column = row[order], column[order]
        x, y = (place(index, stride) for index in ((row, column) if swap else (column, row)))
        left, top, right, bottom = (unit(stride) * distances[side, row, column] for side in sides)
        boxes = np.stack([x + toward * left, y + toward * top, x + right, y + bottom], 1)
        width, height = limits(logits.shape[1], logits.shape[2], stride)
        if clip:
            boxes = np.stack([boxes[:, i].clip(0, (width, height)[i % 2]) for i in range(4)], 1)
        return write(boxes).tolist()

    return read


def _centred(boxes: np.ndarray) -> np.ndarray:
    return np.hstack([(boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]])


_BOXES = Question(
    code="boxes",
    right="Each box grows from its cell's centre, in pixels, and stays in the image.",
    reference=_edges(),
    points=2,
    names=("logits", "distances", "stride", "least"),
    part=lambda value: [_plain(row) for row in value["boxes"]] if _is_list(value["boxes"]) else value["boxes"],
    misconceptions=(
        Misconception(
            "corner-of-the-cell",
            "The distances are counted from the cell's upper left corner: every box lies half a stride too far up and "
            "left.",
            "The centre of column `c` is at `(c + 0.5) * stride`.",
            _edges(place=lambda index, stride: index * stride),
        ),
        Misconception(
            "half-a-pixel",
            "The centre is half a *pixel* from the cell's corner; it is half a stride.",
            "The centre of column `c` is at `(c + 0.5) * stride`.",
            _edges(place=lambda index, stride: index * stride + 0.5),
        ),
        Misconception(
            "next-corner",
            "The distances are counted from the cell's lower right corner.",
            "The centre of column `c` is at `(c + 0.5) * stride`.",
            _edges(place=lambda index, stride: (index + 1) * stride),
        ),
        Misconception(
            "distances-in-cells",
            "The distances are taken for pixels. They are in units of the stride: the boxes come out tiny.",
            "Multiply them by the stride.",
            _edges(unit=lambda stride: 1),
        ),
        Misconception(
            "places-in-cells",
            "The boxes are in cells, not in pixels: the stride is missing.",
            "Multiply centres and distances by the stride.",
            _edges(place=lambda i, s: i + 0.5, unit=lambda s: 1, limits=lambda h, w, s: (w, h)),
        ),
        Misconception(
            "places-in-cells",
            "The boxes are in cells, not in pixels: the stride is missing.",
            "Multiply centres and distances by the stride.",
            _edges(place=lambda i, s: i + 0.5, unit=lambda s: 1),
        ),
        Misconception(
            "rows-for-columns",
            "Rows and columns are exchanged: x comes from the row. On a map that is not square, boxes leave the image.",
            "x belongs to the column, the map's *last* axis.",
            _edges(swap=True),
        ),
        Misconception(
            "rows-for-columns",
            "Rows and columns are exchanged: x comes from the row. On a map that is not square, boxes leave the image.",
            "x belongs to the column, the map's *last* axis.",
            _edges(swap=True, limits=lambda h, w, s: (h * s, w * s)),
        ),
        Misconception(
            "not-clipped",
            "Some boxes reach out of the image.",
            "Clip x to 0 ... width, and y to 0 ... height.",
            _edges(clip=False),
        ),
        Misconception(
            "clipped-at-zero-only",
            "The boxes are clipped at 0, but not at the right and lower edge of the image.",
            "The image is (height, width) of the map times the stride.",
            _edges(limits=lambda h, w, s: (np.inf, np.inf)),
        ),
        Misconception(
            "limits-exchanged",
            "x is clipped to the image's height, and y to its width.",
            "A map's shape is (height, width): x belongs to the second.",
            _edges(limits=lambda h, w, s: (h * s, w * s)),
        ),
        Misconception(
            "distances-exchanged",
            "The distances are read in another order: they are left, top, right, bottom.",
            "The first two are subtracted from the centre, the last two added.",
            _edges(sides=(0, 2, 1, 3)),
        ),
        Misconception(
            "wrong-direction",
            "Left and top are added to the centre: all boxes lie to its right and below.",
            "Subtract them.",
            _edges(toward=1),
        ),
        Misconception(
            "centre-format",
            "The boxes are written as centre, width and height.",
            "Write corners: left, top, right, bottom.",
            _edges(write=_centred),
        ),
        Misconception(
            "width-format",
            "The last two numbers are width and height.",
            "Write corners: left, top, right, bottom.",
            _edges(write=lambda boxes: np.hstack([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]])),
        ),
    ),
)


def _judge_head(evidence: Evidence, rng: np.random.Generator) -> list[Finding]:
    calls, points = evidence["calls"], _NAMED.points + _BOXES.points
    keys = ("boxes", "scores", "labels")
    if fault := unusable("read_head", calls, points) or entries_missing("read_head", calls, keys, points):
        return [fault]
    cases = _head_cases(rng)
    named = judge_question(_NAMED, cases, calls)
    if not named.passed:
        return [Finding(named.code, False, named.message, named.next_step, points)]
    return [named, judge_question(_BOXES, cases, calls)]


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
    # detection
    Exercise(
        id="read_head",
        title="From maps to boxes",
        lesson="12",
        points=3,
        minutes=15,
        difficulty=2,
        purpose="A head says something at every cell of a map; a box must be said in pixels of the image.",
        hints=(
            "Work with one cell by hand: where is its centre, and how far away are the four edges, in pixels?",
            "`np.nonzero(scores >= least)` gives three index arrays: class, row, column. x belongs to the column.",
            "`x = (column + 0.5) * stride`; the left edge is `x - stride * distances[0, row, column]`. Clip x to 0 ... `w * stride`, "
            "y to 0 ... `h * stride`.",
        ),
        collect=_collect_head,
        judge=_judge_head,
    ),
    Exercise(
        id="find_matches",
        title="IoU and matching",
        lesson="12",
        points=3,
        minutes=18,
        difficulty=2,
        purpose="Which boxes are right? Every number about a detector rests on this rule.",
        hints=(
            "The intersection of two boxes begins at the later of the two left edges and ends at the earlier right one.",
            "Go through the boxes by score, the highest first, and remember which truths are taken.",
            "For each box: `free = np.where(taken, -1, iou[box])`, `best = free.argmax()`; match if `free[best] >= overlap`.",
        ),
        collect=_collect_matches,
        judge=_judge_matches,
    ),
)
