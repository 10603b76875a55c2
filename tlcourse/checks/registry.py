"""The exercises of the course, found in `tlcourse/checks/lessonNN.py`, in order; then those of other packages.

A package of an instructor's own adds exercises by an entry point: a module with `EXERCISES`, as ours have.

    [project.entry-points."tlcourse.exercises"]
    autumn = "autumn_exercises"
"""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from collections.abc import Iterator
from functools import cache
from importlib.metadata import entry_points
from types import ModuleType

import tlcourse.checks as package
from tlcourse.checks.exercise import Exercise
from tlcourse.errors import CourseError, ExerciseError

GROUP = "tlcourse.exercises"
"""The group of entry points by which other packages add exercises."""


@cache
def exercises() -> dict[str, Exercise]:
    """Every exercise by id, in the order of the lessons and of each module's `EXERCISES`.

    Raises:
        CourseError: a package that adds exercises cannot be imported, or two exercises have one name.
    """
    found: dict[str, Exercise] = {}
    for place, module in modules():
        for exercise in module.EXERCISES:
            if exercise.id in found:
                raise CourseError(f"Two exercises are called {exercise.id!r}.", f"Rename the one in {place}.")
            found[exercise.id] = exercise
    return found


def modules() -> Iterator[tuple[str, ModuleType]]:
    """The modules that declare exercises, each with its name: ours first.

    Raises:
        CourseError: a package that adds exercises cannot be imported.
    """
    for name in sorted(m.name for m in pkgutil.iter_modules(package.__path__) if m.name.startswith("lesson")):
        yield name, importlib.import_module(f"{package.__name__}.{name}")
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        try:
            module = entry.load()
            module.EXERCISES  # noqa: B018
        except Exception as error:
            raise CourseError(
                f"The exercises of {entry.value} cannot be loaded: {type(error).__name__}: {error}.",
                "Mend that package, or uninstall it.",
            ) from error
        yield entry.value, module


def get(name: str) -> Exercise:
    """The exercise called `name`.

    Raises:
        ExerciseError: there is none; the nearest names are offered.
    """
    known = exercises()
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, n=3)
    cure = f"Did you mean {' or '.join(near)}?" if near else f"The exercises are: {', '.join(known)}."
    raise ExerciseError(f"There is no exercise called {name!r}.", cure)


def of_lesson(number: str) -> list[Exercise]:
    """The exercises of the lesson with these two digits, in order."""
    return [exercise for exercise in exercises().values() if exercise.lesson == number]
