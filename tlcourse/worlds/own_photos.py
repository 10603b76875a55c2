"""A folder of one's own, split once: which photo is for testing depends on its bytes alone."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tlcourse import storage
from tlcourse.errors import DataError
from tlcourse.worlds.images import LabelledImages
from tlcourse.worlds.photo import PhotoError, read_photo
from tlcourse.worlds.real import SUFFIXES, photo_folder

_FEWEST = 4
"""Different photos that a class needs: three to learn from, one to test with."""


@dataclass(frozen=True)
class OwnPhotos:
    """A folder's photos in two parts; `own_photos` makes it.

    Args:
        train: to learn and to choose with.
        test: to be looked at once, at the end.
        train_files, test_files: where each photo lies, in the order of the images.
        copies: how many files were left out because another file of their class has the very same bytes.
    """

    train: LabelledImages
    test: LabelledImages
    train_files: tuple[Path, ...]
    test_files: tuple[Path, ...]
    copies: int

    def __repr__(self) -> str:
        classes = len(self.train.classes)
        return f"{len(self.train)} photos to learn from and {len(self.test)} to test with, {classes} classes"


def own_photos(path: str | Path, image_size: int = 64, test: float = 0.25) -> OwnPhotos:
    """Read a folder with one subfolder a class, and split it.

    The split is the same on every machine and in every run, whatever the files are called. A photo is
    for testing if the SHA-256 of its bytes is among the smallest of its class. A copy of a photo counts once: no photo
    is in both parts.

    Args:
        path: the folder.
        image_size: side in pixels of the square that each photo becomes.
        test: the share of each class that is for testing.

    Raises:
        DataError: what `photo_folder` refuses, a photo that cannot be read, the same photo in two classes, a class with
            fewer than 4 different photos, or a share that leaves one part empty.
    """
    if not 0.05 <= test <= 0.5:
        raise DataError(f"A test share of {test:g} makes no sense.", "Give 0.05 to 0.5, such as 0.25.")
    folder = photo_folder(path, image_size)
    by_digest = [_different(photos) for photos in folder.photos]
    _insist_on_one_class(by_digest, folder.classes)
    parts: tuple[list[tuple[Path, int]], list[tuple[Path, int]]] = ([], [])
    for label, photos in enumerate(by_digest):
        if len(photos) < _FEWEST:
            raise DataError(
                f"{folder.root}: class {folder.classes[label]!r} has {len(photos)} different photos.",
                f"Give at least {_FEWEST} of each class; 20 or more tell you something.",
            )
        ordered = [(photos[digest], label) for digest in sorted(photos)]
        border = max(1, round(test * len(ordered)))
        parts[1].extend(ordered[:border])
        parts[0].extend(ordered[border:])
    train, tested = (_read(part, image_size, folder.classes, folder.root.name) for part in parts)
    files = [tuple(file for file, _ in part) for part in parts]
    copies = len(folder) - sum(map(len, by_digest))
    return OwnPhotos(train, tested, files[0], files[1], copies)


def unlabelled_photos(path: str | Path, image_size: int = 64) -> tuple[tuple[str, ...], np.ndarray]:
    """The photos that lie in a folder without subfolders, such as those whose labels a class keeps.

    Returns:
        (the files' names, sorted; uint8 images of shape (N, 3, image_size, image_size) in that order).

    Raises:
        DataError: there is none, or one cannot be read.
    """
    root = Path(path).expanduser()
    files = sorted(file for file in root.glob("*") if file.suffix.lower() in SUFFIXES and file.is_file())
    if not files:
        raise DataError(f"{root} has no jpg, png or webp photo.", "Check the path.")
    images = _read([(file, 0) for file in files], image_size, ("unknown",), root.name).images
    return tuple(file.name for file in files), images


def read_predictions(path: str | Path) -> dict[str, str]:
    """Predictions from a CSV file with two columns, a picture's file name and its class; a heading is passed over.

    Raises:
        DataError: the file is missing, is not such a table, or names a picture twice.
    """
    file = Path(path).expanduser()
    try:
        with file.open(newline="", encoding="utf-8-sig") as opened:
            rows = [row for row in csv.reader(opened) if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        cure = "Check its name; it must lie beside the notebook."
        raise DataError(f"{file} cannot be read: {error}.", cure) from None
    if rows and "." not in rows[0][0]:
        rows = rows[1:]
    if not rows or any(len(row) != 2 for row in rows):
        raise DataError(f"{file} is no table of two columns.", "Write one line a picture: 0001.png,daisy")
    found = {name.strip(): label.strip() for name, label in rows}
    if len(found) < len(rows):
        raise DataError(f"{file} names a picture twice.", "Write one line a picture.")
    return found


def write_predictions(path: str | Path, predictions: Mapping[str, str]) -> None:
    """The file that `read_predictions` reads.

    Raises:
        StorageError: the disk refuses it.
    """
    lines = [f"{name},{label}" for name, label in sorted(predictions.items())]
    storage.write_text(Path(path).expanduser(), "\n".join(["picture,class", *lines]) + "\n")


def _different(photos: Iterable[Path]) -> dict[str, Path]:
    """One file for each content, by the SHA-256 of its bytes."""
    found: dict[str, Path] = {}
    for photo in photos:
        try:
            found.setdefault(hashlib.sha256(photo.read_bytes()).hexdigest(), photo)
        except OSError as error:
            raise DataError(f"{photo} cannot be read: {error.strerror}.", "Remove or replace it.") from None
    return found


def _insist_on_one_class(by_digest: list[dict[str, Path]], classes: tuple[str, ...]) -> None:
    seen: dict[str, Path] = {}
    for photos in by_digest:
        for digest, photo in photos.items():
            if digest in seen:
                raise DataError(f"{photo} and {seen[digest]} are the same photo in two classes.", "Remove one of them.")
            seen[digest] = photo


def _read(part: list[tuple[Path, int]], size: int, classes: tuple[str, ...], name: str) -> LabelledImages:
    images = []
    for file, _ in part:
        try:
            images.append(read_photo(file, size))
        except PhotoError as error:
            raise DataError(f"{file} cannot be read: {error}.", "Remove or replace it.") from None
    labels = np.array([label for _, label in part], np.int64)
    return LabelledImages(np.stack(images), labels, classes, name)
