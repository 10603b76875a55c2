"""A folder of one's own: split once, by what the photos are and not by what they are called."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tlcourse.errors import DataError
from tlcourse.worlds import own_photos, read_predictions, unlabelled_photos, write_predictions


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two classes of 12 different photos."""
    root = tmp_path / "pets"
    for label, name in enumerate(["cat", "emu"]):
        (root / name).mkdir(parents=True)
        for number in range(12):
            Image.new("RGB", (20, 16), (100 * label + 7 * number,) * 3).save(root / name / f"{number}.png")
    return root


def contents(images: np.ndarray) -> set[bytes]:
    return {image.tobytes() for image in images}


def test_the_parts_share_no_photo_and_together_are_the_folder(folder: Path) -> None:
    photos = own_photos(folder, image_size=8)
    assert repr(photos) == "18 photos to learn from and 6 to test with, 2 classes"
    assert np.bincount(photos.test.labels).tolist() == [3, 3]
    assert not contents(photos.train.images) & contents(photos.test.images)
    assert [file.parent.name for file in photos.test_files] == ["cat"] * 3 + ["emu"] * 3


def test_the_split_does_not_depend_on_names(folder: Path, tmp_path: Path) -> None:
    renamed = tmp_path / "again"
    for file in folder.rglob("*.png"):
        (renamed / file.parent.name).mkdir(parents=True, exist_ok=True)
        shutil.copy(file, renamed / file.parent.name / f"x{97 - int(file.stem)}.png")
    one, other = own_photos(folder, image_size=8), own_photos(renamed, image_size=8)
    assert contents(one.test.images) == contents(other.test.images)


def test_a_copy_counts_once_and_never_stands_on_both_sides(folder: Path) -> None:
    before = own_photos(folder, image_size=8)
    for number in range(12):
        shutil.copy(folder / "cat" / f"{number}.png", folder / "cat" / f"copy of {number}.png")
    after = own_photos(folder, image_size=8)
    assert after.copies == 12
    assert contents(after.test.images) == contents(before.test.images)


def test_what_cannot_be_split_is_refused(folder: Path) -> None:
    with pytest.raises(DataError, match=r"test share of 0.9"):
        own_photos(folder, test=0.9)
    shutil.copy(folder / "cat" / "0.png", folder / "emu" / "what.png")
    with pytest.raises(DataError, match="same photo in two classes"):
        own_photos(folder)
    (folder / "emu" / "what.png").write_bytes(b"no photo")
    with pytest.raises(DataError, match=r"what.png cannot be read"):
        own_photos(folder, image_size=8)
    for number in range(9):
        (folder / "cat" / f"{number}.png").unlink()
    with pytest.raises(DataError, match="'cat' has 3 different photos"):
        own_photos(folder)


def test_photos_without_labels_come_in_the_order_of_their_names(folder: Path, tmp_path: Path) -> None:
    names, images = unlabelled_photos(folder / "cat", image_size=8)
    assert names == tuple(sorted(f"{number}.png" for number in range(12)))
    assert images[1, 0, 0, 0] == 7  # 1.png
    with pytest.raises(DataError, match="no jpg, png or webp"):
        unlabelled_photos(tmp_path)


def test_predictions_come_back_from_a_file(tmp_path: Path) -> None:
    said = {"0001.png": "cat", "0000.png": "snow leopard"}
    write_predictions(tmp_path / "said.csv", said)
    assert read_predictions(tmp_path / "said.csv") == said


@pytest.mark.parametrize(
    ("text", "fault"),
    [("", "two columns"), ("a.png,cat,0.9\n", "two columns"), ("a.png,cat\na.png,dog\n", "twice"), (None, "cannot be")],
)
def test_a_table_of_another_form_is_refused(text: str | None, fault: str, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "said.csv").write_text(text)
    with pytest.raises(DataError, match=fault):
        read_predictions(tmp_path / "said.csv")
