"""Linear probes: right, repeatable, chosen on the training set alone."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from tlcourse.errors import DataError
from tlcourse.transfer.probe import draw_rows, linear_probe, probe_seeds


def blobs(per_class: int, classes: int = 5, width: int = 40, noise: float = 1.0, seed: int = 0) -> tuple:
    """Classes around centres that are the same for every seed."""
    centres = np.random.default_rng(99).normal(size=(classes, width))
    labels = np.repeat(np.arange(classes), per_class)
    x = centres[labels] + noise * np.random.default_rng(seed).normal(size=(len(labels), width))
    return x.astype(np.float32), labels


def test_separable_classes_are_told_apart() -> None:
    result = linear_probe(*blobs(10), *blobs(40, seed=1))
    assert result.accuracy > 0.95 and result.predictions.shape == (200,)
    assert result.C in result.cv_loss
    assert "accuracy=" in repr(result)


def test_features_without_signal_are_at_chance() -> None:
    x, y = blobs(20, noise=1000)
    assert linear_probe(x, y, *blobs(100, noise=1000, seed=1)).accuracy < 0.35


def test_the_penalty_is_chosen_by_the_noise() -> None:
    clean, noisy = (linear_probe(*blobs(10, noise=n), *blobs(10, noise=n, seed=1)).C for n in (0.3, 6))
    assert noisy < clean


def test_the_test_set_has_no_say() -> None:
    train, (test_x, test_y) = blobs(10, noise=3), blobs(20, noise=3, seed=1)
    whole = linear_probe(*train, test_x, test_y)
    part = linear_probe(*train, test_x[:7] * 1, test_y[::-1][:7])
    assert part.C == whole.C and part.cv_loss == whole.cv_loss
    assert np.array_equal(part.predictions, whole.predictions[:7])


def test_scale_shift_and_constant_features_do_not_matter() -> None:
    (x, y), (test_x, test_y) = blobs(10, noise=2), blobs(20, noise=2, seed=1)
    plain = linear_probe(x, y, test_x, test_y)

    def moved(a: np.ndarray) -> np.ndarray:
        return np.concatenate([a * 50 - 7, np.full((len(a), 1), 3.0)], axis=1)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        other = linear_probe(moved(x), y, moved(test_x), test_y)
    assert np.mean(other.predictions == plain.predictions) > 0.97


def test_the_rotation_changes_nothing() -> None:
    """With more features than images, the fit in the span of the data is the fit in full."""
    from sklearn.linear_model import LogisticRegression

    from tlcourse.transfer.probe import _standardised

    (x, y), (test_x, test_y) = blobs(4, width=200, noise=3), blobs(20, width=200, noise=3, seed=1)
    result = linear_probe(x, y, test_x, test_y)
    scale = x.std(0) * np.sqrt(x.shape[1])
    full = LogisticRegression(C=result.C, tol=1e-6, max_iter=2000).fit((x - x.mean(0)) / scale, y)
    want = full.predict((test_x - x.mean(0)) / scale)
    assert np.mean(want == result.predictions) > 0.95
    assert _standardised(x, test_x)[0].shape == (20, 20)


def test_one_image_a_class_leaves_no_choice() -> None:
    result = linear_probe(*blobs(1, noise=0.5), *blobs(10, noise=0.5, seed=1))
    assert result.cv_loss == {} and result.C == 1.0 and result.accuracy > 0.8


def test_labels_need_not_count_from_zero() -> None:
    (x, y), (test_x, test_y) = blobs(6), blobs(6, seed=1)
    assert linear_probe(x, 10 * y + 3, test_x, 10 * test_y + 3).accuracy > 0.9


def test_one_accuracy_a_seed_and_more_images_help() -> None:
    train, test = blobs(40, noise=3), blobs(100, noise=3, seed=1)
    few, many = (probe_seeds(*train, *test, per_class=n, seeds=range(3)) for n in (2, 30))
    assert few.shape == (3,) and len(set(few)) > 1
    assert many.mean() > few.mean()
    assert np.array_equal(few, probe_seeds(*train, *test, per_class=2, seeds=range(3)))
    with pytest.raises(DataError, match="not the 41 asked for"):
        probe_seeds(*train, *test, per_class=41, seeds=[0])


def test_unusable_data_is_refused() -> None:
    (x, y), (test_x, test_y) = blobs(4), blobs(4, seed=1)
    with pytest.raises(DataError, match="training features have shape"):
        linear_probe(x, y[:-1], test_x, test_y)
    with pytest.raises(DataError, match="test features have shape"):
        linear_probe(x, y, test_x[0], test_y)
    with pytest.raises(DataError, match="40 features and test images 39"):
        linear_probe(x, y, test_x[:, 1:], test_y)
    with pytest.raises(DataError, match="one class only"):
        linear_probe(x, np.zeros_like(y), test_x, test_y)
    with pytest.raises(DataError, match="NaN or infinity"):
        linear_probe(np.where(x > 1, np.nan, x), y, test_x, test_y)


class TestDrawRows:
    """The labels that a probe may see."""

    def test_so_many_of_each_class_and_others_with_another_seed(self) -> None:
        labels = np.arange(30) % 3
        rows = draw_rows(labels, 4, seed=0)
        assert np.bincount(labels[rows]).tolist() == [4, 4, 4] and len(set(rows.tolist())) == 12
        assert not np.array_equal(rows, draw_rows(labels, 4, seed=1))
        assert np.array_equal(rows, draw_rows(labels, 4, seed=0))

    def test_too_few_of_a_class(self) -> None:
        with pytest.raises(DataError, match="Class 1 has 1 images, not the 2 asked for"):
            draw_rows(np.array([0, 0, 1]), 2, seed=0)
