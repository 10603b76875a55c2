"""A course adapted outside its repository: own lessons and exercises, lessons left out, other points, and updates."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest
from grading_kit import CHECKOUT

MODULE = """
from dataclasses import replace
from tlcourse.checks import lesson00, lesson01

(chance,) = [one for one in lesson00.EXERCISES if one.id == "chance_accuracy"]
(cases,) = [one for one in lesson01.EXERCISES if one.id == "is_it_transfer"]
EXERCISES = (
    replace(chance, id="our_chance", lesson="15", hints=("Look.", "Divide.")),
    replace(cases, id="our_cases", lesson="15"),
)
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

# %% [markdown] task="our_cases"
# Write `our_cases()`: which of the six are transfer?

# %% exercise="our_cases"
def our_cases():
    ### BEGIN SOLUTION
    return {"a": True, "b": False, "c": False, "d": True, "e": True, "f": False}
    ### END SOLUTION

# %% check="our_cases"
tl.check.our_cases(our_cases)
"""
# Right in five of six cases: 2.5 of 3 points.
FIVE_OF_SIX = '\\"f\\": False', '\\"f\\": True'


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


def run(python: Path, folder: Path, *command: str) -> str:
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
    return done.stdout


@pytest.fixture(scope="module")
def place(sandboxed: None, python: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where an instructor works: `course`, two lessons of the real one; `ours`, with a lesson of their own, built."""
    folder = tmp_path_factory.mktemp("instructor")
    for name in ("00-start-here", "01-what-is-transfer-learning"):
        shutil.copytree(CHECKOUT / "solutions" / name, folder / "course" / "solutions" / name)
    source = folder / "ours" / "solutions" / "15-our-data" / "15-our-data.py"
    source.parent.mkdir(parents=True)
    source.write_text(LESSON)
    for root in ("course", "ours"):
        shutil.copy(CHECKOUT / "nbgrader_config.py", folder / root)
    run(python, folder, "build", "--root", "ours")
    return folder


def hand_in(place: Path, lesson: str, old: str, new: str) -> None:
    """Ada hands in the lesson's own answers, changed in one place."""
    solution = place / ("ours" if lesson.startswith("15") else "course") / "solutions" / lesson / f"{lesson}.ipynb"
    path = place / "autumn" / "submitted" / "ada" / lesson / f"{lesson}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    text = solution.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def scores(python: Path, place: Path) -> dict[str, tuple[str, str]]:
    run(python, place, "grade", "autumn", "--csv", "scores.csv")
    with (place / "scores.csv").open() as file:
        return {row["exercise"]: (row["score"], row["max_score"]) for row in csv.DictReader(file)}


def test_an_adapted_course_takes_an_update(python: Path, place: Path) -> None:
    """Lesson 01 is left out, a lesson is added, two exercises are worth other points; then the course is renewed."""
    run(python, place, "classroom", "autumn", "--root", "course", "--lesson", "00")
    with (place / "autumn" / "nbgrader_config.py").open("a") as config:
        config.write('c.Tlcourse.points = {"chance_accuracy": 2.5}\n')
    run(python, place, "classroom", "autumn", "--root", "course")
    run(python, place, "classroom", "autumn", "--root", "ours")
    hand_in(place, "00-start-here", "return 1 / n_classes", "return 1 / n_classes  # one of them")
    hand_in(place, "15-our-data", *FIVE_OF_SIX)
    before = scores(python, place)
    assert before == {"chance_accuracy": ("2.5", "2.5"), "our_chance": ("1", "1"), "our_cases": ("2.5", "3")}

    solution = place / "course" / "solutions" / "00-start-here" / "00-start-here.ipynb"
    solution.write_text(solution.read_text().replace("Every lesson is made to run", "Each lesson is made to run"))
    with (place / "autumn" / "nbgrader_config.py").open("a") as config:
        config.write('c.Tlcourse.points = {"chance_accuracy": 2.5, "our_cases": 6}\n')
    told = run(python, place, "classroom", "autumn", "--root", "course")
    assert "00-start-here: updated" in told
    assert "01-what-is-transfer-learning: not in this class" in told
    assert "15-our-data: updated" in run(python, place, "classroom", "autumn", "--root", "ours")
    assert "Each lesson is made to run" in (place / "autumn/notebooks/00-start-here/00-start-here.ipynb").read_text()
    assert scores(python, place) == before | {"our_cases": ("5", "6")}
