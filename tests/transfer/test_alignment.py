"""Aligning domains: each method on toy inputs against its published formula."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from scipy import linalg, stats

from tlcourse.errors import DataError
from tlcourse.transfer import (
    DomainClassifier,
    adversarial_strength,
    coral,
    coral_loss,
    effective_size,
    gradient_reversal,
    importance_weights,
    mmd,
)


def features(n: int, width: int = 4, seed: int = 0) -> np.ndarray:
    """Correlated and off centre, another way for each seed."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, width)) @ rng.normal(size=(width, width)) + rng.normal(0, 3, width)


def tensors(n: int = 12, m: int = 17, width: int = 4) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.tensor(features(n, width, 1)).requires_grad_(), torch.tensor(features(m, width, 2)).requires_grad_()


class TestCoral:
    """Whitened with the source's covariance, coloured with the target's."""

    def test_without_a_ridge_mean_and_covariance_are_the_targets(self) -> None:
        source, target = features(50), features(30, seed=1)
        aligned = coral(source, target, ridge=0)
        assert aligned.shape == source.shape
        assert np.allclose(np.cov(aligned.T), np.cov(target.T)) and np.allclose(aligned.mean(0), target.mean(0))
        assert coral_loss(torch.tensor(aligned), torch.tensor(target)).item() == pytest.approx(0, abs=1e-12)

    def test_against_the_paper(self) -> None:
        source, target = features(40), features(25, seed=1)
        source, target = source - source.mean(0), target - target.mean(0)
        c_s, c_t = (np.cov(x.T) + np.eye(4) for x in (source, target))
        paper = source @ np.linalg.inv(linalg.sqrtm(c_s)) @ linalg.sqrtm(c_t)
        assert np.allclose(coral(source, target), paper)

    def test_equal_domains_stay_as_they_are(self) -> None:
        assert np.allclose(coral(features(20), features(20)), features(20))

    def test_a_large_ridge_moves_the_means_alone(self) -> None:
        source, target = features(20), features(30, seed=1)
        assert np.allclose(coral(source, target, ridge=1e9), source - source.mean(0) + target.mean(0), atol=1e-3)

    def test_a_feature_without_spread(self) -> None:
        source, target = features(20), features(20, seed=1)
        source[:, 2] = 5
        assert np.isfinite(coral(source, target)).all()

    @pytest.mark.parametrize(("source", "target"), [((5, 3), (5, 4)), ((1, 3), (5, 3)), ((5,), (5,)), ((5, 3), (5,))])
    def test_shapes(self, source: tuple[int, ...], target: tuple[int, ...]) -> None:
        with pytest.raises(DataError, match="cannot be aligned"):
            coral(np.ones(source), np.ones(target))


class TestCoralLoss:
    """||C_s - C_t||^2 / (4 d^2)."""

    def test_by_hand(self) -> None:
        source, target = torch.tensor([[0.0, 0], [2, 2]]), torch.tensor([[0.0, 0], [2, -2]])
        assert coral_loss(source, target).item() == pytest.approx((4**2 + 4**2) / (4 * 2**2))

    def test_against_the_paper(self) -> None:
        """Equations 1 to 3, with a column of ones."""

        def covariance(d: np.ndarray) -> np.ndarray:
            n, ones = len(d), np.ones((1, len(d)))
            return (d.T @ d - (ones @ d).T @ (ones @ d) / n) / (n - 1)

        source, target = tensors()
        gap = covariance(source.detach().numpy()) - covariance(target.detach().numpy())
        assert coral_loss(source, target).item() == pytest.approx(np.linalg.norm(gap, "fro") ** 2 / (4 * 4**2))

    def test_means_do_not_matter(self) -> None:
        source, target = tensors()
        assert coral_loss(source + 100, target).item() == pytest.approx(coral_loss(source, target).item())

    def test_gradients(self) -> None:
        assert torch.autograd.gradcheck(coral_loss, tensors())


