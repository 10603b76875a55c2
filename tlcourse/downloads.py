"""Downloads that survive a bad network: checked, resumed, tried again, from mirrors, and placed whole or not at all.

A file is fetched into `NAME.part` beside its place, and takes its name only when it is complete and its checksum is
right. What has come is kept when a connection breaks, and the next try asks for the rest.
"""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import random
import re
import shutil
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from email.message import Message
from http.client import HTTPException
from pathlib import Path
from typing import IO
from urllib.parse import unquote, urlsplit
from urllib.response import addinfourl

from tlcourse import storage
from tlcourse.errors import DownloadError

MIB = 2**20
LARGEST = 4 * 2**30
"""Bytes that a file of unknown size may have."""

Report = Callable[[int, int | None], None]

_log = logging.getLogger(__name__)
_CHUNK = 2**16
# What a server may say and mean "later".
_LATER = frozenset({408, 425, 429, 500, 502, 503, 504})
# A try that brings this much was no failure: a slow line may break as often as it likes.
_PROGRESS = MIB
_SLOWEST = 1024
"""Bytes that must come in each `timeout`; a server that sends less has stalled."""


@dataclass(frozen=True)
class Expected:
    """What is known of a file before it comes.

    Args:
        size: in bytes.
        sha256: in hexadecimal, or its first eight digits or more.
        md5: of the whole file, as older publishers give it. It tells damage, not a forger's work.
        md5_start: of the first MiB, which is what fastai knows of its datasets, along with the size.
    """

    size: int | None = None
    sha256: str | None = None
    md5: str | None = None
    md5_start: str | None = None

    @property
    def certain(self) -> bool:
        """Whether every byte is checked, so that parts of the file may come from anywhere and at any time."""
        return bool(self.sha256 or self.md5)

    def fault(self, path: Path) -> str | None:
        """Why `path` is not the file expected; None if it is, or nothing is known."""
        if self.size is not None and path.stat().st_size != self.size:
            return f"it has {path.stat().st_size:,} bytes, not {self.size:,}"
        if self.sha256 and not storage.sha256(path).startswith(self.sha256.lower()):
            return f"its SHA-256 is not {self.sha256}"
        if self.md5 and _md5(path) != self.md5.lower():
            return f"its MD5 is not {self.md5}"
        if self.md5_start and _md5(path, MIB) != self.md5_start.lower():
            return f"the MD5 of its first MiB is not {self.md5_start}"
        return None


@dataclass(frozen=True)
class Patience:
    """How long to go on trying.

    Args:
        tries: of one address, in a row, that bring next to nothing.
        timeout: seconds in which something must come.
        wait: seconds before the second try; doubled before each one after it, a little at random.
        longest_wait: seconds that a wait may have, whatever the server asks for.
    """

    tries: int = 5
    timeout: float = 20.0
    wait: float = 0.5
    longest_wait: float = 30.0

    def pause(self, failures: int, asked: float | None) -> float:
        """Seconds to wait after that many failures in a row; `asked` is the server's own wish."""
        backoff = self.wait * 2 ** (failures - 1) * random.uniform(0.5, 1.5)
        return min(self.longest_wait, max(backoff, asked or 0.0))


def fetch(
    urls: str | Sequence[str],
    path: str | Path,
    expected: Expected | None = None,
    *,
    largest: int = LARGEST,
    patience: Patience | None = None,
    report: Report | None = None,
) -> Path:
    """Have a file at `path`, from the first address that gives it whole; one that is there and right is kept.

    `TLCOURSE_MIRRORS` names addresses or local folders, separated by spaces, that are tried first: each is asked
    for the file's own name.

    Args:
        urls: one address or several with the same file (http, https, or a local file), in the order to be tried.
        path: where the file shall be; its folder is made.
        expected: its size and checksum, as far as they are known.
        largest: bytes after which a file of unknown size is refused.
        patience: how often and how long to try.
        report: called with the bytes so far, and with those in all if that is known.

    Returns:
        `path`.

    Raises:
        DownloadError: no address gave the file; the message says of each why not.
        StorageError: the disk refuses it.
    """
    path, expected = Path(path).expanduser(), expected or Expected()
    addresses = [*_mirrored(path.name), *([urls] if isinstance(urls, str) else urls)]
    with storage.locked(path, timeout=3600):  # two notebooks that want the same file fetch it once
        if path.is_file() and expected.fault(path) is None:
            return path
        whys = []
        for address in addresses:
            source = _Source(address, path, expected, largest, patience or Patience(), report)
            if (why := source.fetch()) is None:
                return path
            whys.append(f"{address}: {why}")
    raise DownloadError(
        f"{path.name} cannot be downloaded ({'; '.join(whys)}).",
        f"Connect to the internet and run this again (what has come is kept), or fetch the file elsewhere and put it "
        f"at {path}, or in a folder that TLCOURSE_MIRRORS names.",
    )


