"""A warm parent and its children: processes that begin with the course's libraries imported. Linux only.

Importing torch and fastai takes seconds, a fork of a process that has imported them takes milliseconds. A `Nursery` is
such a process. It only imports and forks, so each `Child` starts as a fresh interpreter would, but for the modules.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from tlcourse.errors import CourseError
from tlcourse.kernels.preload import PRELOAD
from tlcourse.kernels.wire import Channel

#: The exit status of a child whose nursery died first: nobody was left to see how it ended.
UNSEEN = 255

# How long a request may take, the imports included, before the nursery counts as stuck; in seconds.
_PATIENCE = 120.0


class NurseryError(CourseError):
    """A nursery that cannot fork: it could not start, has ended, or has become unfit."""


class PackagesChanged(NurseryError):
    """A module's file is no longer what the nursery imported; a new nursery will import the new one."""


class Nursery:
    """A process that imports `modules` and then forks children on request. Safe to use from several threads.

    Args:
        modules: what it imports; a name ending in `.*` is a package with all its modules. What is not installed, or
            cannot be imported, is left out.
        env: its environment (default: this process's). GPUs are hidden from it: a fork cannot share one.

    It ends, and all its children with it, when `close` is called or when this process ends in any way.
    """

    def __init__(self, modules: Sequence[str] = PRELOAD, env: Mapping[str, str] | None = None) -> None:
        self.env = dict(os.environ if env is None else env)
        self.left_out: dict[str, str] = {}  # why, by module; complete once it is ready
        self._modules = tuple(modules)
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: Channel | None = None
        self._started = False
        self._ready = False
        self._asked = 0
        self._statuses: dict[int, int] = {}  # exit status by the number of the request that made the child

    @property
    def pid(self) -> int | None:
        """The process's id; None before `start`."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start the process and return at once. A second call does nothing.

        Raises:
            NurseryError: this system is not Linux, or refuses another process.
        """
        with self._lock:
            if self._started:
                return
            if sys.platform != "linux":
                raise NurseryError("Warm kernels need Linux.", "Start an ordinary kernel.")
            self._started = True
            try:
                self._open()
            except OSError as error:
                raise NurseryError(f"The nursery cannot start: {error}.", "Start an ordinary kernel.") from error

    def is_ready(self) -> bool:
        """Whether it has imported its modules and can fork. Never blocks.

        Raises:
            NurseryError: it was not started, or has ended.
        """
        if self._lock.acquire(blocking=False):
            try:
                self._read_mail()
            finally:
                self._lock.release()
        self._need_channel()
        return self._ready

    def wait_ready(self, timeout: float) -> None:
        """Wait until it can fork.

        Raises:
            NurseryError: it has ended, or is not ready after `timeout` seconds.
        """
        deadline = time.monotonic() + timeout
        while not self.is_ready():
            if time.monotonic() > deadline:
                raise NurseryError(
                    f"The nursery has not imported its modules after {timeout:g} s.", "Start an ordinary kernel."
                )
            time.sleep(0.01)

    def spawn(self, entry: str, arguments: dict[str, Any], fds: Sequence[int] = ()) -> Child:
        """Fork a child that calls `entry` and then exits. Waits for the imports if they are still going on.

        The child leads a session of its own, has freshly seeded generators (random, numpy, torch), Python's own signal
        handlers, and no descriptor but 0, 1, 2 and copies of `fds`. Its exit status is 0, the code of a SystemExit, or
        1 after any other exception, whose traceback goes to its stderr. No `atexit` function is called.

        Args:
            entry: "module:function", called as `function(arguments, fds)` with the child's own numbers for `fds`.
            arguments: plain data (JSON). Three keys mean something here too: "env" replaces the environment, "cwd" is
                the working folder, and "litter" a folder to remove if the owner dies before the child.

        Raises:
            PackagesChanged: a module's file is not what it was when it was imported.
            NurseryError: it was not started, has ended, or cannot fork.
            OSError: one of `fds` is not open.
        """
        with self._lock:
            self._read_mail()
            self._need_channel()
            self._asked += 1
            number = self._asked
            self._send({"id": number, "entry": entry, "arguments": arguments}, fds)
            answer, received = self._answer_to(number)
        if "pid" in answer:
            return Child(self, number, answer["pid"], received[0])
        if "path" in answer:
            raise PackagesChanged(
                f"{answer['path']} has changed since it was imported.", "Start a new nursery, which imports it afresh."
            )
        raise NurseryError(f"The nursery cannot fork: {answer['refused']}.", "Start a new one.")

    def retire(self) -> None:
        """Fork no more, and end when the last child has ended."""
        with self._lock:
            self._read_mail()
            if self._ready and self._channel is not None:
                self._send({"retire": True})
                return
        self.close()  # it has no child yet, and may be stuck in an import

    def has_ended(self) -> bool:
        """Whether the process is gone. Never blocks."""
        if self._process is None:
            return self._channel is None
        return self._process.poll() is not None

    def close(self) -> None:
        """End it and its children now."""
        with self._lock:
            self._hang_up()
        if self._process is not None:
            try:
                self._process.wait(timeout=5 if self._ready else 0)
            except subprocess.TimeoutExpired:
                self._process.kill()  # still importing, and so without children, or stuck
                self._process.wait()

    # What follows is called with the lock held.

    def _open(self) -> None:
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                self._process = _launch(theirs.fileno(), self.env)
        except OSError:
            ours.close()
            raise
        self._channel = Channel(ours)
        self._send({"modules": self._modules})

    def _need_channel(self) -> Channel:
        if self._channel is None:
            raise NurseryError("The nursery is not running.", "Start a new one.")
        return self._channel

    def _send(self, message: dict[str, Any], fds: Sequence[int] = ()) -> None:
        try:
            self._need_channel().send(message, fds)
        except ConnectionError as error:
            self._hang_up()
            raise NurseryError("The nursery has ended.", "Start a new one.") from error

    def _answer_to(self, number: int) -> tuple[dict[str, Any], list[int]]:
        deadline = time.monotonic() + _PATIENCE
        while self._channel is not None:
            if not self._channel.has_mail(max(0.0, deadline - time.monotonic())):
                raise NurseryError(f"The nursery has not answered for {_PATIENCE:g} s.", "Start a new one.")
            message, fds = self._receive()
            if message.get("id") == number:
                return message, fds
            self._take(message, fds)
        raise NurseryError("The nursery has ended.", "Start a new one.")

    def _read_mail(self) -> None:
        """Take in what has arrived."""
        while self._channel is not None and self._channel.has_mail():
            self._take(*self._receive())

    def _receive(self) -> tuple[dict[str, Any], list[int]]:
        try:
            return self._need_channel().receive()
        except (EOFError, OSError):
            self._hang_up()
            return {}, []

    def _take(self, message: dict[str, Any], fds: list[int]) -> None:
        if "ready" in message:
            self._ready = True
            self.left_out = message["ready"]["left_out"]
        elif "exit" in message:
            self._statuses[message["exit"]] = message["status"]
        elif "pid" in message:  # whoever asked was interrupted while waiting, and will not look after it
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(fds[0], signal.SIGKILL)
        for fd in fds:
            os.close(fd)

    def _hang_up(self) -> None:
        if self._channel is not None:
            self._channel.close()
            self._channel = None

    def _status_of(self, number: int) -> int | None:
        """How the child of this request ended: None while that is not known; UNSEEN when nobody will say."""
        if self._lock.acquire(blocking=False):
            try:
                self._read_mail()
            finally:
                self._lock.release()
        return self._statuses.pop(number, UNSEEN if self._channel is None else None)


