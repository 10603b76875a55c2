"""Rows drawn so that groups count alike."""

from __future__ import annotations

import numpy as np
import pytest

from tlcourse.errors import DataError
from tlcourse.transfer import balanced_rows

GROUPS = np.repeat(["many", "few", "one"], [90, 9, 1])


def test_every_group_gets_its_share() -> None:
    drawn = GROUPS[balanced_rows(GROUPS, 62)]
    assert sorted(np.unique(drawn, return_counts=True)[1].tolist()) == [20, 21, 21]


def test_a_large_group_is_not_drawn_twice_and_a_small_one_as_evenly_as_can_be() -> None:
    rows = balanced_rows(GROUPS, 60)
    many, few = rows[GROUPS[rows] == "many"], rows[GROUPS[rows] == "few"]
    assert len(set(many)) == 20
    assert set(np.unique(few, return_counts=True)[1].tolist()) == {2, 3} and len(set(few)) == 9


def test_the_seed_decides_which() -> None:
    np.testing.assert_array_equal(balanced_rows(GROUPS, 30, seed=1), balanced_rows(GROUPS, 30, seed=1))
    assert not np.array_equal(balanced_rows(GROUPS, 30, seed=1), balanced_rows(GROUPS, 30, seed=2))


def test_no_groups_cannot_be_balanced() -> None:
    with pytest.raises(DataError, match="no groups"):
        balanced_rows([], 10)
