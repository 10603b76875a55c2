"""What a lesson is to the grader: read from its notebook, or from a class."""

from __future__ import annotations

import dataclasses
import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import plain_course
import pytest
from grading_kit import FIRST, SECOND
from lesson_kit import LESSON, grade_id, insist_on_valid, named, released, solved, source, write
from nbformat import from_dict
from nbgrader.utils import compute_checksum

from tlcourse.errors import CourseError, NotebookError
from tlcourse.grading import releasing
from tlcourse.grading.nbgrading import Course, user_config
from tlcourse.grading.release import Release

STUB = "# YOUR CODE HERE\nraise NotImplementedError()"


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    """A lesson's notebook with answers, in a folder of its own."""
    return write(tmp_path / LESSON / f"{LESSON}.ipynb", source())


class TestFromANotebookWithAnswers:
    def test_answers_are_cleared_as_nbgrader_clears_them(self, notebook: Path) -> None:
        release = Release.read(notebook)
        assert release.lesson == LESSON
        assert named(release.notebook, "primes")["source"] == STUB
        assert named(release.notebook, "double")["source"] == (
            "def double(x):\n    # YOUR CODE HERE\n    raise NotImplementedError()"
        )
        assert named(release.notebook, "why")["source"] == "YOUR ANSWER HERE"
        insist_on_valid(release.notebook)

    def test_the_grader_keeps_what_learners_do_not_see(self, notebook: Path) -> None:
        release = Release.read(notebook)
        assert "double(-3)" in named(release.notebook, "test-double")["source"]
        assert "Look at the shoes." in named(release.notebook, "walk")["source"]
        assert release.shown == {"test-double": "assert double(2) == 4", "walk": "Walk around the house."}

    def test_checksums_are_of_what_the_grader_keeps(self, notebook: Path) -> None:
        cells = [cell for cell in Release.read(notebook).notebook["cells"] if grade_id(cell)]
        assert [cell["metadata"]["nbgrader"]["checksum"] for cell in cells] == [
            compute_checksum(from_dict(cell)) for cell in cells
        ]

    def test_the_course_s_configuration_is_followed(self, notebook: Path, tmp_path: Path) -> None:
        text = 'c = get_config()\nc.ClearSolutions.text_stub = "Here."\nc.Execute.timeout = 77\n'
        (tmp_path / "nbgrader_config.py").write_text(text + 'c.CourseDirectory.ignore = ["*.py"]\n')
        lesson = write(tmp_path / "source" / "one" / "p.ipynb", source())
        (lesson.parent / "answers.py").write_text("secret")
        (lesson.parent / "data").mkdir()
        (lesson.parent / "data" / "numbers.csv").write_text("1,2\n")
        release = Release.read(lesson)
        assert named(release.notebook, "why")["source"] == "Here."
        assert release.timeout == 77
        assert release.files == {"data/numbers.csv": b"1,2\n"}

    def test_a_file_among_others_brings_none_of_them(self, tmp_path: Path) -> None:
        (tmp_path / "holiday.jpg").write_bytes(b"\xff\xd8")
        assert Release.read(write(tmp_path / "downloaded.ipynb", source())).files == {}

    def test_no_limit_of_time_is_a_day(self, notebook: Path, tmp_path: Path) -> None:
        (tmp_path / "nbgrader_config.py").write_text("c = get_config()\nc.Execute.timeout = None\n")
        assert Release.read(notebook).timeout == releasing.DAY

    def test_solutions_outside_answers_are_refused(self, tmp_path: Path) -> None:
        notebook = source()
        notebook["cells"][0]["source"] = "### BEGIN SOLUTION\n42\n### END SOLUTION"
        with pytest.raises(NotebookError, match="nbgrader cannot release"):
            Release.read(write(tmp_path / "p.ipynb", notebook))


class TestFromAReleasedNotebook:
    def test_it_is_taken_as_it_is(self, notebook: Path, tmp_path: Path) -> None:
        made = Release.read(notebook)
        handed_out = released(made)
        for cell in handed_out["cells"]:
            if grade_id(cell) in made.shown:
                cell["metadata"]["nbgrader"]["checksum"] = compute_checksum(from_dict(cell))
        release = Release.read(write(tmp_path / "out" / f"{LESSON}.ipynb", handed_out))
        assert release.notebook == handed_out
        assert release.shown == {}

    def test_one_that_somebody_answered_is_refused(self, notebook: Path, tmp_path: Path) -> None:
        handed = solved(Release.read(notebook))
        with pytest.raises(NotebookError, match="not as it was released: double has been answered"):
            Release.read(write(tmp_path / "p.ipynb", handed))

    def test_a_course_s_release_equals_that_of_its_solution(self, course: Path) -> None:
        solution, handed_out = (
            Release.read(course / folder / FIRST / f"{FIRST}.ipynb") for folder in ("solutions", "notebooks")
        )
        assert solution == handed_out
        assert solution.timeout == 600
        assert solution.files == {}  # not even the percent source, which holds the answers