class _GiveUp(Exception):
    """This address will not give the file, however often it is asked."""


class _TryAgain(Exception):
    """It might, the next time.

    `after`: seconds that the server asks us to wait. `hopeful`: whether more than a second try is worth the wait.
    """

    def __init__(self, why: str, after: float | None = None, hopeful: bool = True) -> None:
        super().__init__(why)
        self.after, self.hopeful = after, hopeful


@dataclass
class _Source:
    """One address, and the file that comes from it."""

    address: str
    path: Path
    expected: Expected
    largest: int
    patience: Patience
    report: Report | None
    part: Path = field(init=False)
    note: Path = field(init=False)

    def __post_init__(self) -> None:
        self.part = self.path.with_name(self.path.name + ".part")
        # What the server calls the version that lies in `part`: without a checksum, only the same may be continued.
        self.note = self.path.with_name(self.path.name + ".part.version")

    def fetch(self) -> str | None:
        """Try until the file is there or patience ends; why it is not there, or None."""
        failures, most = 0, self._have()
        while True:
            try:
                self._attempt()
                return None
            except _GiveUp as end:
                return str(end)
            except _TryAgain as again:
                # Compared with the most there ever was: a server that sends, then spoils, is not asked for ever.
                progress = self._have() - most >= _PROGRESS
                failures, most = (1 if progress else failures + 1), max(most, self._have())
                if failures >= (self.patience.tries if again.hopeful else min(2, self.patience.tries)):
                    return f"{again}, {failures} times in a row" if failures > 1 else str(again)
                pause = self.patience.pause(failures, again.after)
                _log.info("%s: %s; again in %.1f s", self.address, again, pause)
                time.sleep(pause)

    def _attempt(self) -> None:
        if (local := _local(self.address)) is not None:
            self._copy(local)
            return
        self._download()
        if why := self._place():
            raise _TryAgain(why)

    def _copy(self, local: Path) -> None:
        if not local.is_file():
            raise _GiveUp("there is no such file")
        self._check_room(local.stat().st_size)
        with storage.disk_errors(self.path):
            shutil.copyfile(local, self.part)
        if why := self._place():
            raise _GiveUp(why)  # it would be the same again

    def _download(self) -> None:
        start = self._have()
        with closing(self._open(start)) as answer:
            headers = answer.headers
            if headers.get("Content-Encoding", "identity") != "identity":
                raise _GiveUp("the server sends the file in another encoding than its own")
            if start and answer.status != 206:
                start = 0  # the server sends everything again
            if start and _range_start(headers) != start:
                self._discard()
                raise _TryAgain("the server sent another part than the one asked for")
            total = self._total(headers, start)
            self._remember(headers)
            have = self._save(answer, start, total)
        if total is not None and have < total:
            raise _TryAgain(f"the connection ended after {have:,} of {total:,} bytes")

    def _open(self, start: int) -> addinfourl:
        request = urllib.request.Request(
            self.address, headers={"Accept-Encoding": "identity", "User-Agent": "tlcourse"}
        )
        if start:
            request.add_header("Range", f"bytes={start}-")
            if not self.expected.certain:
                request.add_header("If-Range", self.note.read_text(encoding="utf-8"))
        try:
            return _opener().open(request, timeout=self.patience.timeout)
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == 416:  # nothing lies beyond what we have: it was another file, or one that is complete
                self._discard()
                raise _TryAgain("the server has no such part of the file") from None
            if error.code in _LATER:
                raise _TryAgain(
                    f"the server answers {error.code} {error.reason}", _retry_after(error.headers)
                ) from None
            raise _GiveUp(f"the server answers {error.code} {error.reason}") from None
        except (OSError, HTTPException) as error:  # urllib's own errors are OSErrors
            raise _TryAgain(_reason(error), hopeful=not _unreachable(error)) from error
        except ValueError as error:
            raise _GiveUp(f"this is no address ({error})") from error

    def _total(self, headers: Message, start: int) -> int | None:
        """Bytes of the whole file, as the server says; refused if that is too many or not what is expected."""
        told = headers.get("Content-Length", "")
        total = start + int(told) if told.isdigit() else None
        wanted = self.expected.size
        if total is not None and wanted is not None and total != wanted:
            self._discard()
            raise _GiveUp(f"the file there has {total:,} bytes, not {wanted:,}")
        if total is not None and total > self.largest:
            raise _GiveUp(f"it has {total:,} bytes, and more than {self.largest:,} are not accepted")
        self._check_room((total or wanted or 0) - start)
        return total if total is not None else wanted

    def _check_room(self, needed: int) -> None:
        free = shutil.disk_usage(storage.make_folder(self.path.parent)).free
        if needed > free:
            raise DownloadError(
                f"{self.path.name} needs {needed / MIB:,.0f} MiB in {self.path.parent}, which has {free / MIB:,.0f}.",
                "Free some space, or set TLCOURSE_CACHE to a folder on a larger disk.",
            )

    def _save(self, answer: IO[bytes], start: int, total: int | None) -> int:
        """Write what comes; gives the bytes that there are now."""
        limit, have = total if total is not None else self.largest, start
        with storage.disk_errors(self.path), self.part.open("ab" if start else "wb") as file:
            for chunk in self._chunks(answer):
                have += len(chunk)
                if have > limit:
                    file.close()
                    self._discard()
                    raise _GiveUp(f"it sends more than {limit:,} bytes")
                file.write(chunk)
                if self.report:
                    self.report(have, total)
        return have

    def _chunks(self, answer: IO[bytes]) -> Iterator[bytes]:
        """What comes, as it comes; a stall is an error even where a byte drips now and then."""
        since, came = time.monotonic(), 0
        while True:
            try:
                chunk = answer.read1(_CHUNK)  # type: ignore[attr-defined]
            except (OSError, HTTPException, ValueError) as error:
                raise _TryAgain(_reason(error)) from error
            if not chunk:
                return
            yield chunk
            came += len(chunk)
            if time.monotonic() - since > self.patience.timeout:
                if came < _SLOWEST:
                    raise _TryAgain(f"the server sent {came} bytes in {self.patience.timeout:.0f} s")
                since, came = time.monotonic(), 0

    def _place(self) -> str | None:
        """Give the complete file its name, or say why it is not the right one and throw it away."""
        if why := self.expected.fault(self.part):
            page = " (what came is a web page)" if _is_page(self.part) else ""
            self._discard()
            return f"the file that came is damaged or another: {why}{page}"
        with storage.disk_errors(self.path):
            self.part.replace(self.path)
        self.note.unlink(missing_ok=True)
        return None

    def _have(self) -> int:
        """Bytes that can be continued: none without a checksum, or a version that the server can compare."""
        if not self.part.is_file() or not (self.expected.certain or self.note.is_file()):
            return 0
        size = self.part.stat().st_size
        return size if self.expected.size is None or size <= self.expected.size else 0

    def _remember(self, headers: Message) -> None:
        version = headers.get("ETag") or headers.get("Last-Modified")
        if version and not version.startswith("W/"):  # a weak tag does not promise the same bytes
            self.note.write_text(version, encoding="utf-8")
        else:
            self.note.unlink(missing_ok=True)

    def _discard(self) -> None:
        self.part.unlink(missing_ok=True)
        self.note.unlink(missing_ok=True)


