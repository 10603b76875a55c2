"""The one nursery of this process, for all its kernels."""

from __future__ import annotations

import atexit
import os
import threading
from contextlib import suppress

from tlcourse.kernels.nursery import Nursery, NurseryError


class _Home:
    """What one process has: its nursery, those that were replaced but still have children, and its lifeline."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.lock = threading.Lock()
        self.nursery: Nursery | None = None
        self.retired: list[Nursery] = []
        # Never written to. The reading end closes, as kernels see it, when this process ends in any way.
        self.lifeline, self.writer = os.pipe()

    def close(self) -> None:
        if self.pid == os.getpid():
            for one in filter(None, (self.nursery, *self.retired)):
                one.close()


_home: _Home | None = None
_home_lock = threading.Lock()


def nursery() -> Nursery:
    """This process's nursery, started at the first call. It may still be importing, or have ended since.

    Raises:
        NurseryError: it cannot be started.
    """
    home = _our_home()
    with home.lock:
        if home.nursery is None:
            home.nursery = _new()
        return home.nursery


def renew(old: Nursery) -> None:
    """Replace a nursery that cannot fork. Returns at once; the children of the old one live on.

    Raises:
        NurseryError: no new one can be started.
    """
    home = _our_home()
    with home.lock:
        if home.nursery is not old:
            return  # somebody else has done it
        with suppress(NurseryError):  # it had ended
            old.retire()
        home.retired = [one for one in (*home.retired, old) if not one.has_ended()]
        home.nursery = _new()


def lifeline() -> int:
    """The reading end of a pipe that this process holds open while it lives."""
    return _our_home().lifeline


def _new() -> Nursery:
    made = Nursery()
    made.start()
    return made


def _our_home() -> _Home:
    """A forked process does not share its parent's: the nursery would take it for the parent."""
    global _home
    with _home_lock:
        if _home is None or _home.pid != os.getpid():
            _home = _Home()
            atexit.register(_home.close)
        return _home
