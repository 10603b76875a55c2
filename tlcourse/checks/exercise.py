"""What an exercise is: its facts, how evidence is collected from an answer, and how that evidence is judged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Evidence = dict[str, Any]
"""Plain data only: numbers, strings, booleans, None, lists, dicts with string keys, and arrays (see `plain`)."""


@dataclass(frozen=True)
class Finding:
    """One thing that the judge looked at.

    Args:
        code: a short stable name, the same for every learner with this fault (`"percent-not-fraction"`).
        passed: whether it is right.
        message: what is right, or what is wrong and where: it names the culprit.
        next_step: what to try next; empty when passed.
        points: what this finding is worth.
    """

    code: str
    passed: bool
    message: str
    next_step: str = ""
    points: float = 0.0


@dataclass(frozen=True)
class Exercise:
    """An exercise, declared once, in `tlcourse/checks/lessonNN.py`.

    Args:
        id: the name learners type, `check.ID(answer)`; a Python identifier, unique in the course.
        title: a few words.
        lesson: the lesson's two digits, `"01"`.
        points: points for a right answer; the judge's findings add up to it.
        minutes: how long it takes most learners.
        difficulty: 1 (follow the text), 2 (think), 3 (invent).
        purpose: one sentence: what it is for.
        hints: from nudge to near-answer, at least two.
        collect: `collect(answer, rng) -> Evidence`, runs beside the learner's code; plain data, never a verdict.
        judge: `judge(evidence, rng) -> list[Finding]`, pure; redraws the same inputs from an equal `rng`.
        material: only where inputs have labels that a learner's code must not see: `material(rng) -> Evidence`, the
            inputs without them. A grader calls it outside the kernel, which gets what it returns and no seed. Then it
            is `collect(answer, material)`, and `judge(evidence, rng, held_out)`: labels that a class keeps of data that
            learners brought, by name; empty in practice.
    """

    id: str
    title: str
    lesson: str
    points: float
    minutes: int
    difficulty: int
    purpose: str
    hints: tuple[str, ...]
    collect: Callable[[Any, Any], Evidence] = field(repr=False)
    judge: Callable[..., list[Finding]] = field(repr=False)
    material: Callable[[np.random.Generator], Evidence] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if not self.id.isidentifier():
            raise ValueError(f"exercise id {self.id!r} is not a Python name")
        if self.difficulty not in (1, 2, 3):
            raise ValueError(f"{self.id}: difficulty is 1, 2 or 3")
        if len(self.hints) < 2:
            raise ValueError(f"{self.id}: give at least two hints, from nudge to near-answer")
