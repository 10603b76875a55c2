"""Judging: what counts as the same, and findings that name the culprit."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tlcourse.checks.collecting import call, each
from tlcourse.checks.exercise import Finding
from tlcourse.checks.judging import (
    STUB_MESSAGE,
    Misconception,
    Question,
    judge_question,
    judge_quiz,
    one_number,
    same,
    unusable,
)

CASES = [(2,), (3,), (5,)]
SQUARE = Question(
    code="square",
    right="Squared.",
    reference=lambda n: n**2,
    points=2,
    misconceptions=(
        Misconception("doubled", "You double it.", "Multiply it with itself.", lambda n: 2 * n),
        Misconception("divides", "You divide.", "Multiply.", lambda n: n / (n - 2)),
    ),
)


def judged(answer: Any) -> Finding:
    return judge_question(SQUARE, CASES, each(answer, CASES))


@pytest.mark.parametrize(
    "value", [2.5, [2.5], [[2.5]], np.array([2.5], np.float32), np.array([[2.5]]), np.float64(2.5)]
)
def test_one_number_is_unwrapped(value: Any) -> None:
    assert one_number(value) == 2.5 and type(one_number(value)) is float


@pytest.mark.parametrize("value", [None, "a", [], [1, 2], {"type": "set"}])
def test_what_is_not_one_number_stays(value: Any) -> None:
    assert one_number(value) == value


class TestSame:
    """When two plain values agree."""

    @pytest.mark.parametrize(
        ("answer", "expected"),
        [
            (0.50001, 0.5),
            (1, 1.0),
            (1e-7, 0),
            (None, None),
            (True, True),
            ("a", "a"),
            (float("inf"), float("inf")),
            ([1, [2, 3]], (1, (2, 3))),
            ({"a": 1, "b": [2]}, {"b": [2], "a": 1}),
            (np.array([1, 2]), [1, 2]),
            (np.array([0.5, 1], np.float32), [0.5, 1]),
            (np.array([True, False]), [True, False]),
            ([0.5, 1.5], np.array([0.5, 1.5])),
            (np.array([[1, 2], [3, 4]], np.uint8), [[1, 2], [3, 4]]),
        ],
    )
    def test_agree(self, answer: Any, expected: Any) -> None:
        assert same(answer, expected)

    @pytest.mark.parametrize(
        ("answer", "expected"),
        [
            (0.51, 0.5),
            (None, 0),
            (0, None),
            (True, 1),
            (1, True),
            ("1", 1),
            ("a", "b"),
            (float("nan"), float("nan")),
            (float("nan"), 1),
            (float("inf"), float("-inf")),
            (1e300, float("inf")),
            ([1, 2], [1, 2, 3]),
            (1, [1]),
            ([1], 1),
            ({"a": 1}, {"a": 1, "b": 2}),
            ({"a": 1}, [1]),
            ({"type": "set", "repr": "{1}"}, 1),
            (np.array([True]), [1]),
        ],
    )
    def test_differ(self, answer: Any, expected: Any) -> None:
        assert not same(answer, expected)

    @given(value=st.floats(-1e6, 1e6))
    def test_rounding_is_forgiven_and_a_percent_is_not(self, value: float) -> None:
        assert same(value * (1 + 1e-6), value)
        assert abs(value) < 0.01 or not same(value * 1.01, value)


class TestUnusable:
    """Answers that could not be judged."""

    @pytest.mark.parametrize(
        ("answer", "code", "says"),
        [
            (lambda n: None, "returns-nothing", "returns nothing"),
            (lambda n: print(n), "prints-not-returns", "prints its result"),
            (7, "not-a-function", "is not a function, but of the type int"),
            (lambda: 1, "wrong-arguments", "does not take the arguments"),
            (lambda n: n.missing, "raises", "stopped with AttributeError"),
        ],
    )
    def test_the_fault_is_named(self, answer: Any, code: str, says: str) -> None:
        finding = unusable("square", each(answer, CASES), 2)
        assert finding and finding.code == code and says in finding.message
        assert "`square`" in finding.message and finding.next_step
        assert not finding.passed and finding.points == 2

    def test_the_stub(self) -> None:
        def stub(n: int) -> int:
            raise NotImplementedError(STUB_MESSAGE)

        finding = unusable("square", each(stub, CASES), 2)
        assert finding and finding.code == "not-written" and "run both cells again" in finding.next_step

    def test_an_error_in_one_case_is_enough(self) -> None:
        finding = unusable("f", each(lambda n: 1 / (n - 3), CASES), 1)
        assert finding and "ZeroDivisionError" in finding.message

    def test_none_in_some_cases_may_be_right(self) -> None:
        assert unusable("f", each(lambda n: None if n == 2 else n, CASES), 1) is None

    def test_an_answer_that_exits(self) -> None:
        finding = unusable("f", each(lambda n: sys.exit(n), CASES), 1)
        assert finding and finding.code == "exits"


class TestQuestion:
    """One graded thing."""

    def test_right(self) -> None:
        finding = judged(lambda n: n * n)
        assert finding.passed and finding.message == "Squared." and finding.points == 2 and not finding.next_step

    def test_right_in_another_type(self) -> None:
        assert judged(lambda n: np.float32(n) ** 2).passed

    def test_a_mistake_that_explains_every_case_is_named(self) -> None:
        finding = judged(lambda n: n + n)
        assert not finding.passed and (finding.code, finding.message) == ("doubled", "You double it.")

    def test_a_mistake_whose_model_fails_explains_nothing(self) -> None:
        assert judged(lambda n: 0).code == "square-differs"

    def test_any_other_difference_shows_the_case(self) -> None:
        finding = judged(lambda n: n**2 if n < 5 else 24)
        assert "for 5 the answer is 24; it should be 25." in finding.message and finding.next_step

    @pytest.mark.parametrize(
        ("value", "shown"),
        [
            ({1, 2}, "of the type set"),
            ("nine", "'nine'"),
            (list(range(99)), "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, ...]"),
            ({"a": 0.123456}, "{'a': 0.1235}"),
            (np.float32([0.5]), "[0.5]"),
        ],
    )
    def test_any_answer_can_be_shown(self, value: Any, shown: str) -> None:
        assert f"the answer is {shown};" in judged(lambda n: value).message

    def test_a_rounded_answer_is_told_so(self) -> None:
        third = Question("third", "Right.", lambda n: n / 3, (), 1)
        finding = judge_question(third, CASES, each(lambda n: round(n / 3, 2), CASES))
        assert not finding.passed and finding.code == "third-rounded" and "2 places" in finding.message

    def test_a_part_of_an_answer(self) -> None:
        first = Question("first", "Right.", lambda n: n, (), 1, part=lambda value: value[0])
        assert judge_question(first, CASES, each(lambda n: (n, "whatever"), CASES)).passed


class TestQuiz:
    """Several items, each with its reason."""

    def judged(self, answer: Any) -> list[Finding]:
        right = {"a": (True, "Because a."), "b": (False, "Because b.")}
        return judge_quiz("quiz", call(answer), right, (True, False), 3)

    def test_all_right(self) -> None:
        findings = self.judged(lambda: {"a": True, "b": False})
        assert all(finding.passed for finding in findings) and sum(f.points for f in findings) == 3

    def test_a_wrong_item_costs_its_share_and_says_why(self) -> None:
        right, wrong = self.judged(lambda: {"a": True, "b": True})
        assert right.passed and not wrong.passed and wrong.points == 1.5
        assert "Because b." in wrong.message + wrong.next_step

    @pytest.mark.parametrize("answers", [{"a": True}, {"a": True, "b": "no"}, {"a": True, "b": 2}, {"A": True}])
    def test_a_missing_or_foreign_choice_is_not_right(self, answers: dict[str, Any]) -> None:
        findings = self.judged(lambda: answers)
        assert not findings[1].passed and findings[1].next_step

    @pytest.mark.parametrize("value", [[True, False], "ab", 1])
    def test_no_dict(self, value: Any) -> None:
        (finding,) = self.judged(lambda: value)
        assert finding.code == "not-a-dict" and not finding.passed and finding.points == 3
        assert "'a': ..., 'b': ..." in finding.next_step