class TestMmd:
    """The biased squared maximum mean discrepancy."""

    @staticmethod
    def by_a_loop(source: torch.Tensor, target: torch.Tensor, widths: tuple[float, ...]) -> float:
        rows = [*source.detach().numpy(), *target.detach().numpy()]
        pairs = [np.sum((a - b) ** 2) for i, a in enumerate(rows) for j, b in enumerate(rows) if i != j]
        scale = np.mean(pairs)

        def k(a: np.ndarray, b: np.ndarray) -> float:
            return float(np.mean([math.exp(-np.sum((a - b) ** 2) / (width * scale)) for width in widths]))

        x, y = rows[: len(source)], rows[len(source) :]
        within = sum(np.mean([k(a, b) for a in group for b in group]) for group in (x, y))
        return within - 2 * np.mean([k(a, b) for a in x for b in y])

    @pytest.mark.parametrize("widths", [(1.0,), (0.25, 0.5, 1.0, 2.0, 4.0)])
    def test_against_a_loop(self, widths: tuple[float, ...]) -> None:
        source, target = tensors()
        assert mmd(source, target, widths).item() == pytest.approx(self.by_a_loop(source, target, widths))

    def test_equal_samples_have_none(self) -> None:
        source, _ = tensors()
        assert mmd(source, source.detach()[torch.randperm(12)]).item() == pytest.approx(0, abs=1e-12)

    def test_far_apart_it_nears_its_largest_value(self) -> None:
        """Two points far from each other: 1 + 1 - 2 exp(-1 / width), averaged over the scale of the pairs."""
        source, target = torch.zeros(3, 2), torch.full((3, 2), 1e3)
        apart_over_mean = 30 / 18  # of 30 pairs of rows, 18 are apart
        assert mmd(source, target, (1.0,)).item() == pytest.approx(2 - 2 * math.exp(-apart_over_mean), rel=1e-4)

    def test_the_scale_of_the_features_does_not_matter(self) -> None:
        source, target = tensors()
        assert mmd(1000 * source, 1000 * target).item() == pytest.approx(mmd(source, target).item())

    def test_it_sees_what_covariances_do_not(self) -> None:
        """Two clusters against one, with equal mean and variance."""
        source = torch.tensor([[-1.0], [1.0]]).repeat(50, 1)
        target = torch.tensor(stats.norm.ppf((np.arange(100) + 0.5) / 100)[:, None], dtype=torch.float32)
        target = target / target.std() * source.std()
        assert coral_loss(source[:, [0, 0]], target[:, [0, 0]]).item() == pytest.approx(0, abs=1e-6)
        assert mmd(source, target).item() > 0.01

    def test_gradients_are_finite_and_bring_the_domains_together(self) -> None:
        source, target = tensors()
        before = mmd(source, target)
        (gradient,) = torch.autograd.grad(before, source)
        assert torch.isfinite(gradient).all()
        assert mmd(source - 0.5 * gradient / gradient.norm(), target) < before

    def test_rows_that_are_all_equal(self) -> None:
        source = torch.ones(4, 3, requires_grad=True)
        value = mmd(source, torch.ones(5, 3))
        (gradient,) = torch.autograd.grad(value, source)
        assert value.item() == pytest.approx(0, abs=1e-6) and torch.isfinite(gradient).all()


class TestImportanceWeights:
    """The density ratio, from a classifier of the domains."""

    @pytest.mark.parametrize("n_target", [500, 2000, 8000])
    def test_two_gaussians(self, n_target: int) -> None:
        """N(0, 1) and N(1, 1): the ratio is exp(x - 1/2), whatever the sizes; its logarithm is a straight line."""
        rng = np.random.default_rng(0)
        source, target = rng.normal(size=(2000, 1)), rng.normal(1, 1, (n_target, 1))
        weights = importance_weights(source, target)
        assert weights.shape == (2000,) and weights.min() > 0 and weights.mean() == pytest.approx(1)
        slope, level = np.polyfit(source[:, 0], np.log(weights), 1)
        assert slope == pytest.approx(1, abs=0.15) and level == pytest.approx(-0.5, abs=0.15)

    def test_the_weighted_source_looks_like_the_target(self) -> None:
        rng = np.random.default_rng(1)
        source, target = rng.normal(size=(3000, 2)), rng.normal((0.8, 0), 1, (1000, 2))
        weights = importance_weights(source, target)
        assert np.average(source, axis=0, weights=weights) == pytest.approx([0.8, 0], abs=0.15)

    def test_equal_domains_have_equal_weights(self) -> None:
        rng = np.random.default_rng(2)
        assert importance_weights(*rng.normal(size=(2, 2000, 2))).std() < 0.15

    def test_domains_that_do_not_meet_give_finite_weights(self) -> None:
        weights = importance_weights(features(30), features(30) + 1000)
        assert np.isfinite(weights).all() and weights.mean() == pytest.approx(1)

    def test_the_seed_decides(self) -> None:
        pair = features(40), features(40, seed=1)
        assert np.array_equal(importance_weights(*pair, seed=1), importance_weights(*pair, seed=1))

    def test_shapes(self) -> None:
        with pytest.raises(DataError, match="cannot be aligned"):
            importance_weights(np.ones((5, 3)), np.ones((5, 4)))


