"""Thresholds for rare positives, and what they find."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from tlcourse.errors import DataError
from tlcourse.measure import (
    ranking_quality,
    screening,
    threshold_at_sensitivity,
    threshold_at_specificity,
    wilson_interval,
)

SCORES = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.5, 0.6, 0.7, 0.8, 0.9])
LABELS = np.array([0, 0, 0, 1, 0, 1, 0, 0, 1, 1])


def test_a_threshold_flags_what_is_equal_or_higher() -> None:
    here = screening(SCORES, LABELS, 0.5)
    assert (here.found, here.missed, here.false_alarms, here.cleared) == (3, 1, 3, 3)
    assert (here.sensitivity, here.specificity, here.precision, here.accuracy) == (0.75, 0.5, 0.5, 0.6)
    assert here.sensitivity_interval == wilson_interval(3, 4)
    assert here.specificity_interval == wilson_interval(3, 6)
    assert str(here).startswith("sensitivity 0.750 [0.301, 0.954], specificity 0.500 [0.188, 0.812]")


def test_nothing_flagged_has_no_precision() -> None:
    nothing = screening(SCORES, LABELS, 2)
    assert np.isnan(nothing.precision) and nothing.specificity == 1 and nothing.accuracy == 0.6


@pytest.mark.parametrize("share", [0.05, 0.5, 0.7, 0.9, 0.95, 1.0])
def test_thresholds_keep_their_promise_and_no_better_one_does(share: float) -> None:
    rng = np.random.default_rng(0)
    scores, labels = rng.normal(0, 1, 300).round(1), rng.random(300) < 0.2
    low = threshold_at_specificity(scores, labels, share)
    assert screening(scores, labels, low).specificity >= share
    below = scores[scores < low]
    if len(below):
        assert screening(scores, labels, below.max()).specificity < share
    high = threshold_at_sensitivity(scores, labels, share)
    assert screening(scores, labels, high).sensitivity >= share
    assert screening(scores, labels, np.nextafter(high, np.inf)).sensitivity < share


def test_a_share_that_can_be_met_exactly_is_not_exceeded_by_rounding() -> None:
    scores = np.arange(10) / 10
    assert threshold_at_specificity(scores, np.zeros(10), 0.7) == pytest.approx(0.7)
    assert threshold_at_sensitivity(scores, np.ones(10), 0.7) == pytest.approx(0.3)
    assert threshold_at_specificity(scores, np.zeros(10), 1) > 0.9


def test_healthy_scans_are_enough_for_a_specificity() -> None:
    assert threshold_at_specificity(SCORES[LABELS == 0], np.zeros(6), 0.5) == pytest.approx(0.5)


def test_ranking_ignores_how_many_positives_there_are() -> None:
    assert ranking_quality(SCORES, LABELS) == pytest.approx(roc_auc_score(LABELS, SCORES))
    more = np.repeat(np.arange(10), np.where(LABELS == 0, 9, 1))
    assert ranking_quality(SCORES[more], LABELS[more]) == pytest.approx(ranking_quality(SCORES, LABELS))
    assert ranking_quality(np.zeros(10), LABELS) == 0.5


@pytest.mark.parametrize(
    ("scores", "labels", "why"),
    [
        ([0.1, 0.2], [0, 1, 1], r"shape \(2,\) and labels of shape \(3,\)"),
        ([0.1, np.nan], [0, 1], "not finite"),
        ([0.1, 0.2], [1, 2], r"labels are \[1, 2\]"),
        ([0.1, 0.2], [1, 1], "some of both"),
        ([], [], "do not fit"),
    ],
)
def test_what_cannot_be_screened(scores: list[float], labels: list[int], why: str) -> None:
    with pytest.raises(DataError, match=why):
        screening(scores, labels, 0.5)


def test_thresholds_that_do_not_exist() -> None:
    with pytest.raises(DataError, match="0 negatives have no threshold"):
        threshold_at_specificity([0.5], [1], 0.9)
    with pytest.raises(DataError, match="0 positives have no threshold"):
        threshold_at_sensitivity([0.5], [0], 0.9)
    with pytest.raises(DataError, match="specificity of 90"):
        threshold_at_specificity(SCORES, LABELS, 90)
    with pytest.raises(DataError, match="sensitivity of 0"):
        threshold_at_sensitivity(SCORES, LABELS, 0)
