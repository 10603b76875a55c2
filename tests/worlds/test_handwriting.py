"""Real handwriting: all of it, in the course's own form, split without overlap."""

from __future__ import annotations

import numpy as np
import pytest

from tlcourse.errors import DataError
from tlcourse.worlds import glyphs, handwriting


def test_all_digits_in_the_form_of_glyphs() -> None:
    digits, letters = handwriting(), glyphs("digits", 1, cache=False)
    assert len(digits) == 1797 and digits.classes == letters.classes
    assert digits.images.shape[1:] == letters.images.shape[1:] and digits.images.dtype == letters.images.dtype
    assert digits.labels.dtype == letters.labels.dtype
    assert np.bincount(digits.labels).min() >= 170, "a class lacks digits"


def test_bright_on_dark_and_grey() -> None:
    images = handwriting(size=16).images
    assert np.median(images[..., :2]) < 30 and images.max() == 255
    assert np.array_equal(images[:, 0], images[:, 2])


def test_the_seed_is_the_order() -> None:
    first, again, other = (handwriting(size=8, seed=seed) for seed in (0, 0, 1))
    assert np.array_equal(first.images, again.images) and np.array_equal(first.labels, again.labels)
    assert not np.array_equal(first.labels, other.labels)
    sums = [np.sort(data.images.reshape(1797, -1).sum(1)) for data in (first, other)]
    assert np.array_equal(*sums), "a seed changes the order only"


def test_labels_go_with_their_images() -> None:
    from sklearn.datasets import load_digits

    scans, labels = load_digits(return_X_y=True)
    known = {
        np.rint(scan * (255 / 16)).astype(np.uint8).tobytes(): label for scan, label in zip(scans, labels, strict=True)
    }
    data = handwriting(size=8, seed=5)
    assert [known[image[0].tobytes()] for image in data.images] == data.labels.tolist()


def test_parts_share_no_digit() -> None:
    data = handwriting(size=8, seed=2)
    train, test = data.take(120), data.take(30, skip=120)
    pixels = [{image.tobytes() for image in part.images} for part in (train, test)]
    assert len(train) == 1200 and len(test) == 300 and not pixels[0] & pixels[1]


def test_too_small_or_too_many() -> None:
    with pytest.raises(DataError, match="at 7 pixels"):
        handwriting(size=7)
    with pytest.raises(DataError, match="class '0' has 178 images, not the 180 asked for"):
        handwriting(size=8).take(180)