class TestEffectiveSize:
    """Kish."""

    @pytest.mark.parametrize(("weights", "size"), [([2, 2, 2], 3), ([5, 0, 0, 0], 1), ([1, 3], 1.6)])
    def test_by_hand(self, weights: list[float], size: float) -> None:
        assert effective_size(weights) == pytest.approx(size)

    @given(weights=st.lists(st.floats(0.01, 100), min_size=1, max_size=20))
    def test_between_one_and_all(self, weights: list[float]) -> None:
        assert 1 - 1e-9 <= effective_size(weights) <= len(weights) + 1e-9


class TestGradientReversal:
    """Identity forward, minus the strength backward."""

    @pytest.mark.parametrize("strength", [0.0, 0.3, 1.0, 2.5])
    def test_values_and_gradient(self, strength: float) -> None:
        x, arriving = torch.randn(3, 4, requires_grad=True), torch.randn(3, 4)
        y = gradient_reversal(x, strength)
        assert torch.equal(y, x)
        (gradient,) = torch.autograd.grad(y, x, arriving)
        assert torch.allclose(gradient, -strength * arriving)

    def test_other_uses_of_the_same_features_are_left_alone(self) -> None:
        x = torch.randn(5, requires_grad=True)
        features = x * 1
        (3 * features + gradient_reversal(features, 0.5)).sum().backward()
        assert torch.allclose(x.grad, torch.full((5,), 3 - 0.5))

    def test_one_step_lowers_the_loss_behind_and_raises_it_before(self) -> None:
        torch.manual_seed(0)
        critic, source, target = DomainClassifier(4), torch.randn(20, 4), torch.randn(20, 4) + 1
        source.requires_grad_()
        loss = critic.loss(gradient_reversal(source), gradient_reversal(target))
        (towards,) = torch.autograd.grad(loss, source)
        with torch.no_grad():
            assert critic.loss(source - 0.1 * towards, target) > loss


class TestStrength:
    """The schedule of DANN."""

    @pytest.mark.parametrize(("progress", "strength"), [(0, 0), (0.1, 0.46212), (0.5, 0.98661), (1, 0.99991)])
    def test_the_papers_values(self, progress: float, strength: float) -> None:
        assert adversarial_strength(progress) == pytest.approx(strength, abs=1e-5)


class TestDomainClassifier:
    """One logit a row, each domain with half the weight."""

    def test_the_loss_is_the_mean_of_both_domains_entropies(self) -> None:
        critic, source, target = DomainClassifier(4, 8), torch.randn(30, 4), torch.randn(10, 4)
        assert critic(source).shape == (30,)
        on_source, on_target = F.logsigmoid(-critic(source)), F.logsigmoid(critic(target))
        assert critic.loss(source, target).item() == pytest.approx(
            -(on_source.mean() + on_target.mean()).item() / 2, rel=1e-5
        )

    def test_guessing_costs_log_two(self) -> None:
        critic = DomainClassifier(4)
        for parameter in critic.parameters():
            torch.nn.init.zeros_(parameter)
        assert critic.loss(torch.randn(9, 4), torch.randn(3, 4)).item() == pytest.approx(math.log(2))
