"""The release of a lesson, made by nbgrader's own `generate_assignment`."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

from tlcourse.authoring import notebook as notebooks
from tlcourse.authoring.course import Lesson
from tlcourse.errors import LessonError
from tlcourse.grading.nbgrading import Course, folder_config

_IGNORED = shutil.ignore_patterns("*.ipynb", "*.py", ".*", "__pycache__")


def generate(lesson: Lesson, solution: Any) -> dict[Path, bytes]:
    """Release a lesson in a scratch folder, with the course's `nbgrader_config.py`.

    Args:
        lesson: where it lies.
        solution: its notebook with answers.

    Returns:
        the released files (the notebook, and any data beside the source), by path under the course's folder.

    Raises:
        LessonError: nbgrader refuses the notebook.
    """
    config = folder_config(lesson.root)
    config.CourseDirectory.source_directory = "solutions"
    config.CourseDirectory.release_directory = "notebooks"
    with tempfile.TemporaryDirectory(prefix="tlcourse-release-") as scratch:
        root = Path(scratch).resolve()
        folder = root / "solutions" / lesson.name
        shutil.copytree(lesson.source.parent, folder, ignore=_IGNORED)
        (folder / lesson.solution.name).write_bytes(notebooks.to_bytes(solution))
        outcome = Course(root, config).release(lesson.name, into_gradebook=False)
        if not outcome.ok:
            raise LessonError(f"nbgrader cannot release {lesson.name}: {outcome.fault}", "Mend the lesson's source.")
        released = root / "notebooks" / lesson.name
        return {path.relative_to(root): path.read_bytes() for path in sorted(released.rglob("*")) if path.is_file()}
