"""Two tasks on one trunk: what counts in the loss, and what the gradients say."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

from tlcourse.transfer import (
    TwoHeads,
    fit_two_heads,
    gradient_conflict,
    joint_loss,
    shared_gradient,
    small_trunk,
    task_accuracies,
    task_loss,
)


class TestLoss:
    """Missing labels count nowhere."""

    def test_equal_logits_cost_the_logarithm_of_the_classes(self) -> None:
        labels = torch.tensor([3, -1, -1, 0])
        assert task_loss(torch.zeros(4, 10), labels).item() == pytest.approx(math.log(10))

    def test_images_without_a_label_change_nothing(self) -> None:
        logits, labels = torch.randn(6, 4), torch.tensor([0, -1, 2, 3, -1, 1])
        known = labels >= 0
        assert torch.isclose(task_loss(logits, labels), nn.functional.cross_entropy(logits[known], labels[known]))

    def test_no_label_at_all_costs_nothing_and_pulls_nowhere(self) -> None:
        logits = torch.randn(3, 4, requires_grad=True)
        loss = task_loss(logits, torch.full((3,), -1))
        loss.backward()
        assert loss.item() == 0 and logits.grad is not None and logits.grad.abs().sum() == 0

    def test_the_joint_loss_is_the_weighted_sum(self) -> None:
        labels = torch.tensor([0, -1]), torch.tensor([-1, 1])
        total = joint_loss([torch.zeros(2, 10), torch.zeros(2, 5)], labels, [1, 0.5])
        assert total.item() == pytest.approx(math.log(10) + 0.5 * math.log(5))


class TestConflict:
    """The cosine of two gradients."""

    @pytest.mark.parametrize(
        ("first", "second", "cosine"),
        [([1, 0], [3, 0], 1), ([1, 0], [0, 2], 0), ([1, 1], [-2, -2], -1), ([3, 4], [4, 3], 0.96), ([0, 0], [1, 1], 0)],
    )
    def test_cosine(self, first: list[float], second: list[float], cosine: float) -> None:
        conflict = gradient_conflict(torch.tensor(first).float(), torch.tensor(second).float())
        assert conflict == pytest.approx(cosine)

    def test_opposite_tasks_pull_the_trunk_apart(self) -> None:
        trunk = nn.Linear(3, 2)
        out = trunk(torch.randn(5, 3)).sum()
        assert gradient_conflict(shared_gradient(out, trunk), shared_gradient(-2 * out, trunk)) == pytest.approx(-1)

    def test_a_parameter_that_a_loss_does_not_use_counts_as_zero(self) -> None:
        trunk = nn.ModuleList([nn.Linear(2, 1), nn.Linear(2, 1)])
        gradient = shared_gradient(trunk[0](torch.ones(1, 2)).sum(), trunk)
        assert gradient.tolist() == [1, 1, 1, 0, 0, 0]


def problem() -> tuple[torch.Tensor, tuple[torch.Tensor, torch.Tensor]]:
    """Bright or dark images (task one), red or blue ones (task two)."""
    rng = np.random.default_rng(0)
    first, second = torch.from_numpy(rng.integers(0, 2, (2, 120)))
    images = 0.3 * torch.from_numpy(rng.normal(0, 1, (120, 3, 16, 16)).astype(np.float32))
    images += (2 * first - 1)[:, None, None, None]
    images[:, 0] += (2 * second - 1)[:, None, None]
    return images, (first, second)


class TestTraining:
    """One loop for every arm."""

    def trained(self, weights: tuple[float, float]) -> tuple[TwoHeads, list[float]]:
        torch.manual_seed(0)
        network = TwoHeads(small_trunk(8), 8, 2, 2)
        images, labels = problem()
        history = fit_two_heads(network, images, labels, weights=weights, steps=40, measure_every=10)
        return network, history.cosine

    def test_both_tasks_are_learned(self) -> None:
        network, cosine = self.trained((1, 1))
        assert min(task_accuracies(network, *problem())) > 0.95
        assert len(cosine) == 4 and all(-1 <= value <= 1 for value in cosine)

    def test_a_weight_of_zero_leaves_the_task_out(self) -> None:
        torch.manual_seed(0)
        fresh = TwoHeads(small_trunk(8), 8, 2, 2)
        network, cosine = self.trained((1, 0))
        assert cosine == [] and task_accuracies(network, *problem())[0] > 0.95
        # Weight decay alone moves the head that no loss reaches.
        assert torch.allclose(network.second.weight, fresh.second.weight, rtol=0.02)

    def test_the_seed_decides(self) -> None:
        assert torch.equal(self.trained((1, 1))[0].first.weight, self.trained((1, 1))[0].first.weight)

    def test_the_trunk_is_shared(self) -> None:
        network = TwoHeads(nn.Flatten(), 12, 4, 3)
        runs: list[int] = []
        network.trunk.register_forward_hook(lambda *_: runs.append(1))
        first, second = network(torch.zeros(2, 3, 2, 2))
        assert (first.shape, second.shape, len(runs)) == ((2, 4), (2, 3), 1)
