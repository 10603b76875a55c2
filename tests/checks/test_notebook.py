"""`tlcourse check NOTEBOOK`: how a whole notebook stands, without JupyterLab."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

from tlcourse.checks import progress
from tlcourse.cli import main

RIGHT = "def chance_accuracy(n_classes):\n    return 1 / n_classes"
WRONG = "def chance_accuracy(n_classes):\n    return 100 / n_classes"
STUB = "def chance_accuracy(n_classes):\n    raise NotImplementedError('replace this line with your answer')"
CHECK = "tl.check.chance_accuracy(chance_accuracy)"


@pytest.fixture(autouse=True)
def wide_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")


def write(path: Path, *cells: str) -> Path:
    """A notebook that imports the course and has these code cells."""
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [nbformat.v4.new_code_cell(text) for text in ("import tlcourse as tl", *cells)]
    nbformat.write(notebook, path)
    return path


def test_a_right_answer_passes_and_is_remembered(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / "lesson.ipynb", RIGHT, CHECK)
    before = path.read_bytes()
    assert main(["check", str(path)]) == 0
    assert "✓ chance_accuracy" in capsys.readouterr().out
    assert path.read_bytes() == before
    assert progress.load()["chance_accuracy"]["earned"] == 1


def test_wrong_answers_are_told_with_the_next_step(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = [write(tmp_path / f"{name}.ipynb", code, CHECK) for name, code in (("wrong", WRONG), ("stub", STUB))]
    assert main(["check", *map(str, paths)]) == 1
    out = capsys.readouterr().out
    assert "in percent" in out and "Divide by 100" in out
    assert "still holds the line" in out


def test_a_cell_that_kills_python_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / "lesson.ipynb", "import os\nos._exit(1)", RIGHT, CHECK)
    assert main(["check", str(path)]) == 1
    assert "Python itself died" in capsys.readouterr().out


def test_an_answer_that_was_never_defined_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / "lesson.ipynb", CHECK)
    assert main(["check", str(path)]) == 1
    assert "name 'chance_accuracy' is not defined" in capsys.readouterr().out


def test_an_unreadable_notebook_does_not_keep_the_others_waiting(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damaged = tmp_path / "damaged.ipynb"
    damaged.write_text('{"cells": [')
    right = write(tmp_path / "right.ipynb", RIGHT, CHECK)
    assert main(["check", str(damaged), str(right)]) == 1
    shown = capsys.readouterr()
    assert "damaged.ipynb cannot be read as a notebook" in shown.err
    assert "✓ chance_accuracy" in shown.out


@pytest.mark.parametrize(
    ("make", "fault"),
    [
        (lambda folder: folder / "nowhere.ipynb", "There is no file"),
        (lambda folder: folder, "is a folder"),
        (lambda folder: write(folder / "foreign.ipynb", "1 + 1"), "has no exercise of the course"),
    ],
    ids=["missing", "a folder", "not ours"],
)
def test_what_is_not_a_lesson_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], make: object, fault: str
) -> None:
    assert main(["check", str(make(tmp_path))]) == 1  # type: ignore[operator]
    assert fault in capsys.readouterr().err
