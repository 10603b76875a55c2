"""Where two curves cross, and how sure that is."""

import numpy as np
import pytest

from tlcourse.errors import DataError
from tlcourse.measure import border, crossing_size


def test_equal_gaps_on_both_sides_cross_at_the_geometric_mean():
    assert crossing_size([10, 1000], [0.1, -0.1]) == pytest.approx(100)
    assert crossing_size([10, 1000], [-0.1, 0.1]) == pytest.approx(100)


def test_the_smaller_gap_lies_nearer_to_the_border():
    assert crossing_size([1, 16], [0.3, -0.1]) == pytest.approx(8)


def test_the_first_of_two_crossings_counts():
    assert crossing_size([1, 4, 16], [1, -1, 1]) == pytest.approx(2)


def test_a_gap_of_zero_is_a_crossing():
    assert crossing_size([5, 50], [0, -1]) == 5
    assert crossing_size([5, 50], [1, 0]) == pytest.approx(50)


def test_without_a_change_of_sign_nothing_is_extrapolated():
    assert crossing_size([10, 100], [0.2, 0.01]) is None


@pytest.mark.parametrize(
    ("sizes", "gaps"), [([], []), ([0, 1], [1, -1]), ([2, 1], [1, -1]), ([1, 2], [1]), ([[1, 2]], [[1, -1]])]
)
def test_what_is_no_curve_is_refused(sizes, gaps):
    with pytest.raises(DataError, match="no curve"):
        crossing_size(sizes, gaps)


def crossing_curves(noise):
    rng = np.random.default_rng(0)
    gap = np.array([0.2, 0.1, -0.1, -0.2]) + noise * rng.normal(0, 1, (6, 4))
    level = rng.uniform(0.4, 0.6, (6, 1))
    return level + gap, np.repeat(level, 4, 1)


def test_a_border_lies_within_its_interval_whichever_curve_is_first():
    first, second = crossing_curves(0.05)
    found = border([1, 10, 100, 1000], first, second)
    assert 1 < found.low < found.at < found.high < 1000
    assert found.at == pytest.approx(10**1.5, rel=0.6)
    turned = border([1, 10, 100, 1000], second, first)
    assert (turned.at, turned.low, turned.high) == pytest.approx((found.at, found.low, found.high))


def test_more_noise_makes_a_wider_interval():
    quiet, loud = (border([1, 10, 100, 1000], *crossing_curves(noise)) for noise in (0.01, 0.06))
    assert loud.low < quiet.low < quiet.high < loud.high


def test_an_end_beyond_the_sizes_is_open_and_said_so():
    first = np.array([[0.1, 0.05, -0.01], [0.1, 0.05, 0.01], [0.1, 0.05, -0.03]])
    found = border([1, 10, 100], first, np.zeros_like(first))
    assert found.high is None and found.low < found.at
    assert str(found).endswith("open]")


def test_no_border_is_said_so():
    first = np.array([[0.1, 0.2], [0.12, 0.18]])
    assert str(border([1, 10], first, np.zeros_like(first))) == "no border among the sizes measured"


def test_curves_that_share_no_seeds_are_refused():
    with pytest.raises(DataError, match="no pairs"):
        border([1, 10], np.zeros((3, 2)), np.zeros((2, 2)))
