"""The nursery's own process: imports, then forks on request and reports how its children ended. Linux only.

`python -m tlcourse.kernels.server FD`, started by tlcourse.kernels.nursery with one end of a socket pair as FD. It
computes nothing and starts no thread: a fork copies one thread only, so any other would be missing in the child.
"""

from __future__ import annotations

import gc
import importlib
import os
import random
import selectors
import shutil
import signal
import socket
import struct
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from tlcourse.kernels import pages, preload
from tlcourse.kernels.wire import Channel

_PEER = struct.Struct("3i")  # of SO_PEERCRED: process, user, group

# Seconds for which a look at thousands of files holds: forks often come in twos, a kernel and what judges it.
_LOOK = 0.5

#: An argument of a child that watches its nursery itself, and ends all that it started when that ends.
ENDS_ITSELF = "ends_itself"


def main() -> NoReturn:
    """Serve the owner at the other end of the socket until it is gone."""
    if not sys.flags.safe_path:
        del sys.path[0]  # where it was started is no place to import from
    end = socket.socket(fileno=int(sys.argv[1]))
    request, _ = Channel(end).receive()
    gc.disable()
    environment = dict(os.environ)
    _left_out.update(preload.load(request["modules"]))
    _set_by_imports.update({name: value for name, value in os.environ.items() if environment.get(name) != value})
    _files.update(preload.loaded_files())
    # The collector would write to every object, and so copy every page that parent and child share. It does not run
    # here either: it would take half a second and free nothing to speak of.
    gc.freeze()
    pages.collapse()
    _Server(end).serve()
    os._exit(0)


def serve_another(arguments: dict[str, Any], fds: Sequence[int]) -> None:
    """Be a nursery as well, for the owner at the other end of a socket: the entry of a fork that imported nothing."""
    gc.disable()
    _Server(socket.socket(fileno=fds[0])).serve()


# What the imports left, in this process or in the one that it was forked from.
_left_out: dict[str, str] = {}
_files: dict[str, tuple[int, int]] = {}
# Variables that the libraries set for themselves: a child with an environment of its own keeps them.
_set_by_imports: dict[str, str] = {}


class _Server:
    def __init__(self, end: socket.socket) -> None:
        self._channel = Channel(end)
        self._children: dict[int, int] = {}  # pid -> pidfd
        self._spared: set[int] = set()  # those that end by themselves
        self._litter: dict[int, str] = {}  # pid -> folder
        self._retired = False
        self._looked = -_LOOK  # when the files were last looked at, and none had changed
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._channel, selectors.EVENT_READ, self._answer)
        # The socket's end says that the owner is gone, unless a child of the owner's still holds a copy of it.
        self._watched = [os.pidfd_open(pid) for pid in {os.getppid(), _peer(end)} - {0}]
        for watched in self._watched:
            self._selector.register(watched, selectors.EVENT_READ, self._end)

    def serve(self) -> None:
        """Work until the owner is gone, then kill what is left."""
        try:
            self._channel.send({"ready": {"left_out": _left_out}})
            while not (self._retired and not self._children):
                for key, _ in self._selector.select():
                    key.data()
        except (EOFError, OSError):
            pass
        finally:
            for pid in self._children.keys() - self._spared:
                _kill_session(pid)
            for folder in self._litter.values():
                shutil.rmtree(folder, ignore_errors=True)

    def _end(self) -> NoReturn:
        raise EOFError

    def _answer(self) -> None:
        request, fds = self._channel.receive()
        try:
            if "retire" in request:
                self._retired = True
            elif refusal := self._refusal():
                self._channel.send({"id": request["id"], **refusal})
            else:
                self._fork(request, fds)
        finally:
            for fd in fds:
                os.close(fd)

    def _refusal(self) -> dict[str, str]:
        """Why a fork would not be what the caller wants: empty when it would."""
        if len(sys._current_frames()) > 1:
            return {"refused": "a module that it imported started threads"}
        if time.monotonic() > self._looked + _LOOK:
            if changed := _first_changed(_files):
                return {"refused": "changed", "path": changed}
            self._looked = time.monotonic()
        return {}

    def _fork(self, request: dict[str, Any], fds: list[int]) -> None:
        try:
            pid = _fork_quietly()
        except OSError as error:  # no memory, or no more processes
            self._channel.send({"id": request["id"], "refused": str(error)})
            return
        if pid == 0:
            _become_child(request["entry"], request["arguments"], fds)
        pidfd = os.pidfd_open(pid)
        self._children[pid] = pidfd
        if request["arguments"].get(ENDS_ITSELF):
            self._spared.add(pid)
        if folder := request["arguments"].get("litter"):
            self._litter[pid] = folder
        self._selector.register(pidfd, selectors.EVENT_READ, lambda: self._reap(pid, request["id"]))
        self._channel.send({"id": request["id"], "pid": pid}, [pidfd])

    def _reap(self, pid: int, number: int) -> None:
        _, status = os.waitpid(pid, 0)
        pidfd = self._children.pop(pid)
        self._litter.pop(pid, None)
        self._spared.discard(pid)
        self._selector.unregister(pidfd)
        os.close(pidfd)
        self._channel.send({"exit": number, "status": os.waitstatus_to_exitcode(status)})


