"""A tiny course for the tests of authoring: one lesson, two exercises, plain asserts for checks."""

from __future__ import annotations

from pathlib import Path

from tlcourse.checks.exercise import Exercise

CHECKOUT = Path(__file__).resolve().parents[2]
NAME = "01-first-steps"

LESSON = """\
# %% [markdown]
# # First steps
#
# In this lesson you double numbers. {words}

# %%
import math

# %% [markdown] task="double"
# Write `double`.

# %% exercise="double"
def double(x):
    ### BEGIN SOLUTION
    return 2 * x
    ### END SOLUTION

# %% check="double"
assert double(2) == 4

# %% [markdown] task="tau"
# Give tau its value.

# %% exercise="tau"
### BEGIN SOLUTION
tau = 2 * math.pi
### END SOLUTION

# %% check="tau"
assert abs(tau - 6.283185) < 1e-3

# %%
print(f"tau is {{2 * math.pi:.2f}}")

# %% [markdown] written="why" points=3
# Why double?
#
# ### BEGIN SOLUTION
# Because two is more than one.
# ### END SOLUTION
"""


def exercise(name: str, lesson: str = "01", points: float = 2.0) -> Exercise:
    """An exercise that nothing judges: the fixtures check with asserts."""
    return Exercise(
        id=name,
        title=name.replace("_", " ").capitalize(),
        lesson=lesson,
        points=points,
        minutes=5,
        difficulty=2,
        purpose="Seeing how it is done.",
        hints=("Look again.", "Multiply."),
        collect=lambda answer, rng: {},
        judge=lambda evidence, rng: [],
    )


EXERCISES = {ex.id: ex for ex in (exercise("double"), exercise("tau", points=1), exercise("later", lesson="02"))}


def lesson_text(words: int = 1300) -> str:
    """The lesson, with about `words` words."""
    return LESSON.format(words="word " * words)


def write_lesson(root: Path, text: str | None = None, name: str = NAME) -> Path:
    """Write a lesson's source; returns its path."""
    path = root / "solutions" / name / f"{name}.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(lesson_text() if text is None else text)
    return path
