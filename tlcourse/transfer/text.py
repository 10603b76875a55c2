"""Few-label transfer on text: pooled features of a frozen encoder, a bag of words, and what each reaches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Protocol

import numpy as np
import torch
from torch import Tensor

from tlcourse.errors import DataError
from tlcourse.models.text_tokens import tokenise
from tlcourse.transfer.probe import draw_rows
from tlcourse.worlds.text import LabelledTexts

Pooling = Literal["mean", "max", "last", "concat"]


class ReadsTexts(Protocol):
    """What `text_features` needs of an encoder: the course's own and published ones have it."""

    def states(self, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """(states of shape (N, T, F), mask of shape (N, T), True where a token stands)."""


def pool_tokens(states: Tensor, mask: Tensor, how: Pooling = "mean") -> Tensor:
    """One vector a text from one a token; what stands on padding plays no part.

    Args:
        states: shape (N, T, F).
        mask: bool, shape (N, T), True where a token stands; at least one in each row, the tokens first.
        how: the mean, the largest of each feature, the last token's, or all three side by side (last, largest, mean),
            which is ULMFiT's concat pooling (Howard & Ruder 2018, section 3.3).

    Returns:
        Shape (N, F), or (N, 3 F) for "concat".

    Raises:
        DataError: shapes that do not fit, or a text without a token.
    """
    if states.ndim != 3 or mask.shape != states.shape[:2]:
        raise DataError(
            f"States of shape {tuple(states.shape)} and a mask of shape {tuple(mask.shape)} do not fit.",
            "Give (N, T, F) and (N, T).",
        )
    if not mask.any(1).all():
        raise DataError("A text has no token.", "Leave empty texts out.")
    if how == "concat":
        return torch.cat([pool_tokens(states, mask, part) for part in ("last", "max", "mean")], dim=1)
    inside = mask.unsqueeze(-1)
    if how == "mean":
        return (states * inside).sum(1) / inside.sum(1)
    if how == "max":
        return states.masked_fill(~inside, -torch.inf).amax(1)
    return states[torch.arange(len(states)), mask.sum(1) - 1]


def text_features(
    encoder: ReadsTexts, texts: Sequence[str], how: Pooling = "mean", batch_size: int = 128
) -> np.ndarray:
    """Frozen features of texts: no gradient, no dropout, and no weight of the encoder changes.

    Texts of like length are read together, so that little padding is read.

    Args:
        encoder: the course's own, or a published one.
        texts: N strings.
        how: as in `pool_tokens`.
        batch_size: texts read at a time.

    Returns:
        float32, shape (N, F), in the order of the texts.
    """
    if isinstance(encoder, torch.nn.Module):
        encoder.eval()
    order = sorted(range(len(texts)), key=lambda row: len(texts[row]))
    parts = []
    with torch.no_grad():
        for start in range(0, len(order), batch_size):
            states, mask = encoder.states([texts[row] for row in order[start : start + batch_size]])
            parts.append(pool_tokens(states.float(), mask, how).cpu().numpy())
    result = np.concatenate(parts)
    return result[np.argsort(order)]


def bag_of_words(texts: Sequence[str], unlabelled: Sequence[str]) -> np.ndarray:
    """TF-IDF: how often each word stands in a text, weighted by how rare it is among the unlabelled texts.

    The words are those that the encoder's tokeniser makes. No label plays a part.

    Args:
        texts: N strings.
        unlabelled: texts of the target domain, from which words and weights are taken.

    Returns:
        float32, shape (N, words), rows of length 1 (or 0 without a known word).
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    counter = TfidfVectorizer(analyzer=tokenise, sublinear_tf=True).fit(unlabelled)
    return counter.transform(texts).toarray().astype(np.float32)


def standardised_by(features: np.ndarray, unlabelled: np.ndarray) -> np.ndarray:
    """Features with the mean and spread of unlabelled texts' taken out, and a mean squared length of 1."""
    mean, spread = unlabelled.mean(0), np.maximum(unlabelled.std(0), 1e-6)
    return (features - mean) / (spread * np.sqrt(features.shape[1]))


def few_label_accuracies(
    pool: np.ndarray,
    labels: np.ndarray,
    test: np.ndarray,
    test_labels: np.ndarray,
    counts: Sequence[int],
    seeds: Sequence[int],
    *,
    strength: float = 10.0,
) -> np.ndarray:
    """Test accuracy of logistic regression on `count` labelled texts of each class, for each count and seed.

    The draws are those of `draw_rows`: arms that share seeds share texts, and a small draw is a part of a larger one.

    Args:
        pool: features of the texts that may be drawn, shape (N, F).
        labels: their labels, shape (N,).
        test, test_labels: features and labels of the test texts, shapes (M, F) and (M,).
        counts: labelled texts of each class.
        seeds: one draw each.
        strength: inverse L2 penalty (scikit-learn's C).

    Returns:
        float64, shape (seeds, counts).

    Raises:
        DataError: a class has too few texts.
    """
    from threadpoolctl import threadpool_limits

    result = np.empty((len(seeds), len(counts)))
    with threadpool_limits(1):
        for row, seed in enumerate(seeds):
            for column, count in enumerate(counts):
                rows = draw_rows(labels, count, seed)
                guesses = _guesses(pool[rows], labels[rows], test, strength)
                result[row, column] = np.mean(guesses == test_labels)
    return result


def _guesses(x: np.ndarray, y: np.ndarray, test: np.ndarray, strength: float) -> Any:
    from sklearn.linear_model import LogisticRegression

    # An L2-penalised fit lies in the span of its rows: turned into it, few rows of many features fit fast.
    span = np.linalg.qr(x.T.astype(np.float64))[0] if x.shape[1] > len(x) else np.eye(x.shape[1])
    return LogisticRegression(C=strength, max_iter=200, tol=1e-3).fit(x @ span, y).predict(test @ span)


def telling_words(data: LabelledTexts, count: int = 4) -> dict[str, list[str]]:
    """For each class the words that stand in a larger share of its texts than of the others, most telling first.

    A word's excess counts the more, the rarer it is among all texts: *the* tells little, however often it stands.
    """
    holds = [set(tokenise(text)) for text in data.texts]
    names = sorted({word for words in holds for word in words if word.isalpha()})
    table = np.array([[word in words for word in names] for words in holds])
    found = {}
    for label, name in enumerate(data.classes):
        own = data.labels == label
        excess = (table[own].mean(0) - table[~own].mean(0)) * -np.log(table.mean(0))
        found[name] = [names[index] for index in np.argsort(-excess, kind="stable")[:count]]
    return found


def slanted_triangular(step: int, steps: int, peak: float, cut: float = 0.1, ratio: float = 32.0) -> float:
    """ULMFiT's learning rate: a short straight rise, then a long straight fall (Howard & Ruder 2018, equation 3).

    Args:
        step: from 0 to `steps`.
        steps: of the whole training.
        peak: the highest rate, reached after `cut` of the steps.
        cut: share of the steps in which the rate rises.
        ratio: how much lower than the peak the lowest rate is.

    Raises:
        DataError: a step outside the training, or a share, ratio or number of steps that makes no triangle.
    """
    if steps < 1 or not 0 <= step <= steps or not 0 < cut < 1 or ratio < 1:
        raise DataError(
            f"Step {step} of {steps} with cut = {cut:g} and ratio = {ratio:g} is on no slanted triangle.",
            "Give a step from 0 to steps, a cut between 0 and 1, and a ratio of at least 1.",
        )
    top = max(1, int(steps * cut))
    share = step / top if step < top else 1 - (step - top) / (top * (1 / cut - 1))
    return peak * (1 + max(0.0, share) * (ratio - 1)) / ratio
