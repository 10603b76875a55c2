"""Entering a sandbox: from a fresh fork of a warm process to a body that runs walled in."""

from __future__ import annotations

import gc
import os
import signal
import socket
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from tlcourse.sandbox import confine, fence, linux, places, root
from tlcourse.sandbox.plan import Plan
from tlcourse.sandbox.reasons import SandboxError, explain, refuse_unfit_machine
from tlcourse.sandbox.supervisor import ENDED, Supervisor, tell
from tlcourse.sandbox.watch import Meter

Body = Callable[[Callable[[], None]], None]

_NOT_BUILT = 125
"""The exit status of a sandbox that could not be built."""
_UNNAMED = 124
"""The exit status of a process whose user was not named inside: its parent knows why."""


@dataclass(frozen=True)
class _Order:
    """What `enter` was asked for."""

    plan: Plan
    body: Body
    channel: int
    keep: Sequence[int]


def enter(plan: Plan, body: Body, channel: int, keep: Sequence[int] = ()) -> NoReturn:
    """Run `body(seal)` in a sandbox and exit with its status (128 + n after signal n); never return.

    Call it in a fresh fork of a process with one thread. The body runs as a user of its own, without rights, in an
    empty working folder or a copy of `plan.work`. What it needs of the host it opens in `SOCKETS` before it calls
    `seal()`, which takes that folder away for good. When the body ends, so does everything it started.

    Args:
        plan: what the body may use and see.
        body: returns when it is done; whatever it raises ends it with status 1.
        channel: one end of a Unix stream socket pair whose other end only the owner holds. It gets lines of JSON:
            `{"event": "ready"}` after the seal, then one of `{"event": "exit", "status": n}` (as subprocess gives it),
            `{"event": "limit", "verdict": "memory" | "time" | "processes", "limit": name}`; or, where the sandbox
            cannot be had, `{"event": "error", "fault": …, "cure": …}`. Its end of file ends the sandbox at once.
        keep: descriptors that the body uses. All others are closed, and 0, 1 and 2 lead nowhere.
    """
    gc.disable()
    try:
        refuse_unfit_machine()
        os._exit(_stand_outside(_Order(plan, body, channel, keep)))
    except BaseException as error:
        _report(channel, error)
        os._exit(_NOT_BUILT)


def _report(channel: int, error: BaseException) -> None:
    reason = explain(error)
    tell(channel, event="error", fault=reason.fault, cure=reason.cure)


def _stand_outside(order: _Order) -> int:
    """Stay the user outside: make the control group, say who is who in the new namespaces, wait, clean up."""
    user, group = _lent_numbers()
    if order.plan.sockets and user != os.geteuid():
        os.chown(order.plan.sockets, user, group)
    wall = fence.build(order.plan.limits, _resident())
    ours, theirs = socket.socketpair()
    parent = os.getpid()
    child = os.fork()
    if child == 0:
        ours.close()
        _run(order.channel, lambda: _open_namespaces(order, theirs, wall, parent, user))
    theirs.close()
    confine.close_all_but([order.channel, ours.fileno()])
    try:
        return _introduce(child, user, group, wall, ours)
    finally:
        wall.remove()


def _introduce(child: int, user: int, group: int, wall: fence.Fence, ours: socket.socket) -> int:
    """Tell the kernel who is who in the child's namespaces, then wait for the child."""
    failure: OSError | None = None
    try:
        with ours:
            wall.take_in(child)
            if ours.recv(1):
                _map_users(child, user, group)
                ours.send(b"m")
    except OSError as error:
        failure = error
    status = _status(child)
    # A child that failed by itself has told the owner why; what failed here came of that.
    if failure and status == _UNNAMED:
        raise failure
    return status


def _run(channel: int, inside: Callable[[], int]) -> NoReturn:
    """What a forked process does: `inside`, then exit. It never gets back to its parent's code."""
    try:
        os._exit(inside())
    except BaseException as error:
        _report(channel, error)
    finally:
        os._exit(_NOT_BUILT)


