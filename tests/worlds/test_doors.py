"""Doors differ in one thing alone: whether they are brighter or darker than the wall."""

from __future__ import annotations

import numpy as np
import pytest

from tlcourse.errors import DataError
from tlcourse.worlds import PRINT, doors


def test_states_take_turns_and_a_seed_gives_the_same_doors() -> None:
    data = doors(3, size=24, seed=1)
    assert data.labels.tolist() == [0, 1, 0, 1, 0, 1] and data.classes == ("closed", "open")
    np.testing.assert_array_equal(data.images, doors(3, size=24, seed=1).images)
    assert not np.array_equal(data.images, doors(3, size=24, seed=2).images)


def test_an_open_door_is_brighter_than_the_wall() -> None:
    data = doors(20, style=PRINT, size=32)
    centre, corner = (data.images[:, :, rows, rows].mean((1, 2, 3)) for rows in (slice(13, 19), slice(0, 4)))
    np.testing.assert_array_equal(centre > corner, data.labels == 1)


@pytest.mark.parametrize("wrong", [{"per_class": 0}, {"size": 4}, {"style": "fog"}])
def test_what_cannot_be_drawn_is_refused(wrong: dict) -> None:
    with pytest.raises(DataError):
        doors(**wrong)
