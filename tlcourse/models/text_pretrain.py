"""How the text encoder was trained: to guess the next word of documentation that nobody labelled."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tlcourse.errors import DataError
from tlcourse.models.checkpoint import resume, save
from tlcourse.models.device import autocast_context, best_device
from tlcourse.models.text_encoder import TextEncoder
from tlcourse.models.text_tokens import Vocabulary
from tlcourse.worlds.text_docstrings import SOURCES

CHUNK = 20
"""Steps between two reports; the LSTM's memory starts afresh with each chunk, so that a training can stop there."""


@dataclass(frozen=True)
class TextRecipe:
    """What decides the weights, apart from the processor's rounding and the texts.

    Args:
        steps: how many batches to learn from.
        seed: initial weights, order of the documents, dropout.
        sources: the packages whose documentation is read.
        vocabulary: how many words, the special ones among them.
        rivals: words drawn for each step that stand for all that its batch does not hold (Jean et al. 2015, "On Using
            Very Large Target Vocabulary for Neural Machine Translation"): a softmax over all would take most time.
        batch_size: stretches of text read side by side.
        stretch: tokens of each that a step learns from.
        peak_rate: Adam's highest rate, reached after the first 10 % and then lowered along a cosine to zero.
        weight_decay: decoupled, on every weight.
        clip: the largest norm of a step's gradient.
    """

    steps: int = 2400
    seed: int = 0
    sources: tuple[str, ...] = SOURCES
    vocabulary: int = 7000
    rivals: int = 1000
    batch_size: int = 64
    stretch: int = 64
    peak_rate: float = 4e-3
    weight_decay: float = 0.01
    clip: float = 0.5

    def rate(self, progress: float) -> float:
        """The learning rate when `progress` (0 to 1) of the steps are done."""
        warm_up = 0.1
        if progress < warm_up:
            return self.peak_rate * progress / warm_up
        return self.peak_rate * 0.5 * (1 + math.cos(math.pi * (progress - warm_up) / (1 - warm_up)))


@dataclass
class TextProgress:
    """What the training reports after each chunk of steps.

    Args:
        steps, total: done so far, and in all.
        loss: mean cross-entropy of the chunk, nats a token; its exponential is the perplexity.
        seconds: of training so far, those before an interruption included.
    """

    steps: int
    total: int
    loss: float
    seconds: float


@dataclass(frozen=True)
class TextCorpus:
    """Documents as one row of numbers for training and one for validation, which has every hundredth document."""

    vocabulary: Vocabulary
    train: np.ndarray
    valid: np.ndarray

    @classmethod
    def of(cls, documents: Sequence[Sequence[str]], words: int, seed: int) -> TextCorpus:
        """Shuffle the documents and number their words.

        Raises:
            DataError: there is too little text.
        """
        order = np.random.default_rng(seed).permutation(len(documents))
        vocabulary = Vocabulary.of((paragraph for document in documents for paragraph in document), words)
        rows: tuple[list[int], list[int]] = [], []
        for place, index in enumerate(order):
            part = rows[place % 100 == 99]
            for paragraph in documents[index]:
                part.extend(vocabulary.numbers(paragraph))
        train, valid = (np.array(row, dtype=np.int64) for row in rows)
        if len(valid) < 2:
            raise DataError(f"{len(documents)} documents are too few to learn from.", "Add a package to the sources.")
        return cls(vocabulary, train, valid)

    @property
    def fingerprint(self) -> str:
        """A checksum of words and texts: other versions of the packages give another one."""
        return hashlib.sha256("\n".join(self.vocabulary.words).encode() + self.train.tobytes()).hexdigest()


