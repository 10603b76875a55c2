"""Where a sandbox cannot be had, the reason and the cure are said."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator

import pytest
from sandbox_kit import CHECKOUT

from tlcourse.errors import CourseError
from tlcourse.sandbox import Limits, Plan, SandboxError, insist

on_linux = pytest.mark.skipif(platform.system() != "Linux", reason="needs the namespaces of Linux")


@pytest.fixture(autouse=True)
def asked_anew() -> Iterator[None]:
    insist.cache_clear()
    yield
    insist.cache_clear()


@on_linux
def test_this_machine_gives_one() -> None:
    insist()


@pytest.mark.parametrize(
    ("what", "value", "fault", "cure"),
    [
        ("system", "Darwin", "needs Linux; this is Darwin", "container"),
        ("release", "4.18.0-553.el8", "Linux 5.14 or newer; this is 4.18.0", "Update"),
        ("release", "4.4.0-19041-Microsoft", "WSL 1", "WSL 2"),
        ("machine", "riscv64", "not riscv64", "another machine"),
    ],
)
def test_an_unfit_machine_is_named(
    monkeypatch: pytest.MonkeyPatch, what: str, value: str, fault: str, cure: str
) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    monkeypatch.setattr(platform, "release", lambda: "6.8.0-generic")
    monkeypatch.setattr(platform, what, lambda: value)
    with pytest.raises(SandboxError) as caught:
        insist()
    assert fault in caught.value.fault
    assert cure in caught.value.cure
    assert "--trust" in caught.value.cure
    assert isinstance(caught.value, CourseError)


@on_linux
@pytest.mark.parametrize(
    ("spoil", "fault", "cure"),
    [
        (
            "echo 0 > /proc/sys/user/max_user_namespaces",
            "user.max_user_namespaces is 0",
            "sudo sysctl user.max_user_namespaces=",
        ),
        ("mount --bind /dev/null /proc/keys", "may not mount its own /proc", "--security-opt systempaths=unconfined"),
    ],
)
def test_a_machine_that_refuses_is_asked_why(spoil: str, fault: str, cure: str) -> None:
    unshare = shutil.which("unshare")
    if unshare is None:
        pytest.skip("util-linux's unshare, which makes a machine that refuses, is not installed")
    attempt = "from tlcourse.sandbox import insist; insist()"
    spoiled = [unshare, "--user", "--map-root-user", "--mount", "sh", "-c", f'{spoil} && exec "$@"', "sh"]
    ran = subprocess.run(
        [*spoiled, sys.executable, "-c", attempt],
        env=os.environ | {"PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        text=True,
        check=False,
    )
    said = ran.stderr.strip().splitlines()[-1]
    assert said.startswith("tlcourse.sandbox.reasons.SandboxError")
    assert fault in said
    assert cure in said


def test_a_plan_travels_as_json() -> None:
    plan = Plan(Limits(memory=1, wall_seconds=2.5), ("/a", "/b"), ("/c",), "/work", None, "/sockets", {"A": "1"})
    assert Plan.from_json(plan.as_json()) == plan


def test_asking_imports_nothing_heavy_and_nothing_of_linux() -> None:
    heavy = ("torch", "numpy", "resource", "tlcourse.sandbox.linux")
    code = f"import sys, tlcourse.sandbox; print([name for name in {heavy} if name in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
