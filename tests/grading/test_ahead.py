"""An engine starts its next kernel early: no submission may notice, and nothing may stay behind."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import attack_kit
import psutil
import pytest

from tlcourse.grading import Release
from tlcourse.grading.engine import Engine

pytestmark = pytest.mark.usefixtures("sandboxed")


@pytest.fixture(scope="module")
def release() -> Release:
    return replace(Release.read(attack_kit.RELEASE), seed=b"a class's secret", timeout=20.0)


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    running = Engine(trust=False)
    yield running
    running.close()


def notebook(*before: str) -> bytes:
    """The right answers, with cells of a learner's own in front."""
    right: Any = attack_kit.honest()
    own = [
        {"cell_type": "code", "id": f"own-{n}", "metadata": {}, "source": code, "outputs": [], "execution_count": None}
        for n, code in enumerate(before)
    ]
    return json.dumps({**right, "cells": [*own, *right["cells"]]}).encode()


def printed(result: Any) -> str:
    """What the first cell printed."""
    (output,) = result.notebook["cells"][0]["outputs"]
    return str(output["text"])


def kernels() -> list[psutil.Process]:
    """The kernels that this process's warm parent has forked."""
    return [kernel for parent in psutil.Process().children() for kernel in parent.children()]


def test_each_submission_has_a_kernel_of_its_own(engine: Engine, release: Release) -> None:
    first = engine.grade(notebook("shared = 1\nopen('left.txt', 'w').write('here')"), release, {})
    second = engine.grade(notebook("import os\nprint('shared' in globals(), os.listdir())"), release, {})
    assert first.points == second.points > 0
    assert printed(second) == "False []\n"


def test_files_handed_in_beside_one_are_not_there_for_the_next(engine: Engine, release: Release) -> None:
    listing = notebook("import os\nprint(sorted(os.listdir()))")
    assert printed(engine.grade(listing, release, {"mine.csv": b"1"})) == "['mine.csv']\n"
    assert printed(engine.grade(listing, release, {"yours.csv": b"2"})) == "['yours.csv']\n"


def test_the_lesson_s_files_stay_where_a_learner_s_stand_in_their_way(engine: Engine, release: Release) -> None:
    listing = notebook("from pathlib import Path\nprint(sorted(map(str, Path().rglob('*'))))")
    lesson = replace(release, files={"data/x.csv": b"1", "seeds": b"2"})
    handed_in = {"data": b"3", "data/y.csv": b"4", "seeds/own.txt": b"5"}
    assert printed(engine.grade(listing, lesson, handed_in)) == "['data', 'data/x.csv', 'data/y.csv', 'seeds']\n"


def test_a_waiting_kernel_that_was_killed_costs_nobody_a_point(engine: Engine, release: Release) -> None:
    first = engine.grade(notebook(), release, {})
    everything = [process for kernel in kernels() for process in (kernel, *kernel.children(recursive=True))]
    everything[0].kill()
    assert psutil.wait_procs(everything, timeout=10)[1] == []
    assert engine.grade(notebook(), release, {}).points == first.points > 0


def test_no_kernel_waits_when_the_engine_has_ended(release: Release) -> None:
    engine = Engine(trust=False)
    others = set(kernels())
    engine.grade(notebook(), release, {})
    (waiting,) = set(kernels()) - others
    engine.close()
    assert psutil.wait_procs([waiting], timeout=10)[1] == []
