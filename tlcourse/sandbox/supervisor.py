"""The first process of a sandbox: it reaps, watches the limits, tells the owner, and takes everything with it.

Nothing inside can end or stop it: the kernel shields the first process of a process namespace from its own, and its
memory is closed to them. When it ends, for whatever reason, the kernel ends every process of the sandbox.
"""

from __future__ import annotations

import json
import os
import select
import socket
import time
from typing import Any

from tlcourse.sandbox import confine, linux, places
from tlcourse.sandbox.plan import Limits
from tlcourse.sandbox.watch import Meter, Usage

ENDED = 137
"""The exit status of a sandbox that was ended: by a limit, or since its owner is gone."""

_CALM, _BUSY = 0.05, 0.01
"""Seconds between two looks; the second where memory is already above a quarter of the limit."""
_SOCKETS = 512
"""Sockets hold a few hundred kilobytes each that no process shows as its memory."""


def tell(channel: int, **event: Any) -> None:
    """Write one line of JSON to the owner; an owner who has left hears nothing."""
    line = json.dumps(event).encode() + b"\n"
    try:
        while line:
            line = line[os.write(channel, line) :]
    except OSError:
        os._exit(ENDED)


class Supervisor:
    """Watches one body.

    Args:
        body: its process.
        channel: the owner's stream. When it ends, so does the sandbox.
        control: the stream on which the body asks for the seal.
        meter: reads what is used.
        baseline: bytes of memory that the body was forked with.
        killings: descriptor of the file in which a control group counts whom it ended for lack of memory, if any.
    """

    def __init__(
        self,
        limits: Limits,
        body: int,
        channel: int,
        control: socket.socket,
        meter: Meter,
        baseline: int,
        killings: int | None,
    ) -> None:
        self._limits, self._body, self._channel, self._control = limits, body, channel, control
        self._meter, self._baseline, self._killings = meter, baseline, killings
        self._deadline = time.monotonic() + limits.wall_seconds
        self._poll = select.poll()
        self._body_ended = os.pidfd_open(body)
        for descriptor in (channel, control.fileno(), self._body_ended):
            self._poll.register(descriptor, select.POLLIN)

    def watch(self) -> int:
        """Watch until the body ends or must end; return the status with which this process is to exit."""
        wait = _CALM
        while True:
            ready = {descriptor for descriptor, _ in self._poll.poll(wait * 1000)}
            if self._channel in ready and self._owner_left():
                return ENDED
            if self._control.fileno() in ready:
                self._seal()
            self._reap_orphans()
            usage = self._meter.usage()
            if passed := self._passed(usage):
                tell(self._channel, event="limit", verdict=_VERDICTS[passed], limit=passed)
                return ENDED
            if self._body_ended in ready:
                return self._report_end()
            wait = _BUSY if usage.memory - self._baseline > self._limits.memory / 4 else _CALM

    def _owner_left(self) -> bool:
        return not os.read(self._channel, 4096)

    def _seal(self) -> None:
        """The body has what it needs of the host, or has ended: take it away, and the right to bring it back."""
        asked = self._control.recv(1)
        self._poll.unregister(self._control.fileno())
        if asked:
            if os.path.ismount(places.SOCKETS):
                linux.unmount(places.SOCKETS)
            confine.give_up_rights()
            tell(self._channel, event="ready")
            self._control.send(b"s")
        self._control.close()

    def _reap_orphans(self) -> None:
        """Let ended processes go, except for the body, whose end is looked at last."""
        while (found := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)) and found.si_pid != self._body:
            os.waitpid(found.si_pid, 0)

    def _passed(self, usage: Usage) -> str | None:
        """The limit that is passed, if any."""
        if usage.tasks > self._limits.processes:
            return "processes"
        if usage.cpu_seconds > self._limits.cpu_seconds:
            return "cpu_seconds"
        if time.monotonic() > self._deadline:
            return "wall_seconds"
        if self._out_of_memory(usage) or self._meter.sockets() > _SOCKETS or self._killed_for_memory():
            return "memory"
        return None

    def _out_of_memory(self, usage: Usage) -> bool:
        if usage.memory - self._baseline <= self._limits.memory:
            return False
        # Forks share pages, and a process being started shows its parent's for a moment: look closely, and twice.
        return all(self._close_look() for _ in range(2))

    def _close_look(self) -> bool:
        time.sleep(_BUSY)
        return self._meter.shared_once() - self._baseline > self._limits.memory

    def _killed_for_memory(self) -> bool:
        if self._killings is None:
            return False
        lines = os.pread(self._killings, 4096, 0).decode().splitlines()
        return any(line.startswith("oom_kill ") and line.split()[1] != "0" for line in lines)

    def _report_end(self) -> int:
        _, status = os.waitpid(self._body, 0)
        code = os.waitstatus_to_exitcode(status)
        tell(self._channel, event="exit", status=code)
        return code if code >= 0 else 128 - code


_VERDICTS = {"processes": "processes", "memory": "memory", "cpu_seconds": "time", "wall_seconds": "time"}
