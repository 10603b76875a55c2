"""Sandboxes for tests: the same test as root and as an ordinary user, where it can be both."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sandbox_kit import SOMEBODY, Opener, package, python_for

if platform.system() != "Linux":
    collect_ignore_glob = ["test_filter*", "test_inside*", "test_limits*"]


@pytest.fixture(scope="session")
def as_myself(tmp_path_factory: pytest.TempPathFactory) -> Opener:
    return Opener(sys.executable, package(tmp_path_factory.mktemp("package")))


@pytest.fixture(scope="session")
def as_somebody() -> Iterator[Opener]:
    if os.geteuid() != 0:
        pytest.skip("only root can be somebody else; the other half of this test ran as an ordinary user")
    with _open_folder() as name:
        folder = package(name)
        yield Opener(python_for(SOMEBODY, folder), folder, SOMEBODY)


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """In place of pytest's own: a folder that an ordinary user can enter."""
    with _open_folder() as folder:
        yield folder


@contextmanager
def _open_folder() -> Iterator[Path]:
    # Not among pytest's folders: each run of pytest closes them to other users again.
    with tempfile.TemporaryDirectory(prefix="tlcourse-sandbox-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture(params=["as_myself", "as_somebody"])
def sandbox(request: pytest.FixtureRequest) -> Opener:
    """Opens sandboxes: as whoever runs the tests, then as an ordinary user if that is root."""
    return request.getfixturevalue(request.param)