@pytest.mark.parametrize(
    "spoil, fault",
    [
        (lambda path: path.unlink(), "cannot be opened"),
        (lambda path: path.write_text("{"), "no notebook that nbgrader knows"),
        (lambda path: path.write_text("[]"), "no notebook that nbgrader knows"),
        (lambda path: write(path, source() | {"cells": []}), "has no graded cell"),
    ],
)
def test_what_is_no_lesson_is_refused(notebook: Path, spoil: Callable[[Path], Any], fault: str) -> None:
    spoil(notebook)
    with pytest.raises(NotebookError) as caught:
        Release.read(notebook)
    assert fault in caught.value.fault
    assert caught.value.cure


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Course:
    """A plain nbgrader course: an assignment of two notebooks, and nbgrader's own limits."""
    return plain_course.make(tmp_path_factory.mktemp("plain"))


class TestOfAClass:
    def test_it_is_that_of_its_solution_with_the_class_s_seed(self, room: Path) -> None:
        course = Course(room, user_config(room))
        release = Release.of_class(course, FIRST)
        read = Release.read(room / "solutions" / FIRST / f"{FIRST}.ipynb")
        assert release == dataclasses.replace(read, seed=release.seed)
        assert len(release.seed) == 32
        assert Release.of_class(course, SECOND).seed == release.seed

    def test_a_plain_course_has_one_release_for_each_notebook(self, plain: Course) -> None:
        releases = Release.all_of_class(plain, plain_course.LESSON)
        assert [release.lesson for release in releases] == ["p1", "p2"]
        assert Release.of_class(plain, plain_course.LESSON, "p2") == releases[1]
        assert {release.timeout for release in releases} == {30}
        assert releases[0].files == {"data.csv": b"1,2,3\n"}

    def test_hidden_tests_come_from_the_gradebook(self, tmp_path: Path) -> None:
        write(tmp_path / "source" / LESSON / f"{LESSON}.ipynb", source())
        course = Course(tmp_path, user_config(tmp_path))
        assert course.release(LESSON, into_gradebook=True).ok
        (tmp_path / "source" / LESSON / f"{LESSON}.ipynb").unlink()
        release = Release.of_class(course, LESSON)
        assert "double(-3)" in named(release.notebook, "test-double")["source"]
        assert release.shown == {"test-double": "assert double(2) == 4", "walk": "Walk around the house."}

    def test_what_the_class_does_not_have_is_named(self, plain: Course) -> None:
        with pytest.raises(NotebookError, match="has not released ps9"):
            Release.of_class(plain, "ps9")
        with pytest.raises(NotebookError, match="Its notebooks are: p1, p2"):
            Release.of_class(plain, plain_course.LESSON, "p9")

    def test_a_release_that_is_not_the_gradebook_s_is_refused(self, room: Path) -> None:
        course = Course(room, user_config(room))
        path = room / "notebooks" / FIRST / f"{FIRST}.ipynb"
        path.write_text(path.read_text().replace('"check-double"', '"check-triple"'))
        with pytest.raises(NotebookError, match="only one of them has check-double, check-triple"):
            Release.of_class(course, FIRST)
        path.unlink()
        with pytest.raises(NotebookError, match="is missing"):
            Release.of_class(course, FIRST)


class TestTheSecret:
    def seed(self, room: Path) -> bytes:
        return Release.of_class(Course(room, user_config(room)), FIRST).seed

    @pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
    def test_only_its_owner_may_read_it(self, room: Path) -> None:
        self.seed(room)
        assert stat.S_IMODE((room / ".tlcourse" / "seed").stat().st_mode) == 0o600

    def test_it_is_drawn_once_for_each_class(self, room: Path) -> None:
        first = self.seed(room)
        assert self.seed(room) == first
        (room / ".tlcourse" / "seed").unlink()
        assert self.seed(room) != first

    def test_a_damaged_one_is_never_overwritten(self, room: Path) -> None:
        self.seed(room)
        (room / ".tlcourse" / "seed").write_bytes(b"short")
        with pytest.raises(CourseError, match="is damaged: it has 5 bytes, not 32"):
            self.seed(room)
        assert (room / ".tlcourse" / "seed").read_bytes() == b"short"


class TestItsJson:
    @pytest.fixture
    def release(self, notebook: Path) -> Release:
        (notebook.parent / "data.bin").write_bytes(bytes(range(256)))
        return dataclasses.replace(Release.read(notebook), seed=b"\x00\xff")

    def test_it_comes_back_equal(self, release: Release) -> None:
        back = Release.from_json(json.loads(json.dumps(release.as_json())))
        assert back == release
        assert back.digest == release.digest

    @pytest.mark.parametrize(
        "change",
        [
            {"lesson": "ps2"},
            {"notebook": {}},
            {"shown": {}},
            {"files": {"data.bin": b""}},
            {"files": {"other.bin": bytes(range(256))}},
            {"timeout": 31.0},
            {"seed": b"\x00\xfe"},
        ],
    )
    def test_the_digest_changes_with_anything_in_it(self, release: Release, change: dict[str, Any]) -> None:
        assert dataclasses.replace(release, **change).digest != release.digest
