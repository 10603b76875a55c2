"""Unpacking: what is written, and archives that would write elsewhere, never end, or are broken."""

from __future__ import annotations

import gzip
import io
import random
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tlcourse import archives
from tlcourse.archives import unpack
from tlcourse.errors import ArchiveError, StorageError

FILES = {"set/cat/1.jpg": random.Random(0).randbytes(15_000), "set/dog/2.jpg": b"dog", "set/empty.txt": b""}


def tar(path: Path, *members: tarfile.TarInfo, files: dict[str, bytes] | None = None, mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, data in (files or {}).items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(data), 0o4777
            archive.addfile(info, io.BytesIO(data))
        for member in members:
            archive.addfile(member)
    return path


def zipped(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def link(kind: bytes, target: str) -> tarfile.TarInfo:
    info = tarfile.TarInfo("set/link")
    info.type, info.linkname = kind, target
    return info


@pytest.mark.parametrize(
    ("name", "mode"),
    [("a.tgz", "w:gz"), ("a.tar.gz", "w:gz"), ("a.tar", "w"), ("a.tar.xz", "w:xz"), ("a.tbz.bz2", "w:bz2")],
)
def test_a_tar_is_unpacked(tmp_path: Path, name: str, mode: str) -> None:
    folder = unpack(tar(tmp_path / name, files=FILES, mode=mode), tmp_path / "out" / "here")
    assert {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.*")} == FILES
    assert not (folder / "set/cat/1.jpg").stat().st_mode & 0o7111, "a photo is no program"


def test_a_zip_is_unpacked(tmp_path: Path) -> None:
    folder = unpack(zipped(tmp_path / "a.zip", {**FILES, "set/deep/": b""}), tmp_path / "out")
    assert (folder / "set/dog/2.jpg").read_bytes() == b"dog" and (folder / "set/deep").is_dir()


@pytest.mark.parametrize("name", ["../evil", "set/../../evil", "/tmp/evil", "C:\\evil", "set\\..\\..\\evil"])
@pytest.mark.parametrize("make", [lambda p, f: tar(p.with_suffix(".tgz"), files=f), lambda p, f: zipped(p, f)])
def test_names_that_lead_out_are_refused(tmp_path: Path, make: Callable[..., Path], name: str) -> None:
    home = tmp_path / "home"
    home.mkdir()
    archive = make(home / "a.zip", {"set/good": b"1", name: b"2"})
    with pytest.raises(ArchiveError, match="written outside its folder"):
        unpack(archive, home / "out")
    assert list(home.iterdir()) == [archive] and list(tmp_path.iterdir()) == [home]


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
@pytest.mark.parametrize("target", ["/etc", "../..", "set/dog"])
def test_links_and_devices_are_refused(tmp_path: Path, kind: bytes, target: str) -> None:
    archive = tar(tmp_path / "a.tgz", link(kind, target), files=FILES)
    with pytest.raises(ArchiveError, match="'set/link', which is a link or a device"):
        unpack(archive, tmp_path / "out")
    assert list(tmp_path.iterdir()) == [archive]


def test_a_link_in_a_zip_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        info = zipfile.ZipInfo("set/link")
        info.external_attr = 0o120777 << 16
        archive.writestr(info, "/etc")
    with pytest.raises(ArchiveError, match="a link or a device"):
        unpack(tmp_path / "a.zip", tmp_path / "out")


@pytest.mark.parametrize("second", ["set/cat/1.jpg", "set/cat/1.jpg/more"])
def test_one_name_twice_is_refused(tmp_path: Path, second: str) -> None:
    extra = tarfile.TarInfo(second)
    with pytest.raises(ArchiveError, match="twice"):
        unpack(tar(tmp_path / "a.tgz", extra, files=FILES), tmp_path / "out")


@pytest.mark.parametrize("make", [lambda p, f: tar(p.with_suffix(".tgz"), files=f), lambda p, f: zipped(p, f)])
def test_a_bomb_is_cut_short(tmp_path: Path, make: Callable[..., Path]) -> None:
    archive = make(tmp_path / "a.zip", {"zeros": bytes(3 * 2**20)})
    assert archive.stat().st_size < 2**14
    with pytest.raises(ArchiveError, match="more than 1,048,576 bytes"):
        unpack(archive, tmp_path / "out", largest=2**20)
    assert list(tmp_path.iterdir()) == [archive]


def test_a_header_that_would_fill_the_memory_is_refused(tmp_path: Path) -> None:
    header = tarfile.TarInfo("long")
    header.type, header.size = tarfile.GNUTYPE_LONGNAME, 2**32
    with gzip.open(tmp_path / "a.tgz", "wb") as file:
        file.write(header.tobuf(tarfile.GNU_FORMAT) + bytes(2**20))
    with pytest.raises(ArchiveError, match=r"a header of 4,29.* bytes"):
        unpack(tmp_path / "a.tgz", tmp_path / "out")


def test_too_many_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="more than 2 files"):
        unpack(tar(tmp_path / "a.tgz", files=FILES), tmp_path / "out", most_files=2)


def flipped(data: bytes) -> bytes:
    return data[: len(data) // 2] + bytes([data[len(data) // 2] ^ 255]) + data[len(data) // 2 + 1 :]


@pytest.mark.parametrize("damage", [flipped, lambda d: d[: len(d) // 2], lambda d: b"", lambda d: b"<html>"])
@pytest.mark.parametrize("name", ["a.tgz", "a.zip", "a.tar.xz", "a.tar.bz2"])
def test_a_damaged_archive_is_named_and_nothing_is_left(
    tmp_path: Path, name: str, damage: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / name
    zipped(path, FILES) if name == "a.zip" else tar(path, files=FILES, mode=f"w:{path.suffix[1:].replace('tgz', 'gz')}")
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ArchiveError, match=name) as caught:
        unpack(path, tmp_path / "out")
    assert caught.value.cure and list(tmp_path.iterdir()) == [path]


def test_a_broken_header_in_the_middle_is_not_taken_for_the_end(tmp_path: Path) -> None:
    path = tar(tmp_path / "a.tar", files={"1": b"x" * 512, "2": b"y" * 512}, mode="w")
    data = bytearray(path.read_bytes())
    data[1024:1034] = b"\xff" * 10
    path.write_bytes(data)
    with pytest.raises(ArchiveError, match="lies after its end"):
        unpack(path, tmp_path / "out")


def test_what_is_no_archive_or_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "a.rar").write_bytes(b"Rar!")
    with pytest.raises(ArchiveError, match="no archive that this course unpacks"):
        unpack(tmp_path / "a.rar", tmp_path / "out")
    with pytest.raises(ArchiveError, match="There is no archive"):
        unpack(tmp_path / "no.tgz", tmp_path / "out")


def test_a_folder_that_is_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with pytest.raises(StorageError, match="out"):
        unpack(tar(tmp_path / "a.tgz", files=FILES), tmp_path / "out")
    assert archives.LARGEST > 0 and list((tmp_path / "out").iterdir()) == []
