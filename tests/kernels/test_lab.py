"""Warm kernels under a real Jupyter server: over its REST interface and web sockets, as JupyterLab uses it."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from kernels_kit import LINUX_ONLY, until, until_gone

from tlcourse.kernels import lab

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason=LINUX_ONLY)
pytest.importorskip("jupyter_server")

SAY_IT = "import os, sys; print(os.getpid(), 'fastai.vision.all' in sys.modules)"


class Server:
    """A running Jupyter server, and what a browser would ask of it."""

    def __init__(self, process: subprocess.Popen, address: str, token: str) -> None:
        self.process = process
        self.address = address
        self._headers = {"Authorization": f"token {token}", "Content-Type": "application/json"}

    def ask(self, method: str, path: str, **content: Any) -> Any:
        body = json.dumps(content).encode() if method == "POST" else None
        request = urllib.request.Request(self.address + path, body, self._headers, method=method)
        with urllib.request.urlopen(request, timeout=90) as response:
            return json.loads(response.read() or "null")

    def start_kernel(self) -> str:
        return self.ask("POST", "/api/kernels", name="python3")["id"]

    def run(self, kernel: str, code: str, *, interrupted: bool = False) -> str:
        """What `code` prints in the kernel; the name of its error, if any, comes last."""
        return asyncio.run(self._run(kernel, code, interrupted))

    async def _run(self, kernel: str, code: str, interrupted: bool) -> str:
        from tornado.httpclient import HTTPRequest
        from tornado.websocket import websocket_connect

        channels = self.address.replace("http", "ws", 1) + f"/api/kernels/{kernel}/channels"
        socket = await websocket_connect(HTTPRequest(channels, headers=self._headers))
        request = execute_request(code)
        await socket.write_message(json.dumps(request))
        told, missing = "", {"execute_reply", "idle"}  # they come on two lines, in any order
        while missing:
            message = json.loads(str(await asyncio.wait_for(socket.read_message(), 60)))
            if message["parent_header"].get("msg_id") != request["header"]["msg_id"]:
                continue
            content = message["content"]
            told += content.get("text", "") + content.get("ename", "") * (message["msg_type"] == "error")
            if message["msg_type"] == "stream" and interrupted:
                await asyncio.to_thread(self.ask, "POST", f"/api/kernels/{kernel}/interrupt")
            missing -= {message["msg_type"], content.get("execution_state")}
        socket.close()
        return told

    def nursery(self) -> psutil.Process | None:
        for child in psutil.Process(self.process.pid).children():
            if "tlcourse.kernels.server" in child.cmdline():
                return child
        return None


def execute_request(code: str) -> dict[str, Any]:
    header = {"msg_id": uuid.uuid4().hex, "msg_type": "execute_request", "username": "", "session": uuid.uuid4().hex}
    header |= {"date": "", "version": "5.3"}
    content = {"code": code, "silent": False, "store_history": True, "user_expressions": {}}
    content |= {"allow_stdin": False, "stop_on_error": False}
    about: dict[str, Any] = {"parent_header": {}, "metadata": {}, "buffers": [], "channel": "shell"}
    return {"header": header, "content": content, **about}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server started with the options that `tlcourse learn` gives it, on a machine without a GPU."""
    folder = tmp_path_factory.mktemp("server")
    log = folder / "log"
    options = [f"--ServerApp.root_dir={folder}", "--port=0", "--no-browser", "--allow-root", "--ip=127.0.0.1"]
    options.append("--AsyncIOLoopKernelRestarter.time_to_dead=0.3")
    with log.open("w") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyter_server", *options, *lab.server_options()],
            env={**os.environ, "CUDA_VISIBLE_DEVICES": "", "JUPYTER_RUNTIME_DIR": str(folder / "runtime")},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        yield Server(process, *address_in(log, process))
    finally:
        process.kill()
        process.wait()


def address_in(log: Path, process: subprocess.Popen) -> tuple[str, str]:
    """The address and the token that the server prints."""
    for _ in range(600):
        if found := re.search(r"(http://127\.0\.0\.1:\d+)/\S*\?token=(\w+)", log.read_text()):
            return found[1], found[2]
        assert process.poll() is None, log.read_text()
        time.sleep(0.1)
    raise AssertionError(f"no address within 60 s: {log.read_text()}")


def test_the_imports_begin_with_the_server(server: Server) -> None:
    until(lambda: server.nursery() is not None, "the server's nursery")


def test_a_kernel_is_warm(server: Server) -> None:
    assert server.run(server.start_kernel(), SAY_IT).endswith("True\n")


def test_a_kernel_can_be_interrupted(server: Server) -> None:
    kernel = server.start_kernel()
    assert server.run(kernel, "print('go')\nwhile True: pass", interrupted=True) == "go\nKeyboardInterrupt"
    assert server.run(kernel, "print(6 * 7)") == "42\n"


def test_a_kernel_can_be_restarted(server: Server) -> None:
    kernel = server.start_kernel()
    before = server.run(kernel, SAY_IT)
    server.ask("POST", f"/api/kernels/{kernel}/restart")
    after = server.run(kernel, SAY_IT)
    assert after.endswith("True\n")
    assert after != before


def test_a_kernel_that_crashed_is_restarted(server: Server) -> None:
    kernel = server.start_kernel()
    pid = int(server.run(kernel, SAY_IT).split()[0])
    psutil.Process(pid).kill()
    until_gone(pid)
    until(lambda: server.run(kernel, SAY_IT).split()[1:] == ["True"], "a new kernel in the place of the crashed one")


def test_a_deleted_kernel_is_gone(server: Server) -> None:
    kernel = server.start_kernel()
    pid = int(server.run(kernel, SAY_IT).split()[0])
    server.ask("DELETE", f"/api/kernels/{kernel}")
    until_gone(pid)
    assert kernel not in {running["id"] for running in server.ask("GET", "/api/kernels")}


def test_nothing_outlives_a_server_that_was_killed(server: Server) -> None:
    pid = int(server.run(server.start_kernel(), SAY_IT).split()[0])
    nursery = server.nursery()
    assert nursery is not None
    server.process.kill()
    server.process.wait()
    until_gone(pid, nursery.pid)


def test_only_linux_gets_the_options(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    assert lab.server_options() == []


def test_an_installation_that_does_not_know_them_gets_no_options(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lab, "entry_points", lambda **wanted: ())
    assert lab.server_options() == []
