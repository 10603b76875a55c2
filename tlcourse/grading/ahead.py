"""The next kernel, started while one is at work: whoever grades many submissions does not wait for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field

from tlcourse.errors import CourseError
from tlcourse.grading.kernel import Allowance, Kernel, KernelEnded

Start = Callable[[Allowance, dict[str, bytes]], Kernel]
"""What gives a sitting its kernel: `Kernel` itself, or an `Ahead`."""

_FRESH = 60.0
"""Seconds after which a waiting kernel is let go: its allowance of time runs already."""


@dataclass(frozen=True)
class _Waiting:
    """A kernel that has run nothing yet, or is about to be one."""

    kernel: Future[Kernel]
    allowance: Allowance
    files: dict[str, bytes] = field(repr=False)
    since: float = field(default_factory=time.monotonic)

    def suits(self, allowance: Allowance, files: dict[str, bytes]) -> bool:
        return (self.allowance, self.files) == (allowance, files) and time.monotonic() - self.since < _FRESH


class Ahead:
    """Gives kernels, and lets the next one get ready meanwhile, on the guess that it will be asked for alike.

    Each kernel still serves one sitting only, in a sandbox of its own. Several threads may ask.
    """

    def __init__(self) -> None:
        self._waiting: _Waiting | None = None
        self._lock = threading.Lock()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="next-kernel")

    def __call__(self, allowance: Allowance, files: dict[str, bytes]) -> Kernel:
        """A kernel that has run nothing.

        Raises:
            CourseError: see `Kernel`.
        """
        # The next one begins when this one is there: two at once would both come late.
        kernel = _taken(self._swap(None), allowance, files) or _started(allowance, files)
        _let_go(self._swap(_Waiting(self._thread.submit(_started, allowance, files), allowance, files)))
        return kernel

    def close(self) -> None:
        """End the kernel that waits."""
        _let_go(self._swap(None))
        self._thread.shutdown()

    def _swap(self, waiting: _Waiting | None) -> _Waiting | None:
        with self._lock:
            before, self._waiting = self._waiting, waiting
        return before


def _started(allowance: Allowance, files: dict[str, bytes]) -> Kernel:
    return Kernel(allowance, files).__enter__()


def _taken(waiting: _Waiting | None, allowance: Allowance, files: dict[str, bytes]) -> Kernel | None:
    """The kernel that waited, if it is of the kind that is asked for and lives."""
    if waiting is not None and waiting.suits(allowance, files):
        # Why there is none will be found again by whoever starts one now.
        with suppress(CourseError, OSError, KernelEnded):
            kernel = waiting.kernel.result()
            kernel.ping()
            return kernel
    _let_go(waiting)
    return None


def _let_go(waiting: _Waiting | None) -> None:
    """End a kernel, as soon as it has begun."""
    if waiting is not None:
        waiting.kernel.add_done_callback(_close)


def _close(begun: Future[Kernel]) -> None:
    if begun.exception() is None:
        begun.result().close()
