"""A language pair small enough to learn in seconds, and true: the numbers below 1,000 in English and in French."""

from __future__ import annotations

import numpy as np

from tlcourse.errors import DataError

_ENGLISH = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_ENGLISH_TENS = ["_", "_", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_FRENCH = [
    "zéro",
    "un",
    "deux",
    "trois",
    "quatre",
    "cinq",
    "six",
    "sept",
    "huit",
    "neuf",
    "dix",
    "onze",
    "douze",
    "treize",
    "quatorze",
    "quinze",
    "seize",
]
_FRENCH_TENS = ["_", "_", "vingt", "trente", "quarante", "cinquante", "soixante"]


def english(number: int) -> str:
    """A whole number from 0 to 999 in words: 274 is "two hundred seventy four".

    Raises:
        DataError: another number.
    """
    _check(number)
    hundreds, rest = divmod(number, 100)
    words = [_ENGLISH[hundreds], "hundred"] if hundreds else []
    if rest >= 20:
        words += [_ENGLISH_TENS[rest // 10], *([_ENGLISH[rest % 10]] if rest % 10 else [])]
    elif rest or not hundreds:
        words.append(_ENGLISH[rest])
    return " ".join(words)


def french(number: int) -> str:
    """A whole number from 0 to 999 in French, hyphens left out: 274 is "deux cent soixante quatorze".

    From 70 on, French counts in twenties: 74 is sixty-fourteen and 97 is four-twenty-ten-seven. There is no word for
    70 or 90, so that word by word nothing comes of them.

    Raises:
        DataError: another number.
    """
    _check(number)
    hundreds, rest = divmod(number, 100)
    words = [] if not hundreds else ["cent"] if hundreds == 1 else [_FRENCH[hundreds], "cent" if rest else "cents"]
    return " ".join(words + (_below_hundred(rest) if rest or not hundreds else []))


def _below_hundred(number: int) -> list[str]:
    if number <= 16:
        return [_FRENCH[number]]
    if number < 20:
        return ["dix", _FRENCH[number - 10]]
    if number >= 80:
        rest = _below_hundred(number - 80) if number > 80 else []
        return ["quatre", "vingt" if rest else "vingts", *rest]
    base = 60 if number >= 60 else number // 10 * 10
    tens, rest_number = _FRENCH_TENS[base // 10], number - base
    link = ["et"] if rest_number in (1, 11) else []
    return [tens, *link, *(_below_hundred(rest_number) if rest_number else [])]


def _check(number: int) -> None:
    if not 0 <= number < 1000:
        raise DataError(f"{number} is not from 0 to 999.", "Give a smaller whole number.")


def number_names(seed: int = 0, held_out: int = 200) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """(pairs to learn from, pairs to test with), each an English and a French name of one number, drawn by `seed`."""
    order = np.random.default_rng(seed).permutation(1000).tolist()
    pairs = [(english(number), french(number)) for number in order]
    return pairs[held_out:], pairs[:held_out]
