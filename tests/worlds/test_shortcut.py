"""In a set with a shortcut the ground gives the class away, as often as asked for."""

from __future__ import annotations

import numpy as np
import pytest

from tlcourse.errors import DataError
from tlcourse.worlds import EVERYDAY, with_shortcut

PAIR = EVERYDAY.only("🐱", "🐭")


def test_groups_have_the_sizes_that_the_agreement_says() -> None:
    data, groups = with_shortcut(PAIR, 20, agreement=0.9, size=16)
    sizes = dict(zip(*np.unique(groups, return_counts=True), strict=True))
    assert sizes == {"cat by night": 18, "cat by day": 2, "mouse by day": 18, "mouse by night": 2}
    np.testing.assert_array_equal(data.labels, [group.startswith("mouse") for group in groups])


def test_half_agreement_is_no_shortcut() -> None:
    _, groups = with_shortcut(PAIR, 10, agreement=0.5, size=16)
    assert set(np.unique(groups, return_counts=True)[1]) == {5}


def test_a_seed_gives_the_same_images() -> None:
    first, again, other = (with_shortcut(PAIR, 4, agreement=0.5, size=16, seed=seed)[0] for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.images, again.images)
    assert not np.array_equal(first.images, other.images)


def test_three_classes_or_no_share_are_refused() -> None:
    with pytest.raises(DataError, match="alphabet of two"):
        with_shortcut(EVERYDAY, 10, agreement=0.9)
    with pytest.raises(DataError, match="from 0 to 1"):
        with_shortcut(PAIR, 10, agreement=95)
