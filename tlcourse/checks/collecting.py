"""For `collect` functions: call a learner's answer and write down what happened, as plain data."""

from __future__ import annotations

import contextlib
import io
import numbers
import traceback
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tlcourse.checks.exercise import Evidence

_LONGEST = 300  # characters kept of anything a learner's code prints or raises


def call(answer: Any, *args: Any, **kwargs: Any) -> Evidence:
    """Call `answer` and record its value or its error, and what it printed.

    Returns:
        `{"value": ..., "printed": str}` when it returned, or `{"error": {"type", "message", "line"}, "printed": str}`;
        `line` is the learner's own line that raised. `{"error": {"type": "NotCallable", ...}}` if it is no function.
    """
    if not callable(answer):
        return {"error": {"type": "NotCallable", "message": type(answer).__name__, "line": ""}, "printed": ""}
    printed = io.StringIO()
    try:
        with _quiet(printed):
            value = simple(answer(*args, **kwargs))  # a value's own __repr__ is the learner's code too
    except Exception as error:
        return {"error": _described(error), "printed": printed.getvalue()[:_LONGEST]}
    return {"value": value, "printed": printed.getvalue()[:_LONGEST]}


@contextlib.contextmanager
def _quiet(printed: io.StringIO) -> Iterator[None]:
    """Keep what is printed, drop warnings and standard error: nbgrader gives 0 to a right answer that writes there."""
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def each(answer: Callable[..., Any], cases: list[tuple[Any, ...]]) -> list[Evidence]:
    """`call` once for each tuple of arguments; an answer gets copies of them, and cannot spoil the next case."""
    import copy

    return [call(answer, *copy.deepcopy(case)) for case in cases]


def simple(value: Any) -> Any:
    """A value as plain data. What has no plain form becomes `{"type": its class, "repr": its start}`.

    Numpy and torch scalars become numbers, tuples lists, tensors arrays, named tuples and dataclasses dicts.
    """
    if value is None or isinstance(value, bool | str):
        return value if value is None or isinstance(value, bool) else str(value)
    if isinstance(value, np.bool_):
        return bool(value)
    if isinstance(value, numbers.Integral):
        return int(value)
    if isinstance(value, numbers.Real):
        return float(value)
    if hasattr(value, "detach"):
        value = value.detach().cpu().float().numpy() if value.is_floating_point() else value.detach().cpu().numpy()
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
        return value.item() if value.ndim == 0 else np.array(value)
    if hasattr(value, "_asdict"):
        value = value._asdict()
    elif hasattr(value, "__dataclass_fields__") and not isinstance(value, type):
        value = {name: getattr(value, name) for name in value.__dataclass_fields__}
    if isinstance(value, dict):
        return {str(key): simple(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [simple(item) for item in value]
    return {"type": type(value).__name__, "repr": repr(value)[:_LONGEST]}


def _described(error: Exception) -> dict[str, str]:
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "ipykernel" in frame.filename or frame.filename.startswith("<")]
    line = (own or frames)[-1].line or ""
    return {"type": type(error).__name__, "message": str(error)[:_LONGEST], "line": line[:_LONGEST]}
