"""Signs along a road, and the weather over them."""

from __future__ import annotations

import numpy as np
import pytest

from tlcourse.errors import DataError
from tlcourse.worlds import SIGNS, WEATHERS, any_weather, signs, weathered


@pytest.fixture(scope="module")
def clear():
    return signs(3, seed=5)


def test_signs_take_turns_and_a_seed_gives_the_same(clear) -> None:
    assert clear.classes == SIGNS and len(SIGNS) == 16 and clear.labels.tolist() == [*range(16)] * 3
    np.testing.assert_array_equal(clear.images, signs(3, seed=5).images)
    assert not np.array_equal(clear.images, signs(3, seed=6).images)


def test_a_stop_sign_is_red_and_a_parking_sign_blue() -> None:
    data = signs(20, style="print", seed=1)
    centre = data.images[:, :, 16:32, 16:32].astype(float).mean((2, 3))
    red, _, blue = centre.T
    for name, redder in (("stop", True), ("parking", False), ("turn left", False)):
        mine = data.labels == SIGNS.index(name)
        assert ((red - blue)[mine] > 0).mean() == (1 if redder else 0)


@pytest.mark.parametrize("kind", WEATHERS)
def test_weather_grows_with_its_strength_and_repeats_with_its_seed(clear, kind: str) -> None:
    changes = [
        np.abs(weathered(clear, kind, s, seed=1).images - clear.images.astype(float)).mean() for s in (0, 0.3, 0.6, 1)
    ]
    assert changes[0] < 1 and changes == sorted(changes) and changes[-1] > 20
    again = (weathered(clear, kind, 0.5, seed=seed).images for seed in (1, 1, 2))
    first, second, other = again
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, other)


def test_each_weather_does_what_it_is_called(clear) -> None:
    before = clear.images.astype(float)
    fog, rain, night = (weathered(clear, kind, 0.8).images.astype(float) for kind in ("fog", "rain", "night"))
    assert night.mean() < 0.5 * before.mean()
    assert fog.std((2, 3)).mean() < 0.4 * before.std((2, 3)).mean() and fog.mean() > 140
    assert (rain.max((1, 2, 3)) >= before.max((1, 2, 3)) - 60).all() and (rain > before + 40).mean() > 0.02


def test_a_strength_for_each_image(clear) -> None:
    strengths = np.zeros(len(clear))
    strengths[5] = 1
    changed = (weathered(clear, "fog", strengths).images != clear.images).mean((1, 2, 3))
    assert changed[5] > 0.9 and np.delete(changed, 5).max() < 0.05
    assert weathered(clear, "clear", 1) is clear


def test_any_weather_draws_a_kind_for_each_image(clear) -> None:
    mixed = any_weather(clear, seed=2, strengths=(0.6, 1))
    assert (mixed.labels == clear.labels).all()
    darker = mixed.images.mean((1, 2, 3)) < 0.6 * clear.images.mean((1, 2, 3))
    assert 0.1 < darker.mean() < 0.6
    only_fog = any_weather(clear, seed=2, kinds=["fog"], strengths=(1, 1)).images
    assert only_fog.std((2, 3)).mean() < 0.4 * clear.images.std((2, 3)).mean()


@pytest.mark.parametrize(
    "wrong",
    [
        lambda data: weathered(data, "hail"),
        lambda data: weathered(data, "fog", 1.5),
        lambda data: any_weather(data, kinds=[]),
        lambda data: signs(0),
        lambda data: signs(1, size=4),
        lambda data: signs(1, style="fog"),
    ],
)
def test_what_is_no_weather_or_no_sign_is_refused(clear, wrong) -> None:
    with pytest.raises(DataError):
        wrong(clear)
