"""Files are written whole or not at all, and a disk that refuses one says so."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tlcourse import storage
from tlcourse.errors import StorageError


def parts(folder: Path) -> list[Path]:
    return list(folder.glob(".*.part"))


def test_a_file_is_written_with_its_folders(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "text.txt"
    storage.write_text(path, "häl\nlo")
    assert path.read_bytes() == "häl\nlo".encode()
    storage.write_bytes(path, b"\x00\r\n")
    assert path.read_bytes() == b"\x00\r\n"


def test_an_exception_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    storage.write_text(path, "old")
    with pytest.raises(ZeroDivisionError), storage.atomic_file(path, "w") as file:
        file.write("half of the new")
        raise ZeroDivisionError
    assert path.read_text() == "old"
    assert not parts(tmp_path)


def test_a_reader_never_sees_half_a_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    storage.write_text(path, "old")
    with storage.atomic_file(path, "w") as file:
        file.write("new")
        file.flush()
        assert path.read_text() == "old"
    assert path.read_text() == "new"


@pytest.mark.parametrize(
    ("code", "words"),
    [(errno.ENOSPC, "the disk is full"), (errno.EDQUOT, "quota"), (errno.EROFS, "read-only")],
)
def test_a_disk_that_refuses_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, words: str) -> None:
    path = tmp_path / "file"
    storage.write_text(path, "old")

    def refuse(_handle: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(StorageError, match=words) as caught:
        storage.write_text(path, "new")
    assert str(path) in caught.value.fault
    assert "TLCOURSE_CACHE" in caught.value.cure
    assert path.read_text() == "old"
    assert not parts(tmp_path)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's /dev/full")
def test_a_real_full_device_is_named(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="the disk is full"), storage.disk_errors(tmp_path):
        Path("/dev/full").write_text("x")


def test_a_file_where_a_folder_is_needed(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(StorageError, match="a file stands where a folder is needed"):
        storage.write_text(tmp_path / "taken" / "file", "x")


@pytest.mark.skipif(os.name == "nt", reason="Windows counts characters")
def test_a_name_may_have_as_many_bytes_as_the_system_allows(tmp_path: Path) -> None:
    path = tmp_path / ("\U0001f600" * 63 + "abc")
    storage.write_text(path, "x")
    assert path.read_text() == "x"
    with pytest.raises(StorageError, match="its name is too long"):
        storage.write_text(tmp_path / ("a" * 256), "x")
    assert not parts(tmp_path)


def test_a_folder_is_replaced_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    storage.write_text(folder / "old", "x")
    with pytest.raises(ZeroDivisionError), storage.replaced_folder(folder) as (new, move_old_away):
        storage.write_text(new / "half of the new", "x")
        move_old_away()
        raise ZeroDivisionError
    assert [path.name for path in tmp_path.rglob("*")] == ["folder", "old"]
    storage.write_text(tmp_path / ".folder.new" / "left by a killed process", "x")
    with storage.replaced_folder(folder) as (new, _):
        storage.write_text(new / "new", "x")
    assert [path.name for path in tmp_path.rglob("*")] == ["folder", "new"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
class TestOnlyRegularFilesAreOpened:
    @pytest.fixture(params=["pipe", "link", "device", "folder"])
    def strange(self, request: pytest.FixtureRequest, tmp_path: Path) -> Path:
        path = tmp_path / "strange"
        if request.param == "pipe":
            os.mkfifo(path)
        elif request.param == "folder":
            path.mkdir()
        elif request.param == "link":
            path.symlink_to(__file__)
        else:
            path = Path("/dev/zero")
        return path

    def test_nothing_else_is_waited_for_or_followed(self, strange: Path) -> None:
        with pytest.raises(OSError, match=r"link|regular|directory"), storage.open_regular(strange):
            pass

    def test_not_even_what_takes_a_file_s_place_meanwhile(self, strange: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Path, "is_symlink", lambda path: False)
        with pytest.raises(OSError, match=r"link|regular|directory"), storage.open_regular(strange):
            pass

    def test_a_regular_one_is(self, tmp_path: Path) -> None:
        storage.write_text(tmp_path / "file", "x")
        with storage.open_regular(tmp_path / "file") as file:
            assert file.read() == b"x"


def test_other_errors_pass(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="odd"), storage.disk_errors(tmp_path):
        raise OSError(errno.EIO, "odd")


def test_permissions_follow_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        storage.write_text(tmp_path / "file", "x")
    finally:
        os.umask(before)
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o640


def test_the_variables_move_the_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TLCOURSE_CACHE", str(tmp_path / "c"))
    monkeypatch.setenv("TLCOURSE_STATE", str(tmp_path / "s"))
    assert storage.cache_dir() == tmp_path / "c"
    assert storage.state_dir() == tmp_path / "s"
    assert not list(tmp_path.iterdir()), "asking creates nothing"


_HOLD = """
import sys, time
from pathlib import Path
from tlcourse import storage
with storage.locked(Path(sys.argv[1])):
    log = Path(sys.argv[1]).with_name("log")
    with log.open("a") as file:
        file.write("in ")
        file.flush()
        time.sleep(0.3)
        file.write("out ")
"""


def test_processes_hold_a_lock_in_turn(tmp_path: Path) -> None:
    holders = [subprocess.Popen([sys.executable, "-c", _HOLD, str(tmp_path / "thing")]) for _ in range(3)]
    assert [holder.wait(60) for holder in holders] == [0, 0, 0]
    assert (tmp_path / "log").read_text() == "in out " * 3


def test_a_lock_that_stays_taken_is_said(tmp_path: Path) -> None:
    path = tmp_path / "thing"
    holder = subprocess.Popen([sys.executable, "-c", _HOLD.replace("0.3", "30"), str(path)])
    try:
        while not (tmp_path / "log").exists():
            time.sleep(0.05)
        with pytest.raises(StorageError, match="Another process"), storage.locked(path, timeout=0.1):
            pass
    finally:
        holder.kill()
        holder.wait()
    with storage.locked(path, timeout=5):
        pass  # a killed holder's lock is free


def test_sha256(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert storage.sha256(tmp_path / "empty").startswith("e3b0c44298fc1c14")
