"""Probe, then fine-tune: a probe at once, fine-tuning only where held-out images ask for it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from tlcourse.errors import DataError
from tlcourse.models import GLYPH_MEAN, GLYPH_STD, GlyphNet
from tlcourse.transfer import (
    accuracy,
    frozen_features,
    linear_head,
    linear_probe,
    prepared,
    probe_then_finetune,
    split_off,
)
from tlcourse.worlds import LabelledImages, glyphs


@pytest.fixture(scope="module")
def tasks(tmp_path_factory: pytest.TempPathFactory) -> tuple[LabelledImages, LabelledImages]:
    return glyphs("digits", 8, size=32, seed=1, cache=False), glyphs("digits", 20, size=32, seed=2, cache=False)


def features(data: LabelledImages) -> np.ndarray:
    body = GlyphNet.pretrained().body
    return frozen_features(body, data, mean=GLYPH_MEAN, std=GLYPH_STD, cache=False, full_precision=True)


class TestLinearHead:
    """A probe as the weights of a layer."""

    def test_it_predicts_what_the_probe_predicts(self, tasks) -> None:
        (train, test) = tasks
        x, z = features(train), features(test)
        head = linear_head(x, train.labels, 10)
        probe = linear_probe(x, train.labels, z, test.labels)
        assert head.C == probe.C and head.weight.shape == (10, 192)
        assert np.mean((z @ head.weight.T + head.bias).argmax(1) == probe.predictions) > 0.98

    def test_two_classes_have_two_rows(self) -> None:
        x = np.random.default_rng(0).normal(size=(40, 5)) + np.repeat([[0], [2]], 20, axis=0)
        head = linear_head(x, np.repeat([0, 1], 20), 2)
        assert head.weight.shape == (2, 5)
        assert np.mean((x @ head.weight.T + head.bias).argmax(1) == np.repeat([0, 1], 20)) > 0.9

    def test_a_second_view_of_the_same_images_changes_nothing(self, tasks) -> None:
        train, _ = tasks
        x = features(train)
        one, two = (linear_head(x, train.labels, 10, more=more) for more in (None, x))
        assert one.C == two.C
        assert np.mean((x @ one.weight.T + one.bias).argmax(1) == (x @ two.weight.T + two.bias).argmax(1)) > 0.98

    def test_a_class_without_images_is_named(self) -> None:
        with pytest.raises(DataError, match="Class 2 has no training image"):
            linear_head(np.eye(4), np.array([0, 1, 3, 3]), 4)


class TestSplitOff:
    """Held-out rows."""

    def test_every_class_gives_its_share(self) -> None:
        labels = np.repeat([0, 1, 2], [10, 5, 1])
        kept, judged = split_off(labels, 0.2, seed=0)
        assert np.bincount(labels[judged], minlength=3).tolist() == [2, 1, 0]
        assert sorted([*kept, *judged]) == list(range(16))

    @pytest.mark.parametrize("share", [1.0, -0.1])
    def test_no_share(self, share: float) -> None:
        with pytest.raises(DataError, match="cannot be held out"):
            split_off(np.arange(4), share, seed=0)


class TestRecipe:
    """The two steps."""

    def test_without_epochs_it_is_the_probe(self, tasks) -> None:
        train, test = tasks
        made = probe_then_finetune("glyphnet", train, epochs=0, full_precision=True)
        probe = linear_probe(features(train), train.labels, features(test), test.labels)
        assert [stage.name for stage in made.history] == ["probe"] and made.epochs_kept == 0
        assert accuracy(made.learner.model, *prepared(test)) == pytest.approx(probe.accuracy, abs=0.03)
        assert "kept: the probe" in repr(made)

    def test_the_body_of_a_probe_is_the_sources(self, tasks) -> None:
        train, _ = tasks
        made = probe_then_finetune("glyphnet", train, epochs=1, rate=10.0)  # a rate that destroys the network
        assert made.epochs_kept == 0
        state = GlyphNet.pretrained().body.state_dict()
        assert all(
            torch.equal(tensor.cpu(), state[name]) for name, tensor in made.learner.model[0].state_dict().items()
        )

    def test_fine_tuning_is_kept_where_it_helps(self, tasks) -> None:
        train, _ = tasks
        seen: list[str] = []
        made = probe_then_finetune(
            "glyphnet", train, weights=None, epochs=2, rate=3e-3, flip=True, watch=lambda name, _: seen.append(name)
        )
        losses = [stage.validation for stage in made.history if stage.validation is not None]
        assert made.epochs_kept == int(np.argmin(losses))
        assert seen == [stage.name for stage in made.history]
        assert seen[:3] == ["probe", "epoch 1", "epoch 2"]
        assert (seen[-1] == "whole") == (made.epochs_kept > 0)
        assert np.all(np.diff([stage.cpu_seconds for stage in made.history]) >= 0)

    def test_equal_seeds_give_equal_networks(self, tasks) -> None:
        train, _ = tasks
        states = [probe_then_finetune("glyphnet", train, epochs=1, seed=3).learner.model.state_dict() for _ in range(2)]
        assert all(torch.equal(tensor, states[1][name]) for name, tensor in states[0].items())

    def test_images_are_scaled(self, tasks) -> None:
        train, _ = tasks
        made = probe_then_finetune("glyphnet", train, epochs=0, image_size=24)
        assert made.learner.dls.one_batch()[0].shape[-2:] == (24, 24)


def test_a_probe_of_real_photos_beats_guessing_by_far(real_dir: Path) -> None:
    from tlcourse.models import source_model
    from tlcourse.worlds import photo_folder

    train, test = photo_folder(real_dir / "sign_digits", image_size=64).split(8, 60, seed=7)
    weights = real_dir / "weights" / "squeezenet1_1_in1k_fp16.pth"
    made = probe_then_finetune("squeezenet1_1", train, weights=weights, epochs=0)
    source = source_model("squeezenet1_1")
    assert accuracy(made.learner.model, *prepared(test, source.mean, source.std)) > 0.35
