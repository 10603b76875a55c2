"""Beating a baseline: how far ahead, and whether that could be the draw of the test pictures."""

from __future__ import annotations

import numpy as np
import pytest

from tlcourse.errors import DataError
from tlcourse.measure import bootstrap_gap


def test_the_interval_is_that_of_the_mean_of_the_differences() -> None:
    rng = np.random.default_rng(0)
    right, baseline = rng.random(300) < 0.8, rng.random(300) < 0.7
    gap = bootstrap_gap(right, baseline)
    spread = 1.96 * (right.astype(float) - baseline).std() / np.sqrt(300)
    assert gap.mean == pytest.approx(right.mean() - baseline.mean())
    assert (gap.low, gap.high) == pytest.approx((gap.mean - spread, gap.mean + spread), abs=0.01)
    assert gap == bootstrap_gap(right, baseline)


def test_answers_that_agree_picture_by_picture_have_no_gap_at_all() -> None:
    right = np.arange(50) % 3 == 0
    gap = bootstrap_gap(right, right)
    assert (gap.low, gap.mean, gap.high) == (0, 0, 0) and gap.verdict == "a tie"


def test_pairs_make_the_interval_narrower_than_one_number_does() -> None:
    rng = np.random.default_rng(1)
    baseline = rng.random(200) < 0.7
    right = baseline | (rng.random(200) < 0.1)
    assert bootstrap_gap(right, baseline).half_width < 0.6 * bootstrap_gap(right, float(baseline.mean())).half_width


def test_the_interval_covers_the_true_gap_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(2)
    covered = 0
    for seed in range(200):
        gap = bootstrap_gap(rng.random(200) < 0.8, 0.75, draws=500, seed=seed)
        covered += gap.low <= 0.05 <= gap.high
    assert 180 <= covered <= 199


@pytest.mark.parametrize(("right", "baseline"), [([1], 0.5), ([[1, 0]], 0.5), ([1, 0, 1], [1, 0])])
def test_what_does_not_fit_is_refused(right: list, baseline: object) -> None:
    with pytest.raises(DataError, match="do not fit"):
        bootstrap_gap(np.array(right), baseline)  # type: ignore[arg-type]
