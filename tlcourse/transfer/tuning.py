"""Ways to fine-tune a source network, under one loop: what differs between two of them is one thing."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tlcourse.errors import CourseError
from tlcourse.models.device import autocast_context, best_device, memory_format
from tlcourse.models.glyphnet import GLYPH_MEAN, GLYPH_STD, GlyphNet
from tlcourse.transfer.adapters import add_adapters
from tlcourse.transfer.anchoring import l2_sp
from tlcourse.transfer.averaging import interpolate
from tlcourse.transfer.features import frozen_features
from tlcourse.transfer.lora import add_lora
from tlcourse.transfer.probe import linear_head
from tlcourse.transfer.training import in_mode, normalised, prepared, refresh_batch_norm
from tlcourse.worlds.images import LabelledImages

TUNINGS = (
    "from scratch",
    "linear probe",
    "fine-tune all",
    "probe, fine-tune",
    "L2-SP",
    "adapters",
    "LoRA",
    "interpolation",
)
"""What `tuned` knows. All but the first three start from the probe; "interpolation" is half way from it to
"probe, fine-tune"."""

Objective = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Tuned:
    """What a method made.

    Args:
        network: trained, in evaluation mode.
        trainable: parameters that it trained.
        seconds: processor time over all threads, a probe that it starts from included.
    """

    network: nn.Module
    trainable: int
    seconds: float


def trainable_parameters(network: nn.Module) -> int:
    """How many numbers an optimiser may change: a shared parameter counts once, what is frozen or a buffer not."""
    return sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)


def tuned(
    method: str,
    train: LabelledImages,
    *,
    steps: int,
    rate: float = 1e-3,
    seed: int = 0,
    rank: int = 4,
    width: int = 16,
    strength: float = 0.1,
    probed: bool = True,
) -> Tuned:
    """One of `TUNINGS` on GlyphNet, trained on `train`.

    All that train take the same steps of the same images in the same order with the same optimiser, and leave batch
    norm's statistics as the source has them, which "from scratch" has not.

    Args:
        method: one of `TUNINGS`.
        train: labelled images.
        steps: optimiser steps, 32 images each.
        rate: the peak learning rate.
        seed: random weights and the order of the images.
        rank: of LoRA; its alpha is twice that.
        width: of the adapters.
        strength: of L2-SP.
        probed: start from the probe's head; False starts L2-SP, adapters and LoRA from a random head instead.

    Raises:
        CourseError: there is no such method.
    """
    if method not in TUNINGS:
        raise CourseError(f"There is no method {method!r}.", f"Choose one of {', '.join(TUNINGS)}.")
    started = time.process_time()
    torch.manual_seed(seed)
    pretrained = method != "from scratch"
    network: nn.Module = (GlyphNet.pretrained() if pretrained else GlyphNet()).with_new_head(len(train.classes))
    if pretrained and method != "fine-tune all" and probed:
        probe_head(network, train, seed=seed)
    if method == "linear probe":
        head = network.head
        assert isinstance(head, nn.Linear)
        return Tuned(network.eval(), trainable_parameters(head), time.process_time() - started)
    before, penalty = copy.deepcopy(network), None
    if method == "L2-SP":
        penalty = l2_sp(network, before, strength)
    elif method == "adapters":
        add_adapters(network, width)
    elif method == "LoRA":
        add_lora(network, rank, 2 * rank)
    tune(network, train, steps=steps, rate=rate, seed=seed, penalty=penalty, keep_statistics=pretrained)
    if method == "interpolation":
        network.load_state_dict(interpolate(before.state_dict(), network.state_dict(), 0.5))
    return Tuned(network, trainable_parameters(network), time.process_time() - started)


def probe_head(network: nn.Module, train: LabelledImages, *, seed: int = 0) -> None:
    """Set the head of a GlyphNet to that of a linear probe on its frozen features; its penalty from three is chosen by
    cross-validation.

    Args:
        network: its head is `network.head`; changed in place.
        train: at least one image of every class.
        seed: which images make a fold.
    """
    body = nn.Sequential(*list(network.children())[:-3])
    features = frozen_features(body, train, mean=GLYPH_MEAN, std=GLYPH_STD, cache=False)
    found = linear_head(features, train.labels, len(train.classes), strengths=(0.1, 1.0, 10.0), seed=seed)
    head = network.head
    assert isinstance(head, nn.Linear)
    with torch.no_grad():
        head.weight.copy_(torch.from_numpy(found.weight))
        head.bias.copy_(torch.from_numpy(found.bias))


def tune(
    network: nn.Module,
    train: LabelledImages,
    *,
    steps: int,
    rate: float = 1e-3,
    batch_size: int = 32,
    seed: int = 0,
    penalty: Callable[[], Tensor] | None = None,
    objective: Objective | None = None,
    keep_statistics: bool = True,
) -> None:
    """Train with AdamW under a one-cycle rate, without augmentation or weight decay.

    Args:
        network: maps normalised (N, 3, H, W) to (N, classes) logits; trained in place and left in evaluation mode.
        train: labelled images.
        steps: optimiser steps; none leaves the network as it is.
        rate: the peak learning rate.
        batch_size: images a step; batches run through reshuffled passes over `train`.
        seed: order of the batches.
        penalty: added to the loss of each batch, such as `l2_sp` gives.
        objective: from (logits, rows of `train` in the batch) to the batch's loss; cross-entropy with the labels if
            left out.
        keep_statistics: batch norm computes with the statistics that it has, and leaves them alone; its weights train.
            Otherwise it uses each batch's own, and those of all images in the end.
    """
    device = best_device()
    network.to(device).to(memory_format=memory_format(device))
    x, y = prepared(train)
    loss_of = objective or (lambda logits, rows: F.cross_entropy(logits, y[rows]))
    optimiser = torch.optim.AdamW([p for p in network.parameters() if p.requires_grad], lr=rate, weight_decay=0)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=max(steps, 2))
    order, batches = torch.Generator().manual_seed(seed), list[Tensor]()
    network.train()
    if keep_statistics:
        _put_norms_to_sleep(network)
    for _ in range(steps):
        batches = batches or list(torch.randperm(len(x), generator=order).split(batch_size))
        rows = batches.pop().to(device)
        with autocast_context(device):
            logits = network(x[rows]).float()
        loss = loss_of(logits, rows) + (penalty() if penalty else 0)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        schedule.step()
    network.eval()
    if steps and not keep_statistics:
        refresh_batch_norm(network, x)


def _put_norms_to_sleep(network: nn.Module) -> None:
    for module in network.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.eval()


@torch.no_grad()
def features_of(network: nn.Module, data: LabelledImages | np.ndarray) -> np.ndarray:
    """What a network's head reads, whatever its body has become: adapted, merged or as it was.

    Args:
        network: its last child is the head, and the others follow each other.
        data: labelled images, or uint8 of shape (N, 3, H, W).

    Returns:
        float32, shape (N, F).
    """
    images = normalised(data.images if isinstance(data, LabelledImages) else data)
    below = nn.Sequential(*list(network.children())[:-1])
    with in_mode(below, training=False), autocast_context(images.device):
        return torch.cat([below(batch).float() for batch in images.split(256)]).cpu().numpy()
