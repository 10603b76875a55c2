"""The distance of two domains, as a linear classifier sees it."""

from __future__ import annotations

import numpy as np
import pytest

from tlcourse.errors import DataError
from tlcourse.measure import proxy_a_distance


def cloud(n: int, shift: float = 0.0, seed: int = 0, width: int = 5) -> np.ndarray:
    features = np.random.default_rng(seed).normal(size=(n, width))
    features[:, 0] += shift
    return features


def distances(n: int, m: int, shift: float = 0.0) -> list[float]:
    return [proxy_a_distance(cloud(n, seed=2 * s), cloud(m, shift, seed=2 * s + 1), seed=s) for s in range(10)]


def test_domains_far_apart_have_two() -> None:
    assert proxy_a_distance(cloud(60), cloud(40, 100, seed=1)) == 2


def test_domains_alike_have_about_zero_on_both_sides() -> None:
    values = distances(200, 200)
    assert abs(np.mean(values)) < 0.1
    assert min(values) < 0 < max(values), "clipping would hide the lower half"


def test_a_known_error() -> None:
    """Two unit Gaussians 2 apart: the best linear classifier errs with probability Phi(-1) = 0.159."""
    assert np.mean(distances(400, 400, 2.0)) == pytest.approx(2 * (1 - 2 * 0.1587), abs=0.08)


def test_the_larger_domain_is_no_distance() -> None:
    assert abs(np.mean(distances(400, 40))) < 0.25, "always guessing the larger domain would give 1.6"


def test_it_grows_with_the_gap() -> None:
    values = [np.mean(distances(100, 100, shift)) for shift in (0, 1, 2, 4)]
    assert values == sorted(values)


def test_the_held_out_half_counts() -> None:
    """With more features than examples anything can be told apart that was trained on, and nothing else."""
    values = [proxy_a_distance(cloud(30, seed=s, width=200), cloud(30, seed=50 + s, width=200)) for s in range(10)]
    assert abs(np.mean(values)) < 0.4


def test_the_same_images_in_both_domains_show_below_zero() -> None:
    assert proxy_a_distance(cloud(100, width=50), cloud(100, width=50)) < -0.3


def test_scale_and_a_constant_feature_do_not_matter() -> None:
    source, target = cloud(80), cloud(80, 1.5, seed=1)
    moved = [np.hstack([1000 * x - 7, np.full((80, 1), 3.0)]) for x in (source, target)]
    assert proxy_a_distance(*moved) == pytest.approx(proxy_a_distance(source, target), abs=0.06)


def test_the_seed_decides() -> None:
    pair = cloud(60), cloud(60, 1, seed=1)
    assert proxy_a_distance(*pair, seed=3) == proxy_a_distance(*pair, seed=3)
    assert len({proxy_a_distance(*pair, seed=s) for s in range(6)}) > 1


@pytest.mark.parametrize(
    ("source", "target"), [((4, 3), (4, 2)), ((4,), (4,)), ((1, 3), (4, 3)), ((4, 3), (0, 3)), ((), (4, 3))]
)
def test_shapes_that_do_not_fit(source: tuple[int, ...], target: tuple[int, ...]) -> None:
    with pytest.raises(DataError, match="cannot be compared"):
        proxy_a_distance(np.zeros(source), np.zeros(target))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_feature_that_is_not_finite(bad: float) -> None:
    source = cloud(10)
    source[3, 1] = bad
    with pytest.raises(DataError, match="not finite"):
        proxy_a_distance(source, cloud(10))
