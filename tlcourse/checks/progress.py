"""A learner's progress on this machine: a small JSON file, never sent anywhere."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from tlcourse import storage
from tlcourse.checks.result import Result


def path() -> Path:
    """Where progress is kept; `TLCOURSE_STATE` moves it."""
    return storage.state_dir() / "progress.json"


def load() -> dict[str, dict[str, Any]]:
    """Exercise id -> {"earned", "points", "tries", "started_at", "passed_at", "hints"}; empty if nothing was kept."""
    try:
        data = json.loads(path().read_text(encoding="utf-8"))
        return data if isinstance(data, dict) and all(isinstance(entry, dict) for entry in data.values()) else {}
    except (OSError, ValueError):
        return {}


def record(result: Result) -> dict[str, Any]:
    """Count a try; keep the best score, and when the first try and the first pass were. Returns what is kept now.

    Raises:
        StorageError: the file cannot be written.
    """

    def update(entry: dict[str, Any]) -> None:
        entry["points"] = result.points
        if not entry.get("tries"):
            entry["started_at"] = int(time.time())
        entry["tries"] = entry.get("tries", 0) + 1
        entry["earned"] = max(result.earned, entry.get("earned", 0))
        if result.passed:
            entry.setdefault("passed_at", int(time.time()))

    return _update(result.exercise.id, update)


def told(entry: dict[str, Any]) -> dict[str, int]:
    """What a shown result tells an instructor: tries, hints, and whole minutes from the first try to the pass."""
    counts = {name: int(entry.get(name, 0)) for name in ("tries", "hints")}
    if "started_at" in entry:
        counts["minutes"] = max(0, int(entry.get("passed_at", time.time())) - entry["started_at"]) // 60
    return counts


def open_hint(exercise_id: str, last: int) -> int:
    """Open one more hint of an exercise, at most `last`; returns how many are open now.

    Raises:
        StorageError: the file cannot be written.
    """

    def update(entry: dict[str, Any]) -> None:
        entry["hints"] = min(entry.get("hints", 0) + 1, last)

    return _update(exercise_id, update)["hints"]


def _update(exercise_id: str, change: Any) -> dict[str, Any]:
    with storage.locked(path(), timeout=10), storage.disk_errors(path()):
        _set_damaged_aside()
        data = load()
        entry = data.setdefault(exercise_id, {})
        change(entry)
        storage.write_text(path(), json.dumps(data, indent=1, sort_keys=True) + "\n")
    return entry


def _set_damaged_aside() -> None:
    """A file that no longer reads is kept under another name, not overwritten."""
    if path().exists() and not load() and path().read_text(errors="replace").strip() not in ("", "{}"):
        path().replace(path().with_name(f"progress.damaged-{int(time.time())}.json"))
