"""Word vectors without a network: count which words stand near each other, and compress the counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from tlcourse.errors import DataError
from tlcourse.models.text_encoder import shipped_vectors, text_vocabulary
from tlcourse.models.text_tokens import SPECIALS, Vocabulary


@dataclass(frozen=True)
class WordVectors:
    """A vector for each word of a vocabulary.

    Args:
        vocabulary: the words.
        vectors: float32, shape (words, numbers).
    """

    vocabulary: Vocabulary
    vectors: np.ndarray

    def vector(self, word: str) -> np.ndarray:
        """The vector of one word.

        Raises:
            DataError: the word is not in the vocabulary.
        """
        if word not in self.vocabulary:
            raise DataError(f"{word!r} is not among the {len(self.vocabulary):,} words.", "Try a more common word.")
        return self.vectors[self.vocabulary.number(word)]

    def nearest(self, word: str | np.ndarray, count: int = 8) -> list[tuple[str, float]]:
        """The words whose vectors point in the most similar direction, and the cosine of each; not the word itself.

        Raises:
            DataError: the word is not in the vocabulary.
        """
        target = self.vector(word) if isinstance(word, str) else word
        norms = np.linalg.norm(self.vectors, axis=1) * np.linalg.norm(target)
        cosines = self.vectors @ target / np.maximum(norms, 1e-9)
        cosines[: len(SPECIALS)] = -1
        best = [index for index in np.argsort(-cosines) if self.vocabulary.words[index] != word][:count]
        return [(self.vocabulary.words[index], float(cosines[index])) for index in best]

    def mean(self, texts: Sequence[str]) -> np.ndarray:
        """The mean vector of each text's known words, shape (N, numbers); zeros where no word is known."""
        result = np.zeros((len(texts), self.vectors.shape[1]), np.float32)
        for row, text in enumerate(texts):
            known = [number for number in self.vocabulary.numbers(text) if number >= len(SPECIALS)]
            if known:
                result[row] = self.vectors[known].mean(0)
        return result


@cache
def word_vectors() -> WordVectors:
    """The vectors that ship with the course, of the words and texts that its encoder learned from."""
    return WordVectors(text_vocabulary(), shipped_vectors())


def count_vectors(row: np.ndarray, words: int, size: int = 128, window: int = 5, seed: int = 0) -> np.ndarray:
    """Vectors from co-occurrence: PPMI and a truncated SVD (Levy & Goldberg 2014, "Neural word embedding as implicit
    matrix factorization"; the exponents 0.75 and 0.5 of Levy, Goldberg & Dagan 2015).

    The positive pointwise mutual information of two words is max(0, log P(a, b) / (P(a) P(b))): how much more often
    they stand within `window` tokens of each other than by chance.

    Args:
        row: numbers of the tokens of all texts, one after the other, shape (n,).
        words: size of the vocabulary.
        size: numbers a word.
        window: tokens to either side that count as near.
        seed: of the SVD's random start.

    Returns:
        float32, shape (words, size); rows of length 1, or 0 for a word that never stands near another.
    """
    from scipy import sparse
    from sklearn.utils.extmath import randomized_svd

    pairs = sparse.csr_matrix((words, words))
    for distance in range(1, window + 1):
        a, b = row[:-distance], row[distance:]
        plain = (a >= len(SPECIALS)) & (b >= len(SPECIALS))
        pairs = pairs + sparse.csr_matrix((np.ones(plain.sum()), (a[plain], b[plain])), (words, words))
    pairs = (pairs + pairs.T).tocoo()
    totals = np.asarray(pairs.sum(0)).ravel()
    smoothed = totals**0.75  # rare contexts would otherwise win
    information = np.log(pairs.data * smoothed.sum() / np.maximum(totals[pairs.row] * smoothed[pairs.col], 1e-12))
    kept = information > 0
    table = sparse.csr_matrix((information[kept], (pairs.row[kept], pairs.col[kept])), (words, words))
    left, singular, _ = randomized_svd(table, size, random_state=seed)
    vectors = left * np.sqrt(singular)
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors / np.where(norms > 1e-6, norms, np.inf)).astype(np.float32)
