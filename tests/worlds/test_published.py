"""Published photo sets: small copies with the real ones' layout, through every way in."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
from loopback import corrupt, cut, good, serving, stall, status
from PIL import Image

from tlcourse.downloads import Expected, Patience
from tlcourse.errors import DataError, DownloadError
from tlcourse.worlds import published, published_sets

published_module = sys.modules[published.__module__]
QUICK = Patience(tries=2, timeout=5, wait=0.01, longest_wait=0.02)


def jpeg(level: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (12, 10), (level,) * 3).save(buffer, "JPEG")
    return buffer.getvalue()


def imagenette() -> dict[str, bytes]:
    """Ten classes with three photos each, two of them to train on."""
    wnids = published_module._IMAGENETTE
    return {
        f"imagenette2-160/{part}/{wnid}/{wnid}_{i}.JPEG": jpeg(20 * label + i)
        for label, wnid in enumerate(wnids)
        for part, i in (("train", 0), ("train", 1), ("val", 2))
    }


def pets(root: str = "oxford-iiit-pet/") -> dict[str, bytes]:
    """37 breeds with two photos each, and what else lies among them."""
    photos = {f"{root}images/{'Bird'[: 1 + n % 4]}_of_{n}_{i}.jpg": jpeg(6 * n + i) for n in range(37) for i in (1, 2)}
    return {**photos, f"{root}images/Abyssinian_100.mat": b"MATLAB", f"{root}annotations/list.txt": b"1"}


def tgz(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def unpacked(folder: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody's fastai folder, cache, mirrors or proxy."""
    monkeypatch.setenv("FASTAI_HOME", str(tmp_path / "fastai"))
    monkeypatch.setenv("TLCOURSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.delenv("TLCOURSE_MIRRORS", raising=False)


def published_at(monkeypatch: pytest.MonkeyPatch, name: str, *urls: str, content: bytes) -> None:
    """Make these addresses the set's own, and the content the one expected."""
    known = published_module._SETS[name]
    expected = Expected(size=len(content), md5=hashlib.md5(content).hexdigest())
    archives = tuple(published_module.Archive(url, expected) for url in urls)
    monkeypatch.setitem(published_module._SETS, name, dataclasses.replace(known, archives=archives))


def test_the_sets_are_described_as_fastai_and_torchvision_do() -> None:
    import fastai.data
    from fastai.data.external import URLs
    from torchvision.datasets import Imagenette, OxfordIIITPet

    checks = eval((Path(fastai.data.__file__).parent / "download_checks.py").read_text())
    assert published_sets() == ("imagenette_160", "imagenette_320", "pets")
    for name, url in (
        ("pets", URLs.PETS),
        ("imagenette_160", URLs.IMAGENETTE_160),
        ("imagenette_320", URLs.IMAGENETTE_320),
    ):
        first = published_module._SETS[name].archives[0]
        assert first.url == url and (first.expected.size, first.expected.md5_start) == checks[url]
        if name != "pets":
            assert (url, first.expected.md5) == Imagenette._ARCHIVES[f"{name[-3:]}px"]
    second = published_module._SETS["pets"].archives[1]
    assert (second.url, second.expected.md5) == OxfordIIITPet._RESOURCES[0]


def test_imagenette_in_a_folder_of_ones_own(tmp_path: Path) -> None:
    root = unpacked(tmp_path, imagenette()) / "imagenette2-160"
    photos = published("imagenette_160", image_size=8, folder=root)
    assert photos.classes[:3] == ("English springer", "French horn", "cassette player") and len(photos) == 30
    train, test = photos.split(per_class=2, test=10)
    assert train.images.shape == (20, 3, 8, 8) and np.bincount(test.labels).tolist() == [1] * 10


def test_pets_take_their_class_from_the_photos_name(tmp_path: Path) -> None:
    photos = published("pets", image_size=8, folder=unpacked(tmp_path, pets()) / "oxford-iiit-pet")
    assert len(photos.classes) == 37 and len(photos) == 74 and "B_of_0" in photos.classes


def test_a_download_is_unpacked_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    content = tgz(imagenette())
    with serving(content, cut(len(content) // 2), good) as server:
        published_at(monkeypatch, "imagenette_160", f"{server.address}/imagenette2-160.tgz", content=content)
        first = published("imagenette_160", image_size=8, patience=QUICK)
        again = published("imagenette_160", image_size=8, patience=QUICK)
        assert len(server.asked) == 2 and first == again and len(first) == 30
    names = {path.name for path in (tmp_path / "cache" / "published").iterdir() if path.suffix != ".lock"}
    assert names == {"imagenette2-160"}, "the archive and the pieces are gone"


def test_the_makers_own_archive_stands_in_for_fastais(monkeypatch: pytest.MonkeyPatch) -> None:
    """Oxford's has images/ at its top, where fastai's has a folder around it."""
    content = tgz(pets(root=""))
    with serving(content, status(404)) as first, serving(content, stall, good) as second:
        urls = (f"{first.address}/oxford-iiit-pet.tgz", f"{second.address}/images.tar.gz")
        published_at(monkeypatch, "pets", *urls, content=content)
        assert len(published("pets", patience=QUICK)) == 74


def test_a_copy_of_fastais_is_used_where_it_lies(tmp_path: Path) -> None:
    unpacked(tmp_path / "fastai" / "data", pets())
    assert published("pets").root == tmp_path / "fastai" / "data" / "oxford-iiit-pet"


def test_an_archive_in_a_folder_serves_without_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    content = tgz(imagenette())
    published_at(monkeypatch, "imagenette_160", "http://127.0.0.1:9/imagenette2-160.tgz", content=content)
    (tmp_path / "stick").mkdir()
    (tmp_path / "stick" / "imagenette2-160.tgz").write_bytes(content)
    monkeypatch.setenv("TLCOURSE_MIRRORS", str(tmp_path / "stick"))
    assert len(published("imagenette_160", patience=QUICK)) == 30
    assert (tmp_path / "stick" / "imagenette2-160.tgz").is_file()


@pytest.mark.parametrize("files", [{"../evil.jpg": b"1"}, {"imagenette2-160/train/cat/1.jpg": b"1"}])
def test_an_archive_with_something_else_is_refused_and_removed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, files: dict[str, bytes]
) -> None:
    content = tgz(files)
    with serving(content, good) as server:
        published_at(monkeypatch, "imagenette_160", f"{server.address}/imagenette2-160.tgz", content=content)
        with pytest.raises(DownloadError, match=r"outside its folder|does not hold"):
            published("imagenette_160", patience=QUICK)
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".lock"]


def test_no_network_and_nothing_local(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(b"x", corrupt) as server:
        published_at(monkeypatch, "pets", f"{server.address}/oxford-iiit-pet.tgz", content=b"y")
        with pytest.raises(DownloadError, match=r"Oxford-IIIT Pets .* cannot be had") as caught:
            published("pets", patience=QUICK)
    assert "folder=" in caught.value.cure and "TLCOURSE_MIRRORS" in caught.value.cure


def test_unknown_sets_and_wrong_folders(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no published set 'cifar'.*Choose one of imagenette_160"):
        published("cifar")
    with pytest.raises(DataError, match=r"holds 0 classes of pets, not 37.*that has images in it"):
        published("pets", folder=tmp_path)
