"""Results in nbgrader's gradebook, in SQLite and in PostgreSQL: what nbgrader itself would have written."""

from __future__ import annotations

import base64
import dataclasses
import itertools
import multiprocessing
import os
import shutil
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import plain_course
import pytest
from nbgrader.preprocessors import NbGraderPreprocessor
from plain_course import FIRST, LESSON, SECOND
from postgres_server import Server, running_server
from sqlalchemy import Connection, Engine, create_engine, event, text

from tlcourse.errors import CourseError, NotebookError
from tlcourse.grading import gradebook
from tlcourse.grading.nbgrading import Course, user_config
from tlcourse.grading.verdicts import Question, Result, Verdict

pytestmark = pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")

RIGHT = {"double": "def double(x):\n    return x + x", "why": "Because.", "half": "half = 21", "drawing": "draw()"}
WRONG = {"double": "def double(x):\n    return x", "why": "Because.", "half": "half = 2"}


@pytest.fixture(scope="module")
def handed_in(tmp_path_factory: pytest.TempPathFactory) -> Course:
    """A class where three learners handed in, and nothing is graded; tests do not change it."""
    course = plain_course.make(tmp_path_factory.mktemp("handed_in") / "course")
    plain_course.hand_in(course, "ada", RIGHT, at="2026-10-01 11:00:00 UTC")
    plain_course.hand_in(course, "bob", WRONG, at="2026-10-01 18:00:00 +0300")
    plain_course.hand_in(course, "cyd", {}, second=False)
    return course


@pytest.fixture(scope="module")
def graded(handed_in: Course, tmp_path_factory: pytest.TempPathFactory) -> Course:
    """The same class, which nbgrader itself has graded; tests do not change it."""
    course = copied(handed_in, tmp_path_factory.mktemp("graded") / "course")
    for student in ("ada", "bob", "cyd"):
        outcome = course.autograde(LESSON, student, force=True)
        assert outcome.ok, outcome.log
    return course


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """PostgreSQL with the same class's gradebook, to be copied."""
    with running_server() as server:
        server.run("CREATE DATABASE released")
        plain_course.make(tmp_path_factory.mktemp("postgresql") / "course", server.url("released"))
        yield server


def copied(course: Course, folder: Path, db_url: str = "") -> Course:
    shutil.copytree(course.root, folder)
    return Course(folder, user_config(folder), db_url)


_numbers = itertools.count()


@pytest.fixture(params=["sqlite", "postgresql"])
def course(request: pytest.FixtureRequest, handed_in: Course, tmp_path: Path) -> Course:
    """A class of the test's own with nothing graded yet, in each kind of database."""
    url = ""
    if request.param == "postgresql":
        server = request.getfixturevalue("server")
        url = server.url(f"course{next(_numbers)}")
        server.run(f"CREATE DATABASE {url.partition('@/')[2].partition('?')[0]} TEMPLATE released")
    return copied(handed_in, tmp_path / "course", url)


@pytest.fixture
def write(graded: Course, course: Course) -> Callable[..., None]:
    """Writes what nbgrader found in a learner's notebooks."""

    def write(student: str, results: list[Result] | None = None, **options: Any) -> None:
        results = results or plain_course.results(graded, student)
        folder = course.folder("submitted", student, LESSON)
        with gradebook.open(course, **options) as book:
            book.write(student, LESSON, results, handed_in=folder)

    return write


def grade(course: Course, name: str, student: str = "ada") -> Any:
    with course.gradebook() as opened:
        return opened.find_grade(name, FIRST, LESSON, student).to_dict()


def manually(course: Course, student: str = "ada", **values: Any) -> None:
    """A person grades the written answer, as formgrader does it."""
    with course.gradebook() as opened:
        row = opened.find_grade("why", FIRST, LESSON, student)
        for name, value in values.items():
            setattr(row, name, value)
        opened.find_comment("why", FIRST, LESSON, student).manual_comment = "Nice."
        opened.db.commit()


def test_a_class_gets_the_rows_and_files_that_nbgrader_gives_it(
    graded: Course, course: Course, write: Callable[..., None]
) -> None:
    for student in ("ada", "bob", "cyd"):
        write(student)
    assert plain_course.rows(course) == plain_course.rows(graded)
    assert plain_course.files(course) == plain_course.files(graded)


def test_a_second_write_changes_nothing(course: Course, write: Callable[..., None]) -> None:
    write("bob")
    before = plain_course.rows(course), plain_course.files(course)
    write("bob")
    assert (plain_course.rows(course), plain_course.files(course)) == before


def test_what_a_person_gave_stays_and_is_to_be_looked_at_again(course: Course, write: Callable[..., None]) -> None:
    write("ada")
    manually(course, manual_score=2.5, extra_credit=1.0, needs_manual_grade=False)
    write("ada")
    found = grade(course, "why")
    assert (found["manual_score"], found["extra_credit"], found["needs_manual_grade"]) == (2.5, 1.0, True)
    with course.gradebook() as opened:
        assert opened.find_comment("why", FIRST, LESSON, "ada").comment == "Nice."


