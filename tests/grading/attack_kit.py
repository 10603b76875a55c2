"""The attacks of `tests/attacks/`: ordinary notebooks that say themselves what they try and what must come of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[1] / "attacks"
RELEASE = FOLDER / "release" / "survival.ipynb"
"""The lesson that all attacks are written for, with answers and hidden tests, as `nbgrader` releases it."""

POINTS = {"check-chance_accuracy": 1.0, "check-break_even": 2.0, "test-middle": 2.0, "score-primes": 3.0, "why": 2.0}
_HONEST = {name: ("right",) for name in POINTS} | {"why": ("hand",)}

# What lies about where a submission must not see it.
ENVIRONMENT_SECRET = "env-secret-heron"
GRADEBOOK_SECRET = "gradebook-secret-otter"
SUBMISSION_SECRET = "submission-secret-lynx"
ABSTRACT_SOCKET = "\0tlcourse-attack-suite"


@dataclass(frozen=True, eq=False)
class Attack:
    """One notebook of the suite.

    Args:
        name: its file's name without suffix.
        title: a few words.
        tries: what it does, in one sentence.
        expect: the verdicts that are allowed, for each question of the release.
        attacked: the questions that it answers wrongly.
        must_not_contain: text that no result may hold.
        must_not_render: text that the feedback for learners may not hold.
        notebook: the submission.
    """

    name: str
    title: str
    tries: str
    expect: dict[str, tuple[str, ...]]
    attacked: tuple[str, ...]
    must_not_contain: tuple[str, ...]
    must_not_render: tuple[str, ...]
    notebook: dict[str, Any]


def attacks() -> list[Attack]:
    """All attacks, by name."""
    return [_read(path) for path in sorted(FOLDER.glob("*.ipynb"))]


def honest() -> dict[str, Any]:
    """A submission with nothing but right answers: any attack's cells with those of the solved release."""
    notebook = json.loads(RELEASE.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        kept = [line for line in cell["source"] if "### " not in line]
        if "### BEGIN HIDDEN TESTS\n" in cell["source"]:
            kept = cell["source"][: cell["source"].index("### BEGIN HIDDEN TESTS\n")]
        cell["source"] = "".join(kept).rstrip("\n")
    return notebook


def _read(path: Path) -> Attack:
    notebook = json.loads(path.read_text(encoding="utf-8"))
    told = notebook["metadata"]["tlcourse_attack"]
    expected = {name: tuple([one] if isinstance(one, str) else one) for name, one in told["expect"].items()}
    return Attack(
        name=path.stem,
        title=told["title"],
        tries=told["tries"],
        expect=_HONEST | expected,
        attacked=tuple(name for name, allowed in expected.items() if not {"right", "partial"} & set(allowed)),
        must_not_contain=tuple(told.get("must_not_contain", ())),
        must_not_render=tuple(told.get("must_not_render", ())),
        notebook=notebook,
    )
