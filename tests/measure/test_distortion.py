"""How far features have moved: distances and alignment."""

import numpy as np
import pytest

from tlcourse.errors import DataError
from tlcourse.measure import feature_shift, linear_cka

FEATURES = np.random.default_rng(0).normal(0, 1, (200, 5))
TURN = np.linalg.qr(np.random.default_rng(1).normal(0, 1, (5, 5)))[0]


def test_what_has_not_moved():
    assert feature_shift(FEATURES, FEATURES) == 0
    assert linear_cka(FEATURES, FEATURES) == pytest.approx(1)


def test_a_shift_is_measured_in_spreads():
    spread = np.sqrt(np.square(FEATURES - FEATURES.mean(0)).sum(1).mean())
    moved = FEATURES + 0.5 * spread * np.eye(5)[0]
    assert feature_shift(FEATURES, moved) == pytest.approx(0.5)
    assert feature_shift(10 * FEATURES, 10 * moved) == pytest.approx(0.5)


def test_alignment_forgives_a_turn_and_a_scale_and_a_shift():
    assert linear_cka(FEATURES, 3 * FEATURES @ TURN + 7) == pytest.approx(1)
    assert feature_shift(FEATURES, FEATURES @ TURN) > 0.5


def test_unrelated_features_have_little_in_common():
    assert linear_cka(FEATURES, np.random.default_rng(2).normal(0, 1, (200, 8))) < 0.1


@pytest.mark.parametrize("measured", [feature_shift, linear_cka])
def test_what_cannot_be_compared_is_refused(measured):
    with pytest.raises(DataError, match="same images"):
        measured(FEATURES, FEATURES[:10])
    with pytest.raises(DataError, match="do not vary"):
        measured(np.ones((4, 2)), np.ones((4, 2)))
    with pytest.raises(DataError, match="same images"):
        measured(FEATURES[0], FEATURES[0])


def test_a_distance_needs_equal_widths():
    with pytest.raises(DataError, match=r"\(200, 5\) and \(200, 3\)"):
        feature_shift(FEATURES, FEATURES[:, :3])
