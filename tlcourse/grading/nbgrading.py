"""nbgrader, driven from Python as its own command line drives it: configuration, converters, their log."""

from __future__ import annotations

import io
import logging
import os
import sysconfig
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tlcourse.errors import CourseError
from tlcourse.extras import require

CONFIG_NAME = "nbgrader_config.py"


@dataclass(frozen=True)
class Outcome:
    """How one run of a converter ended.

    Args:
        ok: whether it converted all it was given.
        log: what nbgrader logged, one message a line.
    """

    ok: bool
    log: str

    @property
    def fault(self) -> str:
        """The log's error that says most: the exception itself, if one was logged."""
        lines = [line.strip() for line in self.log.splitlines() if line.strip()]
        errors = [line for line in lines if _names_an_exception(line)]
        return (errors or lines or ["nbgrader gave no reason"])[-1]


def folder_config(folder: Path) -> Any:
    """The traitlets configuration that stands in a folder's `nbgrader_config.py`.

    Raises:
        CourseError: there is none, or it cannot be read.
    """
    config = _read_config(folder)
    if config is None:
        raise CourseError(f"{folder} has no {CONFIG_NAME}.", "Restore it, or make a class here: tlcourse classroom DIR")
    return config


def user_config(folder: Path) -> Any:
    """What `nbgrader` reads when it is run in `folder`: the user's settings, then the folder's own."""
    traitlets_config = require("traitlets.config")
    paths = require("jupyter_core.paths")
    config = traitlets_config.Config()
    for place in reversed(paths.jupyter_config_path()):
        config.merge(_read_config(Path(place)) or {})
    config.merge(_read_config(folder) or {})
    return config


def _read_config(folder: Path) -> Any:
    if not (folder / CONFIG_NAME).is_file():
        return None
    loader = require("traitlets.config.loader").PyFileConfigLoader(CONFIG_NAME, path=str(folder))
    try:
        return loader.load_config()
    except Exception as error:
        raise CourseError(f"{folder / CONFIG_NAME} cannot be read: {error!r}.", "Mend it, or restore it.") from error


class Course:
    """An nbgrader course folder and the converters that work in it.

    Args:
        root: the folder.
        config: a traitlets configuration; it is not changed.
        db_url: the gradebook, as SQLAlchemy names it; the configuration's, or `gradebook.db` in the folder, if empty.
    """

    def __init__(self, root: Path, config: Any, db_url: str = "") -> None:
        require("nbgrader")
        configurable = require("traitlets.config.configurable")
        self.root = Path(root).resolve()
        # A logger of its own: nbgrader's messages are collected here and never reach the terminal.
        self._log = logging.Logger("tlcourse.nbgrader", logging.INFO)
        self.parent = configurable.LoggingConfigurable(config=config, log=self._log)
        place = {"root": str(self.root)} | ({"db_url": db_url} if db_url else {})
        self.directory = require("nbgrader.coursedir").CourseDirectory(parent=self.parent, **place)

    def release(self, lesson: str, *, into_gradebook: bool) -> Outcome:
        """Run `nbgrader generate_assignment` on one lesson."""
        converters = require("nbgrader.converters")
        with _settings(self.directory, assignment_id=lesson):
            converter = converters.GenerateAssignment(coursedir=self.directory, parent=self.parent)
            converter.force = True
            converter.no_database = not into_gradebook
            if not into_gradebook:
                converter.config.SaveCells.enabled = False
            return self._run(converter)

    def autograde(self, lesson: str, student: str, *, force: bool) -> Outcome:
        """Run `nbgrader autograde` on one learner's lesson."""
        glob = require("glob")
        converters = require("nbgrader.converters")
        with _settings(self.directory, assignment_id=lesson, student_id=glob.escape(student)):
            converter = converters.Autograde(coursedir=self.directory, parent=self.parent)
            converter.force = force
            return self._run(converter)

    @contextmanager
    def gradebook(self) -> Iterator[Any]:
        """The course's open gradebook (`nbgrader.api.Gradebook`).

        Raises:
            CourseError: it cannot be opened or used.
        """
        api = require("nbgrader.api")
        sqlalchemy = require("sqlalchemy")
        try:
            with self._opened_gradebook(api) as gradebook:
                yield gradebook
        except (sqlalchemy.exc.SQLAlchemyError, api.InvalidEntry) as error:
            reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0].rstrip(".")
            raise CourseError(
                f"The gradebook {self._shown_db_url()} cannot be used: {reason}.",
                "Check that it is there, is not damaged and may be written; `nbgrader db upgrade` mends an old one.",
            ) from error

    def _opened_gradebook(self, api: Any) -> Any:
        try:
            with _scripts_on_path():
                return api.Gradebook(self.directory.db_url, self.directory.course_id or "default_course")
        except ModuleNotFoundError as error:
            raise CourseError(
                f"The gradebook {self._shown_db_url()} needs {error.name}, which is not installed.",
                "Install it: pip install 'tlcourse[postgres]'",
            ) from error

    def _shown_db_url(self) -> str:
        """The gradebook's address without its password."""
        try:
            return str(require("sqlalchemy.engine").make_url(self.directory.db_url))
        except require("sqlalchemy.exc").ArgumentError:
            return "that was named"

    def folder(self, step: str, student: str, lesson: str) -> Path:
        """Where nbgrader keeps a learner's lesson at a step, `"submitted"` or `"autograded"`."""
        name = getattr(self.directory, f"{step}_directory")
        return Path(self.directory.format_path(name, student_id=student, assignment_id=lesson))

    def _run(self, converter: Any) -> Outcome:
        buffer = io.StringIO()
        handler = logging.StreamHandler(buffer)
        self._log.addHandler(handler)
        try:
            with _scripts_on_path(), warnings.catch_warnings():
                # SQLAlchemy warns about nbgrader's own models.
                warnings.simplefilter("ignore")
                converter.start()
        except require("nbgrader.converters.base").NbGraderException:
            return Outcome(False, buffer.getvalue())
        except (Exception, SystemExit) as error:
            # Whatever a notebook makes nbgrader stumble over must not end a batch.
            return Outcome(False, f"{buffer.getvalue()}\n{type(error).__name__}: {error}")
        finally:
            self._log.removeHandler(handler)
        return Outcome(True, buffer.getvalue())


@contextmanager
def _scripts_on_path() -> Iterator[None]:
    """nbgrader runs `alembic` by name: it stands beside this Python, whose venv may not be activated."""
    before = os.environ.get("PATH", "")
    os.environ["PATH"] = os.pathsep.join([sysconfig.get_path("scripts"), before])
    try:
        yield
    finally:
        os.environ["PATH"] = before


@contextmanager
def _settings(target: Any, **values: Any) -> Iterator[None]:
    before = {name: getattr(target, name) for name in values}
    for name, value in values.items():
        setattr(target, name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(target, name, value)


def _names_an_exception(line: str) -> bool:
    head = line.partition(":")[0]
    return head.replace(".", "").isidentifier() and head.endswith(("Error", "Exception"))
