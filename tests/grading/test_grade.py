"""`tlcourse grade`: what a class gets, and what happens to what cannot be graded."""

from __future__ import annotations

import contextlib
import csv
import errno
import importlib
import io
import json
import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import plain_course
import pytest
import stand_in
from grading_kit import CHECKOUT, FIRST, PARTIAL, RIGHT, SECOND, WRONG, hand_in, released, scores
from nbgrader.apps import AutogradeApp

from tlcourse import extras
from tlcourse.cli import main
from tlcourse.grading import batch, tasks
from tlcourse.grading.live import Lines

# SQLAlchemy warns about nbgrader's own models.
pytestmark = pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")


@dataclass(frozen=True)
class Graded:
    """A class after one batch: the command's status, what it printed and what it wrote."""

    room: Path
    status: int
    out: str
    rows: list[dict[str, str]]
    data: dict[str, Any]

    def not_graded(self, name: str) -> str:
        """What was said of something that was not graded."""
        return next(f"{item['fault']}. {item['cure']}" for item in self.data["not_graded"] if item["name"] == name)

    def score(self, student: str, exercise: str) -> tuple[float, float]:
        """Points earned and points possible, from the CSV."""
        row = next(row for row in self.rows if (row["learner"], row["exercise"]) == (student, exercise))
        return float(row["score"]), float(row["max_score"])


