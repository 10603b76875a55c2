"""The same patients on two scanners, few of them ill."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tlcourse.errors import DataError
from tlcourse.measure import ranking_quality
from tlcourse.worlds import FIRST_SCANNER, SECOND_SCANNER, glyphs, rescanned, scans


def test_scans_are_grey_and_few_show_a_lesion() -> None:
    data = scans(200, prevalence=0.05, seed=3)
    assert data.images.shape == (200, 3, 32, 32) and data.labels.sum() == 10
    assert (data.images[:, 0] == data.images[:, 1]).all() and (data.images[:, 0] == data.images[:, 2]).all()
    assert data.classes == ("healthy", "lesion") and data.name == "scanner 1"


def test_a_seed_gives_the_same_bytes() -> None:
    first, again, other = (scans(20, seed=seed).images for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_two_scanners_see_the_same_patients() -> None:
    first, second = (scans(60, seed=4, scanner=scanner) for scanner in (FIRST_SCANNER, SECOND_SCANNER))
    np.testing.assert_array_equal(first.labels, second.labels)
    grey = [data.images[:, 0].reshape(60, -1).astype(float) for data in (first, second)]
    same = [np.corrcoef(a, b)[0, 1] for a, b in zip(*grey, strict=True)]
    others = [np.corrcoef(a, b)[0, 1] for a, b in zip(grey[0], np.roll(grey[1], 1, 0), strict=True)]
    assert np.mean(same) > np.mean(others) + 0.4


def test_a_scanner_does_what_its_knobs_say() -> None:
    plain = replace(FIRST_SCANNER, noise=0.0, blur=0.0)
    sharp, dull, soft, marked = (
        scans(40, seed=5, scanner=scanner).images[:, 0].astype(float)
        for scanner in (plain, replace(plain, contrast=0.5), replace(plain, blur=1.5), replace(plain, marker="R"))
    )
    assert dull.std() == pytest.approx(sharp.std() / 2, rel=0.02)
    assert np.abs(np.diff(soft)).mean() < 0.7 * np.abs(np.diff(sharp)).mean()
    changed = (marked != sharp).any(0)
    assert changed[:8, :8].any() and not changed[8:].any() and not changed[:, 8:].any()


def test_a_lesion_is_brighter_than_the_tissue_but_not_easily_found() -> None:
    from scipy.ndimage import gaussian_filter

    data = scans(400, prevalence=0.5, seed=6)
    brightest = gaussian_filter(data.images[:, 0].astype(float), (0, 2.5, 2.5)).max((1, 2))
    assert 0.6 < ranking_quality(brightest, data.labels) < 0.95


def test_any_images_can_be_scanned_again() -> None:
    photos = glyphs("everyday", 1, size=32)
    again = rescanned(photos, replace(SECOND_SCANNER, noise=0.0))
    assert again.images.shape == photos.images.shape and again.classes == photos.classes
    assert (again.images[:, 0] == again.images[:, 2]).all() and again.name.endswith("scanner 2")
    assert again.images.std() < photos.images.mean(1).std()
    np.testing.assert_array_equal(again.labels, photos.labels)


@pytest.mark.parametrize("wrong", [{"n": 0}, {"n": 5, "prevalence": 5}, {"n": 5, "size": 4}])
def test_scans_that_cannot_be_made(wrong: dict) -> None:
    with pytest.raises(DataError, match="cannot be made"):
        scans(**wrong)
