"""Making a `Release`: from a notebook with answers as nbgrader releases it, or from a class's gradebook."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from tlcourse.errors import NotebookError
from tlcourse.extras import require
from tlcourse.grading.nbgrading import CONFIG_NAME, Course, user_config

DAY = 86_400.0
"""Seconds that stand for nbgrader's "no limit", so that nothing waits for ever."""

FILES_LIMIT = 1 << 30
"""Bytes that the files beside a lesson may have in all: they travel to every worker."""

_SOURCE_MARKS = ("BEGIN SOLUTION", "BEGIN HIDDEN TESTS", "BEGIN MARK SCHEME")


@dataclass(frozen=True)
class Made:
    """A released notebook and what of it learners see: `Release.notebook` and `Release.shown`."""

    notebook: dict[str, Any]
    shown: dict[str, str]


@dataclass(frozen=True)
class Original:
    """A cell as the grader keeps it.

    Args:
        source: its text, hidden tests included.
        checksum: nbgrader's, of that text.
        kind: its cell type.
        points: what it is worth; None if it is not graded.
    """

    source: str
    checksum: str | None
    kind: str
    points: float | None


@dataclass(frozen=True)
class Settings:
    """What a course's `nbgrader_config.py` says that matters here.

    Args:
        config: all of it, a traitlets configuration.
        root: the course's folder, or None if the notebook lies in no course.
    """

    config: Any
    root: Path | None

    @property
    def timeout(self) -> float:
        """Seconds that one cell may take."""
        seconds = require("nbgrader.preprocessors").Execute(config=self.config).timeout
        return float(seconds) if seconds is not None and seconds > 0 else DAY

    @property
    def ignored(self) -> list[str]:
        """Patterns of file names that are not handed to learners."""
        return list(require("nbgrader.coursedir").CourseDirectory(config=self.config).ignore)


def settings_of(path: Path) -> Settings:
    """The settings of the course that a notebook lies in: of the nearest folder above it with a configuration."""
    # No further up: a configuration is a program, and not everything above is the course's.
    above = list(path.resolve().parents)[1:3]
    root = next((folder for folder in above if (folder / CONFIG_NAME).is_file()), None)
    return Settings(user_config(root or path.resolve().parent), root)


def from_file(path: Path, settings: Settings) -> Made:
    """Read a released notebook, or release one with answers as nbgrader would.

    Raises:
        NotebookError: it cannot be read or released, has no graded cell, or somebody has answered it.
    """
    notebook = _read(path)
    marked = _marked(notebook)
    if not marked:
        raise NotebookError(f"{path} has no graded cell.", "Name the notebook of a lesson, released or with answers.")
    if _has_answers(notebook):
        return _release(notebook, path, settings)
    for name, cell in marked.items():
        if _utils().is_solution(cell) and cell.metadata.nbgrader.checksum != _utils().compute_checksum(cell):
            raise NotebookError(
                f"{path} is not as it was released: {name} has been answered.",
                "Name the released notebook, or the one with answers that it is made from.",
            )
    return Made(_plain(notebook), {})


def from_class(course: Course, lesson: str) -> dict[str, Made]:
    """The released notebooks of a lesson by name, with the cells that the gradebook keeps.

    Raises:
        NotebookError: the class has no such lesson, or a released notebook is missing or not the gradebook's.
    """
    missing = require("nbgrader.api").MissingEntry
    with course.gradebook() as gradebook:
        try:
            notebooks = list(gradebook.find_assignment(lesson).notebooks)
        except missing:
            notebooks = []
        kept = {notebook.name: (_originals(notebook), notebook.kernelspec) for notebook in notebooks}
    if not kept:
        raise NotebookError(
            f"The class {course.root} has not released {lesson}.", f"Run: nbgrader generate_assignment {lesson}"
        )
    return {name: _as_kept(course, lesson, name, *parts) for name, parts in kept.items()}


def files_beside(folder: Path, ignored: list[str]) -> dict[str, bytes]:
    """The files of a lesson's folder by relative path, but for notebooks and what the course ignores.

    Raises:
        NotebookError: they are too large, or one cannot be read.
    """
    found = {}
    room = FILES_LIMIT
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if not path.is_file() or any(
            fnmatch(part, pattern) for part in name.parts for pattern in (*ignored, "*.ipynb")
        ):
            continue
        room -= path.stat().st_size
        if room < 0:
            raise NotebookError(
                f"The files in {folder} take more than {FILES_LIMIT >> 30} GB.",
                "Keep large data elsewhere, and let the notebook read it from there.",
            )
        found[name.as_posix()] = path.read_bytes()
    return found


