"""Cutting the last layers off a network, and what that does to its size."""

from __future__ import annotations

import copy
from collections import OrderedDict
from collections.abc import Mapping

from torch import nn

from tlcourse.errors import DataError
from tlcourse.models.glyphnet import GlyphNet
from tlcourse.transfer.transplant import PARTS


def cut(network: GlyphNet, n: int, n_classes: int) -> nn.Sequential:
    """The first `n` layers of a network under a new linear head; what came after them is gone.

    `transplant` keeps as many layers and puts fresh ones in the place of the others: the two differ by
    those alone.

    Args:
        network: where the layers come from, batch-norm statistics included; it is not changed.
        n: from 1 (the stem) to 6 (the whole body).
        n_classes: outputs of the new, random head.

    Returns:
        A network from (N, 3, H, W) to (N, n_classes), its parts named as in GlyphNet.

    Raises:
        DataError: no such n.
    """
    if not 1 <= n <= len(PARTS):
        raise DataError(f"GlyphNet cannot be cut after layer {n}.", f"Give 1 to {len(PARTS)}: {', '.join(PARTS)}.")
    kept: Mapping[str, nn.Module] = {name: copy.deepcopy(network.get_submodule(name)) for name in PARTS[:n]}
    width = next(module for module in reversed(list(kept[PARTS[n - 1]].modules())) if isinstance(module, nn.Conv2d))
    head = nn.Linear(width.out_channels, n_classes)
    return nn.Sequential(OrderedDict(**kept, pool=nn.AdaptiveAvgPool2d(1), flatten=nn.Flatten(), head=head))


def parameters_by_part(network: nn.Module) -> dict[str, int]:
    """How many parameters each child of a network has, those without any left out."""
    counts = {name: sum(p.numel() for p in child.parameters()) for name, child in network.named_children()}
    return {name: count for name, count in counts.items() if count}
