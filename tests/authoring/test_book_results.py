"""The book's page of results: every stored result, its numbers, and how to make it again."""

from __future__ import annotations

import re

import pytest
from authoring_kit import CHECKOUT

from tlcourse.authoring.book_results import page
from tlcourse.authoring.course import lessons
from tlcourse.measure import mean_interval, stored, stored_results


@pytest.fixture(scope="module")
def results() -> str:
    return page(lessons(CHECKOUT))


@pytest.mark.parametrize("name", sorted(path.stem for path in stored_results.FOLDER.glob("*.json")))
def test_each_result_says_what_it_is_who_uses_it_and_how_to_make_it_again(name: str, results: str) -> None:
    (section,) = [
        part for part in results.split("\n## ") if stored(name).command in part and stored(name).about in part
    ]
    assert re.search(r"Used in \[lesson \d\d\]\(lessons/[\w-]+\.ipynb\)", section)


def test_several_runs_are_a_mean_and_an_interval(results: str) -> None:
    mean = mean_interval(stored("adaptation").figures["plain"]["source only"])
    assert f"| plain, source only | {mean.mean:.3g} | {mean.low:.3g} to {mean.high:.3g} | 5 |" in results


def test_rows_that_differ_in_their_seed_are_one_result(results: str) -> None:
    runs = [
        row["accuracy"] for row in stored("adaptation").figures["rows"] if (row["arm"], row["strength"]) == ("MMD", 10)
    ]
    assert f"| rows, MMD, strength 10 | {mean_interval(runs).mean:.3g} |" in results
