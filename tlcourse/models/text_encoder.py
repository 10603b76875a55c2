"""The course's own text encoder: a small AWD-LSTM that read the documentation of scientific packages, and its words.

The architecture is fastai's (Merity et al. 2018, "Regularizing and Optimizing LSTM Language Models"), in a size that a
laptop trains in minutes. It is what ULMFiT transfers (Howard & Ruder 2018).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from importlib.resources import as_file, files
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tlcourse.models.text_tokens import PAD, SPECIALS, Vocabulary
from tlcourse.models.weights import State, load_into, load_state

LAYERS: dict[str, Any] = {"emb_sz": 128, "n_hid": 256, "n_layers": 2}
"""Numbers a word, numbers a hidden state, and layers; the last layer gives `emb_sz` numbers again."""

DROPOUT = {"hidden_p": 0.1, "input_p": 0.1, "embed_p": 0.02, "weight_p": 0.1}
"""Shares of what is dropped in training: between layers, of the input, of whole words, of recurrent weights."""

LONGEST = 70
"""Tokens of a text that are read; the rest is cut off. It is less than one of fastai's pieces of 72."""


def awd_lstm(words: int, **dropout: float) -> nn.Module:
    """fastai's AWD_LSTM in the course's size, with random weights; (N, T) numbers to (N, T, 128) states.

    Args:
        words: size of the vocabulary.
        dropout: in place of `DROPOUT`.
    """
    from fastai.text.models.awdlstm import AWD_LSTM

    return AWD_LSTM(words, **LAYERS, pad_token=SPECIALS.index(PAD), **(DROPOUT | dropout))


class TextEncoder(nn.Module):
    """From texts to one state a token; each state has read its own token and those before it.

    Args:
        vocabulary: what it knows.
        lstm: an AWD-LSTM, `awd_lstm(len(vocabulary))` if left out.
    """

    def __init__(self, vocabulary: Vocabulary, lstm: nn.Module | None = None) -> None:
        super().__init__()
        self.vocabulary = vocabulary
        self.lstm = awd_lstm(len(vocabulary)) if lstm is None else lstm
        self.bias = nn.Parameter(torch.zeros(len(vocabulary)))

    @classmethod
    def pretrained(cls) -> TextEncoder:
        """The encoder that ships with the course, in eval mode.

        Raises:
            WeightsError: the file in the package is damaged; it must be installed again.
        """
        encoder = cls(text_vocabulary())
        load_into(encoder.lstm, lstm_state(_shipped()), "the shipped text encoder")
        encoder.bias.data.copy_(_shipped()["bias"])
        return encoder.eval()

    def forward(self, numbers: Tensor) -> Tensor:
        """(N, T) int64 to (N, T, 128) float32. Every call starts afresh: no text remembers the one before."""
        self.lstm.reset()  # type: ignore[operator]
        return self.lstm(numbers)

    def next_words(self, numbers: Tensor) -> Tensor:
        """Logits of the token after each token, (N, T) to (N, T, words): states are compared with words' vectors."""
        words: Tensor = self.lstm.encoder.weight  # type: ignore[union-attr, assignment]
        return self(numbers) @ words.T + self.bias

    def batch(self, texts: Sequence[str], longest: int = LONGEST) -> tuple[Tensor, Tensor]:
        """(numbers, mask), both of shape (N, T): the mask is True where a token stands and False on padding."""
        numbers = torch.from_numpy(self.vocabulary.padded(texts, longest))
        return numbers, numbers != SPECIALS.index(PAD)

    def states(self, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """(states of shape (N, T, 128), mask of shape (N, T)) of texts, cut after `LONGEST` tokens."""
        numbers, mask = self.batch(texts)
        device = next(self.parameters()).device
        return self(numbers.to(device)), mask.to(device)

    def continue_text(self, text: str, words: int = 8) -> str:
        """What it writes after a text: always its likeliest word, unknown words and numbers left out."""
        with torch.no_grad():
            for _ in range(words):
                logits = self.next_words(self.batch([text])[0])[0, -1]
                logits[: len(SPECIALS)] = -torch.inf
                text += f" {self.vocabulary.words[int(logits.argmax())]}"
        return text


def lstm_state(state: State) -> dict[str, Tensor]:
    """The state dict of fastai's AWD_LSTM from a file's, where the table of words stands once instead of twice."""
    kept = {name.removeprefix("lstm."): value for name, value in state.items() if name.startswith("lstm.")}
    return kept | {"encoder_dp.emb.weight": kept["encoder.weight"]}


def file_state(encoder: TextEncoder, vectors: np.ndarray | None = None) -> dict[str, Tensor]:
    """What goes into a file: the encoder's tensors, each once, and word vectors if there are some."""
    state = {name: value for name, value in encoder.state_dict().items() if "encoder_dp" not in name}
    return state if vectors is None else state | {"vectors": torch.from_numpy(vectors)}


def text_vocabulary() -> Vocabulary:
    """The words that the shipped encoder and the shipped word vectors know."""
    return Vocabulary((files("tlcourse.models") / "shipped" / "text-words.txt").read_text(encoding="utf-8").split("\n"))


def text_card() -> dict[str, Any]:
    """What is known of the shipped encoder: sources, recipe, command, seconds, perplexity, checksum."""
    return json.loads((files("tlcourse.models") / "shipped" / "text-encoder.json").read_text(encoding="utf-8"))


@cache
def _shipped() -> State:
    with as_file(files("tlcourse.models") / "shipped" / "text-encoder.safetensors") as path:
        return load_state(path, sha256=text_card()["sha256"])


def shipped_vectors() -> np.ndarray:
    """The shipped word vectors, float32, shape (words, numbers)."""
    return _shipped()["vectors"].numpy()
