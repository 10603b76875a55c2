"""Training on labelled source images while looking at unlabelled target images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tlcourse.errors import DataError
from tlcourse.models.device import autocast_context, best_device, memory_format
from tlcourse.models.glyphnet import GLYPH_MEAN, GLYPH_STD
from tlcourse.transfer.adaptation.adversarial import (
    DomainClassifier,
    adversarial_strength,
    conditional_features,
    gradient_reversal,
)
from tlcourse.transfer.adaptation.alignment import coral_loss, mmd
from tlcourse.transfer.training import normalised, prepared, refresh_batch_norm
from tlcourse.worlds.images import LabelledImages

METHODS = {"coral": 100.0, "mmd": 10.0, "dann": 0.3, "cdan": 0.3}
"""What `adapt` knows, each with its usual strength, found in trials from print to handwriting."""

FROZEN = 4
"""Children of GlyphNet that `adapt` leaves as they are: stem and three blocks. Training the rest costs a third."""


@dataclass(frozen=True)
class Prediction:
    """What a network says about images.

    Args:
        features: what its head sees, float32 of shape (N, F).
        probabilities: float32 of shape (N, classes), rows sum to 1.
    """

    features: np.ndarray
    probabilities: np.ndarray

    @property
    def labels(self) -> np.ndarray:
        """The likeliest class of each image, shape (N,)."""
        return self.probabilities.argmax(1)


def adapt(
    network: nn.Sequential,
    source: LabelledImages,
    target: np.ndarray,
    method: str | None = None,
    *,
    steps: int,
    strength: float | None = None,
    weights: np.ndarray | None = None,
    frozen: int = FROZEN,
    rate: float = 3e-3,
    batch_size: int = 32,
    seed: int = 0,
    mean: Sequence[float] = GLYPH_MEAN,
    std: Sequence[float] = GLYPH_STD,
) -> None:
    """Train a network in place for a target of which only images are known: it has no argument for target labels.

    Each step lowers cross-entropy on source images plus `strength` times a penalty, which is small where source and
    target features look alike: "coral" and "mmd" are `coral_loss` and `mmd`, "dann" is a domain classifier behind
    `gradient_reversal`, "cdan" the same on `conditional_features`. The penalty is phased in by `adversarial_strength`.
    Each domain passes batch norm in batches of its own, so in its own statistics (Li et al. 2018, "Adaptive Batch
    Normalization for practical domain adaptation"), and at the end the network has those of the target.

    Arms of a comparison share source, steps, rate and the order of the images (`seed`). With no method it is plain
    training on the source.

    Args:
        network: its last child is a linear head with one output a class, the rest is its body.
        source: labelled images.
        target: uint8 images, shape (M, 3, H, W).
        method: a key of `METHODS`, or None.
        steps: optimiser steps, one batch of each domain a step.
        strength: what the penalty is multiplied by; None takes that of `METHODS`.
        weights: what each source image counts, shape (N,); see `importance_weights`.
        frozen: how many of the first children are not trained. They run once only, so this saves much time.
        rate: peak of AdamW's one-cycle learning rate.
        batch_size: images of each domain a step.
        seed: initial weights of the domain classifier, and the order of the images.
        mean, std: what images are normalised with.

    Raises:
        DataError: an unknown method, weights that do not fit, or fewer images than a batch.
    """
    _check(source, target, method, weights, batch_size)
    device = best_device()
    torch.manual_seed(seed)
    network.to(device).to(memory_format=memory_format(device))
    front, body, head = network[:frozen], network[frozen:-1], network[-1]
    images, labels = prepared(source, mean, std)
    x, z = _maps(front, images), _maps(front, normalised(target, mean, std))
    counts = torch.ones(len(x)) if weights is None else torch.from_numpy(np.asarray(weights, np.float32))
    penalty = _penalty(method, head).to(device) if method else None
    strength = METHODS.get(method or "", 0.0) if strength is None else strength
    trained = [body, head, *([penalty] if penalty else [])]
    optimiser = torch.optim.AdamW([p for part in trained for p in part.parameters()], lr=rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=max(steps, 2))
    order = torch.Generator().manual_seed(seed)
    sources, targets = _batches(len(x), batch_size, order), _batches(len(z), batch_size, order)
    for module in (body, head):
        module.train()
    for step in range(steps):
        rows, others = next(sources), next(targets)
        with autocast_context(device):
            seen = _Outputs.of(body, head, x[rows])
            loss = (F.cross_entropy(seen.logits, labels[rows], reduction="none") * counts[rows].to(device)).mean()
            if penalty:
                unlabelled = _Outputs.of(body, head, z[others])
        if penalty:
            loss = loss + penalty(seen, unlabelled, strength * adversarial_strength(step / steps))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        schedule.step()
    network.eval()
    refresh_batch_norm(nn.Sequential(body, head), z)  # the frozen layers have the target's statistics since `_maps`


@torch.no_grad()
def predict(
    network: nn.Sequential,
    images: np.ndarray,
    *,
    own_statistics: bool = False,
    mean: Sequence[float] = GLYPH_MEAN,
    std: Sequence[float] = GLYPH_STD,
) -> Prediction:
    """Features and class probabilities of images.

    Args:
        network: its last child is the head.
        images: uint8, shape (N, 3, H, W).
        own_statistics: first give batch norm the statistics of these very images, in place; no label is needed.
        mean, std: what images are normalised with.
    """
    x = normalised(images, mean, std)
    network.to(x.device).eval()
    if own_statistics:
        refresh_batch_norm(network, x)
    body, head = network[:-1], network[-1]
    with autocast_context(x.device):
        outputs = [_Outputs.of(body, head, batch) for batch in x.split(256)]
    features = torch.cat([output.features for output in outputs])
    probabilities = torch.cat([output.logits for output in outputs]).softmax(1)
    return Prediction(features.cpu().numpy(), probabilities.cpu().numpy())


@dataclass(frozen=True)
class _Outputs:
    """Features of shape (N, F) and logits of shape (N, classes), float32."""

    features: Tensor
    logits: Tensor

    @classmethod
    def of(cls, body: nn.Module, head: nn.Module, x: Tensor) -> _Outputs:
        features = body(x)
        return cls(features.float(), head(features).float())


class _Coral(nn.Module):
    def forward(self, source: _Outputs, target: _Outputs, strength: float) -> Tensor:
        return strength * coral_loss(source.features, target.features)


class _Mmd(nn.Module):
    def forward(self, source: _Outputs, target: _Outputs, strength: float) -> Tensor:
        return strength * mmd(source.features, target.features)


class _Adversary(nn.Module):
    def __init__(self, features: int, classes: int, conditional: bool) -> None:
        super().__init__()
        self.conditional = conditional
        self.classifier = DomainClassifier(features * classes if conditional else features)

    def forward(self, source: _Outputs, target: _Outputs, strength: float) -> Tensor:
        # The strength acts on the way back only: the classifier itself always learns at full speed.
        return self.classifier.loss(*(gradient_reversal(self._seen(outputs), strength) for outputs in (source, target)))

    def _seen(self, outputs: _Outputs) -> Tensor:
        if not self.conditional:
            return outputs.features
        return conditional_features(outputs.features, outputs.logits.softmax(1).detach())


def _penalty(method: str, head: nn.Module) -> nn.Module:
    assert isinstance(head, nn.Linear)
    if method == "coral":
        return _Coral()
    if method == "mmd":
        return _Mmd()
    return _Adversary(head.in_features, head.out_features, conditional=method == "cdan")


@torch.no_grad()
def _maps(front: nn.Module, images: Tensor) -> Tensor:
    """The frozen layers' output, with batch norm in the statistics of these images."""
    refresh_batch_norm(front, images)
    front.eval()
    with autocast_context(images.device):
        return torch.cat([front(batch) for batch in images.split(256)])


def _batches(images: int, size: int, order: torch.Generator) -> Iterator[Tensor]:
    """Endless full batches of row numbers, reshuffled each pass."""
    while True:
        yield from (rows for rows in torch.randperm(images, generator=order).split(size) if len(rows) == size)


def _check(
    source: LabelledImages, target: np.ndarray, method: str | None, weights: np.ndarray | None, batch_size: int
) -> None:
    if method is not None and method not in METHODS:
        raise DataError(f"There is no adaptation method {method!r}.", f"The methods are {', '.join(METHODS)}, or None.")
    if not isinstance(target, np.ndarray) or target.ndim != 4:
        raise DataError("The target must be an array of images.", "Give `target.images`: adaptation sees no labels.")
    if min(len(source), len(target)) < batch_size:
        raise DataError(
            f"{len(source)} source and {len(target)} target images do not fill a batch of {batch_size}.",
            "Give more images or a smaller batch_size=.",
        )
    if weights is not None and np.shape(weights) != (len(source),):
        raise DataError(
            f"{len(source)} source images, but weights of shape {np.shape(weights)}.", "Give one weight an image."
        )