def _originals(notebook: Any) -> dict[str, Original]:
    worth = {cell.name: cell.max_score for cell in (*notebook.grade_cells, *notebook.task_cells)}
    return {
        cell.name: Original(cell.source or "", cell.checksum, cell.cell_type, worth.get(cell.name))
        for cell in notebook.source_cells
    }


def _as_kept(course: Course, lesson: str, name: str, originals: dict[str, Original], kernelspec: str | None) -> Made:
    path = course.folder("release", ".", lesson) / f"{name}.ipynb"
    again = f"Run: nbgrader generate_assignment {lesson} --force"
    if not path.is_file():
        raise NotebookError(f"The released notebook {path} is missing.", again)
    notebook = _read(path)
    if others := sorted(set(_marked(notebook)) ^ set(originals)):
        raise NotebookError(f"{path} and the gradebook differ: only one of them has {', '.join(others)}.", again)
    if known := json.loads(kernelspec or "{}"):
        notebook.metadata["kernelspec"] = known
    return _completed(notebook, originals)


def _release(notebook: Any, path: Path, settings: Settings) -> Made:
    """What `nbgrader generate_assignment` does, in memory; what it saves in the gradebook is kept."""
    configurable = require("traitlets.config.configurable")
    log = logging.Logger("tlcourse.nbgrader", logging.CRITICAL)
    parent = configurable.LoggingConfigurable(config=settings.config, log=log)
    root = settings.root or path.resolve().parent
    directory = require("nbgrader.coursedir").CourseDirectory(parent=parent, root=str(root))
    converter = require("nbgrader.converters").GenerateAssignment(coursedir=directory, parent=parent)
    resources = {"unique_key": path.stem, "metadata": {"path": str(path.resolve().parent)}, "nbgrader": {}}
    originals: dict[str, Original] = {}
    try:
        for step in converter.preprocessors:
            if (step if isinstance(step, str) else step.__name__).endswith("SaveCells"):
                originals = {name: _original(cell) for name, cell in _marked(notebook).items()}
                continue
            kind = require("traitlets").import_item(step) if isinstance(step, str) else step
            notebook, resources = kind(parent=converter)(notebook, resources)
    except Exception as error:  # nbgrader's steps raise whatever they meet
        raise NotebookError(
            f"nbgrader cannot release {path}: {str(error) or type(error).__name__}.", "Mend the notebook."
        ) from error
    return _completed(notebook, originals)


def _original(cell: Any) -> Original:
    marks = cell.metadata.nbgrader
    return Original(cell.source, marks.get("checksum"), cell.cell_type, marks.get("points"))


def _completed(notebook: Any, originals: dict[str, Original]) -> Made:
    """Put the grader's own cells in a released notebook's place."""
    shown = {}
    for name, cell in _marked(notebook).items():
        original, marks = originals[name], cell.metadata.nbgrader
        if original.checksum:
            marks["checksum"] = original.checksum
        if original.points is not None and marks.get("points") != original.points:
            marks["points"] = original.points
        if _utils().is_locked(cell) and cell.source != original.source:
            shown[name] = cell.source
            cell.source = original.source
    return Made(_plain(notebook), shown)


def _read(path: Path) -> Any:
    nbformat, nbgraderformat = require("nbformat"), require("nbgrader.nbgraderformat")
    cure = "Name the notebook of a lesson, released or with answers."
    try:
        notebook = nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)
        validator = nbgraderformat.MetadataValidator()
        validator.upgrade_notebook_metadata(notebook)
        validator.validate_nb(notebook)
    except OSError as error:
        raise NotebookError(f"{path} cannot be opened: {error.strerror}.", cure) from None
    except Exception as error:  # both libraries raise whatever their conversions meet
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise NotebookError(f"{path} is no notebook that nbgrader knows: {reason}.", cure) from error
    return notebook


def _has_answers(notebook: Any) -> bool:
    text = "\n".join(cell.source for cell in notebook.cells)
    released = all("checksum" in cell.metadata.nbgrader for cell in _marked(notebook).values())
    return not released or any(mark in text for mark in _SOURCE_MARKS)


def _marked(notebook: Any) -> dict[str, Any]:
    """The cells that nbgrader grades, keeps or locks, by `grade_id`."""
    utils = _utils()
    tests = (utils.is_grade, utils.is_solution, utils.is_locked, utils.is_task)
    return {cell.metadata.nbgrader.grade_id: cell for cell in notebook.cells if any(test(cell) for test in tests)}


def _plain(notebook: Any) -> dict[str, Any]:
    """Without outputs, of plain dicts."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return json.loads(json.dumps(notebook))


def _utils() -> Any:
    return require("nbgrader.utils")
