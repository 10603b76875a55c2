"""Grading a class: `tlcourse grade` beside `nbgrader autograde` and otter-grader, in one run, on the same submissions.

python benchmarks/grading.py [--submissions 40] [--peers 40]

A short fastai lesson (`grading_lesson.py`) is handed in with right, partly right, wrong and raising answers. Each
grader has the machine to itself, one after the other, with the same Python and packages. Times are those of whole
commands, start included; `steady` leaves out the start. The overhead is what our grader, one submission at a time, adds
to the time that the cells themselves take in a warm kernel. otter-grader, which pins packages of its own, is installed
into `build/otter` on top of this Python's packages, unless this Python has it.

Ours never gets more than two processors. A worker alone uses the second one too: while it runs one submission, the
kernel of the next starts there. So one worker is timed twice, with two processors and with one.

The last line is one JSON object: `vs_nbgrader` and `vs_otter` are ratios of throughput (ours with two workers),
`workers_1_to_2` is the ratio from one worker to two on the same two processors, `processors_1_to_2` that from one
worker on one processor to two on two, `overhead_s` is in seconds a notebook, and `equal_scores` says whether all
graders gave every question of every submission the same points.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import shutil
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
import venv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

from grading_lesson import (
    LESSON,
    QUESTIONS,
    HandedIn,
    submissions,
    write_answered,
    write_for_otter,
    write_otter_tests,
    write_source,
)

ROOT = Path(__file__).resolve().parents[1]
OTTER = "otter-grader[grading]>=7.0"
CONFIG = 'c = get_config()\nc.CourseDirectory.course_id = "benchmark"\nc.Execute.timeout = 600\n'
Scores = dict[str, dict[str, float]]


@dataclass
class Graded:
    """What one grader did.

    Args:
        name: the grader.
        seconds: wall time of the whole command.
        scores: points by question by student.
        steady: seconds a submission without the start, where that can be told.
    """

    name: str
    seconds: float
    scores: Scores = field(repr=False)
    steady: float | None = None

    @property
    def each(self) -> float:
        """Seconds a submission, the command's start shared out."""
        return self.seconds / len(self.scores)


def command(*words: str, folder: Path) -> float:
    """Run a Python program in a folder; the seconds it took. What it says is shown only if it fails."""
    began = time.perf_counter()
    done = subprocess.run([sys.executable, *words], cwd=folder, env=environment(), capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(words)} failed:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
    return time.perf_counter() - began


def environment() -> dict[str, str]:
    """The environment of every grader; nbgrader calls alembic by name."""
    return os.environ | {"PATH": os.pathsep.join([sysconfig.get_path("scripts"), os.environ["PATH"]])}


def make_class(folder: Path, handed_in: Sequence[HandedIn]) -> None:
    """A class of plain nbgrader with everything handed in."""
    folder.mkdir()
    (folder / "nbgrader_config.py").write_text(CONFIG)
    write_source(folder / "source" / LESSON / f"{LESSON}.ipynb")
    command("-m", "nbgrader", "generate_assignment", LESSON, folder=folder)
    released = folder / "release" / LESSON / f"{LESSON}.ipynb"
    for one in handed_in:
        write_answered(folder / "submitted" / one.student / LESSON / f"{LESSON}.ipynb", released, one)


def gradebook(folder: Path) -> Scores:
    """The points that stand in a class's gradebook."""
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{folder}/gradebook.db", "benchmark") as book:
        found = [one for one in book.assignment_submissions(LESSON) if one.notebooks]
        return {
            one.student.id: {grade.name: grade.score for notebook in one.notebooks for grade in notebook.grades}
            for one in found
        }


def by_nbgrader(folder: Path) -> Graded:
    """`nbgrader autograde`."""
    seconds = command("-m", "nbgrader", "autograde", LESSON, folder=folder)
    return Graded("nbgrader autograde", seconds, gradebook(folder))


def by_otter(folder: Path, handed_in: Sequence[HandedIn]) -> Graded:
    """otter-grader's local run."""
    python = otter_python()
    write_otter_tests(folder / "tests")
    notebooks = [folder / f"{one.student}.ipynb" for one in handed_in]
    for notebook, one in zip(notebooks, handed_in, strict=True):
        write_for_otter(notebook, one)
    subprocess.run([python, "-m", "otter", "generate"], cwd=folder, check=True, capture_output=True)
    script = Path(__file__).with_name("grading_otter.py")
    words = [python, str(script), str(folder / "autograder.zip"), *map(str, notebooks)]
    began = time.perf_counter()
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True)
    seconds = time.perf_counter() - began
    if done.returncode:
        sys.exit(f"otter failed:\n{done.stderr[-3000:]}")
    return Graded("otter run", seconds, json.loads(done.stdout.splitlines()[-1]))


def otter_python() -> str:
    """A Python that has otter-grader and all that this one has."""
    if importlib.util.find_spec("otter"):
        return sys.executable
    place = ROOT / "build" / "otter"
    python = place / "bin" / "python"
    if not (place / "installed").exists():
        print(f"installing {OTTER} into {place} ...", flush=True)
        venv.create(place, clear=True, with_pip=True)
        below = Path(sysconfig.get_path("purelib", vars={"base": str(place), "platbase": str(place)}))
        (below / "below.pth").write_text(sysconfig.get_path("purelib") + "\n")
        subprocess.run([python, "-m", "pip", "install", "-q", OTTER], check=True)
        (place / "installed").touch()
    return str(python)


