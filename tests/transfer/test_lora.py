"""LoRA: it starts as the layer, trains only its update, merges without a trace, and agrees with peft."""

import copy
import importlib.util

import numpy as np
import pytest
import torch
from torch import nn

from tlcourse.errors import CourseError
from tlcourse.models import GlyphNet
from tlcourse.transfer import LoRA, add_lora, merge_lora, peft_lora, trainable_parameters

LAYERS = {
    "linear": (lambda: nn.Linear(5, 3), (2, 5)),
    "strided convolution": (lambda: nn.Conv2d(3, 6, 3, 2, 1, bias=False), (2, 3, 8, 8)),
    "dilated convolution": (lambda: nn.Conv2d(3, 4, 3, 1, 2, dilation=2), (2, 3, 8, 8)),
}


def disturbed(network):
    """The same network with updates that do something, as after training."""
    for layer in network.modules():
        if isinstance(layer, LoRA):
            nn.init.normal_(layer.b.weight, 0, 0.1)
    return network


@pytest.mark.parametrize("name", LAYERS)
class TestLayer:
    def test_starts_as_the_layer(self, name):
        make, shape = LAYERS[name]
        layer, x = make(), torch.randn(shape)
        assert torch.equal(LoRA(copy.deepcopy(layer), 2)(x), layer(x))

    def test_only_the_update_trains(self, name):
        make, shape = LAYERS[name]
        layer = LoRA(make(), 2)
        layer(torch.randn(shape)).square().sum().backward()
        assert layer.b.weight.grad.abs().sum() > 0
        assert layer.layer.weight.grad is None and not layer.layer.weight.requires_grad

    def test_merged_is_the_same_function(self, name):
        make, shape = LAYERS[name]
        layer, x = disturbed(LoRA(make(), 2, alpha=5)), torch.randn(shape)
        before = layer(x)
        merged = layer.merged()
        assert type(merged) is type(make())
        assert torch.allclose(merged(x), before, atol=1e-5)


def test_what_cannot_be_adapted_is_refused():
    with pytest.raises(CourseError, match="BatchNorm2d"):
        LoRA(nn.BatchNorm2d(3))
    with pytest.raises(CourseError, match="rank 0"):
        LoRA(nn.Linear(2, 2), 0)
    with pytest.raises(CourseError, match="no linear or convolution"):
        add_lora(nn.Sequential(nn.ReLU()))


class TestNetwork:
    def test_a_network_starts_and_ends_as_plain_layers(self):
        source = GlyphNet.pretrained().with_new_head(4)
        x, names = torch.randn(2, 3, 24, 24), list(source.state_dict())
        before = source(x)
        network = disturbed(add_lora(source, 2))
        assert not torch.allclose(network.eval()(x), before, atol=1e-3)
        after = network(x)
        merged = merge_lora(network)
        assert list(merged.state_dict()) == names
        assert torch.allclose(merged(x), after, atol=1e-3)

    def test_the_head_trains_whole_and_the_body_by_its_updates(self):
        network = add_lora(GlyphNet().with_new_head(4), 1)
        free = [name for name, parameter in network.named_parameters() if parameter.requires_grad]
        assert {"head.weight", "head.bias"} < set(free)
        assert all(name.startswith("head") or name.endswith((".a.weight", ".b.weight")) for name in free)
        assert trainable_parameters(network) < 0.05 * trainable_parameters(GlyphNet())

    def test_batch_norm_of_the_frozen_body_sleeps(self):
        network = add_lora(GlyphNet())
        before = network.stem[1].running_mean.clone()
        network.train()(torch.randn(4, 3, 24, 24))
        assert torch.equal(network.stem[1].running_mean, before)

    def test_a_layer_in_two_places_is_wrapped_once(self):
        shared = nn.Linear(3, 3)
        network = add_lora(nn.Sequential(shared, nn.ReLU(), shared), 1)
        assert network[0] is network[2] and isinstance(network[0], LoRA)


@pytest.mark.skipif(importlib.util.find_spec("peft") is None, reason="the optional part `text` is not installed")
def test_it_computes_what_peft_computes():
    torch.manual_seed(0)
    source = GlyphNet.pretrained().with_new_head(4)
    ours = add_lora(copy.deepcopy(source), 3, 7.0).eval()
    theirs = peft_lora(copy.deepcopy(source), 3, 7.0).eval()
    layers = dict(theirs.get_base_model().named_modules())
    names = [name for name, layer in ours.named_modules() if isinstance(layer, LoRA)]
    assert {name for name, layer in layers.items() if hasattr(layer, "lora_A")} == set(names)
    with torch.no_grad():
        for name in names:
            mine, other = ours.get_submodule(name), layers[name]
            nn.init.normal_(mine.b.weight, 0, 0.1)
            other.lora_A["default"].weight.copy_(mine.a.weight)
            other.lora_B["default"].weight.copy_(mine.b.weight)
    x = torch.randn(3, 3, 24, 24)
    out = ours(x)
    assert not torch.allclose(out, source(x), atol=1e-2)
    assert torch.allclose(out, theirs(x), atol=1e-4)
    assert trainable_parameters(ours) == trainable_parameters(theirs)
    merged = theirs.merge_and_unload()
    assert np.allclose(merge_lora(ours)(x).detach(), merged(x).detach(), atol=1e-3)


def test_without_peft_the_cure_is_named(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(CourseError, match=r"pip install 'tlcourse\[text\]'"):
        peft_lora(GlyphNet())
