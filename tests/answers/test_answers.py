"""Every stub fails, every solution and every other right answer passes, every wrong answer gets its own message."""

import importlib
import json
from pathlib import Path

import pytest

from tlcourse.checks import registry
from tlcourse.checks.result import practice_seed, run

ROOT = Path(__file__).parents[2]
EXERCISES = registry.exercises()
SEEDS = [None, 1, 2, 3]


def answers(name):
    return importlib.import_module(f"answers.{name}")


def answer_cell(folder, exercise):
    """The function that the answer cell of a generated notebook defines."""
    path = next((ROOT / folder).glob(f"{exercise.lesson}-*/*.ipynb"))
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    source = next("".join(c["source"]) for c in cells if c["id"] == f"answer-{exercise.id}")
    namespace = {}
    imports = [
        line
        for cell in cells
        if cell["cell_type"] == "code"
        for line in "".join(cell["source"]).splitlines()
        if line.startswith(("import ", "from "))
    ]
    exec("\n".join(imports), namespace)
    exec(source, namespace)
    return namespace[exercise.id]


def wrong_answers():
    return [(name, code) for name in EXERCISES for code in answers(name).WRONG]


def right_answers():
    return [(name, i) for name in EXERCISES for i in range(len(answers(name).RIGHT))]


@pytest.mark.parametrize("name", EXERCISES)
def test_the_stub_fails_and_says_what_to_do(name):
    result = run(EXERCISES[name], answer_cell("notebooks", EXERCISES[name]))
    assert result.earned == 0
    assert [finding.code for finding in result.findings] == ["not-written"]
    assert "Replace the line" in result.findings[0].next_step


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", EXERCISES)
def test_the_solution_passes(name, seed):
    result = run(EXERCISES[name], answer_cell("solutions", EXERCISES[name]), seed)
    assert result.passed and result.earned == EXERCISES[name].points, result.findings


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("name", "index"), right_answers())
def test_other_right_answers_pass(name, index, seed):
    result = run(EXERCISES[name], answers(name).RIGHT[index], seed)
    assert result.passed and result.earned == EXERCISES[name].points, result.findings


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("name", "code"), wrong_answers())
def test_a_wrong_answer_gets_its_own_message(name, code, seed):
    result = run(EXERCISES[name], answers(name).WRONG[code], seed)
    wrong = [finding for finding in result.findings if not finding.passed]
    assert [finding.code for finding in wrong] == [code], wrong
    assert result.earned < EXERCISES[name].points
    assert wrong[0].message and wrong[0].next_step


@pytest.mark.parametrize("name", EXERCISES)
def test_an_exercise_has_enough_answers_and_hints(name):
    assert len(answers(name).WRONG) >= 5
    assert len(answers(name).RIGHT) >= 2
    assert len(EXERCISES[name].hints) >= 2


def test_messages_differ_between_mistakes():
    for name, exercise in EXERCISES.items():
        messages = {
            code: next(f.message for f in run(exercise, answer).findings if not f.passed)
            for code, answer in answers(name).WRONG.items()
        }
        assert len(set(messages.values())) == len(messages), name


def test_practice_seeds_differ_between_exercises():
    assert len({practice_seed(exercise) for exercise in EXERCISES.values()}) == len(EXERCISES)
