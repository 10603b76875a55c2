"""A control group around a sandbox, where this machine lets us make one: a second fence behind the supervisor's.

It also counts what no process shows as its own (pipes, sockets, files in memory), and gives every sandbox the same
share of the processors, however many processes it starts. Without one the supervisor's own measures stand alone.
"""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass
from pathlib import Path

from tlcourse.sandbox.plan import MB, Limits

_PREFIX = "tlcourse-sandbox"
_KERNEL = 256 * MB
"""What the kernel itself may hold for a sandbox: page tables, pipes, sockets."""
_TRIES, _PAUSE = 100, 0.002


@dataclass(frozen=True)
class Fence:
    """The groups of one sandbox, and the file in which the kernel counts whom it ended for lack of memory."""

    groups: tuple[Path, ...]
    killings: Path | None

    def take_in(self, pid: int) -> None:
        """Put a process, and whatever it will fork, behind the fence."""
        # A user to whom a group was handed down may make groups in it and yet not move a process there.
        with contextlib.suppress(PermissionError):
            for group in self.groups:
                (group / "cgroup.procs").write_text(str(pid))

    def remove(self) -> None:
        """Take the groups away, once all in them have ended."""
        for group in self.groups:
            # The kernel empties a group a moment after its last process has been waited for.
            for _ in range(_TRIES):
                try:
                    group.rmdir()
                    break
                except OSError:
                    time.sleep(_PAUSE)


NONE = Fence((), None)


def build(limits: Limits, baseline: int) -> Fence:
    """Make the groups for a process that holds `baseline` bytes; no groups where this user may not."""
    memory = limits.memory + limits.disk + baseline + _KERNEL
    tasks = limits.processes + 8
    try:
        return _unified(memory, tasks) or _separate(memory, tasks) or NONE
    except OSError:
        return NONE


def _unified(memory: int, tasks: int) -> Fence | None:
    own = _own_group("")
    mounted = _mounted("cgroup2")
    if own is None or mounted is None:
        return None
    # A group that holds processes cannot share out its memory: then ours stands beside it.
    for parent in (mounted / own, (mounted / own).parent):
        if parent.is_relative_to(mounted) and {"memory", "pids"} <= set(_words(parent / "cgroup.subtree_control")):
            group = _fresh(parent)
            (group / "memory.max").write_text(str(memory))
            (group / "pids.max").write_text(str(tasks))
            return Fence((group,), group / "memory.events")
    return None


def _separate(memory: int, tasks: int) -> Fence | None:
    parents = [_parent(name) for name in ("memory", "pids", "cpu")]
    if None in parents:
        return None
    groups = tuple(_fresh(parent) for parent in parents if parent)
    (groups[0] / "memory.limit_in_bytes").write_text(str(memory))
    (groups[1] / "pids.max").write_text(str(tasks))
    return Fence(groups, groups[0] / "memory.oom_control")


def _parent(controller: str) -> Path | None:
    """This process's group in a version 1 hierarchy."""
    own, mounted = _own_group(controller), _mounted("cgroup", controller)
    return mounted / own if own is not None and mounted is not None else None


def _fresh(parent: Path) -> Path:
    """A new group under `parent`; groups that an owner who was killed left behind go."""
    # Containers may share a hierarchy: a process is known by its number only within its own namespace.
    prefix = f"{_PREFIX}-{Path('/proc/self/ns/pid').stat().st_ino}-"
    for old in parent.glob(f"{prefix}*"):
        if not Path("/proc", old.name.removeprefix(prefix)).exists():
            with contextlib.suppress(OSError):
                old.rmdir()
    group = parent / f"{prefix}{os.getpid()}"
    group.mkdir(exist_ok=True)
    return group


def _own_group(controller: str) -> str | None:
    """This process's group in the hierarchy of `controller` (empty: version 2), relative to where that is mounted."""
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if controller in controllers.split(","):
            return path.lstrip("/")
    return None


def _mounted(kind: str, controller: str = "") -> Path | None:
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, path, found, options, *_ = line.split()
        if found == kind and (not controller or controller in options.split(",")):
            return Path(path)
    return None


def _words(path: Path) -> list[str]:
    return path.read_text().split() if path.exists() else []
