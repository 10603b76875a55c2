"""What every lesson costs: its solution executed in a fresh kernel, with an empty cache as on a learner's first day.

python benchmarks/lessons.py [LESSON ...]
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

from tlcourse.authoring.course import Lesson, find_lesson, find_root, lessons

# The last cell asks the kernel itself; macOS counts in bytes, Linux in KiB.
ASK_FOR_MEMORY = (
    "import resource, sys\n"
    "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == 'darwin' else 2**10))"
)


@dataclass(frozen=True)
class Cost:
    """What one lesson took: wall time with the kernel's start, its slowest cell, the kernel's peak memory."""

    name: str
    seconds: float
    slowest_cell: float
    where: str
    peak_mb: float


def cost(lesson: Lesson) -> Cost:
    """Execute the lesson's solution."""
    notebook = nbformat.read(lesson.solution, as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell(ASK_FOR_MEMORY))
    manager = AsyncKernelManager(kernel_name="python3", kernel_spec_manager=KernelSpecManager(kernel_dirs=[]))
    quiet = ["--IPKernelApp.log_level=40"]
    client = NotebookClient(notebook, km=manager, timeout=900, record_timing=True, extra_arguments=quiet)
    client.owns_km = True
    with tempfile.TemporaryDirectory() as scratch:
        env = os.environ | {
            "TLCOURSE_CACHE": f"{scratch}/cache",
            "TLCOURSE_STATE": f"{scratch}/state",
            "TLCOURSE_STATIC": "1",
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
        }
        began = time.perf_counter()
        client.execute(cwd=scratch, env=env)
        spent = time.perf_counter() - began
    peak = float(notebook.cells.pop().outputs[0].text)
    timed = [(cell_seconds(cell), number) for number, cell in enumerate(notebook.cells, 1) if cell.cell_type == "code"]
    slowest, number = max(timed)
    first = next(line for line in notebook.cells[number - 1].source.splitlines() if line.strip())
    return Cost(lesson.name, spent, slowest, f"{number}: {first[:44]}", peak)


def cell_seconds(cell: Any) -> float:
    """From the moment the kernel took the cell up to its reply."""
    stamps = cell.metadata.get("execution", {})
    ends = [stamps.get(name) for name in ("iopub.status.busy", "shell.execute_reply")]
    if None in ends:
        return 0.0
    start, end = (datetime.fromisoformat(stamp.replace("Z", "+00:00")) for stamp in ends)
    return (end - start).total_seconds()


def main() -> None:
    """One lesson after another."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lessons", nargs="*", help="only these (1, 01, 01-what or a path)")
    wanted = parser.parse_args().lessons
    root = find_root()
    chosen = [find_lesson(root, query) for query in wanted] or [one for one in lessons(root) if one.solution.is_file()]
    print(f"{'lesson':34}{'seconds':>9}{'peak MB':>9}{'slowest':>9}  cell")
    costs = []
    for lesson in chosen:
        costs.append(cost(lesson))
        one = costs[-1]
        print(f"{one.name[:33]:34}{one.seconds:9.1f}{one.peak_mb:9.0f}{one.slowest_cell:9.1f}  {one.where}", flush=True)
    figures = {
        "total_s": round(sum(one.seconds for one in costs), 1),
        "slowest_lesson_s": round(max(one.seconds for one in costs), 1),
        "slowest_cell_s": round(max(one.slowest_cell for one in costs), 1),
        "peak_mb": round(max(one.peak_mb for one in costs)),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
