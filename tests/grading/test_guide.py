"""The instructor's guide stays true: its commands exist, and those for a class of one's own machine do what it says."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import stand_in
from grading_kit import CHECKOUT, FIRST, RIGHT, hand_in

from tlcourse.cli import build_parser, main
from tlcourse.grading import tasks

pytestmark = pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")

GUIDE = (CHECKOUT / "docs" / "book" / "instructors.md").read_text(encoding="utf-8")
# A block of commands opens with a bare fence; the parts between fences alternate: text, block, text, ...
BLOCKS = [part.partition("\n") for part in re.split(r"^```", GUIDE, flags=re.M)[1::2]]
LINES = [line for language, _, block in BLOCKS if not language for line in block.splitlines()]
COMMANDS = [shlex.split(line) for line in LINES if line.startswith("tlcourse ")]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_of_ours_is_understood(command: list[str]) -> None:
    build_parser().parse_args(command[1:])


def test_every_extra_that_it_installs_exists() -> None:
    named = {extra for group in re.findall(r"pip install -e \"\.\[([a-z,]+)\]\"", GUIDE) for extra in group.split(",")}
    assert named
    project = (CHECKOUT / "pyproject.toml").read_text(encoding="utf-8")
    assert all(re.search(rf"^{extra} = \[", project, re.M) for extra in named)


def test_from_a_new_class_to_its_report(
    course: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The guide's first four commands, as they stand, from the folder in which an instructor would give them."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tasks, "ENGINE", stand_in.ENGINE)
    local = [command for command in COMMANDS if not {"--cluster", "--db", "--root", "--lesson"} & set(command)]
    for command in local:
        if command[1] == "grade":
            hand_in(Path("autumn"), Path("autumn/submitted/ada") / FIRST / f"{FIRST}.ipynb", RIGHT)
        extra = ["--root", str(course)] if command[1] == "classroom" else []
        assert main([*command[1:], *extra]) == 0, capsys.readouterr().err
    written = {"scores.csv", "autumn/report.html", "autumn/report.csv", "autumn/gradebook.db"}
    assert all((tmp_path / name).exists() for name in written)
