"""Finding what was handed in: every layout that learning platforms give, and whatever else lies there."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tlcourse.errors import CourseError
from tlcourse.grading.submissions import Handed, NotGraded, Submission, find

LESSONS = ["01-first", "02-next"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of submissions, still empty."""
    (tmp_path / "submitted").mkdir()
    return tmp_path / "submitted"


def put(path: Path, text: str = "{}", *, age: int = 0) -> Path:
    """Write a file, so many seconds old."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    os.utime(path, (1_700_000_000 - age,) * 2)
    return path


def link(path: Path, target: Path) -> None:
    """Make a link; not every Windows user may."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        path.symlink_to(target)
    except OSError as error:
        pytest.skip(f"this user may not make links: {error}")


def only(handed: Handed) -> Submission:
    """The one submission, where nothing else was found."""
    assert handed.not_graded == ()
    [submission] = handed.submissions
    return submission


def refused(handed: Handed) -> NotGraded:
    """The one thing that was refused, where nothing was found."""
    assert handed.submissions == ()
    [item] = handed.not_graded
    return item


@pytest.mark.parametrize("path", ["ada/01-first/01-first.ipynb", "ada/01-first.ipynb", "ada_01-first.ipynb"])
def test_the_layouts(folder: Path, path: str) -> None:
    notebook = put(folder / path)
    submission = only(find(folder, LESSONS))
    assert (submission.student, submission.lesson, submission.notebook) == ("ada", "01-first", notebook)
    assert submission.folder == (notebook.parent if path.count("/") == 2 else None)
    assert submission.notes == ()


def test_a_lesson_with_several_notebooks(folder: Path) -> None:
    put(folder / "ada" / "ps1" / "p1.ipynb")
    put(folder / "ada" / "ps1" / "p2.ipynb")
    submission = only(find(folder, {"ps1": ["p1", "p2"]}))
    assert (submission.lesson, submission.notebook.name, submission.notes) == ("ps1", "p1.ipynb", ())


def test_hidden_things_and_other_files_are_passed_over(folder: Path) -> None:
    put(folder / "ada" / "01-first" / "01-first.ipynb")
    put(folder / "ada" / "01-first" / ".ipynb_checkpoints" / "01-first-checkpoint.ipynb")
    put(folder / "ada" / ".ipynb_checkpoints" / "02-next.ipynb")
    put(folder / "ada" / "data" / "numbers.csv")
    put(folder / "__MACOSX" / "01-first.ipynb")
    put(folder / ".DS_Store")
    put(folder / "readme.txt")
    only(find(folder, LESSONS))


class TestRenamedAndDoubled:
    def test_the_only_notebook_in_a_lesson_s_folder_is_taken(self, folder: Path) -> None:
        notebook = put(folder / "ada" / "01-first" / "my homework.ipynb")
        submission = only(find(folder, LESSONS))
        assert (submission.lesson, submission.notebook) == ("01-first", notebook)
        assert submission.notes == ("The notebook is called my homework.ipynb and was taken for 01-first.ipynb.",)

    def test_of_two_renamed_notebooks_none_is_taken(self, folder: Path) -> None:
        put(folder / "ada" / "01-first" / "one.ipynb")
        put(folder / "ada" / "01-first" / "two.ipynb")
        item = refused(find(folder, LESSONS))
        assert item.name == "ada/01-first"
        assert item.fault == "there is no 01-first.ipynb in it, but one.ipynb and two.ipynb"
        assert (item.student, item.lesson) == ("ada", "01-first")

    def test_a_notebook_of_the_lesson_s_name_counts_before_its_copies(self, folder: Path) -> None:
        put(folder / "ada" / "01-first" / "01-first.ipynb", age=100)
        put(folder / "ada" / "01-first" / "01-first (1).ipynb")
        put(folder / "ada" / "01-first" / "scratch.ipynb")
        submission = only(find(folder, LESSONS))
        assert submission.notebook.name == "01-first.ipynb"
        assert submission.notes == ("01-first (1).ipynb was not looked at: 01-first.ipynb beside it counts.",)

    def test_of_copies_alone_the_newest_counts(self, folder: Path) -> None:
        put(folder / "ada" / "01-first" / "01-first (1).ipynb", age=100)
        put(folder / "ada" / "01-first" / "01-first-Copy1.ipynb")
        assert only(find(folder, LESSONS)).notebook.name == "01-first-Copy1.ipynb"

    def test_of_loose_files_the_newest_counts_and_the_other_is_named(self, folder: Path) -> None:
        put(folder / "ada_01-first.ipynb", age=100)
        newer = put(folder / "ada_01-first (2).ipynb")
        handed = find(folder, LESSONS)
        assert [submission.notebook for submission in handed.submissions] == [newer]
        [item] = handed.not_graded
        assert (item.name, item.fault) == (
            "ada_01-first.ipynb",
            "ada_01-first (2).ipynb is a newer notebook of the same lesson",
        )


