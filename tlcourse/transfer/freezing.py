"""Freezing a part of a network truly, batch norm included, and one learning rate for each part."""

from __future__ import annotations

from typing import Any

from torch import nn

from tlcourse.errors import CourseError

_HANDLES = "_tlcourse_frozen"  # the attribute of a frozen module that holds the handle of its hook


def freeze(part: nn.Module) -> None:
    """Make `part` a fixed function of its input: feature extraction (Donahue et al. 2014, "DeCAF").

    No parameter of it gets a gradient, and every module of it computes in evaluation mode, also after a later
    `model.train()`: batch norm uses its running statistics and leaves them alone, dropout lets everything through.
    `requires_grad_(False)` alone, and fastai's `freeze()`, do the first and not the second.

    The flags are set anew before each forward pass by a hook, so that no training loop has to know of it. It holds for
    every module inside `part`: `freeze(network.body)` freezes the layers that `network` uses. Freezing twice is
    freezing once.

    Args:
        part: any module; changed in place.
    """
    part.requires_grad_(False)
    for module in part.modules():
        module.training = False
        if not is_frozen(module):
            setattr(module, _HANDLES, module.register_forward_pre_hook(_stay_in_evaluation))


def unfreeze(part: nn.Module) -> None:
    """Undo `freeze`, and let every parameter of `part` train. Its batch norms train again after `model.train()`.

    Args:
        part: any module, frozen before or not; changed in place.
    """
    part.requires_grad_(True)
    for module in part.modules():
        if is_frozen(module):
            getattr(module, _HANDLES).remove()
            delattr(module, _HANDLES)


def is_frozen(module: nn.Module) -> bool:
    """Whether this very module was frozen by `freeze` and not unfrozen since."""
    return hasattr(module, _HANDLES)


def parameter_groups(model: nn.Module, rate: float, factor: float = 1 / 2.6) -> list[dict[str, Any]]:
    """Discriminative learning rates, for any optimiser of PyTorch's: the last layers fast, the first ones slowly.

    The last child of `model` that has parameters gets `rate`; each one before it `factor` times the rate of the next
    (Howard & Ruder 2018, "Universal Language Model Fine-tuning for Text Classification", section 3.2, with 1 / 2.6).

    Args:
        model: its children follow each other from input to output.
        rate: of the head.
        factor: of the rates of two neighbours; 1 gives all the same rate.

    Returns:
        One dict with `params` and `lr` for each child with trainable parameters, from the first to the last. Frozen
        parameters are left out; every other one is in exactly one group.

    Raises:
        CourseError: every parameter is frozen, or a rate or factor that is not positive.
    """
    if rate <= 0 or factor <= 0:
        raise CourseError(f"A rate of {rate:g} falling by {factor:g} trains nothing.", "Give positive numbers.")
    parts = [list(child.parameters()) for child in model.children()]
    parts = [part for part in parts if part]
    groups = [
        {"params": [p for p in part if p.requires_grad], "lr": rate * factor**steps_from_head}
        for steps_from_head, part in zip(reversed(range(len(parts))), parts, strict=True)
    ]
    groups = [group for group in groups if group["params"]]
    if not groups:
        raise CourseError("Every parameter is frozen.", "Unfreeze at least the head before you make an optimiser.")
    return groups


def _stay_in_evaluation(module: nn.Module, _: Any) -> None:
    module.training = False
