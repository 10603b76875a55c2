"""What runs where the learner's code runs: an ipykernel with a proctor, in a sandbox or without one."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

PORTS = {"shell_port": 1, "iopub_port": 2, "stdin_port": 3, "hb_port": 4, "control_port": 5}
"""With IPC a port is the number at the end of a socket's path."""


def main(arguments: dict[str, Any], fds: Sequence[int]) -> None:
    """Become a kernel: the entry of a warm fork.

    Args:
        arguments: `address` (the sockets' path without number), `key`, `folder` (without a sandbox: the working
            folder), and `plan` (a sandbox's `Plan`, or None).
        fds: the channel to the sandbox's owner, and the proctor's line.
    """
    key = arguments["key"].encode()
    if arguments["plan"] is None:
        os.chdir(arguments["folder"])
        _serve(arguments["address"], key, fds[1], lambda: None)
    from tlcourse import sandbox

    plan = sandbox.Plan.from_json(arguments["plan"])
    sandbox.enter(plan, lambda seal: _serve(f"{sandbox.SOCKETS}/kernel", key, fds[1], seal), fds[0], keep=[fds[1]])


def _serve(address: str, key: bytes, line: int, seal: Callable[[], None]) -> None:
    """Bind the kernel's sockets, give up what the sandbox takes, then answer until the end."""
    from ipykernel.kernelapp import IPKernelApp

    from tlcourse.grading import proctor
    from tlcourse.grading.kernel_app import CONFIG, Candidate
    from tlcourse.kernels import preload

    IPKernelApp.clear_instance()
    app = Candidate.instance(config=CONFIG, transport="ipc", ip=address, parent_handle=1, **PORTS)
    app.session.key = key
    app.initialize([])
    preload.settle(app.shell)
    seal()
    proctor.attend(app.kernel, line)
    app.start()
    while True:  # a cell that asks for the kernel's end gets none: the next questions need it
        app.io_loop.start()
