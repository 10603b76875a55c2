"""Results that take too long for a lesson: kept in the package with the command that made them."""

from __future__ import annotations

import json
import platform
from dataclasses import dataclass
from datetime import date
from importlib import metadata
from importlib.resources import files
from pathlib import Path
from typing import Any

from tlcourse import storage
from tlcourse.errors import DataError

FOLDER = Path(__file__).parent / "stored"


@dataclass(frozen=True)
class StoredResult:
    """A result and how it was made.

    Args:
        figures: the numbers, by name; lists are one number a seed unless `about` says otherwise.
        about: what was measured, in a sentence.
        command: what to type, in the repository, to measure it again.
        made: the day, the machine and the versions of what computed it.
    """

    figures: dict[str, Any]
    about: str
    command: str
    made: dict[str, str]

    def __repr__(self) -> str:
        made = ", ".join(self.made.values())
        return f"{self.about}\nMade by `{self.command}` ({made})."


def stored(name: str) -> StoredResult:
    """A result that ships with the course, such as `stored("adaptation")`.

    Raises:
        DataError: there is none of that name.
    """
    file = files("tlcourse.measure") / "stored" / f"{name}.json"
    if not file.is_file():
        known = ", ".join(sorted(path.stem for path in FOLDER.glob("*.json"))) or "none yet"
        raise DataError(f"There is no stored result {name!r}.", f"There are: {known}.")
    return StoredResult(**json.loads(file.read_text(encoding="utf-8")))


def store(name: str, figures: dict[str, Any], *, about: str, command: str, folder: Path = FOLDER) -> Path:
    """Keep a result for `stored`, with the day, the machine and the versions; gives the file.

    Args:
        name: a file name without suffix.
        figures: plain data: numbers, texts, lists, dicts.
        about, command: as in `StoredResult`.
        folder: where; the package's own unless a test says otherwise.
    """
    from tlcourse.hardware import machine

    here = machine()
    made = {
        "day": date.today().isoformat(),
        "machine": f"{here.cores} cores, {here.device}, {here.precision}",
        "python": f"Python {platform.python_version()}",
        **{package: f"{package} {metadata.version(package)}" for package in ("torch", "scikit-learn", "numpy")},
    }
    result = {"figures": figures, "about": about, "command": command, "made": made}
    path = folder / f"{name}.json"
    storage.write_text(path, json.dumps(result, indent=1) + "\n")
    return path
