"""Other points than the course's: said once in a class's configuration, and everything follows."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import stand_in
from grading_kit import FIRST, PARTIAL, RIGHT, SECOND, hand_in, released

from tlcourse.cli import main
from tlcourse.grading import tasks
from tlcourse.grading.nbgrading import Course, user_config

pytestmark = pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")

NOTEBOOK = f"{FIRST}/{FIRST}.ipynb"


def set_points(room: Path, points: str) -> None:
    """Write the line into a class's configuration that its guide names, in place of an earlier one."""
    config = room / "nbgrader_config.py"
    rest = [line for line in config.read_text().splitlines() if not line.startswith("c.Tlcourse")]
    config.write_text("\n".join([*rest, f"c.Tlcourse.points = {points}", ""]))


def bring(room: Path, course: Path, *more: str) -> int:
    return main(["classroom", str(room), "--root", str(course), *more])


def graded(room: Path) -> dict[str, tuple[float, float]]:
    """Grade a class of one learner: the points earned and possible, by exercise."""
    assert main(["grade", str(room), "--lesson", "1", "--csv", str(room / "scores.csv")]) == 0
    with (room / "scores.csv").open() as file:
        return {row["exercise"]: (float(row["score"]), float(row["max_score"])) for row in csv.DictReader(file)}


@pytest.fixture
def stand_in_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "ENGINE", stand_in.ENGINE)


def cell(notebook: Any, name: str) -> Any:
    return next(cell for cell in notebook["cells"] if cell["id"] == name)


def said_of_task(room: Path, name: str) -> str:
    """The line of a task that tells minutes, difficulty and points."""
    return next(line for line in cell(released(room, FIRST), f"task-{name}")["source"] if "difficulty" in line)


def test_the_release_and_the_gradebook_follow(room: Path, course: Path) -> None:
    set_points(room, '{"primes": 5, "why": 1.5}')
    assert bring(room, course) == 0
    release = released(room, FIRST)
    assert cell(release, "check-primes")["metadata"]["nbgrader"]["points"] == 5
    assert "· 5 points**" in said_of_task(room, "primes") and "· 1 point**" in said_of_task(room, "double")
    with Course(room, user_config(room)).gradebook() as gradebook:
        found = {one.name: one.max_score for one in gradebook.find_notebook(FIRST, FIRST).grade_cells}
    assert found == {"check-double": 1, "check-primes": 5, "written-why": 1.5}


@pytest.mark.usefixtures("sandboxed")
def test_points_that_change_after_grading(room: Path, course: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Half an answer earns half, nobody is told to have changed a mark, and a person's score is pointed out."""
    hand_in(room, room / "submitted" / "ada" / NOTEBOOK, PARTIAL)
    written = json.loads((room / "submitted" / "ada" / NOTEBOOK).read_text())
    cell(written, "written-why")["source"] = "Because it is twice."
    (room / "submitted" / "ada" / NOTEBOOK).write_text(json.dumps(written))
    assert graded(room)["primes"] == (1, 2)
    with Course(room, user_config(room)).gradebook() as gradebook:
        gradebook.find_grade("written-why", FIRST, FIRST, "ada").manual_score = 3
        gradebook.db.commit()
    set_points(room, '{"primes": 5, "why": 6, "double": 0}')
    capsys.readouterr()
    assert bring(room, course) == 0
    assert f"{FIRST}: updated. A person scored why when other points were to be had" in capsys.readouterr().out
    assert graded(room) == {"double": (0, 0), "primes": (2.5, 5), "why": (3, 6)}
    assert "Note:" not in capsys.readouterr().out


def test_a_late_penalty_counts_the_new_points(room: Path, course: Path, stand_in_engine: None) -> None:
    set_points(room, '{"primes": 10}\nc.LateSubmissionPlugin.penalty_method = "zero"')
    assert bring(room, course) == 0
    with Course(room, user_config(room)).gradebook() as gradebook:
        gradebook.update_or_create_assignment(FIRST, duedate="2026-01-01 12:00:00 UTC")
    handed_in = hand_in(room, room / "submitted" / "ada" / NOTEBOOK, RIGHT)
    (handed_in.parent / "timestamp.txt").write_text("2026-01-02 12:00:00 UTC")
    graded(room)
    with Course(room, user_config(room)).gradebook() as gradebook:
        assert gradebook.find_submission_notebook(FIRST, FIRST, "ada").late_submission_penalty == 11


def test_an_update_of_the_course_keeps_them_and_taking_them_back_is_taking_the_line_out(
    room: Path, course: Path, tmp_path: Path
) -> None:
    before = (room / "notebooks" / NOTEBOOK).read_bytes()
    newer = Path(shutil.copytree(course, tmp_path / "newer"))
    solution = newer / "solutions" / NOTEBOOK
    solution.write_text(solution.read_text().replace("Write `double`.", "Please write `double`."))
    set_points(room, '{"double": 7}')
    assert bring(room, newer) == 0
    assert "· 7 points**" in said_of_task(room, "double")
    assert "Please write" in (room / "notebooks" / NOTEBOOK).read_text()
    set_points(room, "{}")
    assert bring(room, course) == 0
    assert (room / "notebooks" / NOTEBOOK).read_bytes() == before


def test_a_lesson_that_stays_as_it_was_gets_them_too(
    room: Path, course: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], stand_in_engine: None
) -> None:
    hand_in(room, room / "submitted" / "ada" / NOTEBOOK, RIGHT)
    assert graded(room)["primes"] == (2, 2)
    newer = Path(shutil.copytree(course, tmp_path / "newer"))
    solution = newer / "solutions" / NOTEBOOK
    solution.write_text(solution.read_text().replace("check-primes", "check-composites"))
    set_points(room, '{"primes": 8}')
    assert bring(room, newer) == 0
    assert f"{FIRST}: kept as it was" in capsys.readouterr().out
    assert graded(room)["primes"] == (8, 8)


def test_a_lesson_that_was_left_out_stays_out(course: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    room = tmp_path / "spring"
    assert bring(room, course, "--lesson", "1") == 0
    assert bring(room, course) == 0
    assert f"{SECOND}: not in this class; --lesson {SECOND} takes it in" in capsys.readouterr().out
    assert bring(room, course, "--lesson", SECOND) == 0
    assert (room / "notebooks" / SECOND).is_dir()


@pytest.mark.parametrize(
    "points, told",
    [
        ('{"prime": 5}', "names 'prime', which is no exercise of this class. Did you mean primes?"),
        ('{"nothing-like-it": 5}', "Did you mean double or half or primes or why?"),
        ('{"primes": -1}', "gives 'primes' -1 points. Give it a number, 0 or more."),
        ('{"primes": "5"}', "gives 'primes' '5' points"),
        ('{"primes": True}', "gives 'primes' True points"),
        ('{"primes": float("nan")}', "gives 'primes' nan points"),
        ("5", 'is 5. Write it so: c.Tlcourse.points = {"chance_accuracy": 3}'),
    ],
)
def test_what_is_not_understood_changes_nothing(
    room: Path, course: Path, capsys: pytest.CaptureFixture[str], points: str, told: str
) -> None:
    set_points(room, points)
    before = {path: path.read_bytes() for path in room.rglob("*") if path.is_file()}
    assert bring(room, course) == 1
    assert told in " ".join(capsys.readouterr().err.split())
    assert {path: path.read_bytes() for path in room.rglob("*") if path.is_file()} == before
