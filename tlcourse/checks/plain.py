"""Plain data: what evidence may hold, and its one written form, JSON.

Numbers, strings, booleans, None, lists, dicts with string keys, and numeric arrays (as dtype, shape and bytes in
base64). Nothing else passes, so reading evidence never runs code.
"""

from __future__ import annotations

import base64
import json
import math
from typing import Any

import numpy as np

_ARRAY = "__array__"
_NUMBER = "__number__"  # JSON has no infinity and no NaN


def dumps(value: Any) -> str:
    """Plain data as JSON text.

    Raises:
        TypeError: something in `value` is not plain; the message names its type.
    """
    return json.dumps(_encoded(value), allow_nan=False)


def loads(text: str) -> Any:
    """The inverse of `dumps`. Arrays come back as numpy arrays that own their memory.

    Raises:
        ValueError: the text is not what `dumps` writes.
    """
    try:
        return _decoded(json.loads(text, parse_constant=_no_constant))
    except (TypeError, RecursionError) as error:  # a foreign dtype, a shape that is none, brackets without end
        raise ValueError(f"not plain data: {error}") from error


def _no_constant(name: str) -> None:
    raise ValueError(f"a bare {name} is not JSON")


def _encoded(value: Any) -> Any:
    if value is None or type(value) in (bool, str, int):
        return value
    if type(value) is float:
        return value if math.isfinite(value) else {_NUMBER: repr(value)}
    if type(value) in (list, tuple):
        return [_encoded(item) for item in value]
    if type(value) is dict:
        if not all(type(key) is str and key not in (_ARRAY, _NUMBER) for key in value):
            raise TypeError("evidence dicts have string keys")
        return {key: _encoded(item) for key, item in value.items()}
    if type(value) is np.ndarray and value.dtype.kind in "biuf":
        data = base64.b64encode(np.ascontiguousarray(value).tobytes()).decode()
        return {_ARRAY: [value.dtype.str, list(value.shape), data]}
    raise TypeError(f"{type(value).__name__} is not plain data")


def _decoded(value: Any) -> Any:
    if isinstance(value, list):
        return [_decoded(item) for item in value]
    if not isinstance(value, dict):
        return value
    if _NUMBER in value:
        return float(value[_NUMBER])
    if _ARRAY in value:
        return _decoded_array(*value[_ARRAY])
    return {key: _decoded(item) for key, item in value.items()}


def _decoded_array(kind: str, shape: list[int], data: str) -> np.ndarray:
    dtype, memory = np.dtype(str(kind)), base64.b64decode(data, validate=True)
    if dtype.kind not in "biuf" or math.prod(shape) * dtype.itemsize != len(memory):
        raise ValueError(f"{len(memory)} bytes are no array of {dtype} of shape {shape}")
    return np.ndarray(shape, dtype, memory).copy()  # unlike `reshape` it guesses no length
