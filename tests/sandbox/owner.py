"""The owner of a sandbox, as a small process of its own: opens one around a function whose source it is given.

Reads {"plan", "source", "arguments", "before"} as JSON from stdin. Prints the sandbox's events as they come, then
{"value": what the function returned, "status": exit status}. Ends the sandbox by ending.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Callable
from typing import Any

from tlcourse.sandbox import Plan, enter


def function(source: str) -> Callable[..., Any]:
    names: dict[str, Any] = {}
    exec(source, names)
    return names[next(name for name, value in names.items() if callable(value))]


def main() -> None:
    asked = json.loads(sys.stdin.readline())
    before = function(asked["before"]) if asked["before"] else lambda: None
    inside = function(asked["source"])
    reading, writing = os.pipe()

    def body(seal: Callable[[], None]) -> None:
        held = before()
        seal()
        value = inside(*([held] if held is not None else []), *asked["arguments"])
        os.write(writing, json.dumps(value).encode())

    ours, theirs = socket.socketpair()
    child = os.fork()
    if child == 0:
        ours.close()
        os.close(reading)
        enter(Plan.from_json(asked["plan"]), body, theirs.fileno(), keep=[writing])
    theirs.close()
    os.close(writing)
    with ours.makefile() as events:
        for event in events:
            print(event, end="", flush=True)
    _, status = os.waitpid(child, 0)
    value = os.read(reading, 1 << 16)
    print(json.dumps({"value": json.loads(value) if value else None, "status": os.waitstatus_to_exitcode(status)}))


if __name__ == "__main__":
    main()
