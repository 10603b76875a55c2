"""IDX files: read as MNIST publishes them, and refused with a reason where they are damaged."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from tlcourse.errors import DataError
from tlcourse.worlds import idx_images


def idx_file(path: Path, array: np.ndarray, *, packed: bool = True) -> Path:
    header = struct.pack(f">HBB{array.ndim}i", 0, 8, array.ndim, *array.shape)
    data = header + array.astype(np.uint8).tobytes()
    path.write_bytes(gzip.compress(data) if packed else data)
    return path


def pair(folder: Path, n: int = 6, **options: bool) -> tuple[Path, Path]:
    grey = np.arange(n)[:, None, None] * 40 * np.ones((1, 28, 28))
    return idx_file(folder / "images", grey, **options), idx_file(folder / "labels", np.arange(n), **options)


@pytest.mark.parametrize("packed", [True, False])
def test_images_keep_their_labels(tmp_path: Path, packed: bool) -> None:
    data = idx_images(*pair(tmp_path, packed=packed), size=32)
    assert data.images.shape == (6, 3, 32, 32) and data.images.dtype == np.uint8
    assert data.classes == tuple("012345")
    assert np.array_equal(data.images[:, 0, 16, 16], 40 * data.labels)


def test_the_seed_is_the_order(tmp_path: Path) -> None:
    files = pair(tmp_path)
    assert not np.array_equal(idx_images(*files, seed=0).labels, idx_images(*files, seed=1).labels)


def test_a_missing_file(tmp_path: Path) -> None:
    images, _ = pair(tmp_path)
    with pytest.raises(DataError, match="There is no file"):
        idx_images(images, tmp_path / "nowhere")


def test_labels_in_place_of_images(tmp_path: Path) -> None:
    _, labels = pair(tmp_path)
    with pytest.raises(DataError, match="no IDX file of bytes in 3 dimension"):
        idx_images(labels, labels)


@pytest.mark.parametrize("packed", [True, False])
def test_a_file_that_is_cut_short(tmp_path: Path, packed: bool) -> None:
    images, labels = pair(tmp_path, packed=packed)
    images.write_bytes(images.read_bytes()[:-20])
    with pytest.raises(DataError, match=r"cut short|unpacked"):
        idx_images(images, labels)


def test_files_of_two_sets(tmp_path: Path) -> None:
    images, _ = pair(tmp_path)
    labels = idx_file(tmp_path / "others", np.arange(4))
    with pytest.raises(DataError, match=r"6 images and .* 4 labels"):
        idx_images(images, labels)
