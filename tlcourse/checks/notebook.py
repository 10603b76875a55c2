"""Running a whole notebook and reading off how its exercises stand, for people outside JupyterLab."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tlcourse.checks import registry
from tlcourse.checks.exercise import Exercise
from tlcourse.checks.result import MIME_TYPE
from tlcourse.errors import NotebookError
from tlcourse.extras import require

CELL_SECONDS = 600


@dataclass(frozen=True)
class Standing:
    """How one exercise stands in a notebook.

    Args:
        exercise: which.
        earned: its points.
        passed: whether its check passed.
        messages: what is wrong, each with the next step; empty when passed.
    """

    exercise: Exercise
    earned: float
    passed: bool
    messages: tuple[str, ...]


def native_client(notebook: Any, **options: Any) -> Any:
    """An nbclient client whose kernel is this very Python, whatever kernel the notebook names.

    Args:
        notebook: to execute, in place.
        options: for `nbclient.NotebookClient`.
    """
    nbclient = require("nbclient", "lab")
    kernelspec = require("jupyter_client.kernelspec", "lab")
    manager = require("jupyter_client.manager", "lab")
    # No folders to look in: only the kernel of this Python is left.
    only_native = kernelspec.KernelSpecManager(kernel_dirs=[])
    client = nbclient.NotebookClient(
        notebook,
        km=manager.AsyncKernelManager(kernel_name="python3", kernel_spec_manager=only_native),
        startup_timeout=120,
        record_timing=False,
        extra_arguments=["--IPKernelApp.log_level=40"],
        **options,
    )
    # A manager that is handed in is not shut down, unless the client owns it.
    client.owns_km = True
    return client


def standings(path: Path) -> list[Standing]:
    """Run a notebook from top to bottom in a fresh kernel and read off its checks. The file is not changed.

    Args:
        path: a lesson's notebook; the kernel works in its folder.

    Returns:
        One entry for each exercise in the notebook, in order.

    Raises:
        NotebookError: the file is missing, unreadable, or not one of the course's.
    """
    notebook = _read(path)
    wanted = _exercises(notebook)
    if not wanted:
        raise NotebookError(
            f"{path} has no exercise of the course in it.",
            "Name the notebook of a lesson, such as workspace/01-*/*.ipynb.",
        )
    why = _execute(notebook, path.resolve().parent)
    return [_standing(exercise, notebook, why) for exercise in wanted]


def _read(path: Path) -> Any:
    nbformat = require("nbformat", "lab")
    try:
        return nbformat.read(path, as_version=4)
    except FileNotFoundError:
        raise NotebookError(
            f"There is no file {path}.", "Check the name; a lesson's notebook ends in .ipynb."
        ) from None
    except IsADirectoryError:
        raise NotebookError(f"{path} is a folder.", f"Name the notebook in it: {path}/*.ipynb") from None
    except (ValueError, KeyError, AttributeError, TypeError, OSError) as error:
        # nbformat raises all of these on files that are not notebooks; its own errors are ValueErrors.
        first = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
        raise NotebookError(
            f"{path} cannot be read as a notebook ({first}).",
            "`tlcourse reset LESSON` gives a clean copy and keeps this file beside it.",
        ) from error


def _exercises(notebook: Any) -> list[Exercise]:
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    called = dict.fromkeys(re.findall(r"\bcheck\.([A-Za-z]\w*)\s*\(", code))
    return [registry.exercises()[name] for name in called if name in registry.exercises()]


def _execute(notebook: Any, folder: Path) -> str:
    """Run every cell; a sentence if that ended early, else an empty string."""
    nbclient = require("nbclient", "lab")
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = []
    client = native_client(notebook, timeout=CELL_SECONDS, allow_errors=True)
    try:
        client.execute(cwd=str(folder), env={**os.environ, "TLCOURSE_STATIC": "1"})
    except nbclient.exceptions.DeadKernelError:
        return "Python itself died in a cell before this check; run the notebook in JupyterLab to see where."
    except nbclient.exceptions.CellTimeoutError:
        return f"A cell before this check took longer than {CELL_SECONDS} s."
    return ""


def _standing(exercise: Exercise, notebook: Any, why: str) -> Standing:
    shown = [
        output.data[MIME_TYPE]
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if MIME_TYPE in output.get("data", {}) and output.data[MIME_TYPE].get("exercise") == exercise.id
    ]
    if shown:
        last = shown[-1]
        wrong = [finding for finding in last["findings"] if not finding["passed"]]
        messages = tuple(f"{finding['message']} {finding['next_step']}".strip() for finding in wrong)
        return Standing(exercise, float(last["earned"]), bool(last["passed"]), messages)
    return Standing(exercise, 0.0, False, (why or _error_of(exercise, notebook),))


def _error_of(exercise: Exercise, notebook: Any) -> str:
    """Why a check showed nothing: the error of its own cell."""
    for cell in notebook.cells:
        if cell.cell_type == "code" and re.search(rf"\bcheck\.{exercise.id}\b", cell.source):
            for output in cell.outputs:
                if output.output_type == "error":
                    return f"The check stopped with {output.ename}: {output.evalue}. Run the cell above it first."
    return "The check was not run."
