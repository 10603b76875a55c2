"""Several tasks on one trunk: the network, the loss, and how far two tasks pull apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tlcourse.models.device import autocast_context

MISSING = -1
"""The label of an image that has none for a task."""


class TwoHeads(nn.Module):
    """One trunk, one linear head for each of two tasks (Caruana 1997, "Multitask Learning").

    Args:
        trunk: from images (N, 3, H, W) to features (N, features); it runs once for both heads.
        features: how many features the trunk gives.
        first, second: how many classes each task has.

    Shapes:
        input (N, 3, H, W); output a pair of logits, (N, first) and (N, second).
    """

    def __init__(self, trunk: nn.Module, features: int, first: int, second: int) -> None:
        super().__init__()
        self.trunk = trunk
        self.first = nn.Linear(features, first)
        self.second = nn.Linear(features, second)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        shared = self.trunk(images)
        return self.first(shared), self.second(shared)


def task_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """The mean cross-entropy over the images that have a label; 0 if none has (its gradient is 0 too).

    Args:
        logits: shape (N, classes).
        labels: int64, shape (N,); `MISSING` (-1) where there is none.
    """
    known = (labels != MISSING).sum().clamp(min=1)
    return F.cross_entropy(logits.float(), labels, ignore_index=MISSING, reduction="sum") / known


def joint_loss(outputs: Sequence[Tensor], labels: Sequence[Tensor], weights: Sequence[float]) -> Tensor:
    """The weighted sum of the tasks' losses, each the mean over the images that have a label for it (`task_loss`).

    Args:
        outputs: the logits of each task, shape (N, classes of that task).
        labels: of each task, shape (N,); `MISSING` (-1) where there is none.
        weights: of each task.
    """
    losses = [task_loss(logits, y) for logits, y in zip(outputs, labels, strict=True)]
    return torch.stack([weight * loss for weight, loss in zip(weights, losses, strict=True)]).sum()


def gradient_conflict(first: Tensor, second: Tensor) -> float:
    """The cosine of the angle between two tasks' gradients: below 0 they conflict.

    A step along one then raises the other's loss (Yu et al. 2020, "Gradient Surgery for Multi-Task Learning",
    definition 1; Du et al. 2018, "Adapting Auxiliary Losses Using Gradient Similarity").

    Args:
        first, second: gradients of the shared parameters, flattened, shape (P,).

    Returns:
        Between -1 and 1; 0 if a gradient is 0.
    """
    first, second = first.double().flatten(), second.double().flatten()
    lengths = first.norm() * second.norm()
    return float(first @ second / lengths) if lengths > 0 else 0.0


def shared_gradient(loss: Tensor, trunk: nn.Module) -> Tensor:
    """The gradient of a loss with respect to all of the trunk's parameters, as one vector; the graph is kept."""
    parameters = [p for p in trunk.parameters() if p.requires_grad]
    gradients = torch.autograd.grad(loss, parameters, retain_graph=True, allow_unused=True)
    return torch.cat(
        [
            (torch.zeros_like(parameter) if gradient is None else gradient).flatten()
            for parameter, gradient in zip(parameters, gradients, strict=True)
        ]
    )


def small_trunk(features: int, width: int = 16) -> nn.Sequential:
    """A small convolutional trunk for images of about 32 px: (N, 3, H, W) to (N, features).

    Args:
        features: how many numbers it gives for an image: all that the heads get to know of it.
        width: channels of the first convolution; the two others have twice as many.
    """

    def layer(c_in: int, c_out: int) -> list[nn.Module]:
        return [nn.Conv2d(c_in, c_out, 3, 2, 1, bias=False), nn.BatchNorm2d(c_out), nn.ReLU()]

    layers = layer(3, width) + layer(width, 2 * width) + layer(2 * width, 2 * width)
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(8 * width, features), nn.ReLU())


@dataclass
class JointHistory:
    """What a joint training leaves behind.

    Args:
        steps: optimiser steps taken when the conflict was measured.
        cosine: `gradient_conflict` of the two tasks on the trunk, on the batch of that step.
    """

    steps: list[int] = field(default_factory=list)
    cosine: list[float] = field(default_factory=list)


def fit_two_heads(
    model: TwoHeads,
    images: Tensor,
    labels: tuple[Tensor, Tensor],
    *,
    weights: tuple[float, float] = (1.0, 1.0),
    steps: int = 200,
    rate: float = 3e-3,
    batch_size: int = 64,
    seed: int = 0,
    measure_every: int = 10,
) -> JointHistory:
    """Train trunk and heads on the weighted sum of both tasks' losses; a weight of 0 leaves a task out.

    Each step takes half of its batch from the images that have a label for the first task and half from those that have
    one for the second, so that a task with few labels is heard too. With a weight of 0 the batches stay the same: arms
    that differ in their weights see the same images in the same order. AdamW under a one-cycle rate, as in `fit`.

    Args:
        model: trained in place.
        images: normalised, shape (N, 3, H, W).
        labels: of the two tasks, int64, shape (N,) each; `MISSING` (-1) where there is none.
        weights: of the two losses.
        steps, rate, batch_size: the budget, the peak rate, images a step.
        seed: the batches.
        measure_every: steps between two measurements of the gradients' cosine; only with both weights above 0.
    """
    generator = torch.Generator().manual_seed(seed)
    pools = [torch.nonzero(y.cpu() != MISSING)[:, 0] for y in labels]
    optimiser = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=steps)
    history = JointHistory()
    model.train()
    for step in range(steps):
        picked = [pool[torch.randint(len(pool), (batch_size // 2,), generator=generator)] for pool in pools]
        rows = torch.cat(picked).to(images.device)
        with autocast_context(images.device):
            outputs = model(images[rows])
        losses = [task_loss(logits, y[rows]) for logits, y in zip(outputs, labels, strict=True)]
        if min(weights) > 0 and step % measure_every == 0:
            history.steps.append(step)
            history.cosine.append(gradient_conflict(*(shared_gradient(loss, model.trunk) for loss in losses)))
        optimiser.zero_grad(set_to_none=True)
        (weights[0] * losses[0] + weights[1] * losses[1]).backward()
        optimiser.step()
        schedule.step()
    model.eval()
    return history


@torch.no_grad()
def task_accuracies(model: TwoHeads, images: Tensor, labels: tuple[Tensor, Tensor]) -> tuple[float, float]:
    """The share of images that each head names right. `images` are normalised, every label is known."""
    model.eval()
    with autocast_context(images.device):
        outputs = model(images)
    first, second = (float((o.argmax(1) == y).float().mean()) for o, y in zip(outputs, labels, strict=True))
    return first, second
