"""How well clusters that were found without labels match classes that somebody else named."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tlcourse.errors import DataError


@dataclass(frozen=True)
class ClusterScore:
    """Three ways to compare clusters with classes; 1 is perfect in each.

    Args:
        accuracy: see `cluster_accuracy`; guessing reaches a little more than 1 / classes.
        nmi: mutual information over the mean of the two entropies (Strehl and Ghosh 2002, "Cluster Ensembles"); it is
            above 0 for random clusters.
        ari: the share of pairs on which both agree, adjusted so that random clusters have 0 (Hubert and Arabie 1985,
            "Comparing partitions").
    """

    accuracy: float
    nmi: float
    ari: float


def cluster_accuracy(clusters: np.ndarray, labels: np.ndarray) -> float:
    """The share of images in the right cluster when each cluster is given one class, no class twice, as well as can be.

    The best such matching is found by the Hungarian method (Kuhn 1955, "The Hungarian method for the assignment
    problem"). With more clusters than classes, the clusters left over count as wrong.

    Args:
        clusters, labels: integers of any values, shape (N,).

    Raises:
        DataError: empty, or of different lengths.
    """
    from scipy.optimize import linear_sum_assignment

    table = contingency(clusters, labels)
    rows, columns = linear_sum_assignment(table, maximize=True)
    return float(table[rows, columns].sum() / table.sum())


def contingency(clusters: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """How many images lie in cluster i and class j: int64, shape (clusters, classes), both in order of their values.

    Raises:
        DataError: as for `cluster_accuracy`.
    """
    clusters, labels = np.asarray(clusters), np.asarray(labels)
    if clusters.ndim != 1 or clusters.shape != labels.shape or not len(clusters):
        raise DataError(
            f"Clusters of shape {clusters.shape} and labels of shape {labels.shape} cannot be compared.",
            "Give one cluster and one label for each image.",
        )
    row = np.unique(clusters, return_inverse=True)[1]
    column = np.unique(labels, return_inverse=True)[1]
    table = np.zeros((row.max() + 1, column.max() + 1), np.int64)
    np.add.at(table, (row, column), 1)
    return table


def cluster_score(clusters: np.ndarray, labels: np.ndarray) -> ClusterScore:
    """Accuracy, NMI and ARI of clusters against classes.

    Args:
        clusters, labels: integers, shape (N,).

    Raises:
        DataError: as for `cluster_accuracy`.
    """
    from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

    accuracy = cluster_accuracy(clusters, labels)
    nmi, ari = normalized_mutual_info_score(labels, clusters), adjusted_rand_score(labels, clusters)
    return ClusterScore(accuracy, float(nmi), float(ari))


def find_clusters(features: np.ndarray, n_clusters: int, seed: int = 0) -> np.ndarray:
    """k-means on standardised features of unit length (Lloyd 1982), the best of four starts.

    Unit length makes the distance that of directions, so that a bright image lies no farther away than a dim one.

    Args:
        features: shape (N, F).
        n_clusters: how many.
        seed: the starts.

    Returns:
        The cluster of each row, int64, shape (N,).

    Raises:
        DataError: fewer rows than clusters, or values that are not finite.
    """
    from sklearn.cluster import KMeans
    from threadpoolctl import threadpool_limits

    features = np.asarray(features, np.float64)
    if features.ndim != 2 or len(features) < n_clusters or not np.isfinite(features).all():
        raise DataError(
            f"Features of shape {features.shape} cannot be put into {n_clusters} clusters.",
            "Give at least one row of finite numbers for each cluster.",
        )
    spread = features.std(0)
    scaled = (features - features.mean(0)) / np.where(spread > 1e-8, spread, np.inf)
    length = np.linalg.norm(scaled, axis=1, keepdims=True)
    with threadpool_limits(1):
        return KMeans(n_clusters, n_init=4, random_state=seed).fit_predict(scaled / np.maximum(length, 1e-12))
