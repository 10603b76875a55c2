"""Clusters against classes."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from tlcourse.errors import DataError
from tlcourse.measure import cluster_accuracy, cluster_score, contingency, find_clusters


def test_names_of_clusters_do_not_matter() -> None:
    labels = np.array([0, 0, 1, 1, 2, 2])
    for names in permutations([7, 3, 5]):
        assert cluster_accuracy(np.array(names)[labels], labels) == 1


def test_the_best_matching_of_all() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        clusters, labels = rng.integers(0, 4, (2, 30))
        best = max(np.mean(np.array(names)[clusters] == labels) for names in permutations(range(4)))
        assert cluster_accuracy(clusters, labels) == pytest.approx(best)


def test_greedy_matching_is_beaten() -> None:
    # Cluster 0 would take class 0 with 4, which leaves 0 for cluster 1; the best gives 3 + 3.
    clusters = np.repeat([0, 0, 1, 1], [4, 3, 3, 0])
    labels = np.repeat([0, 1, 0, 1], [4, 3, 3, 0])
    assert contingency(clusters, labels).tolist() == [[4, 3], [3, 0]]
    assert cluster_accuracy(clusters, labels) == pytest.approx(0.6)


def test_clusters_left_over_are_wrong() -> None:
    assert cluster_accuracy(np.array([0, 1, 2, 3]), np.array([0, 0, 1, 1])) == 0.5


def test_the_other_scores_are_those_of_scikit_learn() -> None:
    perfect = cluster_score(np.array([1, 1, 0, 0]), np.array([0, 0, 1, 1]))
    assert (perfect.accuracy, perfect.nmi, perfect.ari) == (1, pytest.approx(1), pytest.approx(1))
    rng = np.random.default_rng(0)
    chance = cluster_score(rng.integers(0, 20, 2000), rng.integers(0, 20, 2000))
    assert abs(chance.ari) < 0.01 < chance.nmi


def test_k_means_finds_what_is_apart() -> None:
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], 30)
    features = np.eye(3)[labels] * 10 + rng.normal(0, 0.3, (90, 3))
    assert cluster_accuracy(find_clusters(np.hstack([features, np.ones((90, 1))]), 3), labels) == 1


@pytest.mark.parametrize("labels", [np.zeros(3, int), np.zeros((4, 1), int)])
def test_lengths_that_differ(labels: np.ndarray) -> None:
    with pytest.raises(DataError, match="cannot be compared"):
        cluster_accuracy(np.zeros(4, int), labels)


def test_nothing_to_cluster() -> None:
    with pytest.raises(DataError, match="cannot be put into 5 clusters"):
        find_clusters(np.zeros((4, 2)), 5)
    with pytest.raises(DataError):
        find_clusters(np.full((9, 2), np.nan), 2)
