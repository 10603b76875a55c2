"""Where the course's lessons lie on this machine. Light to import: it loads no notebook library."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from tlcourse.errors import CourseError, LessonError

_LESSON_FOLDER = re.compile(r"\d\d-[a-z0-9]+(-[a-z0-9]+)*")
CLASS_MARK = "# A class of the transfer-learning course"
"""How the `nbgrader_config.py` of a class begins: a class holds lessons, but it is not the course."""


@dataclass(frozen=True)
class Lesson:
    """One lesson, by its folder's name. Its files need not exist: ask each path.

    Args:
        root: the course's folder.
        name: the folder's name, `"01-what-is-transfer-learning"`.
    """

    root: Path
    name: str

    @property
    def number(self) -> str:
        """The lesson's two digits, `"01"`."""
        return self.name[:2]

    @property
    def source(self) -> Path:
        """The one hand-written file: jupytext percent format."""
        return self.root / "solutions" / self.name / f"{self.name}.py"

    @property
    def solution(self) -> Path:
        """The executed notebook with answers, generated from the source."""
        return self.root / "solutions" / self.name / f"{self.name}.ipynb"

    @property
    def release(self) -> Path:
        """The notebook that learners open, generated from the solution."""
        return self.root / "notebooks" / self.name / f"{self.name}.ipynb"


def find_root(start: Path | None = None) -> Path:
    """The course's folder: the nearest one at or above `start`, else the checkout this package lies in.

    Args:
        start: where to begin; the current folder if not given.

    Raises:
        CourseError: there is none.
    """
    start = (start or Path.cwd()).resolve()
    for folder in (start, *start.parents):
        if _is_course(folder):
            return folder
    checkout = Path(__file__).resolve().parents[2]
    if _is_checkout(checkout) or _is_course(checkout):
        return checkout
    raise CourseError(
        f"There is no course at {start} or above it: no notebooks/ or solutions/ folder with lessons.",
        "Change to the folder that holds the course's notebooks/, or name it with --root.",
    )


def lessons(root: Path) -> list[Lesson]:
    """The lessons in `root`, in order: one for each folder `NN-name` in solutions/ or notebooks/."""
    names = {name for part in ("solutions", "notebooks") for name in _lesson_folders(root / part)}
    return [Lesson(Path(root), name) for name in sorted(names)]


def find_lesson(root: Path, query: str) -> Lesson:
    """The lesson that `query` names: `1`, `01`, the start of its name, or a path to one of its files.

    Raises:
        LessonError: none or several fit; the lessons are listed.
    """
    known = lessons(root)
    wanted = re.sub(r"\.(ipynb|py)$", "", Path(query.strip()).name).lower()
    if wanted.isdecimal():
        wanted = wanted.zfill(2)
    found = [lesson for lesson in known if lesson.name == wanted]
    found = found or [lesson for lesson in known if wanted and lesson.name.startswith(wanted)]
    if len(found) == 1:
        return found[0]
    if found:
        raise LessonError(f"{query!r} fits several lessons.", f"Name one: {_listed(found)}.")
    if not known:
        raise LessonError(f"There is no lesson {query!r}: {root} holds no lessons.", "Name the course with --root.")
    raise LessonError(f"There is no lesson {query!r}.", f"The lessons are: {_listed(known)}.")


def is_class(folder: Path) -> bool:
    """Whether `folder` is a class made by `tlcourse classroom`."""
    config = folder / "nbgrader_config.py"
    try:
        return config.read_text(encoding="utf-8").startswith(CLASS_MARK)
    except (OSError, UnicodeDecodeError):
        return False


def _listed(found: list[Lesson]) -> str:
    return ", ".join(lesson.name for lesson in found)


def _is_course(folder: Path) -> bool:
    if is_class(folder):
        return False
    return any(_lesson_folders(folder / part) for part in ("solutions", "notebooks"))


def _is_checkout(folder: Path) -> bool:
    return (folder / "pyproject.toml").is_file() and (folder / "tlcourse").is_dir()


def _lesson_folders(parent: Path) -> list[str]:
    try:
        entries = list(parent.iterdir())
    except OSError:
        return []
    return [entry.name for entry in entries if _LESSON_FOLDER.fullmatch(entry.name) and entry.is_dir()]
