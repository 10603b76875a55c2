"""Four ways to use a source network on a target task, measured under the same conditions."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import nn

from tlcourse.errors import CourseError
from tlcourse.models.glyphnet import GLYPH_MEAN, GLYPH_STD, GlyphNet
from tlcourse.transfer.features import frozen_features
from tlcourse.transfer.probe import linear_probe
from tlcourse.transfer.transplant import retrain
from tlcourse.worlds.images import LabelledImages

STRATEGIES = ("frozen features", "first layers frozen", "fine-tune all", "from scratch")
"""The four strategies, from the one that trains least to the one that takes nothing from the source."""

RATES = {"first layers frozen": 1e-3, "fine-tune all": 1e-3, "from scratch": 3e-3}
"""Peak learning rates: each the better of 0.001 and 0.003 in the two small scenarios, on a seed that no result uses."""

_HEAD = 3  # the last children of a network: pooling, flatten, head


def glyph_network(pretrained: bool, n_classes: int) -> nn.Sequential:
    """GlyphNet with a fresh head, from its shipped weights or from random ones."""
    return (GlyphNet.pretrained() if pretrained else GlyphNet()).with_new_head(n_classes)


def run_strategy(
    strategy: str,
    train: LabelledImages,
    test: LabelledImages,
    *,
    steps: int,
    seed: int = 0,
    frozen: int = 3,
    rate: float | None = None,
    network: Callable[[bool, int], nn.Sequential] = glyph_network,
    mean: Sequence[float] = GLYPH_MEAN,
    std: Sequence[float] = GLYPH_STD,
) -> float:
    """The accuracy that one of `STRATEGIES` reaches on `test`.

    The strategies that train share the images, their order, the steps, the normalisation and the head's random weights.
    "frozen features" is `linear_probe` on features that are computed once: it takes no step through the network.
    "from scratch" is the same architecture with random weights.

    Args:
        strategy: one of `STRATEGIES`.
        train, test: labelled images of the target task.
        steps: optimiser steps of the strategies that train, 32 images each.
        seed: random weights and the order of the images.
        frozen: how many of the first children "first layers frozen" holds.
        rate: the peak learning rate; `RATES` if left out.
        network: `network(pretrained, n_classes)` gives a Sequential that ends with pooling, flatten and a linear head.
        mean, std: what images are normalised with.

    Raises:
        CourseError: there is no such strategy.
    """
    if strategy not in STRATEGIES:
        raise CourseError(f"There is no strategy {strategy!r}.", f"Choose one of {', '.join(STRATEGIES)}.")
    torch.manual_seed(seed)
    built = network(strategy != "from scratch", len(train.classes))
    if strategy == "frozen features":
        x, z = (frozen_features(built[:-_HEAD], data, mean=mean, std=std) for data in (train, test))
        return linear_probe(x, train.labels, z, test.labels, seed=seed).accuracy
    held = frozen if strategy == "first layers frozen" else 0
    peak = RATES[strategy] if rate is None else rate
    return retrain(built, held, train, test, steps=steps, rate=peak, seed=seed, mean=mean, std=std)
