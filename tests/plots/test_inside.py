"""Figures that look inside a network."""

from __future__ import annotations

import numpy as np
import pytest

from tlcourse.errors import DataError
from tlcourse.models.glyphnet import GlyphNet
from tlcourse.plots import activations, by_depth, exciting_patches, filters, input_costs, layer_transfer
from tlcourse.worlds.glyph_world import glyphs


@pytest.fixture(scope="module")
def network() -> GlyphNet:
    return GlyphNet.pretrained()


def test_pictures_of_a_network(network: GlyphNet) -> None:
    data = glyphs("everyday", 2, cache=False)
    assert "32 filters of 5 x 5" in filters(network).alt
    assert "maps shrink from 24 to 6 px" in activations(network, data).alt
    picture = exciting_patches(network, data, at=("stem", "block5"), units=2, patches=3)
    drawn = [axes for part in picture.figure.subfigs for axes in part.axes if axes.images]
    assert len(drawn) == 12 and drawn[0].images[0].get_array().shape == (5, 5, 3)


def test_by_depth_wants_equal_depths() -> None:
    runs = {"a": {"stem": np.array([0.1, 0.2])}, "b": {"block1": np.array([0.1, 0.2])}}
    with pytest.raises(DataError, match="different depths"):
        by_depth(runs, title="t")
    assert "stem 0.15" in by_depth({"a": runs["a"]}, title="t").alt


def test_layer_transfer_names_its_arms() -> None:
    runs = {1: [0.9, 0.91], 2: [0.7, 0.72]}
    picture = layer_transfer([0.9, 0.92], {"AnB": runs}, title="t")
    assert "base 0.91" in picture.alt and "AnB 0.905, 0.710" in picture.alt
    assert len(picture.figure.axes) == 1
    four = layer_transfer([0.9, 0.92], dict.fromkeys(("BnB", "BnB+", "AnB", "AnB+"), runs), title="t")
    named = [{text.get_text() for text in axes.get_legend().get_texts()} for axes in four.figure.axes]
    assert {"BnB: frozen", "BnB+: fine-tuned"} < named[0] and {"AnB: frozen", "AnB+: fine-tuned"} < named[1]


def test_input_costs_shows_both_cases() -> None:
    runs = {"right": (np.array([0.9, 0.92]), np.array([0.9, 0.92])), "wrong": (np.array([0.5, 0.6]),) * 2}
    assert "wrong 0.55 and 0.55" in input_costs(runs, title="t", chance=0.1).alt
