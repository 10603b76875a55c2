"""Freezing truly, and a rate for each layer."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from tlcourse.errors import CourseError
from tlcourse.measure import changed_tensors
from tlcourse.models import GlyphNet
from tlcourse.transfer import freeze, parameter_groups, refresh_batch_norm, unfreeze
from tlcourse.transfer.freezing import is_frozen


def network() -> nn.Sequential:
    torch.manual_seed(0)
    body = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.5))
    return nn.Sequential(body, nn.Sequential(nn.Flatten(), nn.Linear(4 * 36, 2)))


def one_epoch(model: nn.Module) -> None:
    model.train()
    loss = model(torch.randn(16, 3, 8, 8) + 3).square().mean()
    optimiser = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], 0.1)
    loss.backward()
    optimiser.step()


class TestFreeze:
    """A frozen part is a fixed function."""

    def test_nothing_in_it_changes_and_the_rest_trains(self) -> None:
        model = network()
        before = copy.deepcopy(model.state_dict())
        freeze(model[0])
        for _ in range(3):
            one_epoch(model)
        assert changed_tensors(before, model.state_dict()) == ["1.1.weight", "1.1.bias"]

    def test_its_output_is_that_of_evaluation_mode_after_train(self) -> None:
        model, images = network(), torch.randn(5, 3, 8, 8)
        wanted = model[0].eval()(images)
        freeze(model[0])
        model.train()
        assert torch.equal(model[0](images), wanted)

    def test_a_view_of_the_body_freezes_the_network(self) -> None:
        model = GlyphNet(3)
        freeze(model.body)
        model.train()
        before = copy.deepcopy(model.state_dict())
        model(torch.randn(4, 3, 16, 16))
        assert changed_tensors(before, model.state_dict()) == []

    def test_it_survives_a_copy_and_a_second_freeze(self) -> None:
        model = network()
        freeze(model[0])
        freeze(model[0])
        twin = copy.deepcopy(model)
        before = copy.deepcopy(twin.state_dict())
        one_epoch(twin)
        assert not [name for name in changed_tensors(before, twin.state_dict()) if name.startswith("0.")]
        unfreeze(twin[0])
        one_epoch(twin)
        assert is_frozen(model[0][1]) and not is_frozen(twin[0][1])
        assert "0.1.running_mean" in changed_tensors(before, twin.state_dict())

    def test_unfreezing_lets_everything_train_again(self) -> None:
        model = network()
        before = copy.deepcopy(model.state_dict())
        freeze(model)
        unfreeze(model)
        one_epoch(model)
        assert len(changed_tensors(before, model.state_dict())) == len(before)

    def test_frozen_statistics_are_not_taken_anew(self) -> None:
        model = network()
        freeze(model[0])
        before = copy.deepcopy(model.state_dict())
        refresh_batch_norm(model, torch.randn(8, 3, 8, 8))
        assert changed_tensors(before, model.state_dict()) == []


class TestParameterGroups:
    """Discriminative rates."""

    def test_rates_fall_by_the_factor_from_the_head(self) -> None:
        groups = parameter_groups(GlyphNet(3), 0.1, 0.5)
        assert [group["lr"] for group in groups] == pytest.approx([0.1 * 0.5**power for power in range(6, -1, -1)])

    def test_the_factor_is_that_of_the_paper(self) -> None:
        last_but_one, last = parameter_groups(GlyphNet(3), 0.26)[-2:]
        assert (last_but_one["lr"], last["lr"]) == pytest.approx((0.1, 0.26))

    def test_every_parameter_is_in_one_group(self) -> None:
        model = GlyphNet(3)
        held = [id(p) for group in parameter_groups(model, 0.1) for p in group["params"]]
        assert sorted(held) == sorted(id(p) for p in model.parameters())
        torch.optim.SGD(parameter_groups(model, 0.1))

    def test_frozen_parameters_are_left_out_and_still_count_as_a_step(self) -> None:
        model = GlyphNet(3)
        freeze(model.block5)
        groups = parameter_groups(model, 1.0, 0.5)
        assert [group["lr"] for group in groups] == [0.5**power for power in (6, 5, 4, 3, 2, 0)]

    @pytest.mark.parametrize(("rate", "factor"), [(0, 0.5), (0.1, 0), (-1, 0.5)])
    def test_a_rate_that_trains_nothing_is_refused(self, rate: float, factor: float) -> None:
        with pytest.raises(CourseError, match="trains nothing"):
            parameter_groups(GlyphNet(3), rate, factor)

    def test_a_network_frozen_whole_is_refused(self) -> None:
        with pytest.raises(CourseError, match="Every parameter is frozen"):
            parameter_groups(GlyphNet(3).requires_grad_(False), 0.1)
