"""Grading a batch with nbgrader's own autograde: one submission after the other, none stopping the rest."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path

from tlcourse import storage
from tlcourse.errors import CourseError, NotebookError
from tlcourse.grading import results, submissions
from tlcourse.grading.nbgrading import CONFIG_NAME, Course, user_config
from tlcourse.grading.submissions import NotGraded, Submission

_MAKE = "Make one: tlcourse classroom DIR, then: tlcourse grade SUBMISSIONS --into DIR"
_QUIET_KERNEL = ["--IPKernelApp.log_level=40"]


@dataclass
class Batch:
    """How a batch went.

    Args:
        course: the class.
        graded: the learners with scores, by lesson: graded now, or before and unchanged.
        not_graded: what got no score, and why.
        notes: what the instructor should know about submissions that were graded.
    """

    course: Course
    graded: dict[str, list[str]] = field(default_factory=dict)
    not_graded: list[NotGraded] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def results(self) -> list[results.LessonResults]:
        """The scores of everyone in the batch, lesson by lesson."""
        return [results.read(self.course, lesson, students) for lesson, students in sorted(self.graded.items())]


def find_class(folder: Path, into: Path | None) -> Path:
    """The class that a folder of submissions belongs to.

    Args:
        folder: the submissions, or the class itself.
        into: the class, if it was named.

    Raises:
        CourseError: there is none.
    """
    if into is not None:
        if _is_nbgrader_course(into):
            return into.resolve()
        raise CourseError(f"{into} is no class: it has no {CONFIG_NAME}.", _MAKE)
    for candidate in (folder.resolve(), folder.resolve().parent):
        if _is_nbgrader_course(candidate):
            return candidate
    raise CourseError(f"{folder} lies in no class, and no class was named.", _MAKE)


def grade(
    folder: Path,
    into: Path | None,
    *,
    lesson: str = "",
    force: bool = False,
    report: Callable[[str], None] = print,
) -> Batch:
    """Grade what learners handed in, into a class's gradebook.

    Args:
        folder: what learners handed in (see `submissions.find`), or a class, whose `submitted/` is meant.
        into: the class; the folder that holds `folder` if not given.
        lesson: only the lesson whose name begins so, or with this number.
        force: grade again even what did not change.
        report: gets one line a submission.

    Raises:
        CourseError: there is no such folder or class, the class has no such lesson, or the disk refuses.
    """
    place = find_class(folder, into)
    course = Course(place, _config(place))
    if folder.resolve() == place:
        folder = course.folder("submitted", ".", ".")
    cells = _graded_cells(course)
    handed = submissions.find(folder, list(cells))
    wanted = _wanted(lesson, list(cells))
    batch = Batch(course, not_graded=[item for item in handed.not_graded if item.lesson in ("", *wanted)])
    chosen = [submission for submission in handed.submissions if submission.lesson in wanted]
    for place_in_line, submission in enumerate(chosen, start=1):
        told = _grade_one(batch, submission, cells, force=force)
        report(f"[{place_in_line}/{len(chosen)}] {submission.student} {submission.lesson}: {told}")
    return batch


def _grade_one(batch: Batch, submission: Submission, cells: dict[str, list[str]], *, force: bool) -> str:
    began = time.perf_counter()
    try:
        lacking = submissions.inspect(submission, cells)
    except NotebookError as error:
        return _give_up(batch, submission, error.fault, error.cure)
    notebook = _stage(batch.course, submission)
    changed = _has_changed(batch.course, submission, notebook)
    outcome = batch.course.autograde(submission.lesson, submission.student, force=force or changed)
    if not outcome.ok:
        cure = "Look at the notebook; `nbgrader autograde` in the class's folder tells more"
        return _give_up(batch, submission, outcome.fault, cure)
    batch.graded.setdefault(submission.lesson, []).append(submission.student)
    if lacking:
        batch.notes.append(f"{submission.student} {submission.lesson}: lacks {', '.join(lacking)}, scored as 0.")
    if "Skipping existing assignment" in outcome.log:
        return "unchanged since it was graded"
    return f"graded in {time.perf_counter() - began:.1f} s"


def _has_changed(course: Course, submission: Submission, notebook: Path) -> bool:
    """Whether it must be graded anew: nbgrader itself asks only for the folder and its timestamp.txt."""
    done = course.folder("autograded", submission.student, submission.lesson) / notebook.name
    if not done.is_file() or notebook.stat().st_mtime > done.stat().st_mtime:
        return True
    with course.gradebook() as gradebook:
        return not any(
            graded.student.id == submission.student
            for graded in gradebook.notebook_submissions(submission.lesson, submission.lesson)
        )


def _give_up(batch: Batch, submission: Submission, fault: str, cure: str) -> str:
    name = f"{submission.student}/{submission.lesson}"
    batch.not_graded.append(NotGraded(name, fault, cure, submission.student, submission.lesson))
    return f"NOT GRADED: {fault}"


def _stage(course: Course, submission: Submission) -> Path:
    """Put a submission where nbgrader looks for it; returns its notebook there."""
    folder = course.folder("submitted", submission.student, submission.lesson)
    target = folder / f"{submission.lesson}.ipynb"
    files = {target: submission.notebook}
    if submission.folder:
        files |= {folder / path.name: path for path in submission.folder.iterdir() if path.suffix != ".ipynb"}
    for new, old in files.items():
        # Links are not followed: they could name any file of this machine.
        if old.is_file() and not old.is_symlink() and not _same(old, new):
            storage.write_bytes(new, old.read_bytes())
    return target


def _same(one: Path, other: Path) -> bool:
    return other.is_file() and (one.samefile(other) or one.read_bytes() == other.read_bytes())


def _config(place: Path) -> object:
    config = user_config(place)
    if "extra_arguments" not in config.Execute:
        config.Execute.extra_arguments = _QUIET_KERNEL
    return config


def _graded_cells(course: Course) -> dict[str, list[str]]:
    """The names of the graded cells of each lesson of the class."""
    with course.gradebook() as gradebook:
        cells = {
            notebook.name: [cell.name for cell in notebook.grade_cells]
            for assignment in gradebook.assignments
            for notebook in assignment.notebooks
            if notebook.name == assignment.name
        }
    if not cells:
        raise CourseError(f"The class {course.root} has no lessons yet.", f"Run: tlcourse classroom {course.root}")
    return cells


def _wanted(query: str, known: Collection[str]) -> list[str]:
    prefix = query.zfill(2) if query.isdecimal() else query
    found = [name for name in known if name.startswith(prefix)]
    if not found:
        raise CourseError(f"This class has no lesson {query!r}.", f"Its lessons are: {', '.join(sorted(known))}.")
    return found


def _is_nbgrader_course(folder: Path) -> bool:
    return (folder / CONFIG_NAME).is_file()
