"""Finding what learners handed in, however the folder is laid out, and what in it is not the course's."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tlcourse.errors import CourseError, NotebookError
from tlcourse.extras import require

_LAYOUTS = "Use LEARNER/LESSON/LESSON.ipynb, LEARNER/LESSON.ipynb or LEARNER_LESSON.ipynb"


@dataclass(frozen=True)
class Submission:
    """One learner's notebook of one lesson.

    Args:
        student: the learner's id, as in the gradebook.
        lesson: the lesson's name.
        notebook: the file.
        folder: the folder that was handed in with it, or None if only the file was.
    """

    student: str
    lesson: str
    notebook: Path
    folder: Path | None = None


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


def find(folder: Path, lessons: Collection[str]) -> Handed:
    """Look through a folder of submissions.

    Args:
        folder: laid out as `LEARNER/LESSON/LESSON.ipynb`, `LEARNER/LESSON.ipynb` or `LEARNER_LESSON.ipynb`.
        lessons: the names of the class's lessons.

    Raises:
        CourseError: there is no such folder.
    """
    if not folder.is_dir():
        raise CourseError(f"There is no folder {folder}.", "Name the folder that holds what learners handed in.")
    found: dict[tuple[str, str], Submission] = {}
    problems: list[NotGraded] = []
    for item in _look(folder, lessons):
        if isinstance(item, NotGraded):
            problems.append(item)
            continue
        other = found.get((item.student, item.lesson))
        newer, older = (item, other) if other is None or _later(item, other) else (other, item)
        found[item.student, item.lesson] = newer
        if older:
            fault = f"{newer.notebook.relative_to(folder)} is a newer notebook of the same lesson"
            name = str(older.notebook.relative_to(folder))
            problems.append(NotGraded(name, fault, "Remove the one that does not count", older.student, older.lesson))
    ordered = sorted(found.values(), key=lambda submission: (submission.student.casefold(), submission.lesson))
    return Handed(tuple(ordered), tuple(problems))


def inspect(submission: Submission, cells: Mapping[str, Collection[str]]) -> list[str]:
    """Look into a notebook before it is graded.

    Args:
        submission: what to look into.
        cells: the names of the graded cells of each lesson.

    Returns:
        the graded cells that the notebook lacks.

    Raises:
        NotebookError: it is damaged, or not this lesson's.
    """
    present = _marked_cells(_read(submission.notebook))
    wanted = cells[submission.lesson]
    if set(present) & set(wanted):
        if doubled := [name for name, times in present.items() if times > 1]:
            raise NotebookError(
                f"it holds {' and '.join(doubled)} more than once, which nbgrader cannot grade",
                "Delete the copies in the notebook and grade again",
            )
        return [name for name in wanted if name not in present]
    again = "Ask for the answers in a fresh copy of the lesson's notebook"
    for lesson, names in cells.items():
        if set(present) & set(names):
            raise NotebookError(f"this is the notebook of {lesson}", "Hand it in under that lesson's name")
    raise NotebookError("this is not the course's notebook, or it has lost nbgrader's marks", again)


def _look(folder: Path, lessons: Collection[str]) -> Iterator[Submission | NotGraded]:
    for entry in _visible(folder):
        if entry.is_dir():
            yield from _of_student(entry, folder, lessons)
        elif entry.suffix == ".ipynb":
            yield _flat(entry, folder, lessons)
        elif entry.suffix in (".zip", ".gz", ".7z", ".rar"):
            yield NotGraded(entry.name, "this is an archive", "Unpack it first")


def _of_student(student: Path, folder: Path, lessons: Collection[str]) -> Iterator[Submission | NotGraded]:
    name = student.name
    if fault := _unusable(name):
        yield NotGraded(name, fault, "Rename it", name)
        return
    found = False
    for entry in _visible(student):
        if entry.is_dir() and (entry.name in lessons or _notebooks(entry)):
            found = True
            yield _in_lesson_folder(name, entry, folder, lessons)
        elif entry.suffix == ".ipynb":
            found = True
            lesson = _lesson_of(entry.stem, lessons)
            yield Submission(name, lesson, entry) if lesson else _unknown(entry, folder, lessons, name)
    if not found:
        yield NotGraded(name, "there is no notebook in it", _LAYOUTS, name)


def _in_lesson_folder(student: str, place: Path, folder: Path, lessons: Collection[str]) -> Submission | NotGraded:
    if place.name not in lessons:
        return _unknown(place, folder, lessons, student)
    notebooks = _notebooks(place)
    fitting = [path for path in notebooks if path.stem == place.name]
    fitting = fitting or [path for path in notebooks if _lesson_of(path.stem, lessons) == place.name]
    if fitting:
        return Submission(student, place.name, fitting[0], place)
    name = str(place.relative_to(folder))
    return NotGraded(name, f"there is no {place.name}.ipynb in it", "Rename the notebook", student, place.name)


def _flat(path: Path, folder: Path, lessons: Collection[str]) -> Submission | NotGraded:
    stem = _without_copy_marks(path.stem)
    for lesson in lessons:
        student = stem.removesuffix(f"_{lesson}")
        if student == stem:
            continue
        if fault := _unusable(student):
            return NotGraded(path.name, fault, "Rename it", student, lesson)
        return Submission(student, lesson, path)
    return _unknown(path, folder, lessons)


def _unusable(student: str) -> str:
    """Why nbgrader would not find a learner of this name; empty if it would."""
    if not student.strip() or student != student.strip():
        return "the learner's name is empty or has a space at an end, which nbgrader drops"
    if found := sorted(set(student) & set("*?[]{}")):
        return f"the learner's name has {' and '.join(found)} in it, which nbgrader cannot find"
    return ""


def _unknown(path: Path, folder: Path, lessons: Collection[str], student: str = "") -> NotGraded:
    cure = f"{_LAYOUTS}; this class has {', '.join(sorted(lessons))}"
    return NotGraded(str(path.relative_to(folder)), "its name is not that of a lesson", cure, student)


def _lesson_of(stem: str, lessons: Collection[str]) -> str:
    plain = _without_copy_marks(stem)
    return next((lesson for lesson in lessons if plain == lesson or plain.endswith(f"_{lesson}")), "")


def _without_copy_marks(stem: str) -> str:
    # What browsers and Jupyter add to a second copy.
    return re.sub(r"( ?\(\d+\)|-Copy\d+)$", "", stem)


def _visible(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.iterdir()) if not path.name.startswith((".", "__"))]


def _notebooks(folder: Path) -> list[Path]:
    return [path for path in _visible(folder) if path.suffix == ".ipynb"]


def _later(one: Submission, other: Submission) -> bool:
    return one.notebook.stat().st_mtime >= other.notebook.stat().st_mtime


def _read(path: Path) -> Any:
    again = "Ask for the file again: it was cut off, or saved by something else than Jupyter"
    if path.is_symlink():
        raise NotebookError("it is a link, which could lead anywhere", "Put the file itself there")
    try:
        content = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise NotebookError(f"it is damaged: {error}", again) from None
    except OSError as error:
        raise NotebookError(f"it cannot be opened: {error.strerror}", "Check the file and its permissions") from None
    try:
        return require("nbformat").reads(json.dumps(content), as_version=4)
    except Exception as error:  # nbformat raises whatever its conversions meet
        raise NotebookError(f"it is no notebook: {str(error).splitlines()[0]}", again) from None


def _marked_cells(notebook: Any) -> Counter[str]:
    marks = [cell.get("metadata", {}).get("nbgrader", {}) for cell in notebook.get("cells", [])]
    names = [mark.get("grade_id") for mark in marks if isinstance(mark, dict)]
    return Counter(name for name in names if isinstance(name, str))
