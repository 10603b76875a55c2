"""A notebook's kernel in a warm fork: what `python -m ipykernel_launcher` is in a cold process. Linux only."""

from __future__ import annotations

import atexit
import fcntl
import os
import select
import signal
import sys
import threading
from collections.abc import Sequence
from typing import Any

from tlcourse.kernels import preload


def serve(arguments: dict[str, Any], fds: Sequence[int]) -> None:
    """Be an IPython kernel until it is shut down: the entry of a fork.

    Args:
        arguments: `command`, the command line that a cold kernel would have been started with, as a list.
        fds: where stdout and stderr go, the reading end of a pipe that the owner holds open while it lives, and a
            descriptor to close when the kernel listens.
    """
    stdout, stderr, lifeline, listening = fds
    os.dup2(stdout, 1)
    os.dup2(stderr, 2)
    os.close(stdout)
    os.close(stderr)
    die_with(lifeline)
    app = _make_app(arguments["command"])
    preload.settle(app.shell)
    os.close(listening)
    app.start()
    _finish()


def die_with(pipe: int) -> None:
    """Let the system kill this process's group when the last writer of `pipe` is gone.

    No thread has to watch, so it also ends a kernel that is busy in one long call.
    """
    # Opened once more: who gets the signal is a property of the open pipe, and siblings share the one they were given.
    own = os.open(f"/proc/self/fd/{pipe}", os.O_RDONLY | os.O_NONBLOCK)
    os.close(pipe)
    fcntl.fcntl(own, fcntl.F_SETOWN, -os.getpgrp())
    fcntl.fcntl(own, fcntl.F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(own, fcntl.F_SETFL, os.O_ASYNC | os.O_NONBLOCK)
    if _is_closed(own):
        sys.exit(1)


def _is_closed(pipe: int) -> bool:
    waiting = select.poll()
    waiting.register(pipe, 0)
    return bool(waiting.poll(0))


def _make_app(command: list[str]) -> Any:
    from ipykernel.kernelapp import IPKernelApp

    launcher = command.index("-m") + 2
    sys.orig_argv = list(command)
    sys.argv = [_path_of(command[launcher - 1]), *command[launcher:]]
    # 1 stands for a parent that is not to be watched: the nursery may die, the owner is watched by the lifeline.
    app = IPKernelApp.instance(parent_handle=1)
    app.initialize(sys.argv[1:])
    return app


def _path_of(module: str) -> str:
    import importlib.util

    spec = importlib.util.find_spec(module)
    return spec.origin if spec and spec.origin else module


def _finish() -> None:
    """What an interpreter does at its end: wait for threads, then call what was registered with atexit."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
