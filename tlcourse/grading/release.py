"""What a lesson is to the grader: its cells in order, with the grader's own tests."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tlcourse.errors import NotebookError
from tlcourse.grading import cells, held_out, materials, secret

if TYPE_CHECKING:
    from tlcourse.grading.nbgrading import Course


@dataclass(frozen=True)
class Release:
    """A lesson as it was handed out, and what the grader puts in place of its locked cells.

    Args:
        lesson: its name; the notebook's file name without suffix.
        notebook: nbformat 4 as a dict: the released notebook. Locked cells hold the grader's own source, hidden tests
            included; answers hold their stubs.
        shown: what a learner may see of a locked cell that holds hidden tests: its released source, by `grade_id`.
        files: data files that lie beside the notebook: bytes by relative path.
        timeout: seconds that one cell may take.
        seed: the class's secret; each question's seed is derived from it and the submission.
        held_out: labels that the class keeps of folders that learners brought, by the folder's name; empty unless the
            lesson asks for them.
    """

    lesson: str
    notebook: dict[str, Any] = field(repr=False)
    shown: dict[str, str] = field(default_factory=dict, repr=False)
    files: dict[str, bytes] = field(default_factory=dict, repr=False)
    timeout: float = 600.0
    seed: bytes = field(default=b"", repr=False)
    held_out: dict[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def read(cls, path: Path) -> Release:
        """The release in one notebook file.

        Args:
            path: a released notebook, or better the notebook with answers that it is made from, which alone holds the
                hidden tests. Answers are cleared as the `nbgrader_config.py` of its course says. The files beside it
                belong to it if it lies in a folder of its own: `LESSON/LESSON.ipynb`, or a folder of a course.

        Raises:
            NotebookError: it cannot be read, is no lesson, or somebody has answered it.
        """
        from tlcourse.grading import releasing

        settings = releasing.settings_of(path)
        made = releasing.from_file(path, settings)
        own_folder = settings.root is not None or path.resolve().parent.name == path.stem
        files = releasing.files_beside(path.parent, settings.ignored) if own_folder else {}
        return cls(path.stem, made.notebook, made.shown, files, settings.timeout)

    @classmethod
    def of_class(cls, course: Course, lesson: str, notebook: str = "") -> Release:
        """One lesson of a class, as its gradebook knows it.

        Args:
            course: the class.
            lesson: the lesson, nbgrader's assignment.
            notebook: the notebook's name, where an assignment has several; else the only one.

        Raises:
            NotebookError: the class has no such lesson or notebook, or its released notebook is not the gradebook's.
            StorageError: the class's secret cannot be kept.
        """
        found = {release.lesson: release for release in cls.all_of_class(course, lesson)}
        name = notebook or (lesson if lesson in found or len(found) > 1 else next(iter(found)))
        if name not in found:
            raise NotebookError(
                f"{lesson} has no notebook {name!r}.", f"Its notebooks are: {', '.join(sorted(found))}."
            )
        return found[name]

    @classmethod
    def all_of_class(cls, course: Course, lesson: str) -> tuple[Release, ...]:
        """All notebooks of one lesson of a class; the arguments and errors are those of `of_class`."""
        from tlcourse.grading import releasing

        made = releasing.from_class(course, lesson)
        settings = releasing.Settings(course.directory.config, course.root)
        folders = [course.folder(step, ".", lesson) for step in ("source", "release")]
        files = next((releasing.files_beside(folder, settings.ignored) for folder in folders if folder.is_dir()), {})
        seed = secret.of_class(course.root)
        return tuple(
            cls(
                name,
                one.notebook,
                one.shown,
                files,
                settings.timeout,
                seed,
                held_out_labels(course.root, one.notebook),
            )
            for name, one in sorted(made.items())
        )

    @property
    def digest(self) -> str:
        """16 hexadecimal digits that change whenever anything in the release does."""
        return hashlib.sha256(json.dumps(self.as_json(), sort_keys=True).encode()).hexdigest()[:16]

    def as_json(self) -> dict[str, Any]:
        """The release as JSON data; bytes are in base64."""
        return {
            "lesson": self.lesson,
            "notebook": self.notebook,
            "shown": self.shown,
            "files": {name: base64.b64encode(data).decode() for name, data in self.files.items()},
            "timeout": self.timeout,
            "seed": base64.b64encode(self.seed).decode(),
            "held_out": self.held_out,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Release:
        """The inverse of `as_json`."""
        files = {name: base64.b64decode(text) for name, text in data["files"].items()}
        return cls(**{**data, "files": files, "seed": base64.b64decode(data["seed"])})


def held_out_labels(root: Path, notebook: dict[str, Any]) -> dict[str, Any]:
    """The labels that a class keeps for a lesson; none if no check of it takes its inputs from outside the kernel."""
    calls = [cells.check_call(cells.source(cell)) for cell in notebook["cells"] if cells.is_test(cell)]
    asks = any(call is not None and materials.has(call.exercise) for call in calls)
    return held_out.of_class(root) if asks else {}
