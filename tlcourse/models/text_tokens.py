"""From text to numbers: a tokeniser of a few lines, and the vocabulary that ships with the text encoder."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from tlcourse.errors import DataError

UNKNOWN, PAD, START, NUMBER = "xxunk", "xxpad", "xxbos", "xxnum"
"""Tokens that are no words: an unknown word, padding, the start of a text (fastai's names), and any number."""

SPECIALS = (UNKNOWN, PAD, START, NUMBER)

# A word (an apostrophe may stand inside), a number, or one mark. An underscore and a capital inside a name part words.
_TOKEN = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?|\d+(?:[.,]\d+)*|[^\w\s]")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")


def tokenise(text: str) -> list[str]:
    """The words and marks of a text, in lower case; every number becomes `xxnum`.

    `shortest_path` and `DiGraph` are two words each: names in programs are made of words.
    """
    return [NUMBER if token[0].isdigit() else token.lower() for token in _TOKEN.findall(_CAMEL.sub(" ", text))]


class Vocabulary:
    """Words and their numbers; the first four are `xxunk`, `xxpad`, `xxbos` and `xxnum`.

    Args:
        words: by number.

    Raises:
        DataError: the special tokens are not the first, or a word stands twice.
    """

    def __init__(self, words: Sequence[str]) -> None:
        self.words = tuple(words)
        self._numbers = {word: number for number, word in enumerate(self.words)}
        if self.words[: len(SPECIALS)] != SPECIALS or len(self._numbers) != len(self.words):
            raise DataError(
                f"A vocabulary starts with {', '.join(SPECIALS)} and names each word once.", "Mend the list of words."
            )

    @classmethod
    def of(cls, texts: Iterable[str], size: int) -> Vocabulary:
        """The `size` most frequent words of texts, equal counts in alphabetical order."""
        counts = Counter(token for text in texts for token in tokenise(text))
        ranked = sorted(counts.keys() - set(SPECIALS), key=lambda word: (-counts[word], word))
        return cls([*SPECIALS, *ranked[: size - len(SPECIALS)]])

    def __len__(self) -> int:
        return len(self.words)

    def __contains__(self, word: object) -> bool:
        return word in self._numbers

    def number(self, word: str) -> int:
        """The number of a word; that of `xxunk` if it is not known."""
        return self._numbers.get(word, 0)

    def numbers(self, text: str, longest: int | None = None) -> list[int]:
        """A text as numbers, `xxbos` first; cut after `longest` numbers."""
        return [SPECIALS.index(START), *(self.number(token) for token in tokenise(text))][:longest]

    def padded(self, texts: Sequence[str], longest: int | None = None) -> np.ndarray:
        """Texts as one array of int64, shape (N, length of the longest), `xxpad` behind each shorter text."""
        rows = [self.numbers(text, longest) for text in texts]
        width = max(map(len, rows), default=0)
        pad = SPECIALS.index(PAD)
        return np.array([row + [pad] * (width - len(row)) for row in rows], dtype=np.int64).reshape(len(rows), width)
