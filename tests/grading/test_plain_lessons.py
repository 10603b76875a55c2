"""An instructor's own tests: honest answers keep the points that nbgrader gives, wrong ones get none."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from tlcourse.grading import Release, Result, Verdict, grade
from tlcourse.grading.verdicts import Question

pytestmark = pytest.mark.usefixtures("sandboxed")


def asked(stub: str, answer: str, test: str, hidden: str = "", given: str = "", later: str = "") -> Question:
    """The question of a lesson: what is given, an answer, its test with its hidden lines, and a cell after it."""
    cells = [code(given), code(stub, solution=True), code(f"{test}\n{hidden}".rstrip(), grade=True), code(later)]
    released = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}
    handed_in = copy.deepcopy(released)
    handed_in["cells"][1]["source"] = answer
    handed_in["cells"][2]["source"] = test
    shown = {"test": test} if hidden else {}
    return grade(handed_in, Release("plain", released, shown=shown, timeout=20.0)).questions[0]


def code(source: str, solution: bool = False, grade: bool = False) -> dict[str, Any]:
    marks = {"grade": grade, "solution": solution, "locked": not solution, "task": False, "schema_version": 3}
    marks |= {"grade_id": "test", "points": 1} if grade else {"grade_id": "answer" if solution else f"given-{source}"}
    metadata = {"nbgrader": marks} if solution or grade else {}
    return {"cell_type": "code", "metadata": metadata, "source": source, "outputs": [], "execution_count": None}


POINT = """\
class Point:
    def __init__(self, x):
        self.x = x

    def __eq__(self, other):
        return self.x == other.x

origin = Point(0)"""

COUNTER = "class Counter(dict):\n    def values(self, kind):\n        return kind\n\nfound = Counter(a=1)"
DRAW = "import matplotlib.pyplot as plt\n\ndef draw():\n    plt.plot([1, 2])"


@pytest.mark.parametrize(
    ("answer", "test"),
    [
        pytest.param(POINT, "assert origin == Point(0)", id="equality-that-expects-its-own-kind"),
        pytest.param(COUNTER, "assert found['a'] == 1", id="container-with-methods-of-its-own"),
        pytest.param(DRAW, "draw()", id="first-figure"),
        pytest.param("x = 3", "%matplotlib inline\nassert x == 3", id="magic-for-figures"),
        pytest.param("x = 3", "assert x == 3\nx + 4;", id="last-value-not-shown"),
        pytest.param("x = 3", "# one line \u2028 or two \x0c\nassert x == 3", id="odd-line-ends"),
        pytest.param(
            "import random\nrandom.seed(1)",
            "assert abs(random.random() - 0.134364) < 1e-6",
            id="seed-set-in-one-cell-and-used-in-the-next",
        ),
        pytest.param(
            "import numpy as np\ndef total():\n    return np.sum([1, 2])",
            "calls, true = [], np.sum\nnp.sum = lambda *a: calls.append(a) or true(*a)\nassert total() == 3 and calls",
            id="test-that-watches-a-library",
        ),
        pytest.param(
            "import numpy as np\ndef guess():\n    return 61.0",
            "np.testing.assert_allclose(guess(), 60, atol=200)",
            id="wide-tolerance",
        ),
        pytest.param(
            "state = [False]\ndef toggle():\n    state[0] = not state[0]\n    return state[0]",
            "assert toggle() == True",
            id="yes-and-no-in-turn",
        ),
        pytest.param("6 * 7", "assert _ == 42 and Out[1] == 42", id="numbers-of-the-cells"),
    ],
)
def test_what_is_honest_is_right(answer: str, test: str) -> None:
    assert asked("", answer, test).verdict is Verdict.RIGHT


@pytest.mark.parametrize(
    ("given", "stub", "right", "wrong"),
    [
        ("", "def round(x):\n    ...", "def round(x):\n    return int(x + 0.5)", "def round(x):\n    return 2"),
        ("from math import gcd", "def gcd(a):\n    ...", "def gcd(a):\n    return 3", "def gcd(a):\n    return -1"),
    ],
    ids=["builtin", "import"],
)
def test_a_lesson_may_ask_for_a_function_with_a_known_name(given: str, stub: str, right: str, wrong: str) -> None:
    test = "assert gcd(9) == 3" if given else "assert round(2.5) == 3"
    assert asked(stub, right, test, given=given).verdict is Verdict.RIGHT
    assert asked(stub, wrong, test, given=given).verdict is Verdict.WRONG


def test_a_name_may_be_imported_twice() -> None:
    test = "assert type(sqrt(4)) is float"
    question = asked("", "y = 2", test, given="from math import sqrt", later="from cmath import sqrt")
    assert question.verdict is Verdict.RIGHT


@pytest.mark.parametrize(
    ("answer", "test", "hidden", "later"),
    [
        ("stack = [1, 2, 3]", "assert stack.pop() == 3", "assert stack.pop() == 2", ""),
        ("calls = []\ndef f():\n    calls.append(1)\n    return len(calls)", "f()", "assert f() == 2", ""),
        ("def f(seen=[]):\n    seen.append(1)\n    return len(seen)", "assert f() == 1", "assert f() == 2", ""),
        (
            "import random\nrandom.seed(1)\ndef draw():\n    return random.random()",
            "assert draw() < 0.2",
            "assert draw() > 0.8",
            "random.seed(3)",
        ),
        ("open('a', 'w').write('1')", "import os", "assert open('a').read() == '1'", "os.remove('a')"),
    ],
    ids=["stack", "list-outside", "default-value", "random-numbers", "file"],
)
def test_hidden_lines_find_what_their_visible_ones_left(answer: str, test: str, hidden: str, later: str) -> None:
    assert asked("", answer, test, hidden, later=later).verdict is Verdict.RIGHT


def test_a_new_process_finds_a_module_beside_the_notebook() -> None:
    answer = """\
import multiprocessing

open('helper.py', 'w').write('def double(x):\\n    return 2 * x')
import helper

with multiprocessing.get_context('spawn').Pool(1) as pool:
    doubled = pool.map(helper.double, [1, 2])"""
    assert asked("", answer, "assert doubled == [2, 4]").verdict is Verdict.RIGHT


def test_part_of_the_points_is_not_rounded() -> None:
    assert asked("", "x = 1", "x / 3").points == 1 / 3


@pytest.mark.parametrize("name", ["plain.ipynb/notes", "other.IPYNB", "\N{GRINNING FACE}" * 63])
def test_a_file_of_any_name_leaves_the_grader_standing(name: str, tmp_path: Path) -> None:
    answer = f"from pathlib import Path\npath = Path({name!r})\npath.parent.mkdir(exist_ok=True)\npath.write_text('x')"
    released = {"cells": [code(answer)], "metadata": {}, "nbformat": 4, "nbformat_minor": 4}
    result = grade(copy.deepcopy(released), Release("plain", released, timeout=20.0))
    result.write_files(tmp_path)
    assert [path.name for path in tmp_path.rglob("*") if "ipynb" in path.name.lower()] == []


def test_a_file_whose_name_no_folder_holds_is_left_out(tmp_path: Path) -> None:
    files = {"a" * 300: "eA==", "b": "eA=="}
    Result("plain", (), files=files).write_files(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["b"]
