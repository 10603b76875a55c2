"""`tlcourse new`: a lesson that works from the start, and names that it refuses."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tlcourse.authoring.course import lessons
from tlcourse.checks import registry
from tlcourse.cli import main

CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout with the package, the answers' tests, and lessons 00 to 14 as empty folders."""
    root = tmp_path_factory.mktemp("new") / "checkout"
    shutil.copytree(CHECKOUT / "tlcourse", root / "tlcourse", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(CHECKOUT / "tests" / "answers", root / "tests" / "answers")
    for name in ("nbgrader_config.py", "pyproject.toml"):
        shutil.copy(CHECKOUT / name, root)
    for lesson in lessons(CHECKOUT):
        (root / "solutions" / lesson.name).mkdir(parents=True)
    return root


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    """A checkout without lessons."""
    (tmp_path / "tlcourse" / "checks").mkdir(parents=True)
    return tmp_path


def python(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Python in a checkout, with that checkout's own package."""
    environment = {**os.environ, "PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=300)


def test_a_new_lesson_builds_and_its_check_tells_right_from_wrong(checkout: Path) -> None:
    made = python(checkout, "-m", "tlcourse.cli", "new", "how-to-count")
    assert made.returncode == 0, made.stderr
    (source,) = [path for path in (checkout / "solutions").glob("*/*.py")]
    number = source.name[:2]
    built = python(checkout, "-m", "tlcourse.cli", "build", number)
    assert built.returncode == 0, built.stderr
    assert (checkout / "notebooks" / source.stem / f"{source.stem}.ipynb").exists()
    tried = python(checkout, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/answers", "-k", "how_to_count")
    assert tried.returncode == 0, tried.stdout
    assert " passed" in tried.stdout


def test_it_says_what_to_do_next(empty: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new", "how-to-count", "--exercise", "count_right", "--root", str(empty)]) == 0
    out = capsys.readouterr().out
    assert "solutions/00-how-to-count/00-how-to-count.py" in out
    assert "tlcourse build 00" in out
    assert (empty / "tests" / "answers" / "count_right.py").exists()


def test_a_lesson_gets_the_next_number(empty: Path) -> None:
    (empty / "solutions" / "07-choosing").mkdir(parents=True)
    assert main(["new", "how-to-count", "--root", str(empty)]) == 0
    assert (empty / "solutions" / "08-how-to-count" / "08-how-to-count.py").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["How To Count"], "'How To Count' is no name for a lesson. Use small letters"),
        (["../count"], "is no name for a lesson"),
        (["07-count"], "07-choosing has that number. Leave the number out"),
        (["count", "--exercise", "class"], "'class' is no name for an exercise"),
        (["count", "--exercise", "KNOWN"], "There is an exercise 'KNOWN' in lesson"),
        (["99-last"], ""),
    ],
)
def test_names_that_are_refused(
    empty: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    known = next(iter(registry.exercises()))
    arguments, said = [word.replace("KNOWN", known) for word in arguments], said.replace("KNOWN", known)
    (empty / "solutions" / "07-choosing").mkdir(parents=True)
    status = main(["new", *arguments, "--root", str(empty)])
    assert status == (1 if said else 0)
    assert said in " ".join(capsys.readouterr().err.removeprefix("tlcourse: ").split())
    assert list(empty.rglob("*.py")) == [] or not said, "nothing is written for a refused name"


def test_no_number_is_left(empty: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (empty / "solutions" / "99-the-end").mkdir(parents=True)
    assert main(["new", "count", "--root", str(empty)]) == 1
    assert "There is no number left" in capsys.readouterr().err


def test_nothing_is_written_over(empty: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answers = empty / "tests" / "answers" / "count.py"
    answers.parent.mkdir(parents=True)
    answers.write_text("RIGHT = []")
    assert main(["new", "count", "--root", str(empty)]) == 1
    assert "already" in capsys.readouterr().err
    assert answers.read_text() == "RIGHT = []"
    assert not (empty / "solutions").exists()


def test_only_a_checkout_takes_a_lesson(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new", "count", "--root", str(tmp_path)]) == 1
    assert "is no checkout of the course" in capsys.readouterr().err
