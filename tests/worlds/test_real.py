"""Photo folders: what is drawn, how photos are read, and what is said about unusable ones."""

from __future__ import annotations

import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tlcourse.errors import DataError
from tlcourse.worlds.photo import PhotoError, read_photo
from tlcourse.worlds.real import photo_folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three classes of 12 photos in three formats; a photo's grey level tells which it is."""
    root = tmp_path / "pets"
    for label, name in enumerate(["cat", "dog", "emu"]):
        (root / name).mkdir(parents=True)
        for i in range(12):
            photo = Image.new("RGB", (20, 16), (80 * label + 3 * i,) * 3)
            photo.save(root / name / f"{i}.{('png', 'webp', 'JPG')[i % 3]}", lossless=True)
    (root / ".ipynb_checkpoints").mkdir()
    (root / "README.txt").write_text("not a class")
    return root


def levels(images: np.ndarray) -> set[int]:
    """One number a photo; JPEG moves a level by one at most, so thirds of three are safe."""
    return {round(int(image[0, 4, 4]) / 3) for image in images}


def test_classes_and_photos_are_found(folder: Path) -> None:
    photos = photo_folder(folder, image_size=8)
    assert photos.classes == ("cat", "dog", "emu") and len(photos) == 36
    assert repr(photos) == "pets: 36 photos of 3 classes"
    assert len(photo_folder(folder, per_class=5)) == 15
    assert photo_folder(folder, per_class=5, seed=1) == photo_folder(folder, per_class=5, seed=1)
    assert photo_folder(folder, per_class=5, seed=1) != photo_folder(folder, per_class=5, seed=2)


def test_a_split_is_disjoint_balanced_and_repeatable(folder: Path) -> None:
    photos = photo_folder(folder, image_size=8)
    train, test = photos.split(per_class=4, test=10, seed=3)
    assert train.images.shape == (12, 3, 8, 8) and train.images.dtype == np.uint8
    assert np.bincount(train.labels).tolist() == [4, 4, 4]
    assert sorted(np.bincount(test.labels).tolist()) == [3, 3, 4]
    assert not levels(train.images) & levels(test.images)
    again = photo_folder(folder, image_size=8).split(per_class=4, test=10, seed=3)
    assert np.array_equal(again[0].images, train.images) and np.array_equal(again[1].images, test.images)
    assert not np.array_equal(photos.split(4, 10, seed=4)[0].images, train.images)


def test_learning_curves_share_their_test_set_and_nest(folder: Path) -> None:
    photos = photo_folder(folder, image_size=8)
    small, large = photos.split(per_class=2, test=9), photos.split(per_class=8, test=9)
    assert np.array_equal(small[1].images, large[1].images)
    assert levels(small[0].images) < levels(large[0].images)


def test_all_that_is_left_can_be_the_test_set(folder: Path) -> None:
    train, test = photo_folder(folder, image_size=8).split(per_class=5, test=None)
    assert len(train) == 15 and len(test) == 21
    assert not levels(train.images) & levels(test.images)


def test_dataloaders_need_no_workers(folder: Path) -> None:
    dls = photo_folder(folder, image_size=8).dataloaders(4, per_class=4, test=9)
    images, labels = dls.one_batch()
    assert images.shape == (4, 3, 8, 8) and labels.shape == (4,) and dls.c == 3
    assert dls.train.num_workers <= 1 and dls.train.fake_l.num_workers == 0


