"""How GlyphNet was trained: one pass over freshly drawn pictographs, no image seen twice."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
import torch.nn.functional as F

from tlcourse import storage
from tlcourse.models.device import autocast_context, best_device, memory_format
from tlcourse.models.glyphnet import GLYPH_MEAN, GLYPH_STD, GlyphNet
from tlcourse.worlds.alphabets import PICTOGRAPHS
from tlcourse.worlds.glyph_world import stream

BATCH = 128
CHUNK = 256  # as `stream` hands them out


@dataclass(frozen=True)
class Recipe:
    """What decides the weights, apart from the processor's rounding.

    Args:
        images: how many images to draw and learn from.
        seed: initial weights and images.
        peak_rate: the highest learning rate, reached after the first 5 % and then lowered along a cosine to zero.
        momentum: Nesterov's.
        weight_decay: on weights of two and more dimensions; biases and batch norm have none.
    """

    images: int = 768_000
    seed: int = 0
    peak_rate: float = 0.2
    momentum: float = 0.9
    weight_decay: float = 2e-4

    def rate(self, progress: float) -> float:
        """The learning rate when `progress` (0 to 1) of the images are seen."""
        warm_up = 0.05
        if progress < warm_up:
            return self.peak_rate * progress / warm_up
        return self.peak_rate * 0.5 * (1 + math.cos(math.pi * (progress - warm_up) / (1 - warm_up)))


@dataclass
class Progress:
    """What the training reports after each chunk of 256 images.

    Args:
        images, total: learned from so far, and in all.
        loss, accuracy: on the chunk, before it was learned from.
        seconds: of training so far, those before an interruption included.
    """

    images: int
    total: int
    loss: float
    accuracy: float
    seconds: float


def pretrain(
    recipe: Recipe = Recipe(),
    *,
    checkpoint: Path | None = None,
    every: int = 100,
    report: Callable[[Progress], None] = lambda _: None,
) -> tuple[GlyphNet, float]:
    """Train GlyphNet on the 150 source pictographs in the photo style.

    Args:
        recipe: the settings.
        checkpoint: where to save the state now and then; if it holds a state of the same recipe, training goes on from
            there, and ends with the weights of an undisturbed run.
        every: chunks between two saves.
        report: called after each chunk.

    Returns:
        The network in eval mode on the CPU, and the seconds that its training took.

    Raises:
        StorageError: the checkpoint cannot be written.
    """
    device = best_device()
    torch.manual_seed(recipe.seed)
    model = GlyphNet(len(PICTOGRAPHS)).to(device).to(memory_format=memory_format(device)).train()
    decayed = [p for p in model.parameters() if p.ndim > 1]
    plain = [p for p in model.parameters() if p.ndim <= 1]
    optimiser = torch.optim.SGD(
        [{"params": decayed, "weight_decay": recipe.weight_decay}, {"params": plain, "weight_decay": 0.0}],
        lr=recipe.peak_rate,
        momentum=recipe.momentum,
        nesterov=True,
    )
    first, seconds = _resume(checkpoint, recipe, model, optimiser)
    chunks = max(1, recipe.images // CHUNK)
    drawn = stream(PICTOGRAPHS, seed=_train_seed(recipe.seed), start=first)
    mark = time.perf_counter()
    for chunk, (images, labels) in zip(range(first, chunks), drawn, strict=False):
        for group in optimiser.param_groups:
            group["lr"] = recipe.rate((chunk + 1) / chunks)
        loss, accuracy = _learn(model, optimiser, torch.from_numpy(images), torch.from_numpy(labels), chunk)
        seconds, mark = seconds + time.perf_counter() - mark, time.perf_counter()
        report(Progress((chunk + 1) * CHUNK, chunks * CHUNK, loss, accuracy, seconds))
        if checkpoint and ((chunk + 1) % every == 0 or chunk + 1 == chunks):
            _save(checkpoint, recipe, model, optimiser, chunk + 1, seconds)
    return model.eval().cpu(), seconds


def _train_seed(seed: int) -> int:
    # Lessons draw their sets from small seeds: training images must not be among them.
    return 1_000_000 + seed


def _learn(
    model: GlyphNet, optimiser: torch.optim.Optimizer, images: torch.Tensor, labels: torch.Tensor, chunk: int
) -> tuple[float, float]:
    """One step for each batch of the chunk. Returns the mean loss and accuracy before the steps."""
    device = next(model.parameters()).device
    mean, std = (torch.tensor(v, device=device).view(1, 3, 1, 1) for v in (GLYPH_MEAN, GLYPH_STD))
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(chunk))
    total_loss = total_right = 0.0
    for rows in order.split(BATCH):
        x = ((images[rows].to(device).float() / 255 - mean) / std).contiguous(memory_format=memory_format(device))
        y = labels[rows].to(device)
        with autocast_context(device):
            logits = model(x)
            loss = F.cross_entropy(logits.float(), y)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        total_loss += loss.item() * len(rows)
        total_right += (logits.argmax(1) == y).sum().item()
    return total_loss / len(images), total_right / len(images)


def _save(
    path: Path, recipe: Recipe, model: GlyphNet, optimiser: torch.optim.Optimizer, chunk: int, seconds: float
) -> None:
    state = {
        "recipe": asdict(recipe),
        "chunk": chunk,
        "seconds": seconds,
        "model": model.state_dict(),
        "optimiser": optimiser.state_dict(),
    }
    with storage.atomic_file(path) as file:
        torch.save(state, file)


def _resume(path: Path | None, recipe: Recipe, model: GlyphNet, optimiser: torch.optim.Optimizer) -> tuple[int, float]:
    """Load a matching checkpoint; returns the first chunk still to learn from and the seconds spent before."""
    if path is None or not path.exists():
        return 0, 0.0
    try:
        state = torch.load(path, weights_only=True, map_location="cpu")
    except Exception:  # a checkpoint is only a short cut: a damaged one means starting again
        return 0, 0.0
    if not isinstance(state, dict) or state.get("recipe") != asdict(recipe):
        return 0, 0.0
    model.load_state_dict(state["model"])
    optimiser.load_state_dict(state["optimiser"])
    return state["chunk"], state["seconds"]
