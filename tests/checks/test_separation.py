"""Collecting and judging can be two processes: what passes between them is JSON, and the judge runs no answer."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tlcourse.checks import plain, registry
from tlcourse.checks.result import collect_evidence, judge_evidence, run

NAMES = list(registry.exercises())
SEED = 20_260
TESTS = Path(__file__).parents[1]

COLLECT = """
import importlib, json, os, sys
from tlcourse.checks import registry
from tlcourse.checks.result import collect_evidence
for name, exercise in registry.exercises().items():
    answers = importlib.import_module(f"answers.{name}")
    for kind, answer in [("right", answers.RIGHT[0]), *answers.WRONG.items()]:
        print(json.dumps([name, kind, collect_evidence(exercise, answer, int(sys.argv[1]))]))
"""

JUDGE = """
import json, sys
from tlcourse.checks import registry
from tlcourse.checks.result import judge_evidence
for line in sys.stdin:
    name, kind, evidence = json.loads(line)
    result = judge_evidence(registry.get(name), evidence, int(sys.argv[1]))
    print(json.dumps([name, kind, result.passed, [f.code for f in result.findings if not f.passed]]))
assert not any(module.startswith("answers") for module in sys.modules)
"""


def in_a_process_of_its_own(code: str, read: str = "", path: Path | None = None) -> str:
    env = os.environ | ({"PYTHONPATH": str(path)} if path else {})
    done = subprocess.run(
        [sys.executable, "-c", code, str(SEED)], input=read, capture_output=True, text=True, env=env, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_evidence_from_one_process_is_judged_in_another() -> None:
    collected = in_a_process_of_its_own(COLLECT, path=TESTS)
    judged = [json.loads(line) for line in in_a_process_of_its_own(JUDGE, collected).splitlines()]
    assert {name for name, *_ in judged} == set(NAMES)
    for name, kind, passed, codes in judged:
        assert (passed, codes) == ((True, []) if kind == "right" else (False, [kind])), name


@pytest.mark.parametrize("name", NAMES)
def test_evidence_is_plain_and_the_same_for_the_same_seed(name: str) -> None:
    exercise, answers = registry.get(name), importlib.import_module(f"answers.{name}")
    for answer in (*answers.RIGHT, *answers.WRONG.values(), None, lambda *_: object(), lambda *_: np.zeros(3)):
        evidence = collect_evidence(exercise, answer, SEED)
        assert plain.dumps(plain.loads(evidence)) == evidence
        assert "passed" not in plain.loads(evidence), "a verdict has no place in evidence"
    assert collect_evidence(exercise, answers.RIGHT[0], SEED) == collect_evidence(exercise, answers.RIGHT[0], SEED)


@pytest.mark.parametrize("name", NAMES)
def test_the_judge_calls_no_answer(name: str) -> None:
    calls: list[Any] = []

    def counted(*arguments: Any) -> Any:
        calls.append(arguments)
        return importlib.import_module(f"answers.{name}").RIGHT[0](*arguments)

    exercise = registry.get(name)
    evidence = collect_evidence(exercise, counted, SEED)
    made = len(calls)
    judge_evidence(exercise, evidence, SEED)
    assert len(calls) == made


class AgreesWithEverything:
    """An answer that says yes to every comparison."""

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 0

    def __float__(self) -> float:
        return 1.0

    def __sub__(self, other: object) -> float:
        return 0.0

    __rsub__ = __sub__


@pytest.mark.parametrize("name", NAMES)
def test_an_answer_that_equals_everything_is_wrong(name: str) -> None:
    result = run(registry.get(name), lambda *_: AgreesWithEverything())
    assert not result.passed and result.earned == 0


def test_the_seed_draws_other_inputs() -> None:
    seen: dict[int, list[Any]] = {}
    for seed in (1, 2):
        inputs = seen.setdefault(seed, [])
        collect_evidence(registry.get("chance_accuracy"), inputs.append, seed)
    assert seen[1] != seen[2]


@pytest.mark.parametrize("evidence", ["", "[", "NaN", '{"calls": {"__array__": 3}}'])
def test_forged_text_is_no_evidence(evidence: str) -> None:
    with pytest.raises(ValueError):
        judge_evidence(registry.get("chance_accuracy"), evidence, SEED)
