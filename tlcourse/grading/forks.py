"""Where the grader's kernels and jurors come from: warm forks on Linux, fresh processes elsewhere."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from tlcourse.errors import CourseError

# No secret of whoever grades reaches a learner's code, not even through /proc.
_PASSED = ("PATH", "LANG", "LC_ALL", "TZ", "TLCOURSE_CACHE", "VIRTUAL_ENV", "LD_LIBRARY_PATH")
_OURS = ("sandbox.entry", *(f"grading.{name}" for name in ("candidate", "kernel_app", "proctor", "jury", "warm")))


class Process(Protocol):
    """A kernel's or a juror's process."""

    def kill(self) -> None:
        """End it."""

    def wait(self, timeout: float) -> int | None:
        """Its exit status, None if it has not come to an end in `timeout` seconds."""


class Forks:
    """This process's warm parent, started when first needed and again when it cannot go on."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._nursery: Any = None

    def start(self, door: str = "") -> None:
        """Begin to warm up; returns at once.

        Args:
            door: what another process of this machine yielded from `lent`; this one then imports nothing itself.
        """
        with self._lock:
            if is_warm():
                self._get(door)

    @contextlib.contextmanager
    def lent(self) -> Iterator[str]:
        """Begin to warm up for other processes too; yields the door at which they find it, for `start`."""
        if not is_warm():
            yield ""
            return
        from tlcourse.kernels.door import Door

        self.start()
        door = Door(self._nursery)
        try:
            yield door.address
        finally:
            door.close()
            self.close()

    def spawn(self, entry: str, arguments: dict[str, Any], fds: list[int]) -> Process:
        """A process that calls `entry` (`module:function`) with `arguments` and its copies of `fds`.

        Raises:
            CourseError: none can be had.
        """
        if not is_warm():
            return _Cold(entry, arguments, fds)
        from tlcourse.kernels.nursery import NurseryError

        with self._lock:
            try:
                return self._get().spawn(entry, arguments, fds)
            except NurseryError:
                self._end()
                return self._get().spawn(entry, arguments, fds)

    def close(self) -> None:
        """End the warm parent."""
        with self._lock:
            self._end()

    def _end(self) -> None:
        if self._nursery is not None:
            self._nursery.close()
            self._nursery = None

    def _get(self, door: str = "") -> Any:
        if self._nursery is None:
            from tlcourse.kernels.nursery import PRELOAD, Nursery, NurseryError

            if door:
                from tlcourse.kernels.door import Guest

                # A door that has closed is no loss: this process warms up by itself.
                with contextlib.suppress(NurseryError):
                    guest = Guest(door)
                    guest.start()
                    self._nursery = guest
                    return guest
            modules = [*PRELOAD, *(f"tlcourse.{name}" for name in _OURS)]
            self._nursery = Nursery(modules, _environment())
            self._nursery.start()
        return self._nursery


forks = Forks()
"""The one of this process."""


def is_warm() -> bool:
    """Whether a fork of a process with libraries loaded is safe here."""
    return sys.platform == "linux"


class _Cold:
    """A process of its own, which imports everything itself."""

    def __init__(self, entry: str, arguments: dict[str, Any], fds: list[int]) -> None:
        if sys.platform == "win32":
            raise CourseError(
                "Grading needs Linux or macOS.", "Grade on such a machine, or in WSL 2; or use `nbgrader autograde`."
            )
        command = [sys.executable, "-m", "tlcourse.grading.forks", entry, json.dumps(arguments), json.dumps(fds)]
        self._process = subprocess.Popen(command, pass_fds=fds, env=_environment(), stdin=subprocess.DEVNULL)

    def kill(self) -> None:
        self._process.kill()

    def wait(self, timeout: float) -> int | None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._process.wait(timeout)
        return None


def _environment() -> dict[str, str]:
    passed = {name: os.environ[name] for name in _PASSED if name in os.environ}
    return {**passed, "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1")}


def _main(argv: Sequence[str]) -> None:
    entry, arguments, fds = argv
    module, _, function = entry.partition(":")
    getattr(importlib.import_module(module), function)(json.loads(arguments), json.loads(fds))


if __name__ == "__main__":
    _main(sys.argv[1:])
