"""Libraries of the optional parts of the package: loaded late, with a cure when one is missing."""

from __future__ import annotations

import importlib
from types import ModuleType

from tlcourse.errors import CourseError


def require(module: str, extra: str = "grading") -> ModuleType:
    """Import `module`, which the package's optional part `extra` brings.

    Raises:
        CourseError: it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        missing = (error.name or module).partition(".")[0]
        raise CourseError(
            f"This needs {missing}, which is not installed.", f"Install it: pip install 'tlcourse[{extra}]'"
        ) from error
