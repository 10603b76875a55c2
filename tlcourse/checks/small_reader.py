"""A text classifier small enough to train inside a check.

It imports torch: exercises import it inside `collect` and `judge`, where torch is there already.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

WORDS, WIDTH = 30, 6


class Reader(nn.Module):
    """Word vectors, two LSTM layers with dropout around them, and a norm: (N, T) numbers to (N, T, WIDTH) states."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(WORDS, WIDTH)
        self.dropout = nn.Dropout(0.5)
        self.lstm = nn.LSTM(WIDTH, WIDTH, 2, batch_first=True, dropout=0.5)
        self.norm = nn.LayerNorm(WIDTH)

    def forward(self, numbers: Tensor) -> Tensor:
        """One state a token."""
        states: Tensor = self.norm(self.lstm(self.dropout(self.words(numbers)))[0])
        return states


class SmallClassifier(nn.Module):
    """An encoder and a head on the mean of its states: (N, T) numbers to (N, classes) logits."""

    def __init__(self, n_classes: int) -> None:
        super().__init__()
        self.encoder = Reader()
        self.head = nn.Sequential(nn.Dropout(0.2), nn.Linear(WIDTH, n_classes))

    def forward(self, numbers: Tensor) -> Tensor:
        """Logits."""
        logits: Tensor = self.head(self.encoder(numbers).mean(1))
        return logits


def small_classifier(rng: np.random.Generator, n_classes: int) -> tuple[SmallClassifier, Tensor, Tensor]:
    """(network, numbers, labels), all drawn anew; torch's own generator is left alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(rng.integers(2**31)))
        network = SmallClassifier(n_classes)
    numbers = torch.from_numpy(rng.integers(0, WORDS, (8, 7)))
    return network, numbers, torch.from_numpy(np.arange(8) % n_classes)
