"""What every test gets: folders of its own for the course's files, and real data where there is some."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tlcourse import sandbox
from tlcourse.errors import CourseError

REAL = Path(__file__).resolve().parents[2] / "shared" / "real"


@pytest.fixture(autouse=True)
def own_folders(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the cache and the state of whoever runs it."""
    base = tmp_path_factory.mktemp("tlcourse")
    monkeypatch.setenv("TLCOURSE_CACHE", str(base / "cache"))
    monkeypatch.setenv("TLCOURSE_STATE", str(base / "state"))


@pytest.fixture(scope="session")
def real_dir() -> Path:
    """Real photos and published weights; tests that need them are skipped without."""
    folder = Path(os.environ.get("TLCOURSE_REAL_DATA") or REAL).expanduser()
    if not folder.is_dir():
        pytest.skip(f"no real data: {folder} is no folder (set TLCOURSE_REAL_DATA to one that has them)")
    return folder


@pytest.fixture(scope="session")
def sandboxed() -> None:
    """Skip what needs submissions walled in where this machine cannot do that."""
    try:
        sandbox.insist()
    except CourseError as error:
        pytest.skip(f"no sandbox here: {error}")
