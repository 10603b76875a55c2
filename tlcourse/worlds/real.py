"""Photos from a local folder: one subfolder a class, read only when a split asks for them."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tlcourse.errors import DataError
from tlcourse.worlds.images import LabelledImages
from tlcourse.worlds.photo import PhotoError, read_photo

if TYPE_CHECKING:
    from fastai.data.core import DataLoaders

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp"})
_LAYOUT = "Make one subfolder a class, each with its jpg, png or webp photos."
_SPLIT_NAMES = frozenset({"train", "training", "val", "valid", "validation", "test"})

Photo = tuple[Path, np.ndarray]


@dataclass(frozen=True)
class PhotoFolder:
    """The photos of a folder, by class; `photo_folder` makes it.

    Args:
        root: the folder.
        classes: the names of its subfolders, sorted as text, so that labels are the same on every machine.
        photos: for each class, its files, sorted.
        image_size: side in pixels of the square to which a photo is scaled and centrally cropped.
        strict: whether one unreadable photo is an error.
        faults: why each unreadable photo met so far could not be read.
    """

    root: Path
    classes: tuple[str, ...]
    photos: tuple[tuple[Path, ...], ...]
    image_size: int = 224
    strict: bool = False
    faults: dict[Path, str] = field(default_factory=dict, compare=False, repr=False)

    def __len__(self) -> int:
        return sum(map(len, self.photos))

    def __repr__(self) -> str:
        return f"{self.root.name}: {len(self):,} photos of {len(self.classes)} classes"

    @property
    def unreadable(self) -> tuple[Path, ...]:
        """The photos met so far that could not be read, sorted; `check` meets all."""
        return tuple(sorted(self.faults))

    def check(self) -> tuple[Path, ...]:
        """Try every photo and give those that cannot be read.

        Raises:
            DataError: none can be read, or one cannot and the folder is strict.
        """
        readable = sum(self._read(path) is not None for paths in self.photos for path in paths)
        self._report(usable=readable > 0)
        return self.unreadable

    def split(
        self, per_class: int = 30, test: int | None = 500, seed: int = 0
    ) -> tuple[LabelledImages, LabelledImages]:
        """Draw a balanced training set and a disjoint test set, and read their photos.

        The test set depends on `test` and `seed` only, and a smaller training set is a part of a larger one:
        the points of a learning curve differ in nothing but their number of photos. An unreadable photo is
        left out and the next of its class takes its place.

        Args:
            per_class: training photos of each class.
            test: test photos in all, shared between the classes in proportion to their photos; None for all
                that training leaves.
            seed: which photos are drawn.

        Returns:
            (training set, test set), the photos of a class side by side.

        Raises:
            DataError: a class has too few photos that can be read, or one cannot and the folder is strict.
        """
        shares = self._shares(test) if test is not None else [len(p) - per_class for p in self.photos]
        self._check_counts(per_class, shares)
        trains: list[list[Photo]] = []
        tests: list[list[Photo]] = []
        for label, paths in enumerate(self.photos):
            order = np.random.default_rng((seed, label)).permutation(len(paths))
            shuffled = [paths[i] for i in order]
            # Test photos of a set number come from one end of the order and training's from the other.
            tested = self._take(reversed(shuffled), shares[label]) if test is not None else []
            trained = self._take(_without(shuffled, tested), per_class)
            if test is None:
                tested = self._take(_without(shuffled, trained), shares[label])
            trains.append(trained)
            tests.append(tested)
        self._report(usable=any(trains) or any(tests))
        self._check_readable(trains, per_class)
        self._check_readable(tests, shares if test is not None else [0] * len(shares))
        return self._labelled(trains, "train"), self._labelled(tests, "test")

    def dataloaders(
        self, batch_size: int = 32, per_class: int = 30, test: int | None = 500, seed: int = 0, **options: Any
    ) -> DataLoaders:
        """fastai DataLoaders of a split: training photos to train, test photos to validate, no workers.

        `options` go to `LabelledImages.dataloaders`. Raises what `split` raises.
        """
        train, valid = self.split(per_class, test, seed)
        return train.dataloaders(valid, batch_size=batch_size, seed=seed, **options)

    def _shares(self, total: int) -> list[int]:
        """`total` shared between the classes in proportion to their photos, by largest remainders."""
        counts = np.array([len(paths) for paths in self.photos])
        exact = total * counts / counts.sum()
        shares = np.floor(exact).astype(int)
        shares[np.argsort(shares - exact, kind="stable")[: total - shares.sum()]] += 1
        return shares.tolist()

    def _check_counts(self, per_class: int, shares: list[int]) -> None:
        for name, paths, share in zip(self.classes, self.photos, shares, strict=True):
            if per_class + share > len(paths) or share < 0:
                raise DataError(
                    f"{self.root}: class {name!r} has {len(paths)} photos, not the {per_class} for training "
                    f"and {max(share, 0)} for testing that were asked for.",
                    "Ask for a smaller per_class= or test=, or add photos to it.",
                )
        if per_class < 1 or sum(shares) < 1:
            raise DataError(
                f"{self.root}: {per_class} training photos a class, {sum(shares)} test photos: no split.",
                "Ask for at least one of each.",
            )

    def _check_readable(self, drawn: list[list[Photo]], wanted: int | list[int]) -> None:
        wanted = [wanted] * len(drawn) if isinstance(wanted, int) else wanted
        for name, photos, count in zip(self.classes, drawn, wanted, strict=True):
            if len(photos) < count:
                raise DataError(
                    f"{self.root}: class {name!r} has too few readable photos ({self._fault_list()}).",
                    "Replace those photos, or ask for a smaller per_class= or test=.",
                )

    def _take(self, paths: Iterable[Path], count: int) -> list[Photo]:
        """The first `count` readable photos of `paths`, or fewer if there are fewer."""
        taken: list[Photo] = []
        for path in paths:
            if len(taken) == count:
                break
            if (photo := self._read(path)) is not None:
                taken.append((path, photo))
        return taken

    def _read(self, path: Path) -> np.ndarray | None:
        if path in self.faults:
            return None
        try:
            return read_photo(path, self.image_size)
        except PhotoError as error:
            self.faults[path] = str(error)
            return None

    def _report(self, usable: bool) -> None:
        """Name the unreadable photos: an error if there are no others or the folder is strict, else warn."""
        if not self.faults:
            return
        if self.strict or not usable:
            raise DataError(
                f"{self.root}: {self._fault_list()}.",
                "Remove or replace them" + (", or give strict=False to leave them out." if usable else "."),
            )
        warnings.warn(f"{self.root}: left out {self._fault_list()}.", UserWarning, stacklevel=3)

    def _fault_list(self, show: int = 5) -> str:
        names = [f"{path.relative_to(self.root)} ({self.faults[path]})" for path in self.unreadable[:show]]
        more = f", and {len(self.faults) - show} more" if len(self.faults) > show else ""
        return f"{len(self.faults)} unreadable photo{'s' * (len(self.faults) != 1)}: {', '.join(names)}{more}"

    def _labelled(self, drawn: list[list[Photo]], part: str) -> LabelledImages:
        labels = np.repeat(np.arange(len(drawn), dtype=np.int64), [len(photos) for photos in drawn])
        images = np.stack([photo for photos in drawn for _, photo in photos])
        return LabelledImages(images, labels, self.classes, f"{self.root.name} ({part})")


def photo_folder(
    path: str | Path,
    image_size: int = 224,
    per_class: int | None = None,
    seed: int = 0,
    *,
    strict: bool = False,
) -> PhotoFolder:
    """Find the photos of a folder that has one subfolder a class. No photo is opened yet.

    Hidden files and folders are passed over; photos may lie deeper in a class's folder.

    Args:
        path: the folder.
        image_size: side in pixels of the square that each photo becomes.
        per_class: keep at most this many photos of each class, drawn by `seed`; None keeps all.
        seed: which photos are kept.
        strict: make one unreadable photo an error; else it is left out with a warning.

    Raises:
        DataError: the folder is missing, empty, has one class only, or a class without photos.
    """
    root = Path(path).expanduser()
    folders = _class_folders(root)
    photos = [_photos_in(folder) for folder in folders]
    for folder, found in zip(folders, photos, strict=True):
        if not found:
            raise DataError(
                f"{folder} has no jpg, png or webp photo.",
                "Add some (convert other formats first), or move the folder elsewhere if it is no class.",
            )
    if per_class is not None:
        photos = [_some(found, per_class, (seed, label)) for label, found in enumerate(photos)]
    names = tuple(folder.name for folder in folders)
    return PhotoFolder(root, names, tuple(map(tuple, photos)), image_size, strict)


def _class_folders(root: Path) -> list[Path]:
    if not root.exists():
        raise DataError(f"There is no folder {root}.", "Check the path.")
    if not root.is_dir():
        raise DataError(f"{root} is a file, not a folder.", f"Unpack it if it is an archive. {_LAYOUT}")
    folders = sorted(entry for entry in root.iterdir() if entry.is_dir() and not _hidden(entry))
    names = {folder.name.lower() for folder in folders}
    if not folders:
        raise DataError(f"{root} has no class subfolders.", _LAYOUT)
    if names <= _SPLIT_NAMES:
        raise DataError(
            f"The subfolders of {root} are a split ({', '.join(sorted(names))}), not classes.",
            f"Give one of them, such as {folders[0]}.",
        )
    if len(folders) == 1:
        raise DataError(f"{root} has one class only, {folders[0].name!r}, so there is nothing to tell apart.", _LAYOUT)
    return folders


def _photos_in(folder: Path) -> list[Path]:
    return sorted(
        path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file() and not _hidden(path)
    )


def _some(paths: list[Path], count: int, seed: tuple[int, int]) -> list[Path]:
    chosen = np.random.default_rng(seed).permutation(len(paths))[:count]
    return [paths[i] for i in sorted(chosen)]


def _without(paths: list[Path], photos: list[Photo]) -> list[Path]:
    taken = {path for path, _ in photos}
    return [path for path in paths if path not in taken]


def _hidden(path: Path) -> bool:
    return path.name.startswith((".", "__MACOSX"))
