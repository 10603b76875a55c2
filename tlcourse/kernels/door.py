"""One import for several processes: behind a door, each that knocks gets a nursery forked from one that has imported.

Linux only, like the nursery. The door is a Unix socket in a folder that only this user may enter.
"""

from __future__ import annotations

import shutil
import socket
import tempfile
import threading
from contextlib import suppress
from pathlib import Path

from tlcourse.kernels.nursery import Nursery, NurseryError
from tlcourse.kernels.server import ENDS_ITSELF
from tlcourse.kernels.wire import Channel

_PAUSE = 0.02  # seconds between two looks at whether the imports are done


class Door:
    """Where other processes of this user and machine get a nursery each.

    Args:
        nursery: what theirs are forked from, started already. It is the caller's to close, after the door.
    """

    def __init__(self, nursery: Nursery) -> None:
        self._nursery = nursery
        self._folder = tempfile.mkdtemp(prefix="tlc-")
        self._listener = socket.socket(socket.AF_UNIX)
        self._closed = threading.Event()
        self.address = str(Path(self._folder) / "door")
        self._listener.bind(self.address)
        self._listener.listen(128)
        self._thread = threading.Thread(target=self._attend, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Let nobody in any more. The nurseries that were given out live on while this one's does."""
        self._closed.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _attend(self) -> None:
        while not self._closed.is_set():
            try:
                knocked, _ = self._listener.accept()
            except OSError:
                return  # closed
            # Whoever knocked in vain finds the line closed.
            with knocked, suppress(NurseryError):
                if self._is_warm():
                    entry = "tlcourse.kernels.server:serve_another"
                    self._nursery.spawn(entry, {ENDS_ITSELF: True}, [knocked.fileno()])

    def _is_warm(self) -> bool:
        """Wait for the imports, but not beyond this door's end."""
        while not self._nursery.is_ready():
            if self._closed.wait(_PAUSE):
                return False
        return True


class Guest(Nursery):
    """A nursery from behind a `Door`, for the process that knocks.

    Args:
        address: the door's.
    """

    def __init__(self, address: str) -> None:
        super().__init__()
        self._address = address

    def _open(self) -> None:
        end = socket.socket(socket.AF_UNIX)
        try:
            end.connect(self._address)
        except OSError:
            end.close()
            raise
        self._channel = Channel(end)
