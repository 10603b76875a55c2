"""A class's secret: the seed that questions are drawn with, so that nobody can know them beforehand."""

from __future__ import annotations

import os
import secrets
import tempfile
from pathlib import Path

from tlcourse import storage
from tlcourse.errors import CourseError

_BYTES = 32


def of_class(root: Path) -> bytes:
    """The secret seed of a class, kept in `.tlcourse/seed` in its folder; drawn the first time, never overwritten.

    Args:
        root: the class's folder.

    Returns:
        32 bytes.

    Raises:
        StorageError: the folder may not be written.
        CourseError: the file is damaged or may not be read.
    """
    path = root / ".tlcourse" / "seed"
    if not path.exists():
        with storage.locked(path):
            if not path.exists():
                _draw(path)
    return _read(path)


def _draw(path: Path) -> None:
    # `mkstemp` makes files that only this user may read.
    with storage.disk_errors(path):
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".seed.", suffix=".part")
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_bytes(_BYTES))
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)


def _read(path: Path) -> bytes:
    cure = "Restore it from a copy, or delete it and grade everything again: `tlcourse grade` draws a new one."
    try:
        seed = path.read_bytes()
    except OSError as error:
        raise CourseError(f"The class's secret {path} cannot be read: {error.strerror}.", cure) from None
    if len(seed) != _BYTES:
        raise CourseError(f"The class's secret {path} is damaged: it has {len(seed)} bytes, not {_BYTES}.", cure)
    return seed
