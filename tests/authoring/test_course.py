"""Finding the course and its lessons."""

from __future__ import annotations

from pathlib import Path

import pytest
from authoring_kit import CHECKOUT

from tlcourse.authoring.course import CLASS_MARK, find_lesson, find_root, lessons
from tlcourse.errors import LessonError


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What a learner has: notebooks/ and no solutions/."""
    for name in ("01-first-steps", "02-next-steps", "12-first-class", "drafts"):
        (tmp_path / "notebooks" / name).mkdir(parents=True)
    return tmp_path


def test_the_course_is_found_from_inside_it(checkout: Path) -> None:
    assert find_root(checkout / "notebooks" / "01-first-steps") == checkout


def test_outside_any_course_it_is_the_package_s_own_checkout(tmp_path: Path) -> None:
    assert find_root(tmp_path) == CHECKOUT


def test_a_class_is_not_the_course(checkout: Path) -> None:
    (checkout / "nbgrader_config.py").write_text(f"{CLASS_MARK}\n")
    assert find_root(checkout) == CHECKOUT


def test_the_lessons_come_from_the_folders(checkout: Path) -> None:
    (checkout / "solutions" / "00-welcome").mkdir(parents=True)
    found = lessons(checkout)
    assert [lesson.number for lesson in found] == ["00", "01", "02", "12"]
    assert found[1].release == checkout / "notebooks/01-first-steps/01-first-steps.ipynb"
    assert found[1].source == checkout / "solutions/01-first-steps/01-first-steps.py"


@pytest.mark.parametrize(
    "query",
    ["2", "02", "02-next", "02-next-steps", "notebooks/02-next-steps/02-next-steps.ipynb", " 02-NEXT "],
)
def test_a_lesson_is_found_by_what_people_type(checkout: Path, query: str) -> None:
    assert find_lesson(checkout, query).name == "02-next-steps"


def test_an_unknown_lesson_lists_the_lessons(checkout: Path) -> None:
    with pytest.raises(LessonError, match=r"no lesson '7'.*01-first-steps, 02-next-steps, 12-first-class"):
        find_lesson(checkout, "7")


def test_two_lessons_of_one_number_are_both_named(checkout: Path) -> None:
    (checkout / "notebooks" / "02-other").mkdir()
    with pytest.raises(LessonError, match="02-next-steps, 02-other"):
        find_lesson(checkout, "2")
