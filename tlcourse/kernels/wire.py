"""Messages between a nursery and its owner: JSON, with open file descriptors beside it, over a Unix socket."""

from __future__ import annotations

import array
import json
import select
import socket
import struct
from collections.abc import Sequence
from typing import Any

_LENGTH = struct.Struct("!I")
_MOST_FDS = 64


class Channel:
    """One end of the wire. A message is a length, JSON, and the descriptors that travel with the length."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end

    def fileno(self) -> int:
        return self._end.fileno()

    def close(self) -> None:
        self._end.close()

    def has_mail(self, timeout: float = 0.0) -> bool:
        """Whether a message, or the end of the wire, can be read within `timeout` seconds."""
        waiting = select.poll()  # unlike select.select, it takes descriptors of any number
        waiting.register(self._end, select.POLLIN)
        return bool(waiting.poll(timeout * 1000))

    def send(self, message: dict[str, Any], fds: Sequence[int] = ()) -> None:
        """Send one message whole.

        Raises:
            ValueError: more than 64 descriptors.
            OSError: the other end is gone.
        """
        if len(fds) > _MOST_FDS:
            raise ValueError(f"{len(fds)} descriptors; one message carries at most {_MOST_FDS}")
        body = json.dumps(message).encode()
        data = _LENGTH.pack(len(body)) + body
        ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
        sent = self._end.sendmsg([data], ancillary, socket.MSG_NOSIGNAL)
        self._end.sendall(data[sent:], socket.MSG_NOSIGNAL)

    def receive(self) -> tuple[dict[str, Any], list[int]]:
        """Wait for one message; the descriptors are now this process's own and close on exec.

        Raises:
            EOFError: the other end is closed.
            OSError: the wire is broken.
        """
        head, fds = self._receive_head()
        body = self._exactly(_LENGTH.unpack(head)[0])
        return json.loads(body), fds

    def _receive_head(self) -> tuple[bytes, list[int]]:
        room = socket.CMSG_SPACE(_MOST_FDS * array.array("i").itemsize)
        head, ancillary, _, _ = self._end.recvmsg(_LENGTH.size, room, socket.MSG_CMSG_CLOEXEC)
        if not head:
            raise EOFError
        fds = array.array("i")
        for level, kind, data in ancillary:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                fds.frombytes(data[: len(data) - len(data) % fds.itemsize])
        return head + self._exactly(_LENGTH.size - len(head)), list(fds)

    def _exactly(self, count: int) -> bytes:
        data = bytearray()
        while len(data) < count:
            piece = self._end.recv(min(count - len(data), 1 << 20))
            if not piece:
                raise EOFError
            data += piece
        return bytes(data)
