"""A class on many workers: the same gradebook whatever dies on the way, nothing graded twice, and no process left."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import distributed
import psutil
import pytest
import stand_in
from grading_kit import FIRST, PARTIAL, RIGHT, WRONG, hand_in

from tlcourse import storage
from tlcourse.cli import main
from tlcourse.grading import tasks

HERE = Path(__file__).parent
LEARNERS = [f"learner{number:02}" for number in range(16)]
SLOW = "sleep 0.1"
# Submissions that two workers have, or that are on their way to them.
IN_FLIGHT = 6

pytestmark = pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the stand-in engine notes whom it graded; it is in place in this process and those that it starts."""
    path = tmp_path / "graded.txt"
    path.touch()
    monkeypatch.setenv(stand_in.LOG, str(path))
    monkeypatch.setenv("PYTHONPATH", str(HERE))
    monkeypatch.setattr(tasks, "ENGINE", stand_in.ENGINE)
    return path


@pytest.fixture
def submitted(room: Path, log: Path) -> Path:
    """A class whose learners have handed in their first lesson."""
    for learner, answers in zip(LEARNERS, [RIGHT, WRONG, PARTIAL, {}] * 4, strict=True):
        submit(room, learner, answers)
    return room


@pytest.fixture(scope="module")
def undisturbed(fresh_class: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the class looks like after one worker has graded it in peace."""
    room = Path(shutil.copytree(fresh_class, tmp_path_factory.mktemp("undisturbed") / "autumn"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tasks, "ENGINE", stand_in.ENGINE)
        for learner, answers in zip(LEARNERS, [RIGHT, WRONG, PARTIAL, {}] * 4, strict=True):
            submit(room, learner, answers)
        assert main(["grade", str(room), "--workers", "1"]) == 0
    return everything(room)


def submit(room: Path, learner: str, answers: dict[str, str] = RIGHT, does: str = SLOW) -> None:
    """Hand in a notebook that makes the stand-in engine do something."""
    path = hand_in(room, room / "submitted" / learner / FIRST / f"{FIRST}.ipynb", answers)
    notebook = json.loads(path.read_text())
    notebook["metadata"]["stand_in"] = {"who": learner, "does": does}
    path.write_text(json.dumps(notebook))


def everything(room: Path) -> dict[str, Any]:
    """What the gradebook says of each answer, and each learner's graded notebook."""
    query = """
        SELECT s.student_id, c.name, g.auto_score, g.manual_score, g.needs_manual_grade
        FROM grade g JOIN base_cell c ON c.id = g.cell_id
        JOIN submitted_notebook n ON n.id = g.notebook_id
        JOIN submitted_assignment s ON s.id = n.assignment_id
    """
    with closing(sqlite3.connect(room / "gradebook.db")) as database:
        rows = sorted(database.execute(query))
    notebooks = {path.parts[-3]: path.read_text() for path in (room / "autograded").rglob("*.ipynb")}
    return {"rows": rows, "notebooks": notebooks}


def times_graded(log: Path) -> Counter[str]:
    return Counter(log.read_text().split())


@contextmanager
def started(*arguments: str | Path) -> Iterator[subprocess.Popen[str]]:
    """`tlcourse` with the stand-in engine as a process of its own, whose output can be read line by line."""
    command = [sys.executable, HERE / "tlcourse_with_stand_in.py", *map(str, arguments)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def after_lines(process: subprocess.Popen[str], number: int) -> list[str]:
    """The first lines that tell of a submission."""
    assert process.stdout is not None
    lines = []
    while len(lines) < number:
        line = process.stdout.readline()
        assert line, "\n".join(lines)
        if line.startswith("["):
            lines.append(line)
    return lines


def descendants(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


def workers_of(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return [child for child in descendants(process) if "spawn_main" in " ".join(child.cmdline())]


def test_two_workers_give_the_gradebook_of_one(submitted: Path, undisturbed: dict[str, Any], log: Path) -> None:
    assert main(["grade", str(submitted), "--workers", "2"]) == 0
    assert everything(submitted) == undisturbed
    assert times_graded(log) == Counter(LEARNERS)


@pytest.mark.parametrize("lines", [1, 5, 11])
def test_a_batch_that_was_killed_goes_on_where_it_was(
    submitted: Path, undisturbed: dict[str, Any], log: Path, lines: int
) -> None:
    with started("grade", submitted, "--workers", "2") as process:
        after_lines(process, lines)
        left_over = descendants(process)
        process.kill()
        process.wait()
    assert psutil.wait_procs(left_over, timeout=30)[1] == [], "processes outlive the batch that started them"
    assert main(["grade", str(submitted), "--workers", "2"]) == 0
    assert everything(submitted) == undisturbed
    times = times_graded(log)
    assert set(times) == set(LEARNERS)
    assert sum(times.values()) <= len(LEARNERS) + IN_FLIGHT


def test_a_batch_that_is_killed_again_and_again_ends_with_the_same_gradebook(
    submitted: Path, undisturbed: dict[str, Any], log: Path
) -> None:
    chance = random.Random(4)
    for _ in range(4):
        with started("grade", submitted, "--workers", "2") as process:
            try:
                process.wait(timeout=chance.uniform(1.5, 4))
            except subprocess.TimeoutExpired:
                process.kill()
    assert main(["grade", str(submitted), "--workers", "2"]) == 0
    assert everything(submitted) == undisturbed


def test_a_worker_that_is_killed_loses_nothing(submitted: Path, undisturbed: dict[str, Any], log: Path) -> None:
    with started("grade", submitted, "--workers", "2") as process:
        after_lines(process, 3)
        workers_of(process)[0].kill()
        out, _ = process.communicate(timeout=120)
    assert process.returncode == 0, out
    assert everything(submitted) == undisturbed
    times = times_graded(log)
    assert set(times) == set(LEARNERS)
    assert sum(times.values()) <= len(LEARNERS) + IN_FLIGHT


def test_a_submission_that_ends_its_workers_is_named_and_the_rest_is_graded(
    submitted: Path, undisturbed: dict[str, Any], log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    submit(submitted, "mallory", does="kill")
    assert main(["grade", str(submitted), "--workers", "2"]) == 1
    assert f"mallory/{FIRST}: the grader itself failed (internal): 3 workers died" in capsys.readouterr().out
    assert everything(submitted) == undisturbed
    assert times_graded(log)["mallory"] == 3


def test_a_submission_that_makes_the_engine_fail_is_named_and_the_rest_is_graded(
    submitted: Path, undisturbed: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    submit(submitted, "eve", does="raise")
    assert main(["grade", str(submitted), "--workers", "2"]) == 1
    assert "ZeroDivisionError: a fault in the grader" in capsys.readouterr().out
    assert everything(submitted) == undisturbed


def test_what_failed_is_graded_by_the_next_run(room: Path, log: Path) -> None:
    submit(room, "ada", does="raise")
    submit(room, "bob")
    assert main(["grade", str(room)]) == 1
    submit(room, "ada", does="")
    assert main(["grade", str(room)]) == 0
    assert times_graded(log) == {"ada": 2, "bob": 1}
    assert {row[0] for row in everything(room)["rows"]} == {"ada", "bob"}


def test_a_gradebook_that_lost_a_result_gets_it_without_grading(
    submitted: Path, undisturbed: dict[str, Any], log: Path, fresh_class: Path
) -> None:
    assert main(["grade", str(submitted)]) == 0
    shutil.copy(fresh_class / "gradebook.db", submitted / "gradebook.db")
    shutil.rmtree(submitted / "autograded")
    assert main(["grade", str(submitted)]) == 0
    assert everything(submitted) == undisturbed
    assert times_graded(log) == Counter(LEARNERS)


def test_force_grades_everything_again(room: Path, log: Path) -> None:
    for learner in ("ada", "bob"):
        submit(room, learner)
    assert main(["grade", str(room)]) == 0
    assert main(["grade", str(room), "--force"]) == 0
    assert times_graded(log) == {"ada": 2, "bob": 2}


def test_a_damaged_result_is_graded_again(room: Path, log: Path) -> None:
    submit(room, "ada")
    assert main(["grade", str(room)]) == 0
    (stored,) = (room / ".tlcourse" / "results").rglob("*.jsonl")
    stored.write_text(stored.read_text()[:100])
    assert main(["grade", str(room)]) == 0
    assert times_graded(log) == {"ada": 2}


def test_control_c_stops_and_says_how_to_go_on(submitted: Path, undisturbed: dict[str, Any], log: Path) -> None:
    with started("grade", submitted, "--workers", "2") as process:
        after_lines(process, 4)
        left_over = descendants(process)
        # As a terminal does it: every process of the group gets the signal.
        os.killpg(process.pid, signal.SIGINT)
        out, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "the same command goes on from here" in out
    assert "Traceback" not in out
    assert psutil.wait_procs(left_over, timeout=10)[1] == []
    assert main(["grade", str(submitted), "--workers", "2"]) == 0
    assert everything(submitted) == undisturbed
    assert sum(times_graded(log).values()) <= len(LEARNERS) + IN_FLIGHT


def test_two_batches_in_one_class_do_not_meet(submitted: Path, log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with storage.locked(submitted / ".tlcourse" / "grading"):
        assert main(["grade", str(submitted)]) == 1
    assert "Another `tlcourse grade` is at work in" in capsys.readouterr().err
    assert times_graded(log) == {}


def test_a_machine_that_cannot_grade_says_so_before_anything_starts(
    submitted: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "ENGINE", "stand_in:Refusing")
    assert main(["grade", str(submitted), "--workers", "2"]) == 1
    told = capsys.readouterr()
    assert "This machine has no sandbox." in told.err
    assert "Run it on Linux, or add --trust." in told.err
    assert "NOT GRADED" not in told.out


@pytest.mark.parametrize("number", ["0", "-1", "two"])
def test_a_number_of_workers_that_is_none_is_refused(
    number: str, room: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["grade", str(room), f"--workers={number}"])
    assert "use 1 or more" in capsys.readouterr().err


class Cluster:
    """A Dask cluster that somebody else started."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._processes: list[subprocess.Popen[bytes]] = []
        file = folder / "scheduler.json"
        self.scheduler = self._start(
            "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(file)
        )
        while not (file.exists() and file.read_text().endswith("}")):
            assert self.scheduler.poll() is None, (folder / "log.txt").read_text()
            time.sleep(0.05)
        self.address: str = json.loads(file.read_text())["address"]

    def add_worker(self, **env: str) -> subprocess.Popen[bytes]:
        """Start a worker."""
        return self._start("worker", self.address, "--nthreads", "1", "--no-dashboard", **env)

    def desks(self) -> list[str]:
        """What grading has put on the workers."""
        with distributed.Client(self.address, set_as_default=False) as client:
            plugins = client.run(lambda dask_worker: list(dask_worker.plugins)).values()
        return [name for names in plugins for name in names if name.startswith("tlcourse")]

    def stop(self) -> None:
        """End all of it."""
        for process in reversed(self._processes):
            process.terminate()
        for process in self._processes:
            process.wait()

    def _start(self, part: str, *arguments: str, **env: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", f"distributed.cli.dask_{part}", *arguments]
        with (self._folder / "log.txt").open("ab") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self._folder, env={**os.environ, **env})
        self._processes.append(process)
        return process


@pytest.fixture
def cluster(tmp_path: Path, log: Path) -> Iterator[Cluster]:
    """A scheduler without workers."""
    folder = tmp_path / "cluster"
    folder.mkdir()
    cluster = Cluster(folder)
    yield cluster
    cluster.stop()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits long for a cluster."""
    monkeypatch.setattr("tlcourse.grading.workers.CONNECTING", 1.0)


def test_a_running_cluster_gives_the_same_gradebook(
    submitted: Path, undisturbed: dict[str, Any], log: Path, cluster: Cluster
) -> None:
    cluster.add_worker()
    cluster.add_worker()
    assert main(["grade", str(submitted), "--cluster", cluster.address]) == 0
    assert everything(submitted) == undisturbed
    assert times_graded(log) == Counter(LEARNERS)
    assert cluster.desks() == []


def test_a_batch_on_a_cluster_that_was_killed_leaves_nothing_there(submitted: Path, cluster: Cluster) -> None:
    cluster.add_worker()
    with started("grade", submitted, "--cluster", cluster.address) as process:
        after_lines(process, 1)
        assert len(cluster.desks()) == 1
    eventually(lambda: cluster.desks() == [])


def test_a_cluster_that_goes_away_is_named_and_another_goes_on(
    submitted: Path, undisturbed: dict[str, Any], log: Path, cluster: Cluster
) -> None:
    cluster.add_worker()
    with started("grade", submitted, "--cluster", cluster.address) as process:
        after_lines(process, 3)
        cluster.stop()
        out, _ = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "The cluster has gone." in out
    assert "Traceback" not in out
    assert main(["grade", str(submitted), "--workers", "2"]) == 0
    assert everything(submitted) == undisturbed


def test_workers_of_another_version_are_named_before_anything_starts(
    submitted: Path, log: Path, cluster: Cluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    about = tmp_path / "newer" / "tlcourse-9.9.dist-info" / "METADATA"
    about.parent.mkdir(parents=True)
    about.write_text("Metadata-Version: 2.1\nName: tlcourse\nVersion: 9.9\n")
    cluster.add_worker(PYTHONPATH=str(tmp_path / "newer"))
    assert main(["grade", str(submitted), "--cluster", cluster.address]) == 1
    told = capsys.readouterr().err
    assert "1 of 1 workers of the cluster cannot grade" in told
    assert "has tlcourse 9.9" in told
    assert times_graded(log) == {}


@pytest.mark.usefixtures("impatient")
def test_a_cluster_without_workers_is_named(
    submitted: Path, cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["grade", str(submitted), "--cluster", cluster.address]) == 1
    told = capsys.readouterr().err
    assert "has no workers" in told
    assert f"dask worker {cluster.address}" in told


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nonsense://"])
def test_an_address_without_a_cluster_is_named(
    submitted: Path, address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["grade", str(submitted), "--cluster", address]) == 1
    assert f"No Dask cluster answers at {address}" in capsys.readouterr().err


def eventually(holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    for _ in range(100):
        if holds():
            return
        time.sleep(0.1)
    raise AssertionError("it never came to hold")
