"""LoRA: a frozen layer with a trainable update of low rank beside it, and how to add the update into its weights."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from tlcourse import extras
from tlcourse.errors import CourseError
from tlcourse.transfer.freezing import freeze
from tlcourse.transfer.replacing import replace_layers


class LoRA(nn.Module):
    """A frozen linear or convolution layer W with a low-rank update beside it: W x + (alpha / rank) B A x
    (Hu et al. 2021, "LoRA: Low-Rank Adaptation of Large Language Models", equation 3).

    A is drawn at random and B is zero, so that the layer starts as it was. For a convolution A has the layer's own
    kernel, stride and padding, and B is 1 x 1, as in the library peft.

    Args:
        layer: an `nn.Linear` or an ungrouped `nn.Conv2d`; it is frozen.
        rank: rows of A and columns of B.
        alpha: the update's scale is alpha / rank, so that another rank needs no other learning rate.

    Raises:
        CourseError: another kind of layer, or a rank that is not positive.

    Shapes:
        as those of `layer`.
    """

    def __init__(self, layer: nn.Module, rank: int = 4, alpha: float = 8.0) -> None:
        super().__init__()
        if rank < 1:
            raise CourseError(f"An update of rank {rank} learns nothing.", "Give a rank of at least 1.")
        self.layer, self.scale = layer, alpha / rank
        freeze(layer)
        self.a: nn.Module
        self.b: nn.Module
        if isinstance(layer, nn.Linear):
            self.a = nn.Linear(layer.in_features, rank, bias=False)
            self.b = nn.Linear(rank, layer.out_features, bias=False)
        elif isinstance(layer, nn.Conv2d) and layer.groups == 1 and not isinstance(layer.padding, str):
            size, stride, padding, dilation = layer.kernel_size, layer.stride, layer.padding, layer.dilation
            self.a = nn.Conv2d(layer.in_channels, rank, size, stride, padding, dilation, bias=False)  # type: ignore[arg-type]
            self.b = nn.Conv2d(rank, layer.out_channels, 1, bias=False)
        else:
            kind = type(layer).__name__
            raise CourseError(f"This LoRA cannot stand beside a {kind}.", "Choose linear and ungrouped Conv2d layers.")
        nn.init.kaiming_uniform_(self.a.weight, a=math.sqrt(5))
        nn.init.zeros_(self.b.weight)

    def forward(self, x: Tensor) -> Tensor:
        """The frozen layer's output plus the update's."""
        return self.layer(x) + self.scale * self.b(self.a(x))

    @torch.no_grad()
    def merged(self) -> nn.Module:
        """The layer alone, with the update added into its weight: the same outputs, nothing extra to compute."""
        a, b, weight = self.a.weight, self.b.weight, self.layer.weight
        assert isinstance(a, Tensor) and isinstance(b, Tensor) and isinstance(weight, Tensor)
        weight += self.scale * (b.flatten(1) @ a.flatten(1)).view_as(weight)
        return self.layer


def add_lora(network: nn.Module, rank: int = 4, alpha: float = 8.0, *, skip: Sequence[str] = ("head",)) -> nn.Module:
    """Freeze a network, and put a `LoRA` around each of its linear and ungrouped convolution layers.

    Args:
        network: changed in place, and returned.
        rank, alpha: as in `LoRA`.
        skip: names of parts that are left as they are, free to train as a whole: a new head has nothing to keep.

    Raises:
        CourseError: there is no such layer outside `skip`.
    """

    def wrapped(layer: nn.Module) -> nn.Module:
        return LoRA(layer, rank, alpha)

    for name, part in network.named_children():
        if name not in skip:
            freeze(part)
    if not replace_layers(network, _can_adapt, wrapped, skip):
        raise CourseError("This network has no linear or convolution layer to adapt.", "Give it whole, with its body.")
    return network


def merge_lora(network: nn.Module) -> nn.Module:
    """Add every LoRA update into its layer's weight and take the LoRA away; changed in place, and returned.

    The network computes what it computed before, and has the layers and names that it had before `add_lora`.
    """
    replace_layers(network, lambda layer: isinstance(layer, LoRA), lambda layer: layer.merged())  # type: ignore[operator]
    return network


def peft_lora(network: nn.Module, rank: int = 4, alpha: float = 8.0, *, skip: Sequence[str] = ("head",)) -> Any:
    """`add_lora` by the library peft: the same layers, in peft's own model.

    Raises:
        CourseError: peft is not installed.
    """
    peft = extras.require("peft", "text")
    inside = [(name, layer) for name, layer in network.named_modules() if name.split(".")[0] not in skip]
    targets = [name for name, layer in inside if _can_adapt(layer)]
    config = peft.LoraConfig(r=rank, lora_alpha=alpha, target_modules=targets, modules_to_save=list(skip))
    return peft.get_peft_model(network, config)


def _can_adapt(layer: nn.Module) -> bool:
    convolution = isinstance(layer, nn.Conv2d) and layer.groups == 1 and not isinstance(layer.padding, str)
    return convolution or isinstance(layer, nn.Linear)
