"""`tlcourse grade`: what a class gets, and what happens to what cannot be graded."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from grading_kit import FIRST, PARTIAL, RIGHT, SECOND, WRONG, hand_in

from tlcourse.cli import main


def test_scores(room: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, answers in {"ada": RIGHT, "bob": WRONG, "cyd": PARTIAL}.items():
        hand_in(room, room / "submitted" / name / FIRST / f"{FIRST}.ipynb", answers)
    status = main(
        ["grade", str(room / "submitted"), "--csv", str(room / "x.csv"), "--json", str(room / "x.json")]
    )
    print((room / "x.csv").read_text(), (room / "x.json").read_text())
    print(capsys.readouterr().out)
    assert status == 0
