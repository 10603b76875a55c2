"""Inputs whose labels no kernel may see: drawn in a process of their own, and kept for the submissions that follow."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Sequence
from typing import Any

from tlcourse.checks import registry, result
from tlcourse.errors import CourseError
from tlcourse.grading.forks import forks

EDITIONS = 8
"""How many sets of inputs a class has of one question. All of them may be in memory."""

_SECONDS = 300.0
_drawn: dict[tuple[str, int], str] = {}
_one_at_a_time = threading.Lock()


def has(exercise: str) -> bool:
    """Whether an exercise, by its id, takes its inputs from outside the kernel."""
    found = registry.exercises().get(exercise)
    return found is not None and found.material is not None


def drawn(exercise: str, seed: int) -> str:
    """An exercise's material as text. This process keeps it; nothing is written to a disk that a kernel could read.

    Args:
        exercise: the exercise's id.
        seed: what it is drawn with.

    Raises:
        CourseError: it cannot be drawn.
    """
    key = (exercise, seed)
    with _one_at_a_time:
        if key not in _drawn:
            while len(_drawn) >= EDITIONS:
                _drawn.pop(next(iter(_drawn)))
            _drawn[key] = _draw(exercise, seed)
        return _drawn[key]


def _draw(exercise: str, seed: int) -> str:
    """Draw it in a fork of the warm parent: this process may have threads, and has imported none of what is needed."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        child = forks.spawn("tlcourse.grading.materials:main", {}, [theirs.fileno()])
        theirs.close()
        try:
            ours.settimeout(_SECONDS)
            # Not among the arguments: the warm parent would see it, and later kernels are its forks.
            ours.sendall(json.dumps([exercise, seed]).encode())
            ours.shutdown(socket.SHUT_WR)
            text = b"".join(iter(lambda: ours.recv(1 << 20), b"")).decode()
        except OSError:
            text = ""
        finally:
            child.kill()
            child.wait(10)
    if not text:
        raise CourseError(
            f"The inputs of {exercise} could not be drawn.", "Is the machine out of memory? Grade this again."
        )
    return text


def main(arguments: dict[str, Any], fds: Sequence[int]) -> None:
    """The entry of the fork: an exercise and a seed come in as JSON, its material goes out as text."""
    with socket.socket(fileno=fds[0]) as line:
        exercise, seed = json.loads(b"".join(iter(lambda: line.recv(1 << 16), b"")))
        line.sendall(result.draw_material(registry.get(exercise), seed).encode())