class TestUnreadable:
    """Photos that cannot be read."""

    @pytest.fixture
    def damaged(self, folder: Path) -> Path:
        jpg = folder / "cat" / "2.JPG"
        jpg.write_bytes(jpg.read_bytes()[:200])
        (folder / "cat" / "3.png").write_text("not an image")
        (folder / "cat" / "4.webp").write_bytes(b"")
        return folder

    def test_they_are_named_and_others_take_their_place(self, damaged: Path) -> None:
        photos = photo_folder(damaged, image_size=8)
        with pytest.warns(UserWarning, match=r"left out 3 unreadable photos: cat/2\.JPG \(.*cat/3\.png"):
            train, test = photos.split(per_class=5, test=None)
        assert [path.name for path in photos.unreadable] == ["2.JPG", "3.png", "4.webp"]
        assert np.bincount(train.labels).tolist() == [5, 5, 5]
        assert np.bincount(test.labels).tolist() == [4, 7, 7]

    def test_check_meets_them_all(self, damaged: Path) -> None:
        with pytest.warns(UserWarning, match="3 unreadable"):
            assert len(photo_folder(damaged, image_size=8).check()) == 3

    def test_strict_makes_them_an_error(self, damaged: Path) -> None:
        with pytest.raises(DataError, match=r"3 unreadable photos.*strict=False"):
            photo_folder(damaged, image_size=8, strict=True).check()

    def test_too_few_left_in_a_class(self, damaged: Path) -> None:
        with pytest.raises(DataError, match="'cat' has too few readable photos"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            photo_folder(damaged, image_size=8).split(per_class=10, test=3)

    def test_none_usable(self, folder: Path) -> None:
        for photo in folder.glob("*/*.*"):
            photo.write_text("no photo")
        with pytest.raises(DataError, match=r"36 unreadable photos.*and 31 more.*Remove or replace them"):
            photo_folder(folder, image_size=8).check()
        with pytest.raises(DataError, match="unreadable photos"):
            photo_folder(folder, image_size=8).split(per_class=4, test=6)


class TestFolders:
    """Folders that are no set of photos."""

    def test_missing_empty_or_a_file(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match="There is no folder"):
            photo_folder(tmp_path / "no")
        with pytest.raises(DataError, match=r"no class subfolders.*one subfolder a class"):
            photo_folder(tmp_path)
        (tmp_path / "photos.zip").write_bytes(b"PK")
        with pytest.raises(DataError, match=r"is a file.*Unpack it"):
            photo_folder(tmp_path / "photos.zip")

    def test_one_class_only(self, folder: Path) -> None:
        shutil.rmtree(folder / "dog")
        shutil.rmtree(folder / "emu")
        with pytest.raises(DataError, match="one class only, 'cat'"):
            photo_folder(folder)

    def test_a_class_without_photos(self, folder: Path) -> None:
        (folder / "fox").mkdir()
        (folder / "fox" / "1.heic").write_bytes(b"x")
        with pytest.raises(DataError, match="fox has no jpg, png or webp photo"):
            photo_folder(folder)

    def test_a_split_is_not_taken_for_classes(self, folder: Path) -> None:
        (folder.parent / "valid").mkdir()
        folder.rename(folder.parent / "train")
        with pytest.raises(DataError, match="are a split"):
            photo_folder(folder.parent)

    @pytest.mark.parametrize(("per_class", "test"), [(11, 9), (30, None), (2, 500)])
    def test_not_enough_photos(self, folder: Path, per_class: int, test: int | None) -> None:
        with pytest.raises(DataError, match="class 'cat' has 12 photos"):
            photo_folder(folder).split(per_class, test)

    @pytest.mark.parametrize(("per_class", "test"), [(0, 9), (12, None), (3, 0)])
    def test_no_split(self, folder: Path, per_class: int, test: int | None) -> None:
        with pytest.raises(DataError, match="no split"):
            photo_folder(folder).split(per_class, test)


class TestReading:
    """One file to pixels."""

    def save(self, path: Path, photo: Image.Image, **options: object) -> Path:
        photo.save(path, **options)
        return path

    def test_the_cameras_orientation_is_honoured(self, tmp_path: Path) -> None:
        photo = Image.new("RGB", (40, 40), "black")
        photo.paste("white", (0, 0, 40, 20))  # white above
        exif = Image.Exif()
        exif[0x0112] = 6  # turn a quarter clockwise to see it upright: white goes right
        pixels = read_photo(self.save(tmp_path / "a.jpg", photo, exif=exif), 10)
        assert pixels[:, :, :4].max() < 30 and pixels[:, :, -4:].min() > 225

    @pytest.mark.parametrize("mode", ["L", "1", "P", "LA", "RGBA", "I;16"])
    def test_every_mode_becomes_rgb(self, tmp_path: Path, mode: str) -> None:
        grey = Image.new("L", (12, 12), 255)
        photo = Image.fromarray(np.full((12, 12), 65535, np.uint16)) if mode == "I;16" else grey.convert(mode)
        pixels = read_photo(self.save(tmp_path / "a.png", photo), 6)
        assert pixels.shape == (3, 6, 6) and pixels.dtype == np.uint8 and pixels.min() == 255

    def test_sixteen_bits_keep_their_shades(self, tmp_path: Path) -> None:
        photo = Image.fromarray(np.full((8, 8), 128 * 257, np.uint16))
        assert (read_photo(self.save(tmp_path / "a.png", photo), 4) == 128).all()

    def test_what_is_transparent_is_white(self, tmp_path: Path) -> None:
        clear = Image.new("RGBA", (8, 8), (200, 0, 0, 0))
        assert read_photo(self.save(tmp_path / "a.png", clear), 4).min() == 255
        palette = Image.new("P", (8, 8), 0)
        palette.putpalette([0, 0, 0, 255, 0, 0])
        assert read_photo(self.save(tmp_path / "b.png", palette, transparency=0), 4).min() == 255

    def test_the_middle_is_kept_in_proportion(self, tmp_path: Path) -> None:
        wide = Image.new("RGB", (90, 30), "black")
        wide.paste("white", (30, 0, 60, 30))
        assert read_photo(self.save(tmp_path / "a.png", wide), 30).min() == 255

    def test_a_file_that_is_gone(self, tmp_path: Path) -> None:
        with pytest.raises(PhotoError):
            read_photo(tmp_path / "gone.jpg", 4)
