"""A small course in a scratch folder, with exercises of its own."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from authoring_kit import CHECKOUT, EXERCISES, write_lesson

from tlcourse.checks import registry
from tlcourse.cli import main


@pytest.fixture(autouse=True)
def _exercises(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "exercises", lambda: EXERCISES)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A course with one lesson that was not built yet."""
    return _course(tmp_path / "course")


@pytest.fixture(scope="session")
def built_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The course, built; tests do not change it."""
    folder = _course(tmp_path_factory.mktemp("authoring") / "course")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "exercises", lambda: EXERCISES)
        assert main(["build", "--root", str(folder)]) == 0
    return folder


@pytest.fixture
def built(built_once: Path, tmp_path: Path) -> Path:
    """A built course of this test's own."""
    return Path(shutil.copytree(built_once, tmp_path / "course"))


def _course(folder: Path) -> Path:
    folder.mkdir()
    shutil.copy(CHECKOUT / "nbgrader_config.py", folder)
    write_lesson(folder)
    return folder
