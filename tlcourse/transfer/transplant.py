"""Which layers transfer: the first n layers of a trained network under fresh upper ones (Yosinski et al. 2014)."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from tlcourse.errors import DataError
from tlcourse.models.device import autocast_context
from tlcourse.models.glyphnet import GLYPH_MEAN, GLYPH_STD, GlyphNet
from tlcourse.transfer.training import fit, fit_tensors, prepared
from tlcourse.worlds.images import LabelledImages

PARTS = ("stem", "block1", "block2", "block3", "block4", "block5")
"""The layers that can be transplanted, from the input on; n = 1 is the stem alone."""


def transplant(donor: GlyphNet, n: int, n_classes: int) -> GlyphNet:
    """A fresh network whose first `n` layers are copies of the donor's, batch-norm statistics included.

    Args:
        donor: where the layers come from; it is not changed.
        n: from 0 (nothing is copied) to 6 (the whole body).
        n_classes: outputs of the new, random head.

    Raises:
        DataError: no such n.
    """
    if not 0 <= n <= len(PARTS):
        raise DataError(f"GlyphNet has no first {n} layers.", f"Give 0 to {len(PARTS)}: it has {', '.join(PARTS)}.")
    network = GlyphNet(n_classes)
    for name in PARTS[:n]:
        setattr(network, name, copy.deepcopy(getattr(donor, name)))
    return network


def retrain(
    network: nn.Sequential,
    frozen: int,
    train: LabelledImages,
    test: LabelledImages,
    *,
    steps: int,
    rate: float = 3e-3,
    seed: int = 0,
    mean: Sequence[float] = GLYPH_MEAN,
    std: Sequence[float] = GLYPH_STD,
) -> float:
    """Train the layers above the first `frozen` ones; gives the accuracy on `test`.

    Frozen layers run in evaluation mode: neither their weights nor their batch-norm statistics change. Then their
    output for an image is always the same, so it is computed once and only the upper layers are run at each step.

    Args:
        network: trained in place; its children follow each other from the input to the logits.
        frozen: how many of its first children to hold; 0 trains them all.
        train, test, steps, rate, seed, mean, std: as in `fit`.
    """
    budget: dict[str, Any] = {"steps": steps, "rate": rate, "seed": seed, "measure_at": None}
    if frozen == 0:
        return fit(network, train, test, mean=mean, std=std, **budget).accuracy[-1]
    lower, upper = network[:frozen], network[frozen:]
    (x, y), (test_x, test_y) = prepared(train, mean, std), prepared(test, mean, std)
    maps, test_maps = (_outputs(lower, images) for images in (x, test_x))
    return fit_tensors(upper, (maps, y), (test_maps, test_y), **budget).accuracy[-1]


@torch.no_grad()
def _outputs(lower: nn.Module, images: torch.Tensor) -> torch.Tensor:
    lower.to(images.device).eval()
    with autocast_context(images.device):
        return torch.cat([lower(batch).float() for batch in images.split(256)])


ARMS = {"BnB": (True, True), "BnB+": (True, False), "AnB": (False, True), "AnB+": (False, False)}
"""Yosinski's names: arm -> (whether the kept layers are B's own, whether they stay frozen). A plus means fine-tuned."""


def layer_transfer(
    source: GlyphNet,
    train: LabelledImages,
    test: LabelledImages,
    *,
    layers: Sequence[int] = (1, 2, 3, 4, 5, 6),
    arms: Sequence[str] = tuple(ARMS),
    steps: int,
    rate: float = 3e-3,
    seed: int = 0,
) -> tuple[float, dict[str, dict[int, float]]]:
    """One run of the experiment of Yosinski, Clune, Bengio and Lipson (2014), "How transferable are features in deep
    neural networks?", section 2.

    A base network is trained on task B from random weights. Then, for each n, the first n layers of it ("selffer",
    BnB) or of the source network ("transfer", AnB) are kept, those above start afresh, and the whole is trained on B
    again, the kept layers frozen or (with a plus) not. All arms share data, budget, rate and, for each n, the fresh
    layers' weights. Unlike theirs our networks have batch norm; frozen layers keep their statistics too.

    Args:
        source: trained on task A.
        train, test: of task B.
        layers: the n to try.
        arms: which of `ARMS`.
        steps, rate: as in `fit`, for the base and for every arm.
        seed: the base's random weights, the fresh layers' weights and the order of the images.

    Returns:
        (the base's accuracy on `test`, arm -> n -> accuracy).
    """
    n_classes = len(train.classes)
    torch.manual_seed(seed)
    base = GlyphNet(n_classes)
    base_accuracy = retrain(base, 0, train, test, steps=steps, rate=rate, seed=seed)
    found: dict[str, dict[int, float]] = {arm: {} for arm in arms}
    for n in layers:
        for arm in arms:
            own, frozen = ARMS[arm]
            torch.manual_seed(1000 + seed)  # not the base's weights again
            network = transplant(base if own else source, n, n_classes)
            kept = n if frozen else 0
            found[arm][n] = retrain(network, kept, train, test, steps=steps, rate=rate, seed=1000 + seed)
    return base_accuracy, found
