"""Numbers in two languages."""

from __future__ import annotations

import pytest

from tlcourse.errors import DataError
from tlcourse.worlds import english, french, number_names


@pytest.mark.parametrize(
    ("number", "in_english", "in_french"),
    [
        (0, "zero", "zéro"),
        (17, "seventeen", "dix sept"),
        (21, "twenty one", "vingt et un"),
        (71, "seventy one", "soixante et onze"),
        (80, "eighty", "quatre vingts"),
        (81, "eighty one", "quatre vingt un"),
        (97, "ninety seven", "quatre vingt dix sept"),
        (100, "one hundred", "cent"),
        (200, "two hundred", "deux cents"),
        (274, "two hundred seventy four", "deux cent soixante quatorze"),
    ],
)
def test_names(number: int, in_english: str, in_french: str) -> None:
    assert (english(number), french(number)) == (in_english, in_french)


def test_every_number_has_its_own_name_and_none_is_in_both_sets() -> None:
    train, test = number_names(seed=1)
    assert len(train) == 800 and len(test) == 200
    assert len({name for pair in train + test for name in pair[1:]}) == 1000 and not set(train) & set(test)


@pytest.mark.parametrize("number", [-1, 1000])
def test_other_numbers(number: int) -> None:
    with pytest.raises(DataError, match="0 to 999"):
        english(number)
