"""Cures of overfitting, one at a time: the same loop, budget and data, and one thing more or less."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

from tlcourse.errors import DataError
from tlcourse.models.device import autocast_context, best_device, memory_format
from tlcourse.models.glyphnet import GLYPH_MEAN, GLYPH_STD
from tlcourse.transfer.self_supervision import augmented
from tlcourse.transfer.training import in_mode, prepared, refresh_batch_norm
from tlcourse.worlds.images import LabelledImages


@dataclass(frozen=True)
class Cures:
    """What is done against overfitting.

    Args:
        augment: train on a new random view of each image each time (`augmented`: crops, turns, colours; no mirror).
        dropout: share of the features set to 0 before the head (Srivastava et al. 2014).
        weight_decay: AdamW's (Loshchilov and Hutter 2019).
        stop_early: keep the weights of the measurement with the lowest validation loss (Prechelt 1998); without it, the
            last.
    """

    augment: bool = False
    dropout: float = 0.0
    weight_decay: float = 0.0
    stop_early: bool = False


@dataclass(frozen=True)
class CuredRun:
    """One training.

    Args:
        steps: at which was measured, shape (points,).
        train_loss, valid_loss: cross-entropy in nats at those steps, on images without augmentation.
        kept: the step whose weights were kept.
        valid_accuracy, test_accuracy: of those weights, 0 to 1.
    """

    steps: list[int]
    train_loss: list[float]
    valid_loss: list[float]
    kept: int
    valid_accuracy: float
    test_accuracy: float


def train_with_cures(
    network: nn.Sequential,
    train: LabelledImages,
    valid: LabelledImages,
    test: LabelledImages,
    cures: Cures,
    *,
    steps: int,
    every: int = 20,
    rate: float = 3e-3,
    batch_size: int = 32,
    seed: int = 0,
) -> CuredRun:
    """Train with AdamW under a one-cycle rate, and measure now and then, always without augmentation and dropout.

    Arms of a comparison share the network's first weights, the images, their order, the budget and the rate. The
    validation images are looked at by early stopping alone; the test images once, at the end.

    Args:
        network: maps (N, 3, H, W) to logits; its last child is the head. Trained in place.
        train, valid, test: labelled images.
        cures: what is done against overfitting.
        steps: optimiser steps of every arm; early stopping chooses among what they passed through.
        every: steps between measurements; `steps` is a multiple of it.
        rate, batch_size, seed: as in `fit`.

    Raises:
        DataError: `steps` is no multiple of `every`, or a dropout that is no share.
    """
    if steps % every or not 0 <= cures.dropout < 1:
        raise DataError(
            f"{steps} steps measured every {every}, with a dropout of {cures.dropout:g}, cannot be run.",
            "Let `every` divide `steps`, and the dropout be at least 0 and below 1.",
        )
    model = _with_dropout(network, cures.dropout).to(best_device()).to(memory_format=memory_format(best_device()))
    x, y = prepared(train)
    held, right = prepared(valid)
    at, losses, held_losses, states = [], [], [], []
    for step in _train(model, train, y, cures, steps, rate, batch_size, seed):
        if step % every == 0:
            refresh_batch_norm(model, x)
            at.append(step)
            losses.append(_loss_and_accuracy(model, x, y)[0])
            held_losses.append(_loss_and_accuracy(model, held, right)[0])
            if cures.stop_early:
                states.append(copy.deepcopy(model.state_dict()))
    kept = held_losses.index(min(held_losses)) if cures.stop_early else len(at) - 1
    if cures.stop_early:
        model.load_state_dict(states[kept])
    valid_accuracy, test_accuracy = (_loss_and_accuracy(model, *prepared(data))[1] for data in (valid, test))
    return CuredRun(at, losses, held_losses, at[kept], valid_accuracy, test_accuracy)


def _with_dropout(network: nn.Sequential, share: float) -> nn.Sequential:
    *layers, head = network.children()
    return nn.Sequential(*layers, nn.Dropout(share), head)


def _train(
    model: nn.Module,
    data: LabelledImages,
    labels: torch.Tensor,
    cures: Cures,
    steps: int,
    rate: float,
    batch_size: int,
    seed: int,
) -> Iterator[int]:
    """Train, and yield the number of steps taken: 0 before the first, `steps` after the last."""
    device, order = best_device(), torch.Generator().manual_seed(seed)
    views = torch.Generator().manual_seed(1000 + seed)
    # Augmentation works on images in [0, 1]; what comes after it is the same for every arm.
    plain, _ = data.tensors()
    plain, batches = plain.to(device), _batches(len(plain), batch_size, order)
    mean, std = (torch.tensor(values, device=device).view(1, 3, 1, 1) for values in (GLYPH_MEAN, GLYPH_STD))
    optimiser = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=cures.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=steps)
    yield 0
    for step in range(1, steps + 1):
        rows = next(batches).to(device)
        images = augmented(plain[rows], views) if cures.augment else plain[rows]
        model.train()
        with autocast_context(device):
            loss = F.cross_entropy(model((images - mean) / std).float(), labels[rows])
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        schedule.step()
        yield step


def _batches(n: int, batch_size: int, order: torch.Generator) -> Iterator[torch.Tensor]:
    """Rows, in reshuffled passes without end."""
    while True:
        yield from torch.randperm(n, generator=order).split(batch_size)


@torch.no_grad()
def _loss_and_accuracy(model: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> tuple[float, float]:
    with in_mode(model, training=False), autocast_context(images.device):
        logits = torch.cat([model(batch).float() for batch in images.split(256)])
    return float(F.cross_entropy(logits, labels)), float((logits.argmax(1) == labels).float().mean())
