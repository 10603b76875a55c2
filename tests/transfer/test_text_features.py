"""Pooling, bags of words, few labels, and ULMFiT's rate."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tlcourse.errors import DataError
from tlcourse.models import TextEncoder
from tlcourse.transfer import (
    bag_of_words,
    few_label_accuracies,
    pool_tokens,
    slanted_triangular,
    standardised_by,
    telling_words,
    text_features,
)
from tlcourse.worlds import LabelledTexts

STATES = torch.tensor([[[1.0, 5.0], [3.0, 1.0], [9.0, 9.0]], [[2.0, 2.0], [4.0, 0.0], [6.0, 7.0]]])
MASK = torch.tensor([[True, True, False], [True, True, True]])


@pytest.mark.parametrize(
    ("how", "first"),
    [("mean", [2, 3]), ("max", [3, 5]), ("last", [3, 1]), ("concat", [3, 1, 3, 5, 2, 3])],
)
def test_padding_is_not_pooled(how: str, first: list[float]) -> None:
    assert pool_tokens(STATES, MASK, how)[0].tolist() == first  # type: ignore[arg-type]


def test_what_cannot_be_pooled() -> None:
    with pytest.raises(DataError, match="do not fit"):
        pool_tokens(STATES, MASK[:1])
    with pytest.raises(DataError, match="no token"):
        pool_tokens(STATES, torch.zeros_like(MASK))


def test_features_keep_the_order_of_the_texts_and_the_mode_of_nobody() -> None:
    encoder = TextEncoder.pretrained()
    texts = ["A rather long text about the shape of an array.", "Short.", "Not so short."]
    together = text_features(encoder, texts, batch_size=2)
    alone = np.concatenate([text_features(encoder, [text]) for text in texts])
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_a_bag_of_words_knows_the_words_of_the_unlabelled_texts() -> None:
    bags = bag_of_words(["red red apple", "green pear", "blue"], ["red apple", "green pear", "red pear"])
    assert bags.shape == (3, 4) and not bags[2].any()
    assert bags[0] @ bags[1] == 0
    np.testing.assert_allclose(np.linalg.norm(bags[:2], axis=1), 1, atol=1e-6)


def test_features_are_scaled_by_unlabelled_texts() -> None:
    unlabelled = np.random.default_rng(0).normal(3, 2, (200, 5))
    scaled = standardised_by(unlabelled, unlabelled)
    np.testing.assert_allclose(scaled.mean(0), 0, atol=1e-9)
    np.testing.assert_allclose((scaled**2).sum(1).mean(), 1, atol=1e-6)


def test_more_labels_are_better_and_narrow_and_wide_features_agree() -> None:
    rng = np.random.default_rng(0)
    labels = np.tile(np.arange(3), 60)
    x = np.eye(3)[labels] + rng.normal(0, 0.6, (180, 3))
    wide = np.concatenate([x, np.zeros((180, 300))], axis=1)
    both = [few_label_accuracies(f[:120], labels[:120], f[120:], labels[120:], (1, 30), range(8)) for f in (x, wide)]
    assert both[0].shape == (8, 2) and both[0][:, 1].mean() > both[0][:, 0].mean() + 0.05
    np.testing.assert_allclose(both[0][:, 0], both[1][:, 0], atol=0.04)


def test_the_most_telling_words_of_each_class() -> None:
    texts = ("the red pear", "the red fig", "the blue sky", "the blue sea")
    data = LabelledTexts(texts, np.array([0, 0, 1, 1]), ("fruit", "rest"), "four")
    found = telling_words(data, 3)
    assert set(found["fruit"]) == {"red", "pear", "fig"} and set(found["rest"]) == {"blue", "sky", "sea"}


class TestSlantedTriangle:
    """Howard & Ruder 2018, equation 3."""

    def test_start_top_and_end(self) -> None:
        assert slanted_triangular(0, 100, 0.01) == slanted_triangular(100, 100, 0.01) == pytest.approx(0.01 / 32)
        assert slanted_triangular(10, 100, 0.01) == pytest.approx(0.01)
        assert slanted_triangular(55, 100, 1.0, ratio=1e9) == pytest.approx(0.5, abs=1e-6)

    def test_it_is_never_negative(self) -> None:
        """Where cut is no whole number, the equation as printed ends below 0."""
        assert min(slanted_triangular(step, 105, 0.01) for step in range(106)) == pytest.approx(0.01 / 32)

    @pytest.mark.parametrize(
        "wrong", [{"step": 11}, {"step": -1}, {"steps": 0}, {"cut": 0.0}, {"cut": 1.0}, {"ratio": 0.5}]
    )
    def test_no_triangle(self, wrong: dict[str, float]) -> None:
        with pytest.raises(DataError, match="no slanted triangle"):
            slanted_triangular(**{"step": 1, "steps": 10, "peak": 0.1, **wrong})  # type: ignore[arg-type]
