"""Opening a sandbox around a test's own function, as root or as an ordinary user."""

from __future__ import annotations

import inspect
import json
import os
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tlcourse.sandbox import Plan

CHECKOUT = Path(__file__).resolve().parents[2]
SOMEBODY = 54321
"""An ordinary user, who need not have an account."""


@dataclass(frozen=True)
class Ran:
    """What came of a sandbox: the owner's exit status of it, what the function returned, and what the owner heard."""

    value: Any
    status: int
    events: list[dict[str, Any]]

    @property
    def end(self) -> dict[str, Any]:
        return self.events[-1]


@dataclass(frozen=True)
class Opener:
    """Opens sandboxes as one user of the machine.

    Args:
        python: an interpreter that this user may run.
        folder: where the package and the owner's script lie for this user, and nothing else.
        user: the user's number; None for whoever runs the tests.
    """

    python: str
    folder: Path
    user: int | None = None
    environment: dict[str, str] = field(default_factory=dict)

    def __call__(
        self, inside: Callable[..., Any], *arguments: Any, before: Callable[[], Any] | None = None, **plan: Any
    ) -> Ran:
        """Run `inside(*arguments)` in a sandbox of `Plan(**plan)`; what `before()` returns comes first."""
        with self.start(inside, *arguments, before=before, **plan) as owner:
            lines = [json.loads(line) for line in owner.stdout or ()]
            assert lines and owner.wait() == 0, f"the owner failed: {owner.stderr.read() if owner.stderr else ''}"
        return Ran(**lines.pop(), events=lines)

    def start(
        self, inside: Callable[..., Any], *arguments: Any, before: Callable[[], Any] | None = None, **plan: Any
    ) -> subprocess.Popen[str]:
        """The owner's process, just started."""
        who = {} if self.user is None else {"user": self.user, "group": self.user, "extra_groups": []}
        owner = subprocess.Popen(
            [self.python, "owner.py"],
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(self.folder)} | self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **who,  # type: ignore[arg-type]
        )
        asked = {"plan": Plan(**plan).as_json(), "source": _source(inside), "arguments": arguments}
        assert owner.stdin
        owner.stdin.write(json.dumps(asked | {"before": before and _source(before)}) + "\n")
        owner.stdin.flush()
        return owner


def _source(function: Callable[..., Any]) -> str:
    return textwrap.dedent(inspect.getsource(function))


def package(folder: Path) -> Path:
    """A folder with what a sandbox needs of the package, that every user may read."""
    folder.chmod(0o755)
    shutil.copytree(CHECKOUT / "tlcourse" / "sandbox", folder / "tlcourse" / "sandbox")
    for name in ("__init__.py", "errors.py"):
        shutil.copy(CHECKOUT / "tlcourse" / name, folder / "tlcourse" / name)
    shutil.copy(Path(__file__).with_name("owner.py"), folder / "owner.py")
    return folder


def python_for(user: int, folder: Path) -> str:
    """An interpreter of this Python's version that `user` may run: this one, the system's, or a copy of this one."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for candidate in (sys.executable, f"/usr/bin/{version}", f"/usr/local/bin/{version}"):
        if _runs(candidate, user):
            return candidate
    home = folder / "python"
    library = Path("lib", version)
    ignored = shutil.ignore_patterns("site-packages", "test", "__pycache__", "idlelib", "*.a")
    shutil.copytree(Path(sys.base_prefix, library), home / library, ignore=ignored)
    for shared in Path(sys.base_prefix, "lib").glob("libpython*"):
        shutil.copy(shared, home / "lib")
    (home / "bin").mkdir()
    shutil.copy(Path(sys.executable).resolve(), home / "bin" / version)
    return str(home / "bin" / version)


def _runs(python: str, user: int) -> bool:
    command = [python, "-c", "import ctypes, json, socket"]
    try:
        ran = subprocess.run(command, user=user, group=user, extra_groups=[], capture_output=True, check=False)
    except OSError:
        return False
    return ran.returncode == 0
