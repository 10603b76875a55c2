"""The learner's own copies of the lessons, and how a newer release reaches them without losing work.

`workspace/` at the course's root is not under version control. Its manifest holds, for each file, the SHA-256
of what was handed out: a copy that still has it is untouched and may be replaced, any other is the learner's.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from pathlib import Path

from tlcourse import storage
from tlcourse.authoring.course import Lesson, lessons

FOLDER = "workspace"
MANIFEST = ".tlcourse.json"
_SCHEMA = 1
# Made by Jupyter and Python beside a notebook; never part of a lesson.
_LEFTOVERS = {".ipynb_checkpoints", "__pycache__"}


class Kind(Enum):
    """What `update` did with one file."""

    NEW = "new"
    RESTORED = "restored"
    UPDATED = "updated"
    KEPT = "kept"


@dataclass(frozen=True)
class Change:
    """One file of one lesson that `update` wrote, or left alone although the release has another one."""

    lesson: str
    file: str
    kind: Kind

    def __str__(self) -> str:
        if self.kind is Kind.KEPT:
            return (
                f"{self.file}: yours is kept. The course has a newer version: "
                f"`tlcourse reset {self.lesson}` gives it to you and keeps yours beside it."
            )
        told = {
            Kind.NEW: "new",
            Kind.RESTORED: "was missing, copied again",
            Kind.UPDATED: "updated (you had not changed it)",
        }
        return f"{self.file}: {told[self.kind]}"


@dataclass(frozen=True)
class Reset:
    """One file that `reset` made clean; `kept` is where the learner's version went, if there was one."""

    file: Path
    kept: Path | None


def update(root: Path, workspace: Path) -> list[Change]:
    """Bring `workspace` up to the released lessons of the course at `root`.

    Nothing that a learner changed or added is touched, and a file that stands as it should is not listed.

    Raises:
        StorageError: the disk is full or the folder may not be written.
    """
    storage.make_folder(workspace)
    with storage.locked(workspace / MANIFEST):
        handed_out = _read_manifest(workspace)
        changes = []
        try:
            for lesson in released(root):
                for name, source in _files(lesson):
                    kind = _bring_up_to_date(name, source, workspace / name, handed_out)
                    if kind is not None:
                        changes.append(Change(lesson.name, name, kind))
        finally:
            _write_manifest(workspace, handed_out)
    return changes


def reset(lesson: Lesson, workspace: Path, now: datetime | None = None) -> list[Reset]:
    """Give a clean copy of `lesson`, keeping each file that differs beside it under a name with the time.

    Returns:
        One entry for each file that was not clean; none if all were.

    Raises:
        StorageError: the disk is full or the folder may not be written; the learner's file is still there.
    """
    moment = now or datetime.now()
    storage.make_folder(workspace)
    with storage.locked(workspace / MANIFEST):
        handed_out = _read_manifest(workspace)
        done = []
        for name, source in _files(lesson):
            copy, release = workspace / name, source.read_bytes()
            mine = _content(copy)
            if mine != release:
                kept = None if mine is None else _keep(copy, mine, moment)
                storage.write_bytes(copy, release)
                done.append(Reset(copy, kept))
            handed_out[name] = storage.sha256(source)
        _write_manifest(workspace, handed_out)
    return done


def released(root: Path) -> list[Lesson]:
    """The lessons that learners can open: those whose notebook has been built."""
    return [lesson for lesson in lessons(root) if lesson.release.is_file()]


def notebook(lesson: Lesson, workspace: Path) -> Path:
    """The learner's copy of the lesson's notebook."""
    return workspace / lesson.name / lesson.release.name


def _bring_up_to_date(name: str, source: Path, copy: Path, handed_out: dict[str, str]) -> Kind | None:
    release, before = storage.sha256(source), handed_out.get(name)
    mine = _digest(copy)
    if mine == release:
        handed_out[name] = release
        return None
    if mine is None or mine == before:
        storage.write_bytes(copy, source.read_bytes())
        handed_out[name] = release
        if mine is not None:
            return Kind.UPDATED
        return Kind.NEW if before is None else Kind.RESTORED
    # The learner's. One whose origin the manifest has lost is noted as today's release: it still counts as
    # changed, and the learner hears of it this once and not on every start.
    handed_out.setdefault(name, release)
    return None if before == release else Kind.KEPT


def _files(lesson: Lesson) -> Iterator[tuple[str, Path]]:
    """The files of a released lesson, each with its name relative to the workspace."""
    folder = lesson.release.parent
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if path.is_file() and not _LEFTOVERS.intersection(parts):
            yield "/".join((lesson.name, *parts)), path


def _digest(copy: Path) -> str | None:
    with storage.disk_errors(copy):
        return storage.sha256(copy) if copy.exists() else None


def _content(copy: Path) -> bytes | None:
    with storage.disk_errors(copy):
        return copy.read_bytes() if copy.exists() else None


def _keep(copy: Path, content: bytes, moment: datetime) -> Path:
    """Write `content` beside `copy` under a name that nothing has yet."""
    stem, number = f"{copy.stem}.kept-{moment:%Y%m%d-%H%M%S}", 1
    kept = copy.with_name(stem + copy.suffix)
    while kept.exists():
        number += 1
        kept = copy.with_name(f"{stem}-{number}{copy.suffix}")
    storage.write_bytes(kept, content)
    return kept


def _read_manifest(workspace: Path) -> dict[str, str]:
    """What was handed out. A missing or damaged manifest gives nothing: every copy is then the learner's."""
    try:
        found = json.loads((workspace / MANIFEST).read_text(encoding="utf-8"))
        files = found["files"] if found["schema"] == _SCHEMA else {}
        return {name: digest for name, digest in files.items() if isinstance(digest, str)}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return {}


def _write_manifest(workspace: Path, handed_out: dict[str, str]) -> None:
    text = json.dumps({"schema": _SCHEMA, "files": dict(sorted(handed_out.items()))}, indent=1)
    storage.write_text(workspace / MANIFEST, text + "\n")
