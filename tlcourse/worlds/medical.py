"""MedMNIST: published medical images in the publishers' own .npz files."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

import numpy as np

from tlcourse import downloads, storage
from tlcourse.downloads import Expected, Patience
from tlcourse.errors import DataError
from tlcourse.worlds.images import LabelledImages, from_grey

PARTS = ("train", "val", "test")
"""How MedMNIST divides each set."""

LARGEST = 2**30
"""Bytes that a file may unpack to."""

_ADDRESS = "https://zenodo.org/record/6496656/files"
# Checksums and classes as MedMNIST's own package has them (medmnist/info.py).
_SETS = {
    "breastmnist": ("750601b1f35ba3300ea97c75c52ff8f6", ("malignant", "normal or benign")),
    "pneumoniamnist": ("28209eda62fecd6e6a2d98b1501bb15f", ("normal", "pneumonia")),
}


def medmnist(
    name: str | Path, part: str = "train", *, size: int = 32, patience: Patience | None = None
) -> LabelledImages:
    """A part of a MedMNIST set (Yang et al. 2023, "MedMNIST v2", CC BY 4.0): a file on this machine, or downloaded.

    A download is checked and kept in the cache; mirrors and folders of one's own go into `TLCOURSE_MIRRORS`. A file is
    read as plain arrays: one that holds Python objects, which could run code, is refused.

    Args:
        name: "breastmnist", "pneumoniamnist", or the path of any .npz file in MedMNIST's format with flat images and
            one label each.
        part: "train", "val" or "test".
        size: height and width to which the images are scaled, pixels.
        patience: how long to try a download.

    Returns:
        Images with three channels, shape (N, 3, size, size). Classes have the publishers' names where the file has the
        name of a known set, else their numbers. Mind which of them is the illness: in breastmnist it is label 0.

    Raises:
        DataError: no such set, file or part, or a file that is damaged or of another format.
        DownloadError: it cannot be downloaded.
        StorageError: the disk refuses it.
    """
    if part not in PARTS:
        raise DataError(f"MedMNIST has no part {part!r}.", f"Choose one of {', '.join(PARTS)}.")
    path = _file(name, patience)
    images, labels = _read(path, part)
    classes = _SETS.get(path.stem, ("", tuple(str(number) for number in range(int(labels.max()) + 1))))[1]
    if labels.min() < 0 or labels.max() >= len(classes):
        raise DataError(
            f"{path} has labels from {labels.min()} to {labels.max()}, but {path.stem} has {len(classes)} classes.",
            "Get the file again, or give another set another name.",
        )
    pixels = from_grey(images, size) if images.ndim == 3 else _from_colour(images, size)
    return LabelledImages(pixels, labels, classes, f"{path.stem}, {part}")


def _file(name: str | Path, patience: Patience | None) -> Path:
    """The set's file: the path itself, or that of a known set in the cache, downloaded if it is not there."""
    if str(name) in _SETS:
        file = f"{name}.npz"
        expected = Expected(md5=_SETS[str(name)][0])
        place = storage.cache_dir() / "published" / file
        return downloads.fetch(f"{_ADDRESS}/{file}", place, expected, patience=patience)
    path = Path(name).expanduser()
    if not path.is_file():
        raise DataError(
            f"There is no set and no file {str(name)!r}.", f"Give {' or '.join(_SETS)}, or the path of an .npz file."
        )
    return path


def _read(path: Path, part: str) -> tuple[np.ndarray, np.ndarray]:
    """(uint8 images of shape (N, height, width) or (N, height, width, 3), int64 labels of shape (N,))."""
    images, labels = (_array(path, f"{part}_{kind}") for kind in ("images", "labels"))
    flat = images.ndim == 3 or (images.ndim == 4 and images.shape[3] == 3)
    if images.dtype != np.uint8 or not flat or not len(images):
        raise DataError(
            f"{path}: {part}_images is {images.dtype} of shape {images.shape}, not bytes of shape (N, height, width) "
            "or (N, height, width, 3).",
            "Take one of MedMNIST's sets of flat images.",
        )
    if labels.dtype.kind not in "iu" or labels.shape not in ((len(images),), (len(images), 1)):
        raise DataError(
            f"{path}: {part}_labels is {labels.dtype} of shape {labels.shape}, not one whole number for each of "
            f"{len(images)} images.",
            "Take a set with one label for each image (chestmnist has fourteen).",
        )
    return images, labels.reshape(-1).astype(np.int64)


def _array(path: Path, key: str) -> np.ndarray:
    """One array of the file. Zip keeps a checksum of each, so damage is noticed."""
    again = "Get the file again from MedMNIST's page."
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(item.file_size for item in archive.infolist())
        if unpacked > LARGEST:
            raise DataError(f"{path} unpacks to {unpacked:,} bytes.", f"Take a set of at most {LARGEST:,}.")
        with np.load(path, allow_pickle=False) as arrays:
            if key not in arrays:
                raise DataError(f"{path} has no {key}; it holds {', '.join(arrays) or 'nothing'}.", again)
            return arrays[key]
    except ValueError as error:
        if "allow_pickle" in str(error):
            raise DataError(
                f"{path}: {key} holds Python objects, which could run code; it was not read.", again
            ) from None
        raise DataError(f"{path}: {key} cannot be read: {error}.", again) from error
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, MemoryError) as error:
        raise DataError(f"{path} is damaged or no .npz file: {error}.", again) from error


def _from_colour(images: np.ndarray, size: int) -> np.ndarray:
    """uint8 (N, height, width, 3) to (N, 3, size, size)."""
    from PIL import Image

    scaled = [np.asarray(Image.fromarray(one).resize((size, size), Image.Resampling.BICUBIC)) for one in images]
    return np.ascontiguousarray(np.stack(scaled).transpose(0, 3, 1, 2))
