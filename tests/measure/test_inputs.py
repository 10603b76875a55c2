"""What wrongly prepared inputs cost: on toy features, and on published weights and photos."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tlcourse.measure import paired_gap
from tlcourse.measure.inputs import channels_swapped, in_ink, input_costs, resized
from tlcourse.models.zoo import source_model
from tlcourse.transfer import frozen_features
from tlcourse.worlds.handwritten import handwriting
from tlcourse.worlds.images import LabelledImages
from tlcourse.worlds.real import photo_folder


def mean_colour(data: LabelledImages) -> np.ndarray:
    return data.images.mean((2, 3))


def test_exchanged_ink_is_read_the_wrong_way_round() -> None:
    digits = handwriting(size=16)
    train, test = in_ink(digits.take(6), 0), in_ink(digits.take(6, skip=20), 1)
    ways = {"right": mean_colour, "exchanged": lambda data: mean_colour(channels_swapped(data))}
    costs = input_costs(ways, train, test, per_class=10, seeds=[0, 1], strengths=(10.0,))
    assert (costs["right"][0] > 0.95).all() and (costs["exchanged"][0] > 0.95).all()
    assert (costs["exchanged"][1] < 0.05).all()
    assert np.array_equal(*costs["right"])


def test_ink_keeps_the_strokes() -> None:
    digits = handwriting(size=16).take(2)
    inked = in_ink(digits)
    assert set(np.unique(inked.labels)) == {0, 1} and inked.classes == ("blue", "red")
    strongest = np.where(inked.labels == 1, 0, 2)
    kept = inked.images[np.arange(len(inked)), strongest]
    assert np.array_equal(kept, digits.images[:, 0])


def test_resized_keeps_labels_and_means() -> None:
    digits = handwriting(size=48).take(2)
    small = resized(digits, 24)
    assert small.images.shape == (20, 3, 24, 24) and np.array_equal(small.labels, digits.labels)
    np.testing.assert_allclose(small.images.mean(), digits.images.mean(), rtol=0.03)


def test_swapping_twice_changes_nothing() -> None:
    digits = in_ink(handwriting(size=16).take(2))
    assert np.array_equal(channels_swapped(channels_swapped(digits)).images, digits.images)


def test_published_weights_pay_for_wrong_inputs_on_photos(real_dir: Path) -> None:
    weights, photos = real_dir / "weights" / "squeezenet1_1_in1k_fp16.pth", real_dir / "sign_digits"
    if not weights.is_file() or not photos.is_dir():
        pytest.skip(f"no squeezenet1_1 weights or no sign_digits photos in {real_dir}")
    source = source_model("squeezenet1_1")
    body = source.body(weights)
    train, test = photo_folder(photos, image_size=96).split(per_class=20, test=150, seed=0)

    def features(data: LabelledImages, mean=source.mean, std=source.std) -> np.ndarray:  # type: ignore[no-untyped-def]
        return frozen_features(body, data, mean=mean, std=std, cache=False)

    ways = {
        "right": features,
        "0 to 255": lambda data: features(data, (0, 0, 0), (1 / 255,) * 3),
        "not normalised": lambda data: features(data, (0, 0, 0), (1, 1, 1)),
        "BGR": lambda data: features(channels_swapped(data)),
    }
    costs = input_costs(ways, train, test, per_class=10, seeds=range(5), strengths=(1.0,))
    right = costs["right"][0]
    for way, (_, test_alone) in costs.items():
        print(way, np.round(costs[way][0], 3), np.round(test_alone, 3))
    assert right.mean() > 0.5
    for way in ("0 to 255", "not normalised", "BGR"):
        assert paired_gap(right, costs[way][1]).low > 0, way
