"""Intervals over seeds: Student's, checked against scipy and by what an interval must do."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tlcourse.errors import DataError
from tlcourse.measure import Interval, mean_band, mean_interval, paired_gap

ACCURACIES = st.lists(st.floats(0, 1), min_size=2, max_size=20)


@given(values=ACCURACIES, level=st.sampled_from([0.5, 0.9, 0.95, 0.99]))
def test_it_is_scipys_interval(values: list[float], level: float) -> None:
    interval = mean_interval(values, level)
    if stats.sem(values) > 0:
        low, high = stats.t.interval(level, len(values) - 1, loc=np.mean(values), scale=stats.sem(values))
        assert [interval.low, interval.high] == pytest.approx([low, high])
    else:
        assert interval.low == interval.mean == interval.high


def test_a_case_by_hand() -> None:
    interval = mean_interval([0.60, 0.62, 0.64, 0.66, 0.68])
    # s = sqrt(0.004 / 4), t with 4 degrees of freedom = 2.776, divided by sqrt(5)
    assert interval.mean == pytest.approx(0.64) and interval.n == 5
    assert interval.half_width == pytest.approx(2.776 * 0.001**0.5 / 5**0.5, rel=1e-3)
    assert str(interval) == "0.640 [0.601, 0.679], n = 5"


@given(values=ACCURACIES, shift=st.floats(-10, 10), stretch=st.floats(0.1, 10))
def test_it_moves_and_stretches_with_the_values(values: list[float], shift: float, stretch: float) -> None:
    plain, moved = mean_interval(values), mean_interval([shift + stretch * value for value in values])
    expected = [shift + stretch * end for end in (plain.low, plain.high)]
    assert [moved.low, moved.high] == pytest.approx(expected, abs=1e-6)


@given(values=ACCURACIES)
def test_a_higher_level_is_wider(values: list[float]) -> None:
    assert mean_interval(values, 0.99).half_width >= mean_interval(values, 0.9).half_width


def test_it_covers_the_true_mean_as_often_as_it_says() -> None:
    draws = np.random.default_rng(0).normal(0.7, 0.05, (4000, 5))
    covered = np.mean([(i := mean_interval(runs, 0.9)).low <= 0.7 <= i.high for runs in draws])
    assert 0.88 < covered < 0.92


def test_a_band_is_the_interval_at_every_point() -> None:
    runs = np.random.default_rng(1).uniform(size=(4, 6))
    mean, low, high = mean_band(runs)
    for point in range(6):
        interval = mean_interval(runs[:, point])
        assert (mean[point], low[point], high[point]) == pytest.approx((interval.mean, interval.low, interval.high))


def test_a_gap_is_judged_pair_by_pair() -> None:
    gap = paired_gap([0.22, 0.93, 0.52, 0.73], [0.2, 0.9, 0.5, 0.7])
    assert gap.low > 0, "the arms differ on every seed, far though the seeds lie apart"
    unsure = paired_gap([0.5, 0.6, 0.7], [0.6, 0.5, 0.7])
    assert unsure.low < 0 < unsure.high


def test_arms_of_different_length_are_no_pairs() -> None:
    for worse in ([0.5], [0.5, 0.6], []):
        with pytest.raises(DataError, match="no pairs"):
            paired_gap([0.5, 0.6, 0.7], worse)


@pytest.mark.parametrize("values", [[], [0.5]])
def test_one_run_has_no_interval(values: list[float]) -> None:
    with pytest.raises(DataError, match="at least two runs") as caught:
        mean_interval(values)
    assert "other seeds" in caught.value.cure


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_diverged_run_is_named(value: float) -> None:
    with pytest.raises(DataError, match="not finite"):
        mean_interval([0.5, value])


@pytest.mark.parametrize("level", [0, 1, 95, -0.5])
def test_a_level_that_is_no_share(level: float) -> None:
    with pytest.raises(DataError, match="is no share"):
        mean_interval([0.5, 0.6], level)


def test_one_curve_has_no_band() -> None:
    with pytest.raises(DataError, match=r"not an array of shape \(6,\)"):
        mean_band(np.zeros(6))


def test_an_interval_of_ones_own() -> None:
    assert Interval(0.5, 0.4, 0.6, 3).half_width == pytest.approx(0.1)