def pretrain_text(
    corpus: TextCorpus,
    recipe: TextRecipe = TextRecipe(),
    *,
    vectors: np.ndarray | None = None,
    checkpoint: Path | None = None,
    every: int = 5,
    report: Callable[[TextProgress], None] = lambda _: None,
) -> tuple[TextEncoder, float]:
    """Train an encoder to guess the next word.

    Args:
        corpus: the texts.
        recipe: the settings.
        vectors: of the words to start from, shape (words, numbers a word), such as `count_vectors` gives; a row of
            zeros, or None for all, starts from random numbers.
        checkpoint: where to save the state now and then; if it holds a state of the same recipe and the same texts,
            training goes on from there, and ends with the weights of an undisturbed run.
        every: chunks between two saves.
        report: called after each chunk.

    Returns:
        The encoder, in eval mode on the CPU, and the seconds that its training took.

    Raises:
        StorageError: the checkpoint cannot be written.
    """
    device = best_device()
    torch.manual_seed(recipe.seed)
    encoder = TextEncoder(corpus.vocabulary)
    if vectors is not None:
        _start_from(encoder, torch.from_numpy(vectors))
    encoder.to(device).train()
    optimiser = torch.optim.AdamW(
        encoder.parameters(), lr=recipe.peak_rate, betas=(0.8, 0.99), weight_decay=recipe.weight_decay
    )
    known = {**asdict(recipe), "sources": list(recipe.sources), "texts": corpus.fingerprint}
    first, seconds = resume(checkpoint, known, encoder, optimiser)
    mark = time.perf_counter()
    for start in range(first, recipe.steps, CHUNK):
        end = min(start + CHUNK, recipe.steps)
        # Seeded by the chunk: a training that is taken up again drops what an undisturbed one drops.
        torch.manual_seed(recipe.seed * 1_000_003 + start)
        loss = _learn(encoder, optimiser, corpus.train, recipe, range(start, end))
        seconds, mark = seconds + time.perf_counter() - mark, time.perf_counter()
        report(TextProgress(end, recipe.steps, loss, seconds))
        if checkpoint and (start // CHUNK % every == every - 1 or end == recipe.steps):
            save(checkpoint, known, encoder, optimiser, end, seconds)
    return encoder.eval().cpu(), seconds


def read_on(
    encoder: TextEncoder, texts: Sequence[str], steps: int = 60, *, peak_rate: float = 1e-3, seed: int = 0
) -> TextEncoder:
    """A copy of an encoder that has gone on guessing next words, on the target's texts: ULMFiT's second stage.

    No label plays a part (Howard & Ruder 2018, section 3.2; Gururangan et al. 2020, "Don't Stop Pretraining").

    Args:
        encoder: stays as it is.
        texts: of the target domain, those without labels too.
        steps: batches of 32 x 40 tokens.
        peak_rate: lower than in pretraining, or it forgets what it knows.
        seed: order of the texts, dropout.

    Returns:
        The copy, in eval mode on the CPU.

    Raises:
        DataError: there is no text.
    """
    if not len(texts):
        raise DataError("There is no text to read.", "Give the target's texts.")
    recipe = TextRecipe(steps=steps, seed=seed, batch_size=32, stretch=40, peak_rate=peak_rate)
    order = np.random.default_rng(seed).permutation(len(texts))
    row = np.concatenate([encoder.vocabulary.numbers(texts[index]) for index in order])
    device = best_device()
    learner = TextEncoder(encoder.vocabulary)
    learner.load_state_dict(encoder.state_dict())  # an AWD-LSTM cannot be deep-copied: it keeps masked weights
    learner.to(device).train()
    optimiser = torch.optim.AdamW(learner.parameters(), lr=peak_rate, betas=(0.8, 0.99), weight_decay=0.01)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        _learn(learner, optimiser, row, recipe, range(steps))
    return learner.eval().cpu()


def _start_from(encoder: TextEncoder, vectors: Tensor) -> None:
    known = vectors.abs().sum(1) > 0
    encoder.lstm.encoder.weight.data[known] = vectors[known]  # type: ignore[union-attr, operator]


def _learn(
    encoder: TextEncoder, optimiser: torch.optim.Optimizer, row: np.ndarray, recipe: TextRecipe, steps: range
) -> float:
    """One step for each number in `steps`, the LSTM's memory going through them. Returns the mean loss."""
    device = next(encoder.parameters()).device
    encoder.lstm.reset()  # type: ignore[operator]
    total = 0.0
    for step in steps:
        x, y = (part.to(device) for part in _stretches(row, step, recipe))
        for group in optimiser.param_groups:
            group["lr"] = recipe.rate((step + 1) / recipe.steps)
        loss = _loss(encoder, x, y, recipe.rivals)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(encoder.parameters(), recipe.clip)
        optimiser.step()
        total += loss.item()
    return total / len(steps)


def _stretches(row: np.ndarray, step: int, recipe: TextRecipe) -> tuple[Tensor, Tensor]:
    """The batch of a step and the token after each of its tokens; the text is read in circles, side by side."""
    lanes = np.arange(recipe.batch_size) * (len(row) // recipe.batch_size)
    # Each time round starts elsewhere, so that the same words stand at other places of a stretch.
    places = lanes[:, None] + step * recipe.stretch + np.arange(recipe.stretch + 1)
    taken = torch.from_numpy(row[places % len(row)])
    return taken[:, :-1], taken[:, 1:]


def _loss(encoder: TextEncoder, x: Tensor, y: Tensor, rivals: int) -> Tensor:
    """Cross-entropy of the next token among the words of the batch and some others, each of which counts for many."""
    words, target = y.unique(return_inverse=True)
    absent = torch.ones(len(encoder.vocabulary), dtype=torch.bool, device=x.device)
    absent[words] = False
    others = absent.nonzero().flatten()
    drawn = others[torch.randperm(len(others), device=x.device)[:rivals]]
    chosen = torch.cat([words, drawn])
    table: Tensor = encoder.lstm.encoder.weight  # type: ignore[union-attr, assignment]
    with autocast_context(x.device):
        logits = F.linear(encoder.lstm(x), table[chosen], encoder.bias[chosen])
    stands_for = torch.zeros(len(chosen), device=x.device)
    stands_for[len(words) :] = math.log(len(others) / max(1, len(drawn)))
    return F.cross_entropy((logits.float() + stands_for).flatten(0, 1), target.flatten())


def perplexity(encoder: TextEncoder, row: np.ndarray, width: int = 64) -> float:
    """exp of the mean cross-entropy of the next token: among how many equally likely tokens the encoder hesitates.

    Args:
        encoder: in eval mode.
        row: numbers of the tokens, shape (n,), n over `width`; a rest that fills no stretch is left out.
        width: tokens read at a time, from an empty memory.
    """
    usable = (len(row) - 1) // width * width
    x = torch.from_numpy(row[:usable]).view(-1, width)
    y = torch.from_numpy(row[1 : usable + 1]).view(-1, width)
    with torch.no_grad():
        losses = [
            F.cross_entropy(encoder.next_words(a).flatten(0, 1), b.flatten(), reduction="sum")
            for a, b in zip(x.split(64), y.split(64), strict=True)
        ]
    return math.exp(sum(loss.item() for loss in losses) / usable)
