"""What a class's grading has done so far, on disk: each result as it came, and which of them the gradebook has.

`.tlcourse/results/LESSON/LEARNER.jsonl` holds the results of one submission, with a key of all that they depend on: so
a run that was cut off goes on where it was, and what did not change is not graded again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from tlcourse import __version__, storage
from tlcourse.errors import NotebookError
from tlcourse.grading.release import Release
from tlcourse.grading.tasks import unpacked
from tlcourse.grading.verdicts import FORMAT, Result, Verdict

FOLDER = ".tlcourse"
"""The folder in a class for what is the course's own; nbgrader does not look into it."""


def key_of(
    notebooks: Mapping[str, bytes], files: Mapping[str, bytes], releases: Sequence[Release], *, trust: bool
) -> str:
    """The SHA-256 of all that a submission's results depend on: its files, the release, the grader and its way."""
    way = [FORMAT, __version__, trust, [release.digest for release in releases]]
    content = [{name: hashlib.sha256(data).hexdigest() for name, data in part.items()} for part in (notebooks, files)]
    return hashlib.sha256(json.dumps([way, content], sort_keys=True).encode()).hexdigest()


class Store:
    """The stored results of a class.

    Args:
        place: the class's folder.
    """

    def __init__(self, place: Path) -> None:
        self._folder = place / FOLDER / "results"

    def lessons(self) -> dict[str, list[str]]:
        """Which learners have results, by lesson; both in order."""
        folders = sorted(path for path in self._folder.glob("*") if path.is_dir())
        found = {folder.name: [path.stem for path in folder.glob("*.jsonl")] for folder in folders}
        return {lesson: sorted(students, key=str.casefold) for lesson, students in found.items() if students}

    def put(self, student: str, lesson: str, text: bytes) -> None:
        """Keep a submission's results, as `tasks.packed` writes them; a StorageError says why not."""
        storage.write_bytes(self._path(student, lesson), text)

    def forget(self, submissions: Iterable[tuple[str, str]]) -> None:
        """Drop the results of some learners' lessons."""
        for student, lesson in submissions:
            path = self._path(student, lesson)
            with storage.disk_errors(path):
                path.unlink(missing_ok=True)

    def has(self, student: str, lesson: str, key: str) -> bool:
        """Whether there are results with this key, and the grader did not fail in them."""
        found, results = self._read(student, lesson, whole=False)
        internal = any(question.verdict is Verdict.INTERNAL for result in results for question in result.questions)
        return found == key and not internal

    def results(self, student: str, lesson: str) -> list[Result]:
        """A submission's results, with their notebooks; none if there are none."""
        return self._read(student, lesson, whole=True)[1]

    def verdicts(self, student: str, lesson: str) -> list[Result]:
        """A submission's results without their notebooks, which is quicker; none if there are none."""
        return self._read(student, lesson, whole=False)[1]

    def _read(self, student: str, lesson: str, *, whole: bool) -> tuple[str, list[Result]]:
        try:
            with self._path(student, lesson).open("rb") as file:
                return unpacked(file.read() if whole else file.readline())
        except (OSError, NotebookError, ValueError, KeyError, TypeError):
            # Not there, of another version, or damaged: it will be graded again.
            return "", []

    def _path(self, student: str, lesson: str) -> Path:
        return self._folder / lesson / f"{student}.jsonl"


class Journal:
    """Which results a gradebook has been given, one line each; only added to.

    Args:
        place: the class's folder.
        gradebook: the gradebook's URL; each has a journal of its own.
    """

    def __init__(self, place: Path, gradebook: str) -> None:
        name = hashlib.sha256(gradebook.encode()).hexdigest()[:16]
        self._path = storage.make_folder(place / FOLDER) / f"written-{name}.jsonl"
        self._keys = dict(self._entries())

    def has(self, student: str, lesson: str, key: str) -> bool:
        """Whether the last that the gradebook was given of this submission has this key."""
        return self._keys.get((student, lesson)) == key

    def add(self, student: str, lesson: str, key: str) -> None:
        """Note that the gradebook has it. A line that is lost costs nothing: writing a result twice changes nothing."""
        self._keys[student, lesson] = key
        with storage.disk_errors(self._path), self._path.open("a", encoding="utf-8") as file:
            # A line that a killed run left unfinished ends here.
            file.write("\n" + json.dumps([student, lesson, key]))

    def _entries(self) -> list[tuple[tuple[str, str], str]]:
        found = []
        lines = self._path.read_text(encoding="utf-8", errors="replace").splitlines() if self._path.exists() else []
        for line in lines:
            try:
                student, lesson, key = json.loads(line)
                found.append(((student, lesson), key))
            except (ValueError, TypeError):
                continue
        return found