def by_us(folder: Path, workers: int, *, processors: int) -> Graded:
    """`tlcourse grade`, sandbox on; with no more than so many of this machine's processors."""
    words = [sys.executable, "-m", "tlcourse.cli", "grade", str(folder), "--workers", str(workers)]
    began = time.perf_counter()
    with on_processors(processors):
        process = subprocess.Popen(
            words, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
    assert process.stdout is not None
    said, through = [], []
    for line in process.stdout:
        said.append(line)
        if line.startswith("["):
            through.append(time.perf_counter())
    process.wait()
    seconds = time.perf_counter() - began
    if process.returncode:
        sys.exit(f"tlcourse grade failed:\n{''.join(said)[-3000:]}")
    name = f"tlcourse, {workers} on {processors} processor" + "s" * (processors > 1)
    # Each worker's first submission pays for the start.
    rest = through[2 * workers - 1 :]
    steady = (rest[-1] - rest[0]) / (len(rest) - 1) if len(rest) > 1 else None
    return Graded(name, seconds, gradebook(folder), steady)


@contextmanager
def on_processors(count: int) -> Iterator[None]:
    """What is started in the block runs on so many processors."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(allowed)[:count])
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def own_seconds(folder: Path) -> float:
    """Mean seconds that the cells of a graded notebook take in a warm kernel, with no grader around."""
    from jupyter_client.manager import start_new_kernel

    # One thread, as the grader's kernels have it. Nothing of this may reach the other graders.
    warm = {"JUPYTER_DEFAULT_PROVISIONER_NAME": "tlcourse-warm", "OMP_NUM_THREADS": "1"}
    found = []
    with mock.patch.dict(os.environ, warm):
        for path in sorted((folder / "autograded").glob(f"*/{LESSON}/{LESSON}.ipynb")):
            manager, client = start_new_kernel(kernel_name="python3", cwd=str(path.parent))
            found.append(sum(_cell_seconds(client, json.loads(path.read_text()))))
            client.stop_channels()
            manager.shutdown_kernel(now=True)
    return statistics.mean(found)


def _cell_seconds(client: Any, notebook: dict[str, Any]) -> Iterator[float]:
    """The time that the kernel itself gives for each cell."""
    from dateutil.parser import isoparse

    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            reply = client.execute_interactive(
                "".join(cell["source"]), stop_on_error=False, output_hook=lambda message: None, allow_stdin=False
            )
            yield (reply["header"]["date"] - isoparse(reply["metadata"]["started"])).total_seconds()


def differences(graded: Sequence[Graded]) -> list[str]:
    """Where two graders disagree on a question of a submission; nothing else is as bad as that."""
    found = []
    for one in graded:
        for student, points in one.scores.items():
            for question in QUESTIONS:
                ours = graded[-1].scores[student].get(question)
                if points.get(question) != ours:
                    found.append(f"{student} {question}: {one.name} {points.get(question)}, {graded[-1].name} {ours}")
    return found


def print_table(graded: Sequence[Graded], own: float, count: int) -> None:
    """One line a grader; ratios are to ours with two workers, which stands last."""
    print(f"\n{'':27}{'graded':>7}{'wall s':>9}{'s each':>9}{'steady s':>10}{'each hour':>11}{'slower':>9}")
    for one in graded:
        steady = f"{one.steady:10.3f}" if one.steady else f"{'':10}"
        print(
            f"{one.name:27}{len(one.scores):7}{one.seconds:9.1f}{one.each:9.3f}{steady}{3600 / one.each:11.0f}"
            f"{one.each / graded[-1].each:8.1f}x"
        )
    print(f"{'the cells alone':27}{count:7}{'':9}{'':9}{own:10.3f}   mean of a warm kernel each")
    if fewer := [one.name for one in graded if len(one.scores) < count]:
        print(f"{' and '.join(fewer)}: only {len(graded[0].scores)} of the {count} submissions, scaled.")


def main() -> None:
    """Grade the same submissions with everything and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--submissions", type=int, default=40, help="submissions (%(default)s)")
    parser.add_argument("--peers", type=int, default=None, help="the peers grade only so many, which is scaled")
    args = parser.parse_args()
    handed_in = submissions(args.submissions)
    fewer = handed_in[: args.peers]
    with tempfile.TemporaryDirectory(prefix="tlcourse-benchmark-") as name:
        place = Path(name)
        make_class(place / "two", handed_in)
        shutil.copytree(place / "two", place / "one")
        shutil.copytree(place / "two", place / "alone")
        make_class(place / "nbgrader", fewer)
        (place / "otter").mkdir()
        graded = [
            by_us(place / "alone", 1, processors=1),
            by_us(place / "one", 1, processors=2),
            by_us(place / "two", 2, processors=2),
        ]
        own = own_seconds(place / "two")
        graded = [by_nbgrader(place / "nbgrader"), by_otter(place / "otter", fewer), *graded]
    nbgrader, otter, alone, one, two = graded
    print_table(graded, own, len(handed_in))
    wrong = differences(graded)
    print("\n".join(wrong) or "All graders gave the same points to every question of every submission.")
    figures = {
        "vs_nbgrader": round(nbgrader.each / two.each, 1),
        "vs_otter": round(otter.each / two.each, 1),
        "workers_1_to_2": round(one.each / two.each, 2),
        "processors_1_to_2": round(alone.each / two.each, 2),
        "overhead_s": round((one.steady or one.each) - own, 3),
        "equal_scores": not wrong,
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
