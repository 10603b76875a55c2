"""Sandboxes for tests: the same test as root and as an ordinary user, where it can be both."""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path

import pytest
from sandbox_kit import SOMEBODY, Opener, package, python_for

if platform.system() != "Linux":
    collect_ignore_glob = ["test_filter*", "test_inside*", "test_limits*"]


@pytest.fixture(scope="session")
def as_myself(tmp_path_factory: pytest.TempPathFactory) -> Opener:
    return Opener(sys.executable, package(tmp_path_factory.mktemp("package")))


@pytest.fixture(scope="session")
def as_somebody(tmp_path_factory: pytest.TempPathFactory) -> Opener:
    if os.geteuid() != 0:
        pytest.skip("only root can be somebody else; the other half of this test ran as an ordinary user")
    folder = package(tmp_path_factory.mktemp("somebody"))
    for parent in folder.parents:
        if parent.is_relative_to("/tmp") and parent != Path("/tmp"):
            parent.chmod(parent.stat().st_mode | 0o055)
    return Opener(python_for(SOMEBODY, folder), folder, SOMEBODY)


@pytest.fixture(params=["as_myself", "as_somebody"])
def sandbox(request: pytest.FixtureRequest) -> Opener:
    """Opens sandboxes: as whoever runs the tests, then as an ordinary user if that is root."""
    return request.getfixturevalue(request.param)
