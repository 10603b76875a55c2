"""A folder that a learner brings to the capstone: pictures for the learner, the hidden labels for the class alone."""

from __future__ import annotations

import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tlcourse import storage
from tlcourse.errors import CourseError, DataError
from tlcourse.grading import held_out
from tlcourse.grading.nbgrading import CONFIG_NAME
from tlcourse.worlds.capstone import CAPSTONE_TASKS
from tlcourse.worlds.own_photos import OwnPhotos, own_photos
from tlcourse.worlds.photo import PhotoError, bare_photo

_SIZE = 48  # pixels at which the baselines see photos: GlyphNet's own
_SIDE = 512  # pixels of the longer side of what the learner gets
_SEEDS = range(3)


@dataclass(frozen=True)
class HeldOut:
    """What holding out a folder gave.

    Args:
        name: what learners call it by.
        pictures: the folder for the learner, with `train/CLASS/` and `hidden/`.
        labels: the class's file.
        n_train, n_hidden: pictures in each part.
        accuracies: the baselines' on the hidden part.
    """

    name: str
    pictures: Path
    labels: Path
    n_train: int
    n_hidden: int
    accuracies: dict[str, float]


def hold_out(folder: Path, room: Path, target: Path, name: str = "", share: float = 0.25) -> HeldOut:
    """Split a folder of photos, one subfolder a class, into what a learner gets and labels that the class keeps.

    The learner gets pixels alone: no metadata, hidden pictures in random order under numbers, all of one date. Whoever
    has the original folder can find the labels again by comparing pictures; no software can prevent that.

    Args:
        folder: the photos.
        room: the class's folder.
        target: the folder to make for the learner.
        name: what to call it by; the folder's name if empty.
        share: of each class that is hidden.

    Raises:
        CourseError: `room` is no class, `target` is taken, the name is, or the photos are not fit (see `own_photos`).
    """
    name = name or re.sub(r"[^\w.-]+", "-", folder.resolve().name)
    if not (room / CONFIG_NAME).is_file():
        raise CourseError(f"{room} is no class.", "Make one: tlcourse classroom DIR")
    if name in CAPSTONE_TASKS:
        raise CourseError(f"{name!r} is one of the given tasks.", "Give the folder another name with --name.")
    held_out.insist_on_new(room, name)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise CourseError(f"{target} is not empty.", "Name a new folder for the learner's pictures.")
    photos = own_photos(folder, _SIZE, share)
    files = _write(photos, target)
    kept = _kept(photos, files)
    path = held_out.keep(room, name, kept)
    accuracies = {one: float(np.mean(hits)) for one, hits in kept["baselines"].items()}
    return HeldOut(name, target, path, len(photos.train), len(photos.test), accuracies)


def _write(photos: OwnPhotos, target: Path) -> list[str]:
    """Write both parts; gives the hidden pictures' new names, in the order of the test part."""
    for number, (file, label) in enumerate(zip(photos.train_files, photos.train.labels, strict=True)):
        _save(file, target / "train" / photos.train.classes[label] / f"{number:04}.png")
    order = list(range(len(photos.test_files)))
    secrets.SystemRandom().shuffle(order)
    names = {place: f"{number:04}.png" for number, place in enumerate(order)}
    for place in order:
        _save(photos.test_files[place], target / "hidden" / names[place])
    return [names[place] for place in range(len(order))]


def _save(file: Path, target: Path) -> None:
    try:
        photo = bare_photo(file, _SIDE)
    except PhotoError as error:
        raise DataError(f"{file} cannot be read: {error}.", "Remove or replace it.") from None
    with storage.atomic_file(target) as opened:
        photo.save(opened, "PNG")
    os.utime(target, (0, 0))  # when a picture was written would tell nothing, but nobody needs to check that


def _kept(photos: OwnPhotos, files: list[str]) -> dict[str, Any]:
    """Labels, and which hidden pictures the baselines name right: as a share of the seeds where training has one."""
    from tlcourse.transfer.baselines import BASELINES, baseline_predictions

    order = np.argsort(files)
    hits: dict[str, list[float]] = {}
    for name in BASELINES:
        seeds = _SEEDS if name == "from scratch" else range(1)
        said = [baseline_predictions(photos.train, photos.test.images, names=[name], seed=seed)[name] for seed in seeds]
        hits[name] = np.mean([one == photos.test.labels for one in said], axis=0)[order].round(4).tolist()
    return {
        "classes": list(photos.test.classes),
        "files": [files[place] for place in order],
        "labels": [photos.test.classes[photos.test.labels[place]] for place in order],
        "baselines": hits,
    }
