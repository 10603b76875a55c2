"""One small course, built once, and a fresh class of it for each test."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from grading_kit import EXERCISES, make_course

from tlcourse.checks import registry
from tlcourse.cli import main


@pytest.fixture(scope="module", autouse=True)
def small_registry(request: pytest.FixtureRequest) -> Iterator[None]:
    """Where a module's tests use the small course, its exercises are all that there are; nowhere else."""
    items = [item for item in request.session.items if getattr(item, "module", None) is request.module]
    with pytest.MonkeyPatch.context() as patch:
        if any("course" in getattr(item, "fixturenames", ()) for item in items):
            patch.setattr(registry, "exercises", lambda: EXERCISES)
        yield


@pytest.fixture(scope="session")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A built course of two lessons; tests do not change it."""
    return make_course(tmp_path_factory.mktemp("grading") / "course")


@pytest.fixture(scope="session")
def fresh_class(course: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A class that nobody has worked in; tests do not change it."""
    folder = tmp_path_factory.mktemp("classes") / "autumn"
    assert main(["classroom", str(folder), "--root", str(course)]) == 0
    return folder


@pytest.fixture
def room(fresh_class: Path, tmp_path: Path) -> Path:
    """A class of this test's own."""
    return Path(shutil.copytree(fresh_class, tmp_path / "autumn"))
