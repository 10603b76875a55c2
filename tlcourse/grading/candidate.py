"""What runs where the learner's code runs: an ipykernel with a proctor, in a sandbox or without one."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import SimpleNamespace
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
    import zmq
    from ipykernel.kernelapp import IPKernelApp
    from traitlets.config import Config

    class Candidate(IPKernelApp):
        """A kernel whose one client knows its sockets and its key: no file tells them."""

        def parse_command_line(self, argv: Any = None) -> None:
            """There is none; getting ready for it would take a fifth of the kernel's start."""

        def init_kernel(self) -> None:
            with _few_modules():
                super().init_kernel()

        def init_iopub(self, context: Any) -> None:
            # Beyond its mark a socket drops messages, "idle" among them. The sandbox limits memory.
            context.setsockopt(zmq.SNDHWM, 0)
            super().init_iopub(context)

        def init_connection_file(self) -> None:
            pass

        def write_connection_file(self, **kwargs: Any) -> None:
            pass

        def log_connection_info(self) -> None:
            pass

    from tlcourse.grading import proctor
    from tlcourse.kernels import preload

    IPKernelApp.clear_instance()
    config = Config({"HistoryManager": {"hist_file": ":memory:"}, "IPKernelApp": {"log_level": 50}})
    app = Candidate.instance(config=config, transport="ipc", ip=address, parent_handle=1, **PORTS)
    app.session.key = key
    app.initialize([])
    preload.settle(app.shell)
    seal()
    proctor.attend(app.kernel, line)
    app.start()
    while True:  # a cell that asks for the kernel's end gets none: the next questions need it
        app.io_loop.start()


@contextmanager
def _few_modules() -> Iterator[None]:
    """Let a new kernel find no modules in the block.

    It lists the files of all of them for a debugger, and nobody debugs here. To a warm fork that list is dear: it reads
    thousands of objects, and so copies their pages.
    """
    from ipykernel import ipkernel

    there: Any = ipkernel
    there.sys = SimpleNamespace(**{**vars(sys), "modules": {}})
    try:
        yield
    finally:
        there.sys = sys
