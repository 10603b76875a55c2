"""Running a lesson's solution in a fresh kernel, far from the checkout and from the author's own progress."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import tlcourse
from tlcourse.authoring.course import Lesson
from tlcourse.checks.notebook import native_client
from tlcourse.errors import LessonError
from tlcourse.extras import require

CELL_SECONDS = 900


def execute(lesson: Lesson, notebook: Any) -> float:
    """Execute `notebook` in place, from a fresh kernel of this Python.

    Returns:
        the seconds it took, the kernel's start included.

    Raises:
        LessonError: a cell failed, took too long, or killed the kernel.
    """
    nbclient = require("nbclient", "dev")
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="tlcourse-build-") as scratch:
        client = native_client(notebook, timeout=CELL_SECONDS, force_raise_errors=True, coalesce_streams=True)
        try:
            client.execute(cwd=scratch, env=_environment(Path(scratch)))
        except nbclient.exceptions.CellExecutionError as error:
            fault = f"{error.ename}: {error.evalue}".splitlines()[0]
            raise _failed(lesson, notebook, fault) from None
        except nbclient.exceptions.CellTimeoutError:
            raise _failed(lesson, notebook, f"the cell took longer than {CELL_SECONDS} s") from None
        except nbclient.exceptions.DeadKernelError:
            raise _failed(lesson, notebook, "the kernel died") from None
    _drop_machine_marks(notebook)
    return time.perf_counter() - began


def _environment(scratch: Path) -> dict[str, str]:
    dropped = ("NBGRADER_", "MPLBACKEND")
    env = {key: value for key, value in os.environ.items() if not key.startswith(dropped)}
    package = str(Path(tlcourse.__file__).resolve().parents[1])
    path = [package, *filter(None, [os.environ.get("PYTHONPATH")])]
    return env | {
        "TLCOURSE_STATE": str(scratch / ".state"),
        "PYTHONPATH": os.pathsep.join(path),
        "PYTHONHASHSEED": "0",
        "TLCOURSE_STATIC": "1",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
    }


def _drop_machine_marks(notebook: Any) -> None:
    notebook.metadata.get("language_info", {}).pop("version", None)
    notebook.metadata.pop("widgets", None)
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", []):
            # A widget is alive only in the kernel that made it; what stands beside it in the bundle stays.
            output.get("data", {}).pop("application/vnd.jupyter.widget-view+json", None)


def _failed(lesson: Lesson, notebook: Any, fault: str) -> LessonError:
    # The cell that was running is the last that has a number or an output.
    touched = [
        place
        for place, cell in enumerate(notebook.cells, start=1)
        if cell.cell_type == "code" and (cell.outputs or cell.execution_count)
    ]
    where = f"{lesson.source}, cell {touched[-1]}" if touched else str(lesson.source)
    return LessonError(f"{where}: {fault}.", "Mend the solution, or the check it should pass, and build again.")
