"""A GlyphNet small enough to train inside a check, and what a check needs to know of it.

It imports torch: exercises import it inside `collect` and `judge`, where torch is there already.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn

from tlcourse.models.glyphnet import GlyphNet, ResidualBlock

SIDE = 12
"""Height and width of its images, pixels."""


class SmallGlyphNet(GlyphNet):
    """GlyphNet's children in GlyphNet's order, of other widths and number.

    Args:
        widths: channels of the stem and of each block.
        n_classes: outputs of the head.
        dropout: put a dropout before the linear layer; the head is then a Sequential.
    """

    def __init__(self, widths: Sequence[int], n_classes: int, dropout: bool = False) -> None:
        nn.Sequential.__init__(self)
        self.stem = nn.Sequential(
            nn.Conv2d(3, widths[0], 3, 2, 1, bias=False), nn.BatchNorm2d(widths[0]), nn.ReLU(inplace=True)
        )
        for number, (c_in, c_out) in enumerate(pairwise(widths), start=1):
            self.add_module(f"block{number}", ResidualBlock(c_in, c_out))
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        linear = nn.Linear(widths[-1], n_classes)
        self.add_module("head", nn.Sequential(nn.Dropout(0.5), linear) if dropout else linear)


def small_network(
    rng: np.random.Generator, widths: Sequence[int], n_classes: int, dropout: bool = False
) -> SmallGlyphNet:
    """A network whose weights and statistics are those of no fresh one; torch's own generator is left alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(rng.integers(2**31)))
        network = SmallGlyphNet(widths, n_classes, dropout)
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                assert module.running_mean is not None and module.running_var is not None
                nn.init.uniform_(module.weight, 0.5, 1.5)
                nn.init.normal_(module.running_mean, 0, 0.3)
                nn.init.uniform_(module.running_var, 0.5, 1.5)
    return network


def small_batch(rng: np.random.Generator, n: int, n_classes: int) -> tuple[Tensor, Tensor]:
    """Normalised images of shape (n, 3, SIDE, SIDE), and labels that name each class at least once if n allows."""
    images = torch.from_numpy(rng.normal(0, 1, (n, 3, SIDE, SIDE)).astype(np.float32))
    return images, torch.from_numpy(rng.permutation(np.arange(n, dtype=np.int64) % n_classes))


def batch_norms(network: nn.Module) -> dict[str, nn.BatchNorm2d]:
    """Every batch norm by its full name, such as `block2.bn1`."""
    return {name: module for name, module in network.named_modules() if isinstance(module, nn.BatchNorm2d)}


def one_step(network: nn.Module, inputs: Tensor, labels: Tensor) -> str:
    """A step of SGD on whatever asks for a gradient; the error's text if it cannot be made."""
    try:
        nn.functional.cross_entropy(network(inputs), labels).backward()
        with torch.no_grad():
            for parameter in network.parameters():
                if parameter.requires_grad and parameter.grad is not None:
                    parameter.sub_(0.1 * parameter.grad)
                parameter.grad = None
    except Exception as error:  # a learner's change can break a network in any way
        return f"{type(error).__name__}, {str(error)[:120]}"
    return ""
