"""The welcome page: which lesson comes next, how long it takes, what has been earned."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tlcourse import storage, welcome
from tlcourse.authoring.course import Lesson
from tlcourse.checks import progress
from tlcourse.errors import StorageError


def lesson(root: Path, name: str, minutes: int = 30, **points: float) -> Lesson:
    """A released lesson with a check for each of the points."""
    text = f"# {name[3:].capitalize()}\n\n**In about {minutes} minutes** you will know."
    cells: list[dict[str, Any]] = [{"cell_type": "markdown", "source": [text], "metadata": {}}]
    for exercise, worth in points.items():
        mark = {"grade_id": f"check-{exercise}", "grade": True, "points": worth}
        cells.append({"cell_type": "code", "source": [], "metadata": {"nbgrader": mark}})
    made = Lesson(root, name)
    made.release.parent.mkdir(parents=True)
    made.release.write_text(json.dumps({"cells": cells}))
    return made


@pytest.fixture
def lessons(tmp_path: Path) -> list[Lesson]:
    return [lesson(tmp_path, "00-start", 15, chance=1), lesson(tmp_path, "01-go-on", 50, curve=2, interval=3)]


def page(lessons: list[Lesson], folder: Path, **earned: Any) -> str:
    progress = {name: {"earned": points} for name, points in earned.items()}
    return welcome.write(lessons, folder, progress).read_text()


def test_every_lesson_with_its_minutes_and_points(lessons: list[Lesson], tmp_path: Path) -> None:
    told = page(lessons, tmp_path, chance=1, curve=1.5)
    assert "| 00 | [Start](00-start/00-start.ipynb) | 15 | ✓ 1 of 1 |" in told
    assert "| 01 | [Go-on](01-go-on/01-go-on.ipynb) | 50 | 1.5 of 5 |" in told


@pytest.mark.parametrize(
    ("earned", "said"),
    [
        ({}, "Begin with [Start](00-start/00-start.ipynb)"),
        ({"chance": 1}, "Go on with [Go-on](01-go-on/01-go-on.ipynb)"),
        ({"curve": 2}, "Go on with [Start](00-start/00-start.ipynb)"),
        ({"chance": 1, "curve": 2, "interval": 3}, "Every check of every lesson has all its points"),
    ],
)
def test_what_comes_next(lessons: list[Lesson], tmp_path: Path, earned: dict[str, float], said: str) -> None:
    assert said in page(lessons, tmp_path, **earned)


def test_what_is_damaged_counts_nothing(lessons: list[Lesson], tmp_path: Path) -> None:
    lessons[1].release.write_text("{")
    told = page(lessons, tmp_path, chance="all")
    assert "| 01 | [01-go-on](01-go-on/01-go-on.ipynb) |  |  |" in told
    assert "0 of 1" in told


def test_it_is_written_anew(lessons: list[Lesson], tmp_path: Path) -> None:
    page(lessons, tmp_path)
    assert re.search(r"✓ 1 of 1", page(lessons, tmp_path, chance=1))


def test_one_that_says_the_same_keeps_its_time(lessons: list[Lesson], tmp_path: Path) -> None:
    before = (page(lessons, tmp_path), (tmp_path / welcome.NAME).stat().st_mtime_ns)
    assert (page(lessons, tmp_path), (tmp_path / welcome.NAME).stat().st_mtime_ns) == before


@pytest.fixture
def served(lessons: list[Lesson], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], str]:
    """What a browser gets that asks JupyterLab for the page, in a workspace that has one of an earlier start."""
    contents = pytest.importorskip("tlcourse.contents", reason="Jupyter is not installed")
    monkeypatch.setenv("TLCOURSE_STATE", str(tmp_path / "state"))
    workspace = tmp_path / "workspace"
    welcome.write(lessons, workspace, {})
    manager = contents.CourseContents(root_dir=str(workspace), course=str(tmp_path))
    return lambda: asyncio.run(manager.get(welcome.NAME))["content"]


def earn_the_first_point() -> None:
    storage.write_text(progress.path(), json.dumps({"chance": {"earned": 1}}))


def test_jupyterlab_reads_it_with_the_points_of_the_moment(served: Callable[[], str]) -> None:
    earn_the_first_point()
    assert "✓ 1 of 1" in served()


def test_on_a_full_disk_jupyterlab_reads_the_last_one(
    served: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, _text: str) -> None:
        raise StorageError(f"{path} cannot be written: no space is left.", "Make room.")

    earn_the_first_point()
    monkeypatch.setattr(storage, "write_text", full)
    assert "0 of 1" in served()