def test_a_graded_task_stays_as_the_person_left_it(course: Course, write: Callable[..., None]) -> None:
    write("ada")
    with course.gradebook() as opened:
        task = opened.find_grade("walk", FIRST, LESSON, "ada")
        task.manual_score, task.needs_manual_grade = 5.0, False
        opened.db.commit()
    write("ada")
    assert not grade(course, "walk")["needs_manual_grade"]


def test_what_the_grader_failed_at_has_no_score_and_waits(
    graded: Course, course: Course, write: Callable[..., None]
) -> None:
    first, second = plain_course.results(graded, "ada")
    failed = tuple(
        dataclasses.replace(question, verdict=Verdict.INTERNAL, points=None) if question.name == "test" else question
        for question in first.questions
    )
    write("ada", [dataclasses.replace(first, questions=failed), second])
    found = grade(course, "test")
    assert (found["auto_score"], found["needs_manual_grade"]) == (None, True)
    assert grade(course, "data")["auto_score"] == 1.0


def test_a_learner_counts_as_graded_once_rows_and_folder_are_there(course: Course, write: Callable[..., None]) -> None:
    write("ada")
    write("bob")
    shutil.rmtree(course.folder("autograded", "bob", LESSON))
    with gradebook.open(course) as book:
        assert book.students(LESSON) == {"ada"}


def test_an_unknown_lesson_question_or_notebook_changes_nothing(
    graded: Course, course: Course, write: Callable[..., None]
) -> None:
    [result, *_] = plain_course.results(graded, "ada")
    with gradebook.open(course) as book, pytest.raises(NotebookError, match="No such assignment: ps9"):
        book.write("ada", "ps9", result)
    strange = Question("riddle", Verdict.RIGHT, 1.0, 1.0)
    with pytest.raises(NotebookError, match="no question riddle in p1"):
        write("ada", [dataclasses.replace(result, questions=(strange,))])
    with pytest.raises(NotebookError, match="no notebook p7 in ps1"):
        write("ada", [dataclasses.replace(result, lesson="p7")])
    assert plain_course.rows(course)["submissions"] == []
    assert not list(course.root.glob("autograded/*/*"))


def test_a_time_that_is_none_is_named(course: Course, write: Callable[..., None]) -> None:
    (course.folder("submitted", "ada", LESSON) / "timestamp.txt").write_text("yesterday, I think")
    with pytest.raises(NotebookError, match=r"timestamp\.txt holds no time"):
        write("ada")


@pytest.mark.parametrize("course", ["sqlite"], indirect=True)
@pytest.mark.parametrize("kind", ["pipe", "link", "folder"])
def test_a_time_in_no_regular_file_is_named_and_not_waited_for(
    course: Course, write: Callable[..., None], kind: str
) -> None:
    timestamp = course.folder("submitted", "ada", LESSON) / "timestamp.txt"
    timestamp.unlink()
    make = {"pipe": os.mkfifo, "link": lambda path: path.symlink_to("/dev/zero"), "folder": os.mkdir}
    make[kind](timestamp)
    with pytest.raises(NotebookError, match=r"timestamp\.txt cannot be read"):
        write("ada")
    assert plain_course.rows(course)["submissions"] == []


def test_an_extension_without_a_due_date_is_no_penalty(course: Course, write: Callable[..., None]) -> None:
    write("bob")
    with course.gradebook() as opened:
        opened.grant_extension(LESSON, "bob", hours=1)
        opened.update_or_create_assignment(LESSON, duedate=None)
    write("bob")
    assert [row["late_submission_penalty"] for row in plain_course.rows(course)["penalties"]] == [None, None]


def test_a_step_of_the_class_that_refuses_is_named(course: Course, write: Callable[..., None]) -> None:
    course.parent.config.Autograde.autograde_preprocessors = ["test_gradebook.Grumpy"]
    with pytest.raises(NotebookError, match="refuses the graded p1: RuntimeError"):
        write("ada")
    assert plain_course.rows(course)["submissions"] == []


class Grumpy(NbGraderPreprocessor):
    """A step that an instructor wrote."""

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        raise RuntimeError("not today")


