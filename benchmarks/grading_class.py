"""A class of ten thousand on a local Dask cluster whose workers are killed on the way: lost, graded twice, memory.

What is measured is everything around a submission: reading it, the way to a worker and back, the stored result, the
gradebook. The notebooks themselves take about a millisecond: an engine that looks answers up stands in for the kernel.

    python benchmarks/grading_class.py [--learners 10000] [--kills 10] [--workers 2]
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import random
import shutil
import sqlite3
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

import psutil

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests" / "grading"))

import stand_in  # noqa: E402
from grading_kit import EXERCISES, FIRST, PARTIAL, RIGHT, WRONG, hand_in, make_course  # noqa: E402

from tlcourse.checks import registry  # noqa: E402
from tlcourse.cli import main  # noqa: E402
from tlcourse.grading import batch, tasks  # noqa: E402
from tlcourse.grading.live import Lines  # noqa: E402

MB = 2**20


class Watch(Lines):
    """Looks at this process's memory, and kills a worker now and then."""

    def __init__(self, learners: int, kills: int) -> None:
        super().__init__()
        self._me = psutil.Process()
        self._kill_at = set(random.Random(0).sample(range(learners // 20, learners), kills))
        self._step = max(1, learners // 20)
        self._done = 0
        self.killed = 0
        self.memory: list[tuple[int, float]] = []
        self.peak = 0.0
        self._end = threading.Event()
        threading.Thread(target=self._sample, daemon=True).start()

    def through(self, who: str, told: str, results: object = ()) -> None:
        """One submission is through."""
        self._done += 1
        if self._done % self._step == 0:
            self.memory.append((self._done, self._used()))
            print(f"{self._done:>7} done   {self.memory[-1][1]:6.0f} MB   {self.killed} workers killed", flush=True)
        if self._done in self._kill_at:
            workers = [child for child in self._me.children() if "spawn_main" in " ".join(child.cmdline())]
            if workers:
                random.choice(workers).kill()
                self.killed += 1

    def end(self) -> None:
        """No more samples."""
        self._end.set()

    def _sample(self) -> None:
        while not self._end.wait(0.2):
            self.peak = max(self.peak, self._used())

    def _used(self) -> float:
        return self._me.memory_info().rss / MB


def class_of(learners: int, place: Path) -> Path:
    """A class in which everyone has handed in: a third right, a third partly right, a third wrong."""
    registry.exercises = lambda: EXERCISES
    with contextlib.redirect_stdout(io.StringIO()):
        course = make_course(place / "course")
        room = place / "room"
        assert main(["classroom", str(room), "--root", str(course)]) == 0
    answers = (RIGHT, PARTIAL, WRONG)
    templates = [
        json.loads(hand_in(room, place / f"{kind}.ipynb", given).read_text()) for kind, given in enumerate(answers)
    ]
    for number in range(learners):
        name = f"learner{number:05}"
        folder = room / "submitted" / name / FIRST
        folder.mkdir(parents=True)
        notebook = templates[number % 3]
        notebook["metadata"]["stand_in"] = {"who": name, "does": "sleep 0.001"}
        (folder / f"{FIRST}.ipynb").write_text(json.dumps(notebook))
    return room


def expected(learners: int) -> dict[str, float]:
    """The automatic points that each learner must have in the end."""
    return {f"learner{number:05}": (3.0, 1.0, 0.0)[number % 3] for number in range(learners)}


def in_gradebook(room: Path) -> dict[str, float]:
    """The automatic points that each learner has."""
    query = """
        SELECT s.student_id, sum(g.auto_score) FROM grade g
        JOIN submitted_notebook n ON n.id = g.notebook_id JOIN submitted_assignment s ON s.id = n.assignment_id
        GROUP BY s.student_id
    """
    with contextlib.closing(sqlite3.connect(room / "gradebook.db")) as database:
        return dict(database.execute(query))


def run(learners: int, kills: int, workers: int, place: Path) -> dict[str, float]:
    """Grade a class; its figures."""
    room = class_of(learners, place)
    log = place / "begun.txt"
    os.environ[stand_in.LOG] = str(log)
    os.environ["PYTHONPATH"] = os.pathsep.join(sys.path[:1])
    tasks.ENGINE = stand_in.ENGINE
    watch = Watch(learners, kills)
    began = time.perf_counter()
    done = batch.grade(room, None, batch.Options(workers=workers), watch)
    seconds = time.perf_counter() - began
    watch.end()
    begun = Counter(log.read_text().split())
    # What a killed worker had begun is graded by another one, so it is begun twice; a second result there must not be.
    results = Counter(json.loads(line)[0] for line in _journal(room))
    right = expected(learners)
    found = in_gradebook(room)
    half = len(watch.memory) // 2
    return {
        "learners": learners,
        "workers": workers,
        "seconds": round(seconds, 1),
        "per_second": round(learners / seconds, 1),
        "workers_killed": watch.killed,
        "begun_again": sum(begun.values()) - len(begun),
        "lost": len(right.keys() - found.keys()) + len(done.not_graded),
        "graded_twice": sum(times - 1 for times in results.values()),
        "wrong_scores": sum(found.get(name) != points for name, points in right.items()),
        "memory_first_half_mb": round(max(used for _, used in watch.memory[: half or 1])),
        "memory_second_half_mb": round(max(used for _, used in watch.memory[half:])),
        "memory_peak_mb": round(watch.peak),
    }


def _journal(room: Path) -> list[str]:
    (path,) = (room / ".tlcourse").glob("written-*.jsonl")
    return path.read_text().split("\n")[1:]


def command() -> None:
    """Read the options, grade, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--learners", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--workers", type=int, default=2)
    args = parser.parse_args()
    place = Path(tempfile.mkdtemp(prefix="tlcourse-class-"))
    try:
        figures = run(args.learners, args.kills, args.workers, place)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    for name, value in figures.items():
        print(f"{name:24} {value:>10}")
    print(json.dumps(figures))


if __name__ == "__main__":
    command()
