"""Cells that no answer builds on are not run again; whatever an answer may need is."""

from __future__ import annotations

from typing import Any

import pytest

from tlcourse.grading import Release
from tlcourse.grading.needed import lacks, may_wait, needed

CHECK = "tl.check.double(double)"
ANSWER = "def double(x):\n    return 2 * x"


def code(source: str, **marks: Any) -> dict[str, Any]:
    metadata = {"nbgrader": {"grade_id": source, "solution": False, "grade": False, **marks}} if marks else {}
    return {"cell_type": "code", "metadata": metadata, "source": source, "outputs": [], "execution_count": None}


def which(*given: str, answer: str = ANSWER, check: str = CHECK, own: str = "") -> list[str]:
    """The sources that run of a lesson: cells that were handed out, an answer, a cell of the learner's, a check."""
    test = code(check, grade=True, points=1)
    released = [*map(code, given), code("double = None", solution=True), test]
    handed_in = [*map(code, given), code(answer, solution=True), *([code(own)] if own else []), test]
    chosen = needed(handed_in, Release("lesson", {"cells": released}))
    return [handed_in[place]["source"] for place in sorted(chosen)]


def test_an_experiment_does_not_run_and_the_answer_does() -> None:
    assert which("import tlcourse as tl", "runs = [tl.run(seed) for seed in range(5)]", "plot(runs)") == [
        "import tlcourse as tl",
        ANSWER,
        CHECK,
    ]


def test_what_an_answer_uses_runs_and_what_that_uses_in_turn() -> None:
    given = ["start = 3", "factor = start - 1", "other = 7"]
    answer = "def double(x):\n    return factor * x"
    assert which(*given, answer=answer) == ["start = 3", "factor = start - 1", answer, CHECK]


def test_what_may_change_a_needed_value_runs() -> None:
    given = ["table = {}", "table['two'] = 2", "fill(table)", "unrelated()"]
    answer = "def double(x):\n    return table['two'] * x"
    assert which(*given, answer=answer) == ["table = {}", "table['two'] = 2", "fill(table)", answer, CHECK]


def test_what_only_experiments_use_does_not_run() -> None:
    assert which("width = 3", "def show(rows):\n    draw(rows, width)", "show([1])") == [ANSWER, CHECK]


def test_a_star_import_runs() -> None:
    assert which("from math import *", "runs = 5") == ["from math import *", ANSWER, CHECK]


def test_a_learner_s_own_cell_runs_with_what_it_uses() -> None:
    assert which("runs = 5", "other = 6", own="print(runs)") == ["runs = 5", ANSWER, "print(runs)", CHECK]


def test_names_inside_a_function_are_its_own() -> None:
    answer = "def double(runs):\n    other = 2\n    return other * runs"
    assert which("runs = 5", "other = 6", answer=answer) == [answer, CHECK]


@pytest.mark.parametrize(
    "own", ["globals()['double'] = lambda x: 2 * x", "%run setup.py", "exec('y = 1')", "this is no Python at all"]
)
def test_where_it_cannot_be_told_everything_runs(own: str) -> None:
    assert which("runs = 5", own=own) == ["runs = 5", ANSWER, own, CHECK]


def test_an_instructor_s_own_test_may_look_at_anything() -> None:
    assert which("runs = 5", check="assert double(2) == 4") == ["runs = 5", ANSWER, "assert double(2) == 4"]


def test_a_name_that_a_skipped_cell_gives_is_missed() -> None:
    skipped = [code("runs = 5")]
    assert lacks([("NameError", "name 'runs' is not defined")], skipped)
    assert not lacks([("NameError", "name 'double' is not defined")], skipped)
    assert not lacks([("ValueError", "'runs'"), ("", "")], skipped)


@pytest.mark.parametrize(
    ("later", "waits"),
    [
        ("print(double(3))", True),
        ("other = 3", True),
        ("def double(x):\n    return x", False),
        ("factor = 3", False),
        ("factor.append(3)", False),
        ("from elsewhere import double", False),
        ("%timeit double(3)", False),
        ("exec(text)", False),
    ],
)
def test_a_test_may_wait_if_nothing_changes_what_it_builds_on(later: str, waits: bool) -> None:
    cells = [
        code("factor = 2"),
        code("def double(x):\n    return factor * x"),
        code("assert double(2) == 4"),
        code(later),
    ]
    assert may_wait(cells, [2]) is waits


@pytest.mark.parametrize(
    ("built_on", "waits"),
    [
        ("def double(x):\n    return 2 * x", True),
        ("factor = 2\ndef double(x):\n    return factor * x", True),
        ("double = lambda x: 2 * x", True),
        ("class Number:\n    def __init__(self, x):\n        self.x = x\ndef double(x):\n    return Number(x)", True),
        ("stack = [2]\ndef double(x):\n    return stack.pop()", False),
        ("class Seen:\n    all = []\ndef double(x):\n    return Seen.all", False),
        ("def double(x, seen=[]):\n    return seen", False),
        ("def double(x):\n    double.calls += 1", False),
        ("calls = 0\ndef double(x):\n    global calls\n    calls += 1", False),
        ("import random\ndef double(x):\n    return random.random()", False),
        ("def double(x):\n    return open('table').read()", False),
    ],
)
def test_a_test_may_wait_if_what_it_builds_on_keeps_no_state(built_on: str, waits: bool) -> None:
    assert may_wait([code(built_on), code("assert double(2) == 4"), code("print()")], [1]) is waits