def test_links_in_what_was_handed_in_lead_nowhere(course: Course, write: Callable[..., None], tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("the seed")
    handed_in = course.folder("submitted", "ada", LESSON)
    (handed_in / "innocent.txt").symlink_to(tmp_path / "secret.txt")
    (handed_in / "notes" / "own.txt").unlink()
    (handed_in / "notes" / "own.txt").symlink_to(tmp_path / "secret.txt")
    write("ada")
    names = {path.name for path in course.folder("autograded", "ada", LESSON).rglob("*")}
    assert names == {f"{FIRST}.ipynb", f"{SECOND}.ipynb", "data.csv", "timestamp.txt"}


def test_what_the_notebook_wrote_beside_itself_is_kept(
    graded: Course, course: Course, write: Callable[..., None]
) -> None:
    """But for what has a graded notebook's name, or one that is too long."""
    first, second = plain_course.results(graded, "ada")
    data = base64.b64encode(b"1,4,9").decode()
    long, too_long = "\U0001f600" * 63, "\U0001f600" * 64
    names = ("squares.csv", long, too_long, f"{FIRST}.ipynb")
    write("ada", [dataclasses.replace(first, files=dict.fromkeys(names, data)), second])
    folder = course.folder("autograded", "ada", LESSON)
    assert (folder / "squares.csv").read_bytes() == (folder / long).read_bytes() == b"1,4,9"
    assert "return x + x" in (folder / f"{FIRST}.ipynb").read_text()


def test_a_class_shared_by_a_group_can_be_written_by_it(course: Course, write: Callable[..., None]) -> None:
    course.directory.groupshared = True
    write("ada")
    folder = course.folder("autograded", "ada", LESSON)
    assert (folder.stat().st_mode & 0o7777, (folder / f"{FIRST}.ipynb").stat().st_mode & 0o777) == (0o2775, 0o664)


def test_others_read_while_it_is_written(course: Course, write: Callable[..., None]) -> None:
    """What formgrader asks for its pages."""
    write("ada")
    with course.gradebook() as reader:
        before = reader.submission_dicts(LESSON)
        write("bob")
        after = reader.submission_dicts(LESSON)
        assert reader.average_assignment_score(LESSON) > 0
    assert ([one["student"] for one in before], len(after)) == (["ada"], 2)


def test_a_write_waits_for_another_and_sees_what_it_wrote(course: Course, write: Callable[..., None]) -> None:
    write("ada")
    with other_program(course) as other:
        other.execute(text("UPDATE grade SET manual_score = 2, needs_manual_grade = false"))
        threading.Timer(0.5, other.commit).start()
        write("ada")
    found = grade(course, "test")
    assert (found["manual_score"], found["auto_score"], found["needs_manual_grade"]) == (2.0, 2.0, True)


def test_a_gradebook_that_stays_locked_is_named_and_nothing_changes(course: Course, write: Callable[..., None]) -> None:
    write("ada")
    before = plain_course.rows(course), plain_course.files(course)
    with other_program(course) as other:
        other.execute(text("UPDATE submitted_assignment SET extension = NULL"))
        other.execute(text("UPDATE grade SET auto_score = 0"))
        with pytest.raises(CourseError, match="Another program has held the gradebook"):
            write("ada", patience=0.0)
        other.rollback()
    assert (plain_course.rows(course), plain_course.files(course)) == before


@pytest.mark.parametrize("course", ["sqlite"], indirect=True)
def test_a_reader_that_never_ends_brings_the_old_folder_back(course: Course, write: Callable[..., None]) -> None:
    """SQLite's readers keep a writer from committing, not from writing."""
    write("ada")
    before = plain_course.rows(course), plain_course.files(course)
    with other_program(course) as other:
        other.exec_driver_sql("BEGIN")
        other.execute(text("SELECT * FROM grade")).all()
        with pytest.raises(CourseError, match="Another program has held the gradebook"):
            write("ada", patience=0.0)
    assert (plain_course.rows(course), plain_course.files(course)) == before


@pytest.mark.parametrize("graded_before", [False, True], ids=["first time", "again"])
def test_killed_at_any_moment_the_folder_and_the_rows_agree(
    course: Course, graded: Course, write: Callable[..., None], graded_before: bool
) -> None:
    """Each round kills a write one step later, until it gets through; then the next write mends what was left."""
    old, new = plain_course.results(graded, "ada"), plain_course.results(graded, "bob")
    for step in itertools.count(1):
        if graded_before:
            write("ada", old)
        status = killed_at(step, lambda: write("ada", new))
        with gradebook.open(course) as book:
            is_graded = "ada" in book.students(LESSON)
        if is_graded:
            notebook = course.folder("autograded", "ada", LESSON) / f"{FIRST}.ipynb"
            assert grade(course, "test")["auto_score"] == (2.0 if "return x + x" in notebook.read_text() else 0.0)
        if status == 0:
            break
        write("ada", new)
        assert grade(course, "test")["auto_score"] == 0.0
        assert [path.name for path in course.folder("autograded", "ada", ".").iterdir()] == [LESSON]
        if not graded_before:
            shutil.rmtree(course.root / "autograded")
    assert step > 4


def killed_at(step: int, work: Callable[[], None]) -> int:
    """Do something in a process that dies before its n-th rename, removal of a folder or commit; its exit status."""
    left = itertools.count(step - 1, -1)

    def count(name: str, *_: Any) -> None:
        if name in ("os.rename", "shutil.rmtree", "commit") and next(left) == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def run() -> None:
        sys.addaudithook(count)
        event.listen(Engine, "commit", lambda connection: count("commit"))
        work()

    process = multiprocessing.get_context("fork").Process(target=run)
    process.start()
    process.join()
    assert process.exitcode in (0, -signal.SIGKILL)
    return process.exitcode


@contextmanager
def other_program(course: Course) -> Iterator[Connection]:
    """A connection of someone else's to the gradebook."""
    url = course.directory.db_url
    any_thread = {"check_same_thread": False} if url.startswith("sqlite") else {}
    engine = create_engine(url, connect_args=any_thread)
    with engine.connect() as connection:
        yield connection
    engine.dispose()
