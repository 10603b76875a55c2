"""nbgrader's own commands in a class, and formgrader's button: they grade with our engine."""

from __future__ import annotations

import base64
import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import plain_course
import pytest
import stand_in
from grading_kit import FIRST as LESSON
from grading_kit import RIGHT, WRONG, hand_in, scores
from nbgrader.apps import AutogradeApp, GenerateFeedbackApp
from nbgrader.apps.api import NbGraderAPI
from nbgrader.coursedir import CourseDirectory

from tlcourse import grading, sandbox
from tlcourse.cli import main
from tlcourse.grading import cells, tasks
from tlcourse.grading.classroom import engine_config
from tlcourse.grading.desk import classes
from tlcourse.grading.nbgrading import Course, user_config
from tlcourse.grading.release import Release
from tlcourse.grading.verdicts import Question, Result, Verdict

pytestmark = pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")

linux = pytest.mark.skipif(sys.platform != "linux", reason="the sandbox is made of Linux namespaces")


class Asked:
    """In place of the engine: notes what it is asked, and runs nothing."""

    def __init__(self) -> None:
        self.releases: list[Release] = []
        self.notebooks: list[dict[str, Any]] = []
        self.verdict = Verdict.WRONG
        self.error: Exception | None = None
        self.written: dict[str, str] = {}

    def __call__(self, notebook: dict[str, Any], release: Release, *, trust: bool) -> Result:
        self.releases.append(release)
        self.notebooks.append(notebook)
        if self.error:
            raise self.error
        graded = [cell for cell in notebook["cells"] if cells.is_test(cell)]
        for cell in graded:
            said = f"the engine says {self.verdict}"
            page = {"text/html": "<b>shown</b><script>spy()</script>"}
            cell["outputs"] = [
                {"output_type": "display_data", "data": page, "metadata": {}},
                {"output_type": "error", "ename": self.verdict, "evalue": said, "traceback": [said]},
            ]
        return Result(release.lesson, tuple(map(self._question, graded)), notebook=notebook, files=self.written)

    def _question(self, cell: dict[str, Any]) -> Question:
        points = None if self.verdict is Verdict.INTERNAL else 0.0
        return Question(cells.name(cell), self.verdict, points, cells.points(cell) or 0.0)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """An engine that finds every answer wrong."""
    engine = Asked()
    monkeypatch.setattr(grading, "grade", engine)
    return engine


@pytest.fixture(scope="module")
def fresh_plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A plain nbgrader course with our engine in its configuration; tests do not change it."""
    return plain_course.make(tmp_path_factory.mktemp("courses") / "plain", more=engine_config()).root


@pytest.fixture
def plain(fresh_plain: Path, tmp_path: Path) -> Course:
    """Such a course of this test's own."""
    folder = Path(shutil.copytree(fresh_plain, tmp_path / "plain"))
    return Course(folder, user_config(folder))


def formgrader(folder: Path) -> NbGraderAPI:
    """What formgrader's pages and buttons talk to."""
    config = user_config(folder)
    return NbGraderAPI(CourseDirectory(config=config, root=str(folder)), config=config)


def outputs(folder: Path, student: str, lesson: str = LESSON) -> str:
    notebook = nbformat.read(folder / "autograded" / student / lesson / f"{lesson}.ipynb", 4)
    return json.dumps([cell.outputs for cell in notebook.cells if cell.cell_type == "code"])


@linux
def test_formgraders_button_grades_in_the_sandbox(room: Path) -> None:
    """The real engine; a lesson whose check gives part of the points."""
    sandbox.insist()
    hand_in(room, room / "submitted" / "ada" / LESSON / f"{LESSON}.ipynb", RIGHT)
    hand_in(room, room / "submitted" / "bob" / LESSON / f"{LESSON}.ipynb", {**WRONG, "primes": "primes = [5, 6]"})
    clicked = [formgrader(room).autograde(LESSON, student) for student in ("ada", "bob")]
    assert [done["success"] for done in clicked] == [True, True], clicked
    found = scores(room, LESSON)
    assert {cell: found["ada", cell] for cell in ("check-double", "check-primes")} == {
        "check-double": 1.0,
        "check-primes": 2.0,
    }
    assert {cell: found["bob", cell] for cell in ("check-double", "check-primes")} == {
        "check-double": 0.0,
        "check-primes": 1.0,
    }


