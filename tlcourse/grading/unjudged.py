"""Taking the judges out of a kernel: collecting needs none, and an answer that asks the reference is no answer."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.util import cache_from_source
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

from tlcourse.checks import registry
from tlcourse.checks.exercise import Exercise

_LESSONS = "tlcourse.checks.lesson"


def forget_judges(exercises: Mapping[str, Exercise]) -> None:
    """Leave in the lessons' modules only what their collectors use.

    Args:
        exercises: by id; from now on none of them can be judged in this process.
    """
    for exercise in exercises.values():
        object.__setattr__(exercise, "judge", _nobody)
        # The last one says nearly all.
        object.__setattr__(exercise, "hints", tuple("Hints are not for grading." for _ in exercise.hints))
        if exercise.material:
            object.__setattr__(exercise, "material", _nobody)
    for module_name, names in spared().items():
        module = sys.modules[module_name]
        for name, value in list(vars(module).items()):
            if name not in names and not isinstance(value, ModuleType):
                delattr(module, name)


@cache
def sources() -> tuple[str, ...]:
    """Where the judges could be read, or imported anew: the files of the modules that declare exercises."""
    files = {str(module.__file__) for _, module in registry.modules()}
    return (*sorted(files), *sorted({str(Path(cache_from_source(file)).parent) for file in files}))


@cache
def spared() -> dict[str, set[str]]:
    """The names that collectors use, by the lesson's module; looked up once, by a warm parent for all its forks."""
    collectors = [exercise.collect for exercise in registry.exercises().values()]
    return {
        name: _needed(module, [collect for collect in collectors if collect.__module__ == name])
        for name, module in list(sys.modules.items())
        if name.startswith(_LESSONS)
    }


def _nobody(*anything: Any) -> Any:
    raise RuntimeError("Answers are judged elsewhere while a notebook is graded.")


def _needed(module: ModuleType, functions: list[Any]) -> set[str]:
    """The module's names that some functions use, they themselves included, and what these use in turn."""
    needed = {name for name in vars(module) if name.startswith("__") or name == "EXERCISES"}
    waiting: list[Any] = list(functions)
    while waiting:
        value = waiting.pop()
        for name in _mentioned(value):
            if name in vars(module) and name not in needed:
                needed.add(name)
                waiting.append(vars(module)[name])
    return needed | {name for name, value in vars(module).items() if any(value is one for one in functions)}


def _mentioned(value: Any) -> Iterator[str]:
    """Every name in a function's code, or in the methods of a class, and in what these hold."""
    waiting, seen = [value], set()
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, FunctionType):
            yield from _names(one.__code__)
            yield one.__name__
            waiting += [*(one.__defaults__ or ()), *(one.__kwdefaults__ or {}).values()]
            waiting += [cell.cell_contents for cell in one.__closure__ or ()]
        elif isinstance(one, type):
            yield from (base.__name__ for base in one.__mro__)
            waiting += [getattr(part, "__func__", part) for base in one.__mro__ for part in vars(base).values()]
        elif isinstance(one, tuple | list):
            waiting += one
        elif hasattr(one, "cache_parameters"):  # a function of `functools.cache`
            waiting.append(one.__wrapped__)
        elif isinstance(one, dict):
            waiting += one.values()


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)
