"""`tlcourse classroom`: a folder that plain nbgrader works in, and that can be brought up to date."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from grading_kit import FIRST, RIGHT, SECOND, hand_in, scores
from nbgrader.apps import AutogradeApp

from tlcourse.authoring.course import is_class
from tlcourse.cli import main
from tlcourse.grading.nbgrading import Course, folder_config

NOTEBOOK = f"solutions/{FIRST}/{FIRST}.ipynb"


@pytest.fixture
def renewed(course: Path, tmp_path: Path) -> Path:
    """A newer version of the course: the first lesson's solution says something else."""
    folder = Path(shutil.copytree(course, tmp_path / "newer"))
    notebook = folder / NOTEBOOK
    notebook.write_text(notebook.read_text().replace("Write `double`.", "Please write `double`."))
    return folder


def test_the_class_gets_the_course_s_own_releases(course: Path, fresh_class: Path) -> None:
    for lesson in (FIRST, SECOND):
        release = f"notebooks/{lesson}/{lesson}.ipynb"
        assert (fresh_class / release).read_bytes() == (course / release).read_bytes()
    assert is_class(fresh_class)
    assert [path.name for path in fresh_class.rglob("*.py")] == ["nbgrader_config.py"]


def test_the_lessons_are_registered_with_their_points(fresh_class: Path) -> None:
    with Course(fresh_class, folder_config(fresh_class)).gradebook() as gradebook:
        assert {assignment.name: assignment.max_score for assignment in gradebook.assignments} == {
            FIRST: 6,
            SECOND: 1,
        }


@pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")
def test_in_a_class_made_before_the_sandbox_nbgrader_grades_as_it_did(
    room: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = room / "nbgrader_config.py"
    config.write_text(config.read_text().partition("# `nbgrader autograde`, and so formgrader")[0])
    hand_in(room, room / "submitted" / "ada" / SECOND / f"{SECOND}.ipynb", RIGHT, SECOND)
    monkeypatch.chdir(room)
    nbgrader = AutogradeApp()
    nbgrader.initialize([SECOND])
    nbgrader.start()
    assert scores(room, SECOND) == {("ada", "check-half"): 1.0}


def test_the_gradebook_may_stand_elsewhere(course: Path, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'grades.db'}"
    assert main(["classroom", str(tmp_path / "autumn"), "--root", str(course), "--db", url]) == 0
    found = Course(tmp_path / "autumn", folder_config(tmp_path / "autumn"))
    assert found.directory.db_url == url
    with found.gradebook() as gradebook:
        assert {assignment.name for assignment in gradebook.assignments} == {FIRST, SECOND}
    assert not (tmp_path / "autumn" / "gradebook.db").exists()


def test_a_gradebook_that_cannot_be_reached_leaves_no_class(
    course: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = "postgresql://teacher:hush@127.0.0.1:1/grades"
    assert main(["classroom", str(tmp_path / "autumn"), "--root", str(course), "--db", url]) == 1
    said = capsys.readouterr().err
    assert "The gradebook postgresql://teacher:***@127.0.0.1:1/grades cannot be used" in said
    assert "hush" not in said
    assert not (tmp_path / "autumn").exists()


def test_a_second_run_changes_nothing(course: Path, room: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {path: path.read_bytes() for path in room.rglob("*") if path.is_file()}
    assert main(["classroom", str(room), "--root", str(course)]) == 0
    assert f"{FIRST}: unchanged" in capsys.readouterr().out
    assert {path: path.read_bytes() for path in room.rglob("*") if path.is_file()} == before


def test_a_newer_course_renews_releases_and_keeps_what_was_handed_in(
    renewed: Path, room: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    submitted = hand_in(room, room / "submitted" / "ada" / FIRST / f"{FIRST}.ipynb", RIGHT)
    assert main(["grade", str(room)]) == 0
    before, earned = submitted.read_bytes(), scores(room, FIRST)
    (room / "nbgrader_config.py").open("a").write("\n# ours\n")
    capsys.readouterr()
    assert main(["classroom", str(room), "--root", str(renewed)]) == 0
    told = capsys.readouterr().out
    assert f"{FIRST}: updated" in told
    assert f"{SECOND}: unchanged" in told
    assert "Please write" in (room / "notebooks" / FIRST / f"{FIRST}.ipynb").read_text()
    assert submitted.read_bytes() == before
    assert scores(room, FIRST) == earned
    assert (room / "nbgrader_config.py").read_text().endswith("# ours\n")

    # Other exercises would make nbgrader throw the release away: the lesson stays as it was.
    notebook = renewed / NOTEBOOK
    notebook.write_text(notebook.read_text().replace("check-primes", "check-composites"))
    assert main(["classroom", str(room), "--root", str(renewed)]) == 0
    assert f"{FIRST}: kept as it was" in capsys.readouterr().out
    assert "check-primes" in (room / "notebooks" / FIRST / f"{FIRST}.ipynb").read_text()


def test_a_folder_with_something_else_is_refused(
    course: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    assert main(["classroom", str(tmp_path), "--root", str(course)]) == 1
    assert "is not empty and is not a class" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_file_in_place_of_the_folder_is_refused(
    course: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "autumn").write_text("a file")
    assert main(["classroom", str(tmp_path / "autumn"), "--root", str(course)]) == 1
    assert "is a file" in capsys.readouterr().err
    assert main(["classroom", str(tmp_path / "autumn" / "class"), "--root", str(course)]) == 1
    assert "a file stands where a folder is needed" in capsys.readouterr().err


def test_a_course_without_solutions_cannot_make_a_class(
    renewed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(renewed / "solutions")
    assert main(["classroom", str(tmp_path / "autumn"), "--root", str(renewed)]) == 1
    assert "has no solution notebook" in capsys.readouterr().err