@pytest.fixture(scope="module")
def graded(fresh_class: Path, tmp_path_factory: pytest.TempPathFactory) -> Graded:
    """Nine learners in nbgrader's own layout; five of them cannot be graded."""
    room = Path(shutil.copytree(fresh_class, tmp_path_factory.mktemp("graded") / "autumn"))
    submitted = room / "submitted"
    for student, answers in {"ada": RIGHT, "Bob Ng": WRONG, "cyd": PARTIAL}.items():
        hand_in(room, submitted / student / FIRST / f"{FIRST}.ipynb", answers)
    notebook = hand_in(room, submitted / "=gil" / SECOND / f"{SECOND}.ipynb", RIGHT, SECOND)
    damaged = submitted / "dan" / FIRST / f"{FIRST}.ipynb"
    damaged.parent.mkdir(parents=True)
    damaged.write_bytes(b"\x00" + notebook.read_bytes()[:400])
    foreign = submitted / "eve" / FIRST / f"{FIRST}.ipynb"
    foreign.parent.mkdir(parents=True)
    foreign.write_text(json.dumps({"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    shutil.copytree(submitted / "ada" / FIRST, submitted / "ada" / "07-no-lesson")
    hand_in(room, submitted / "fay" / FIRST / f"{FIRST}.ipynb", RIGHT, SECOND)
    hand_in(room, submitted / "gus [2]" / FIRST / f"{FIRST}.ipynb", RIGHT)
    (submitted / "hal" / FIRST).mkdir(parents=True)
    (submitted / "hal" / FIRST / f"{FIRST}.ipynb").symlink_to(room / "solutions" / FIRST / f"{FIRST}.ipynb")
    with contextlib.redirect_stdout(io.StringIO()) as out:
        status = main(["grade", str(submitted), "--csv", str(room / "s.csv"), "--json", str(room / "s.json")])
    rows = list(csv.DictReader((room / "s.csv").open()))
    return Graded(room, status, out.getvalue(), rows, json.loads((room / "s.json").read_text()))


def test_right_wrong_and_partly_right(graded: Graded) -> None:
    assert graded.score("ada", "double") == (1, 1)
    assert graded.score("ada", "primes") == (2, 2)
    assert graded.score("Bob Ng", "double") == (0, 1)
    assert graded.score("Bob Ng", "primes") == (0, 2)
    assert graded.score("cyd", "primes") == (1, 2)


def test_a_name_is_no_formula_in_a_spreadsheet(graded: Graded) -> None:
    assert graded.score("'=gil", "half") == (1, 1)
    assert graded.data["lessons"][1]["learners"][0]["learner"] == "=gil"


def test_a_table_shows_learners_and_exercises(graded: Graded) -> None:
    lines = [line.split() for line in graded.out.splitlines()]
    assert ["cyd", "1", "1", "0", "2"] in lines
    assert ["primes", "1.00", "of", "2", "1", "of", "3"] in [line[:7] for line in lines]
    assert ["cyd", "2", "–", "2"] in lines


def test_how_each_exercise_ended_is_told(graded: Graded) -> None:
    verdicts = {(row["learner"], row["exercise"]): row["verdict"] for row in graded.rows}
    assert verdicts["ada", "primes"] == "right"
    assert verdicts["Bob Ng", "double"] == "wrong"
    assert verdicts["cyd", "primes"] == "partial"
    assert verdicts["cyd", "why"] == "wrong", "nothing was answered"
    lesson = graded.data["lessons"][0]
    assert [exercise["id"] for exercise in lesson["exercises"]] == ["double", "primes", "why"]
    assert [exercise["mean"] for exercise in lesson["exercises"]] == pytest.approx([2 / 3, 1, 0])


def test_what_the_checks_found_is_told(
    room: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "ENGINE", stand_in.ENGINE)
    hand_in(room, room / "submitted" / "cyd" / FIRST / f"{FIRST}.ipynb", PARTIAL)
    assert main(["grade", str(room), "--csv", str(tmp_path / "s.csv"), "--json", str(tmp_path / "s.json")]) == 0
    assert ["primes", "0.00", "of", "2", "0", "of", "1", "not-yet", "(1)"] in [
        line.split() for line in capsys.readouterr().out.splitlines()
    ]
    row = list(csv.DictReader((tmp_path / "s.csv").open()))[1]
    assert (row["exercise"], row["finding_codes"], row["finding_messages"]) == ("primes", "not-yet", "Not yet.")
    primes = json.loads((tmp_path / "s.json").read_text())["lessons"][0]["learners"][0]["exercises"][1]
    assert primes["findings"] == [{"code": "not-yet", "message": "Not yet."}]


def test_what_cannot_be_graded_is_named_with_a_cure_and_the_rest_is_graded(graded: Graded) -> None:
    assert graded.status == 1
    assert len(graded.data["not_graded"]) == 6
    assert "damaged" in graded.not_graded(f"dan/{FIRST}")
    assert "Ask for the file again" in graded.not_graded(f"dan/{FIRST}")
    assert "not the course's notebook" in graded.not_graded(f"eve/{FIRST}")
    assert f"this is not the notebook of {FIRST}: its marks are answer-half" in graded.not_graded(f"fay/{FIRST}")
    assert f"this class has {FIRST}, {SECOND}" in graded.not_graded("ada/07-no-lesson")
    assert "which nbgrader cannot find. Rename it" in graded.not_graded("gus [2]")
    assert "it is a link" in graded.not_graded(f"hal/{FIRST}")
    assert "dan 01-first-steps: NOT GRADED" in graded.out


def test_nbgrader_s_own_autograde_gives_the_same_gradebook(
    graded: Graded, fresh_class: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = Path(shutil.copytree(fresh_class, tmp_path / "plain"))
    # Without the class's own configuration, which would have nbgrader grade as we do.
    shutil.copy(CHECKOUT / "nbgrader_config.py", plain)
    for student in ("ada", "Bob Ng", "cyd"):
        shutil.copytree(graded.room / "submitted" / student / FIRST, plain / "submitted" / student / FIRST)
    monkeypatch.chdir(plain)
    nbgrader = AutogradeApp()
    nbgrader.initialize([FIRST])
    nbgrader.start()
    assert scores(plain, FIRST) == scores(graded.room, FIRST)
    assert len(scores(plain, FIRST)) == 9


def test_only_what_changed_is_graded_again(graded: Graded, capsys: pytest.CaptureFixture[str]) -> None:
    changed = hand_in(graded.room, graded.room / "submitted" / "Bob Ng" / FIRST / f"{FIRST}.ipynb", RIGHT)
    later = time.time() + 5
    os.utime(changed, (later, later))
    assert main(["grade", str(graded.room), "--lesson", "1"]) == 1
    told = capsys.readouterr().out
    assert "ada 01-first-steps: unchanged since it was graded" in told
    assert "Bob Ng 01-first-steps: 3 of 6 points, graded in" in told
    assert "=gil" not in told
    assert scores(graded.room, FIRST)["Bob Ng", "check-primes"] == 2


def test_loose_files_are_taken_into_the_class(room: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    loose = tmp_path / "downloads"
    hand_in(room, loose / f"ada_{SECOND} (1).ipynb", RIGHT, SECOND)
    hand_in(room, loose / "bob" / f"{SECOND}.ipynb", {}, SECOND)
    hand_in(room, loose / "notes.ipynb", RIGHT, SECOND)
    (loose / "all.zip").write_bytes(b"PK")
    assert main(["grade", str(loose), "--into", str(room)]) == 1
    assert scores(room, SECOND) == {("ada", "check-half"): 1.0, ("bob", "check-half"): 0.0}
    assert (room / "submitted" / "ada" / SECOND / f"{SECOND}.ipynb").is_file()
    told = capsys.readouterr().out
    assert "notes.ipynb: its name is not that of a lesson" in told
    assert "all.zip: this is an archive. Unpack it first." in told


def test_a_doubled_or_missing_check_is_mended_and_named(room: Path, capsys: pytest.CaptureFixture[str]) -> None:
    notebook = released(room, FIRST)
    check = next(cell for cell in notebook["cells"] if cell["id"] == "check-double")
    doubled = room / "submitted" / "ada" / FIRST / f"{FIRST}.ipynb"
    doubled.parent.mkdir(parents=True)
    doubled.write_text(json.dumps(notebook | {"cells": [*notebook["cells"], check | {"id": "copy"}]}))
    lacking = room / "submitted" / "bob" / FIRST / f"{FIRST}.ipynb"
    lacking.parent.mkdir(parents=True)
    lacking.write_text(json.dumps(notebook | {"cells": [cell for cell in notebook["cells"] if cell is not check]}))
    assert main(["grade", str(room)]) == 0
    told = capsys.readouterr().out
    assert f"Note: ada {FIRST}:" in told
    assert f"Note: bob {FIRST}:" in told
    assert scores(room, FIRST)["ada", "check-double"] == 0


def all_hand_in(room: Path, *students: str) -> None:
    """Right answers of each."""
    for student in students:
        hand_in(room, room / "submitted" / student / FIRST / f"{FIRST}.ipynb", RIGHT)


def test_a_submission_that_cannot_be_recorded_does_not_keep_the_rest_from_it(
    room: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "ENGINE", stand_in.ENGINE)
    all_hand_in(room, "ada", "bob", "cyd")
    timestamp = room / "submitted" / "bob" / FIRST / "timestamp.txt"
    timestamp.write_text("yesterday, I think")
    assert main(["grade", str(room), "--workers", "1"]) == 1
    assert {student for student, _ in scores(room, FIRST)} == {"ada", "cyd"}
    assert "timestamp.txt holds no time" in capsys.readouterr().out
    timestamp.write_text("2026-10-05 18:30:00 UTC")
    assert main(["grade", str(room), "--workers", "1"]) == 0
    assert scores(room, FIRST)["bob", "check-primes"] == 2


def files_in(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_a_resubmission_takes_the_place_of_the_one_before_it(
    room: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it lacks is gone, and a file may have become a folder, or a folder a file."""
    monkeypatch.setattr(tasks, "ENGINE", stand_in.ENGINE)
    incoming, staged = tmp_path / "incoming", room / "submitted" / "ada" / FIRST
    for files in ({"data", "helper.py", "\U0001f600" * 63}, {"data/x.csv"}, {"data"}):
        shutil.rmtree(incoming, ignore_errors=True)
        notebook = hand_in(room, incoming / "ada" / FIRST / f"{FIRST}.ipynb", RIGHT)
        for name in files:
            path = notebook.parent / name
            path.parent.mkdir(exist_ok=True)
            path.write_text("1")
        assert main(["grade", str(incoming), "--into", str(room)]) == 0
        assert files_in(staged) == {f"{FIRST}.ipynb", *files}
        assert [path.name for path in staged.parent.iterdir()] == [FIRST]


def test_a_place_that_is_taken_keeps_only_its_learner_from_a_grade(
    room: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "ENGINE", stand_in.ENGINE)
    all_hand_in(room, "ada", "bob", "cyd")
    (room / "autograded").mkdir()
    (room / "autograded" / "bob").write_text("in the way")
    assert main(["grade", str(room), "--workers", "1"]) == 1
    assert {student for student, _ in scores(room, FIRST)} == {"ada", "cyd"}
    assert f"bob {FIRST}: NOT GRADED: Cannot write" in capsys.readouterr().out


@pytest.mark.skipif(not hasattr(os, "O_NOFOLLOW"), reason="this system cannot refuse links when it opens a file")
def test_a_file_that_becomes_a_link_while_it_is_read_leads_nowhere(
    room: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "ENGINE", stand_in.ENGINE)
    all_hand_in(room, "ada", "bob")
    (tmp_path / "secret.txt").write_text("the seed")
    (room / "submitted" / "bob" / FIRST / "data.txt").symlink_to(tmp_path / "secret.txt")
    # Whoever looked saw the file that it was.
    monkeypatch.setattr(Path, "is_symlink", lambda path: False)
    assert main(["grade", str(room)]) == 1
    assert {student for student, _ in scores(room, FIRST)} == {"ada"}
    assert f"bob {FIRST}: NOT GRADED: data.txt cannot be opened" in capsys.readouterr().out


class Absconding(Lines):
    """A learner takes the notebook away between the first look at it and its turn."""

    def __init__(self, notebook: Path) -> None:
        super().__init__()
        self._notebook = notebook

    def begin(self, total: int, left: int) -> None:
        super().begin(total, left)
        self._notebook.unlink()


@pytest.mark.parametrize("others", [[], ["bob", "cyd"]], ids=["alone", "beside others"])
def test_a_notebook_that_goes_away_before_its_turn_gets_no_score(
    room: Path, monkeypatch: pytest.MonkeyPatch, others: list[str]
) -> None:
    monkeypatch.setattr(tasks, "ENGINE", stand_in.ENGINE)
    all_hand_in(room, *others)
    notebook = hand_in(room, room / "submitted" / "ada" / FIRST / f"{FIRST}.ipynb", RIGHT)
    done = batch.grade(room, None, batch.Options(workers=1), Absconding(notebook))
    assert [(item.name, item.fault) for item in done.not_graded] == [(f"ada/{FIRST}", "its notebook is gone")]
    assert {student for student, _ in scores(room, FIRST)} == set(others)


def test_a_full_disk_stops_the_batch(
    room: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(tasks, "ENGINE", stand_in.ENGINE)
    hand_in(room, tmp_path / "incoming" / "ada" / FIRST / f"{FIRST}.ipynb", RIGHT)
    monkeypatch.setattr(os, "fsync", refuse)
    assert main(["grade", str(tmp_path / "incoming"), "--into", str(room)]) == 1
    told = capsys.readouterr()
    assert "the disk is full" in told.err
    assert "NOT GRADED" not in told.out


def test_a_lesson_with_several_notebooks_is_graded_as_one(tmp_path: Path) -> None:
    course = plain_course.make(tmp_path / "plain")
    answers = {"double": "def double(x):\n    return x + x", "half": "half = 21"}
    plain_course.hand_in(course, "ada", answers)
    plain_course.hand_in(course, "bob", answers, second=False)
    assert main(["grade", str(course.root)]) == 0
    with course.gradebook() as gradebook:
        points = {
            (student, name): gradebook.find_grade(name, notebook, plain_course.LESSON, student).auto_score
            for student in ("ada", "bob")
            for name, notebook in (("test", plain_course.FIRST), ("partial", plain_course.SECOND))
        }
    assert points == {("ada", "test"): 2, ("ada", "partial"): 0.5, ("bob", "test"): 2, ("bob", "partial"): 0}


def test_where_there_is_no_class_the_way_to_one_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "incoming").mkdir()
    assert main(["grade", str(tmp_path / "incoming")]) == 1
    assert "tlcourse classroom DIR" in capsys.readouterr().err
    assert main(["grade", str(tmp_path / "incoming"), "--into", str(tmp_path)]) == 1
    assert "tlcourse classroom DIR" in capsys.readouterr().err


def test_wrong_folders_and_lessons_are_named(room: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["grade", str(room / "nowhere"), "--into", str(room)]) == 1
    assert "There is no folder" in capsys.readouterr().err
    assert main(["grade", str(room), "--lesson", "9"]) == 1
    assert f"Its lessons are: {FIRST}, {SECOND}." in capsys.readouterr().err
    assert main(["grade", str(room)]) == 0
    assert "nothing to grade" in capsys.readouterr().out


def test_a_disk_that_refuses_the_tables_is_a_clear_fault(room: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (room / "file").write_text("in the way")
    assert main(["grade", str(room), "--csv", str(room / "file" / "scores.csv")]) == 1
    assert "a file stands where a folder is needed" in capsys.readouterr().err


def test_a_gradebook_that_is_damaged_is_a_clear_fault(room: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (room / "gradebook.db").write_bytes(b"no database" * 100)
    assert main(["grade", str(room)]) == 1
    assert "gradebook" in capsys.readouterr().err


def test_without_nbgrader_the_cure_is_told(
    room: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def without_nbgrader(name: str) -> ModuleType:
        if name.startswith("nbgrader"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return importlib.import_module(name)

    monkeypatch.setattr(extras, "importlib", SimpleNamespace(import_module=without_nbgrader))
    assert main(["grade", str(room)]) == 1
    assert "pip install 'tlcourse[grading]'" in capsys.readouterr().err
