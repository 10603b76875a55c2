"""A translator in small: an encoder-decoder as in T5, from random weights, for sentences of a few words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

Pair = tuple[str, str]
_PAD, _START, _END = 0, 1, 2


class Translator(nn.Module):
    """An encoder that reads the whole input, and a decoder that writes word by word (Vaswani et al. 2017).

    Args:
        pairs: sentences and their translations; their words are all that it will ever know.
        width: numbers a token.
    """

    def __init__(self, pairs: Sequence[Pair], width: int = 64) -> None:
        super().__init__()
        self.words = [
            "_pad",
            "_start",
            "_end",
            *sorted({word for pair in pairs for text in pair for word in text.split()}),
        ]
        self.longest = 2 + max(len(text.split()) for pair in pairs for text in pair)
        self.table = nn.Embedding(len(self.words), width)
        self.positions = nn.Embedding(self.longest, width)
        options = {"dropout": 0.0, "batch_first": True, "norm_first": True}
        self.transformer = nn.Transformer(width, 4, 2, 2, 2 * width, **options)  # type: ignore[arg-type]

    def numbers(self, texts: Sequence[str]) -> Tensor:
        """Texts as numbers, a start and an end around each, shape (N, longest)."""
        known = {word: number for number, word in enumerate(self.words)}
        rows = [[_START, *(known[word] for word in text.split()), _END] for text in texts]
        return torch.tensor([row + [_PAD] * (self.longest - len(row)) for row in rows])

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        """Logits of the word after each word of the target, shape (N, T, words); no word sees those after it."""
        length = target.shape[1]
        later = torch.ones(length, length, dtype=torch.bool).triu(1)
        padding = source == _PAD
        states = self.transformer(
            self._placed(source),
            self._placed(target),
            tgt_mask=later,
            src_key_padding_mask=padding,
            memory_key_padding_mask=padding,
        )
        return states @ self.table.weight.T

    def _placed(self, numbers: Tensor) -> Tensor:
        return self.table(numbers) + self.positions(torch.arange(numbers.shape[1]))

    @torch.no_grad()
    def translate(self, texts: Sequence[str]) -> list[str]:
        """Each text's translation: the likeliest word, given the input and the words written so far, until the end."""
        source = self.numbers(texts)
        written = torch.full((len(texts), 1), _START)
        for _ in range(self.longest - 1):
            written = torch.cat([written, self(source, written)[:, -1:].argmax(-1)], dim=1)
        return [" ".join(self._until_end(row)) for row in written[:, 1:].tolist()]

    def _until_end(self, row: list[int]) -> list[str]:
        length = row.index(_END) if _END in row else len(row)
        return [self.words[number] for number in row[:length]]


def train_translator(pairs: Sequence[Pair], steps: int = 400, rate: float = 3e-3, seed: int = 0) -> Translator:
    """A translator that has learned from pairs, 64 a step, Adam with a rate that falls along a line to zero."""
    torch.manual_seed(seed)
    model = Translator(pairs)
    optimiser = torch.optim.Adam(model.parameters(), lr=rate)
    source, target = (model.numbers([pair[side] for pair in pairs]) for side in (0, 1))
    rng = np.random.default_rng(seed)
    for step in range(steps):
        rows = torch.from_numpy(rng.choice(len(pairs), min(64, len(pairs)), replace=False))
        optimiser.param_groups[0]["lr"] = rate * min(1.0, (step + 1) / 40) * (1 - step / steps)
        logits = model(source[rows], target[rows][:, :-1])
        loss = F.cross_entropy(logits.flatten(0, 1), target[rows][:, 1:].flatten(), ignore_index=_PAD)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
    return model.eval()


def word_by_word(pairs: Sequence[Pair], text: str) -> str:
    """The baseline: each word becomes the word that most often stands at the same share of the translation."""
    counts: dict[str, dict[str, int]] = {}
    for source, target in pairs:
        for place, word in enumerate(here := source.split()):
            there = target.split()
            other = there[min(len(there) - 1, place * len(there) // len(here))]
            counts.setdefault(word, {}).setdefault(other, 0)
            counts[word][other] += 1
    return " ".join(max(sorted(counts[word]), key=counts[word].__getitem__) for word in text.split() if word in counts)


def who_sees_whom(kind: Literal["bert", "gpt", "t5"], length: int = 6, seed: int = 0) -> np.ndarray:
    """Which tokens each output of a transformer depends on, found out by changing one token at a time.

    The weights are random: what may be seen is decided by the masks, before anything is learned.

    Args:
        kind: "bert", an encoder; "gpt", the same layers under a mask of later tokens; "t5", an encoder and a decoder.
        length: tokens of the text; for "t5", of the input and of the output each.
        seed: of the weights.

    Returns:
        bool, shape (length, length), or (length, 2 length) for "t5" with the input's tokens first: row i tells which
        tokens change the output at place i.
    """
    torch.manual_seed(seed)
    width = 16
    layers = nn.Transformer(width, 2, 1, 2, 2 * width, dropout=0.0, batch_first=True).eval()
    later = torch.ones(length, length, dtype=torch.bool).triu(1)
    tokens = torch.randn(2 * length if kind == "t5" else length, width)

    def outputs(inside: Tensor) -> Tensor:
        batch = inside.unsqueeze(0)
        if kind == "t5":
            return layers(batch[:, :length], batch[:, length:], tgt_mask=later)[0]
        return layers.encoder(batch, mask=later if kind == "gpt" else None)[0]

    seen = torch.zeros(length, len(tokens), dtype=torch.bool)
    with torch.no_grad():
        before = outputs(tokens)
        for place in range(len(tokens)):
            changed = tokens.clone()
            changed[place] += torch.randn(width)
            seen[:, place] = (outputs(changed) - before).abs().amax(1) > 1e-5
    return seen.numpy()
