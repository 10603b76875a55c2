"""What the body's process gives up before it runs anything of the learner's."""

from __future__ import annotations

import os
import resource
import signal
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from tlcourse.sandbox import filter as system_calls
from tlcourse.sandbox import linux, places
from tlcourse.sandbox.plan import Limits

DESCRIPTORS = 1024
_SIGNALS = 4096
_SMALL = {"HOME": places.HOME, "USER": places.USER, "LOGNAME": places.USER, "SHELL": "/bin/sh", "TMPDIR": "/tmp"}


def forget_arguments() -> None:
    """Overwrite the command line and the environment that this process was started with, as /proc shows them."""
    numbers = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    start_arguments, end_arguments, start_environment, end_environment = map(int, numbers[45:49])
    linux.clear_environment()
    linux.wipe(start_environment, end_environment)
    linux.wipe(start_arguments, end_arguments)


def replace_environment(chosen: Mapping[str, str]) -> None:
    """Make the environment a small default and `chosen`: nothing is inherited."""
    os.environ.clear()
    path = [f"{sys.prefix}/bin", "/usr/local/bin", "/usr/bin", "/bin"]
    os.environ.update(_SMALL | {"LANG": "C.UTF-8", "PATH": ":".join(dict.fromkeys(path))} | dict(chosen))
    if "tempfile" in sys.modules:
        sys.modules["tempfile"].tempdir = None  # type: ignore[attr-defined]


def keep_descriptors(kept: Iterable[int]) -> None:
    """Close every descriptor but `kept`; 0, 1 and 2 lead nowhere."""
    nowhere = os.open("/dev/null", os.O_RDWR)
    for standard in range(3):
        os.dup2(nowhere, standard)
    close_all_but([0, 1, 2, *kept])


def close_all_but(kept: Iterable[int]) -> None:
    """Close every descriptor but `kept`."""
    start = 0
    for descriptor in sorted(set(kept)):
        if descriptor > start:
            linux.close_range(start, descriptor - 1)
        start = descriptor + 1
    linux.close_range(start)


def restore_signals() -> None:
    """Handle signals as a fresh Python does."""
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        if number < signal.SIGRTMIN:
            signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])


def set_limits(limits: Limits, data: int) -> None:
    """Set the limits that the kernel keeps for each process; `data` is what this one holds already, in bytes."""
    chosen = {
        resource.RLIMIT_DATA: data + limits.memory,
        resource.RLIMIT_FSIZE: limits.file_size,
        resource.RLIMIT_NOFILE: DESCRIPTORS,
        resource.RLIMIT_SIGPENDING: _SIGNALS,
        resource.RLIMIT_MSGQUEUE: 0,
        resource.RLIMIT_MEMLOCK: 0,
        # The first process, the one that waits for it, and one more than is tolerated, so that passing is seen.
        resource.RLIMIT_NPROC: limits.processes + 3,
        # Not 0: a machine that pipes cores to a program ignores 0, and takes 1 for "none" (core(5)).
        resource.RLIMIT_CORE: 1,
    }
    for which, value in chosen.items():
        value = min(value, *(old for old in resource.getrlimit(which) if old != resource.RLIM_INFINITY), value)
        resource.setrlimit(which, (value, value))


def give_up_rights() -> None:
    """From here on: no capability, none to be had by running a program, and the system-call filter."""
    linux.drop_capabilities()
    linux.prctl(linux.PR_SET_NO_NEW_PRIVS, 1)
    linux.filter_system_calls(system_calls.program())
