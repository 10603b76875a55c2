"""The course's own lessons through its own grader."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tlcourse.grading import Release, grade

CHECKOUT = Path(__file__).resolve().parents[2]
LESSONS = sorted((CHECKOUT / "solutions").glob("*/*.ipynb"))
pytestmark = pytest.mark.usefixtures("sandboxed")


@pytest.mark.parametrize("solution", LESSONS, ids=lambda path: path.stem)
def test_a_solution_gets_all_points_that_no_person_gives(solution: Path) -> None:
    result = grade(solution, replace(Release.read(solution), seed=b"some class"))
    assert {question.verdict.value for question in result.questions} <= {"right", "hand"}
    assert not result.notes


@pytest.mark.parametrize("solution", LESSONS, ids=lambda path: path.stem)
def test_an_untouched_lesson_gets_none(solution: Path) -> None:
    released = CHECKOUT / "notebooks" / solution.stem / solution.name
    result = grade(released, replace(Release.read(solution), seed=b"some class"))
    assert result.points == 0
    assert all(question.verdict != "right" for question in result.questions)
