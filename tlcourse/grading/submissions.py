"""Finding what learners handed in, however the folder is laid out, and what in it is not the course's.

Nothing is opened here, and no link is followed: one could lead to another learner's work or to the solutions.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tlcourse.errors import CourseError

_LAYOUTS = "Use LEARNER/LESSON/LESSON.ipynb, LEARNER/LESSON.ipynb or LEARNER_LESSON.ipynb"
_ARCHIVES = (".zip", ".gz", ".7z", ".rar", ".tar", ".xz")
_NAME_LIMIT = 128  # characters that nbgrader's gradebook keeps
_BYTES_LIMIT = 255 - len(".jsonl")  # that a file's name may have, less what grading adds to a learner's
_LINKS_NAMED = 5


@dataclass(frozen=True)
class Submission:
    """One learner's notebook of one lesson.

    Args:
        student: the learner's id, as in the gradebook.
        lesson: the lesson's name.
        notebook: the file: a regular one, to which no link leads; of a lesson with several notebooks, one of them.
        folder: the folder that was handed in with it, or None if only the file was.
        notes: what the instructor should know of how it was handed in, one sentence each.
    """

    student: str
    lesson: str
    notebook: Path
    folder: Path | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class NotGraded:
    """Something that was handed in and got no score.

    Args:
        name: the file or folder, as the instructor sees it.
        fault: what is wrong with it.
        cure: what to do.
        student: the learner, if known.
        lesson: the lesson, if known.
    """

    name: str
    fault: str
    cure: str
    student: str = ""
    lesson: str = ""


@dataclass(frozen=True)
class Handed:
    """What a folder holds: submissions to grade, and what cannot be one."""

    submissions: tuple[Submission, ...]
    not_graded: tuple[NotGraded, ...]


def find(folder: Path, lessons: Collection[str] | Mapping[str, Collection[str]]) -> Handed:
    """Look through a folder of submissions.

    Args:
        folder: laid out as `LEARNER/LESSON/LESSON.ipynb`, `LEARNER/LESSON.ipynb` or `LEARNER_LESSON.ipynb`.
        lessons: the names of the class's lessons; or by lesson the names of its notebooks, where they differ from it.

    Raises:
        CourseError: there is no such folder, or it cannot be opened.
    """
    if not folder.is_dir():
        raise CourseError(f"There is no folder {folder}.", "Name the folder that holds what learners handed in.")
    names = lessons if isinstance(lessons, Mapping) else {lesson: [lesson] for lesson in lessons}
    return _Search(folder, names).result()


class _Search:
    """One look through a folder."""

    def __init__(self, folder: Path, lessons: Mapping[str, Collection[str]]) -> None:
        self._folder = folder
        self._lessons = lessons

    def result(self) -> Handed:
        """All submissions, of several of one lesson by one learner the newest; and what else there is."""
        found: dict[tuple[str, str], Submission] = {}
        problems: list[NotGraded] = []
        for item in self._look():
            if isinstance(item, NotGraded):
                problems.append(item)
                continue
            other = found.get((item.student, item.lesson))
            newer, older = (item, other) if other is None or _later(item.notebook, other.notebook) else (other, item)
            found[item.student, item.lesson] = newer
            if older:
                fault = f"{self._name(newer.notebook)} is a newer notebook of the same lesson"
                cure = "Remove the one that does not count"
                problems.append(NotGraded(self._name(older.notebook), fault, cure, older.student, older.lesson))
        ordered = sorted(found.values(), key=lambda submission: (submission.student.casefold(), submission.lesson))
        return Handed(tuple(ordered), tuple(problems))

    def _look(self) -> Iterator[Submission | NotGraded]:
        try:
            entries = _visible(self._folder)
        except OSError as error:
            raise CourseError(f"{self._folder} cannot be opened: {error.strerror}.", "Check its permissions.") from None
        for entry in entries:
            if entry.is_symlink():
                yield self._link(entry)
            elif entry.is_dir():
                yield from self._of_student(entry)
            elif _is_notebook(entry):
                yield self._flat(entry)
            elif entry.suffix.lower() in _ARCHIVES:
                yield NotGraded(self._name(entry), "this is an archive", "Unpack it first")

    def _of_student(self, place: Path) -> Iterator[Submission | NotGraded]:
        student = place.name
        if fault := _unusable(student):
            yield NotGraded(self._name(place), fault, "Rename it", _printable(student))
            return
        try:
            found = [item for entry in _visible(place) if (item := self._entry(student, entry))]
        except OSError as error:
            yield self._closed(place, error, student)
            return
        except RecursionError:
            fault = "its folders lie too deep in one another"
            yield NotGraded(self._name(place), fault, "Ask for it without them", student)
            return
        yield from found or [NotGraded(student, "there is no notebook in it", _LAYOUTS, student)]

    def _entry(self, student: str, entry: Path) -> Submission | NotGraded | None:
        """What something in a learner's folder is; None if it does not matter."""
        lesson = self._lesson_of(entry.stem) if _is_notebook(entry) else entry.name
        if entry.is_symlink():
            matters = lesson in self._lessons or _is_notebook(entry)
            return self._link(entry, student, lesson if lesson in self._lessons else "") if matters else None
        if entry.is_dir() and not _is_notebook(entry):
            return self._in_folder(student, entry)
        if not _is_notebook(entry):
            return None
        if not lesson:
            return self._unknown(entry, student)
        return self._checked(student, lesson, entry) or Submission(student, lesson, entry)

    def _in_folder(self, student: str, place: Path) -> Submission | NotGraded | None:
        lesson = place.name
        try:
            notebooks = [path for path in _visible(place) if _is_notebook(path)]
        except OSError as error:
            return self._closed(place, error, student)
        if lesson not in self._lessons:
            return self._unknown(place, student) if notebooks else None
        names = self._lessons[lesson]
        whole = [path for path in notebooks if not _fault_of(path)]
        exact = [path for path in whole if path.stem in names]
        copies = [path for path in whole if path.stem not in names and self._lesson_of(path.stem) == lesson]
        fitting = exact or sorted(copies, key=_time)[-1:] or (whole if len(whole) == len(names) == 1 else [])
        if fitting:
            return Submission(student, lesson, fitting[0], place, tuple(self._notes(place, fitting[0], copies, names)))
        for path in notebooks:
            if unfit := self._checked(student, lesson, path, self._name(place)):
                return unfit
        missing = " and ".join(f"{name}.ipynb" for name in sorted(names))
        there = f", but {' and '.join(_printable(path.name) for path in notebooks)}" if notebooks else ""
        fault = f"there is no {missing} in it{there}"
        return NotGraded(self._name(place), fault, "Rename the notebook", student, lesson)

    def _notes(self, place: Path, chosen: Path, copies: Collection[Path], names: Collection[str]) -> Iterator[str]:
        called = _printable(chosen.name)
        if chosen.stem not in names:
            yield f"The notebook is called {called} and was taken for {next(iter(names))}.ipynb."
        for path in copies:
            if path != chosen:
                yield f"{_printable(path.name)} was not looked at: {called} beside it counts."
        links = [_printable(str(path.relative_to(place))) for path in _links(place)]
        if links:
            more = f" and {len(links) - _LINKS_NAMED} more" if len(links) > _LINKS_NAMED else ""
            yield f"Links are not followed and were left out: {', '.join(links[:_LINKS_NAMED])}{more}."

    def _flat(self, path: Path) -> Submission | NotGraded:
        stem = _without_copy_marks(path.stem)
        for lesson in self._lessons:
            student = stem.removesuffix(f"_{lesson}")
            if student == stem:
                continue
            if fault := _unusable(student):
                return NotGraded(self._name(path), fault, "Rename it", _printable(student), lesson)
            return self._checked(student, lesson, path) or Submission(student, lesson, path)
        return self._unknown(path)

    def _checked(self, student: str, lesson: str, path: Path, name: str = "") -> NotGraded | None:
        """What is wrong with a notebook's file, if anything is."""
        if not (fault := _fault_of(path)):
            return None
        return NotGraded(name or self._name(path), *fault, student, lesson)

    def _link(self, path: Path, student: str = "", lesson: str = "") -> NotGraded:
        return NotGraded(self._name(path), *_LINK, student, lesson)

    def _closed(self, place: Path, error: OSError, student: str) -> NotGraded:
        lesson = place.name if place.name in self._lessons else ""
        fault = f"it cannot be opened: {error.strerror}"
        return NotGraded(self._name(place), fault, "Check its permissions", student, lesson)

    def _unknown(self, path: Path, student: str = "") -> NotGraded:
        cure = f"{_LAYOUTS}; this class has {', '.join(sorted(self._lessons))}"
        return NotGraded(self._name(path), "its name is not that of a lesson", cure, student)

    def _lesson_of(self, stem: str) -> str:
        plain = _without_copy_marks(stem)
        return next((lesson for lesson in self._lessons if plain == lesson or plain.endswith(f"_{lesson}")), "")

    def _name(self, path: Path) -> str:
        return _printable(path.relative_to(self._folder).as_posix())


