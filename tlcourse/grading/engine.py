"""What a worker process grades with: the warm kernel's nursery is started once, and lives as long as the worker."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import PurePosixPath

from tlcourse import sandbox
from tlcourse.grading.forks import forks
from tlcourse.grading.one import grade
from tlcourse.grading.release import Release
from tlcourse.grading.verdicts import Result


class Engine:
    """Grades one submission after the other; see `tasks.Engine`.

    Args:
        trust: run learners' code without a sandbox.
        shared: what `share` yielded.

    Raises:
        SandboxError: this machine can give no sandbox; it says why and what to do.
    """

    def __init__(self, *, trust: bool, shared: str = "") -> None:
        self._trust = trust
        forks.start(shared)  # first: it takes seconds, side by side with the rest
        from tlcourse.grading.ahead import Ahead

        self._ahead = Ahead()
        if not trust:
            sandbox.insist()

    @staticmethod
    def share() -> AbstractContextManager[str]:
        """Import the course's libraries once for all engines of this machine."""
        return forks.lent()

    def grade(self, notebook: bytes, release: Release, files: Mapping[str, bytes]) -> Result:
        """Grade one notebook in a folder with its lesson's files and, where those leave a name free, its own.

        Raises:
            NotebookError: it cannot be matched to the release.
        """
        beside = {**_leaving_free(files, release.files), **release.files}
        return grade(notebook, replace(release, files=beside), trust=self._trust, start=self._ahead)

    def close(self) -> None:
        """End the nursery, and the kernel that waits."""
        self._ahead.close()
        forks.close()


def _leaving_free(files: Mapping[str, bytes], taken: Mapping[str, bytes]) -> dict[str, bytes]:
    """A learner's files but for those that stand where the lesson has a folder, or in a folder where it has a file."""
    folders = {folder for name in taken for folder in _folders(name)}
    return {
        name: data for name, data in files.items() if name not in folders and taken.keys().isdisjoint(_folders(name))
    }


def _folders(name: str) -> list[str]:
    return [str(folder) for folder in PurePosixPath(name).parents]
