"""How often learners ran a check, for how long, and whether they opened hints, where their notebooks tell."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tlcourse import storage
from tlcourse.checks.result import MIME_TYPE

_LARGEST = 50_000_000  # bytes; a larger notebook is not looked into
_MOST = 1_000_000  # tries, or minutes, that are believed


@dataclass(frozen=True)
class Attempts:
    """What the last shown result of a check tells of how it came about. Learners can edit it: it earns no points.

    Args:
        tries: how often the check had been run.
        hints: how many hints had been opened.
        minutes: from the first try to the one that passed, else to the last; None where it does not tell.
    """

    tries: int
    hints: int
    minutes: int | None = None


def read(notebook: Path) -> dict[str, Attempts]:
    """What a notebook's outputs tell, by exercise; nothing from one that cannot be read."""
    try:
        with storage.open_regular(notebook) as file:
            if os.fstat(file.fileno()).st_size > _LARGEST:
                return {}
            content = json.loads(file.read())
    except (OSError, ValueError, RecursionError):
        return {}
    found = {}
    for shown in _results(content):
        tries, hints, minutes = (_number(shown.get(name)) for name in ("tries", "hints", "minutes"))
        if tries and hints is not None:
            found[str(shown.get("exercise"))] = Attempts(tries, hints, minutes)
    return found


def _number(value: Any) -> int | None:
    return value if type(value) is int and 0 <= value <= _MOST else None


def _results(content: Any) -> Iterator[dict[str, Any]]:
    """The results that checks left in a notebook, whatever else is wrong with it."""
    for cell in _items(content, "cells"):
        for output in _items(cell, "outputs"):
            data = output.get("data")
            shown = data.get(MIME_TYPE) if isinstance(data, dict) else None
            if isinstance(shown, dict):
                yield shown


def _items(value: Any, key: str) -> list[dict[str, Any]]:
    items = value.get(key) if isinstance(value, dict) else None
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
