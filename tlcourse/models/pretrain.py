"""How GlyphNet was trained: one pass over freshly drawn pictographs, no image seen twice; with labels or without."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tlcourse.models.checkpoint import resume, save
from tlcourse.models.device import autocast_context, best_device, memory_format
from tlcourse.models.glyphnet import GLYPH_MEAN, GLYPH_STD, GlyphNet
from tlcourse.worlds.alphabets import PICTOGRAPHS
from tlcourse.worlds.glyph_world import IMAGE_SIZE, stream
from tlcourse.worlds.style import PHOTO, Style

CHUNK = 256  # as `stream` hands them out


@dataclass(frozen=True)
class Recipe:
    """What decides the weights, apart from the processor's rounding.

    Args:
        images: how many images to draw and learn from.
        seed: initial weights and images.
        peak_rate: the highest learning rate, reached after the first 5 % and then lowered along a cosine to zero.
        momentum: Nesterov's; AdamW's first beta.
        weight_decay: on weights of two and more dimensions; biases and batch norm have none.
        batch_size: images a step, at most a chunk of 256.
        image_size: height and width, pixels.
        style: how the pictographs are drawn.
        first_style: how they are drawn in the first quarter of the training; from there the style walks to `style`,
            which it reaches after three quarters. It is a curriculum (Bengio et al. 2009, "Curriculum Learning").
        optimiser: `sgd` (with Nesterov momentum) or `adamw`.
    """

    images: int = 768_000
    seed: int = 0
    peak_rate: float = 0.2
    momentum: float = 0.9
    weight_decay: float = 2e-4
    batch_size: int = 128
    image_size: int = IMAGE_SIZE
    style: Style = PHOTO
    first_style: Style | None = None
    optimiser: Literal["sgd", "adamw"] = "sgd"

    def style_at(self, progress: float) -> Style:
        """How images are drawn when `progress` (0 to 1) of them are seen."""
        if self.first_style is None:
            return self.style
        return self.first_style.towards(self.style, min(1.0, max(0.0, 2 * progress - 0.5)))

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


class Objective(Protocol):
    """What the network is trained to say: with `Labels`, which pictograph it sees; `tlcourse.transfer` has others.

    Each is a choice among candidates, so that one loss (the cross-entropy) and one accuracy serve all.
    """

    @property
    def name(self) -> str:
        """A word for it."""

    def head(self, features: int) -> nn.Module:
        """The layers on top of the body's pooled features, (N, features) in."""

    def examples(self, images: Tensor, labels: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Images in [0, 1] and labels to what the network is shown, in [0, 1] too, and what is to be said of it."""

    def logits(self, outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """The head's outputs and the targets of `examples` to logits over candidates and the right candidates."""


@dataclass(frozen=True)
class Labels:
    """Name the pictograph."""

    name: str = "labels"

    def head(self, features: int) -> nn.Module:
        """One output for each of the 150 pictographs."""
        return nn.Linear(features, len(PICTOGRAPHS))

    def examples(self, images: Tensor, labels: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """The images as they are."""
        return images, labels

    def logits(self, outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """The outputs are logits already."""
        return outputs, targets


def pretrain(
    recipe: Recipe = Recipe(),
    objective: Objective = Labels(),
    *,
    checkpoint: Path | None = None,
    every: int = 100,
    report: Callable[[Progress], None] = lambda _: None,
) -> tuple[GlyphNet, float]:
    """Train GlyphNet on images of the 150 source pictographs.

    Args:
        recipe: the settings.
        objective: what it learns to say of them; the labels are there for `Labels` alone.
        checkpoint: where to save the state now and then; if it holds a state of the same recipe, training goes on from
            there, and ends with the weights of an undisturbed run.
        every: chunks between two saves.
        report: called after each chunk.

    Returns:
        The network, with the objective's head, in eval mode on the CPU, and the seconds that its training took.

    Raises:
        StorageError: the checkpoint cannot be written.
    """
    device = best_device()
    torch.manual_seed(recipe.seed)
    model = GlyphNet(len(PICTOGRAPHS))
    if not isinstance(objective, Labels):
        model.head = objective.head(model.head.in_features)  # type: ignore[assignment]
    model.to(device).to(memory_format=memory_format(device)).train()
    optimiser = _optimiser(model, recipe)
    known = {**asdict(recipe), "task": objective.name}
    first, seconds = resume(checkpoint, known, model, optimiser)
    chunks = max(1, recipe.images // CHUNK)
    mark = time.perf_counter()
    for chunk in range(first, chunks):
        style, seed = recipe.style_at(chunk / chunks), _train_seed(recipe.seed)
        images, labels = next(stream(PICTOGRAPHS, style=style, size=recipe.image_size, seed=seed, start=chunk))
        for group in optimiser.param_groups:
            group["lr"] = recipe.rate((chunk + 1) / chunks)
        batch = torch.from_numpy(images), torch.from_numpy(labels)
        loss, accuracy = _learn(model, optimiser, objective, batch, recipe.batch_size, chunk)
        seconds, mark = seconds + time.perf_counter() - mark, time.perf_counter()
        report(Progress((chunk + 1) * CHUNK, chunks * CHUNK, loss, accuracy, seconds))
        if checkpoint and ((chunk + 1) % every == 0 or chunk + 1 == chunks):
            save(checkpoint, known, model, optimiser, chunk + 1, seconds)
    return model.eval().cpu(), seconds


def _optimiser(model: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    decayed = [p for p in model.parameters() if p.ndim > 1]
    plain = [p for p in model.parameters() if p.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": recipe.weight_decay}, {"params": plain, "weight_decay": 0.0}]
    if recipe.optimiser == "adamw":
        return torch.optim.AdamW(groups, lr=recipe.peak_rate, betas=(recipe.momentum, 0.999))
    return torch.optim.SGD(groups, lr=recipe.peak_rate, momentum=recipe.momentum, nesterov=True)


def _train_seed(seed: int) -> int:
    # Lessons draw their sets from small seeds: training images must not be among them.
    return 1_000_000 + seed


def _learn(
    model: GlyphNet,
    optimiser: torch.optim.Optimizer,
    objective: Objective,
    chunk: tuple[Tensor, Tensor],
    batch_size: int,
    number: int,
) -> tuple[float, float]:
    """One step for each batch of the chunk. Returns the mean loss and accuracy before the steps."""
    device = next(model.parameters()).device
    mean, std = (torch.tensor(v, device=device).view(1, 3, 1, 1) for v in (GLYPH_MEAN, GLYPH_STD))
    images, labels = chunk
    # Seeded by the chunk: a training that is taken up again draws what an undisturbed one draws.
    generator = torch.Generator().manual_seed(number)
    order = torch.randperm(len(images), generator=generator)
    total_loss = total_right = 0.0
    for rows in order.split(batch_size):
        x, y = objective.examples(images[rows].to(device).float() / 255, labels[rows].to(device), generator)
        x = ((x - mean) / std).contiguous(memory_format=memory_format(device))
        with autocast_context(device):
            outputs = model(x)
        logits, right = objective.logits(outputs.float(), y)
        loss = F.cross_entropy(logits, right)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        total_loss += loss.item() * len(rows)
        total_right += (logits.argmax(1) == right).float().mean().item() * len(rows)
    return total_loss / len(images), total_right / len(images)
