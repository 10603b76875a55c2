"""The shipped encoder and its word vectors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from tlcourse.errors import DataError
from tlcourse.measure.text_card import text_card_text
from tlcourse.models import TextEncoder, load_into, text_card, text_vocabulary, word_vectors
from tlcourse.models.text_encoder import file_state, lstm_state

SHIPPED = Path(__file__).parents[2] / "tlcourse" / "models" / "shipped"


@pytest.fixture(scope="module")
def encoder() -> TextEncoder:
    return TextEncoder.pretrained()


class TestEncoder:
    """States of texts."""

    def test_padding_and_neighbours_change_nothing(self, encoder: TextEncoder) -> None:
        with torch.no_grad():
            states, mask = encoder.states(["Return the matrix.", "A longer text about the rows of a matrix."])
            alone, _ = encoder.states(["Return the matrix."])
        assert mask.sum(1).tolist() == [5, 11]
        torch.testing.assert_close(states[0, :5], alone[0])

    def test_it_has_learned_to_guess_the_next_word(self, encoder: TextEncoder) -> None:
        told = text_card()["perplexity"]
        assert told["sources"] < told["networkx"] < len(text_vocabulary())
        numbers, _ = encoder.batch(["If True, return a"])
        with torch.no_grad():
            guess = encoder.next_words(numbers)[0, -1].softmax(0)
        number = encoder.vocabulary.number
        assert guess[number("new")] > 20 * guess[number("because")]

    def test_it_goes_on_writing(self, encoder: TextEncoder) -> None:
        text = encoder.continue_text("The number of", 3)
        assert text.startswith("The number of ") and len(text.split()) == 6 and "xx" not in text

    def test_a_long_text_is_cut(self, encoder: TextEncoder) -> None:
        assert encoder.batch(["word " * 500])[0].shape == (1, 70)

    def test_what_is_written_comes_back(self, encoder: TextEncoder) -> None:
        other = TextEncoder(encoder.vocabulary)
        state = file_state(encoder)
        load_into(other.lstm, lstm_state(state))
        texts = ["The same features."]
        with torch.no_grad():
            torch.testing.assert_close(other.eval().states(texts)[0], encoder.states(texts)[0])


class TestCard:
    """What the card says of the file."""

    def test_limits_and_sources(self) -> None:
        facts = text_card()
        assert facts["bytes"] == (SHIPPED / "text-encoder.safetensors").stat().st_size <= 5_000_000
        assert facts["training_seconds"] <= 15 * 60
        assert not {"matplotlib", "networkx"} & set(facts["recipe"]["sources"])
        assert (SHIPPED / "TEXT_MODEL_CARD.md").read_text(encoding="utf-8") == text_card_text(facts)


class TestWordVectors:
    """Nearest words and means."""

    def test_words_of_a_kind_are_near(self) -> None:
        near = [word for word, _ in word_vectors().nearest("rows", 10)]
        assert "columns" in near and "rows" not in near

    def test_a_text_is_the_mean_of_its_known_words(self) -> None:
        words = word_vectors()
        mean = words.mean(["Rows, columns qqqqq", "qqqqq"])
        comma = words.vector(",")
        np.testing.assert_allclose(mean[0], (words.vector("rows") + comma + words.vector("columns")) / 3, atol=1e-6)
        assert not mean[1].any()

    def test_an_unknown_word(self) -> None:
        with pytest.raises(DataError, match="'qqqqq' is not among"):
            word_vectors().nearest("qqqqq")
