"""Words and their numbers."""

from __future__ import annotations

import pytest

from tlcourse.errors import DataError
from tlcourse.models import Vocabulary, tokenise

SPECIALS = ["xxunk", "xxpad", "xxbos", "xxnum"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The graph's 2 edges.", ["the", "graph's", "xxnum", "edges", "."]),
        ("shortest_path of a DiGraph", ["shortest", "path", "of", "a", "di", "graph"]),
        ("1,000.5 × Übung", ["xxnum", "×", "übung"]),
        ("", []),
    ],
)
def test_tokens(text: str, expected: list[str]) -> None:
    assert tokenise(text) == expected


def test_the_most_frequent_words_in_a_fixed_order() -> None:
    words = Vocabulary.of(["b a a", "c b a 7"], 6)
    assert words.words == (*SPECIALS, "a", "b") and "c" not in words
    assert words.numbers("a c b 12") == [2, 4, 0, 5, 3]
    assert words.numbers("a c b 12", longest=2) == [2, 4]


def test_shorter_texts_are_padded_behind() -> None:
    assert Vocabulary([*SPECIALS, "a"]).padded(["a a", "a"]).tolist() == [[2, 4, 4], [2, 4, 1]]


@pytest.mark.parametrize("words", [["a"], [*SPECIALS, "a", "a"]])
def test_no_vocabulary(words: list[str]) -> None:
    with pytest.raises(DataError, match="names each word once"):
        Vocabulary(words)
