"""MedMNIST's files: small ones in the publishers' format, and damaged, dangerous or other ones."""

from __future__ import annotations

import hashlib
import os
import pickle
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from loopback import good, serving

from tlcourse.downloads import Patience
from tlcourse.errors import DataError, DownloadError
from tlcourse.worlds import medmnist

medical = sys.modules[medmnist.__module__]
QUICK = Patience(tries=1, timeout=5, wait=0.01, longest_wait=0.02)


def arrays(n: int = 6, **changed: Any) -> dict[str, np.ndarray]:
    """A set as MedMNIST writes it: bytes of 28 pixels, and labels in a column."""
    found: dict[str, np.ndarray] = {}
    for part, count in (("train", n), ("val", 2), ("test", 3)):
        found[f"{part}_images"] = np.arange(count, dtype=np.uint8)[:, None, None] * np.full((28, 28), 20, np.uint8)
        found[f"{part}_labels"] = (np.arange(count, dtype=np.uint8) % 2)[:, None]
    return {**found, **changed}


def npz(folder: Path, name: str = "own", **changed: Any) -> Path:
    path = folder / f"{name}.npz"
    np.savez_compressed(path, **arrays(**changed))
    return path


def test_each_part_of_a_file(tmp_path: Path) -> None:
    path = npz(tmp_path)
    train, test = medmnist(path), medmnist(str(path), "test", size=28)
    assert train.images.shape == (6, 3, 32, 32) and test.images.shape == (3, 3, 28, 28)
    assert train.labels.tolist() == [0, 1, 0, 1, 0, 1] and train.labels.dtype == np.int64
    assert train.images[:, 0, 9, 9].tolist() == [0, 20, 40, 60, 80, 100]
    assert train.classes == ("0", "1") and train.name == "own, train"


def test_a_known_name_brings_the_classes_names(tmp_path: Path) -> None:
    assert medmnist(npz(tmp_path, "breastmnist")).classes == ("malignant", "normal or benign")


def test_colour_images_keep_their_channels(tmp_path: Path) -> None:
    colour = np.zeros((6, 28, 28, 3), np.uint8) + np.array([10, 20, 30], np.uint8)
    assert medmnist(npz(tmp_path, train_images=colour)).images[0, :, 5, 5].tolist() == [10, 20, 30]


def test_a_set_is_downloaded_once_and_checked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    content = npz(tmp_path).read_bytes()
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.delenv("TLCOURSE_MIRRORS", raising=False)
    known = (hashlib.md5(content).hexdigest(), ("normal", "pneumonia"))
    monkeypatch.setitem(medical._SETS, "pneumoniamnist", known)
    with serving(content, good) as server:
        monkeypatch.setattr(medical, "_ADDRESS", server.address)
        assert medmnist("pneumoniamnist", patience=QUICK).classes == ("normal", "pneumonia")
        assert len(medmnist("pneumoniamnist", "val", patience=QUICK)) == 2 and len(server.asked) == 1
    with serving(b"something else", good) as server:
        monkeypatch.setattr(medical, "_ADDRESS", server.address)
        with pytest.raises(DownloadError, match="MD5"):
            medmnist("breastmnist", patience=QUICK)


def test_a_file_in_a_folder_serves_without_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    content = npz(tmp_path, "breastmnist").read_bytes()
    monkeypatch.setitem(medical._SETS, "breastmnist", (hashlib.md5(content).hexdigest(), ("malignant", "other")))
    monkeypatch.setenv("TLCOURSE_MIRRORS", str(tmp_path))
    assert len(medmnist("breastmnist", "test", patience=QUICK)) == 3


class Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, ("touch pwned",)


def test_python_objects_are_never_unpickled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    objects = np.empty(6, object)
    objects[:] = [Evil() for _ in range(6)]
    path = npz(tmp_path)
    with zipfile.ZipFile(path, "w") as archive, archive.open("train_images.npy", "w") as file:
        np.lib.format.write_array(file, objects, allow_pickle=True)
    with pytest.raises(DataError, match="train_images holds Python objects, which could run code"):
        medmnist(path)
    path.write_bytes(pickle.dumps(Evil()))
    with pytest.raises(DataError, match=r"damaged or no \.npz file"):
        medmnist(path)
    assert not (tmp_path / "pwned").exists()


def test_damage_is_noticed(tmp_path: Path) -> None:
    path = npz(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=r"damaged or no \.npz file.*Get the file again"):
        medmnist(path)
    at = whole.index(b"train_images.npy") + 60
    path.write_bytes(whole[:at] + bytes(byte ^ 255 for byte in whole[at : at + 8]) + whole[at + 8 :])
    with pytest.raises(DataError, match=r"damaged|cannot be read"):
        medmnist(path)


def test_a_file_that_unpacks_to_too_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(medical, "LARGEST", 1000)
    with pytest.raises(DataError, match=r"unpacks to .* at most 1,000"):
        medmnist(npz(tmp_path))


WRONG = {
    "volumes": ({"train_images": np.zeros((6, 28, 28, 28), np.uint8)}, r"\(6, 28, 28, 28\), not bytes of shape"),
    "fractions": ({"train_images": np.zeros((6, 28, 28))}, "train_images is float64"),
    "no image": ({"train_images": np.zeros((0, 28, 28), np.uint8)}, r"shape \(0, 28, 28\)"),
    "many labels": ({"train_labels": np.zeros((6, 14), np.uint8)}, r"\(6, 14\), not one whole number.*fourteen"),
    "too few labels": ({"train_labels": np.zeros((5, 1), np.uint8)}, "for each of 6 images"),
    "labels that are no numbers": ({"train_labels": np.array([["a"]] * 6)}, "train_labels is <U1"),
}


@pytest.mark.parametrize("case", WRONG)
def test_other_formats_are_refused_with_a_reason(tmp_path: Path, case: str) -> None:
    changed, why = WRONG[case]
    with pytest.raises(DataError, match=why):
        medmnist(npz(tmp_path, **changed))


def test_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no set and no file 'chestmnist'.*breastmnist or pneumoniamnist"):
        medmnist("chestmnist")
    with pytest.raises(DataError, match="no part 'valid'"):
        medmnist(npz(tmp_path), "valid")
    np.savez(tmp_path / "other.npz", x=np.zeros(3))
    with pytest.raises(DataError, match="has no train_images; it holds x"):
        medmnist(tmp_path / "other.npz")
    with pytest.raises(DataError, match="labels from 0 to 7, but breastmnist has 2 classes"):
        medmnist(npz(tmp_path, "breastmnist", train_labels=np.array([0, 1, 0, 1, 0, 7])))
