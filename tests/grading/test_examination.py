"""Grading one notebook, without a class: verdicts, points, and what learners and nbgrader read in the graded one."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import attack_kit
import pytest
from nbformat.notebooknode import from_dict
from nbgrader.utils import determine_grade

from tlcourse.errors import NotebookError
from tlcourse.grading import Release, Result, Verdict, forks, grade, jury

Grade = Callable[..., Result]


pytestmark = pytest.mark.usefixtures("sandboxed")


@pytest.fixture(scope="module")
def release() -> Release:
    """Two checks of the course, a plain test with hidden lines, one with partial credit, and a written answer."""
    return replace(Release.read(attack_kit.RELEASE), seed=b"a class's secret", timeout=20.0)


@pytest.fixture(scope="module")
def right(release: Release) -> Result:
    return grade(attack_kit.honest(), release)


def answered(**answers: str) -> dict[str, Any]:
    """The right notebook with other answers, by grade_id."""
    notebook = attack_kit.honest()
    for cell in notebook["cells"]:
        name = cell["metadata"].get("nbgrader", {}).get("grade_id", "").replace("-", "_")
        cell["source"] = answers.get(name, cell["source"])
    return notebook


def lesson(*sources: str, points: float = 1.0) -> dict[str, Any]:
    """A notebook whose last cell is a plain test."""
    cells = [code(source) for source in sources]
    cells[-1]["metadata"]["nbgrader"] = {
        "grade": True, "solution": False, "locked": True, "task": False,
        "points": points, "grade_id": "test", "schema_version": 3, "cell_type": "code",
    }  # fmt: skip
    return {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}


def code(source: str) -> dict[str, Any]:
    return {"cell_type": "code", "metadata": {}, "source": source, "outputs": [], "execution_count": None}


def plainly(*sources: str, points: float = 1.0) -> Any:
    """The one question of a lesson that is handed in as it was released."""
    notebook = lesson(*sources, points=points)
    result = grade(copy.deepcopy(notebook), Release("plain", notebook, timeout=20.0))
    return result.questions[0]


def verdicts(result: Result) -> dict[str, str]:
    return {question.name: question.verdict.value for question in result.questions}


def names(notebook: dict[str, Any]) -> list[str]:
    return [cell["metadata"].get("nbgrader", {}).get("grade_id", "") for cell in notebook["cells"]]


def test_right_answers_get_all_points_and_a_written_one_waits_for_a_person(right: Result) -> None:
    assert set(verdicts(right).values()) == {"right", "hand"}
    assert (right.points, right.max_points) == (8.0, 10.0)
    assert right.engine == "sandbox"


def test_nbgrader_reads_the_same_points_from_the_graded_notebook(release: Release) -> None:
    result = grade(answered(**{"answer_break_even": "def break_even(*costs):\n    return 1"}), release)
    cells = {name: cell for name, cell in zip(names(result.notebook), result.notebook["cells"], strict=True) if name}
    for question in result.questions:
        score, most = determine_grade(from_dict(cells[question.name]))
        assert (score, most) == (question.points, question.max_points)


def test_a_wrong_answer_gets_its_finding(release: Release) -> None:
    answer = {name: "def chance_accuracy(n_classes):\n    return 1 / (n_classes - 1)" for name in _answers(release)[:1]}
    question = grade(answered(**answer), release).questions[0]
    assert question.verdict is Verdict.WRONG
    assert [found.passed for found in question.findings] == [False]
    assert question.message == question.findings[0].message


def _answers(release: Release) -> list[str]:
    """The names of the answer cells, as `answered` takes them."""
    marks = [cell["metadata"].get("nbgrader", {}) for cell in release.notebook["cells"]]
    return [mark["grade_id"].replace("-", "_") for mark in marks if mark.get("solution") and not mark.get("grade")]


def test_a_result_survives_json(right: Result) -> None:
    assert Result.from_json(json.loads(json.dumps(right.as_json()))) == right


def test_a_result_of_another_format_is_refused(right: Result) -> None:
    with pytest.raises(NotebookError, match="Grade the submission again"):
        Result.from_json(right.as_json() | {"format": 99})


def test_neither_seed_nor_hidden_test_is_in_the_result(release: Release, right: Result) -> None:
    hidden = next(iter(release.shown))
    source = next(cell["source"] for cell in release.notebook["cells"] if names({"cells": [cell]}) == [hidden])
    secret = next(line for line in source.splitlines() if line and line not in release.shown[hidden])
    text = json.dumps(right.as_json())
    assert secret not in text
    assert release.seed.decode() not in text


def test_equal_notebooks_get_equal_verdicts_and_another_class_other_inputs(release: Release) -> None:
    once = grade(attack_kit.honest(), release)
    again = grade(attack_kit.honest(), replace(release, seed=b"another class"))
    assert verdicts(once) == verdicts(again)


@pytest.mark.parametrize(
    ("source", "points"), [("assert True", 3.0), ("1.5", 1.5), ("0", 0.0), ("'some text'", 3.0), ("print('ok')", 3.0)]
)
def test_plain_tests_are_scored_as_nbgrader_does(source: str, points: float) -> None:
    assert plainly("x = 1", source, points=3.0).points == points


@pytest.mark.parametrize("source", ["4", "-1", "float('nan')", "float('inf')"])
def test_points_that_no_test_gives_are_none(source: str) -> None:
    question = plainly("x = 1", source, points=3.0)
    assert (question.points, question.verdict) == (0.0, Verdict.TAMPERED)


def test_text_on_standard_error_costs_nothing() -> None:
    test = "import sys, warnings\nwarnings.warn('careful')\nprint('note', file=sys.stderr)\nassert x == 1"
    assert plainly("x = 1", test).verdict is Verdict.RIGHT


def test_an_assertion_is_wrong_and_anything_else_an_error() -> None:
    failed = plainly("x = 1", "assert x == 2, 'x should be 2'")
    assert (failed.verdict, failed.message) == (Verdict.WRONG, "AssertionError: x should be 2")
    raised = plainly("x = 1", "assert y == 2")
    assert (raised.verdict, raised.message) == (Verdict.ERROR, "NameError: name 'y' is not defined")


@pytest.mark.parametrize(
    ("harm", "verdict"),
    [
        ("import os; os._exit(0)", Verdict.CRASHED),
        ("import ctypes; ctypes.string_at(0)", Verdict.CRASHED),
        ("x = bytearray(1 << 40)", Verdict.MEMORY),
    ],
)
def test_what_ends_the_kernel_costs_its_own_question_only(release: Release, harm: str, verdict: Verdict) -> None:
    first, *_ = _answers(release)
    result = grade(answered(**{first: harm}), release)
    found = verdicts(result)
    assert found.pop(result.questions[0].name) == verdict
    assert set(found.values()) == {"right", "hand"}


def test_a_test_with_side_effects_runs_once_before_the_next() -> None:
    first, second = code("assert stack.pop() == 3"), code("assert stack.pop() == 2")
    for place, cell in enumerate((first, second)):
        cell["metadata"]["nbgrader"] = lesson("1")["cells"][0]["metadata"]["nbgrader"] | {"grade_id": f"test-{place}"}
    notebook = lesson("stack = [1, 2, 3]", "1") | {"cells": [code("stack = [1, 2, 3]"), first, second]}
    result = grade(copy.deepcopy(notebook), Release("plain", notebook, timeout=20.0))
    assert verdicts(result) == {"test-0": "right", "test-1": "right"}


def test_a_learner_may_shadow_what_a_test_uses() -> None:
    released = lesson("x = 1", "assert len([x]) == 1")
    handed_in = lesson("x, len = 1, 3", "assert len([x]) == 1")
    assert grade(handed_in, Release("plain", released, timeout=20.0)).points == 1.0


def test_small_files_come_back_and_links_do_not() -> None:
    notebook = lesson("open('a.txt', 'w').write('hi')\nimport os\nos.symlink('/etc/passwd', 'link')", "assert True")
    assert grade(copy.deepcopy(notebook), Release("plain", notebook, timeout=20.0)).files == {"a.txt": "aGk="}


def test_without_a_sandbox_if_trusted(release: Release, right: Result) -> None:
    trusted = grade(attack_kit.honest(), release, trust=True)
    assert trusted.engine == "trust"
    assert verdicts(trusted) == verdicts(right)


def test_data_files_lie_beside_the_notebook() -> None:
    notebook = lesson("text = open('sub/data.csv').read()", "assert text == '1,2'")
    release = Release("plain", notebook, files={"sub/data.csv": b"1,2"}, timeout=20.0)
    assert grade(copy.deepcopy(notebook), release).points == 1.0


def test_a_file_that_is_not_there_is_named(release: Release) -> None:
    with pytest.raises(NotebookError, match="cannot be opened"):
        grade("nowhere.ipynb", release)


def test_where_a_fork_is_not_safe_a_fresh_process_does_the_same(
    release: Release, right: Result, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (forks, jury):
        monkeypatch.setattr(module, "is_warm", lambda: False)
    assert verdicts(grade(attack_kit.honest(), release, trust=True)) == verdicts(right)
