"""The folder of a graded submission, as `nbgrader autograde` leaves it.

What nbgrader does to a notebook after it ran it is done here by nbgrader itself, as the class configured it.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import nbformat
from nbformat.v4.rwbase import rejoin_lines
from nbgrader.converters import Autograde
from nbgrader.preprocessors import AssignLatePenalties, CheckCellMetadata, Execute, SaveAutoGrades
from nbgrader.utils import find_all_files, parse_utc

from tlcourse import storage
from tlcourse.errors import NotebookError
from tlcourse.grading.nbgrading import Course
from tlcourse.grading.verdicts import Result

_TIME_SIZE = 1000  # bytes: a time is shorter


class Steps(Autograde):
    """nbgrader's converter with the class's configuration: its settings and later steps are used, not its loop."""

    def __init__(self, course: Course) -> None:
        super().__init__(coursedir=course.directory, parent=course.parent)
        self._place: Path | None = None
        self.exporter = self.exporter_class(parent=self, config=self.config)
        # One validation, after the last step, finds what one after each step would find.
        self.exporter.optimistic_validation = True
        for step in self.autograde_preprocessors:
            self.exporter.register_preprocessor(step)
        steps = self.exporter._preprocessors
        self.late_penalties = next((step for step in steps if isinstance(step, AssignLatePenalties)), None)
        # The marks of the cells are the release's, which nbgrader has checked: once a class is enough.
        ours = (Execute, SaveAutoGrades, AssignLatePenalties, CheckCellMetadata)
        self.exporter._preprocessors = [step for step in steps if not isinstance(step, ours)]

    def finish(self, result: Result, resources: dict[str, Any]) -> str:
        """A graded notebook as the class's later steps leave it, as the text of its file.

        Raises:
            NotebookError: one of the steps refuses it.
        """
        # Texts may be lists of lines, as in a file; nbgrader's steps want them whole.
        notebook = rejoin_lines(nbformat.from_dict(result.notebook))
        try:
            text, _ = self.exporter.from_notebook_node(notebook, resources)
        except Exception as error:  # a class may have steps of its own, and they raise what they like
            raise NotebookError(
                f"a step of the class's nbgrader_config.py refuses the graded {result.lesson}: {error!r}",
                "Mend the step, then run this again",
            ) from error
        return str(text)

    def make_permissions(self, folder: Path, student: str, lesson: str) -> None:
        """Give a folder and its files the permissions that nbgrader gives them."""
        self._place = folder
        try:
            self.set_permissions(lesson, student)
        finally:
            self._place = None

    def _format_dest(self, assignment_id: str, student_id: str, escape: bool = False) -> str:
        return str(self._place or super()._format_dest(assignment_id, student_id, escape))


class GradedFiles:
    """The folders `autograded/LEARNER/LESSON` of a class.

    Args:
        course: the class.
    """

    def __init__(self, course: Course) -> None:
        self._course = course
        self.steps = Steps(course)

    def has(self, student: str, lesson: str) -> bool:
        """Whether a submission has its graded folder."""
        return self._course.folder("autograded", student, lesson).is_dir()

    def timestamp(self, handed_in: Path | None) -> datetime | None:
        """What `timestamp.txt` in a folder says, in UTC; None if there is none.

        Raises:
            NotebookError: it is no time, or cannot be read.
        """
        if handed_in is None:
            return None
        path = handed_in / "timestamp.txt"
        try:
            # nbgrader's own reading would wait for a pipe.
            with storage.open_regular(path) as file:
                text = file.read(_TIME_SIZE).decode().strip()
            return parse_utc(text) if text else None
        except FileNotFoundError:
            return None
        except OSError as error:
            raise NotebookError(f"{path} cannot be read: {error.strerror}", "Put a plain text file there") from error
        except (ValueError, OverflowError) as error:
            raise NotebookError(f"{path} holds no time", "Write one such as 2026-10-05 18:30:00 UTC") from error

    @contextmanager
    def written_aside(
        self, student: str, lesson: str, results: Sequence[Result], handed_in: Path | None
    ) -> Iterator[Callable[[], None]]:
        """Write a submission's new folder aside, and put it in its place if the body succeeds.

        Yields:
            what moves the old folder away; the body calls it just before it commits the rows.

        Raises:
            NotebookError: a step of the class refuses a graded notebook.
            StorageError: the disk refuses.
        """
        with storage.replaced_folder(self._course.folder("autograded", student, lesson)) as (new, move_old_away):
            self._fill(new, student, lesson, results, handed_in)
            yield move_old_away

    def _fill(self, folder: Path, student: str, lesson: str, results: Sequence[Result], handed_in: Path | None) -> None:
        self._copy_masters(lesson, folder)
        if handed_in:
            self._copy_handed_in(handed_in, folder)
        for result in results:
            result.write_files(folder)
            text = self.steps.finish(result, self._resources(student, lesson, result.lesson, folder))
            storage.write_text(folder / f"{result.lesson}.ipynb", text)
        self.steps.make_permissions(folder, student, lesson)

    def _copy_masters(self, lesson: str, folder: Path) -> None:
        source = self._course.folder("source", ".", lesson)
        learners_own = {source / name for name in self.steps.exclude_overwriting.get(lesson, [])}
        for path in self._data_files(source):
            if path not in learners_own:
                with path.open("rb") as file:
                    _copy(file, folder / path.relative_to(source))

    def _copy_handed_in(self, handed_in: Path, folder: Path) -> None:
        for path in self._data_files(handed_in):
            # A link could lead to any file of this machine.
            if not path.is_symlink():
                with storage.open_regular(path) as file:
                    _copy(file, folder / path.relative_to(handed_in))

    def _data_files(self, folder: Path) -> list[Path]:
        names = find_all_files(str(folder), [*self._course.directory.ignore, "*.ipynb"])
        return [path for path in map(Path, names) if path.is_file()]

    def _resources(self, student: str, lesson: str, notebook: str, folder: Path) -> dict[str, Any]:
        return {
            "unique_key": notebook,
            "output_files_dir": f"{notebook}_files",
            "metadata": {"name": notebook, "path": str(folder)},
            "nbgrader": {
                "student": student,
                "assignment": lesson,
                "notebook": notebook,
                "db_url": self._course.directory.db_url,
            },
        }


def _copy(file: IO[bytes], target: Path) -> None:
    """Copy a file, unless something has its place already: the masters come first and stay."""
    with suppress(FileExistsError, NotADirectoryError):
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as copy:
            shutil.copyfileobj(file, copy)
