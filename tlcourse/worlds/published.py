"""Published photo sets, described as data: fetched once, checked, unpacked, and then a folder like any other."""

from __future__ import annotations

import os
import shutil
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from tlcourse import archives, downloads, storage
from tlcourse.downloads import Expected, Patience
from tlcourse.errors import ArchiveError, DataError, DownloadError
from tlcourse.worlds.real import SUFFIXES, PhotoFolder

_FASTAI = "https://s3.amazonaws.com/fast-ai-imageclas"


@dataclass(frozen=True)
class Archive:
    """One archive that holds a set; `expected` is what its publishers say of it."""

    url: str
    expected: Expected


@dataclass(frozen=True)
class PublishedSet:
    """A photo set that others published.

    Args:
        name: as in `published(name)`.
        title: of the set, with its source and licence.
        archives: files with the same photos, in the order to be tried.
        folder: the archive's own folder.
        parts: folders of the photos, below that one.
        classes: names of the classes by the names of their folders; None where a class stands in each photo's name
            before its last underscore.
        n_classes: how many there are.
    """

    name: str
    title: str
    archives: tuple[Archive, ...]
    folder: str
    parts: tuple[str, ...]
    classes: dict[str, str] | None
    n_classes: int


_IMAGENETTE = {
    "n01440764": "tench",
    "n02102040": "English springer",
    "n02979186": "cassette player",
    "n03000684": "chain saw",
    "n03028079": "church",
    "n03394916": "French horn",
    "n03417042": "garbage truck",
    "n03425413": "gas pump",
    "n03445777": "golf ball",
    "n03888257": "parachute",
}


def _imagenette(pixels: int, size: int, md5: str, md5_start: str) -> PublishedSet:
    name = f"imagenette2-{pixels}"
    expected = Expected(size=size, md5=md5, md5_start=md5_start)
    return PublishedSet(
        name=f"imagenette_{pixels}",
        title=f"Imagenette, {pixels} px (Howard 2019; photos of ImageNet, for research)",
        archives=(Archive(f"{_FASTAI}/{name}.tgz", expected),),
        folder=name,
        parts=("train", "val"),
        classes=_IMAGENETTE,
        n_classes=10,
    )


# Sizes and first-MiB sums are those of fastai's data/download_checks.py, whole MD5 sums those of torchvision's
# datasets. Nobody publishes a SHA-256 of them.
_SETS = {
    one.name: one
    for one in (
        _imagenette(160, 99003388, "e793b78cc4c9e9a4ccc0c1155377a412", "c475f8f7617a200ba35b9facc48443c3"),
        _imagenette(320, 341663724, "3df6f0d01a2c9592104656642f5e78a3", "1f1f74f133caff120e575856659b87a2"),
        PublishedSet(
            name="pets",
            title="Oxford-IIIT Pets (Parkhi et al. 2012, CC BY-SA 4.0)",
            archives=(
                Archive(
                    f"{_FASTAI}/oxford-iiit-pet.tgz",
                    Expected(size=811706944, md5_start="e4db5c768afd933bb91f5f594d7417a4"),
                ),
                Archive(
                    "https://www.robots.ox.ac.uk/~vgg/data/pets/data/images.tar.gz",
                    Expected(md5="5c4f3ee8e5d25df40f4fd59a7f44e54c"),
                ),
            ),
            folder="oxford-iiit-pet",
            parts=("images",),
            classes=None,
            n_classes=37,
        ),
    )
}


def published_sets() -> tuple[str, ...]:
    """The names that `published` knows, sorted."""
    return tuple(sorted(_SETS))