class TestLinks:
    @pytest.fixture
    def secret(self, tmp_path: Path) -> Path:
        """The solution, outside the folder."""
        return put(tmp_path / "solutions" / "01-first" / "01-first.ipynb").parent

    @pytest.mark.parametrize(
        "place, target, name",
        [
            ("ada/01-first/01-first.ipynb", "01-first.ipynb", "ada/01-first"),
            ("ada/01-first.ipynb", "01-first.ipynb", "ada/01-first.ipynb"),
            ("ada_01-first.ipynb", "01-first.ipynb", "ada_01-first.ipynb"),
            ("ada/01-first", "", "ada/01-first"),
            ("ada", "..", "ada"),
        ],
    )
    def test_none_is_followed_wherever_it_stands(
        self, folder: Path, secret: Path, place: str, target: str, name: str
    ) -> None:
        link(folder / place, secret / target)
        handed = find(folder, LESSONS)
        assert handed.submissions == ()
        assert [item.name for item in handed.not_graded if "it is a link" in item.fault] == [name]

    def test_not_even_to_another_learner(self, folder: Path) -> None:
        put(folder / "bob" / "01-first" / "01-first.ipynb")
        link(folder / "ada" / "01-first" / "01-first.ipynb", folder / "bob" / "01-first" / "01-first.ipynb")
        handed = find(folder, LESSONS)
        assert [submission.student for submission in handed.submissions] == ["bob"]
        assert [item.student for item in handed.not_graded] == ["ada"]

    def test_links_beside_a_notebook_are_named(self, folder: Path, secret: Path) -> None:
        put(folder / "ada" / "01-first" / "01-first.ipynb")
        link(folder / "ada" / "01-first" / "data" / "answers.ipynb", secret / "01-first.ipynb")
        [note] = only(find(folder, LESSONS)).notes
        assert "data/answers.ipynb" in note


