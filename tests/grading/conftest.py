"""One small course, built once, and a fresh class of it for each test."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest
from grading_kit import EXERCISES, make_course

from tlcourse.checks import registry
from tlcourse.cli import main


@contextmanager
def only_the_small_ones() -> Iterator[None]:
    """Inside, the small course's exercises are all that there are."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "exercises", lambda: EXERCISES)
        yield


@pytest.fixture(scope="module", autouse=True)
def small_registry(request: pytest.FixtureRequest) -> Iterator[None]:
    """Where a module's tests use the small course, they see its exercises alone; nobody else does."""
    items = [item for item in request.session.items if getattr(item, "module", None) is request.module]
    uses = any("course" in getattr(item, "fixturenames", ()) for item in items)
    with only_the_small_ones() if uses else nullcontext():
        yield


# pytest makes what a session shares before what a module has: these two look after their registry themselves.
@pytest.fixture(scope="session")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A built course of two lessons; tests do not change it."""
    with only_the_small_ones():
        return make_course(tmp_path_factory.mktemp("grading") / "course")


@pytest.fixture(scope="session")
def fresh_class(course: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A class that nobody has worked in; tests do not change it."""
    folder = tmp_path_factory.mktemp("classes") / "autumn"
    with only_the_small_ones():
        assert main(["classroom", str(folder), "--root", str(course)]) == 0
    return folder


@pytest.fixture
def room(fresh_class: Path, tmp_path: Path) -> Path:
    """A class of this test's own."""
    return Path(shutil.copytree(fresh_class, tmp_path / "autumn"))
