"""Grading a class: `grade` for one submission, without a database; the rest for nbgrader's gradebook.

from tlcourse.grading import grade

result = grade("ada/01-first-transfer.ipynb", "solutions/01-first-transfer/01-first-transfer.ipynb")
print(result.points, result.max_points)
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tlcourse.grading.one import grade
    from tlcourse.grading.release import Release
    from tlcourse.grading.verdicts import Question, Result, Verdict

# Reading a notebook imports jsonschema, which takes two seconds for a grammar of international web addresses where this
# package is there. Where it is not it does without, and no notebook's schema has such an address.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]

__all__ = ["Question", "Release", "Result", "Verdict", "grade"]

_PLACES = {"grade": "one", "Release": "release"}


def __getattr__(name: str) -> Any:
    import importlib

    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_PLACES.get(name, 'verdicts')}"), name)
