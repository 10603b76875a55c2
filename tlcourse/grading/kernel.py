"""A kernel for one submission, seen from the grader: warm, in a sandbox, spoken to with limits of time and size."""

from __future__ import annotations

import contextlib
import hmac
import json
import os
import secrets
import shutil
import socket
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, cast

import zmq
from jupyter_client.session import Session

from tlcourse.errors import CourseError
from tlcourse.grading.candidate import PORTS
from tlcourse.grading.forks import Process, forks
from tlcourse.grading.outputs import Outputs
from tlcourse.grading.verdicts import Verdict

_START = 60.0  # seconds for a kernel to answer; a warm one takes 0.2
_FIRST_ASK = 0.02  # seconds until it is asked a second time; a lost answer costs no more than that
_GRACE = 2.0  # seconds between an interrupt and the end
_AFTER = 3.0  # seconds in which a cell's last outputs follow its reply
_SIZE = 20_000_000  # bytes of output of one notebook
_FRAME, _MESSAGE = 30, 200  # bytes that a message and each of its frames count for at least: reading them takes time
_CONTAINER = 20  # bytes more that a list or an object in JSON counts for: read, it takes ten times as much memory
_CONTAINERS = 500_000  # a message with more of them is not read
_LIMITS = {"memory": Verdict.MEMORY, "time": Verdict.TIME}


class KernelEnded(Exception):
    """The kernel is gone; `verdict` says why, and `limit` which limit of the sandbox it passed, if one."""

    def __init__(self, verdict: Verdict, limit: str = "") -> None:
        super().__init__(verdict.value)
        self.verdict = verdict
        self.limit = limit


@dataclass
class Ran:
    """What one cell did.

    Args:
        status: `"ok"`, `"error"`, or `"interrupted"` after the time was over.
        outputs: nbformat outputs.
        values: the texts of the expressions asked for; empty unless the status is `"ok"`.
        error: name and text of the exception.
        seconds: wall time.
    """

    status: str
    outputs: list[dict[str, Any]] = field(default_factory=list)
    values: dict[str, str] = field(default_factory=dict)
    error: tuple[str, str] = ("", "")
    seconds: float = 0.0


@dataclass(frozen=True)
class Allowance:
    """What one submission may use.

    Args:
        trust: no sandbox: the code runs with the grader's own rights.
        memory: bytes it may add to the warm kernel.
        processes: processes and threads.
        cell_seconds: wall time of one cell.
        total_seconds: wall time of one kernel's life.
    """

    trust: bool = False
    memory: int = 4 << 30
    processes: int = 400
    cell_seconds: float = 600.0
    total_seconds: float = 7200.0


