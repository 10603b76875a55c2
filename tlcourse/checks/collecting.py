"""For `collect` functions: call a learner's answer and write down what happened, as plain data."""

from __future__ import annotations

import contextlib
import decimal
import inspect
import io
import numbers
import traceback
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tlcourse.checks.exercise import Evidence

_LONGEST = 300  # characters kept of anything a learner's code prints, raises or returns
_MOST = 10_000  # numbers kept of an array, items of a list


def call(answer: Any, *args: Any, **kwargs: Any) -> Evidence:
    """Call `answer` and record its value or its error, and what it printed.

    Returns:
        `{"value": ..., "printed": str}` when it returned, or `{"error": {"type", "message", "line"}, "printed": str}`;
        `line` is the learner's own line that raised, `inside` whether any of the answer's code ran.
        `{"error": {"type": "NotCallable", ...}}` if it is no function.
    """
    if not callable(answer):
        return {
            "error": {"type": "NotCallable", "message": type(answer).__name__, "line": "", "inside": False},
            "printed": "",
        }
    printed = _Printed()
    try:
        with _quiet(printed):
            value = simple(answer(*args, **kwargs))  # a value's own __repr__ is the learner's code too
    except KeyboardInterrupt:
        raise  # the learner pressed stop
    except BaseException as error:
        return {"error": _described(error), "printed": printed.getvalue()[:_LONGEST]}
    return {"value": value, "printed": printed.getvalue()[:_LONGEST]}


def kept(answer: Any, *args: Any) -> tuple[Evidence, Any]:
    """`call`, and beside it the value itself, None if there is none: for answers that return a network or a graph."""
    try:
        inspect.signature(answer).bind(*args)
    except TypeError:
        return call(answer, *args), None  # no function, or one that does not take these arguments
    except ValueError:
        pass  # a function that does not tell its arguments, such as the `apply` of an autograd function
    values: list[Any] = []

    def keeping() -> Any:
        values.append(answer(*args))
        return values[0]

    return call(keeping), (values[0] if values else None)


class _Printed(io.StringIO):
    """What an answer prints: the start of it is kept, and closing it does nothing."""

    def write(self, text: str) -> int:
        if self.tell() < _LONGEST:
            super().write(text[:_LONGEST])
        return len(text)

    def close(self) -> None:
        pass


@contextlib.contextmanager
def _quiet(printed: _Printed) -> Iterator[None]:
    """Keep what is printed, drop warnings and standard error: nbgrader gives 0 to a right answer that writes there."""
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Whatever an answer does to torch's generator or its gradient switch is undone."""
    import torch  # takes seconds, and only answers about networks come here

    grad = torch.is_grad_enabled()
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            torch.set_grad_enabled(True)
            yield
    finally:
        torch.set_grad_enabled(grad)


def each(answer: Callable[..., Any], cases: list[tuple[Any, ...]]) -> list[Evidence]:
    """`call` once for each tuple of arguments; an answer gets copies of them, and cannot spoil the next case."""
    import copy

    return [call(answer, *copy.deepcopy(case)) for case in cases]


def simple(value: Any) -> Any:
    """A value as plain data. What has no plain form, or is very large, becomes `{"type": what it is}`.

    Numpy and torch scalars become numbers, tuples lists, tensors arrays, named tuples and dataclasses dicts.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str(value)[:_LONGEST]
    if isinstance(value, np.bool_):
        return bool(value)
    if isinstance(value, numbers.Integral):
        return int(value) if abs(int(value)) < 10**300 else _opaque("very large int")
    if isinstance(value, numbers.Real | decimal.Decimal):
        return float(value)
    if hasattr(value, "to_numpy"):  # pandas
        value = value.to_numpy()
    if hasattr(value, "detach"):
        value = value.detach().cpu().float().numpy() if value.is_floating_point() else value.detach().cpu().numpy()
    if isinstance(value, np.ndarray):
        if value.ndim == 0 and value.dtype.kind == "U":  # one word, as np.select and np.where return it
            return simple(value.item())
        if value.dtype.kind not in "biuf" or value.size > _MOST:
            return _opaque(f"array of {value.dtype} with shape {value.shape}")
        return value.item() if value.ndim == 0 else np.array(value)
    if hasattr(value, "_asdict"):
        value = value._asdict()
    elif hasattr(value, "__dataclass_fields__") and not isinstance(value, type):
        value = {name: getattr(value, name) for name in value.__dataclass_fields__}
    if isinstance(value, dict):
        if len(value) > _MOST:
            return _opaque(f"dict of {len(value):,} entries")
        # An underscore keeps a key of the learner's apart from those that `plain` uses itself.
        return {f"{key}_"[:100] if str(key).startswith("__") else str(key)[:100]: simple(value[key]) for key in value}
    if isinstance(value, list | tuple):
        return [simple(item) for item in value] if len(value) <= _MOST else _opaque(f"list of {len(value):,} items")
    return _opaque(type(value).__name__)


def _opaque(kind: str) -> dict[str, str]:
    """What stands for a value without a plain form."""
    return {"type": kind}


def _described(error: BaseException) -> dict[str, Any]:
    # The first frame is that of `call`; without another, the call itself failed and none of the answer's code ran.
    frames = traceback.extract_tb(error.__traceback__)[1:]
    own = [frame for frame in frames if "ipykernel" in frame.filename or frame.filename.startswith("<")]
    line = ((own or frames)[-1].line or "") if frames else ""
    try:
        message = str(error)
    except Exception:
        message = ""
    return {
        "type": type(error).__name__,
        "message": message[:_LONGEST],
        "line": line[:_LONGEST],
        "inside": bool(frames),
    }
