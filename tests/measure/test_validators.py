"""Scores that choose without target labels: by hand, against other libraries, and where they are blind."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tlcourse.errors import DataError
from tlcourse.measure import (
    entropy_score,
    information_score,
    neighbourhood_score,
    rank_agreement,
    regret,
    source_weighted_score,
)

CERTAIN = np.eye(4)
UNDECIDED = np.full((5, 4), 0.25)
COLLAPSED = np.tile([1.0, 0, 0, 0], (6, 1))
NUMBERS = st.lists(st.tuples(st.floats(-5, 5), st.floats(0, 1)), min_size=2, max_size=9)


def predictions(n: int = 30, classes: int = 4, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).dirichlet(np.full(classes, 0.4), n)


class TestEntropy:
    """Minus the mean entropy."""

    def test_by_hand(self) -> None:
        assert entropy_score([[0.5, 0.5], [1, 0]]) == pytest.approx(-math.log(2) / 2)

    @pytest.mark.parametrize(("p", "score"), [(CERTAIN, 0), (UNDECIDED, -math.log(4)), (COLLAPSED, 0)])
    def test_corners(self, p: np.ndarray, score: float) -> None:
        assert entropy_score(p) == pytest.approx(score)

    def test_against_scipy(self) -> None:
        assert entropy_score(predictions()) == pytest.approx(-stats.entropy(predictions(), axis=1).mean())


class TestInformation:
    """The mutual information of image and predicted class."""

    @pytest.mark.parametrize(("p", "score"), [(CERTAIN, math.log(4)), (UNDECIDED, 0), (COLLAPSED, 0)])
    def test_corners(self, p: np.ndarray, score: float) -> None:
        assert information_score(p) == pytest.approx(score, abs=1e-12)

    def test_it_is_the_mutual_information_of_the_joint_table(self) -> None:
        joint = predictions() / 30
        independent = joint.sum(1, keepdims=True) * joint.sum(0, keepdims=True)
        assert information_score(predictions()) == pytest.approx(stats.entropy(joint.ravel(), independent.ravel()))

    @given(seed=st.integers(0, 10_000))
    def test_never_negative_and_never_above_log_c(self, seed: int) -> None:
        assert -1e-12 <= information_score(predictions(seed=seed)) <= math.log(4)

    def test_it_sees_the_collapse_that_entropy_misses(self) -> None:
        good = 0.9 * CERTAIN + 0.025
        assert entropy_score(COLLAPSED) > entropy_score(good)
        assert information_score(COLLAPSED) < information_score(good)


@pytest.mark.parametrize("score", [entropy_score, information_score])
@pytest.mark.parametrize(
    "bad",
    [
        np.full((3, 2), 0.7),
        [[1.5, -0.5]],
        [0.5, 0.5],
        np.zeros((0, 3)),
        np.zeros((3, 0)),
        [[np.nan, 1.0]],
        [[0.5, 0.5], [np.nan, np.nan]],
    ],
)
def test_no_probabilities(score, bad) -> None:
    with pytest.raises(DataError, match="row of probabilities"):
        score(bad)


class TestSourceWeighted:
    """Importance-weighted accuracy on the source."""

    def test_by_hand(self) -> None:
        assert source_weighted_score([True, False, True], [1, 2, 5]) == pytest.approx(6 / 8)

    def test_equal_weights_give_the_accuracy(self) -> None:
        assert source_weighted_score([1, 0, 0, 1, 1], np.full(5, 7.0)) == pytest.approx(0.6)

    def test_with_the_true_ratio_it_estimates_the_accuracy_on_the_target(self) -> None:
        """Right where x > 0; source N(0, 1), target N(1, 1): the target's accuracy is Phi(1)."""
        x = np.random.default_rng(0).normal(size=40_000)
        ratio = stats.norm.pdf(x, 1) / stats.norm.pdf(x)
        assert source_weighted_score(x > 0, ratio) == pytest.approx(stats.norm.cdf(1), abs=0.02)
        assert source_weighted_score(x > 0, np.ones_like(x)) == pytest.approx(0.5, abs=0.02)

    @pytest.mark.parametrize(("correct", "weights"), [([1, 0], [1]), ([], []), ([[1]], [[1]])])
    def test_shapes(self, correct: list, weights: list) -> None:
        with pytest.raises(DataError, match="do not fit"):
            source_weighted_score(correct, weights)

    @pytest.mark.parametrize("weights", [[-1, 2], [0, 0], [np.nan, 1], [np.inf, 1]])
    def test_weights_that_are_none(self, weights: list) -> None:
        with pytest.raises(DataError, match="0 or more"):
            source_weighted_score([1, 0], weights)


