"""Training on a target task: reproducible, fair between arms, and it leaves alone what it should."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from tlcourse.models import GlyphNet
from tlcourse.transfer import accuracy, fit, imprint_head, prepared, refresh_batch_norm
from tlcourse.worlds.images import LabelledImages


def colours(n: int = 48, seed: int = 0) -> LabelledImages:
    """Easy data: a class is a colour."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 3
    images = rng.integers(0, 120, (n, 3, 16, 16), dtype=np.uint8)
    images[np.arange(n), labels] += 100
    return LabelledImages(images, labels, ("red", "green", "blue"), "colours")


class Recorder(nn.Module):
    """A small network that writes down which images it is trained on."""

    def __init__(self, width: int = 4) -> None:
        super().__init__()
        self.seen: list[bytes] = []
        self.conv, self.norm = nn.Conv2d(3, width, 3), nn.BatchNorm2d(width)
        self.head = nn.Linear(width, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if torch.is_grad_enabled():
            self.seen.append(x.float().numpy().tobytes())
        return self.head(self.norm(self.conv(x)).relu().mean((2, 3)))


@pytest.fixture(autouse=True)
def on_the_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TLCOURSE_DEVICE", "cpu")


class TestFit:
    """One loop for every arm."""

    @staticmethod
    def trained(seed: int) -> tuple[Recorder, list[float]]:
        torch.manual_seed(0)
        model = Recorder()
        history = fit(model, colours(), colours(seed=1), steps=6, batch_size=16, measure_at=(2, 4), seed=seed)
        return model, history.accuracy

    def test_the_seed_decides(self) -> None:
        (first, curve), (again, same_curve), (other, _) = (self.trained(seed) for seed in (0, 0, 1))
        assert torch.equal(first.conv.weight, again.conv.weight) and curve == same_curve
        assert not torch.equal(first.conv.weight, other.conv.weight)

    def test_a_single_measurement_is_the_last_of_many(self) -> None:
        torch.manual_seed(0)
        once = fit(Recorder(), colours(), colours(seed=1), steps=6, batch_size=16, measure_at=None, seed=0)
        assert (once.steps, once.accuracy) == ([6], self.trained(0)[1][-1:])

    def test_the_global_generators_play_no_part(self) -> None:
        def weights(noise: int) -> torch.Tensor:
            torch.manual_seed(0)
            model = Recorder()
            torch.manual_seed(noise)
            fit(model, colours(), colours(), steps=3)
            return model.conv.weight

        assert torch.equal(weights(1), weights(2))

    def test_both_arms_see_the_same_batches_in_the_same_order(self) -> None:
        narrow, wide = Recorder(4), Recorder(9)
        for arm in (narrow, wide):
            fit(arm, colours(), colours(), steps=7, batch_size=16, seed=5)
        assert narrow.seen == wide.seen and len(narrow.seen) == 7

    def test_every_image_is_seen_once_a_pass(self) -> None:
        model = Recorder()
        fit(model, colours(), colours(), steps=3, batch_size=16)
        pixels = np.concatenate([np.frombuffer(batch, np.float32).reshape(16, -1) for batch in model.seen])
        assert len(np.unique(pixels, axis=0)) == 48

    def test_the_history_holds_the_steps_asked_for(self) -> None:
        history = fit(Recorder(), colours(), colours(seed=1), steps=5, measure_at=(3,))
        assert history.steps == [0, 3, 5]
        assert history.seconds[0] == 0 and history.seconds == sorted(history.seconds)
        assert all(0 <= share <= 1 for share in history.accuracy)

    def test_it_learns(self) -> None:
        torch.manual_seed(0)
        history = fit(Recorder(), colours(), colours(seed=1), steps=60, rate=3e-2)
        assert history.accuracy[-1] > 0.9

    def test_no_step_at_all(self) -> None:
        model = Recorder()
        before = model.conv.weight.clone()
        history = fit(model, colours(), colours(), steps=0)
        assert history.steps == [0] and torch.equal(model.conv.weight, before)

    def test_frozen_weights_stay(self) -> None:
        model = Recorder()
        model.conv.requires_grad_(False)
        frozen, head = model.conv.weight.clone(), model.head.weight.clone()
        fit(model, colours(), colours(), steps=3)
        assert torch.equal(model.conv.weight, frozen) and not torch.equal(model.head.weight, head)


class TestRefreshBatchNorm:
    """Running statistics taken anew."""

    def test_they_become_those_of_the_images(self) -> None:
        model = nn.Sequential(nn.BatchNorm2d(3))
        images = torch.randn(40, 3, 8, 8) * 3 + 1
        model[0].running_mean.fill_(99)
        refresh_batch_norm(model, images)
        torch.testing.assert_close(model[0].running_mean, images.mean((0, 2, 3)), rtol=1e-3, atol=1e-3)
        torch.testing.assert_close(model[0].running_var, images.var((0, 2, 3)), rtol=1e-2, atol=1e-2)

    def test_batches_count_alike(self) -> None:
        model, images = nn.Sequential(nn.BatchNorm2d(3)), torch.randn(40, 3, 8, 8)
        refresh_batch_norm(model, images, batch_size=10)
        torch.testing.assert_close(model[0].running_mean, images.mean((0, 2, 3)), rtol=1e-3, atol=1e-3)

    def test_momentum_flags_and_weights_are_as_before(self) -> None:
        model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4, momentum=0.3), nn.BatchNorm2d(4, momentum=None))
        model.train()
        model[1].eval()  # a frozen batch norm in a network in training
        before = [parameter.clone() for parameter in model.parameters()]
        refresh_batch_norm(model, torch.randn(8, 3, 8, 8))
        assert (model[1].momentum, model[2].momentum) == (0.3, None)
        assert [part.training for part in model] == [True, False, True]
        assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))

    def test_a_network_without_batch_norm_is_not_even_run(self) -> None:
        class Untouchable(nn.Module):
            def forward(self, x: torch.Tensor) -> torch.Tensor:
                raise AssertionError("nothing to refresh")

        refresh_batch_norm(Untouchable(), torch.zeros(2, 3, 8, 8))