def _peer(end: socket.socket) -> int:
    """The process that made or opened the other end of a Unix socket; 0 if it cannot be seen from here."""
    credentials = end.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size)
    return int(_PEER.unpack(credentials)[0])


def _fork_quietly() -> int:
    """Python warns of threads. Those here are OpenBLAS's, which stops its threads before a fork and restarts them."""
    with warnings.catch_warnings(action="ignore"):
        return os.fork()


def _first_changed(files: dict[str, tuple[int, int]]) -> str | None:
    """The first file that is no longer as it was when it was imported."""
    return next((path for path, known in files.items() if preload.file_state(path) != known), None)


def _kill_session(pid: int) -> None:
    for kill in (os.killpg, os.kill):  # a child that has only just been forked leads no group yet
        try:
            kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def _become_child(entry: str, arguments: dict[str, Any], fds: list[int]) -> NoReturn:
    """Run `entry` as if in a process of its own, and exit with its status: 0, SystemExit's code, or 1 for an error."""
    status = 1
    try:
        os.setsid()
        kept = _close_all_but(fds)
        _default_signals()
        _own_surroundings(arguments)
        _reseed()
        gc.enable()
        module, _, function = entry.partition(":")
        run: Callable[[dict[str, Any], Sequence[int]], None] = getattr(importlib.import_module(module), function)
        run(arguments, kept)
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        _flush()
        os._exit(status & 0xFF)


def _close_all_but(fds: list[int]) -> list[int]:
    """Close every inherited descriptor but the standard three and `fds`."""
    low = 3
    for fd in sorted(fds):
        os.closerange(low, fd)
        low = fd + 1
    os.closerange(low, 1 << 20)
    return fds


def _default_signals() -> None:
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    for number in signal.valid_signals():
        if callable(signal.getsignal(number)) and number != signal.SIGINT:
            signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _own_surroundings(arguments: dict[str, Any]) -> None:
    """The working folder and the environment that the arguments name, if they do."""
    if (cwd := arguments.get("cwd")) is not None:
        os.chdir(cwd)
    if (env := arguments.get("env")) is not None:
        os.environ.clear()
        os.environ.update({**_set_by_imports, **env})


def _reseed() -> None:
    """Two children of one parent must not draw the same numbers."""
    random.seed()
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()
    if "torch" in sys.modules:
        # Not torch.manual_seed: that one asks for the GPUs too.
        sys.modules["torch"].default_generator.manual_seed(int.from_bytes(os.urandom(8), "little") >> 1)
    if "multiprocessing" in sys.modules:
        sys.modules["multiprocessing"].current_process().authkey = os.urandom(32)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):
            continue  # the reader is gone, or the entry closed it


if __name__ == "__main__":
    # What a child imports by name is then this very module, with what it knows.
    from tlcourse.kernels import server

    server.main()