def test_plain_nbgrader_in_the_folder_asks_the_engine(
    room: Path, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing but the folder: what a person who types `nbgrader autograde LESSON` has."""
    hand_in(room, room / "submitted" / "ada" / LESSON / f"{LESSON}.ipynb", RIGHT)
    monkeypatch.chdir(room)
    nbgrader = AutogradeApp()
    nbgrader.initialize([LESSON])
    nbgrader.start()
    assert scores(room, LESSON)["ada", "check-double"] == 0.0
    assert "the engine says wrong" in outputs(room, "ada")


def test_the_engine_gets_the_files_as_nbgrader_lays_them_out(plain: Course, asked: Asked) -> None:
    """The master over the learner's, and what the learner added."""
    plain_course.hand_in(plain, "ada", {}, second=False)
    assert formgrader(plain.root).autograde(plain_course.LESSON, "ada")["success"]
    assert asked.releases[0].files == {"data.csv": b"1,2,3\n", "notes/own.txt": b"ada was here\n"}


def test_what_the_notebook_wrote_beside_itself_is_kept(plain: Course, asked: Asked) -> None:
    """But for notebooks, of which one may be graded already."""
    handed_in = plain_course.hand_in(plain, "ada", {})
    data = base64.b64encode(b"1,4,9").decode()
    asked.written = {"squares.csv": data, f"{plain_course.FIRST}.ipynb": data}
    assert formgrader(plain.root).autograde(plain_course.LESSON, "ada")["success"]
    graded = plain.folder("autograded", "ada", plain_course.LESSON)
    assert (graded / "squares.csv").read_bytes() == b"1,4,9"
    assert nbformat.read(graded / f"{plain_course.FIRST}.ipynb", 4).cells
    assert not (handed_in / "squares.csv").exists()


def test_a_submission_that_lost_its_marks_is_mended(room: Path, asked: Asked) -> None:
    path = hand_in(room, room / "submitted" / "ada" / LESSON / f"{LESSON}.ipynb", RIGHT)
    notebook = json.loads(path.read_text())
    for cell in notebook["cells"]:
        cell["metadata"] = {}
    path.write_text(json.dumps(notebook))
    done = formgrader(room).autograde(LESSON, "ada")
    assert done["success"], done
    names = {cells.name(cell) for cell in asked.notebooks[0]["cells"]}
    assert {"check-double", "check-primes", "written-why"} <= names


def test_an_empty_notebook_is_one_without_answers(room: Path, asked: Asked) -> None:
    path = hand_in(room, room / "submitted" / "ada" / LESSON / f"{LESSON}.ipynb", {})
    path.write_text(json.dumps(json.loads(path.read_text()) | {"cells": []}))
    done = formgrader(room).autograde(LESSON, "ada")
    assert done["success"], done
    assert "The notebook is empty" in done["log"]
    assert scores(room, LESSON)["ada", "written-why"] == 0.0


def test_a_submission_that_was_cut_off_is_graded_as_far_as_it_can_be_read(room: Path, asked: Asked) -> None:
    path = hand_in(room, room / "submitted" / "ada" / LESSON / f"{LESSON}.ipynb", RIGHT)
    whole = path.read_text()
    path.write_text(whole[: whole.index("primes = [5, 7]")])
    done = formgrader(room).autograde(LESSON, "ada")
    assert done["success"], done
    assert "The file is damaged or was cut off" in done["log"]
    assert RIGHT["double"] in [cell["source"] for cell in asked.notebooks[0]["cells"]]


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"PK\x03\x04", "cannot be graded: it is a zip archive. Unpack it and hand in the notebook in it."),
        (b'{"cells": [{"sou', "cannot be graded: it is damaged"),
        (b"", "cannot be graded: it is empty. Ask for the file again."),
    ],
    ids=["zip", "cut off", "empty"],
)
def test_where_nothing_can_be_read_the_button_says_why(room: Path, asked: Asked, content: bytes, fault: str) -> None:
    hand_in(room, room / "submitted" / "ada" / LESSON / f"{LESSON}.ipynb", {}).write_bytes(content)
    done = formgrader(room).autograde(LESSON, "ada")
    assert not done["success"]
    assert fault in done["log"]
    assert asked.releases == []


