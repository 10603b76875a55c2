"""Unpacking archives from elsewhere: every file stays in its folder, none is a link, and a bomb is cut short."""

from __future__ import annotations

import bz2
import errno
import gzip
import lzma
import re
import shutil
import stat
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any

from tlcourse import storage
from tlcourse.errors import ArchiveError

MOST_FILES = 500_000
LARGEST = 20 * 2**30
"""Bytes that an archive may hold when unpacked."""

_CHUNK = 2**20
_AGAIN = "Delete it and download it again."
_DISTRUST = "Do not use it: an archive of photos has no such thing."
_OPENERS: dict[str, Callable[..., Any]] = {
    ".tgz": gzip.open,
    ".gz": gzip.open,
    ".bz2": bz2.open,
    ".xz": lzma.open,
    ".tar": open,
}


def unpack(archive: str | Path, folder: str | Path, *, largest: int = LARGEST, most_files: int = MOST_FILES) -> Path:
    """Unpack a `.zip`, `.tar`, `.tgz`, `.tar.gz`, `.tar.bz2` or `.tar.xz` into a new folder, whole or not at all.

    Only plain files and folders are made, with names below `folder` and the permissions of new files. What is
    unpacked is counted as it comes, whatever the archive says of itself.

    Args:
        archive: the file.
        folder: made by this; nothing may stand there.
        largest: bytes that all files may have together.
        most_files: files and folders that there may be.

    Returns:
        `folder`.

    Raises:
        ArchiveError: the archive is damaged, too large, no archive, or has a name that leads out of the folder, a
            link, a device, or one name twice. Nothing is left behind.
        StorageError: the disk refuses the files, or something stands at `folder`.
    """
    archive, folder = Path(archive).expanduser(), Path(folder).expanduser()
    storage.make_folder(folder.parent)
    with storage.disk_errors(folder):
        if folder.exists():
            raise FileExistsError(17, "exists", str(folder))
        part = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name[:80]}.", suffix=".part"))
        try:
            with _damage(archive):
                members = _zip_members if archive.suffix.lower() == ".zip" else _tar_members
                _write(archive, members(archive, largest), part, largest, most_files)
            part.chmod(0o755)
            part.rename(folder)
        finally:
            shutil.rmtree(part, ignore_errors=True)  # gone already where all went well
    return folder


Member = tuple[str, IO[bytes] | None]
"""A name and what the file holds; None for a folder."""


def _write(archive: Path, members: Iterator[Member], folder: Path, largest: int, most_files: int) -> None:
    total = 0
    for number, (name, content) in enumerate(members, start=1):
        if number > most_files:
            raise ArchiveError(f"{archive} holds more than {most_files:,} files.", _DISTRUST)
        target = folder / _inside(archive, name)
        try:
            (target if content is None else target.parent).mkdir(parents=True, exist_ok=True)
            file = target.open("xb") if content is not None else None
        except (FileExistsError, NotADirectoryError):
            raise ArchiveError(f"{archive} holds {name!r} twice.", _DISTRUST) from None
        if content is None or file is None:
            continue
        with file, content:
            while chunk := content.read(_CHUNK):
                total += len(chunk)
                if total > largest:
                    raise ArchiveError(f"{archive} holds more than {largest:,} bytes.", _DISTRUST)
                file.write(chunk)


def _inside(archive: Path, name: str) -> PurePosixPath:
    """The name as a path below the folder; refused if it leads out of it on any system."""
    path = PurePosixPath(name)
    parts = [part for part in path.parts if part != "."]
    # A backslash and a drive's letter lead elsewhere on Windows only, but nobody's archive needs them.
    if path.is_absolute() or ".." in parts or re.search(r"\\|\0|^[A-Za-z]:", name):
        raise ArchiveError(f"{archive} holds {name!r}, which would be written outside its folder.", _DISTRUST)
    return PurePosixPath(*parts)


def _tar_members(archive: Path, largest: int) -> Iterator[Member]:
    opener = _OPENERS.get(archive.suffix.lower())
    if opener is None:
        raise ArchiveError(f"{archive} is no archive that this course unpacks.", "Give a .zip, .tar, .tgz or .tar.gz.")
    with opener(archive, "rb") as stream:
        bounded = _Bounded(stream, archive, largest)
        with tarfile.open(fileobj=bounded, mode="r:") as tar:  # type: ignore[call-overload]
            while (member := tar.next()) is not None:
                if not (member.isfile() or member.isdir()):
                    raise ArchiveError(f"{archive} holds {member.name!r}, which is a link or a device.", _DISTRUST)
                yield member.name, None if member.isdir() else tar.extractfile(member)
                tar.members.clear()  # it would keep every header
            # tarfile takes a damaged header for the end; and a compressed file's checksum stands at its very end.
            while chunk := bounded.read(_CHUNK):
                if chunk.strip(b"\0"):
                    raise tarfile.ReadError("something lies after its end")


def _zip_members(archive: Path, largest: int) -> Iterator[Member]:
    with zipfile.ZipFile(archive) as opened:
        for member in opened.infolist():
            kind = stat.S_IFMT(member.external_attr >> 16)
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise ArchiveError(f"{archive} holds {member.filename!r}, which is a link or a device.", _DISTRUST)
            if member.flag_bits & 1:
                raise ArchiveError(f"{archive} is locked with a password.", "Unpack it yourself, then give the folder.")
            yield member.filename, None if member.is_dir() else opened.open(member)


class _Bounded:
    """A stream that gives so many bytes and no more, and never many at once: tarfile reads a header whole."""

    def __init__(self, stream: IO[bytes], archive: Path, largest: int) -> None:
        self.stream, self.archive = stream, archive
        # Headers and padding come on top of the files' bytes: at most 1 KiB and a little for each.
        self.end = largest + MOST_FILES * 2048

    def read(self, size: int = -1) -> bytes:
        if size < 0 or size > 4 * _CHUNK:
            raise ArchiveError(f"{self.archive} has a header of {size:,} bytes.", _DISTRUST)
        self._check(self.stream.tell() + size)
        return self.stream.read(size)

    def seek(self, position: int, whence: int = 0) -> int:
        self._check(position)
        return self.stream.seek(position, whence)

    def tell(self) -> int:
        return self.stream.tell()

    def seekable(self) -> bool:
        return True

    def _check(self, position: int) -> None:
        if position > self.end:
            raise ArchiveError(f"{self.archive} holds more than {self.end:,} bytes.", _DISTRUST)


@contextmanager
def _damage(archive: Path) -> Iterator[None]:
    """Turn what the readers raise for a broken archive into an ArchiveError."""
    try:
        yield
    except FileNotFoundError as error:
        raise ArchiveError(f"There is no archive {archive}.", "Check the path.") from error
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, gzip.BadGzipFile) as error:
        raise ArchiveError(f"{archive} is damaged, cut short or no archive ({error}).", _AGAIN) from error
    except OSError as error:  # bz2 has no error of its own
        if error.errno not in (None, errno.ENAMETOOLONG):
            raise
        raise ArchiveError(f"{archive} is damaged or no archive ({error}).", _AGAIN) from error
    except (NotImplementedError, UnicodeError, ValueError, RuntimeError) as error:
        raise ArchiveError(f"{archive} cannot be unpacked ({error}).", _AGAIN) from error
