"""Can this machine give a sandbox? Tried, not guessed."""

from __future__ import annotations

import functools
import json
import os
import socket
import subprocess
import sys

from tlcourse.sandbox.plan import Plan
from tlcourse.sandbox.reasons import SandboxError, refuse_unfit_machine

_TRIAL = "from tlcourse.sandbox.trial import attempt; attempt()"
_SECONDS = 60.0


@functools.cache
def insist() -> None:
    """Make sure that this machine gives a sandbox: one is opened and closed, once in the life of this process.

    Raises:
        SandboxError: it does not; with the reason and the cure.
    """
    refuse_unfit_machine()
    # A new process, since one with threads must not fork. It imports nothing heavy.
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    ran = subprocess.run(
        [sys.executable, "-c", _TRIAL], env=environment, capture_output=True, text=True, timeout=_SECONDS, check=False
    )
    events = [json.loads(line) for line in ran.stdout.splitlines() if line.startswith("{")]
    if events and events[0]["event"] == "error":
        raise SandboxError(events[0]["fault"], events[0]["cure"])
    if [event["event"] for event in events] != ["ready", "exit"] or events[-1]["status"] != 0:
        raise SandboxError(
            f"The sandbox was opened and did not work: {events or ran.stderr[-400:]}.",
            "Run `tlcourse doctor`, or grade with --trust, which runs submissions with your own rights.",
        )


def attempt() -> None:
    """Open a sandbox around nothing and print its events: what `insist` runs."""
    from tlcourse.sandbox.entry import enter

    ours, theirs = socket.socketpair()
    if os.fork() == 0:
        ours.close()
        enter(Plan(), lambda seal: seal(), theirs.fileno())
    theirs.close()
    with ours.makefile() as events:
        print(events.read(), end="")
    os.wait()