class TestNeighbourhood:
    """Soft neighbourhood density."""

    @staticmethod
    def by_the_formula(z: np.ndarray, temperature: float) -> float:
        z, total = torch.tensor(z), 0.0
        for i in range(len(z)):
            others = torch.cat([z[:i], z[i + 1 :]])
            p = F.softmax(F.cosine_similarity(z[i : i + 1], others) / temperature, dim=0)
            total -= float((p * p.clamp(min=1e-300).log()).sum())
        return total / len(z)

    @pytest.mark.parametrize("temperature", [0.05, 0.5, 3.0])
    def test_against_a_loop(self, temperature: float) -> None:
        z = np.random.default_rng(1).normal(size=(20, 6))
        assert neighbourhood_score(z, temperature) == pytest.approx(self.by_the_formula(z, temperature))

    def test_many_rows_are_done_in_parts(self) -> None:
        z = np.random.default_rng(2).normal(size=(1003, 3))
        assert neighbourhood_score(z) == pytest.approx(self.by_the_formula(z, 0.05))

    def test_equal_rows_have_the_most_neighbours(self) -> None:
        assert neighbourhood_score(np.ones((9, 3))) == pytest.approx(math.log(8))
        assert neighbourhood_score(COLLAPSED) == pytest.approx(math.log(5)), "a collapse is not seen"

    def test_clusters_count_their_own(self) -> None:
        assert neighbourhood_score(np.repeat(CERTAIN, 6, axis=0)) == pytest.approx(math.log(5), abs=1e-5)

    def test_the_length_of_a_row_does_not_matter(self) -> None:
        z = np.random.default_rng(3).normal(size=(12, 4))
        assert neighbourhood_score(z * np.arange(1, 13)[:, None]) == pytest.approx(neighbourhood_score(z))

    @pytest.mark.parametrize("bad", [np.ones((2, 3)), np.ones(5), [[1, 2], [0, 0], [1, 1]], [[1], [np.nan], [2]]])
    def test_no_neighbourhoods(self, bad) -> None:
        with pytest.raises(DataError, match="no neighbourhoods"):
            neighbourhood_score(bad)

    @pytest.mark.parametrize("temperature", [0, -1])
    def test_temperature(self, temperature: float) -> None:
        with pytest.raises(DataError, match="not above 0"):
            neighbourhood_score(CERTAIN, temperature)


class TestRankAgreement:
    """Spearman."""

    @pytest.mark.parametrize(
        ("scores", "agreement"), [([1, 2, 30], 1), ([3, 2, 1], -1), ([1, 3, 2], 0.5), ([5, 5, 5], 0)]
    )
    def test_by_hand(self, scores: list[float], agreement: float) -> None:
        assert rank_agreement(scores, [0.1, 0.5, 0.6]) == pytest.approx(agreement)

    def test_equal_accuracies_have_no_order(self) -> None:
        assert rank_agreement([1, 2], [0.5, 0.5]) == 0

    @given(pairs=NUMBERS)
    def test_the_sign_turns_with_the_score(self, pairs: list[tuple[float, float]]) -> None:
        scores, accuracies = np.array(pairs).T
        assert rank_agreement(-scores, accuracies) == pytest.approx(-rank_agreement(scores, accuracies))


class TestRegret:
    """What choosing costs."""

    def test_by_hand(self) -> None:
        assert regret([0.1, 0.9, 0.3], [0.8, 0.5, 0.4]) == pytest.approx(0.3)

    def test_a_tie_is_left_to_chance(self) -> None:
        assert regret([1, 1, 0], [0.8, 0.4, 0.9]) == pytest.approx(0.9 - 0.6)

    @given(pairs=NUMBERS)
    def test_never_negative_and_none_for_the_truth_itself(self, pairs: list[tuple[float, float]]) -> None:
        scores, accuracies = np.array(pairs).T
        assert regret(scores, accuracies) >= -1e-12
        assert regret(accuracies, accuracies) == pytest.approx(0)


@pytest.mark.parametrize("judge", [rank_agreement, regret])
class TestModels:
    """Both refuse what is no list of models."""

    @pytest.mark.parametrize(("scores", "accuracies"), [([1], [1]), ([1, 2], [1, 2, 3]), ([[1, 2]], [[1, 2]])])
    def test_shapes(self, judge, scores: list, accuracies: list) -> None:
        with pytest.raises(DataError, match="do not fit"):
            judge(scores, accuracies)

    @pytest.mark.parametrize("bad", [np.nan, np.inf])
    def test_values(self, judge, bad: float) -> None:
        with pytest.raises(DataError, match="not finite"):
            judge([1, bad], [0.4, 0.5])
