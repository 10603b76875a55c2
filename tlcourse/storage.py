"""Where files are kept, and how they are written: whole or not at all.

Two folders belong to the course on a machine. The *cache* holds what can be made again (rendered images, features,
downloads); `TLCOURSE_CACHE` moves it. The *state* holds what cannot (a learner's progress); `TLCOURSE_STATE` moves it.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO

from tlcourse.errors import BusyError, StorageError


def cache_dir() -> Path:
    """The folder for what can be made again. Nothing is created."""
    return _folder("TLCOURSE_CACHE", "user_cache_dir")


def state_dir() -> Path:
    """The folder for what must not be lost. Nothing is created."""
    return _folder("TLCOURSE_STATE", "user_state_dir")


def _folder(variable: str, kind: str) -> Path:
    if chosen := os.environ.get(variable):
        return Path(chosen).expanduser()
    import platformdirs

    return Path(getattr(platformdirs, kind)("tlcourse", appauthor=False))


def make_folder(folder: Path) -> Path:
    """Create `folder` and its parents; a StorageError says why not."""
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def atomic_file(path: Path, mode: str = "wb") -> Iterator[IO]:
    """Open a new file that takes the name `path` only once it is complete and on disk.

    A reader sees the old file or the new one, never half of either, even if this process is killed.

    Raises:
        StorageError: the disk is full, read-only, or the folder may not be written.
    """
    path = Path(path)
    make_folder(path.parent)
    with disk_errors(path):
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
        part = Path(name)
        try:
            with os.fdopen(handle, mode, encoding=None if "b" in mode else "utf-8") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            part.chmod(0o666 & ~_umask())
            part.replace(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise


def write_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all (UTF-8, line ends as given)."""
    with atomic_file(path, "w") as file:
        file.write(text)


def write_bytes(path: Path, data: bytes) -> None:
    """Write a binary file whole or not at all."""
    with atomic_file(path) as file:
        file.write(data)


@contextmanager
def replaced_folder(path: Path) -> Iterator[tuple[Path, Callable[[], None]]]:
    """Fill a new folder aside, which takes the name `path`, and an old one's place, if the body succeeds.

    Yields:
        the new folder, and what moves the old one away early, for a body that commits something else with it.

    Raises:
        StorageError: the disk refuses.
    """
    new, old = (path.with_name(f".{path.name}.{word}") for word in ("new", "old"))
    with disk_errors(path):
        # A process that was killed may have left them.
        _remove(new)
        _remove(old)
        try:
            yield make_folder(new), lambda: _move(path, old)
        except BaseException:
            if not path.exists():
                _move(old, path)
            _remove(new)
            raise
        _move(path, old)
        _move(new, path)
        _remove(old)


@contextmanager
def open_regular(path: Path) -> Iterator[BinaryIO]:
    """Open a file that anybody may have put there: no link is followed, and no pipe or device is waited for.

    Raises:
        OSError: it is no regular file, or cannot be opened.
    """
    if path.is_symlink():
        raise OSError(errno.ELOOP, "it is a link", str(path))
    with open(path, "rb", opener=_without_following) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "it is no regular file", str(path))
        yield file


def _without_following(name: str, flags: int) -> int:
    # Something else may have taken the file's place since anybody looked; Windows has neither flag.
    return os.open(name, flags | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))


@contextmanager
def locked(path: Path, timeout: float = 600) -> Iterator[None]:
    """Hold an inter-process lock that stands beside `path`.

    Raises:
        BusyError: another process held it longer than `timeout` seconds.
        StorageError: the disk refuses the lock file.
    """
    import filelock

    make_folder(path.parent)
    lock = filelock.FileLock(path.with_name(path.name + ".lock"))
    try:
        with disk_errors(path):
            lock.acquire(timeout=timeout)
    except filelock.Timeout:
        raise BusyError(
            f"Another process has held {path} for {timeout:.0f} s.",
            f"Wait for it to end, or delete {path.name}.lock beside it if nothing is running.",
        ) from None
    try:
        yield
    finally:
        lock.release()


def sha256(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


_CURES = {
    errno.ENOSPC: ("the disk is full", "Free some space"),
    errno.EDQUOT: ("your disk quota is used up", "Free some space"),
    errno.EROFS: ("the disk is read-only", "Choose a folder that can be written"),
    errno.EACCES: ("this user may not write there", "Choose a folder that can be written"),
    errno.EPERM: ("this user may not write there", "Choose a folder that can be written"),
    errno.ENOTDIR: ("a file stands where a folder is needed", "Move that file away"),
    errno.EEXIST: ("a file stands where a folder is needed", "Move that file away"),
    errno.EISDIR: ("a folder stands where a file is needed", "Move that folder away"),
    errno.ENAMETOOLONG: ("its name is too long", "Choose a shorter name"),
}


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn the system's errors about writing `path` into a StorageError with a cure; others pass."""
    try:
        yield
    except OSError as error:
        if error.errno not in _CURES:
            raise
        why, cure = _CURES[error.errno]
        raise StorageError(
            f"Cannot write {path}: {why}.",
            f"{cure}, or set TLCOURSE_CACHE and TLCOURSE_STATE to folders elsewhere, then run this again.",
        ) from error


def _move(path: Path, target: Path) -> None:
    if path.exists():
        path.rename(target)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
