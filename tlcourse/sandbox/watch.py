"""How much the processes of a sandbox use, read from /proc as cheaply as it can be."""

from __future__ import annotations

import contextlib
import os
import resource
from collections.abc import Iterator
from dataclasses import dataclass

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Process:
    """One process: its threads, its own memory in bytes (pages of no file, in memory or swapped, and page tables)."""

    threads: int
    memory: int


@dataclass(frozen=True)
class Usage:
    """All processes together.

    Args:
        tasks: processes and threads, the supervisor apart.
        memory: bytes. An upper bound: what a fork shares with its parent is counted twice.
        cpu_seconds: processor time of the living and of those waited for.
    """

    tasks: int
    memory: int
    cpu_seconds: float


class Meter:
    """Reads the use of every process but the first under `proc`, a descriptor of a /proc that hides none."""

    def __init__(self, proc: int) -> None:
        self._proc = proc
        self._living: dict[tuple[int, str], float] = {}
        self._ended = 0.0

    def usage(self) -> Usage:
        """What is used now."""
        processes, seen, inherited = [], {}, 0.0
        for pid in self.pids():
            try:
                fields = self._read(f"{pid}/stat").rpartition(")")[2].split()
                process = self._process(pid)
            except (FileNotFoundError, ProcessLookupError):
                continue
            own, waited = (sum(map(int, fields[start : start + 2])) / _TICKS for start in (11, 13))
            seen[pid, fields[19]] = own
            inherited += own + waited
            processes.append(process)
        return Usage(
            tasks=sum(process.threads for process in processes),
            memory=sum(process.memory for process in processes),
            cpu_seconds=max(inherited + _waited_for(), self._remembered(seen)),
        )

    def own(self) -> Process:
        """The supervisor itself."""
        return self._process(os.getpid())

    def own_data(self) -> int:
        """Bytes that RLIMIT_DATA counts against this process."""
        return _bytes(_fields(self._read("self/status"))["VmData"])

    def shared_once(self) -> int:
        """Bytes of memory of all processes, each page shared by n processes counted as 1/n in each. Slow."""
        return sum(self._proportional(pid) for pid in self.pids())

    def pids(self) -> Iterator[int]:
        """The processes, the supervisor apart."""
        return (int(name) for name in os.listdir(self._proc) if name.isdigit() and name != "1")  # noqa: PTH208

    def sockets(self) -> int:
        """How many sockets exist in the sandbox, those on their way to another process included."""
        return int(self._read("self/net/sockstat").split()[2])

    def _remembered(self, seen: dict[tuple[int, str], float]) -> float:
        """Processor time of every process ever seen: nobody need wait for a child, and its time is then lost."""
        self._ended += sum(spent for key, spent in self._living.items() if key not in seen)
        self._living = seen
        return self._ended + sum(seen.values())

    def _process(self, pid: int) -> Process:
        fields = _fields(self._read(f"{pid}/status"))
        if "RssAnon" not in fields and int(fields["Threads"]) > 1:
            # The first thread has ended and shows no memory; another one does.
            for thread in self._threads(pid):
                with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                    fields |= _fields(self._read(f"{pid}/task/{thread}/status"))
        memory = sum(_bytes(fields.get(name, "0 kB")) for name in ("RssAnon", "VmSwap", "VmPTE"))
        return Process(int(fields["Threads"]), memory)

    def _proportional(self, pid: int) -> int:
        try:
            fields = _fields(self._read(f"{pid}/smaps_rollup"))
            tables = _bytes(_fields(self._read(f"{pid}/status"))["VmPTE"])
            return tables + sum(_bytes(fields[name]) for name in ("Pss_Anon", "SwapPss"))
        except (OSError, KeyError):
            # Ended, or it hides its memory from its own user: then nothing is shared.
            try:
                return self._process(pid).memory
            except OSError:
                return 0

    def _threads(self, pid: int) -> list[str]:
        folder = os.open(f"{pid}/task", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=self._proc)
        try:
            return os.listdir(folder)  # noqa: PTH208
        finally:
            os.close(folder)

    def _read(self, path: str) -> str:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC, dir_fd=self._proc)
        try:
            return os.read(handle, 1 << 16).decode(errors="replace")
        finally:
            os.close(handle)


def _fields(status: str) -> dict[str, str]:
    """The lines `Name: value` of a file of /proc."""
    return {name: value for line in status.splitlines() for name, _, value in [line.partition(":")]}


def _bytes(size: str) -> int:
    """`"  12 kB"` in bytes."""
    return int(size.split()[0]) * 1024


def _waited_for() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
