"""The ipykernel that a submission runs in: it does without what only a person at a keyboard needs.

A warm fork shares its parent's memory until it touches it. So what is left out here is what would touch much of it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import zmq
from ipykernel.kernelapp import IPKernelApp
from traitlets.config import Config

CONFIG = Config(
    {
        "HistoryManager": {"enabled": False},
        "IPKernelApp": {"log_level": 50},
        # A tip is drawn with Python's own random numbers, which a learner may have seeded.
        "InteractiveShell": {"enable_tip": False},
    }
)
"""Nobody reads a log, a history of other days, or a tip."""


class Candidate(IPKernelApp):
    """A kernel whose one client knows its sockets and its key: no file tells them."""

    def parse_command_line(self, argv: Any = None) -> None:
        """There is none; getting ready for it would take long."""

    def _configure_logging(self) -> None:
        """Nobody reads it."""

    def init_kernel(self) -> None:
        """Make the kernel and its shell."""
        with _few_modules():
            super().init_kernel()

    def init_code(self) -> None:
        """Run nothing before the notebook: neither start-up files nor a command line's code."""
        shell: Any = self.shell
        shell.user_ns_hidden.update(shell.user_ns)

    def init_iopub(self, context: Any) -> None:
        """Open the line for outputs."""
        # Beyond its mark a socket drops messages, "idle" among them. The sandbox limits memory.
        context.setsockopt(zmq.SNDHWM, 0)
        super().init_iopub(context)

    def init_connection_file(self) -> None:
        """There is none."""

    def write_connection_file(self, **kwargs: Any) -> None:
        """There is none."""

    def log_connection_info(self) -> None:
        """Nobody reads it."""


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
