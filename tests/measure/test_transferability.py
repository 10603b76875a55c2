"""Scores for sources against slow, literal transcriptions of the papers' equations, and what they must never do."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy import optimize, stats

from tlcourse.errors import DataError
from tlcourse.measure import h_score, kendall, leep, logme, ranking_agreement


def features(n: int, width: int, classes: int, strength: float = 1.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Noise with class means of some strength, and labels of unequal frequency."""
    rng = np.random.default_rng(seed)
    labels = np.concatenate([np.arange(classes), rng.integers(0, classes, n - classes) // 2])
    means = rng.normal(size=(classes, width))
    return rng.normal(size=(n, width)) + strength * means[labels] + 0.3, labels


def softmax(logits: np.ndarray) -> np.ndarray:
    return np.exp(logits) / np.exp(logits).sum(1, keepdims=True)


SHAPES = [(30, 5, 3), (60, 8, 4), (25, 40, 3)]


# --- LEEP -----------------------------------------------------------------------------------------------------------


def leep_by_loops(theta: np.ndarray, y: np.ndarray) -> float:
    """Nguyen et al. 2020, section 3: step 2 and equation 2, sum by sum."""
    n, sources = theta.shape
    joint = {
        (label, z): sum(theta[i, z] for i in range(n) if y[i] == label) / n for label in set(y) for z in range(sources)
    }
    marginal = [sum(joint[label, z] for label in set(y)) for z in range(sources)]
    total = 0.0
    for i in range(n):
        total += math.log(sum(joint[y[i], z] / marginal[z] * theta[i, z] for z in range(sources) if marginal[z] > 0))
    return total / n


@pytest.mark.parametrize("shape", SHAPES)
def test_leep_is_that_of_the_paper(shape: tuple[int, int, int]) -> None:
    logits, labels = features(*shape)
    assert leep(softmax(logits), labels) == pytest.approx(leep_by_loops(softmax(logits), labels.tolist()), abs=1e-9)


def test_leep_is_never_above_zero() -> None:
    for seed in range(20):
        logits, labels = features(40, 6, 4, strength=3, seed=seed)
        assert leep(softmax(logits), labels) <= 0


def test_leep_is_zero_where_each_source_class_belongs_to_one_label() -> None:
    source = np.array([0, 1, 2, 3, 0, 2])
    assert leep(np.eye(4)[source], source // 2) == 0


def test_leep_of_a_source_that_says_nothing_is_minus_the_entropy_of_the_labels() -> None:
    labels = np.array([0, 0, 0, 1])
    assert leep(np.full((4, 5), 0.2), labels) == pytest.approx(-stats.entropy([0.75, 0.25]))


def test_a_source_class_that_never_occurs_changes_nothing() -> None:
    logits, labels = features(30, 5, 3)
    known = softmax(logits)
    assert leep(np.insert(known, 2, 0.0, axis=1), labels) == pytest.approx(leep(known, labels))


def test_leep_refuses_logits() -> None:
    with pytest.raises(DataError, match="sum to 1"):
        leep(*features(30, 5, 3))


# --- LogME ----------------------------------------------------------------------------------------------------------


def logme_by_search(x: np.ndarray, labels: np.ndarray) -> float:
    """You et al. 2021, with a general optimiser for alpha and beta: y ~ N(0, I / beta + F F^T / alpha)."""

    def minus_log_evidence(logarithms: np.ndarray, y: np.ndarray) -> float:
        alpha, beta = np.exp(logarithms)
        covariance = np.eye(len(y)) / beta + x @ x.T / alpha
        return -stats.multivariate_normal(np.zeros(len(y)), covariance).logpdf(y)

    best = []
    for label in np.unique(labels):
        y = (labels == label).astype(float)
        tries = [
            optimize.minimize(
                minus_log_evidence, start, (y,), "Nelder-Mead", options={"fatol": 1e-7, "xatol": 1e-5, "maxiter": 600}
            )
            for start in ([0.0, 0.0], [3.0, 2.0])
        ]
        best.append(-min(found.fun for found in tries))
    return float(np.mean(best)) / len(x)


@pytest.mark.parametrize("shape", SHAPES)
def test_logme_is_the_largest_evidence(shape: tuple[int, int, int]) -> None:
    x, labels = features(*shape)
    assert logme(x, labels) == pytest.approx(logme_by_search(x, labels), abs=1e-5)


def test_logme_holds_where_features_say_nothing() -> None:
    """There the best ratio of alpha to beta is infinite, and a plain fixed point creeps towards it."""
    x, labels = features(40, 3, 2, strength=0, seed=3)
    assert logme(x - x.mean(0), labels) == pytest.approx(logme_by_search(x - x.mean(0), labels), abs=1e-4)


def test_useless_features_lower_logme() -> None:
    x, labels = features(60, 5, 3)
    noise = np.random.default_rng(1).normal(size=(60, 40))
    assert logme(np.hstack([x, noise]), labels) < logme(x, labels)


def test_logme_bears_features_that_repeat_or_are_constant() -> None:
    x, labels = features(40, 5, 3)
    assert np.isfinite(logme(np.hstack([x, x, np.ones((40, 1))]), labels))
    assert np.isfinite(logme(np.eye(3)[labels], labels)), "an exact fit has no noise to estimate"


def test_features_that_are_all_zero_have_no_logme() -> None:
    with pytest.raises(DataError, match="Every feature is 0"):
        logme(np.zeros((6, 2)), np.arange(6) % 2)


# --- H-score --------------------------------------------------------------------------------------------------------


def h_score_by_definition(x: np.ndarray, labels: np.ndarray) -> float:
    """Bao et al. 2019: every image's feature replaced by its class's mean, and two covariances."""
    replaced = np.array([x[labels == label].mean(0) for label in labels])
    return float(np.trace(np.linalg.pinv(np.cov(x.T, bias=True)) @ np.cov(replaced.T, bias=True)))


@pytest.mark.parametrize("shape", SHAPES)
def test_h_score_is_that_of_the_paper(shape: tuple[int, int, int]) -> None:
    x, labels = features(*shape)
    assert h_score(x, labels) == pytest.approx(h_score_by_definition(x, labels), abs=1e-6)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_shrunk_h_score_is_that_of_its_paper(shape: tuple[int, int, int]) -> None:
    """Ibrahim et al. 2022: a mix of the covariance and a multiple of the identity, as Ledoit and Wolf weigh them."""
    from sklearn.covariance import LedoitWolf

    x, labels = features(*shape)
    shrinkage = LedoitWolf().fit(x).shrinkage_
    covariance = np.cov(x.T, bias=True)
    mixed = (1 - shrinkage) * covariance + shrinkage * np.trace(covariance) / shape[1] * np.eye(shape[1])
    between = np.cov(np.array([x[labels == label].mean(0) for label in labels]).T, bias=True)
    wanted = (1 - shrinkage) * np.trace(np.linalg.inv(mixed) @ between)
    assert h_score(x, labels, shrunk=True) == pytest.approx(wanted, abs=1e-6)


def test_h_score_with_few_images_is_the_same_for_all_and_the_shrunk_one_is_not() -> None:
    scores = [features(20, 50, 4, strength) for strength in (0, 3)]
    assert [h_score(*pair) for pair in scores] == pytest.approx([3, 3])
    weak, strong = (h_score(*pair, shrunk=True) for pair in scores)
    assert weak < strong - 0.5


def test_h_score_bears_any_invertible_map() -> None:
    x, labels = features(60, 5, 3)
    mixing = np.random.default_rng(2).normal(size=(5, 5))
    assert h_score(x @ mixing + 7, labels) == pytest.approx(h_score(x, labels))


# --- what holds for all ---------------------------------------------------------------------------------------------

ALL: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "leep": lambda x, y: leep(softmax(x), y),
    "logme": logme,
    "h_score": h_score,
    "shrunk": lambda x, y: h_score(x, y, shrunk=True),
}


@pytest.mark.parametrize("name", ALL)
def test_order_of_images_features_and_classes_does_not_matter(name: str) -> None:
    x, labels = features(60, 8, 4)
    rng = np.random.default_rng(5)
    rows, columns, renamed = rng.permutation(60), rng.permutation(8), rng.permutation(4) * 10
    assert ALL[name](x[rows][:, columns], renamed[labels][rows]) == pytest.approx(ALL[name](x, labels))


@pytest.mark.parametrize("name", ALL)
def test_better_features_score_higher(name: str) -> None:
    scores = [ALL[name](*features(80, 8, 4, strength)) for strength in (0, 1, 3, 30)]
    assert scores == sorted(scores)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize(
    ("values", "labels", "message"),
    [
        (np.ones((4, 2)), np.zeros(3), "do not fit"),
        (np.ones(4), np.zeros(4), "do not fit"),
        (np.zeros((0, 2)), np.zeros(0), "do not fit"),
        (np.full((4, 2), np.nan), np.array([0, 1, 0, 1]), "not finite"),
        (np.ones((4, 2)), np.zeros(4), "one class"),
    ],
)
def test_what_cannot_be_scored(name: str, values: np.ndarray, labels: np.ndarray, message: str) -> None:
    score = leep if name == "leep" else ALL[name]
    with pytest.raises(DataError, match=message):
        score(values, labels)


# --- orders ---------------------------------------------------------------------------------------------------------


def test_kendall_is_scipys_tau_with_ties_too() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.integers(0, 5, (20, 8)), rng.integers(0, 5, (20, 8))
    wanted = [stats.kendalltau(a, b).statistic for a, b in zip(first, second, strict=True)]
    assert kendall(first, second) == pytest.approx(np.array(wanted))


def test_kendall_of_nothing_but_ties_is_zero() -> None:
    assert kendall(np.ones(4), np.arange(4)) == 0


def test_agreement_of_the_right_order_and_of_its_reverse() -> None:
    outcomes = np.arange(24.0).reshape(3, 8)[..., None] + np.zeros(5)
    right = ranking_agreement(outcomes.mean(-1), outcomes)
    assert (right.mean, right.low, right.high, right.n) == (1, 1, 1, 24)
    assert ranking_agreement(-outcomes.mean(-1), outcomes).high == -1


def test_easy_and_hard_targets_are_no_order_of_sources() -> None:
    """Within each target the score is random; over all pairs it would look excellent."""
    rng = np.random.default_rng(0)
    ease = 10.0 * np.arange(6)[:, None]
    outcomes = (ease + rng.normal(size=(6, 8)))[..., None] + np.zeros(3)
    found = ranking_agreement(ease + rng.normal(size=(6, 8)), outcomes)
    assert found.low < 0 < found.high and abs(found.mean) < 0.4


def test_the_interval_is_wider_with_fewer_sources() -> None:
    rng = np.random.default_rng(1)
    scores = rng.normal(size=(6, 12))
    outcomes = scores[..., None] + rng.normal(size=(6, 12, 5))
    many, few = ranking_agreement(scores, outcomes), ranking_agreement(scores[:, :4], outcomes[:, :4])
    assert few.half_width > many.half_width > 0


def test_the_seed_decides_the_bootstrap() -> None:
    rng = np.random.default_rng(2)
    scores, outcomes = rng.normal(size=(3, 5)), rng.normal(size=(3, 5, 4))
    assert ranking_agreement(scores, outcomes) == ranking_agreement(scores, outcomes)
    assert ranking_agreement(scores, outcomes) != ranking_agreement(scores, outcomes, seed=1)


@pytest.mark.parametrize("shape", [(3, 4), (3, 1, 2), (2, 4, 2)])
def test_agreement_needs_shapes_that_fit(shape: tuple[int, ...]) -> None:
    with pytest.raises(DataError, match="do not fit"):
        ranking_agreement(np.zeros((3, 4)), np.zeros(shape))


def test_a_failed_score_is_no_score() -> None:
    with pytest.raises(DataError, match="not finite"):
        ranking_agreement(np.array([[1.0, np.nan]]), np.zeros((1, 2, 3)))
