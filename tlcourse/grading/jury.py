"""Judging evidence, in a process of its own: no learner's code runs there, and hostile evidence hurts nobody else."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tlcourse.checks.exercise import Finding
from tlcourse.grading.forks import forks, is_warm

_LONGEST = 1000  # characters of a message
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_SECONDS = 120.0
_SIZE = 4 << 30  # bytes that judging one submission may add


@dataclass(frozen=True)
class Case:
    """Evidence on one question.

    Args:
        exercise: the exercise's id.
        seed: what the evidence was drawn with.
        evidence: what the kernel sent, as text.
        held_out: labels that the class keeps for this exercise.
        worth: points for a right answer in this class; None for the course's own.
    """

    exercise: str
    seed: int
    evidence: str
    held_out: Mapping[str, Any] = field(default_factory=dict, repr=False)
    worth: float | None = None


@dataclass(frozen=True)
class Judged:
    """The judgement of one case.

    Args:
        points: points earned.
        findings: what was looked at.
        shown: the result as a MIME bundle.
        fault: why there is no judgement: what was sent is not what a collector writes. Empty if there is one.
    """

    points: float = 0.0
    findings: tuple[Finding, ...] = ()
    shown: dict[str, Any] | None = None
    fault: str = ""


def judge(case: Case) -> Judged:
    """Judge one case in this process."""
    from tlcourse.checks import display, registry, result

    try:
        judged = result.judge_evidence(registry.get(case.exercise), case.evidence, case.seed, case.held_out)
    except Exception as error:  # a forger may send anything
        return Judged(fault=f"{type(error).__name__}: {error}"[:300])
    if case.worth is not None:
        judged = judged.scaled(case.worth)
    findings = tuple(
        replace(finding, message=told(finding.message), next_step=told(finding.next_step))
        for finding in judged.findings
    )
    shown = display.bundle(replace(judged, findings=findings))
    return Judged(judged.earned, findings, shown)


def told(text: str) -> str:
    """A message of bounded length, without what a terminal or a page would act on."""
    text = "".join(letter if letter.isprintable() else " " for letter in _COLOURS.sub("", text))
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def judge_all(cases: Sequence[Case]) -> list[Judged] | None:
    """Judge cases in a fork of the warm parent; None if it did not come to an end."""
    if not cases:
        return []
    ours, theirs = socket.socketpair()
    with ours, theirs:
        child = forks.spawn("tlcourse.grading.jury:main", {}, [theirs.fileno()])
        theirs.close()
        try:
            ours.settimeout(_SECONDS)
            ours.sendall(json.dumps([vars(case) for case in cases]).encode())
            ours.shutdown(socket.SHUT_WR)
            answer = b"".join(iter(lambda: ours.recv(1 << 20), b""))
            return [_judged(item) for item in json.loads(answer)]
        except (OSError, ValueError):
            return None
        finally:
            child.kill()
            child.wait(10)


def main(arguments: dict[str, Any], fds: Sequence[int]) -> None:
    """The entry of the fork: cases come in as JSON, judgements go out."""
    import resource

    with socket.socket(fileno=fds[0]) as line:
        cases = json.loads(b"".join(iter(lambda: line.recv(1 << 20), b"")))
        if is_warm():
            used = int(_status("VmData").split()[0]) * 1024
            resource.setrlimit(resource.RLIMIT_DATA, (used + _SIZE, used + _SIZE))
        line.sendall(json.dumps([_plain(judge(Case(**case))) for case in cases]).encode())


def _status(name: str) -> str:
    with open("/proc/self/status") as file:  # noqa: PTH123
        return next(line.partition(":")[2] for line in file if line.startswith(name))


def _plain(judged: Judged) -> dict[str, Any]:
    return {**vars(judged), "findings": [vars(found) for found in judged.findings]}


def _judged(item: dict[str, Any]) -> Judged:
    return Judged(**{**item, "findings": tuple(Finding(**found) for found in item["findings"])})