def published(
    name: str,
    image_size: int = 224,
    *,
    folder: str | Path | None = None,
    strict: bool = False,
    patience: Patience | None = None,
) -> PhotoFolder:
    """A published photo set: taken from a folder, from fastai's own copy, from the cache, or else downloaded into it.

    A download is checked, resumed after a break, tried again, and taken from the next address that has it; mirrors and
    folders of one's own go into `TLCOURSE_MIRRORS` (see `downloads.fetch`). All photos of the set are in the result,
    whatever parts its publisher divided them into: `split` draws what an experiment needs.

    Args:
        name: "pets", "imagenette_160" or "imagenette_320".
        image_size: side in pixels of the square that each photo becomes.
        folder: the set's unpacked folder, where there is one; nothing is downloaded then.
        strict: as in `photo_folder`.
        patience: how long to try a download.

    Raises:
        DataError: there is no such set, or the folder does not hold it.
        DownloadError: it cannot be downloaded, or what comes cannot be unpacked safely.
        StorageError: the disk is full or may not be written.
    """
    known = _SETS.get(name)
    if known is None:
        raise DataError(f"There is no published set {name!r}.", f"Choose one of {', '.join(published_sets())}.")
    root = Path(folder).expanduser() if folder is not None else _own_copy(known) or _fetched(known, patience)
    classes = _photos(known, root)
    if len(classes) != known.n_classes:
        raise DataError(
            f"{root} holds {len(classes)} classes of {name}, not {known.n_classes}.",
            f"Give the folder that has {' and '.join(known.parts)} in it"
            + ("." if folder is not None else ", or delete it and run this again."),
        )
    return PhotoFolder(root, tuple(classes), tuple(map(tuple, classes.values())), image_size, strict)


def _own_copy(known: PublishedSet) -> Path | None:
    """The set where fastai or an earlier call has put it."""
    fastai = Path(os.environ.get("FASTAI_HOME", "~/.fastai")).expanduser() / "data" / known.folder
    for place in (fastai, _place(known)):
        if len(_photos(known, place)) == known.n_classes:
            return place
    return None


def _place(known: PublishedSet) -> Path:
    return storage.cache_dir() / "published" / known.folder


def _fetched(known: PublishedSet, patience: Patience | None) -> Path:
    """Download and unpack the set; what each address that failed said goes into the error."""
    faults = []
    for archive in known.archives:
        file = _place(known).parent / archive.url.rpartition("/")[2]
        try:
            _download(archive, file, known.title, patience)
            return _unpacked(known, file)
        except (DownloadError, ArchiveError) as error:
            faults.append(error.fault)
    raise DownloadError(
        f"{known.title} cannot be had. {' '.join(faults)}",
        "Connect to the internet and run this again (what has come is kept), or unpack a copy and give its folder as "
        "folder=, or name a folder with the archive in TLCOURSE_MIRRORS.",
    )


def _download(archive: Archive, file: Path, title: str, patience: Patience | None) -> None:
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

    columns = ("{task.description}", BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, transient=True) as bar:
        task = bar.add_task(title.partition(" (")[0], total=archive.expected.size)

        def report(have: int, total: int | None) -> None:
            bar.update(task, completed=have, total=total)

        downloads.fetch(archive.url, file, archive.expected, patience=patience, report=report)


def _unpacked(known: PublishedSet, file: Path) -> Path:
    """The set's folder, moved into place whole. The archive goes: it is of no more use, or of none at all."""
    place = _place(known)
    with storage.locked(place, timeout=3600):
        if len(_photos(known, place)) == known.n_classes:
            return place  # another process was faster
        temporary = place.with_name(f"{place.name}.unpacked")
        shutil.rmtree(temporary, ignore_errors=True)
        try:
            archives.unpack(file, temporary)
            inner = temporary / known.folder
            found = inner if inner.is_dir() else temporary  # Oxford's own archive has no folder around its photos'
            if len(_photos(known, found)) != known.n_classes:
                raise ArchiveError(f"{file} does not hold {known.title}.", "Run this again to download it anew.")
            shutil.rmtree(place, ignore_errors=True)  # what somebody half deleted
            found.rename(place)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
            file.unlink(missing_ok=True)
    return place


def _photos(known: PublishedSet, root: Path) -> dict[str, list[Path]]:
    """The photos of each class, classes and photos sorted; those of all parts together."""
    found: dict[str, list[Path]] = defaultdict(list)
    for part in known.parts:
        for path in sorted((root / part).rglob("*")):
            if path.suffix.lower() not in SUFFIXES or path.name.startswith("."):
                continue
            name = path.stem.rpartition("_")[0] if known.classes is None else known.classes.get(path.parent.name)
            if name:
                found[name].append(path)
    return dict(sorted(found.items()))
