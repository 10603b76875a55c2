"""Features and probes at every depth, and what excites a unit."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from tlcourse.errors import DataError
from tlcourse.measure.layers import (
    chance_agreement,
    class_agreement,
    depth_features,
    depths,
    excitement,
    probe_depths,
)
from tlcourse.models.glyphnet import GlyphNet
from tlcourse.worlds.images import LabelledImages


@pytest.fixture(scope="module")
def bright() -> LabelledImages:
    """Two classes: the left or the right half of the image is bright."""
    rng = np.random.default_rng(0)
    labels = np.arange(24) % 2
    images = rng.integers(0, 60, (24, 3, 16, 16), dtype=np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[:, :, 8 * label : 8 * label + 8] += 150
    return LabelledImages(images, labels, ("left", "right"), "halves")


def test_every_depth_has_its_cells(bright: LabelledImages) -> None:
    features = depth_features(GlyphNet(2).body, bright, grid=2, cache=False)
    assert list(features) == ["pixels", "stem", "block1", "block2", "block3", "block4", "block5"]
    assert [x.shape[1] // 4 for x in features.values()] == [3, 32, 32, 64, 64, 128, 192]
    assert all(x.shape[0] == 24 and x.dtype == np.float32 for x in features.values())


def test_cells_are_means_of_the_maps(bright: LabelledImages) -> None:
    body = nn.Sequential(nn.AvgPool2d(2))
    features = depth_features(body, bright, grid=2, mean=(0, 0, 0), std=(1, 1, 1), cache=False)
    quarters = bright.images.reshape(24, 3, 2, 8, 2, 8).mean((3, 5)) / 255
    np.testing.assert_allclose(features["pixels"], quarters.reshape(24, -1), atol=4e-3)
    np.testing.assert_allclose(features["stem"], features["pixels"], atol=4e-3)


def test_the_cache_gives_the_same_and_leaves_the_network_alone(bright: LabelledImages) -> None:
    network = GlyphNet(2).train()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    first, second = (depth_features(network.body, bright) for _ in range(2))
    assert all(np.array_equal(first[depth], second[depth]) for depth in first)
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    assert network.stem.training


def test_a_grid_needs_a_cell(bright: LabelledImages) -> None:
    with pytest.raises(DataError, match="grid of 0"):
        depth_features(GlyphNet(2).body, bright, grid=0)


def test_a_grid_tells_where_and_a_mean_does_not(bright: LabelledImages) -> None:
    def pixels(grid: int) -> np.ndarray:
        features = {"pixels": depth_features(nn.Sequential(nn.Identity()), bright, grid=grid, cache=False)["pixels"]}
        found = probe_depths(features, bright.labels, features, bright.labels, 6, [0, 1], strengths=(10.0,))
        assert found["pixels"].shape == (2,)
        return found["pixels"]

    assert (pixels(2) == 1).all()
    assert (pixels(1) < 1).all()


def test_names_of_depths() -> None:
    assert depths(GlyphNet(2).body)[:2] == ("stem", "block1")


def test_excitement_finds_the_brightest_place(bright: LabelledImages) -> None:
    images = np.zeros((3, 3, 8, 8), np.uint8)
    for index, (row, column, value) in enumerate([(1, 2, 100), (5, 6, 250), (7, 0, 30)]):
        images[index, 0, row, column] = value
    data = LabelledImages(images, np.arange(3), ("a", "b", "c"), "dots")
    unit = nn.Conv2d(3, 1, 1, bias=False)
    nn.init.constant_(unit.weight, 0.0)
    unit.weight.data[0, 0] = 1.0
    found = excitement(nn.Sequential(unit), data)["stem"]
    assert found.map_size == (8, 8)
    assert list(zip(found.row[0], found.column[0], strict=True)) == [(1, 2), (5, 6), (7, 0)]
    assert found.top(0, 2).tolist() == [1, 0]


def test_agreement_is_the_share_of_the_commonest_class(bright: LabelledImages) -> None:
    found = excitement(GlyphNet(2).body, bright)["stem"]
    value = np.zeros_like(found.value)
    value[0] = bright.labels + 1  # this unit likes class 1
    value[1, :6] = 1  # this one the first six images: three of each
    picky = type(found)("stem", value, found.row, found.column, found.map_size)
    agreement = class_agreement(picky, bright.labels, 6)
    assert agreement[0] == 1 and agreement[1] == 0.5 and np.isnan(agreement[2])
    assert 0.5 < chance_agreement(bright.labels, 6) < 0.75
