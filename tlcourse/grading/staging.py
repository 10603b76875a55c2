"""Learners' files: from where they lie to where nbgrader looks for them, and on to a worker. No link is followed."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

from tlcourse import storage
from tlcourse.errors import NotebookError
from tlcourse.grading.submissions import Submission

LIMIT = 256 * 2**20
"""Bytes that a submission may have in all: it is held in memory and travels to a worker."""


def stage(submission: Submission, folder: Path, notebooks: Collection[str]) -> None:
    """Copy a submission to its place in the class, unless it lies there already.

    Args:
        submission: what was handed in.
        folder: the place, `submitted/LEARNER/LESSON`.
        notebooks: the names of the lesson's notebooks.

    Raises:
        NotebookError: it cannot be read, or is too large.
        StorageError: the disk refuses.
    """
    files = dict(_files(submission.folder, notebooks)) if submission.folder else {}
    # What is called otherwise was taken for the lesson's only notebook.
    name = submission.notebook.stem if submission.notebook.stem in notebooks else next(iter(notebooks))
    files[f"{name}.ipynb"] = submission.notebook
    for name, path in files.items():
        target = folder / name
        if not _same(path, target):
            storage.write_bytes(target, _content(path))


def read(folder: Path, notebooks: Collection[str]) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """What a staged submission holds.

    Args:
        folder: its place, `submitted/LEARNER/LESSON`.
        notebooks: the names of the lesson's notebooks.

    Returns:
        the notebooks by name, and the other files by relative path.

    Raises:
        NotebookError: it cannot be read, or is too large.
    """
    files = dict(_files(folder, notebooks))
    if (size := sum(path.stat().st_size for path in files.values())) > LIMIT:
        raise NotebookError(
            f"its files have {size >> 20} MB, and {LIMIT >> 20} MB is the most that is graded",
            "Ask for it without large files and outputs",
        )
    content = {name: _content(path) for name, path in files.items()}
    found = {name: content.pop(f"{name}.ipynb") for name in notebooks if f"{name}.ipynb" in content}
    return found, content


def _files(folder: Path, notebooks: Collection[str]) -> Iterator[tuple[str, Path]]:
    """The files that count: the lesson's notebooks, and all that is no notebook, no link and not hidden."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        hidden = any(part.startswith((".", "__pycache__")) for part in name.parts)
        foreign = path.suffix.lower() == ".ipynb" and name.as_posix() not in {
            f"{notebook}.ipynb" for notebook in notebooks
        }
        if path.is_file() and not path.is_symlink() and not hidden and not foreign:
            yield name.as_posix(), path


def _same(one: Path, other: Path) -> bool:
    return other.is_file() and (one.samefile(other) or _content(one) == _content(other))


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise NotebookError(f"it cannot be opened: {error.strerror}", "Check the file and its permissions") from None
