"""The learner's copies: what a new release may replace, what it must keep, and what `tlcourse reset` does."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

from tlcourse import cli, workspace
from tlcourse.authoring.course import find_lesson
from tlcourse.errors import StorageError
from tlcourse.workspace import Kind

START, SIX = "00-start-here", "03-six-steps"
NOON = datetime(2030, 1, 2, 12, 0, 0)


def release(root: Path, lesson: str, text: str) -> None:
    """Publish `text` as the lesson's notebook."""
    folder = root / "notebooks" / lesson
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{lesson}.ipynb").write_text(text)


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A course of two lessons, the second with a data file."""
    release(tmp_path, START, "start v1")
    release(tmp_path, SIX, "six v1")
    (tmp_path / "notebooks" / SIX / "data").mkdir()
    (tmp_path / "notebooks" / SIX / "data" / "points.csv").write_text("1,2\n")
    return tmp_path


def work(course: Path) -> Path:
    return course / "workspace"


def copy_of(course: Path, lesson: str) -> Path:
    return work(course) / lesson / f"{lesson}.ipynb"


def kinds(course: Path) -> dict[str, Kind]:
    """Update the workspace; what happened to which file."""
    return {change.file: change.kind for change in workspace.update(course, work(course))}


def test_first_start_copies_every_file(course: Path) -> None:
    assert kinds(course) == {
        f"{START}/{START}.ipynb": Kind.NEW,
        f"{SIX}/{SIX}.ipynb": Kind.NEW,
        f"{SIX}/data/points.csv": Kind.NEW,
    }
    assert copy_of(course, SIX).read_text() == "six v1"
    assert (work(course) / SIX / "data" / "points.csv").read_text() == "1,2\n"


def test_second_start_changes_nothing(course: Path) -> None:
    kinds(course)
    before = {path: path.stat().st_mtime_ns for path in work(course).rglob("*.ipynb")}
    assert kinds(course) == {}
    assert before == {path: path.stat().st_mtime_ns for path in work(course).rglob("*.ipynb")}


def test_new_lesson_arrives(course: Path) -> None:
    kinds(course)
    release(course, "04-types", "types v1")
    assert kinds(course) == {"04-types/04-types.ipynb": Kind.NEW}


def test_untouched_copy_is_updated(course: Path) -> None:
    kinds(course)
    release(course, START, "start v2")
    assert kinds(course) == {f"{START}/{START}.ipynb": Kind.UPDATED}
    assert copy_of(course, START).read_text() == "start v2"


def test_touched_copy_stays_while_the_release_stays(course: Path) -> None:
    kinds(course)
    copy_of(course, START).write_text("my work")
    assert kinds(course) == {}
    assert copy_of(course, START).read_text() == "my work"


def test_touched_copy_is_kept_when_the_release_changes(course: Path) -> None:
    kinds(course)
    copy_of(course, START).write_text("my work")
    release(course, START, "start v2")
    (change,) = workspace.update(course, work(course))
    assert change.kind is Kind.KEPT
    assert f"tlcourse reset {START}" in str(change)
    assert copy_of(course, START).read_text() == "my work"
    assert kinds(course) == {f"{START}/{START}.ipynb": Kind.KEPT}, "it is said until the learner takes it"


def test_deleted_copy_comes_back(course: Path) -> None:
    kinds(course)
    copy_of(course, START).unlink()
    assert kinds(course) == {f"{START}/{START}.ipynb": Kind.RESTORED}


def test_the_learners_own_files_are_never_touched(course: Path) -> None:
    kinds(course)
    mine = work(course) / START / "notes.txt"
    mine.write_text("remember")
    release(course, START, "start v2")
    kinds(course)
    workspace.reset(find_lesson(course, "0"), work(course), NOON)
    assert mine.read_text() == "remember"


def test_jupyters_leftovers_are_not_copied(course: Path) -> None:
    leftover = course / "notebooks" / START / ".ipynb_checkpoints"
    leftover.mkdir()
    (leftover / "x.ipynb").write_text("old")
    assert not any("checkpoints" in file for file in kinds(course))


@pytest.mark.parametrize(
    "damage", ["", "{", "[]", '{"schema": 1}', '{"schema": 9, "files": {}}', '{"schema": 1, "files": []}']
)
def test_damaged_manifest_loses_nothing(course: Path, damage: str) -> None:
    kinds(course)
    copy_of(course, START).write_text("my work")
    (work(course) / workspace.MANIFEST).write_text(damage)
    release(course, SIX, "six v2")
    assert kinds(course) == {f"{START}/{START}.ipynb": Kind.KEPT, f"{SIX}/{SIX}.ipynb": Kind.KEPT}
    assert copy_of(course, START).read_text() == "my work"
    assert copy_of(course, SIX).read_text() == "six v1"
    assert kinds(course) == {}, "once is enough"
    release(course, START, "start v2")
    assert kinds(course) == {f"{START}/{START}.ipynb": Kind.KEPT}
    assert copy_of(course, START).read_text() == "my work"


def test_full_disk_leaves_the_old_copy(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kinds(course)
    release(course, START, "start v2")

    def full(_handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(StorageError, match="disk is full"):
            kinds(course)
    assert copy_of(course, START).read_text() == "start v1"
    assert kinds(course) == {f"{START}/{START}.ipynb": Kind.UPDATED}


def test_a_file_in_the_workspaces_place_is_said(course: Path) -> None:
    work(course).write_text("not a folder")
    with pytest.raises(StorageError, match="a file stands where a folder is needed"):
        kinds(course)


def test_two_starts_at_once(course: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from tlcourse import workspace; "
        "root = Path(sys.argv[1]); print(len(workspace.update(root, root / 'workspace')))"
    )
    starts = [
        subprocess.Popen([sys.executable, "-c", code, str(course)], stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    assert sorted(start.communicate(timeout=60)[0].strip() for start in starts) == ["0", "0", "3"]
    manifest = json.loads((work(course) / workspace.MANIFEST).read_text())
    assert len(manifest["files"]) == 3


def test_reset_keeps_the_learners_version_beside(course: Path) -> None:
    kinds(course)
    copy_of(course, START).write_text("my work")
    (done,) = workspace.reset(find_lesson(course, "0"), work(course), NOON)
    assert done.file == copy_of(course, START)
    assert done.kept == work(course) / START / f"{START}.kept-20300102-120000.ipynb"
    assert done.kept.read_text() == "my work"
    assert copy_of(course, START).read_text() == "start v1"


def test_reset_twice_in_a_second_keeps_both(course: Path) -> None:
    kinds(course)
    for text in ("first try", "second try"):
        copy_of(course, START).write_text(text)
        workspace.reset(find_lesson(course, "0"), work(course), NOON)
    kept = sorted(path.read_text() for path in (work(course) / START).glob("*.kept-*"))
    assert kept == ["first try", "second try"]


def test_reset_takes_the_newer_release_and_quiets_update(course: Path) -> None:
    kinds(course)
    copy_of(course, START).write_text("my work")
    release(course, START, "start v2")
    kinds(course)
    workspace.reset(find_lesson(course, "0"), work(course), NOON)
    assert copy_of(course, START).read_text() == "start v2"
    assert kinds(course) == {}


def test_reset_on_a_full_disk_leaves_the_learners_version(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kinds(course)
    copy_of(course, START).write_text("my work")

    def full(_handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="disk is full"):
        workspace.reset(find_lesson(course, "0"), work(course), NOON)
    assert copy_of(course, START).read_text() == "my work"


def test_reset_command_prints_both_names(course: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kinds(course)
    copy_of(course, SIX).write_text("my work")
    assert cli.main(["reset", "03", "--root", str(course)]) == 0
    told = capsys.readouterr().out
    assert str(copy_of(course, SIX)) in told
    assert ".kept-" in told
    assert cli.main(["reset", "03", "--root", str(course)]) == 0
    assert "nothing to do" in capsys.readouterr().out


def test_reset_of_an_unknown_lesson_lists_the_lessons(course: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["reset", "77", "--root", str(course)]) == 1
    told = capsys.readouterr().err
    assert START in told and SIX in told