class TestWhatCannotBeRead:
    def test_a_folder_called_as_a_notebook(self, folder: Path) -> None:
        (folder / "ada" / "01-first.ipynb").mkdir(parents=True)
        item = refused(find(folder, LESSONS))
        assert (item.name, item.fault) == ("ada/01-first.ipynb", "it is a folder, not a notebook")

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
    def test_a_pipe_that_nobody_writes_into(self, folder: Path) -> None:
        (folder / "ada" / "01-first").mkdir(parents=True)
        os.mkfifo(folder / "ada" / "01-first" / "01-first.ipynb")
        assert refused(find(folder, LESSONS)).fault == "it is no regular file"

    def test_a_file_without_permission(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        put(folder / "ada_01-first.ipynb")
        # A superuser, as in many containers, may read everything.
        monkeypatch.setattr(os, "access", lambda path, mode: False)
        assert refused(find(folder, LESSONS)).fault == "it cannot be opened: Permission denied"

    def test_a_folder_without_permission(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        put(folder / "ada" / "01-first" / "01-first.ipynb")
        put(folder / "bob_01-first.ipynb")
        listed = Path.iterdir

        def iterdir(path: Path) -> object:
            if path.name == "ada":
                raise PermissionError(13, "Permission denied")
            return listed(path)

        monkeypatch.setattr(Path, "iterdir", iterdir)
        handed = find(folder, LESSONS)
        assert [submission.student for submission in handed.submissions] == ["bob"]
        assert [(item.name, item.fault) for item in handed.not_graded] == [
            ("ada", "it cannot be opened: Permission denied")
        ]

    def test_a_file_that_goes_away_meanwhile(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        put(folder / "ada_01-first.ipynb")
        looked_at = Path.lstat

        def lstat(path: Path) -> os.stat_result:
            path.unlink(missing_ok=True)
            return looked_at(path)

        monkeypatch.setattr(Path, "is_symlink", lambda path: False)
        monkeypatch.setattr(Path, "lstat", lstat)
        assert refused(find(folder, LESSONS)).fault == "it cannot be opened: No such file or directory"

    def test_of_two_that_count_the_one_that_stays(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        put(folder / "ada_01-first (1).ipynb")
        stays = put(folder / "ada_01-first.ipynb", age=100)
        looked_at = Path.stat

        def stat(path: Path, *, follow_symlinks: bool = True) -> os.stat_result:
            if path.name == "ada_01-first (1).ipynb" and follow_symlinks:
                raise FileNotFoundError(2, "No such file or directory")
            return looked_at(path, follow_symlinks=follow_symlinks)

        monkeypatch.setattr(Path, "stat", stat)
        assert [submission.notebook for submission in find(folder, LESSONS).submissions] == [stays]

    def test_folders_without_end(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        put(folder / "ada" / "01-first" / "01-first.ipynb")

        def walk(place: object) -> object:
            raise RecursionError  # Python 3.11 goes a level down by calling itself

        monkeypatch.setattr(os, "walk", walk)
        assert refused(find(folder, LESSONS)).fault == "its folders lie too deep in one another"

    def test_a_folder_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(CourseError, match="There is no folder"):
            find(tmp_path / "nowhere", LESSONS)


class TestNames:
    @pytest.mark.parametrize(
        "student, fault",
        [
            ("gus [2]", "[ and ] in it"),
            (" ada", "a space at an end"),
            ("ada\x1b[2J", "[ in it"),
            ("ada\x07", "cannot be printed"),
            ("ada\nbob", "cannot be printed"),
            ("a" * 129, "more than the 128 characters"),
            ("é" * 125, "more than the 249 bytes"),
        ],
    )
    def test_that_nbgrader_cannot_keep(self, folder: Path, student: str, fault: str) -> None:
        try:
            put(folder / student / "01-first.ipynb")
        except OSError as error:
            pytest.skip(f"this system allows no such name: {error}")
        item = refused(find(folder, LESSONS))
        assert fault in item.fault
        assert item.name.isprintable() and item.student.isprintable()

    @pytest.mark.skipif(os.name == "nt", reason="Windows has Unicode names only")
    def test_that_are_no_text(self, folder: Path) -> None:
        try:
            put(Path(os.fsdecode(os.fsencode(folder) + b"/caf\xe9")) / "01-first.ipynb")
        except OSError as error:
            pytest.skip(f"this system allows no such name: {error}")
        item = refused(find(folder, LESSONS))
        assert "cannot be printed" in item.fault
        assert item.name == "caf\ufffd"

    @pytest.mark.parametrize("student", ["Ada Ng", "åsa", "=1+1", "o'brien", "-rf", "日本", "\U0001f600" * 62])
    def test_that_are_fine(self, folder: Path, student: str) -> None:
        put(folder / student / "01-first.ipynb")
        assert only(find(folder, LESSONS)).student == student


def test_what_is_no_lesson_is_named_with_the_lessons(folder: Path) -> None:
    put(folder / "ada" / "07-none" / "07-none.ipynb")
    put(folder / "notes.ipynb")
    put(folder / "all.ZIP")
    (folder / "bob").mkdir()
    handed = find(folder, LESSONS)
    said = {item.name: f"{item.fault}. {item.cure}" for item in handed.not_graded}
    assert "this class has 01-first, 02-next" in said["ada/07-none"]
    assert "its name is not that of a lesson" in said["notes.ipynb"]
    assert said["all.ZIP"] == "this is an archive. Unpack it first"
    assert "there is no notebook in it" in said["bob"]


def test_one_learner_s_faults_change_nothing_for_the_others(folder: Path) -> None:
    for student in ("ada", "bob"):
        put(folder / student / "01-first" / "01-first.ipynb")
    before = find(folder, LESSONS).submissions
    put(folder / "eve" / "01-first" / "x.ipynb")
    put(folder / "eve" / "01-first" / "y.ipynb")
    put(folder / "eve [1]" / "01-first.ipynb")
    assert find(folder, LESSONS).submissions == before
    shutil.rmtree(folder / "bob")
    assert find(folder, LESSONS).submissions == before[:1]