def test_what_the_button_graded_is_in_the_report(room: Path, asked: Asked) -> None:
    for student in ("ada", "bob"):
        hand_in(room, room / "submitted" / student / LESSON / f"{LESSON}.ipynb", RIGHT)
        assert formgrader(room).autograde(LESSON, student)["success"]
    (lesson,) = classes.read(room).lessons
    assert lesson.scores.scores["bob"]["double"].verdict is Verdict.WRONG
    asked.verdict = Verdict.TIME
    assert formgrader(room).autograde(LESSON, "bob")["success"]
    (lesson,) = classes.read(room).lessons
    assert [lesson.scores.scores[student]["double"].verdict for student in ("ada", "bob")] == ["wrong", "time"]


def test_the_command_grades_again_what_the_button_graded(
    room: Path, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand_in(room, room / "submitted" / "ada" / LESSON / f"{LESSON}.ipynb", RIGHT)
    assert formgrader(room).autograde(LESSON, "ada")["success"]
    monkeypatch.setattr(tasks, "ENGINE", stand_in.ENGINE)
    assert main(["grade", str(room)]) == 0
    assert scores(room, LESSON)["ada", "check-double"] == 1.0


def test_the_report_has_all_notebooks_that_the_button_graded(plain: Course, asked: Asked) -> None:
    plain_course.hand_in(plain, "ada", {})
    assert formgrader(plain.root).autograde(plain_course.LESSON, "ada")["success"]
    (lesson,) = classes.read(plain.root).lessons
    assert {"p1/test", "p2/partial"} <= lesson.scores.most.keys()


def test_where_the_grader_fails_nothing_is_scored_and_the_button_says_so(room: Path, asked: Asked) -> None:
    asked.verdict = Verdict.INTERNAL
    hand_in(room, room / "submitted" / "ada" / LESSON / f"{LESSON}.ipynb", RIGHT)
    done = formgrader(room).autograde(LESSON, "ada")
    assert not done["success"]
    assert "The grader itself failed at check-double, check-primes. Grade this submission again." in done["log"]
    assert not (room / "autograded" / "ada" / LESSON).exists()
    assert scores(room, LESSON)["ada", "check-double"] is None


def test_without_a_sandbox_nothing_is_run_and_the_button_says_why(room: Path, asked: Asked) -> None:
    asked.error = sandbox.SandboxError("This machine has no user namespaces.", "Ask for them.")
    hand_in(room, room / "submitted" / "ada" / LESSON / f"{LESSON}.ipynb", RIGHT)
    done = formgrader(room).autograde(LESSON, "ada")
    assert not done["success"]
    assert "This machine has no user namespaces. Ask for them." in done["log"]


def test_links_are_not_followed(plain: Course, asked: Asked, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("the seed")
    ada = plain_course.hand_in(plain, "ada", {}, second=False)
    (ada / "innocent.txt").symlink_to(tmp_path / "secret.txt")
    bob = plain_course.hand_in(plain, "bob", {}, second=False)
    (bob / f"{plain_course.FIRST}.ipynb").unlink()
    (bob / f"{plain_course.FIRST}.ipynb").symlink_to(ada / f"{plain_course.FIRST}.ipynb")
    assert formgrader(plain.root).autograde(plain_course.LESSON, "ada")["success"]
    assert "innocent.txt" not in asked.releases[0].files
    assert not list((plain.root / "autograded").rglob("innocent.txt"))
    refused = formgrader(plain.root).autograde(plain_course.LESSON, "bob")
    assert "it is a link, which could lead anywhere" in refused["log"]


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A kernel whose command does not begin with this Python."""
    command = [str(shutil.which("env")), sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    place = tmp_path / "kernels" / "kernels" / "elsewhere"
    place.mkdir(parents=True)
    (place / "kernel.json").write_text(json.dumps({"argv": command, "display_name": "Elsewhere", "language": "python"}))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "kernels"))
    yield "elsewhere"


def test_a_lesson_for_another_kernel_is_run_by_nbgrader_itself(tmp_path: Path, asked: Asked, elsewhere: str) -> None:
    course = plain_course.make(tmp_path / "plain", more=engine_config(), kernel=elsewhere)
    plain_course.hand_in(course, "ada", {"double": "def double(x):\n    return x + x"}, second=False)
    done = formgrader(course.root).autograde(plain_course.LESSON, "ada")
    assert done["success"], done
    assert "No sandbox for this kernel" in done["log"]
    assert asked.releases == []
    with course.gradebook() as gradebook:
        assert gradebook.find_grade("test", plain_course.FIRST, plain_course.LESSON, "ada").auto_score == 2.0


def test_a_learner_cannot_leave_the_sandbox_by_naming_a_kernel(tmp_path: Path, asked: Asked, elsewhere: str) -> None:
    course = plain_course.make(tmp_path / "plain", more=engine_config(), kernel="")
    path = plain_course.hand_in(course, "ada", {}, second=False) / f"{plain_course.FIRST}.ipynb"
    notebook = nbformat.read(path, 4)
    notebook.metadata["kernelspec"] = {"name": elsewhere, "display_name": "Elsewhere", "language": "python"}
    nbformat.write(notebook, path)
    done = formgrader(course.root).autograde(plain_course.LESSON, "ada")
    assert not done["success"]
    assert "it asks for the kernel 'elsewhere'" in done["log"]


def test_outputs_that_were_handed_in_are_scored_where_nbgrader_is_told_so(
    plain: Course, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain_course.hand_in(plain, "ada", {}, second=False)
    monkeypatch.chdir(plain.root)
    nbgrader = AutogradeApp()
    nbgrader.initialize([plain_course.LESSON, "--no-execute"])
    nbgrader.start()
    assert asked.releases == []
    assert plain.folder("autograded", "ada", plain_course.LESSON).is_dir()


def feedback(course: Course, answers: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> str:
    """The page that a learner gets back, by nbgrader's own commands."""
    plain_course.hand_in(course, "ada", answers, second=False)
    assert formgrader(course.root).autograde(plain_course.LESSON, "ada")["success"]
    monkeypatch.chdir(course.root)
    nbgrader = GenerateFeedbackApp()
    nbgrader.initialize([plain_course.LESSON])
    nbgrader.start()
    return (course.folder("feedback", "ada", plain_course.LESSON) / f"{plain_course.FIRST}.html").read_text()


def test_feedback_comes_though_an_attached_picture_is_gone(
    plain: Course, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = feedback(plain, {"why": "Look: <b>here</b> ![](attachment:gone.png)"}, monkeypatch)
    assert "<pre>Look: &lt;b&gt;here&lt;/b&gt; ![](attachment:gone.png)</pre>" in text


def test_feedback_shows_no_hidden_test_and_runs_no_script(
    plain: Course, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The graded notebook keeps the test, for the instructor; a learner's own words about it do no harm."""
    mean = {"double": "### BEGIN HIDDEN TESTS\ndouble = 31415", "why": "Because <script>steal('cookies')</script>."}
    text = feedback(plain, mean, monkeypatch)
    graded = plain.folder("autograded", "ada", plain_course.LESSON) / f"{plain_course.FIRST}.ipynb"
    assert "double(-75)" in graded.read_text()
    assert "the engine says wrong" in text
    assert "-150" not in text
    assert "31415" in text
    assert "<script>steal" not in text
    assert "<script>spy" not in text
    assert "<b>shown</b>" in text
