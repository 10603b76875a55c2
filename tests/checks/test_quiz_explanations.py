"""Quizzes that explain every choice, and name the mistake behind a whole answer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tlcourse.checks.collecting import call
from tlcourse.checks.exercise import Finding
from tlcourse.checks.judging import Misconception, judge_quiz

RIGHT = {
    "a": ("hot", {"hot": "A fire is hot.", "cold": "A fire is not cold."}),
    "b": ("cold", {"hot": "Ice is not hot.", "cold": "Ice is cold."}),
    "c": ("cold", {"hot": "Snow is not hot.", "cold": "Snow is cold."}),
}
ALWAYS_HOT = Misconception("always-hot", "Everything is hot to you.", "Touch it.", lambda item: "hot")


def judged(**answers: Any) -> list[Finding]:
    return judge_quiz("warmth", call(lambda: answers), RIGHT, ("hot", "cold"), 3, (ALWAYS_HOT,))


def test_a_right_choice_is_confirmed_with_its_reason() -> None:
    findings = judged(a="hot", b="cold", c="cold")
    assert all(finding.passed for finding in findings) and sum(f.points for f in findings) == 3
    assert "A fire is hot." in findings[0].message


def test_a_wrong_choice_is_told_why_it_is_wrong() -> None:
    (wrong,) = [finding for finding in judged(a="cold", b="cold", c="cold") if not finding.passed]
    assert wrong.code == "a-not-cold" and wrong.next_step == "A fire is not cold." and wrong.points == 1


def test_one_mistake_behind_several_items_is_named_once_with_every_reason() -> None:
    whole, kept = judged(a="hot", b="hot", c="hot")
    assert whole.code == "always-hot" and whole.points == 2 and kept.passed and kept.points == 1
    assert "b: Ice is not hot." in whole.next_step and "c: Snow is not hot." in whole.next_step


def test_one_wrong_item_is_no_pattern() -> None:
    findings = judge_quiz(
        "warmth",
        call(lambda: {"a": "hot", "b": "hot"}),
        {key: RIGHT[key] for key in "ab"},
        ("hot", "cold"),
        2,
        (ALWAYS_HOT,),
    )
    assert [finding.code for finding in findings] == ["a-right", "b-not-hot"]


@pytest.mark.parametrize("written", ["Hot", " hot ", "HOT"])
def test_a_word_counts_in_any_case(written: str) -> None:
    assert judged(a=written, b="cold", c="cold")[0].passed


@pytest.mark.parametrize("written", ["luke-warm", "Luke warm", "luke_warm", "lukewarm"])
def test_a_hyphen_or_a_space_does_not_matter(written: str) -> None:
    right = {"a": ("luke-warm", "Feel it.")}
    assert judge_quiz("warmth", call(lambda: {"a": written}), right, ("luke-warm", "hot"), 1)[0].passed


def test_an_array_is_no_truth_value() -> None:
    record = call(lambda: {"a": np.array([1, 0])})
    assert judge_quiz("warmth", record, {"a": (True, "Feel it.")}, (True, False), 1)[0].code == "a-unknown"


@pytest.mark.parametrize("strange", [1, True, ["hot"], "warm", {"is": "hot"}])
def test_what_is_no_choice_is_told_so(strange: Any) -> None:
    finding = judged(a=strange, b="cold", c="cold")[0]
    assert finding.code == "a-unknown" and "'hot' or 'cold'" in finding.next_step
