"""Control-C while grading: heard between two submissions, so that one that is being written is written to its end."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Stop:
    """Whether somebody pressed Control-C; a second time ends everything at once."""

    def __init__(self) -> None:
        self._wanted = threading.Event()

    def check(self) -> None:
        """Call it where stopping is easy.

        Raises:
            KeyboardInterrupt: it was pressed.
        """
        if self._wanted.is_set():
            raise KeyboardInterrupt

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Control-C is noted in the block instead of raised."""
        with on_interrupt(self._heard):
            yield

    def _heard(self, signum: int, frame: object) -> None:
        self.check()
        self._wanted.set()


@contextmanager
def on_interrupt(handler: Any) -> Iterator[None]:
    """Handle Control-C differently for a while, where it is ours to hear."""
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or before in (signal.SIG_IGN, None):
        yield
        return
    signal.signal(signal.SIGINT, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