class Kernel:
    """A kernel and the line to it. Use it in a `with`; at its end nothing of it is left.

    Made, it starts by itself; `connect`, or entering the `with`, waits until it answers.

    Args:
        allowance: its limits.
        files: data files for the working folder, bytes by relative path.

    Raises:
        CourseError: no kernel can be had on this machine; it says why and what to do.
    """

    def __init__(self, allowance: Allowance, files: dict[str, bytes]) -> None:
        self._allowance = allowance
        self._outputs = Outputs()
        self._folder = Path(tempfile.mkdtemp(prefix="tlc-"))
        self._context = zmq.Context()
        self._session = Session(key=secrets.token_hex(16).encode(), username="grader")
        self._channel, channel = socket.socketpair()
        self._proctor, proctor = socket.socketpair()
        self._heard = b""
        self._left = _SIZE
        self._ended: Verdict | None = None
        self._child: Process | None = None
        self._connected = False
        try:
            self._lay_out(files)
            self._launch([channel.fileno(), proctor.fileno()])
        except BaseException:
            self.close()
            raise
        finally:
            channel.close()
            proctor.close()

    def __enter__(self) -> Kernel:
        try:
            self.connect()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the kernel and everything that it started."""
        self._proctor.close()
        self._channel.close()  # the sandbox's supervisor hears it, and ends with all that is in it
        if self._child is not None:
            self._child.kill()
            self._child.wait(10)
        self._context.destroy(linger=0)
        shutil.rmtree(self._folder, ignore_errors=True)

    def run(self, code: str, *, hidden: bool = False, expressions: dict[str, str] | None = None) -> Ran:
        """Run a cell.

        Args:
            code: its source.
            hidden: keep the source out of the kernel's history.
            expressions: what to tell the values of, if the cell ends without an error.

        Raises:
            KernelEnded: it ended, took too long and could not be interrupted, or wrote too much.
        """
        content = {
            "code": code,
            "silent": False,
            "store_history": not hidden,
            "user_expressions": expressions or {},
            "allow_stdin": False,
            "stop_on_error": False,
        }
        began = time.monotonic()
        reply, outputs = self._exchange("execute_request", content)
        ran = Ran("interrupted" if reply is None else str(reply.get("status")), outputs)
        ran.seconds = time.monotonic() - began
        if reply and ran.status == "ok":
            told = reply.get("user_expressions") or {}
            ran.values = {name: _text(told.get(name)) for name in expressions or {}}
        elif reply:
            ran.error = (str(reply.get("ename", "")), str(reply.get("evalue", "")))
        return ran

    def ping(self) -> None:
        """Wait until the kernel answers again.

        Raises:
            KernelEnded: it does not.
        """
        self._exchange("kernel_info_request", {})

    def ask(self, what: str, nonce: str, **more: Any) -> dict[str, Any]:
        """Ask the proctor (see `tlcourse.grading.proctor`).

        Returns:
            The reply, empty if it is none that the proctor gives.

        Raises:
            KernelEnded: see `run`.
        """
        line = json.dumps({"ask": what, "nonce": nonce, **more}) + "\n"
        deadline, heard = time.monotonic() + self._allowance.cell_seconds, b""
        with contextlib.suppress(OSError):  # a line that has been closed is found out below
            self._proctor.sendall(line.encode())
        poller = zmq.Poller()
        for other in (self._proctor.fileno(), self._channel.fileno()):
            poller.register(other, zmq.POLLIN)
        while not heard.endswith(b"\n"):
            ready = dict(poller.poll(max(0, round((deadline - time.monotonic()) * 1000))))
            if not ready:
                self._end(Verdict.TIME)
            if self._channel.fileno() in ready:
                self._listen()
            if self._proctor.fileno() in ready:
                if not (chunk := self._from_proctor()):
                    self.ping()  # the kernel has ended, which may take a while to be told, or its code closed the line
                    return {}
                heard += chunk
                if len(heard) + _CONTAINER * _containers(heard) > _SIZE:
                    self._end(Verdict.OUTPUT)
        try:
            told = json.loads(heard)
        except (ValueError, RecursionError):
            return {}
        return told if isinstance(told, dict) and told.get("nonce") == nonce else {}

    def _from_proctor(self) -> bytes:
        """What has arrived on its line; nothing if that was closed, or broke off with a request unread."""
        try:
            return self._proctor.recv(1 << 20)
        except OSError:
            return b""

    def _lay_out(self, files: dict[str, bytes]) -> None:
        (self._folder / "s").mkdir()
        work = self._folder / "w"
        work.mkdir()
        for name, data in files.items():
            path = work / name
            if not path.resolve().is_relative_to(work.resolve()):
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)

    def _launch(self, fds: list[int]) -> None:
        arguments = {
            "address": str(self._folder / "s" / "kernel"),
            "key": self._session.key.decode(),
            "folder": str(self._folder / "w"),
            "plan": None if self._allowance.trust else self._plan(),
            "litter": str(self._folder),
        }
        self._child = forks.spawn("tlcourse.grading.candidate:main", arguments, fds)

    def _plan(self) -> dict[str, Any]:
        from tlcourse import sandbox, storage
        from tlcourse.grading import unjudged

        limits = sandbox.Limits(
            memory=self._allowance.memory,
            processes=self._allowance.processes,
            wall_seconds=self._allowance.total_seconds,
            cpu_seconds=self._allowance.total_seconds * (os.cpu_count() or 1),
        )
        cache = storage.cache_dir()
        return sandbox.Plan(
            limits=limits,
            hidden=unjudged.sources(),
            work=str(self._folder / "w"),
            cache=str(cache) if cache.is_dir() else None,
            sockets=str(self._folder / "s"),
            env={"NBGRADER_EXECUTION": "autograde"},
        ).as_json()

    def connect(self) -> None:
        """Wait until the kernel answers; a second call does nothing.

        Raises:
            CourseError: it does not; it says why and what to do.
        """
        if self._connected:
            return
        self._shell = self._socket(zmq.DEALER, "shell_port")
        self._control = self._socket(zmq.DEALER, "control_port")
        self._iopub = self._socket(zmq.SUB, "iopub_port")
        self._poller = zmq.Poller()
        for line in (self._shell, self._iopub, self._channel.fileno()):
            self._poller.register(line, zmq.POLLIN)
        # Until the subscription has arrived, outputs would be lost: ask until an answer is heard on both lines.
        end, patience = time.monotonic() + _START, _FIRST_ASK
        while time.monotonic() < end:
            try:
                if self._exchange("kernel_info_request", {}, seconds=patience, heard=False)[0] is not None:
                    self._connected = True
                    return
            except KernelEnded as ended:
                raise CourseError(
                    f"The kernel ended before it could run anything ({ended.verdict}).",
                    "Run `tlcourse doctor`; if all is well there, report this as a fault of the course.",
                ) from None
            patience = min(1.0, 2 * patience)
        raise CourseError(f"The kernel did not answer within {_START:.0f} s.", "Is the machine overloaded? Try again.")

    def _socket(self, kind: int, port: str) -> zmq.Socket:
        line = self._context.socket(kind)
        line.linger = 0
        line.setsockopt(zmq.MAXMSGSIZE, _SIZE)
        line.setsockopt(zmq.RECONNECT_IVL, 5)
        line.rcvhwm = 10_000
        if kind == zmq.SUB:
            line.subscribe(b"")
        line.connect(f"ipc://{self._folder / 's' / 'kernel'}-{PORTS[port]}")
        return line

    def _exchange(
        self, message: str, content: dict[str, Any], *, seconds: float | None = None, heard: bool = True
    ) -> tuple[dict[str, Any] | None, list[dict[str, Any]]]:
        """Send one request; the reply's content (None when time is over) and the outputs that belong to it."""
        if self._ended:
            raise KernelEnded(self._ended)
        header = self._session.msg_header(message)
        self._session.send(self._shell, message, content, header=header)
        mine = header["msg_id"]
        limit = self._allowance.cell_seconds if seconds is None else seconds
        outputs = self._outputs.of_a_cell()
        reply: dict[str, Any] | None = None
        deadline, idle, interrupted = time.monotonic() + limit, False, False
        while reply is None or not idle:
            wait = deadline - time.monotonic()
            if wait <= 0:
                if not heard:
                    return None, []
                if idle:
                    break  # the kernel is done and gave no answer
                if reply is not None:
                    self._end(Verdict.OUTPUT)  # the last outputs never came: they were too large to be sent
                if interrupted:
                    self._end(Verdict.TIME)
                self._session.send(self._control, "interrupt_request", {})
                deadline, interrupted = time.monotonic() + _GRACE, True
                continue
            ready = dict(self._poller.poll(max(1, round(wait * 1000))))
            if self._channel.fileno() in ready:
                self._listen()
            for told in self._messages(self._shell, mine):
                reply, deadline = told["content"], min(deadline, time.monotonic() + _AFTER)
            for told in self._messages(self._iopub, mine):
                if told["msg_type"] == "status" and told["content"].get("execution_state") == "idle":
                    idle, deadline = True, min(deadline, time.monotonic() + _AFTER)
                else:
                    places = outputs.add(told["msg_type"], told["content"])
                    self._charge(max(0, places - 1) * told["cost"])
        return (None if interrupted else reply or {}), outputs.done()

    def _messages(self, line: zmq.Socket, mine: str) -> Iterator[dict[str, Any]]:
        """What has arrived on a line and belongs to a request."""
        while True:
            try:
                frames = line.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return
            cost = max(_MESSAGE, sum(max(_FRAME, len(frame)) for frame in frames))
            self._charge(cost)
            containers = sum(map(_containers, frames))
            if containers > _CONTAINERS:
                continue
            try:
                message = self._read(frames)
            except Exception:
                continue  # forged: not signed, no JSON, nested without end
            if message["parent_header"].get("msg_id") == mine and isinstance(message["content"], dict):
                self._charge(_CONTAINER * containers)
                yield message | {"cost": cost}

    def _charge(self, cost: int) -> None:
        self._left -= cost
        if self._left < 0:
            self._end(Verdict.OUTPUT)

    def _read(self, frames: list[bytes]) -> dict[str, Any]:
        """What `Session.deserialize` gives, but for its times and buffers: making those takes longer than the rest."""
        signature, *parts = cast(list[bytes], self._session.feed_identities(frames)[1])[:5]
        if not hmac.compare_digest(signature, self._session.sign(parts)):
            raise ValueError("not signed")
        header, parent, _, content = map(self._session.unpack, parts)
        if not isinstance(parent, dict):
            raise ValueError("no message")
        return {"msg_type": header["msg_type"], "parent_header": parent, "content": content}

    def _listen(self) -> None:
        """What the sandbox tells."""
        try:
            data = self._channel.recv(65536)
        except OSError:
            data = b""
        if not data:
            self._end(Verdict.CRASHED)
        *lines, self._heard = (self._heard + data).split(b"\n")
        for line in lines:
            event = json.loads(line)
            if event["event"] == "error":
                raise CourseError(event["fault"], event["cure"])
            if event["event"] in ("limit", "exit"):
                self._end(_LIMITS.get(event.get("verdict", ""), Verdict.CRASHED), event.get("limit", ""))

    def _end(self, verdict: Verdict, limit: str = "") -> None:
        self._ended = verdict
        self.close()
        raise KernelEnded(verdict, limit)


def _containers(text: bytes) -> int:
    """How many lists and objects a piece of JSON may hold."""
    return text.count(b"{") + text.count(b"[")


def _text(told: Any) -> str:
    """The text of one expression's value."""
    data = told.get("data") if isinstance(told, dict) else None
    return str(data.get("text/plain", "")) if isinstance(data, dict) else ""