def _resident() -> int:
    """Bytes of memory that this process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _lent_numbers() -> tuple[int, int]:
    """Which user and group outside is the one inside: a stranger where root may lend one, else the user who asks."""
    stranger = places.STRANGERS + os.getpid()
    ranges = [list(map(int, line.split())) for line in Path("/proc/self/uid_map").read_text().splitlines()]
    if os.geteuid() == 0 and any(first <= stranger < first + count for first, _, count in ranges):
        return stranger, stranger
    return os.geteuid(), os.getegid()


def _map_users(child: int, user: int, group: int) -> None:
    """One user and one group exist inside; these are their numbers outside."""
    with linux.step("writing uid_map"):
        Path(f"/proc/{child}/setgroups").write_text("deny")
        Path(f"/proc/{child}/uid_map").write_text(f"{places.UID} {user} 1")
        Path(f"/proc/{child}/gid_map").write_text(f"{places.UID} {group} 1")


def _status(child: int) -> int:
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def _open_namespaces(order: _Order, outside: socket.socket, wall: fence.Fence, parent: int, user: int) -> int:
    """Change into the new namespaces and fork their first process."""
    _end_with(parent)
    killings = os.open(wall.killings, os.O_RDONLY | os.O_CLOEXEC) if wall.killings else None
    if user != os.geteuid():
        os.setgroups([])
    linux.unshare(linux.NEW_NAMESPACES)
    outside.send(b"u")
    # Still as the user outside, who may enter folders that the one inside may not.
    sources = root.Sources.take(order.plan)
    if not _heard(outside):
        return _UNNAMED
    outside.close()
    child = os.fork()
    if child == 0:
        _run(order.channel, lambda: _be_first(order, sources, killings))
    confine.close_all_but([])
    return _status(child)


def _heard(outside: socket.socket) -> bool:
    """Whether the process outside said that all is done; if not, it says why."""
    try:
        return bool(outside.recv(1))
    except ConnectionResetError:  # it left before it read what it was told
        return False


def _end_with(parent: int) -> None:
    """Be killed when the parent process ends."""
    linux.prctl(linux.PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(ENDED)


def _be_first(order: _Order, sources: root.Sources, killings: int | None) -> int:
    """Build the file system, fork the body's process, and watch it."""
    _become_inside_user()
    proc = root.build(order.plan, sources)
    confine.forget_arguments()
    socket.sethostname("sandbox")
    linux.raise_loopback()
    meter = Meter(proc)
    baseline, data = meter.own().memory, meter.own_data()
    ours, theirs = socket.socketpair()
    child = os.fork()
    if child == 0:
        ours.close()
        _run(order.channel, lambda: _be_body(order, theirs, proc, data))
    theirs.close()
    _ignore_inside()
    confine.close_all_but([order.channel, ours.fileno(), proc, *([killings] if killings else [])])
    return Supervisor(order.plan.limits, child, order.channel, ours, meter, baseline, killings).watch()


def _become_inside_user() -> None:
    """Become the one user of the namespace, keep the rights in it, and close this process's memory to that user."""
    linux.prctl(linux.PR_SET_SECUREBITS, linux.NO_SETUID_FIXUP)
    os.setresgid(places.UID, places.UID, places.UID)
    os.setresuid(places.UID, places.UID, places.UID)
    linux.prctl(linux.PR_SET_DUMPABLE, 0)
    linux.prctl(linux.PR_SET_PDEATHSIG, signal.SIGKILL)


def _ignore_inside() -> None:
    """Without a handler no signal from inside reaches the first process."""
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, signal.SIG_DFL)


def _be_body(order: _Order, control: socket.socket, proc: int, data: int) -> int:
    """Give up everything, then run the body."""
    os.setsid()
    linux.prctl(linux.PR_SET_DUMPABLE, 1)
    _die_first(proc)
    confine.keep_descriptors([*order.keep, order.channel, control.fileno()])
    confine.restore_signals()
    confine.replace_environment(order.plan.env)
    confine.set_limits(order.plan.limits, data)
    os.chdir(places.WORK)
    confine.give_up_rights()
    os.close(order.channel)
    gc.enable()
    try:
        order.body(lambda: _ask_for_seal(control))
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def _die_first(proc: int) -> None:
    """If the machine runs out of memory, let it take this process before any other."""
    handle = os.open("self/oom_score_adj", os.O_WRONLY | os.O_CLOEXEC, dir_fd=proc)
    os.write(handle, b"1000")
    os.close(handle)


def _ask_for_seal(control: socket.socket) -> None:
    control.send(b"s")
    if not control.recv(1):
        raise SandboxError("The sandbox could not be sealed.", "Grade the submission again.")
    control.close()
