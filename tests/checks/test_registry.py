"""Exercises of an instructor's own package stand beside the course's, and a broken package is named."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

OWN = """
from dataclasses import replace
from tlcourse.checks import lesson00

(chance,) = [one for one in lesson00.EXERCISES if one.id == "chance_accuracy"]
EXERCISES = (replace(chance, id="our_chance", lesson="15", hints=("Look.", "Divide.")),)
"""
LIST = "import json; from tlcourse.checks import registry; print(json.dumps(list(registry.exercises())))"


def install(folder: Path, source: str) -> None:
    """What pip leaves of a package with one module and an entry point."""
    (folder / "autumn_exercises.py").write_text(source)
    info = folder / "autumn-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: autumn\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[tlcourse.exercises]\nautumn = autumn_exercises\n")


def python(folder: Path, code: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=120)


def test_exercises_of_another_package_come_after_ours(tmp_path: Path) -> None:
    install(tmp_path, OWN)
    names = json.loads(python(tmp_path, LIST).stdout)
    assert names[-1] == "our_chance"
    assert "chance_accuracy" in names


def test_they_are_checked_as_ours_are(tmp_path: Path) -> None:
    install(tmp_path, OWN)
    told = python(tmp_path, "from tlcourse import check; check.our_chance(lambda n_classes: 100 / n_classes)")
    assert "The answer is in percent" in told.stdout


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("import nowhere", "autumn_exercises cannot be loaded: ModuleNotFoundError"),
        ("", "autumn_exercises cannot be loaded: AttributeError"),
        (OWN.replace("our_chance", "chance_accuracy"), "Two exercises are called 'chance_accuracy'"),
    ],
)
def test_a_package_that_is_broken_is_named(tmp_path: Path, source: str, said: str) -> None:
    install(tmp_path, source)
    told = python(tmp_path, LIST)
    assert told.returncode != 0
    assert said in told.stderr
