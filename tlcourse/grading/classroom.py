"""A class: one folder that plain nbgrader, and `tlcourse grade`, work in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tlcourse import storage
from tlcourse.errors import CourseError
from tlcourse.extras import require
from tlcourse.grading import worth
from tlcourse.grading.nbgrading import CONFIG_NAME, Course, folder_config, user_config
from tlcourse.grading.results import short

_CONFIG = """\
{mark}, made by `tlcourse classroom`. Plain nbgrader reads it; change what you like.
#
#   nbgrader autograde {example}          grade what lies in submitted/LEARNER/{example}/
#   nbgrader generate_feedback {example}  write what learners get back
#   jupyter lab                                then open Nbgrader > Formgrader

c = get_config()

c.CourseDirectory.course_id = {course_id!r}
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "notebooks"

c.ClearSolutions.code_stub = {code_stub!r}
c.ClearSolutions.text_stub = {text_stub!r}

# Seconds that one cell may take.
c.Execute.timeout = {timeout!r}

# What exercises are worth here, where that is not what the course says. Then run `tlcourse classroom` again.
# c.Tlcourse.points = {{"{exercise}": 3}}
{gradebook}
{engine}"""

_GRADEBOOK = """
# The gradebook: a database instead of gradebook.db in this folder.
c.CourseDirectory.db_url = {db_url!r}
"""

_ENGINE = """\
# `nbgrader autograde`, and so formgrader, grades as `tlcourse grade` does: submissions are mended, run in a sandbox and
# judged outside it. Delete these lines to have nbgrader's own way back, which runs them with your rights.
c.Autograde.exporter_class = "{steps}.AnyNotebook"
c.Autograde.sanitize_preprocessors = {sanitize}
c.Autograde.autograde_preprocessors = {autograde}

# Feedback shows what a hidden test found, never the test. No page, formgrader's neither, runs a learner's scripts.
c.GenerateFeedback.preprocessors = {feedback}
c.HTMLExporter.preprocessors = ["{steps}.NoScripts"]
c.HTMLExporter.filters = {{"markdown2html": "{steps}.markdown_without_scripts"}}
"""

_STEPS = "tlcourse.grading.nbgrader_steps"
_KEPT = (
    "kept as it was: the new version has other exercises, and work on the old one was handed in. "
    "Make a new class to use it"
)
_LEFT_OUT = "not in this class; --lesson {name} takes it in"


def make(
    folder: Path,
    solutions: Sequence[Path],
    config_folder: Path,
    mark: str,
    db_url: str = "",
    *,
    chosen: bool = True,
) -> Iterator[str]:
    """Make a class, or bring one up to date. What was handed in and graded stays.

    Args:
        folder: the class's folder: new, empty, or a class already.
        solutions: the lessons' notebooks with answers, `NN-name/NN-name.ipynb`.
        config_folder: the course's folder, whose `nbgrader_config.py` says how answers are cleared.
        mark: how a class's own `nbgrader_config.py` begins.
        db_url: the gradebook, as SQLAlchemy names it; a new class keeps it in its configuration. If empty, the
            configuration's, or `gradebook.db` in the folder.
        chosen: whether somebody named these lessons. If not, a class that has some of them takes no others: what was
            left out stays left out.

    Yields:
        one line on each lesson.

    Raises:
        CourseError: the folder holds something else, a solution is missing, the configuration gives points to no
            exercise, or nbgrader refuses a lesson.
    """
    require("nbgrader")
    folder = folder.resolve()
    _insist_on_place(folder, mark)
    _insist_on_solutions(solutions)
    if not (folder / CONFIG_NAME).exists():
        if db_url:
            _insist_on_gradebook(folder, db_url)
        text = _config_text(folder.name, solutions[0], folder_config(config_folder), mark, db_url)
        storage.write_text(folder / CONFIG_NAME, text)
    storage.make_folder(folder / "submitted")
    course = Course(folder, user_config(folder), db_url)
    known = _exercises(course)
    there = [solution for solution in solutions if solution.stem in known]
    taken = there if there and not chosen else solutions
    points = worth.chosen(course.directory.config)
    if points:
        worth.insist_on_known(points, set().union(*known.values(), *map(worth.graded, taken)))
    for solution in solutions:
        name = solution.stem
        yield f"{name}: {_bring(course, solution, points) if solution in taken else _LEFT_OUT.format(name=name)}"


def _insist_on_place(folder: Path, mark: str) -> None:
    with storage.disk_errors(folder):
        if folder.exists() and not folder.is_dir():
            raise CourseError(f"{folder} is a file.", "Name a new folder for the class.")
        if not folder.exists() or not any(folder.iterdir()):
            return
    config = folder / CONFIG_NAME
    if not (config.is_file() and config.read_text(encoding="utf-8", errors="replace").startswith(mark)):
        raise CourseError(
            f"{folder} is not empty and is not a class of this course.",
            "Name a new or an empty folder for the class.",
        )


def _insist_on_gradebook(folder: Path, db_url: str) -> None:
    """Before the address of a gradebook that nobody can reach stands in a class's configuration."""
    with Course(folder, user_config(folder), db_url).gradebook():
        pass


def _insist_on_solutions(solutions: Sequence[Path]) -> None:
    if not solutions:
        raise CourseError("The course holds no lessons yet.", "Write one in solutions/ and run: tlcourse build")
    for solution in solutions:
        if not solution.is_file():
            raise CourseError(
                f"{solution.stem} has no solution notebook: a class is made from solutions/.",
                "Run `tlcourse build`, or use a full checkout of the course.",
            )


