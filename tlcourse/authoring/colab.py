"""What a notebook needs to stand alone in Google Colab: a badge that opens it, and a cell that installs the course.

Where the course lives is named in one place, `[tool.tlcourse.colab]` in `pyproject.toml`. While that is empty,
notebooks have neither.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tlcourse.authoring.course import Lesson
from tlcourse.errors import CourseError
from tlcourse.extras import require

SETUP = "setup"
"""The id of the cell that installs the course."""

# pip's own way to ask for no more than is missing: what a runtime has stays as it is, torch above all.
_SOURCE = """\
# In Colab this installs the course and says what the machine has. Anywhere else it does nothing.
import importlib.util
import os
import subprocess
import sys

if "COLAB_RELEASE_TAG" in os.environ:
    if importlib.util.find_spec("tlcourse") is None:
        course = "{requirement}"
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", course], check=True)
        importlib.invalidate_caches()
    import tlcourse

    print(tlcourse.machine())
"""


@dataclass(frozen=True)
class Colab:
    """Where Colab finds the course.

    Args:
        repository: `owner/name` on GitHub.
        branch: whose state is installed and opened.
        wheel: the address or the path of a wheel to install instead of the repository.
    """

    repository: str
    branch: str = "main"
    wheel: str = ""

    @property
    def requirement(self) -> str:
        """What pip is asked for: never a bare name, which anybody could take on an index."""
        place = self.wheel or f"git+https://github.com/{self.repository}@{self.branch}"
        return f"tlcourse[ship] @ {Path(place).resolve().as_uri() if place.startswith('/') else place}"

    def badge(self, lesson: Lesson) -> str:
        """A picture that leads to the lesson in Colab."""
        release = lesson.release.relative_to(lesson.root).as_posix()
        host = "https://colab.research.google.com"
        address = f"{host}/github/{self.repository}/blob/{self.branch}/{release}"
        return f"[![Open in Colab]({host}/assets/colab-badge.svg)]({address})"


def of_course(root: Path) -> Colab | None:
    """What a course's `pyproject.toml` says; None if it names no place.

    Raises:
        CourseError: it cannot be read, or says something else.
    """
    path = root / "pyproject.toml"
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise CourseError(f"{path} cannot be read: {error}.", "Mend it, or restore it.") from None
    values = told.get("tool", {}).get("tlcourse", {}).get("colab", {})
    unknown = set(values) - {"repository", "branch", "wheel"}
    if unknown or not all(isinstance(value, str) for value in values.values()):
        raise CourseError(
            f"[tool.tlcourse.colab] in {path} is not understood.",
            "It has `repository`, `branch` and `wheel`, all texts.",
        )
    colab = Colab(**{"repository": "", **values})
    return colab if colab.repository or colab.wheel else None


def prepare(notebook: Any, lesson: Lesson, colab: Colab) -> None:
    """Put the badge on top of a lesson's notebook and the cell that installs the course below its first text."""
    first = notebook.cells[0]
    if colab.repository:
        first.source = f"{colab.badge(lesson)}\n\n{first.source}"
    cell = require("nbformat", "dev").v4.new_code_cell(_SOURCE.format(requirement=colab.requirement).rstrip("\n"))
    cell.id = SETUP
    notebook.cells.insert(1, cell)
