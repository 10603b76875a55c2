"""A lesson and an exercise from an instructor's own package: built, put into a class, graded in the sandbox."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest
from grading_kit import CHECKOUT

from tlcourse import sandbox
from tlcourse.errors import CourseError

MODULE = """
from dataclasses import replace
from tlcourse.checks import lesson00

(chance,) = [one for one in lesson00.EXERCISES if one.id == "chance_accuracy"]
EXERCISES = (replace(chance, id="our_chance", lesson="15", hints=("Look.", "Divide.")),)
"""
LESSON = """\
# %% [markdown]
# # Our data

# %%
import tlcourse as tl

# %% [markdown] task="our_chance"
# Write `our_chance(n_classes)`.

# %% exercise="our_chance"
def our_chance(n_classes):
    ### BEGIN SOLUTION
    return 1 / n_classes
    ### END SOLUTION

# %% check="our_chance"
tl.check.our_chance(our_chance)
"""


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python with everything that this one has, and a package of an instructor's own."""
    runtime = tmp_path_factory.mktemp("own") / "runtime"
    venv.create(runtime, with_pip=False)
    (site,) = runtime.glob("lib/python*/site-packages")
    (site / "there.pth").write_text(f"{CHECKOUT}\n{sysconfig.get_path('purelib')}\n")
    (site / "autumn_exercises.py").write_text(MODULE)
    info = site / "autumn-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: autumn\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[tlcourse.exercises]\nautumn = autumn_exercises\n")
    return runtime / "bin" / "python"


def run(python: Path, folder: Path, *command: str) -> None:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        [str(python), "-m", "tlcourse.cli", *command],
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_from_its_source_to_its_points(python: Path, tmp_path: Path) -> None:
    try:
        sandbox.insist()
    except CourseError as error:
        pytest.skip(f"no sandbox here: {error}")
    source = tmp_path / "ours" / "solutions" / "15-our-data" / "15-our-data.py"
    source.parent.mkdir(parents=True)
    source.write_text(LESSON)
    (tmp_path / "ours" / "nbgrader_config.py").write_bytes((CHECKOUT / "nbgrader_config.py").read_bytes())
    run(python, tmp_path, "build", "--root", "ours")
    run(python, tmp_path, "classroom", "autumn", "--root", "ours")
    handed_in = tmp_path / "autumn" / "submitted" / "ada" / "15-our-data" / "15-our-data.ipynb"
    handed_in.parent.mkdir(parents=True)
    handed_in.write_bytes(source.with_suffix(".ipynb").read_bytes())
    run(python, tmp_path, "grade", "autumn", "--csv", "scores.csv")
    (row,) = csv.DictReader((tmp_path / "scores.csv").open())
    assert (row["exercise"], row["score"], row["max_score"]) == ("our_chance", "1", "1")
