"""Learners' files: from where they lie to where nbgrader looks for them, and on to a worker. No link is followed."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

from tlcourse import storage
from tlcourse.errors import NotebookError
from tlcourse.grading.reading import label
from tlcourse.grading.submissions import Submission

LIMIT = 256 * 2**20
"""Bytes that a submission may have in all: it is held in memory and travels to a worker."""


def stage(submission: Submission, folder: Path, notebooks: Collection[str]) -> None:
    """Copy a submission to its place in the class, unless it lies there already. What lay there before is gone then.

    Args:
        submission: what was handed in.
        folder: the place, `submitted/LEARNER/LESSON`.
        notebooks: the names of the lesson's notebooks.

    Raises:
        NotebookError: it cannot be read, or is too large.
        StorageError: the disk refuses.
    """
    # What is called otherwise was taken for the lesson's only notebook.
    name = submission.notebook.stem if submission.notebook.stem in notebooks else next(iter(notebooks))
    notebook = {f"{name}.ipynb": submission.notebook}
    if submission.folder and folder.is_dir() and submission.folder.samefile(folder):
        if submission.notebook.name not in notebook:
            _write(folder, _contents(notebook.items()))
        return
    files = dict(_files(submission.folder, notebooks)) if submission.folder else {}
    handed_in = _contents((files | notebook).items())
    if not _holds(folder, notebooks, handed_in):
        with storage.replaced_folder(folder) as (new, _):
            _write(new, handed_in)


def read(folder: Path, notebooks: Collection[str]) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """What a staged submission holds.

    Args:
        folder: its place, `submitted/LEARNER/LESSON`.
        notebooks: the names of the lesson's notebooks.

    Returns:
        the notebooks by name, and the other files by relative path.

    Raises:
        NotebookError: it cannot be read, is too large, or has no notebook any more.
    """
    content = _contents(_files(folder, notebooks))
    found = {name: content.pop(f"{name}.ipynb") for name in notebooks if f"{name}.ipynb" in content}
    if not found:
        raise NotebookError("its notebook is gone", "Put it back")
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


def _contents(files: Iterable[tuple[str, Path]]) -> dict[str, bytes]:
    """What files hold, which may come and go while they are looked for and read."""
    content: dict[str, bytes] = {}
    left = LIMIT
    try:
        for name, path in files:
            content[name] = _content(path, left)
            left -= len(content[name])
    except OSError as error:
        name = label(Path(error.filename or "it").name)
        raise NotebookError(f"{name} cannot be opened: {error.strerror}", "Check it and its permissions") from None
    return content


def _content(path: Path, limit: int) -> bytes:
    with storage.open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size > limit:
            raise NotebookError(
                f"its files have more than the {LIMIT >> 20} MB that are graded",
                "Ask for it without large files and outputs",
            )
        return file.read(size)


def _holds(folder: Path, notebooks: Collection[str], handed_in: Mapping[str, bytes]) -> bool:
    try:
        return _contents(_files(folder, notebooks)) == handed_in
    except NotebookError:
        return False  # what cannot be read is replaced


def _write(folder: Path, content: Mapping[str, bytes]) -> None:
    for name, data in content.items():
        storage.write_bytes(folder / name, data)
