"""Alarms for a world that moves."""

import numpy as np
import pytest
from scipy import stats

from tlcourse.errors import DataError
from tlcourse.measure import alarm_delay, alarm_threshold, ks_distance, mmd_distance, window_scores


def test_the_ks_distance_is_scipy_s():
    rng = np.random.default_rng(0)
    for n, m in ((50, 20), (7, 200)):
        one, other = rng.normal(size=n), rng.normal(0.5, 1, m).round(1)
        assert ks_distance(one, other) == pytest.approx(stats.ks_2samp(one, other).statistic)


def test_the_mmd_is_about_0_for_one_distribution_and_grows_with_the_shift():
    rng = np.random.default_rng(1)
    reference = rng.normal(size=(200, 5))
    same = [mmd_distance(reference, rng.normal(size=(30, 5))) for _ in range(40)]
    assert abs(np.mean(same)) < 3 * np.std(same) / np.sqrt(40) + 0.003
    shifted = [mmd_distance(reference, rng.normal(shift, 1, (30, 5))) for shift in (0.5, 1, 2)]
    assert np.mean(same) < shifted[0] < shifted[1] < shifted[2]


def test_the_mmd_by_its_definition():
    x, z = np.array([[0.0], [1.0], [3.0]]), np.array([[2.0], [4.0]])
    width = 4.0  # the median of the squared distances 1, 9, 4

    def kernel(a, b):
        return np.exp(-((a - b) ** 2) / width)

    within = np.mean([kernel(0, 1), kernel(0, 3), kernel(1, 3)])
    across = np.mean([kernel(a, b) for a in (0, 1, 3) for b in (2, 4)])
    assert mmd_distance(x, z) == pytest.approx(within + kernel(2, 4) - 2 * across)


def test_a_stream_is_cut_into_windows_and_the_rest_left_out():
    scores = window_scores(np.zeros(3), np.arange(10.0), 4, lambda reference, window: window.sum())
    np.testing.assert_array_equal(scores, [6, 22])


@pytest.mark.parametrize(("rate", "n"), [(0.05, 60), (0.1, 9), (0.2, 37)])
def test_a_new_clean_score_alarms_at_most_at_the_rate(rate, n):
    rng = np.random.default_rng(2)
    scores = rng.gamma(2, size=(20_000, n + 1))
    alarms = [row[0] > alarm_threshold(row[1:], rate) for row in scores]
    assert rate - 2 / (n + 1) <= np.mean(alarms) <= rate + 0.005


def test_the_threshold_is_where_the_counted_chance_crosses_the_rate():
    clean = np.random.default_rng(3).random(53)
    threshold = alarm_threshold(clean, 0.1)
    for score in np.sort(clean):
        assert (score > threshold) == ((1 + np.sum(clean >= score)) / 54 <= 0.1)


def test_too_few_clean_windows_never_alarm():
    assert alarm_threshold(np.arange(98.0), 0.01) == np.inf
    assert alarm_threshold(np.arange(99.0), 0.01) == 98


def test_the_delay_counts_from_the_first_drifted_window():
    assert alarm_delay([9, 0, 0, 5, 9], 4, start=2) == 2
    assert alarm_delay([9, 9, 0, 0], 4, start=2) is None


@pytest.mark.parametrize(
    "act",
    [
        lambda: ks_distance(np.ones((3, 2)), np.ones(3)),
        lambda: ks_distance(np.ones(0), np.ones(3)),
        lambda: mmd_distance(np.ones((3, 2)), np.ones((3, 3))),
        lambda: mmd_distance(np.ones((1, 2)), np.ones((3, 2))),
        lambda: window_scores(np.ones(3), np.ones(3), 4, ks_distance),
        lambda: window_scores(np.ones(3), np.ones(3), 0, ks_distance),
        lambda: alarm_threshold([], 0.1),
        lambda: alarm_threshold([1.0], 0),
    ],
)
def test_what_makes_no_sense_is_named(act):
    with pytest.raises(DataError):
        act()
