"""A translator in small, and who sees whom."""

from __future__ import annotations

import numpy as np

from tlcourse.transfer import train_translator, who_sees_whom, word_by_word

PAIRS = [
    (f"{a} {b}", f"{b.upper()} {a.upper()}") for a in ("red", "green", "blue", "old") for b in ("pear", "fig", "nut")
]


def test_it_learns_to_turn_words_round() -> None:
    model = train_translator(PAIRS, steps=60)
    assert model.translate([source for source, _ in PAIRS]) == [target for _, target in PAIRS]


def test_the_seed_decides() -> None:
    first, again, other = (train_translator(PAIRS, steps=2, seed=seed).table.weight for seed in (0, 0, 1))
    assert first.equal(again) and not first.equal(other)


def test_word_by_word_cannot_turn_words_round() -> None:
    assert word_by_word([("a", "A"), ("b", "B"), ("a b", "A B")], "b a x") == "B A"
    assert word_by_word(PAIRS, "red pear") != "PEAR RED"


def test_who_sees_whom() -> None:
    everything, before = np.ones((4, 4), bool), np.tri(4, dtype=bool)
    np.testing.assert_array_equal(who_sees_whom("bert", 4), everything)
    np.testing.assert_array_equal(who_sees_whom("gpt", 4), before)
    np.testing.assert_array_equal(who_sees_whom("t5", 4), np.concatenate([everything, before], axis=1))
