"""The exercises of the course, found in `tlcourse/checks/lessonNN.py`, in order."""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from functools import cache

import tlcourse.checks as package
from tlcourse.checks.exercise import Exercise
from tlcourse.errors import ExerciseError


@cache
def exercises() -> dict[str, Exercise]:
    """Every exercise by id, in the order of the lessons and of each module's `EXERCISES`."""
    found: dict[str, Exercise] = {}
    modules = sorted(m.name for m in pkgutil.iter_modules(package.__path__) if m.name.startswith("lesson"))
    for name in modules:
        for exercise in importlib.import_module(f"{package.__name__}.{name}").EXERCISES:
            if exercise.id in found:
                raise ValueError(f"two exercises are called {exercise.id!r}")
            found[exercise.id] = exercise
    return found


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
