"""GlyphNet: small, shipped whole, worth transferring, and cut by fastai where it should be."""

from __future__ import annotations

import shutil
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from tlcourse import storage
from tlcourse.errors import WeightsError
from tlcourse.measure.source_card import card_text
from tlcourse.models import GLYPH_MEAN, GLYPH_STD, GlyphNet, glyphnet_card, source_model
from tlcourse.models import glyphnet as module
from tlcourse.transfer import accuracy, frozen_features, linear_probe, prepared
from tlcourse.worlds import EVERYDAY, PICTOGRAPHS, glyphs

SHIPPED = Path(str(files("tlcourse.models") / "shipped"))


@pytest.fixture(scope="module")
def pretrained() -> GlyphNet:
    return GlyphNet.pretrained()


class TestShipped:
    """The file in the package and what its card says."""

    def test_it_is_small(self, pretrained: GlyphNet) -> None:
        assert sum(parameter.numel() for parameter in pretrained.parameters()) <= 1_000_000
        assert (SHIPPED / "glyphnet.safetensors").stat().st_size <= 2_500_000

    def test_the_card_is_of_this_file(self, pretrained: GlyphNet) -> None:
        card = glyphnet_card()
        assert card["sha256"] == storage.sha256(SHIPPED / "glyphnet.safetensors")
        assert card["bytes"] == (SHIPPED / "glyphnet.safetensors").stat().st_size
        assert card["parameters"] == sum(parameter.numel() for parameter in pretrained.parameters())
        assert (SHIPPED / "MODEL_CARD.md").read_text(encoding="utf-8") == card_text(card)

    def test_a_damaged_file_is_refused(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        shutil.copytree(SHIPPED, tmp_path / "shipped")
        damaged = bytearray((SHIPPED / "glyphnet.safetensors").read_bytes())
        damaged[-1000] ^= 1
        (tmp_path / "shipped" / "glyphnet.safetensors").write_bytes(damaged)
        monkeypatch.setattr(module, "files", lambda package: tmp_path)
        module._shipped_state.cache_clear()
        try:
            with pytest.raises(WeightsError, match="another checksum"):
                GlyphNet.pretrained()
        finally:
            module._shipped_state.cache_clear()

    def test_networks_share_no_weights(self, pretrained: GlyphNet) -> None:
        spoiled = GlyphNet.pretrained()
        with torch.no_grad():
            spoiled.head.weight.zero_()
        assert GlyphNet.pretrained().head.weight.abs().sum() == pretrained.head.weight.abs().sum() > 0

    def test_it_comes_in_evaluation_mode(self, pretrained: GlyphNet) -> None:
        assert not any(part.training for part in pretrained.modules())


class TestWorth:
    """What the weights can do, with room below the card for another processor's rounding."""

    def test_it_knows_its_own_classes(self, pretrained: GlyphNet) -> None:
        fresh = glyphs(PICTOGRAPHS, 4, seed=12345, cache=False)
        assert accuracy(pretrained, *prepared(fresh)) >= 0.88

    def test_its_features_carry_over_to_classes_it_never_saw(self, pretrained: GlyphNet) -> None:
        def features(per_class: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
            data = glyphs(EVERYDAY, per_class, seed=seed, cache=False)
            return frozen_features(pretrained.body, data, mean=GLYPH_MEAN, std=GLYPH_STD, cache=False), data.labels

        test = features(20, 77_000)
        reached = [linear_probe(*features(10, seed), *test).accuracy for seed in range(5)]
        assert np.mean(reached) >= 0.85, reached


class TestAnatomy:
    """A network that can be taken apart anywhere."""

    def test_the_children_in_order_are_the_network_at_every_cut(self, pretrained: GlyphNet) -> None:
        x = torch.randn(2, 3, 48, 48)
        children = list(pretrained.children())
        with torch.no_grad():
            whole = pretrained(x)
            for cut in range(len(children) + 1):
                below, above = nn.Sequential(*children[:cut]), nn.Sequential(*children[cut:])
                assert torch.equal(above(below(x)), whole), f"cut at child {cut}"

    def test_shapes(self) -> None:
        network = GlyphNet(7).eval()
        with torch.no_grad():
            assert network.body(torch.zeros(2, 3, 48, 48)).shape == (2, 192, 6, 6)
            for size in (32, 48, 65, 96):
                assert network(torch.zeros(2, 3, size, size)).shape == (2, 7)

    def test_a_new_head_leaves_the_body_alone(self) -> None:
        network = GlyphNet.pretrained()
        before = {name: tensor.clone() for name, tensor in network.body.state_dict().items()}
        assert network.with_new_head(5) is network
        assert network(torch.zeros(1, 3, 48, 48)).shape == (1, 5)
        assert all(torch.equal(before[name], tensor) for name, tensor in network.body.state_dict().items())

    def test_the_body_shares_its_weights_with_the_network(self) -> None:
        network = GlyphNet(3)
        owned = {id(parameter) for parameter in network.parameters()}
        assert {id(parameter) for parameter in network.body.parameters()} < owned

    def test_it_starts_as_the_seed_says(self) -> None:
        states = []
        for seed in (0, 0, 1):
            torch.manual_seed(seed)
            states.append(GlyphNet(3).stem[0].weight)
        assert torch.equal(states[0], states[1]) and not torch.equal(states[0], states[2])


@pytest.fixture(scope="module")
def learner():  # type: ignore[no-untyped-def]
    """A Learner made by fastai's own `vision_learner`."""
    from fastai.vision.learner import vision_learner

    from tlcourse.models.learner import register_with_fastai

    register_with_fastai()
    data = glyphs(EVERYDAY, 2, cache=False)
    return vision_learner(data.dataloaders(data, batch_size=16), module.glyphnet, loss_func=nn.CrossEntropyLoss())


class TestFastai:
    """fastai's own `vision_learner`, past the traps in it."""

    def test_the_body_is_glyphnets_own(self, learner, pretrained: GlyphNet) -> None:  # type: ignore[no-untyped-def]
        body = learner.model[0]
        assert [type(part) for part in body] == [type(part) for part in pretrained.body]
        ours, theirs = pretrained.body.state_dict(), body.state_dict()
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(ours[name], theirs[name].cpu()) for name in ours)
        x = torch.randn(2, 3, 48, 48)
        with torch.no_grad():
            assert torch.equal(body.cpu().eval()(x), pretrained.body(x))

    def test_the_groups_are_early_late_and_head(self, learner) -> None:  # type: ignore[no-untyped-def]
        early, late, head = learner.splitter(learner.model)
        body = list(learner.model[0].parameters())
        first_late = next(learner.model[0][source_model("glyphnet").late].parameters())
        assert len(early) + len(late) == len(body) and early and late
        assert late[0] is first_late and head[-1].shape[0] == 20
        assert learner.opt.frozen_idx == 2, "the body is frozen"

    def test_batches_are_normalised_with_glyphnets_statistics(self, learner) -> None:  # type: ignore[no-untyped-def]
        from fastai.data.transforms import Normalize

        steps = [step for step in learner.dls.after_batch.fs if isinstance(step, Normalize)]
        assert len(steps) == 1
        assert steps[0].mean.ravel().tolist() == list(GLYPH_MEAN)
        assert steps[0].std.ravel().tolist() == list(GLYPH_STD)
        batch = learner.dls.valid.one_batch()[0]
        assert batch.min() < -1 and batch.max() <= 2

    def test_from_scratch_it_is_random(self, pretrained: GlyphNet) -> None:
        assert not torch.equal(module.glyphnet().stem[0].weight, pretrained.stem[0].weight)

    def test_it_trains(self, learner) -> None:  # type: ignore[no-untyped-def]
        with learner.no_bar(), learner.no_logging():
            learner.fit(1)
        assert np.isfinite(learner.validate()[0])


def test_some_of_its_children_are_a_plain_sequential() -> None:
    network = GlyphNet(3)
    most = network[:-1]
    assert type(most) is nn.Sequential and [name for name, _ in most.named_children()][-1] == "flatten"
    assert most[0] is network[0] is network.stem
