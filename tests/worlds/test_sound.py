"""Synthetic speech: the same for everyone, and shaped by its speaker as a voice is."""

from __future__ import annotations

import numpy as np
import pytest

from tlcourse.errors import DataError
from tlcourse.worlds import VOCABULARIES, LabelledSounds, Speaker, played_at, speakers, spoken

TALL, CHILD = Speaker("tall", tract=17.5, pitch=110), Speaker("child", tract=12.5, pitch=240)


def spectrum(wave: np.ndarray) -> np.ndarray:
    """Power at 0, 15.6, 31.2, ... Hz, averaged over the recording."""
    pieces = np.lib.stride_tricks.sliding_window_view(wave, 512)[::128] * np.hanning(512)
    return (np.abs(np.fft.rfft(pieces)) ** 2).mean(0)


def test_equal_arguments_give_equal_sounds() -> None:
    data = spoken("words", 1, [TALL, CHILD], seed=4)
    np.testing.assert_array_equal(data.waves, spoken("words", 1, [TALL, CHILD], seed=4).waves)
    assert not np.array_equal(data.waves, spoken("words", 1, [TALL, CHILD], seed=5).waves)


def test_speakers_stand_one_after_the_other_and_words_take_turns() -> None:
    data = spoken("vowels", 2, [TALL, CHILD])
    assert data.labels.tolist() == [*range(10)] * 4 and data.classes == tuple(VOCABULARIES["vowels"])
    assert data.speakers.tolist() == ["tall"] * 20 + ["child"] * 20
    assert (data.rate, data.seconds, len(data)) == (8000, 0.64, 40) and "by 2 speakers" in repr(data)
    assert np.abs(data.waves).max() <= 1


@pytest.mark.parametrize("speaker", [TALL, CHILD])
def test_a_voice_has_overtones_of_its_pitch(speaker: Speaker) -> None:
    wave = spoken("vowels", 1, [speaker], noise=0).waves[3].astype(float)
    echo = np.correlate(wave, wave, "full")[len(wave) - 1 :]
    lag = 20 + np.argmax(echo[20:150])  # samples after which the voice repeats itself
    assert 8000 / lag == pytest.approx(speaker.pitch, rel=0.25)


def test_a_shorter_tract_moves_the_resonances_up() -> None:
    whispers = [Speaker(name, tract=tract, breath=1) for name, tract in (("long", 18), ("short", 13))]
    data = spoken("vowels", 4, whispers, noise=0)
    heard = np.flatnonzero(data.labels == data.classes.index("hod"))
    hz = np.fft.rfftfreq(512, 1 / 8000)
    centre = [float(hz @ (p := spectrum(data.waves[row])) / p.sum()) for row in heard]
    assert np.mean(centre[4:]) / np.mean(centre[:4]) == pytest.approx(18 / 13, rel=0.2)


def test_s_hisses_higher_than_sh_and_both_higher_than_a_vowel() -> None:
    data = spoken("words", 6, [TALL], noise=0)
    hz = np.fft.rfftfreq(512, 1 / 8000)
    above = {word: [] for word in ("saw", "shoe", "moo")}
    for wave, label in zip(data.waves, data.labels, strict=True):
        if data.classes[label] in above:
            power = spectrum(wave)[hz > 2000]
            above[data.classes[label]].append(hz[hz > 2000] @ power / power.sum())
    assert np.mean(above["saw"]) > np.mean(above["shoe"]) > np.mean(above["moo"])


def test_a_cast_spreads_its_tracts_and_the_short_ones_are_high() -> None:
    cast = speakers(30, seed=3)
    tracts, pitches = ([getattr(speaker, knob) for speaker in cast] for knob in ("tract", "pitch"))
    assert 12 <= min(tracts) < 12.3 and 17.7 < max(tracts) <= 18
    assert np.corrcoef(tracts, pitches)[0, 1] < -0.8
    assert len({speaker.name for speaker in (*cast, *speakers(30, seed=4))}) == 60
    assert speakers(30, seed=3) == cast


def test_recordings_are_chosen_by_row_and_by_speaker() -> None:
    data = spoken("vowels", 1, [TALL, CHILD])
    assert set(data.spoken_by(["child"]).speakers) == {"child"} and len(data.spoken_by(["child"])) == 10
    assert data.subset([3, 1]).labels.tolist() == [3, 1]
    with pytest.raises(DataError, match=r"no speaker anna.*speakers are child, tall"):
        data.spoken_by(["anna"])


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: spoken("songs", 1, [TALL]),
        lambda: spoken("words", 0, [TALL]),
        lambda: spoken("words", 1, []),
        lambda: spoken("words", 1, [TALL, TALL]),
        lambda: speakers(0),
        lambda: speakers(2, tract=(18, 12)),
        lambda: Speaker("giant", tract=40),
    ],
)
def test_what_cannot_be_spoken_is_refused(wrong) -> None:
    with pytest.raises(DataError):
        wrong()


def test_recordings_that_do_not_fit_their_labels_are_refused() -> None:
    waves, labels, who = np.zeros((2, 8), np.float32), np.zeros(2, np.int64), np.array(["a", "b"])
    with pytest.raises(DataError, match="float32"):
        LabelledSounds(waves.astype(int), 8000, labels, ("x",), who, "bad")
    with pytest.raises(DataError, match="one speaker for each"):
        LabelledSounds(waves, 8000, labels, ("x",), who[:1], "bad")


@pytest.mark.parametrize("speed", [0.8, 1.25])
def test_a_faster_recording_is_higher_and_shorter(speed: float) -> None:
    data = spoken("vowels", 1, [TALL], noise=0)
    at = np.arange(5120) / 8000
    tone = (np.sin(2 * np.pi * 400 * at) * np.exp(-(((at - 0.32) / 0.05) ** 2))).astype(np.float32)
    data = LabelledSounds(np.stack([tone] * 10), 8000, data.labels, data.classes, data.speakers, "tones")
    played = played_at(data, [speed] * 10).waves[3]
    right = np.sin(2 * np.pi * 400 * speed * (at - 0.32)) * np.exp(-(((at - 0.32) * speed / 0.05) ** 2))
    lags = [np.abs(np.dot(played, np.roll(right, shift))) for shift in range(-20, 21)]
    assert max(lags) / (np.linalg.norm(played) * np.linalg.norm(right)) > 0.98
    assert played.shape == tone.shape and played.dtype == np.float32


def test_a_speed_of_one_changes_nothing() -> None:
    data = spoken("vowels", 1, [TALL])
    np.testing.assert_allclose(played_at(data, np.ones(10)).waves, data.waves, atol=1e-6)
    for wrong in ([1.0], [3.0] * 10):
        with pytest.raises(DataError, match="one factor"):
            played_at(data, wrong)
