"""The grader's hand inside the kernel: collects evidence when asked, and judges nothing.

It listens on a line of its own, in a thread of its own, so that neither IPython, nor the kernel's handlers, nor a name
in the notebook stands between a question and its answer. Requests and replies are lines of JSON:

- `{"ask": "collect", "nonce", "exercise", "argument", "seed"}` -> `{"nonce", "evidence"}` or `{"nonce", "error"}`;
- `{"ask": "prepare", "nonce"}` -> `{"nonce", "restored"}`: what tests stand on has been put back; no tracing now;
- `{"ask": "release", "nonce"}` -> `{"nonce", "restored"}`: the same after a test, and tracing is free again.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import threading
import traceback
from collections.abc import Callable
from typing import Any

import numpy as np

from tlcourse.checks import checker, plain, registry
from tlcourse.grading import unjudged
from tlcourse.grading.pristine import Pristine

_TRACING = ("sys.settrace", "sys.setprofile", "sys.monitoring.register_callback")


def attend(kernel: Any, line: int) -> None:
    """Begin to listen.

    Args:
        kernel: an `ipykernel` kernel in which no learner's code has run yet.
        line: the descriptor of a Unix stream socket that the grader holds the other end of.
    """
    exercises = registry.exercises()
    checker.be_silent()
    unjudged.forget_judges(exercises)
    collectors = {name: exercise.collect for name, exercise in exercises.items()}
    pristine = Pristine(kernel)
    testing: list[bool] = []
    sys.addaudithook(_warder(testing))
    thread = threading.Thread(
        target=_listen, args=(line, kernel.shell.user_ns, collectors, pristine, testing), daemon=True
    )
    thread.start()
    # What is frozen is not found by `gc.get_objects`.
    gc.freeze()


def _warder(testing: list[bool]) -> Callable[[str, tuple[Any, ...]], None]:
    def hook(event: str, details: tuple[Any, ...]) -> None:
        # Another thread's frame would hand out the grader's own line; tracing can jump over a test's lines.
        if event == "sys._current_frames" or (testing and event in _TRACING and any(details)):
            raise RuntimeError(f"{event} is not available while a notebook is graded")

    return hook


def _listen(
    line: int, namespace: dict[str, Any], collectors: dict[str, Any], pristine: Pristine, testing: list[bool]
) -> None:
    """Answer the grader's requests, with functions that were taken before any learner's code ran."""
    read, write, loads, dumps = os.read, os.write, json.loads, json.dumps
    generator, write_down, own = np.random.default_rng, plain.dumps, dict(vars(Pristine))
    heard = b""
    while chunk := read(line, 65536):
        heard += chunk
        if not heard.endswith(b"\n"):
            continue
        asked, heard = loads(heard), b""
        answer: dict[str, Any] = {"nonce": asked["nonce"]}
        if any(vars(Pristine).get(name) is not value for name, value in own.items()):
            answer = {}
        else:
            answer["restored"] = pristine.restore()[:20]
            testing[:] = [True] if asked["ask"] == "prepare" else []
        if answer and asked["ask"] == "collect":
            try:
                value = eval(compile(asked["argument"], "<check>", "eval"), namespace)  # the learner's own name
                evidence = collectors[asked["exercise"]](value, generator(asked["seed"]))
                answer["evidence"] = write_down(evidence)
            except BaseException as error:  # an answer may raise SystemExit too
                answer["error"] = described(error)
        data = dumps(answer).encode() + b"\n"
        while data:
            data = data[write(line, data) :]


def described(error: BaseException) -> dict[str, Any]:
    """An exception as the content of a notebook's error output."""
    try:
        value = str(error)
    except Exception:
        value = ""
    lines = traceback.format_exception_only(type(error), value)
    return {"ename": type(error).__name__, "evalue": value, "traceback": [line.rstrip("\n") for line in lines]}
