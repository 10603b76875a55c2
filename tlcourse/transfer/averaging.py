"""Averages of weights: between two networks (WiSE-FT), and of many (model soups)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from tlcourse.errors import CourseError

State = Mapping[str, Tensor]


def interpolate(start: State, end: State, share: float) -> dict[str, Tensor]:
    """(1 - share) start + share end, tensor by tensor (Wortsman et al. 2022, "Robust fine-tuning of zero-shot models").

    A network with the average's weights costs no more to run than one of the two. What counts in whole numbers, such as
    the batches that a batch norm has seen, cannot be averaged and is taken from `end`.

    Args:
        start, end: state dicts of two networks of the same shape, the second fine-tuned from the first; not changed.
        share: 0 gives the start, 1 the end.

    Raises:
        CourseError: they are of different networks.
    """
    _check_alike([start, end])
    return {
        name: torch.lerp(tensor, end[name].to(tensor), share) if tensor.is_floating_point() else end[name].clone()
        for name, tensor in start.items()
    }


def soup(states: Sequence[State]) -> dict[str, Tensor]:
    """The plain mean of several networks fine-tuned from one start (Wortsman et al. 2022, "Model soups").

    Args:
        states: state dicts; not changed. Whole numbers are taken from the first.

    Raises:
        CourseError: there is none, or they are of different networks.
    """
    if not states:
        raise CourseError("There is no network to average.", "Give at least one state dict.")
    _check_alike(states)
    return {
        name: torch.stack([state[name].to(tensor) for state in states]).mean(0)
        if tensor.is_floating_point()
        else tensor.clone()
        for name, tensor in states[0].items()
    }


def _check_alike(states: Sequence[State]) -> None:
    shapes = [{name: tensor.shape for name, tensor in state.items()} for state in states]
    if any(other != shapes[0] for other in shapes):
        raise CourseError(
            "These state dicts are of different networks.", "Average networks of the same layers, with one start."
        )