class Child:
    """A forked process. Like a `subprocess.Popen` without pipes, but its parent is the nursery."""

    stdin = stdout = stderr = None

    def __init__(self, nursery: Nursery, number: int, pid: int, pidfd: int) -> None:
        self.pid = pid
        self._nursery = nursery
        self._number = number
        self._pidfd = pidfd
        self._status: int | None = None
        self._lock = threading.Lock()

    def __del__(self) -> None:
        if self._status is None:
            os.close(self._pidfd)

    def poll(self) -> int | None:
        """The exit status, or None while it runs. A signal's number is negative, as with subprocess. Never blocks."""
        with self._lock:
            if self._status is None and _has_exited(self._pidfd, 0):
                self._status = self._nursery._status_of(self._number)
                if self._status is not None:
                    os.close(self._pidfd)
            return self._status

    def wait(self, timeout: float | None = None) -> int | None:
        """Wait for its end. Returns the exit status, or None after `timeout` seconds."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while self.poll() is None:
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                return None
            if _has_exited(self._pidfd, left):
                time.sleep(0.001)  # dead, but its nursery has not said how yet
        return self._status

    def send_signal(self, signum: int) -> None:
        """Send a signal to this process; nothing happens if it has ended."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, signum)

    def kill(self) -> None:
        """Send SIGKILL to this process."""
        self.send_signal(signal.SIGKILL)


def _has_exited(pidfd: int, timeout: float | None) -> bool:
    waiting = select.poll()
    waiting.register(pidfd, select.POLLIN)
    return bool(waiting.poll(None if timeout is None else max(0.0, timeout) * 1000))


def _launch(fd: int, env: Mapping[str, str]) -> subprocess.Popen[bytes]:
    # An owner that is a kernel itself has these two from Jupyter; ipykernel reads them when it is imported.
    kept = {name: value for name, value in env.items() if name not in ("JPY_PARENT_PID", "JPY_INTERRUPT_EVENT")}
    own = {
        "CUDA_VISIBLE_DEVICES": "",
        # matplotlib reads it once. A kernel sets it before any cell can import matplotlib.
        "MPLBACKEND": env.get("MPLBACKEND") or "module://matplotlib_inline.backend_inline",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",  # else the debugger's import prints a warning on our terminal
    }
    return subprocess.Popen(
        [sys.executable, "-m", "tlcourse.kernels.server", str(fd)],
        pass_fds=[fd],
        stdin=subprocess.DEVNULL,
        cwd="/",  # modules are imported from where they are installed, never from where the owner happens to stand
        env={**kept, **own},
        start_new_session=True,  # Control-C is for the owner
    )
