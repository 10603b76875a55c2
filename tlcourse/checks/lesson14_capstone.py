"""The capstone of lesson 14: predictions for pictures whose labels no kernel sees, scored against three baselines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from tlcourse.checks.collecting import kept, simple, undisturbed
from tlcourse.checks.exercise import Evidence, Exercise, Finding
from tlcourse.checks.judging import unusable
from tlcourse.worlds.capstone import CAPSTONE_TASKS, capstone_task, hidden_set

# torch takes seconds to import, and the registry imports this module: what needs torch imports it when it runs.

_POINTS = 6
_NAMES = {"majority class": "majority", "from scratch": "scratch", "frozen features": "probe"}
"""The baselines' names, and what they are called in findings' codes."""
_SAME = 0.99  # from this share of equal predictions on, an answer is the baseline

Fault = tuple[str, str, str]
"""What is wrong: code, message, next step."""


def _material(rng: np.random.Generator) -> Evidence:
    return {name: hidden_set(name, seed).images for name, seed in _seeds(rng).items()}


def _seeds(rng: np.random.Generator) -> dict[str, int]:
    return {name: int(rng.integers(1 << 62)) for name in CAPSTONE_TASKS}


def _collect(answer: Any, material: Evidence) -> Evidence:
    with undisturbed():
        record, value = kept(answer, {name: np.array(pictures) for name, pictures in material.items()})
    # An array of words has no plain form of its own.
    if type(value) in (tuple, list) and len(value) == 2 and type(value[1]) is np.ndarray and value[1].dtype.kind == "U":
        record["value"] = [simple(value[0]), simple(value[1].ravel().tolist())]
    return {"call": record}


@dataclass(frozen=True)
class _Test:
    """A hidden test set: its labels as class numbers, and for each baseline what part of each picture it gets right."""

    labels: np.ndarray
    classes: tuple[str, ...]
    files: tuple[str, ...]
    baselines: dict[str, float | np.ndarray]


def _judge(evidence: Evidence, rng: np.random.Generator, held_out: Mapping[str, Any]) -> list[Finding]:
    record = evidence["call"]
    if unjudged := unusable("capstone", [record], _POINTS):
        return [unjudged]
    value = record["value"]
    if fault := _unnamed(value, held_out):
        return [_failed(fault)]
    name, said = value
    test = _folder_test(held_out[name]) if name in held_out else _task_test(name, _seeds(rng)[name])
    given, fault = _of_files(said, test) if test.files else _of_pictures(said, test, len(capstone_task(name).train))
    if fault or (fault := _senseless(given, test)):
        return [_failed(fault)]
    return _scored(given, test)


def _failed(fault: Fault, points: float = _POINTS) -> Finding:
    code, message, next_step = fault
    return Finding(code, False, message, next_step, points)


def _unnamed(value: Any, held_out: Mapping[str, Any]) -> Fault | None:
    """What is wrong with an answer that names no task."""
    cure = 'Return a pair: the task\'s name and its labels, such as `return "night", labels`.'
    if not (isinstance(value, list) and len(value) == 2 and isinstance(value[0], str)):
        return "no-task-named", "What you return does not say which task it is for.", cure
    name, said = value
    if name in CAPSTONE_TASKS or name in held_out:
        return None
    if isinstance(said, dict) and set(said) != {"type"}:
        message = f"You name {len(said)} pictures of the folder {name!r}, whose labels are not here: none is scored."
        cure = (
            "In practice that is as it must be. In a class its instructor holds a folder out first, and knows its name."
        )
        return "labels-elsewhere", message, cure
    return "unknown-task", f"There is no task {name!r}.", f"The given tasks are {', '.join(CAPSTONE_TASKS)}."


@lru_cache(maxsize=32)
def _task_test(name: str, seed: int) -> _Test:
    from tlcourse.measure.stored_results import stored
    from tlcourse.transfer.baselines import baseline_predictions

    hidden, train = hidden_set(name, seed), capstone_task(name).train
    live = baseline_predictions(train, hidden.images, names=["majority class", "frozen features"])
    baselines: dict[str, float | np.ndarray] = {one: said == hidden.labels for one, said in live.items()}
    baselines["from scratch"] = float(np.mean(stored("capstone").figures[name]["from scratch"]))
    return _Test(hidden.labels, hidden.classes, (), baselines)


def _folder_test(kept_labels: Mapping[str, Any]) -> _Test:
    classes = tuple(kept_labels["classes"])
    labels = np.array([classes.index(label) for label in kept_labels["labels"]])
    baselines: dict[str, float | np.ndarray] = {
        name: np.array(kept_labels["baselines"][name], float) for name in _NAMES
    }
    return _Test(labels, classes, tuple(kept_labels["files"]), baselines)


def _of_files(said: Any, test: _Test) -> tuple[np.ndarray, Fault | None]:
    """Predictions of a brought folder as class numbers."""
    nothing = np.zeros(0, int)
    cure = (
        'Return a dict from file name to class name, `{"0001.png": "daisy", ...}`; `tl.worlds.read_predictions` does.'
    )
    if not isinstance(said, dict) or set(said) == {"type"}:
        return nothing, ("no-file-names", "For a folder the labels must say which picture each is of.", cure)
    if missing := [file for file in test.files if file not in said]:
        message = f"{len(missing)} of {len(test.files)} pictures have no label, {missing[0]} for one."
        return nothing, ("pictures-missing", message, cure)
    return _numbers([said[file] for file in test.files], test.classes)


def _of_pictures(said: Any, test: _Test, n_train: int) -> tuple[np.ndarray, Fault | None]:
    """Predictions of a given task as class numbers."""
    nothing, n, classes = np.zeros(0, int), len(test.labels), len(test.classes)
    cure = f"Return one class number, or one class name, for each of the {n} pictures, in their order."
    if isinstance(said, list) and said and all(isinstance(item, str) for item in said):
        if len(said) != n:
            return nothing, ("wrong-length", f"You return {len(said)} names for {n} pictures.", cure)
        return _numbers(said, test.classes)
    try:
        values = np.asarray(said, float)
    except (TypeError, ValueError):
        return nothing, ("no-labels", "What you return beside the task's name is no list of labels.", cure)
    if values.shape == (n, classes):
        message = "You return a score for each class. Which class is it, then?"
        return nothing, ("scores-not-labels", message, "Take the class with the highest score: `.argmax(1)`.")
    if values.size == n_train != n:
        message = "You name the training pictures; the hidden ones are asked for."
        return nothing, ("training-pictures-named", message, cure)
    if values.size != n:
        return nothing, ("wrong-length", f"You return {values.size} labels for {n} pictures.", cure)
    values = values.ravel()
    if np.isnan(values).any():
        message = f"{int(np.isnan(values).sum())} of {n} labels are NaN."
        return nothing, ("nan-labels", message, "Look for a loss or a division that became NaN.")
    if not np.isin(values, range(classes)).all():
        message = f"The labels are 0 to {classes - 1}; yours hold others, from {values.min():g} to {values.max():g}."
        return nothing, ("unknown-labels", message, "Check what your classifier counts from.")
    return values.astype(int), None


def _numbers(names: list[Any], classes: tuple[str, ...]) -> tuple[np.ndarray, Fault | None]:
    number = {name.strip().lower(): place for place, name in enumerate(classes)}
    plain = [str(name).strip().lower() for name in names]
    if strange := sorted(set(plain) - set(number)):
        message = f"{strange[0][:40]!r} is no class of this task."
        return np.zeros(0, int), ("unknown-names", message, f"The classes are {', '.join(classes)[:300]}.")
    return np.array([number[name] for name in plain]), None


def _senseless(given: np.ndarray, test: _Test) -> Fault | None:
    """What is wrong with predictions that say nothing about the pictures."""
    labels, classes = test.labels, len(test.classes)
    right = float(np.mean(given == labels))
    if len(np.unique(given)) == 1:
        message = f"Every picture is called {test.classes[given[0]]!r}: {right:.2f} are right, as for any constant."
        return "always-one-class", message, "Learn from the labelled pictures which class looks how."
    shifts = [float(np.mean((given + step) % classes == labels)) for step in range(1, classes)]
    if max(shifts) > right + 0.25:
        message = f"The labels are shifted: add {1 + int(np.argmax(shifts))} to each, modulo {classes}, and they fit."
        return "labels-shifted", message, "Return the very numbers that the training labels use."
    for step, words in ((1, "next"), (-1, "previous")):
        if float(np.mean(given == np.roll(labels, -step))) > right + 0.25:
            message = f"The labels are moved by one place: each stands at the {words} picture's."
            return "moved-by-one", message, "Keep the pictures in the order in which you get them."
    return None


def _scored(given: np.ndarray, test: _Test) -> list[Finding]:
    """Two points for each baseline that is beaten beyond the noise; one finding for all that are not."""
    from tlcourse.measure.beating import bootstrap_gap
    from tlcourse.measure.intervals import Interval

    right, share = given == test.labels, _POINTS / len(_NAMES)
    accuracy = float(np.mean(right))
    passed: list[Finding] = []
    failed: list[tuple[str, Interval]] = []
    for name, code in _NAMES.items():
        gap = bootstrap_gap(right, test.baselines[name])
        if gap.low > 0:
            told = f"Beats the baseline {name!r}: {_told(accuracy, gap)}."
            passed.append(Finding(f"beats-{code}", True, told, "", share))
        else:
            failed.append((name, gap))
    if not failed:
        return passed
    return [*passed, _failed(_not_beaten(accuracy, failed, right, test), share * len(failed))]


def _told(accuracy: float, gap: Any) -> str:
    return (
        f"{accuracy:.3f} against {accuracy - gap.mean:.3f}, ahead by {gap.mean:.3f} "
        f"(95 % over the pictures: {gap.low:.3f} to {gap.high:.3f})"
    )


def _not_beaten(accuracy: float, failed: list[tuple[str, Any]], right: np.ndarray, test: _Test) -> Fault:
    name, gap = failed[0]
    others = f" Nor is {failed[-1][0]!r} beaten." if len(failed) > 1 else ""
    if len(failed) == len(_NAMES):
        message = f"{accuracy:.2f} of the pictures are named right, which is what guessing gives."
        return (
            "guessing",
            message,
            "Are pictures and labels still in the same order? Is a picture prepared as in training?",
        )
    hits = np.asarray(test.baselines[name], float)
    if hits.ndim and float(np.mean(np.abs(hits - right))) <= 1 - _SAME:
        message = f"Your predictions are as good as those of the baseline {name!r}, picture by picture.{others}"
        return f"{_NAMES[name]}-itself", message, "Do something that it does not: augment, fine-tune, adapt."
    told = _told(accuracy, gap)
    if gap.high > 0:
        message = f"The gap to {name!r} lies inside the noise, so it earns the lower step: {told}.{others}"
        return (
            f"{_NAMES[name]}-within-noise",
            message,
            "Compare by cross-validation on the training pictures, and improve.",
        )
    message = f"The baseline {name!r} is better: {told}.{others}"
    return f"below-{_NAMES[name]}", message, "Check preparation, size and rate; then start from frozen features."


EXERCISES: tuple[Exercise, ...] = (
    Exercise(
        id="capstone",
        title="The capstone",
        lesson="14",
        points=_POINTS,
        minutes=120,
        difficulty=3,
        purpose="One task of your own choice, from a few labels to predictions that somebody else scores.",
        hints=(
            "Which of the three baselines is the hard one? Score it yourself by cross-validation on the training "
            "pictures: then you can try an idea without the hidden set.",
            "letters: chalk is far from the source's pictures, and fine-tuning pays. signs: near to it, so the probe is "
            "hard to beat. night: try batch norm's statistics of night pictures before the probe.",
            "One way: twelve views of each letter by `tl.transfer.augmented`, GlyphNet with a head of its own by "
            "`imprint_head`, then all of it fine-tuned by `fit` at a peak rate of 0.006 for some 90 steps.",
        ),
        collect=_collect,
        judge=_judge,
        material=_material,
    ),
)
