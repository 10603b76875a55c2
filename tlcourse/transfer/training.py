"""Training on a target task in plain PyTorch: one loop for every arm of a comparison."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from tlcourse.models.device import autocast_context, best_device, memory_format
from tlcourse.models.glyphnet import GLYPH_MEAN, GLYPH_STD
from tlcourse.transfer.freezing import is_frozen
from tlcourse.worlds.images import LabelledImages


@dataclass
class History:
    """A learning curve.

    Args:
        steps: optimiser steps taken when measured, starting with 0.
        accuracy: on the test images, 0 to 1, at those steps.
        seconds: of training alone (measuring left out), at those steps.
    """

    steps: list[int] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)


def prepared(
    data: LabelledImages, mean: Sequence[float] = GLYPH_MEAN, std: Sequence[float] = GLYPH_STD
) -> tuple[torch.Tensor, torch.Tensor]:
    """Normalised float32 images of shape (N, 3, H, W) and int64 labels of shape (N,), on the course's device."""
    return normalised(data.images, mean, std), torch.from_numpy(data.labels.copy()).to(best_device())


def normalised(
    images: np.ndarray, mean: Sequence[float] = GLYPH_MEAN, std: Sequence[float] = GLYPH_STD
) -> torch.Tensor:
    """uint8 images of shape (N, 3, H, W) as float32, normalised, on the course's device."""
    device = best_device()
    pixels = torch.from_numpy(np.ascontiguousarray(images)).float() / 255
    mean_, std_ = (torch.tensor(values).view(1, 3, 1, 1) for values in (mean, std))
    return ((pixels - mean_) / std_).to(device, memory_format=memory_format(device))


def fit(
    model: nn.Module,
    train: LabelledImages,
    test: LabelledImages,
    *,
    steps: int,
    rate: float = 1e-3,
    batch_size: int = 32,
    measure_at: Sequence[int] | None = (),
    seed: int = 0,
    mean: Sequence[float] = GLYPH_MEAN,
    std: Sequence[float] = GLYPH_STD,
) -> History:
    """Train every parameter that asks for a gradient with AdamW under a one-cycle rate, and measure on the way.

    Arms of a comparison differ in `model` alone: they share the data, its order (`seed`), the budget and the
    normalisation. There is no augmentation. Before each measurement batch norm's statistics are taken anew from the
    training images: else early points would show statistics that lag behind the weights.

    Args:
        model: maps (N, 3, H, W) to (N, classes) logits; it is trained in place.
        train, test: labelled images.
        steps: optimiser steps.
        rate: the peak learning rate; the schedule is that of Smith & Topin (2018), "Super-Convergence".
        batch_size: images a step; batches run through reshuffled passes over `train`.
        measure_at: steps at which to measure; 0 and the last are always added. None measures after the last alone.
        seed: order of the batches.
        mean, std: what images are normalised with.

    Returns:
        The learning curve.
    """
    return fit_tensors(
        model,
        prepared(train, mean, std),
        prepared(test, mean, std),
        steps=steps,
        rate=rate,
        batch_size=batch_size,
        measure_at=measure_at,
        seed=seed,
    )


def fit_tensors(
    model: nn.Module,
    train: tuple[torch.Tensor, torch.Tensor],
    test: tuple[torch.Tensor, torch.Tensor],
    *,
    steps: int,
    rate: float = 1e-3,
    batch_size: int = 32,
    measure_at: Sequence[int] | None = (),
    seed: int = 0,
) -> History:
    """`fit` for what is prepared already: (inputs (N, ...), int64 labels (N,)) on the course's device.

    The inputs may be images that were normalised in some other way, or the maps of frozen layers below `model`.
    """
    device = best_device()
    model.to(device).to(memory_format=memory_format(device))
    (x, y), (test_x, test_y) = train, test
    optimiser = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=max(steps, 2))
    order = torch.Generator().manual_seed(seed)
    wanted, history, spent = {steps} if measure_at is None else {0, steps, *measure_at}, History(), 0.0
    batches: list[torch.Tensor] = []
    for step in range(steps + 1):
        if step in wanted:
            refresh_batch_norm(model, x)
            history.steps.append(step)
            history.accuracy.append(accuracy(model, test_x, test_y))
            history.seconds.append(spent)
        if step == steps:
            break
        started = time.perf_counter()
        if not batches:
            batches = list(torch.randperm(len(x), generator=order).split(batch_size))
        rows = batches.pop().to(device)
        model.train()
        with autocast_context(device):
            loss = F.cross_entropy(model(x[rows]).float(), y[rows])
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        schedule.step()
        spent += time.perf_counter() - started
    model.eval()
    return history


@torch.no_grad()
def refresh_batch_norm(model: nn.Module, images: torch.Tensor, batch_size: int = 256) -> None:
    """Set the running statistics of every batch norm to those of `images` (Wu & Johnson 2021, "Rethinking 'Batch' in
    BatchNorm", section 3).

    Args:
        model: its batch norms are changed in place, but for those that `freeze` froze; nothing else is.
        images: normalised, shape (N, 3, H, W).
    """
    norms = [m for m in model.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    layers = [layer for layer in norms if not is_frozen(layer)]
    if not layers:
        return
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None  # a plain average over the batches below
    with in_mode(model, training=True), autocast_context(images.device):
        for batch in images.split(batch_size):
            model(batch)
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum


@torch.no_grad()
def accuracy(model: nn.Module, images: torch.Tensor, labels: torch.Tensor, batch_size: int = 256) -> float:
    """The share of images whose largest logit is at their label. `images` are normalised, shape (N, 3, H, W)."""
    with in_mode(model, training=False), autocast_context(images.device):
        right = [
            (model(x).argmax(1) == y).sum().item()
            for x, y in zip(images.split(batch_size), labels.split(batch_size), strict=True)
        ]
    return float(np.sum(right)) / len(images)


@contextmanager
def in_mode(model: nn.Module, *, training: bool) -> Iterator[None]:
    """`model` in training or evaluation mode; each module's own flag is put back, that of a frozen batch norm too."""
    flags = [(module, module.training) for module in model.modules()]
    model.train(training)
    try:
        yield
    finally:
        for module, flag in flags:
            module.training = flag


@torch.no_grad()
def imprint_head(
    model: nn.Module, train: LabelledImages, mean: Sequence[float] = GLYPH_MEAN, std: Sequence[float] = GLYPH_STD
) -> None:
    """Set a new linear head from the class means of the body's features, instead of at random.

    Row c becomes the unit vector of class c's mean centred feature (Qi, Brown & Lowe 2018, "Low-Shot Learning with
    Imprinted Weights"), the bias puts the centre at the mean of all features.

    Args:
        model: its last linear layer is `model.head`, with one output a class; that layer is changed in place.
        train: at least one image of every class.
        mean, std: what images are normalised with.
    """
    head = model.head
    assert isinstance(head, nn.Linear) and head.bias is not None
    images, labels = prepared(train, mean, std)
    model.to(images.device).eval()
    model.head = nn.Identity()
    features = torch.cat([model(x) for x in images.split(256)]).float()
    model.head = head
    centre = features.mean(0)
    means = torch.stack([features[labels == c].mean(0) for c in range(head.out_features)])
    head.weight.copy_(F.normalize(means - centre))
    head.bias.copy_(-(head.weight @ centre))
