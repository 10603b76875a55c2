"""What a class keeps of the folders that learners bring to the capstone: labels, out of every kernel's sight."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from tlcourse import storage
from tlcourse.errors import CourseError

_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,60}", re.ASCII)


def of_class(root: Path) -> dict[str, Any]:
    """All that a class keeps, by the folder's name; see `tlcourse.grading.holding_out`.

    Args:
        root: the class's folder.

    Raises:
        CourseError: a file is damaged or may not be read.
    """
    return {path.stem: _read(path) for path in sorted(_folder(root).glob("*.json"))}


def keep(root: Path, name: str, kept: dict[str, Any]) -> Path:
    """Keep what belongs to one folder, where only this user may read it.

    Args:
        root: the class's folder.
        name: what learners call the folder by.
        kept: JSON data.

    Returns:
        the file.

    Raises:
        CourseError: the name is none, or the class keeps something under it already.
        StorageError: the disk refuses.
    """
    path = insist_on_new(root, name)
    storage.make_folder(path.parent)
    with storage.disk_errors(path):
        path.parent.chmod(0o700)
    storage.write_text(path, json.dumps(kept, indent=1, sort_keys=True) + "\n")
    return path


def insist_on_new(root: Path, name: str) -> Path:
    """The file for a folder of this name.

    Raises:
        CourseError: the name is none, or the class keeps something under it already.
    """
    if not _NAME.fullmatch(name):
        raise CourseError(f"{name!r} is no name for a folder.", "Use letters, digits, `-`, `_` and `.` with --name.")
    path = _folder(root) / f"{name}.json"
    if path.exists():
        raise CourseError(
            f"The class holds labels of a folder {name!r} already; learners may have its pictures.",
            f"Give it another name with --name, or delete {path} first.",
        )
    return path


def _folder(root: Path) -> Path:
    return root / ".tlcourse" / "held-out"


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CourseError(
            f"The class's file {path} cannot be read: {error}.", "Restore it from a copy, or hold the folder out again."
        ) from None