_LINK = ("it is a link, which could lead anywhere", "Put the file itself there")


def _fault_of(path: Path) -> tuple[str, str] | None:
    """Why a notebook's file is not read, and the cure; None if it is."""
    if path.is_symlink():
        return _LINK
    try:
        kind = path.lstat().st_mode
    except OSError as error:
        return f"it cannot be opened: {error.strerror}", "Check the file and its permissions"
    if stat.S_ISDIR(kind):
        return "it is a folder, not a notebook", "Put the notebook itself there"
    if not stat.S_ISREG(kind):
        return "it is no regular file", "Put the notebook itself there"
    if not os.access(path, os.R_OK):
        return "it cannot be opened: Permission denied", "Check the file and its permissions"
    return None


def _unusable(student: str) -> str:
    """Why nbgrader would not find a learner of this name; empty if it would."""
    if not student.strip() or student != student.strip():
        return "the learner's name is empty or has a space at an end, which nbgrader drops"
    if found := sorted(set(student) & set("*?[]{}")):
        return f"the learner's name has {' and '.join(found)} in it, which nbgrader cannot find"
    if not student.isprintable():
        return "the learner's name has characters that cannot be printed"
    if len(student) > _NAME_LIMIT:
        return f"the learner's name has more than the {_NAME_LIMIT} characters that the gradebook keeps"
    if len(os.fsencode(student)) > _BYTES_LIMIT:
        return f"the learner's name has more than the {_BYTES_LIMIT} bytes that fit into the names of its files"
    return ""


def _printable(name: str) -> str:
    return "".join(character if character.isprintable() else "\ufffd" for character in name)


def _without_copy_marks(stem: str) -> str:
    # What browsers and Jupyter add to a second copy.
    return re.sub(r"( ?\(\d+\)|-Copy\d+)$", "", stem)


def _visible(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.iterdir()) if not path.name.startswith((".", "__"))]


def _is_notebook(path: Path) -> bool:
    return path.suffix.lower() == ".ipynb"


def _links(folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        yield from (path for name in sorted((*folders, *files)) if (path := Path(parent, name)).is_symlink())


def _later(one: Path, other: Path) -> bool:
    return _time(one) >= _time(other)


def _time(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0  # it has gone meanwhile: what is still there counts
