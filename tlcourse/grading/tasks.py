"""Grading one submission on a worker: what is sent there, what is done there, and what comes back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from importlib import import_module
from typing import Protocol

from tlcourse.errors import NotebookError
from tlcourse.grading.release import Release
from tlcourse.grading.verdicts import Result

ENGINE = "tlcourse.grading.engine:Engine"
"""What grades; tests put something simpler in its place."""


class Engine(Protocol):
    """What turns a notebook into a result. One stands in each worker process; several threads may call it."""

    def __init__(self, *, trust: bool, shared: str = "") -> None:
        """Get ready in the background.

        Args:
            trust: run learners' code without a sandbox.
            shared: what `share` yielded in another process of this machine; empty elsewhere.

        Raises:
            CourseError: this machine cannot grade.
        """

    @staticmethod
    def share() -> AbstractContextManager[str]:
        """Begin, in the background, what all engines of this machine can use, so that it is done once."""

    def grade(self, notebook: bytes, release: Release, files: Mapping[str, bytes]) -> Result:
        """Grade one notebook, with what was handed in beside it.

        Raises:
            NotebookError: it cannot be matched to the release.
        """

    def close(self) -> None:
        """End everything that was started."""


@dataclass(frozen=True)
class Setup:
    """What a worker must know before its first submission; it is sent there once.

    Args:
        releases: the notebooks of each lesson.
        trust: without a sandbox.
        engine: the `Engine`, as `module:class`.
        shared: what the engine's `share` yielded, for workers of that machine.
    """

    releases: Mapping[str, Sequence[Release]]
    trust: bool
    engine: str
    shared: str = ""


@dataclass(frozen=True)
class Task:
    """One submission, complete: a worker may stand on another machine.

    Args:
        student: the learner's id.
        lesson: the lesson, one of `Setup.releases`.
        key: names this very content, graded in this very way.
        notebooks: the bytes of each notebook, by the name of its release.
        files: what was handed in beside them, by relative path.
    """

    student: str
    lesson: str
    key: str
    notebooks: Mapping[str, bytes] = field(repr=False)
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Done:
    """How a task ended: with results, or with a reason why there are none.

    Args:
        text: the results in their stored form (see `packed`); empty if there are none.
        fault: why there are none.
        cure: what to do about it.
    """

    text: bytes = field(default=b"", repr=False)
    fault: str = ""
    cure: str = ""

    @classmethod
    def internal(cls, why: str) -> Done:
        """The grader's own failure, which is never the learner's."""
        cure = "It has no new score; run the same command again, and look at the notebook if this stays"
        return cls(fault=f"the grader itself failed (internal): {why}", cure=cure)


class Examiner:
    """A worker's engine and releases.

    Raises:
        CourseError: this machine cannot grade.
    """

    def __init__(self, setup: Setup) -> None:
        self._releases = setup.releases
        self._engine = _class_of(setup.engine)(trust=setup.trust, shared=setup.shared)

    def grade(self, task: Task) -> Done:
        """Grade one submission; whatever goes wrong with it comes back in words."""
        try:
            results = [
                self._engine.grade(task.notebooks[release.lesson], release, task.files)
                for release in self._releases[task.lesson]
                if release.lesson in task.notebooks
            ]
        except NotebookError as error:
            return Done(fault=error.fault.rstrip("."), cure=error.cure.rstrip("."))
        except Exception as error:
            return Done.internal(f"{type(error).__name__}: {error}")
        return Done(packed(task.key, results))

    def close(self) -> None:
        """End the engine."""
        self._engine.close()


def share(engine: str) -> AbstractContextManager[str]:
    """See `Engine.share`."""
    return _class_of(engine).share()


def _class_of(engine: str) -> type[Engine]:
    module, _, name = engine.partition(":")
    found: type[Engine] = getattr(import_module(module), name)
    return found


def packed(key: str, results: Sequence[Result]) -> bytes:
    """Results as they are sent and stored, in lines of JSON: key and verdicts, often read; then each notebook."""
    heads = [result.as_json() for result in results]
    notebooks = [head.pop("notebook") for head in heads]
    return "".join(f"{json.dumps(part)}\n" for part in ({"key": key, "results": heads}, *notebooks)).encode()


def unpacked(text: bytes) -> tuple[str, list[Result]]:
    """The inverse of `packed`; the first line alone gives results without notebooks.

    Raises:
        NotebookError: the results are of another format.
        ValueError, KeyError, TypeError: the text is not what `packed` writes.
    """
    first, *rest = text.splitlines()
    head = json.loads(first)
    notebooks = [json.loads(line) for line in rest] or [{} for _ in head["results"]]
    pairs = zip(head["results"], notebooks, strict=True)
    return head["key"], [Result.from_json(data | {"notebook": notebook}) for data, notebook in pairs]
