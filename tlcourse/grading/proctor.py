"""The grader's hand inside the kernel: collects evidence when asked, and judges nothing.

It listens on a line of its own, in a thread of its own, so that neither IPython, nor the kernel's handlers, nor a name
in the notebook stands between a question and its answer. Requests and replies are lines of JSON:

- `{"ask": "collect", "nonce", "exercise", "argument", "seed"}` -> `{"nonce", "evidence"}` or `{"nonce", "error"}`;
  where labels are kept from the kernel, `"material"` stands in place of `"seed"`;
- `{"ask": "prepare", "nonce", "names", "imported", "used", "alias"}` -> `{"nonce", "restored", "shadowed", "lies"}`:
  what tests stand on has been put back, tracing is off; told are the names that the notebook has laid something over,
  and those of values that equal anything;
- `{"ask": "briefly" | "fully", "nonce"}` -> `{"nonce"}`: how errors are told; a full traceback takes 0.1 s and more;
- `{"ask": "files", "nonce", "known"}` -> `{"nonce", "files"}`: what the notebook wrote beside itself, in base64;
- `{"ask": "release", "nonce", "alias"}` -> `{"nonce", "restored"}`: the same after a test, and tracing is free again.
"""

from __future__ import annotations

import base64
import builtins
import gc
import hashlib
import itertools
import json
import os
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from tlcourse.checks import checker, plain, registry
from tlcourse.grading import unjudged
from tlcourse.grading.pristine import Pristine

_MODES = {"briefly": "Minimal", "fully": "Context"}
_LOOKED_AT = 1000
_FILES = 4_000_000  # bytes of all files that are told
_CONTAINERS: tuple[Any, ...] = (list, tuple, set, frozenset, dict)
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
    thread = threading.Thread(target=_listen, args=(line, kernel.shell, collectors, pristine, testing), daemon=True)
    thread.start()
    # What is frozen is not found by `gc.get_objects`.
    gc.freeze()


def _warder(testing: list[bool]) -> Callable[[str, tuple[Any, ...]], None]:
    def hook(event: str, details: tuple[Any, ...]) -> None:
        # Another thread's frame would hand out the grader's own line; tracing can jump over a test's lines.
        if event == "sys._current_frames" or (testing and event in _TRACING and any(details)):
            raise RuntimeError(f"{event} is not available while a notebook is graded")

    return hook


def _listen(line: int, shell: Any, collectors: dict[str, Any], pristine: Pristine, testing: list[bool]) -> None:
    """Answer the grader's requests, with functions that were taken before any learner's code ran."""
    namespace, set_mode = shell.user_ns, shell.InteractiveTB.set_mode
    folder = os.getcwd()  # noqa: PTH109
    read, write, loads, dumps = os.read, os.write, _decoder(), _encoder()
    generator, write_down, own = np.random.default_rng, plain.dumps, dict(vars(Pristine))
    read_plain, restore, parts = plain.loads, Pristine.restore, dict(vars(pristine))

    def reply(asked: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = {"nonce": asked["nonce"]}
        if _differ(vars(Pristine), own) or _differ(vars(pristine), parts):
            return {}
        if asked["ask"] in _MODES:
            set_mode(_MODES[asked["ask"]])
            return answer
        answer["restored"] = restore(pristine)[:20]
        testing[:] = [True] if asked["ask"] == "prepare" else []
        if asked["ask"] == "prepare":
            true = _true_values(asked["names"], asked["imported"])
            answer["shadowed"] = [name for name in true if namespace.get(name, true[name]) is not true[name]]
            namespace[asked["alias"]] = SimpleNamespace(**true)
            answer["lies"] = [name for name in asked["used"] if _equals_anything(namespace.get(name))]
        if asked["ask"] == "files":
            answer["files"] = _written(Path(folder), asked["known"])
        if asked["ask"] == "release":
            namespace.pop(asked["alias"], None)
        if asked["ask"] == "collect":
            try:
                value = eval(compile(asked["argument"], "<check>", "eval"), namespace)  # the learner's own name
                inputs = read_plain(asked["material"]) if "material" in asked else generator(asked["seed"])
                evidence = collectors[asked["exercise"]](value, inputs)
                answer["evidence"] = write_down(evidence)
            except BaseException as error:  # an answer may raise SystemExit too
                answer["error"] = described(error)
        return answer

    heard = b""
    while chunk := read(line, 65536):
        heard += chunk
        if not heard.endswith(b"\n"):
            continue
        try:
            answer = reply(loads(heard.decode(), 0)[0])
        except BaseException:  # what the notebook left behind, such as an `__eq__` that exits
            answer = {}
        heard, data = b"", "".join(dumps(answer, 0)).encode() + b"\n"
        while data:
            data = data[write(line, data) :]


def _decoder() -> Any:
    """What `json.loads` does, in C alone: no Python function in it can be exchanged."""
    decoder: Any = json.JSONDecoder()
    return decoder.scan_once


def _encoder() -> Any:
    """The same for `json.dumps`."""
    encoder: Any = json.encoder
    return encoder.c_make_encoder(None, None, encoder.encode_basestring_ascii, None, ": ", ", ", False, False, True)


def _differ(now: Mapping[str, Any], before: dict[str, Any]) -> bool:
    return now.keys() != before.keys() or any(now[name] is not value for name, value in before.items())


def _true_values(names: list[str], imported: dict[str, list[str]]) -> dict[str, Any]:
    """What a test's names mean where nothing was laid over them."""
    true = {name: getattr(builtins, name) for name in names}
    for name, (module, *member) in imported.items():
        if module in sys.modules:
            found = sys.modules[module]
            true[name] = getattr(found, member[0], None) if member else found
    return true


def _written(folder: Path, known: dict[str, str]) -> dict[str, str]:
    """Small new or changed files below a folder; `known` are the SHA-256 of those that were there, by path."""
    found: dict[str, str] = {}
    size = 0
    for path in sorted(folder.rglob("*"))[:_LOOKED_AT]:
        name = path.relative_to(folder).as_posix()
        if path.is_symlink() or not path.is_file() or size + path.stat().st_size > _FILES:
            continue
        data = path.read_bytes()
        if hashlib.sha256(data).hexdigest() != known.get(name):
            size += len(data)
            found[name] = base64.b64encode(data).decode()
    return found


def _equals_anything(value: Any) -> bool:
    """Whether a value, or one in a container, says that it equals an object that nobody has ever seen."""
    items = [value]
    for kind in _CONTAINERS:
        if kind in type(value).__mro__:  # whatever the value says of its class, or how it is iterated
            items += itertools.islice(dict.values(value) if kind is dict else kind.__iter__(value), _LOOKED_AT)
    return any(_equals(item, object()) for item in items if type(item).__module__ == "__main__")


def _equals(item: Any, stranger: object) -> bool:
    """Whether they are equal by the item's own word. An honest one may fail at what it does not know."""
    try:
        return (item == stranger) is True
    except Exception:
        return False


def described(error: BaseException) -> dict[str, Any]:
    """An exception as the content of a notebook's error output."""
    try:
        value = str(error)
    except Exception:
        value = ""
    return {"ename": type(error).__name__, "evalue": value, "traceback": [f"{type(error).__name__}: {value}"]}
