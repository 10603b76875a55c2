"""Evidence on paper: what is plain comes back equal, everything else is refused on both ways."""

from __future__ import annotations

import collections
import json
import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tlcourse.checks import plain

NUMBERS = st.integers() | st.floats() | st.booleans() | st.none()
ARRAYS = hnp.arrays(
    hnp.boolean_dtypes() | hnp.integer_dtypes() | hnp.unsigned_integer_dtypes() | hnp.floating_dtypes(),
    hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
)
KEYS = st.text().filter(lambda key: key not in ("__array__", "__number__"))
PLAIN = st.recursive(
    NUMBERS | st.text() | ARRAYS, lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner), max_leaves=20
)


def alike(one: Any, other: Any) -> bool:
    """Equal in type and value; NaN is like NaN."""
    if type(one) is not type(other):
        return False
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()
    if isinstance(one, list):
        return len(one) == len(other) and all(map(alike, one, other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(alike(one[key], other[key]) for key in one)
    return one == other or (isinstance(one, float) and math.isnan(one) and math.isnan(other))


@given(value=PLAIN)
def test_what_is_plain_comes_back_equal(value: Any) -> None:
    assert alike(plain.loads(plain.dumps(value)), value)


@given(value=PLAIN)
def test_it_is_json_that_any_reader_accepts(value: Any) -> None:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    json.loads(plain.dumps(value), parse_constant=refuse)


def test_tuples_become_lists() -> None:
    assert plain.loads(plain.dumps({"ends": (1, 2.5)})) == {"ends": [1, 2.5]}


def test_an_array_comes_back_with_memory_of_its_own() -> None:
    array = plain.loads(plain.dumps(np.arange(6).reshape(2, 3)[:, ::2]))
    array[0, 0] = 9
    assert array.tolist() == [[9, 2], [3, 5]]


class Sly(dict):
    """A dict that would lie about its items."""


@pytest.mark.parametrize(
    ("value", "named"),
    [
        (object(), "object"),
        (lambda: 1, "function"),
        ({1, 2}, "set"),
        (b"bytes", "bytes"),
        (1j, "complex"),
        (Sly(a=1), "Sly"),
        (collections.OrderedDict(a=1), "OrderedDict"),
        (type("MyInt", (int,), {})(1), "MyInt"),
        (type("MyStr", (str,), {})("a"), "MyStr"),
        (np.float64(1), "float64"),
        (torch.ones(2), "Tensor"),
        (np.array([object()]), "ndarray"),
        (np.array(["text"]), "ndarray"),
        (np.array([1j]), "ndarray"),
        (np.zeros(2, [("a", "f4")]), "ndarray"),
        (np.ma.masked_array([1], [True]), "MaskedArray"),
    ],
)
def test_what_is_not_plain_is_named(value: Any, named: str) -> None:
    for place in (value, [value], {"a": {"b": value}}):
        with pytest.raises(TypeError, match=f"{named} is not plain data"):
            plain.dumps(place)


@pytest.mark.parametrize("key", [1, None, ("a",), "__array__", "__number__"])
def test_keys_are_strings_and_none_of_ours(key: Any) -> None:
    with pytest.raises(TypeError, match="string keys"):
        plain.dumps({key: 1})


def array(*parts: Any) -> str:
    return json.dumps({"__array__": list(parts)})


EIGHT = "AAAAAAAAAAA="  # eight bytes


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "NaN",
        "[Infinity]",
        "[" * 100_000,
        '{"__number__": "one"}',
        '{"__number__": []}',
        '{"__array__": 3}',
        array(),
        array("<f8", [1]),
        array("|O", [1], EIGHT),
        array("<U2", [1], EIGHT),
        array("<f4,<f4", [1], EIGHT),
        array("nonsense", [1], EIGHT),
        array(8, [1], EIGHT),
        array("<f8", [2], EIGHT),
        array("<f8", [-1], EIGHT),
        array("<f8", [-1, -1], EIGHT),
        array("<f8", [1.0], EIGHT),
        array("<f8", ["a"], EIGHT),
        array("<f8", [[1]], EIGHT),
        array("<f8", [10**30, 0], ""),
        array("<f4", [1], EIGHT),
        array("<f8", [1], 8),
        array("<f8", [1], "not base64"),
        array("<f8", [1], "é"),
    ],
)
def test_rubbish_is_refused_with_one_kind_of_error(text: str) -> None:
    with pytest.raises(ValueError):
        plain.loads(text)


@given(text=st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        plain.loads(text)
    except ValueError:
        return
    assert text.strip()


@given(parts=st.lists(st.none() | st.integers() | st.text() | st.lists(st.integers()), max_size=4))
def test_any_array_is_read_or_refused(parts: list[Any]) -> None:
    with pytest.raises(ValueError):
        plain.loads(json.dumps({"__array__": [*parts, None]}))


def test_a_pickle_is_not_even_tried(tmp_path: Any) -> None:
    import base64
    import pickle

    class Evil:
        def __reduce__(self) -> tuple[Any, ...]:
            return (tmp_path.joinpath("ran").write_text, ("x",))

    data = base64.b64encode(pickle.dumps(Evil())).decode()
    with pytest.raises(ValueError):
        plain.loads(array("|O", [1], data))
    assert not (tmp_path / "ran").exists()
