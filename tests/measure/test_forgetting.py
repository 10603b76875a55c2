"""What changed in a network, and what it still knows; when to stop."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch import nn

from tlcourse.errors import DataError
from tlcourse.measure import batch_norm_drift, changed_tensors, epoch_to_keep, remembered
from tlcourse.models import GlyphNet
from tlcourse.worlds import LabelledImages


class TestChangedTensors:
    """Bit by bit."""

    def test_one_bit_is_enough(self) -> None:
        layer = nn.Linear(2, 2)
        before = copy.deepcopy(layer.state_dict())
        assert changed_tensors(before, layer.state_dict()) == []
        with torch.no_grad():
            layer.bias[1] = torch.nextafter(layer.bias[1], torch.tensor(9.0))
        assert changed_tensors(before, layer.state_dict()) == ["bias"]

    def test_another_network_is_refused(self) -> None:
        with pytest.raises(DataError, match="different networks"):
            changed_tensors(nn.Linear(2, 2).state_dict(), nn.BatchNorm2d(2).state_dict())


class TestDrift:
    """In standard deviations."""

    def test_by_hand(self) -> None:
        model = nn.Sequential(nn.BatchNorm2d(2), nn.BatchNorm2d(2))
        model[0].running_var[:] = torch.tensor([4.0, 1.0])
        before = copy.deepcopy(model.state_dict())
        model[0].running_mean[:] = torch.tensor([2.0, 3.0])  # one deviation, and three
        assert batch_norm_drift(before, model.state_dict()) == {"0": pytest.approx(np.sqrt((1 + 9) / 2)), "1": 0}

    def test_without_batch_norm_there_is_none(self) -> None:
        state = nn.Linear(2, 2).state_dict()
        with pytest.raises(DataError, match="no batch norm"):
            batch_norm_drift(state, state)


def test_what_is_remembered_is_the_accuracy_under_the_old_head(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TLCOURSE_DEVICE", "cpu")
    network = GlyphNet(4)
    old, images = network.head, np.zeros((4, 3, 16, 16), np.uint8)
    with torch.no_grad():
        old.weight.zero_()
        old.bias[:] = torch.tensor([0.0, 0.0, 1.0, 0.0])  # always says class 2
    source = LabelledImages(images, np.array([0, 2, 2, 3]), tuple("abcd"), "old task")
    new = network.with_new_head(2).head
    assert remembered(network, old, source) == 0.5
    assert network.head is new


class TestEpochToKeep:
    """Early stopping."""

    @pytest.mark.parametrize(
        ("losses", "patience", "epoch"),
        [
            ([1.0, 0.8, 0.9, 0.95, 0.7], 2, 1),
            ([1.0, 0.8, 0.9, 0.95, 0.7], 3, 4),
            ([1.0, 1.0, 1.0, 0.1], 2, 0),
            ([3.0, 2.0, 1.0], 1, 2),
            ([1.0], 5, 0),
        ],
    )
    def test_by_hand(self, losses: list[float], patience: int, epoch: int) -> None:
        assert epoch_to_keep(losses, patience) == epoch
        assert epoch_to_keep(np.array(losses), patience) == epoch

    @pytest.mark.parametrize(("losses", "patience"), [([], 1), ([1.0], 0)])
    def test_nothing_to_keep(self, losses: list[float], patience: int) -> None:
        with pytest.raises(DataError, match="keep no epoch"):
            epoch_to_keep(losses, patience)
