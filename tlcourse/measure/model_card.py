"""A model card from measured facts, which says what is missing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tlcourse.errors import DataError

NEEDED = {
    "name": "what to call it",
    "purpose": "what it is for",
    "not for": "what it must not be used for",
    "classes": "what it can answer",
    "input": "size and form of its pictures",
    "trained on": "which data, how much of it, from where",
    "accuracy": "on held-out data, with an interval",
    "tested on": "which data, and how often it was looked at",
    "baseline": "what a naive rule reaches on the same data",
    "worst class": "the class with the lowest accuracy",
    "calibration": "the calibration error and its temperature",
    "latency": "time for an answer, and on which machine",
    "limits": "where it is known to fail",
    "licence": "who may use it, and how",
    "checksum": "the SHA-256 of the file",
}
"""What a card must say, and why anyone would ask: after Mitchell et al. (2019), "Model Cards for Model Reporting"."""

_VAGUE = ("", "?", "-", "n/a", "none", "tbd", "todo", "unknown", "very good", "high")


def missing_facts(facts: Mapping[str, Any]) -> dict[str, str]:
    """What a card with these facts does not say: the name of each gap and what belongs there.

    A fact that is empty, or one of the words that say nothing ("todo", "unknown"), counts as missing; so does an
    accuracy without a range in brackets.
    """
    gaps = {name: what for name, what in NEEDED.items() if _says_nothing(facts.get(name))}
    accuracy = facts.get("accuracy")
    if "accuracy" not in gaps and "[" not in str(accuracy):
        gaps["accuracy"] = NEEDED["accuracy"]
    return gaps


def _says_nothing(value: Any) -> bool:
    if value is None or (hasattr(value, "__len__") and not len(value)):
        return True
    return str(value).strip().strip(".").lower() in _VAGUE


def model_card(facts: Mapping[str, Any]) -> str:
    """The card as Markdown, in the order of `NEEDED`, other facts behind.

    Raises:
        DataError: something is missing; each gap is named.
    """
    if gaps := missing_facts(facts):
        listed = "; ".join(f"{name} ({what})" for name, what in gaps.items())
        raise DataError(f"The card lacks {len(gaps)} facts: {listed}.", "Measure or write them first.")
    rows = [name for name in NEEDED if name != "name"] + [name for name in facts if name not in NEEDED]
    lines = [f"# {facts['name']}", "", *(f"- **{name}**: {_told(facts[name])}" for name in rows)]
    return "\n".join(lines) + "\n"


def _told(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
