"""A web server on the loopback that misbehaves as told, one answer after another."""

from __future__ import annotations

import contextlib
import gzip
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = Callable[["Handler", bytes], None]


class Handler(BaseHTTPRequestHandler):
    """Answers with the server's next answer; the last one is for ever."""

    server: Any
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.close_connection = True
        self.server.asked.append((self.path, self.headers.get("Range")))
        answers = self.server.answers
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        with contextlib.suppress(ConnectionError):
            answer(self, self.server.content)

    def send(self, status: int, body: bytes = b"", length: int | None = None, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.send_header("Connection", "close")
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def start(self, content: bytes) -> int:
        """Where the asked range starts."""
        asked = self.headers.get("Range", "bytes=0-")
        return int(asked.removeprefix("bytes=").removesuffix("-"))

    def log_message(self, *args: object) -> None:
        pass


def good(handler: Handler, content: bytes) -> None:
    """The whole file, or the part that was asked for."""
    part(handler, content, len(content))


def part(handler: Handler, content: bytes, count: int, etag: str = '"v1"') -> None:
    """The rest of the file, of which no more than `count` bytes are sent."""
    start = handler.start(content)
    if (version := handler.headers.get("If-Range")) and version != etag:
        start = 0
    rest = content[start:]
    headers = {"ETag": etag}
    if start:
        headers["Content_Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
    handler.send(206 if start else 200, rest[:count], len(rest), **headers)


def cut(count: int) -> Answer:
    """Breaks off after so many bytes."""
    return lambda handler, content: part(handler, content, count)


def stall(handler: Handler, content: bytes) -> None:
    """Sends the first half, and then nothing for longer than anyone waits."""
    part(handler, content, len(content[handler.start(content) :]) // 2)
    handler.wfile.flush()
    time.sleep(0.6)


def silent(handler: Handler, content: bytes) -> None:
    """Takes the question and says nothing."""
    time.sleep(0.6)


def chunked(count: int) -> Answer:
    """In pieces without a length in all, broken off in the midst of one after so many bytes."""

    def answer(handler: Handler, content: bytes) -> None:
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        handler.wfile.write(f"{len(content):x}\r\n".encode() + content[:count])
        if count >= len(content):
            handler.wfile.write(b"\r\n0\r\n\r\n")

    return answer


def packed(handler: Handler, content: bytes) -> None:
    """In another encoding than the file's own."""
    handler.send(200, gzip.compress(content), Content_Encoding="gzip")


def drip(handler: Handler, content: bytes) -> None:
    """A byte now and then: never silent for long, and never done."""
    handler.send(200, length=len(content))
    for _ in range(40):
        handler.wfile.write(b"x")
        handler.wfile.flush()
        time.sleep(0.05)


def corrupt(handler: Handler, content: bytes) -> None:
    """As long as it should be, with one byte changed."""
    start = handler.start(content)
    handler.send(200, content[:-1] + bytes([content[-1] ^ 1])) if not start else part(handler, content, len(content))


def no_range(handler: Handler, content: bytes) -> None:
    """Sends everything, whatever was asked for."""
    handler.send(200, content)


def wrong_range(handler: Handler, content: bytes) -> None:
    """Another part than the one asked for."""
    handler.send(206, content[1:], Content_Range=f"bytes 1-{len(content) - 1}/{len(content)}")


def refused_range(handler: Handler, content: bytes) -> None:
    """No part at all."""
    handler.send(416) if handler.headers.get("Range") else handler.send(200, content)


def status(code: int, **headers: str) -> Answer:
    """An error."""
    return lambda handler, content: handler.send(code, b"sorry", **headers)


def page(handler: Handler, content: bytes) -> None:
    """What a hotel's network says instead."""
    handler.send(200, b"<!DOCTYPE html><html>Please log in</html>")


def endless(handler: Handler, content: bytes) -> None:
    """No length, and no end."""
    handler.send_response(200)
    handler.send_header("Connection", "close")
    handler.end_headers()
    while True:
        handler.wfile.write(bytes(2**16))


def moved(handler: Handler, content: bytes) -> None:
    """To another address of this server."""
    handler.send(302, Location="/elsewhere.bin")


class Server(ThreadingHTTPServer):
    """`answers` are given in order; `asked` says what was asked for: (path, range)."""

    daemon_threads = True

    def __init__(self, content: bytes, answers: list[Answer]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content, self.answers = content, answers
        self.asked: list[tuple[str, str | None]] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


@contextlib.contextmanager
def serving(content: bytes, *answers: Answer) -> Iterator[Server]:
    """A server with these answers, for as long as the block lasts."""
    with Server(content, list(answers)) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()
