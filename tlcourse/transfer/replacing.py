"""Putting other layers in the place of some of a network's."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import nn


def replace_layers(
    network: nn.Module,
    wanted: Callable[[nn.Module], bool],
    made: Callable[[nn.Module], nn.Module],
    skip: Sequence[str] = (),
) -> int:
    """Put `made(layer)` in the place of each layer that is `wanted`, at any depth; gives their number.

    A layer that stands in two places is made once and stands in both again. What has been replaced is not looked into.

    Args:
        network: changed in place.
        skip: names of its children that are left alone.
    """
    new: dict[nn.Module, nn.Module] = {}

    def walk(parent: nn.Module, left_alone: Sequence[str]) -> None:
        # Not `named_children()`: it names a layer that stands in two places once.
        for name, child in list(parent._modules.items()):
            if child is None or name in left_alone:
                continue
            if wanted(child):
                if child not in new:
                    new[child] = made(child)
                setattr(parent, name, new[child])
            else:
                walk(child, ())

    walk(network, skip)
    return len(new)
