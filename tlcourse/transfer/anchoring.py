"""L2-SP: weight decay towards the pretrained weights instead of towards zero."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from tlcourse.errors import CourseError


def l2_sp(
    network: nn.Module, start: nn.Module, strength: float = 0.1, *, beta: float = 0.01, new: Sequence[str] = ("head",)
) -> Callable[[], Tensor]:
    """The penalty (strength / 2) ||w - w0||^2 + (beta / 2) ||v||^2: the body's weights w stay near those that they
    started with, the new head's weights v near zero (Li, Grandvalet and Davoine 2018, "Explicit Inductive Bias for
    Transfer Learning with Convolutional Networks", section 3).

    Args:
        network: that trains; frozen parameters cost nothing.
        start: the network as it was before training, or one with the same body; copied now.
        strength, beta: the paper's alpha and beta.
        new: names of parts that have no pretrained weights.

    Returns:
        A function of no arguments that gives the penalty at the network's present weights: a scalar with a gradient.

    Raises:
        CourseError: `start` lacks a parameter of the body, or has it in another shape.
    """
    anchors = {name: value.detach().clone() for name, value in start.named_parameters()}
    free = [(name, value) for name, value in network.named_parameters() if value.requires_grad]
    moved = [(name, value) for name, value in free if name.split(".")[0] not in new]
    fresh = [value for name, value in free if name.split(".")[0] in new]
    for name, value in moved:
        if name not in anchors or anchors[name].shape != value.shape:
            raise CourseError(
                f"The start has no {name} of shape {tuple(value.shape)}.",
                "Give the network as it was before training, or name its new parts in new=.",
            )
    pairs = [(value, anchors[name].to(value.device)) for name, value in moved]

    def penalty() -> Tensor:
        zero = torch.zeros(())
        near = sum(((value - anchor).square().sum() for value, anchor in pairs), zero)
        small = sum((value.square().sum() for value in fresh), zero)
        return strength / 2 * near + beta / 2 * small

    return penalty
