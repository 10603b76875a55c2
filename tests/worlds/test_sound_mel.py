"""The mel pipeline agrees with an independent one, and its views change what they say they change."""

from __future__ import annotations

import numpy as np
import pytest

from tlcourse.errors import DataError
from tlcourse.worlds import (
    Speaker,
    hz_to_mel,
    log_mel,
    mel_filters,
    mel_to_hz,
    spec_augmented,
    spectrogram_images,
    spoken,
    triangles,
)


@pytest.mark.parametrize(("bands", "n_fft", "rate"), [(48, 512, 8000), (20, 256, 16000), (80, 1024, 22050)])
def test_filters_agree_with_those_of_transformers(bands: int, n_fft: int, rate: int) -> None:
    audio = pytest.importorskip("transformers.audio_utils")
    theirs = audio.mel_filter_bank(n_fft // 2 + 1, bands, 0.0, rate / 2, rate, norm=None, mel_scale="htk")
    np.testing.assert_allclose(mel_filters(bands, n_fft, rate), theirs.T, atol=1e-9)


@pytest.mark.parametrize("rate", [8000, 16000])
def test_the_pipeline_agrees_with_that_of_transformers(rate: int) -> None:
    audio = pytest.importorskip("transformers.audio_utils")
    rng = np.random.default_rng(0)
    wave = (0.3 * np.sin(np.arange(6000) * 0.3) + 0.01 * rng.standard_normal(6000)).astype(np.float32)
    length, n_fft = round(0.032 * rate), 2 * round(0.032 * rate)
    theirs = audio.spectrogram(
        wave,
        np.hanning(length),
        length,
        round(0.0125 * rate),
        fft_length=n_fft,
        power=2.0,
        center=False,
        mel_filters=audio.mel_filter_bank(n_fft // 2 + 1, 48, 0.0, rate / 2, rate, norm=None, mel_scale="htk"),
        mel_floor=1e-10,
        log_mel="dB",
    )
    np.testing.assert_allclose(log_mel(wave, rate), theirs, atol=0.01)


def test_the_mel_scale_goes_there_and_back() -> None:
    hz = np.array([0, 100, 700, 1000, 8000.0])
    assert float(hz_to_mel(700)) == pytest.approx(2595 * np.log10(2)) and float(hz_to_mel(1000)) == pytest.approx(
        1000, 1e-3
    )
    np.testing.assert_allclose(mel_to_hz(hz_to_mel(hz)), hz, atol=1e-9)


def test_a_triangle_rises_to_one_and_falls() -> None:
    (row,) = triangles([1000, 2000, 4000], 16, 16000)  # a bin each 1000 Hz
    np.testing.assert_allclose(row, [0, 0, 1, 0.5, 0, 0, 0, 0, 0])


def test_a_tone_stands_in_its_band_at_its_level_and_silence_at_the_floor() -> None:
    tone = np.sin(2 * np.pi * 1000 * np.arange(4000) / 8000).astype(np.float32)
    loud, half = log_mel(np.stack([tone, 0.5 * tone]))
    middles = mel_to_hz(np.linspace(0, hz_to_mel(4000), 50))[1:-1]
    assert np.abs(middles - 1000).argmin() == loud.mean(1).argmax()
    assert (loud - half).max(axis=1)[loud.mean(1).argmax()] == pytest.approx(20 * np.log10(2), abs=1e-3)
    np.testing.assert_allclose(log_mel(np.zeros(512, np.float32)), -100)


def test_several_recordings_are_each_computed_alone() -> None:
    waves = np.random.default_rng(1).standard_normal((3, 2000)).astype(np.float32)
    np.testing.assert_allclose(log_mel(waves)[1], log_mel(waves[1]), atol=1e-3)
    assert log_mel(waves).shape == (3, 48, 1 + (2000 - 256) // 100)


def test_a_warp_shows_another_tract() -> None:
    """Warped down, a short tract's whisper looks like a long one's: their middles meet."""
    cast = [Speaker("long", tract=18, breath=1), Speaker("short", tract=14.4, breath=1)]
    data = spoken("vowels", 8, cast, noise=0)
    of_hod = data.subset(np.flatnonzero(data.labels == 4))
    loudness = [
        np.exp(log_mel(of_hod.spoken_by([who]).waves, warp=w) / 10).mean((0, 2))
        for who, w in (("long", 1.0), ("short", 1.0), ("short", 0.8))
    ]
    long, short, warped = (float(np.arange(48) @ power / power.sum()) for power in loudness)
    assert abs(warped - long) < 0.35 * abs(short - long)


def test_images_have_time_to_the_right_and_low_frequencies_below() -> None:
    data = spoken("vowels", 1, [Speaker("one")])
    images = spectrogram_images(data)
    assert images.images.shape == (10, 3, 48, 49) and images.classes == data.classes
    assert (images.images.max((1, 2, 3)) == 255).all()
    rows = images.images[9, 0].mean(1)  # "heard": most of a voice is low
    assert rows[24:].mean() > rows[:24].mean()


def test_levelled_bands_forget_a_microphone() -> None:
    data = spoken("vowels", 1, [Speaker("one")], noise=0.02)
    through = np.fft.irfft(np.fft.rfft(data.waves) * np.linspace(0.2, 1, 2561), 5120).astype(np.float32)
    other = type(data)(through, data.rate, data.labels, data.classes, data.speakers, data.name)
    plain, level = (
        [spectrogram_images(d, level_bands=flag).images.astype(float) for d in (data, other)] for flag in (False, True)
    )
    assert np.abs(level[0] - level[1]).mean() < 0.3 * np.abs(plain[0] - plain[1]).mean()


def test_stripes_hide_a_part_and_leave_the_rest() -> None:
    images = spectrogram_images(spoken("vowels", 1, [Speaker("one")]))
    hidden = spec_augmented(images, seed=1)
    changed = (hidden.images != images.images).any(1).mean((1, 2))
    assert changed.max() <= 1 - (1 - 8 / 48) * (1 - 8 / 49) and changed.mean() > 0.05
    np.testing.assert_array_equal(hidden.images, spec_augmented(images, seed=1).images)
    np.testing.assert_array_equal(spec_augmented(images, bands=0, windows=0).images, images.images)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda data: log_mel(np.zeros(100, np.float32)),
        lambda data: log_mel(np.full(1000, np.nan, np.float32)),
        lambda data: mel_filters(warp=3),
        lambda data: triangles([100, 100, 200], 256, 8000),
        lambda data: triangles([100, 200], 256, 8000),
        lambda data: spectrogram_images(data, warps=[1.0]),
    ],
)
def test_what_has_no_spectrogram_is_refused(wrong) -> None:
    with pytest.raises(DataError):
        wrong(spoken("vowels", 1, [Speaker("one")]))
