"""A tiny course for the tests of grading: its checks pass, fail or give part of the points, as ours do."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from tlcourse.authoring import build
from tlcourse.authoring.course import lessons
from tlcourse.checks.exercise import Exercise
from tlcourse.grading.nbgrading import Course, folder_config

CHECKOUT = Path(__file__).resolve().parents[2]
FIRST, SECOND = "01-first-steps", "02-next-steps"

# The display of a check's result and its value are what `tlcourse.checks` promises nbgrader.
FIRST_LESSON = """\
# %% [markdown]
# # First steps

# %%
import os

from IPython.display import display

grading = "NBGRADER_EXECUTION" in os.environ

# %% [markdown] task="double"
# Write `double`.

# %% exercise="double"
def double(x):
    ### BEGIN SOLUTION
    return 2 * x
    ### END SOLUTION

# %% check="double"
assert double(2) == 4

# %% [markdown] task="primes"
# List two primes.

# %% exercise="primes"
### BEGIN SOLUTION
primes = [2, 3]
### END SOLUTION

# %% check="primes"
right = sum(number in (2, 3, 5, 7) for number in primes)
findings = [{"code": "not-prime", "passed": False, "message": f"only {right} are prime"}] if right < 2 else []
result = {"exercise": "primes", "points": 2.0, "passed": right == 2, "findings": findings}
display({"application/vnd.tlcourse.result+json": result, "text/plain": f"{right} of 2"}, raw=True)
if not right or (right < 2 and not grading):
    raise ValueError("CheckFailed")
float(right) if grading else None

# %% [markdown] written="why" points=3
# Why?
#
# ### BEGIN SOLUTION
# Because.
# ### END SOLUTION
"""

SECOND_LESSON = """\
# %% [markdown]
# # Next steps

# %% [markdown] task="half"
# Write `half`.

# %% exercise="half"
def half(x):
    ### BEGIN SOLUTION
    return x / 2
    ### END SOLUTION

# %% check="half"
assert half(4) == 2
"""

RIGHT = {
    "double": "def double(x):\n    return x + x",
    "primes": "primes = [5, 7]",
    "half": "half = lambda x: x / 2",
}
WRONG = {"double": "def double(x):\n    return x * x + 1", "primes": "primes = [4, 6]"}
PARTIAL = {"double": RIGHT["double"], "primes": "primes = [5, 6]"}


def exercise(name: str, lesson: str, points: float) -> Exercise:
    """An exercise that nothing judges: the fixtures' check cells do it."""
    return Exercise(
        id=name,
        title=name.capitalize(),
        lesson=lesson,
        points=points,
        minutes=5,
        difficulty=1,
        purpose="Seeing how it is graded.",
        hints=("Look.", "Look again."),
        collect=lambda answer, rng: {},
        judge=lambda evidence, rng: [],
    )


EXERCISES = {ex.id: ex for ex in (exercise("double", "01", 1), exercise("primes", "01", 2), exercise("half", "02", 1))}


def make_course(folder: Path) -> Path:
    """Write and build a course of two lessons."""
    folder.mkdir()
    shutil.copy(CHECKOUT / "nbgrader_config.py", folder)
    for name, text in ((FIRST, FIRST_LESSON), (SECOND, SECOND_LESSON)):
        source = folder / "solutions" / name / f"{name}.py"
        source.parent.mkdir(parents=True)
        source.write_text(text)
    build.build(lessons(folder), report=lambda line: None)
    return folder


def released(place: Path, lesson: str) -> Any:
    """A released notebook of a course or a class."""
    return json.loads((place / "notebooks" / lesson / f"{lesson}.ipynb").read_text())


def hand_in(place: Path, target: Path, answers: dict[str, str], lesson: str = FIRST) -> Path:
    """Answer a released notebook and save it as `target`."""
    notebook = released(place, lesson)
    for cell in notebook["cells"]:
        name = cell["id"].removeprefix("answer-")
        if cell["id"].startswith("answer-") and name in answers:
            cell["source"] = answers[name]
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(notebook))
    return target


def scores(room: Path, lesson: str) -> dict[tuple[str, str], float | None]:
    """The automatic scores in a class's gradebook, by learner and cell."""
    with Course(room, folder_config(room)).gradebook() as gradebook:
        return {
            (submission.student.id, grade.name): grade.auto_score
            for submission in gradebook.notebook_submissions(lesson, lesson)
            for grade in submission.grades
        }
