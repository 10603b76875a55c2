"""The class of invented capstones: made by its command, graded by the engine, the reports left to a person."""

from __future__ import annotations

from pathlib import Path

import pytest

from tlcourse.authoring import course as courses
from tlcourse.cli import main
from tlcourse.grading import Release, example_class, grade
from tlcourse.grading.example_capstones import CAPSTONES
from tlcourse.grading.nbgrading import Course, user_config
from tlcourse.transfer import baselines

pytestmark = pytest.mark.usefixtures("sandboxed")

CHECKOUT = Path(__file__).resolve().parents[2]
LESSON = "14-ship-it"


@pytest.fixture(scope="module")
def practice(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole class, as `tlcourse capstone example-class` makes it."""
    folder = tmp_path_factory.mktemp("example") / "practice"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(baselines, "SCRATCH_STEPS", 10)
        assert main(["capstone", "example-class", str(folder), "--root", str(CHECKOUT)]) == 0
    return folder


def test_eight_people_handed_in_and_one_brought_a_folder(practice: Path) -> None:
    assert {path.name for path in (practice / "submitted").iterdir()} == {one.learner for one in CAPSTONES}
    assert (practice / "submitted" / "gus" / LESSON / "predictions.csv").is_file()
    assert (practice / ".tlcourse" / "held-out" / "keepsakes.json").is_file()
    assert len({one.about for one in CAPSTONES}) == len(CAPSTONES) == 8


@pytest.mark.parametrize("capstone", CAPSTONES, ids=lambda one: one.learner)
def test_the_engine_gives_the_points_and_leaves_the_report_to_a_person(capstone, practice: Path) -> None:
    room = Course(practice, user_config(practice))
    handed_in = practice / "submitted" / capstone.learner / LESSON
    release = Release.of_class(room, LESSON)
    files = {path.name: path.read_bytes() for path in handed_in.glob("*.csv")}
    result = grade(handed_in / f"{LESSON}.ipynb", Release(**{**vars(release), "files": files, "timeout": 120.0}))
    found = {question.name: question for question in result.questions}
    assert found["check-capstone"].points == capstone.points, found["check-capstone"]
    assert found["written-report"].verdict == "hand" and found["written-report"].max_points == 6
    rubric = next(cell for cell in result.notebook["cells"] if cell["id"] == "rubric-report")
    assert "**How the report is graded**" in rubric["source"] and rubric["metadata"]["nbgrader"]["locked"]


def test_a_folder_that_holds_something_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.txt").write_text("!")
    assert main(["capstone", "example-class", str(tmp_path), "--root", str(CHECKOUT)]) == 1
    assert "is not empty" in capsys.readouterr().err


def test_a_lesson_without_a_capstone_is_refused(tmp_path: Path) -> None:
    root = courses.find_root(CHECKOUT)
    solution = courses.find_lesson(root, "01").solution
    with pytest.raises(Exception, match="has no cell answer-capstone, written-report"):
        list(example_class.make(tmp_path / "new", solution, root, courses.CLASS_MARK))
