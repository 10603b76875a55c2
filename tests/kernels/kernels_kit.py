"""What the tests of warm kernels share: entries for forked children, and ways to watch processes and kernels."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
from jupyter_client.manager import KernelManager

from tlcourse.kernels.nursery import Child, Nursery

MakeNursery = Callable[..., Nursery]
HERE = Path(__file__).parent
LINUX_ONLY = "a fork of a process with libraries loaded is safe on Linux only"


# --- entries: called in a child as entry(arguments, fds) --------------------------------------------------------------


def tell(fds: Sequence[int], what: Any) -> None:
    os.write(fds[0], json.dumps(what).encode())


def nothing(arguments: dict[str, Any], fds: Sequence[int]) -> None:
    """Return at once."""


def sleep(arguments: dict[str, Any], fds: Sequence[int]) -> None:
    if fds:
        tell(fds, "asleep")
    time.sleep(600)


def leave_a_file(arguments: dict[str, Any], fds: Sequence[int]) -> None:
    time.sleep(arguments["after"])
    Path(arguments["path"]).touch()


def end(arguments: dict[str, Any], fds: Sequence[int]) -> None:
    """End in the way that the arguments say."""
    match arguments["how"]:
        case "exit":
            sys.exit(4)
        case "os._exit":
            os._exit(3)
        case "segfault":
            os.kill(os.getpid(), signal.SIGSEGV)
        case "error":
            os.dup2(fds[0], 2)
            raise ValueError("what the entry says")


def count(arguments: dict[str, Any], fds: Sequence[int]) -> None:
    tell(fds, len(arguments["text"]))


def write_each(arguments: dict[str, Any], fds: Sequence[int]) -> None:
    for number, fd in enumerate(fds):
        os.write(fd, str(number).encode())


def draw(arguments: dict[str, Any], fds: Sequence[int]) -> None:
    import numpy
    import torch

    tell(fds, [random.random(), float(numpy.random.rand()), torch.rand(1).item()])


def describe(arguments: dict[str, Any], fds: Sequence[int]) -> None:
    """Tell how this process looks from inside."""
    surroundings = {
        "descriptors": [fd for fd in range(1000) if is_open(fd)],
        "given": list(fds),
        "leads": os.getsid(0) == os.getpid() == os.getpgrp(),
        "interruptible": signal.getsignal(signal.SIGINT) is signal.default_int_handler,
        "terminable": signal.getsignal(signal.SIGTERM) == signal.SIG_DFL,
        "collects": gc.isenabled(),
        "folder": str(Path.cwd()),
        "environment": dict(os.environ),
        "path": sys.path,
    }
    tell(fds, surroundings)


# --- asking children --------------------------------------------------------------------------------------------------


def ask(nursery: Nursery, entry: str, **arguments: Any) -> Any:
    """What a child tells that runs `entry`."""
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as told:
        try:
            child = nursery.spawn(entry, arguments, [writing])
        finally:
            os.close(writing)
        answer = json.load(told)
    assert child.wait(30) == 0
    return answer


def asleep(nursery: Nursery) -> Child:
    """A child that has begun to sleep."""
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as told:
        child = nursery.spawn("kernels_kit:sleep", {}, [writing])
        os.close(writing)
        told.read(1)
    return child


def an_owner(script: str, company: str) -> tuple[subprocess.Popen[str], list[str]]:
    """A process that owns kernels, to be killed, and the words of the first line that it tells."""
    owner = subprocess.Popen(
        [sys.executable, "-c", script, company],
        env={**os.environ, "PYTHONPATH": str(HERE)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert owner.stdout is not None
    return owner, owner.stdout.readline().split()


def is_open(fd: int) -> bool:
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True


# --- watching ---------------------------------------------------------------------------------------------------------


def until(true: Callable[[], bool], what: str, seconds: float = 30) -> None:
    """Wait until `true()`; `what` says in an assertion what did not come."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(0.02)


def is_running(pid: int) -> bool:
    """Whether there is such a process; one that nobody has waited for yet is not running."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def until_gone(*pids: int) -> None:
    until(lambda: not any(map(is_running, pids)), f"the end of processes {pids}")


# --- real kernels -----------------------------------------------------------------------------------------------------


class Kernel:
    """A running kernel and a client of it."""

    def __init__(self, manager: KernelManager) -> None:
        self.manager = manager
        self.client = manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=60)

    def run(self, code: str) -> str:
        """What `code` prints; its error fails the test."""
        printed: list[str] = []

        def note(message: dict[str, Any]) -> None:
            if message["msg_type"] == "stream":
                printed.append(message["content"]["text"])

        reply = self.client.execute_interactive(code, output_hook=note, timeout=60)["content"]
        assert reply["status"] == "ok", reply
        return "".join(printed).strip()

    def begin(self, code: str) -> str:
        """Send `code` and wait until it has printed something. Returns the request's id."""
        request = self.client.execute(code, stop_on_error=False)
        while True:
            message = self.client.get_iopub_msg(timeout=60)
            if message["msg_type"] == "stream" and message["parent_header"].get("msg_id") == request:
                return request

    def reply(self, request: str) -> dict[str, Any]:
        while True:
            message = self.client.get_shell_msg(timeout=60)
            if message["parent_header"].get("msg_id") == request:
                return message["content"]

    def crash(self, code: str) -> None:
        """Send `code`, which ends the process, and wait for that."""
        self.client.execute(code)
        until(lambda: self.status() is not None, "the kernel's end")

    def status(self) -> int | None:
        assert self.manager.provisioner is not None
        return asyncio.run(self.manager.provisioner.poll())

    def pid(self) -> int:
        return int(self.run("import os; print(os.getpid())"))

    def is_warm(self) -> bool:
        """A cold kernel is this process's own child."""
        return int(self.run("import os; print(os.getppid())")) != os.getpid()


@contextmanager
def kernel(manager: KernelManager | None = None, **options: Any) -> Iterator[Kernel]:
    """A kernel started with `options`, shut down afterwards."""
    manager = manager or KernelManager()
    manager.start_kernel(**options)
    try:
        running = Kernel(manager)
        try:
            yield running
        finally:
            running.client.stop_channels()
    finally:
        manager.shutdown_kernel(now=True)
