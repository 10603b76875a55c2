"""Photos from files to batches."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tlcourse.errors import CourseError
from tlcourse.transfer import PhotoFeed


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Grey photos of twelve brightnesses and two shapes."""
    paths = [tmp_path / f"{number}.jpg" for number in range(12)]
    for number, path in enumerate(paths):
        shape = (60, 90, 3) if number % 2 else (70, 50, 3)
        Image.fromarray(np.full(shape, 20 * number, np.uint8)).save(path)
    return paths


def feed(files: list[Path], **options) -> PhotoFeed:
    usual = {"size": 32, "batch_size": 5, "mean": (0.5,) * 3, "std": (0.25,) * 3, "device": "cpu", "light": 0.0}
    return PhotoFeed(files, list(range(len(files))), **{**usual, **options})


def test_batches_are_whole_normalised_and_labelled(files: list[Path]) -> None:
    batches = list(feed(files))
    assert len(batches) == len(feed(files)) == 2
    for images, labels in batches:
        assert images.shape == (5, 3, 32, 32) and images.dtype == torch.float32
        expected = (20 * labels / 255 - 0.5) / 0.25
        torch.testing.assert_close(images.mean((1, 2, 3)), expected, atol=0.03, rtol=0)


def test_passes_differ_and_seeds_repeat(files: list[Path]) -> None:
    one, other = feed(files, seed=4), feed(files, seed=4)
    first, again = ([labels.tolist() for _, labels in feed_] for feed_ in (one, other))
    assert first == again
    assert first != [labels.tolist() for _, labels in one]


def test_light_changes_the_light_alone(files: list[Path]) -> None:
    plain, lit = (next(iter(feed(files, light=light))) for light in (0.0, 0.5))
    assert plain[1].tolist() == lit[1].tolist()
    assert not torch.allclose(plain[0], lit[0], atol=0.05)


def test_workers_read_the_same(files: list[Path]) -> None:
    images, labels = next(iter(feed(files, workers=1)))
    torch.testing.assert_close(images.mean((1, 2, 3)), (20 * labels / 255 - 0.5) / 0.25, atol=0.03, rtol=0)


@pytest.mark.parametrize(
    ("options", "fault"), [({"batch_size": 13}, "make no batch"), ({"decode": "card"}, "Only a CUDA card")]
)
def test_what_cannot_be_fed_is_refused(files: list[Path], options: dict, fault: str) -> None:
    with pytest.raises(CourseError, match=fault):
        feed(files, **options)
