"""Warm kernels for anything that starts kernels through jupyter_client: JupyterLab, nbclient, nbgrader, nbval.

Chosen by `JUPYTER_DEFAULT_PROVISIONER_NAME=tlcourse-warm`, or by a kernel.json whose metadata name the provisioner
`tlcourse-warm`. Where a kernel cannot be warm it is started cold, by the class that Jupyter uses for every kernel.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.localinterfaces import localhost
from jupyter_client.provisioning import LocalProvisioner

from tlcourse.kernels import fitness, shared
from tlcourse.kernels.nursery import Child, Nursery, NurseryError

# How long a kernel waits for the imports, in seconds: far longer than they take, and not for ever.
_PATIENCE = 60.0

# How long it may take a new kernel to bind its sockets before its clients are let loose on it, in seconds.
_BINDING = 5.0

# A Unix socket's path has at most 107 bytes; "-5" is the longest end that Jupyter gives it.
_LONGEST_IPC = 107 - len("-5")


class WarmProvisioner(LocalProvisioner):
    """Forks kernels from this process's nursery where it can, and starts them as ever where it cannot."""

    _folder: str | None = None  # for the kernel's sockets
    _forget_folder: Callable[[], Any] | None = None

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        if self.parent and fitness.why_cold(self._argv(), os.environ) is None:
            self._leave_tcp(self.parent)
        return await super().pre_launch(**kwargs)

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        reason = fitness.why_cold(cmd, kwargs["env"]) or fitness.why_not_so(kwargs)
        if reason is None:
            reason = await self._launch_warm(cmd, kwargs)
        if reason is None:
            return self.connection_info
        self.log.info("This kernel starts cold: %s.", reason.rstrip("."))
        return await super().launch_kernel(cmd, **kwargs)

    async def cleanup(self, restart: bool = False) -> None:
        await super().cleanup(restart)
        if self._forget_folder and not restart:
            self._forget_folder()

    async def _launch_warm(self, cmd: list[str], options: dict[str, Any]) -> str | None:
        """Fork the kernel. Returns why that was not possible."""
        try:
            nursery = shared.nursery()
        except NurseryError as error:
            return str(error)
        if reason := fitness.why_unlike(options["env"], nursery.env):
            return reason
        try:
            await _ready(nursery)
            child = await asyncio.to_thread(_fork, nursery, cmd, options, self._folder)
        except NurseryError as error:
            return _replace(nursery, error)
        self.process = child  # type: ignore[assignment]  # a Popen, as far as the base class looks
        self.pid = self.pgid = child.pid
        self.cwd = options.get("cwd") or Path.cwd()
        return None

    def _argv(self) -> list[str]:
        argv = list(self.kernel_spec.argv)
        # jupyter_client itself reads these names as "the interpreter that runs me".
        names = ("python", f"python{sys.version_info[0]}", f"python{sys.version_info[0]}.{sys.version_info[1]}")
        return [sys.executable, *argv[1:]] if argv[:1] and argv[0] in names else argv

    def _leave_tcp(self, manager: Any) -> None:
        """Use Unix sockets in a folder of our own, unless someone asked for an address.

        Ports are free when they are chosen and may be taken when they are bound, which a class's worth of kernels does
        run into; and a port can be reached by everybody on the machine. Clients need not know: they are made by the
        manager or from its connection file.
        """
        if manager.transport != "tcp" or manager.ip != localhost() or _was_configured(manager):
            return
        runtime = os.environ.get("XDG_RUNTIME_DIR", "")
        folder = tempfile.mkdtemp(prefix="tlcourse-", dir=runtime if os.access(runtime, os.W_OK) else None)  # 0700
        self._forget_folder = weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        if len(os.fsencode(f"{folder}/kernel")) > _LONGEST_IPC:
            self._forget_folder()
            return
        self._folder = folder
        manager.transport = "ipc"
        manager.ip = f"{folder}/kernel"


def _was_configured(manager: Any) -> bool:
    """Whether the address stands in a configuration, or ports were given."""
    names = ("transport", "ip", "shell_port")
    sections = (manager.config.get(section, {}) for section in manager.section_names())
    return bool(manager.shell_port) or any(name in section for section in sections for name in names)


async def _ready(nursery: Nursery) -> None:
    """Wait for the imports: a cold kernel asked for now would have all of them to do."""
    deadline = time.monotonic() + _PATIENCE
    while not nursery.is_ready():
        if time.monotonic() > deadline:
            raise NurseryError(f"The nursery has not imported its modules after {_PATIENCE:g} s.")
        await asyncio.sleep(0.02)


def _fork(nursery: Nursery, cmd: list[str], options: dict[str, Any], folder: str | None) -> Child:
    """Fork the kernel and wait until it listens, or has ended."""
    env = {**options["env"], "JPY_PARENT_PID": str(os.getpid())}  # as jupyter_client tells every kernel
    cwd = options.get("cwd")
    arguments = {"command": cmd, "env": env, "cwd": os.fspath(cwd or Path.cwd()), "litter": folder}
    ours, theirs = socket.socketpair()
    with ours:
        with theirs, _outputs(options) as outputs:
            fds = [*outputs, shared.lifeline(), theirs.fileno()]
            child = nursery.spawn("tlcourse.kernels.kernel:serve", arguments, fds)
        # Whoever greets a kernel before it listens waits half a second before the next try.
        ours.settimeout(_BINDING)
        with suppress(TimeoutError):
            ours.recv(1)
    return child


@contextmanager
def _outputs(options: dict[str, Any]) -> Iterator[tuple[int, int]]:
    """Descriptors for stdout and stderr: those that `subprocess` would give to a child."""
    with ExitStack() as stack:

        def descriptor(wanted: Any, inherited: int) -> int:
            if wanted is None:
                return inherited
            if wanted == subprocess.DEVNULL:
                return stack.enter_context(Path(os.devnull).open("wb")).fileno()
            return wanted if isinstance(wanted, int) else wanted.fileno()

        yield descriptor(options.get("stdout"), 1), descriptor(options.get("stderr"), 2)


def _replace(nursery: Nursery, error: NurseryError) -> str:
    """Begin a new nursery for the kernels to come. Returns why this kernel is cold."""
    try:
        shared.renew(nursery)
    except NurseryError as second:
        return f"{error.fault} {second.fault}"
    return error.fault
