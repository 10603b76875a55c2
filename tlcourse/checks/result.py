"""Running one exercise's check on one answer: evidence, judgement, result."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from tlcourse.checks import plain
from tlcourse.checks.exercise import Exercise, Finding

MIME_TYPE = "application/vnd.tlcourse.result+json"
"""Under this type a result stands in a notebook's outputs for programs to read."""


@dataclass(frozen=True)
class Result:
    """What a check found."""

    exercise: Exercise
    findings: tuple[Finding, ...]

    @property
    def points(self) -> float:
        """The points that could be earned."""
        return self.exercise.points

    @property
    def earned(self) -> float:
        """The points of the findings that passed."""
        return round(float(sum(finding.points for finding in self.findings if finding.passed)), 6)

    @property
    def passed(self) -> bool:
        """Whether every finding passed."""
        return bool(self.findings) and all(finding.passed for finding in self.findings)

    def scaled(self, points: float) -> Result:
        """The same result where the exercise is worth other points: each finding keeps its share of them."""
        times = points / self.points
        findings = tuple(replace(finding, points=finding.points * times) for finding in self.findings)
        return Result(replace(self.exercise, points=points), findings)

    def as_json(self) -> dict[str, Any]:
        """The result as JSON data: exercise, points, earned, passed, findings."""
        return {
            "exercise": self.exercise.id,
            "points": self.points,
            "earned": self.earned,
            "passed": self.passed,
            "findings": [asdict(finding) for finding in self.findings],
        }


def practice_seed(exercise: Exercise) -> int:
    """The seed of an exercise outside grading: always the same, so that a message does not change between two runs."""
    return int.from_bytes(hashlib.sha256(exercise.id.encode()).digest()[:4], "big")


def draw_material(exercise: Exercise, seed: int) -> str:
    """What an exercise sends to the kernel, as JSON text; empty if the kernel draws its inputs itself."""
    return plain.dumps(exercise.material(np.random.default_rng(seed))) if exercise.material else ""


def collect_evidence(exercise: Exercise, answer: Any, seed: int) -> str:
    """Call the answer on inputs drawn from `seed`; the evidence as JSON text. Runs beside the learner's code."""
    inputs = plain.loads(draw_material(exercise, seed)) if exercise.material else np.random.default_rng(seed)
    return plain.dumps(exercise.collect(answer, inputs))


def judge_evidence(exercise: Exercise, evidence: str, seed: int, held_out: Mapping[str, Any] | None = None) -> Result:
    """Judge the evidence on the same inputs. Runs none of the learner's code.

    Args:
        exercise: what was asked.
        evidence: what `collect_evidence` wrote.
        seed: what the inputs were drawn with.
        held_out: labels that a class keeps, for an exercise with material.

    Raises:
        ValueError: the evidence is not what `collect_evidence` writes, or the judge's points do not add up.
    """
    kept = [held_out or {}] if exercise.material else []
    findings = tuple(exercise.judge(plain.loads(evidence), np.random.default_rng(seed), *kept))
    total = sum(finding.points for finding in findings)
    if any(finding.points <= 0 for finding in findings):
        raise ValueError(f"{exercise.id}: a finding without points could fail and cost nothing")
    if abs(total - exercise.points) > 1e-6:
        raise ValueError(f"{exercise.id}: the findings add up to {total} points, not {exercise.points}")
    return Result(exercise, findings)


def run(exercise: Exercise, answer: Any, seed: int | None = None) -> Result:
    """Collect and judge at once, as a notebook does."""
    chosen = practice_seed(exercise) if seed is None else seed
    return judge_evidence(exercise, collect_evidence(exercise, answer, chosen), chosen)
