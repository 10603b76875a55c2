"""MNIST and its relatives: labelled images from IDX files on this machine."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np

from tlcourse.errors import DataError
from tlcourse.worlds.images import LabelledImages, from_grey

_UNSIGNED_BYTES = 8  # the format's code for this type of number


def idx_images(images: str | Path, labels: str | Path, *, size: int = 32, seed: int = 0) -> LabelledImages:
    """Labelled images from two files in MNIST's own format, IDX (LeCun, Cortes & Burges, "The MNIST database"), packed
    by gzip or not.

    Args:
        images, labels: files such as `t10k-images-idx3-ubyte.gz` and `t10k-labels-idx1-ubyte.gz`.
        size: height and width to which the images are scaled, pixels.
        seed: the order.

    Returns:
        Images with three equal channels, shape (N, 3, size, size); the classes are named by their numbers.

    Raises:
        DataError: a file that is missing, cut short or of another format, or files that do not belong together.
    """
    grey, numbers = _read_idx(Path(images), 3), _read_idx(Path(labels), 1)
    if len(grey) != len(numbers):
        raise DataError(
            f"{images} holds {len(grey)} images and {labels} {len(numbers)} labels.", "Give two files of one set."
        )
    order = np.random.default_rng(seed).permutation(len(grey))
    classes = tuple(str(number) for number in range(int(numbers.max()) + 1))
    return LabelledImages(from_grey(grey[order], size), numbers[order].astype(np.int64), classes, Path(images).name)


def _read_idx(path: Path, dimensions: int) -> np.ndarray:
    """uint8 of `dimensions` dimensions. The header: two zeros, a type, a number of dimensions, then each as int32."""
    try:
        raw = path.read_bytes()
        data = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
    except FileNotFoundError:
        raise DataError(f"There is no file {path}.", "Check the path.") from None
    except (OSError, EOFError) as error:
        raise DataError(f"{path} cannot be unpacked: {error}.", "Get the file again.") from error
    start = 4 + 4 * dimensions
    if len(data) < start or tuple(data[:4]) != (0, 0, _UNSIGNED_BYTES, dimensions):
        raise DataError(f"{path} is no IDX file of bytes in {dimensions} dimension(s).", "Give MNIST's own files.")
    shape = np.frombuffer(data, ">i4", dimensions, 4)
    if len(data) != start + int(np.prod(shape)) or not len(data) > start:
        raise DataError(f"{path} is cut short or empty.", "Get the file again.")
    return np.frombuffer(data, np.uint8, offset=start).reshape(shape)
