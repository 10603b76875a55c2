"""Groups judged one by one, and alarms counted."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from tlcourse.errors import DataError
from tlcourse.measure import alarm_rates, audit_groups, wilson_interval

GROUPS = np.repeat(["large", "small", "tiny"], [80, 20, 3])
RIGHT = np.concatenate([np.arange(80) < 76, np.arange(20) < 8, np.zeros(3, bool)])


def test_an_audit_counts_each_group() -> None:
    audit = audit_groups(RIGHT, GROUPS)
    assert audit.size == {"large": 80, "small": 20, "tiny": 3}
    assert audit.accuracy == {"large": 0.95, "small": 0.4, "tiny": 0.0}
    assert audit.average == pytest.approx(84 / 103)
    assert all(audit.low[group] <= audit.accuracy[group] <= audit.high[group] for group in audit.size)


def test_the_worst_group_is_one_that_can_be_judged() -> None:
    audit = audit_groups(RIGHT, GROUPS)
    assert audit.worst == "small" and audit.too_few == ["tiny"]
    assert "too few to judge" in repr(audit)
    assert audit_groups(RIGHT, GROUPS, fewest=3).worst == "tiny"
    with pytest.raises(DataError, match="fewer than 200"):
        _ = audit_groups(RIGHT, GROUPS, fewest=200).worst


@pytest.mark.parametrize(("k", "n"), [(0, 3), (3, 3), (7, 20), (199, 200)])
def test_wilson_agrees_with_scipy(k: int, n: int) -> None:
    expected = stats.binomtest(k, n).proportion_ci(method="wilson")
    assert wilson_interval(k, n) == pytest.approx((expected.low, expected.high))


@pytest.mark.parametrize("wrong", [(4, 3, 0.95), (-1, 3, 0.95), (0, 0, 0.95), (1, 3, 95)])
def test_counts_that_cannot_be_are_refused(wrong: tuple) -> None:
    with pytest.raises(DataError):
        wilson_interval(*wrong)


def test_groups_must_fit_the_results() -> None:
    with pytest.raises(DataError, match="do not fit"):
        audit_groups([True, False], ["one"])
    with pytest.raises(DataError, match="do not fit"):
        audit_groups([], [])


def test_an_interval_raises_few_false_alarms_and_the_mean_many() -> None:
    rng = np.random.default_rng(0)
    scratch, twin = rng.normal(0.8, 0.02, (2, 200))
    by_mean, by_interval = alarm_rates(twin - twin.mean() + scratch.mean(), scratch, 5)
    assert 0.4 < by_mean < 0.6 and by_interval < 0.06
    worse = scratch - 0.05 + rng.normal(0, 0.01, 200)
    assert alarm_rates(worse, scratch, 5) == pytest.approx((1, 1), abs=0.02)


def test_more_seeds_than_runs_cannot_be_drawn() -> None:
    with pytest.raises(DataError, match="no 5 pairs"):
        alarm_rates([0.1, 0.2], [0.1, 0.2], 5)
