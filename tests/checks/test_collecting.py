"""Collecting: whatever an answer does is written down, and nothing of it gets out."""

from __future__ import annotations

import sys
import warnings
from collections import namedtuple
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch

from tlcourse.checks import plain
from tlcourse.checks.collecting import call, each, kept, simple


def test_a_value_and_what_was_printed() -> None:
    def answer(a: int, *, b: int) -> int:
        print("adding", a, b)
        return a + b

    assert call(answer, 2, b=3) == {"value": 5, "printed": "adding 2 3\n"}


def test_an_error_is_described_with_the_line_that_raised() -> None:
    def answer() -> float:
        print("so far")
        return 1 / 0  # here

    record = call(answer)
    assert record["error"]["type"] == "ZeroDivisionError" and record["error"]["message"] == "division by zero"
    assert record["error"]["line"] == "return 1 / 0  # here"
    assert record["printed"] == "so far\n"


def test_the_learners_own_line_is_shown_not_the_librarys() -> None:
    source = "def answer():\n    import numpy\n    return numpy.linalg.inv([[0.0]])\n"
    namespace: dict[str, Any] = {}
    exec(compile(source, "<cell 3>", "exec"), namespace)
    import linecache

    linecache.cache["<cell 3>"] = (len(source), None, source.splitlines(True), "<cell 3>")
    assert call(namespace["answer"])["error"]["line"] == "return numpy.linalg.inv([[0.0]])"


@pytest.mark.parametrize("answer", [None, 3, "text", np.zeros(3)])
def test_what_is_no_function(answer: Any) -> None:
    error = call(answer)["error"]
    assert error["type"] == "NotCallable" and error["message"] == type(answer).__name__


def test_warnings_and_standard_error_do_not_get_out(capsys: pytest.CaptureFixture[str]) -> None:
    def answer() -> float:
        warnings.warn("deprecated", DeprecationWarning, stacklevel=1)
        print("look", file=sys.stderr)
        return 1.0

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert call(answer)["value"] == 1.0
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""


def test_long_texts_are_cut() -> None:
    def answer() -> None:
        print("x" * 10_000)
        raise ValueError("y" * 10_000)

    record = call(answer)
    assert len(record["printed"]) == len(record["error"]["message"]) == 300


def test_an_answer_cannot_spoil_the_next_case() -> None:
    def answer(values: np.ndarray) -> float:
        values *= 0
        return float(values.sum())

    numbers = np.ones(3)
    each(answer, [(numbers,), (numbers,)])
    assert numbers.sum() == 3
    seen: list[float] = []
    each(lambda values: seen.append(values.sum()) or answer(values), [(numbers,), (numbers,)])
    assert seen == [3, 3]


class Broken:
    """A learner's class that cannot be read."""

    @property
    def detach(self) -> None:
        raise RuntimeError("no value here")


def endless() -> list[Any]:
    items: list[Any] = []
    items.append(items)
    return items


@pytest.mark.parametrize(("answer", "kind"), [(Broken, "RuntimeError"), (endless, "RecursionError")])
def test_a_value_that_cannot_be_written_down_counts_as_an_error(answer: Any, kind: str) -> None:
    record = call(answer)
    assert record["error"]["type"] == kind
    plain.dumps(record)


Pair = namedtuple("Pair", "low high")


@dataclass
class Ends:
    low: float
    high: np.ndarray


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (True, True),
        (np.bool_(False), False),
        (np.int64(3), 3),
        (np.float32(0.5), 0.5),
        (torch.tensor(2.5), 2.5),
        (torch.tensor(3), 3),
        (np.array(4), 4),
        ((1, (2.0, None)), [1, [2.0, None]]),
        (Pair(1, 2), {"low": 1, "high": 2}),
        ({1: np.float64(2)}, {"1": 2.0}),
        (type("Text", (str,), {})("a"), "a"),
        ({3}, {"type": "set"}),
        (10**400, {"type": "very large int"}),
        ({"__array__": 1}, {"__array___": 1}),
    ],
)
def test_values_become_plain(value: Any, expected: Any) -> None:
    result = simple(value)
    assert result == expected and type(result) is type(expected)
    plain.dumps(result)


@pytest.mark.parametrize(
    "value",
    [
        np.arange(6.0).reshape(2, 3),
        torch.arange(6.0).reshape(2, 3).requires_grad_(),
        torch.arange(6.0).reshape(2, 3).bfloat16(),
        torch.arange(6).reshape(2, 3),
    ],
)
def test_arrays_and_tensors_become_arrays(value: Any) -> None:
    result = simple(value)
    assert type(result) is np.ndarray and result.tolist() == [[0, 1, 2], [3, 4, 5]]
    plain.dumps(result)


def test_what_is_inside_is_made_plain_too() -> None:
    result = simple([Ends(np.float64(1), np.ones(2)), object])
    assert result[0]["low"] == 1 and result[0]["high"].tolist() == [1, 1] and result[1]["type"] == "type"
    plain.dumps(result)


class TestKept:
    """The value itself beside its plain form."""

    def test_a_network_is_handed_on(self) -> None:
        record, network = kept(torch.nn.Linear, 2, 3)
        assert record["value"] == {"type": "Linear"} and network.weight.shape == (3, 2)

    def test_a_function_that_does_not_tell_its_arguments(self) -> None:
        class Twice(torch.autograd.Function):
            @staticmethod
            def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
                return 2 * x

        record, value = kept(Twice.apply, torch.ones(2))
        assert record["value"].tolist() == value.tolist() == [2, 2]

    @pytest.mark.parametrize("answer", [lambda: 1, None, lambda x: 1 / 0])
    def test_nothing_is_kept_of_an_error(self, answer: Any) -> None:
        record, value = kept(answer, 5)
        assert value is None and record["error"]["type"] in ("TypeError", "NotCallable", "ZeroDivisionError")