class _SafeRedirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects, but never from an encrypted address to one that anybody on the way can change."""

    def redirect_request(self, req, fp, code, msg, headers, newurl):  # type: ignore[no-untyped-def]
        if urlsplit(req.full_url).scheme == "https" and urlsplit(newurl).scheme != "https":
            raise _GiveUp(f"the server sends us on to {newurl}, which is not encrypted")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _opener() -> urllib.request.OpenerDirector:
    return urllib.request.build_opener(_SafeRedirects)


def _mirrored(name: str) -> list[str]:
    """Where the learner's own mirrors would have the file."""
    return [f"{mirror.rstrip('/')}/{name}" for mirror in os.environ.get("TLCOURSE_MIRRORS", "").split()]


def _local(address: str) -> Path | None:
    """The file that an address without a host, or with `file://`, names."""
    if address.startswith("file://"):
        return Path(unquote(urlsplit(address).path))
    return None if re.match(r"[a-z]+://", address) else Path(address).expanduser()


def _range_start(headers: Message) -> int | None:
    found = re.match(r"bytes (\d+)-", headers.get("Content-Range", ""))
    return int(found[1]) if found else None


def _retry_after(headers: Message) -> float | None:
    with suppress(ValueError):
        return float(headers.get("Retry-After", ""))
    return None


def _unreachable(error: Exception) -> bool:
    """Whether there is no network, no such server, or nobody at its door."""
    cause = getattr(error, "reason", error)
    return isinstance(cause, socket.gaierror | ConnectionRefusedError) or getattr(cause, "errno", None) in (
        errno.ENETUNREACH,
        errno.EHOSTUNREACH,
    )


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError) or "timed out" in str(error):
        return "nothing came for too long"
    return str(getattr(error, "reason", "")) or str(error) or type(error).__name__


def _is_page(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(64).lstrip()[:14].lower().startswith((b"<!doctype html", b"<html"))


def _md5(path: Path, first: int | None = None) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        if first is not None:
            digest.update(file.read(first))
        else:
            while chunk := file.read(MIB):
                digest.update(chunk)
    return digest.hexdigest()
