"""A new lesson that works from the start: its source, one exercise with its check, right and wrong answers."""

from __future__ import annotations

import keyword
import re
from pathlib import Path
from string import Template

from tlcourse import storage
from tlcourse.authoring.course import Lesson, lessons
from tlcourse.checks import registry
from tlcourse.errors import LessonError

_TEMPLATES = Path(__file__).parent / "templates"
_NAME = re.compile(r"(?:(\d\d)-)?([a-z][a-z0-9]*(?:-[a-z0-9]+)*)")
_LAST = 99


def make(root: Path, query: str, exercise: str = "") -> tuple[Lesson, list[Path]]:
    """Write a lesson's files. Nothing is written unless all can be, and nothing is written over.

    Args:
        root: a checkout of the course.
        query: the lesson's name, `how-to-count` or `17-how-to-count`; the next free number if it has none.
        exercise: the id of its first exercise; the name with underscores if not given.

    Returns:
        the lesson, and the files: its source, its checks, its exercise's answers.

    Raises:
        LessonError: no name, a number that is taken, an exercise that exists already, or no checkout.
        StorageError: the disk refuses.
    """
    if not (root / "tlcourse" / "checks").is_dir():
        raise LessonError(f"{root} is no checkout of the course.", "Clone its repository and run this there.")
    number, name = _named(root, query)
    exercise = exercise or name.replace("-", "_")
    _insist_on_exercise(exercise)
    lesson = Lesson(root, f"{number}-{name}")
    title = name.replace("-", " ").capitalize()
    values = {"number": number, "seed": int(number), "name": name, "exercise": exercise, "title": title}
    files = {
        lesson.source: "lesson",
        root / "tlcourse" / "checks" / f"lesson{number}.py": "checks",
        root / "tests" / "answers" / f"{exercise}.py": "answers",
    }
    if there := [str(path) for path in files if path.exists()]:
        raise LessonError(f"There is {' and '.join(there)} already.", "Choose another name, or another exercise.")
    for path, template in files.items():
        text = (_TEMPLATES / f"{template}.txt").read_text(encoding="utf-8")
        storage.write_text(path, Template(text).substitute(values))
    return lesson, list(files)


def _named(root: Path, query: str) -> tuple[str, str]:
    known = {lesson.number: lesson.name for lesson in lessons(root)}
    fits = _NAME.fullmatch(query)
    if fits is None:
        raise LessonError(
            f"{query!r} is no name for a lesson.", "Use small letters, digits and hyphens, such as how-to-count."
        )
    number, name = fits.groups()
    number = number or f"{max(map(int, known), default=-1) + 1:02}"
    if int(number) > _LAST:
        raise LessonError("There is no number left: lessons have two digits.", "Name a free one: 17-how-to-count.")
    if number in known:
        raise LessonError(f"{known[number]} has that number.", "Leave the number out, and the lesson gets a free one.")
    return number, name


def _insist_on_exercise(exercise: str) -> None:
    if not exercise.isidentifier() or keyword.iskeyword(exercise) or exercise.startswith("_"):
        raise LessonError(f"{exercise!r} is no name for an exercise.", "Name one: --exercise count_right.")
    if exercise in registry.exercises():
        raise LessonError(
            f"There is an exercise {exercise!r} in lesson {registry.get(exercise).lesson}.",
            "Name another: --exercise count_right.",
        )