def _config_text(name: str, example: Path, config: Any, mark: str, db_url: str) -> str:
    return _CONFIG.format(
        mark=mark,
        example=example.stem,
        exercise=next(iter(sorted(map(short, worth.graded(example)))), "NAME"),
        course_id=re.sub(r"[^\w.-]+", "-", name).strip("-") or "class",
        code_stub=dict(config.ClearSolutions.code_stub),
        text_stub=config.ClearSolutions.text_stub,
        timeout=config.Execute.timeout,
        gradebook=_GRADEBOOK.format(db_url=db_url) if db_url else "",
        engine=engine_config(),
    )


def engine_config() -> str:
    """The lines of a `nbgrader_config.py` that make nbgrader's own commands grade with this course's engine."""
    converters = require("nbgrader.converters")
    grading = _steps(converters.Autograde.autograde_preprocessors)
    return _ENGINE.format(
        steps=_STEPS,
        sanitize=_listed([f"{_STEPS}.MendSubmission", *_steps(converters.Autograde.sanitize_preprocessors)]),
        autograde=_listed(f"{_STEPS}.ExecuteSafely" if step.endswith(".Execute") else step for step in grading),
        feedback=_listed([f"{_STEPS}.HideTests", *_steps(converters.GenerateFeedback.preprocessors)]),
    )


def _steps(trait: Any) -> list[str]:
    """nbgrader's own steps, by name, as a configuration lists them."""
    return [f"{step.__module__.rpartition('.')[0]}.{step.__name__}" for step in trait.default()]


def _listed(names: Iterable[str]) -> str:
    return "\n".join(["[", *(f'    "{name}",' for name in names), "]"])


def _bring(course: Course, solution: Path, points: Mapping[str, float]) -> str:
    """Bring one lesson into the class; says what was done."""
    lesson = solution.stem
    source = course.folder("source", ".", lesson)
    release = course.folder("release", ".", lesson) / solution.name
    registered, handed_in = _registered_cells(course, lesson)
    before = worth.graded(source / solution.name)
    kept = bool(handed_in) and registered != _marked_cells(solution)
    if kept and not before:
        return _KEPT
    files = _source_files(source / solution.name if kept else solution, points)
    changed = {name: data for name, data in files.items() if _content(source / name) != data}
    if registered and not changed and release.is_file():
        return _KEPT if kept else "unchanged"
    _release(course, lesson, {source / name: data for name, data in changed.items()})
    if not registered:
        return "added"
    marked = _scored_by_hand(course, lesson, before) if handed_in else ""
    return (_KEPT if kept else "updated") + marked


def _release(course: Course, lesson: str, files: Mapping[Path, bytes]) -> None:
    """Put files into a lesson's source, then have nbgrader release it."""
    for path, data in files.items():
        storage.write_bytes(path, data)
    outcome = course.release(lesson, into_gradebook=True)
    if not outcome.ok:
        raise CourseError(
            f"nbgrader cannot release {lesson}: {outcome.fault}", "Build the lesson again: tlcourse build"
        )


def _scored_by_hand(course: Course, lesson: str, before: Mapping[str, float]) -> str:
    """A sentence on exercises whose points are others than before though a person has scored answers to them."""
    with course.gradebook() as gradebook:
        notebook = gradebook.find_notebook(lesson, lesson)
        found = [
            short(cell.name)
            for cell in (*notebook.grade_cells, *notebook.task_cells)
            if before.get(cell.name) != cell.max_score and any(grade.manual_score is not None for grade in cell.grades)
        ]
    said = f". A person scored {', '.join(found)} when other points were to be had: look at it again in formgrader"
    return said if found else ""


def _source_files(solution: Path, points: Mapping[str, float]) -> dict[Path, bytes]:
    """What a class's source of a lesson holds: its notebook, ready to be released, and any data beside it."""
    nbformat = require("nbformat")
    notebook = nbformat.read(solution, as_version=4)
    worth.apply(notebook, points)
    require("tlcourse.grading.run_all").let_run_all(notebook)
    files = {Path(solution.name): (nbformat.writes(notebook, version=4).rstrip("\n") + "\n").encode()}
    for path in sorted(solution.parent.rglob("*")):
        name = path.relative_to(solution.parent)
        hidden = any(part.startswith((".", "__pycache__")) for part in name.parts)
        if path.is_file() and path.suffix not in (".py", ".ipynb") and not hidden:
            files[name] = path.read_bytes()
    return files


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def _registered_cells(course: Course, lesson: str) -> tuple[set[str], int]:
    """The names of a lesson's cells in the gradebook, and how many learners handed it in."""
    missing = require("nbgrader.api").MissingEntry
    with course.gradebook() as gradebook:
        try:
            notebook = gradebook.find_notebook(lesson, lesson)
        except missing:
            return set(), 0
        return {cell.name for cell in notebook.source_cells}, len(notebook.submissions)


def _exercises(course: Course) -> dict[str, set[str]]:
    """The names of the graded cells of each lesson in the gradebook."""
    with course.gradebook() as gradebook:
        return {
            lesson.name: {
                cell.name for notebook in lesson.notebooks for cell in (*notebook.grade_cells, *notebook.task_cells)
            }
            for lesson in gradebook.assignments
        }


def _marked_cells(solution: Path) -> set[str]:
    nbformat = require("nbformat")
    cells = nbformat.read(solution, as_version=4).cells
    return {cell.metadata.nbgrader.grade_id for cell in cells if "nbgrader" in cell.metadata}
