"""What training on a target changed in a network: which weights, which statistics, and what it still knows."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from tlcourse.errors import DataError
from tlcourse.models.device import best_device
from tlcourse.transfer.training import accuracy, prepared
from tlcourse.worlds.images import LabelledImages

State = Mapping[str, Tensor]


def changed_tensors(before: State, after: State) -> list[str]:
    """The names of the tensors that differ in at least one bit, in the order of `before`.

    Args:
        before, after: state dicts of one network. `before` must be a copy: `copy.deepcopy(network.state_dict())`.

    Raises:
        DataError: they do not hold the same tensors.
    """
    _check_alike(before, after)
    return [name for name, tensor in before.items() if not torch.equal(tensor.cpu(), after[name].cpu())]


def batch_norm_drift(before: State, after: State) -> dict[str, float]:
    """How far the running mean of each batch norm has moved, in standard deviations of its channels.

    For a layer with channels c: sqrt(mean_c((m_c' - m_c)^2 / v_c)), with m and v the running mean and variance before
    and m' the mean after. 0 is not moved at all.

    Args:
        before, after: as in `changed_tensors`.

    Returns:
        The layer's name (such as "block2.bn1") -> its drift, in the order of `before`.

    Raises:
        DataError: they do not hold the same tensors, or there is no batch norm among them.
    """
    _check_alike(before, after)
    layers = [name.removesuffix(".running_mean") for name in before if name.endswith(".running_mean")]
    if not layers:
        raise DataError("This network has no batch norm with running statistics.", "Nothing of it can drift.")
    drift = {}
    for layer in layers:
        moved = after[f"{layer}.running_mean"].cpu() - before[f"{layer}.running_mean"].cpu()
        variance = before[f"{layer}.running_var"].cpu().clamp(min=1e-12)
        drift[layer] = float((moved.square() / variance).mean().sqrt())
    return drift


def remembered(network: nn.Module, source_head: nn.Module, source: LabelledImages) -> float:
    """The accuracy on the source task of a network that has been trained on another: its body under the old head.

    That it falls is catastrophic forgetting (McCloskey & Cohen 1989, "Catastrophic Interference in Connectionist
    Networks"). The network and its own head are left as they were.

    Args:
        network: its last layer is `network.head`.
        source_head: the head that it had for the source task.
        source: images of the source task that it has not been trained on.
    """
    head = network.head
    network.head = source_head.to(best_device())
    try:
        return accuracy(network, *prepared(source))
    finally:
        network.head = head


def _check_alike(before: State, after: State) -> None:
    if before.keys() != after.keys():
        raise DataError("The two state dicts are of different networks.", "Compare one network before and after.")
