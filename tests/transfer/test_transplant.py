"""Transplanted layers: what is copied, what stays frozen, what the arms share."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tlcourse.errors import DataError
from tlcourse.models.glyphnet import GlyphNet
from tlcourse.transfer.transplant import layer_transfer, retrain, transplant
from tlcourse.worlds.images import LabelledImages


def colours(n: int, seed: int) -> LabelledImages:
    """Three classes, each with a colour."""
    labels = np.arange(n) % 3
    images = np.random.default_rng(seed).integers(0, 80, (n, 3, 16, 16), dtype=np.uint8)
    images[np.arange(n), labels] += 120
    return LabelledImages(images, labels, ("red", "green", "blue"), "colours")


def same(a: torch.nn.Module, b: torch.nn.Module) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True))


def test_the_first_layers_are_the_donors_and_the_rest_is_fresh() -> None:
    donor = GlyphNet(5)
    network = transplant(donor, 2, 3)
    assert same(network.stem, donor.stem) and same(network.block1, donor.block1)
    assert not same(network.block2, donor.block2) and network.head.out_features == 3
    network.stem[0].weight.data.zero_()
    assert donor.stem[0].weight.abs().sum() > 0  # a copy, not the donor's own


@pytest.mark.parametrize("n", [-1, 7])
def test_no_such_layer(n: int) -> None:
    with pytest.raises(DataError, match="Give 0 to 6"):
        transplant(GlyphNet(3), n, 3)


def test_frozen_layers_keep_weights_and_statistics() -> None:
    donor = GlyphNet(3)
    network = transplant(donor, 3, 3)
    accuracy = retrain(network, 3, colours(24, 0), colours(12, 1), steps=4, seed=0)
    assert 0 <= accuracy <= 1
    lower, upper = network[:3], network[3:]
    assert all(same(part, getattr(donor, name)) for part, name in zip(lower, ("stem", "block1", "block2"), strict=True))
    assert upper[0].bn1.running_mean.abs().sum() > 0


def test_fine_tuned_layers_move() -> None:
    donor = GlyphNet(3)
    network = transplant(donor, 1, 3)
    retrain(network, 0, colours(24, 0), colours(12, 1), steps=2, seed=0)
    assert not same(network.stem, donor.stem)


def test_the_arms_of_a_run() -> None:
    source = GlyphNet(7)
    before = {name: tensor.clone() for name, tensor in source.state_dict().items()}
    run = [
        layer_transfer(source, colours(24, 0), colours(12, 1), layers=(1, 6), arms=("BnB", "AnB+"), steps=3, seed=2)
        for _ in range(2)
    ]
    assert run[0] == run[1]
    base, arms = run[0]
    assert 0 <= base <= 1 and set(arms) == {"BnB", "AnB+"} and set(arms["BnB"]) == {1, 6}
    assert all(torch.equal(tensor, before[name]) for name, tensor in source.state_dict().items())
