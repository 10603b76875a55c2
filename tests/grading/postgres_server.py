"""A PostgreSQL server of the tests' own: in a temporary folder, on a Unix socket there, gone when they end."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_SETTINGS = {"listen_addresses": "", "fsync": "off", "shared_buffers": "16MB", "max_connections": "30"}


class Server:
    """A running server whose databases anyone who reaches its socket may use.

    Args:
        socket: the folder of its socket.
    """

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    def url(self, database: str) -> str:
        """A database's address, as SQLAlchemy and nbgrader take it."""
        return f"postgresql://tests@/{database}?host={self._socket}"

    def run(self, statement: str) -> None:
        """Run one statement outside any transaction, as CREATE DATABASE wants it."""
        import psycopg

        with psycopg.connect(f"host={self._socket} user=tests dbname=postgres", autocommit=True) as connection:
            connection.execute(statement)


@contextmanager
def running_server() -> Iterator[Server]:
    """Start a server; the end of the block stops it. Without PostgreSQL's programs the test is skipped."""
    programs = _programs()
    # Not pytest's folder: a socket's path holds 107 bytes, and another user must get there.
    folder = Path(tempfile.mkdtemp(prefix="tlpg-"))
    try:
        as_server = _as_server(folder)
        data = folder / "data"
        _initialise([*as_server, str(programs / "initdb")], data)
        settings = [f"--{name}={value}" for name, value in {**_SETTINGS, "unix_socket_directories": folder}.items()]
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                [*as_server, programs / "postgres", "-D", data, *settings], stdout=log, stderr=log
            )
            try:
                _wait_ready(server, [str(programs / "pg_isready"), "-q", "-h", str(folder)], folder / "log")
                yield Server(folder)
            finally:
                # "Immediate": it ends every session and does not tidy up, which nobody needs here.
                server.send_signal(signal.SIGQUIT)
                server.wait(30)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _programs() -> Path:
    """The folder of PostgreSQL's programs, which Debian keeps off the PATH."""
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if on_path := shutil.which("initdb"):
        found.append(Path(on_path).resolve().parent)
    if not found:
        pytest.skip("PostgreSQL is not installed here (Debian: sudo apt install postgresql)")
    return max(found, key=lambda folder: folder.parent.name)


def _as_server(folder: Path) -> list[str]:
    """How to run a command as a user who may be the server (root may not), to end when this process ends."""
    if not shutil.which("setpriv"):
        if os.getuid() == 0:
            pytest.skip("PostgreSQL does not run as root, and there is no setpriv to change the user")
        return []
    command = ["setpriv", "--pdeathsig", "QUIT"]
    if os.getuid() == 0:
        user = pwd.getpwnam("nobody")
        os.chown(folder, user.pw_uid, user.pw_gid)
        command += [f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    return command


def _initialise(initdb: list[str], data: Path) -> None:
    options = ["--username=tests", "--auth=trust", "--no-sync", "--encoding=UTF8", "--no-locale", "-D", str(data)]
    done = subprocess.run([*initdb, *options], capture_output=True, text=True, cwd="/")
    assert done.returncode == 0, done.stderr


def _wait_ready(server: subprocess.Popen[bytes], ask: list[str], log: Path) -> None:
    for _ in range(300):
        if subprocess.run(ask).returncode == 0:
            return
        assert server.poll() is None, log.read_text()
        time.sleep(0.1)
    raise AssertionError(f"PostgreSQL did not start:\n{log.read_text()}")