class TestAccuracy:
    """The share of images named right."""

    def test_by_hand(self) -> None:
        model = nn.Flatten()
        images = torch.eye(3).repeat(2, 1).view(6, 3, 1, 1)
        labels = torch.tensor([0, 1, 2, 0, 0, 0])
        assert accuracy(model, images, labels) == pytest.approx(4 / 6)
        assert accuracy(model, images, labels, batch_size=4) == pytest.approx(4 / 6)

    @pytest.mark.parametrize("training", [True, False])
    def test_every_part_keeps_its_mode(self, training: bool) -> None:
        model = Recorder().train(training)
        model.norm.eval()
        accuracy(model, *prepared(colours()))
        assert [model.training, model.conv.training, model.norm.training] == [training, training, False]

    def test_it_measures_in_evaluation_mode_and_changes_no_statistics(self) -> None:
        model = nn.Sequential(nn.BatchNorm2d(3), nn.Flatten(), nn.Dropout(0.9), nn.Linear(768, 3)).train()
        mean = model[0].running_mean.clone()
        images, labels = prepared(colours())
        assert len({accuracy(model, images, labels) for _ in range(3)}) == 1, "dropout was on"
        assert torch.equal(model[0].running_mean, mean)


class TestImprintHead:
    """A head from class means."""

    @pytest.fixture
    def network(self) -> GlyphNet:
        torch.manual_seed(0)
        return GlyphNet(3)

    def test_it_names_easy_classes_before_any_step(self, network: GlyphNet) -> None:
        imprint_head(network, colours())
        assert accuracy(network, *prepared(colours(seed=1))) > 0.8

    def test_only_the_head_changes(self, network: GlyphNet) -> None:
        before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
        imprint_head(network, colours())
        changed = {n for n, tensor in network.state_dict().items() if not torch.equal(tensor, before[n])}
        assert changed == {"head.weight", "head.bias"} and isinstance(network.head, nn.Linear)

    def test_its_rows_are_unit_vectors(self, network: GlyphNet) -> None:
        imprint_head(network, colours())
        torch.testing.assert_close(network.head.weight.norm(dim=1), torch.ones(3))

    def test_it_can_be_trained_on(self, network: GlyphNet) -> None:
        imprint_head(network, colours())
        fit(network, colours(), colours(), steps=1)
        assert network.head.weight.requires_grad


def test_prepared_images_are_normalised() -> None:
    data = colours()
    images, labels = prepared(data, mean=(0, 0.5, 0), std=(1, 0.5, 2))
    raw = data.tensors()[0]
    torch.testing.assert_close(images[:, 0], raw[:, 0])
    torch.testing.assert_close(images[:, 1], (raw[:, 1] - 0.5) / 0.5)
    torch.testing.assert_close(images[:, 2], raw[:, 2] / 2)
    assert labels.tolist() == data.labels.tolist()
