"""Folders of wav files: read whatever they hold, and name the file that cannot be read."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest

from tlcourse.errors import DataError
from tlcourse.worlds import sound_folder


def write(path: Path, sound: np.ndarray, rate: int = 8000, width: int = 2, channels: int = 1) -> Path:
    """A wav file of sound in [-1, 1]: integers of 1 to 4 bytes, each channel with the same."""
    whole = np.round(sound * (2 ** (8 * width - 1) - 1)).astype("<i4") + (128 if width == 1 else 0)
    data = np.repeat(whole, channels).astype("<i4").view(np.uint8).reshape(-1, 4)[:, :width].tobytes()
    with wave.open(str(path), "wb") as file:
        file.setparams((channels, width, rate, 0, "NONE", "not compressed"))
        file.writeframes(data)
    return path


def tone(hz: float, seconds: float, rate: int = 8000) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate)


def test_names_say_label_speaker_and_take(tmp_path: Path) -> None:
    for name in ("yes_anna_0", "no_anna_0", "no_jean_luc_12"):
        write(tmp_path / f"{name}.wav", tone(300, 0.3))
    (tmp_path / "README.md").write_text("about these files")
    data = sound_folder(tmp_path)
    assert data.classes == ("no", "yes") and data.labels.tolist() == [0, 0, 1]
    assert data.speakers.tolist() == ["anna", "jean_luc", "anna"]
    assert data.waves.shape == (3, 5120) and data.rate == 8000


@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_samples_of_every_width_and_several_channels_are_read(tmp_path: Path, width: int) -> None:
    sound = tone(300, 0.64)
    write(tmp_path / "a_b_0.wav", sound, width=width, channels=2)
    np.testing.assert_allclose(sound_folder(tmp_path).waves[0], sound, atol=0.02 if width == 1 else 1e-4)


def test_another_rate_is_resampled(tmp_path: Path) -> None:
    write(tmp_path / "a_b_0.wav", tone(300, 0.64, 44100), rate=44100)
    heard = sound_folder(tmp_path).waves[0]
    np.testing.assert_allclose(heard[500:-500], tone(300, 0.64)[500:-500], atol=0.01)


def test_long_recordings_are_cut_to_their_loudest_part_and_short_ones_padded(tmp_path: Path) -> None:
    quiet = 0.01 * tone(300, 1)
    write(tmp_path / "a_b_0.wav", np.concatenate([quiet, tone(300, 0.3), quiet]))
    write(tmp_path / "a_b_1.wav", tone(300, 0.32))
    long, short = sound_folder(tmp_path).waves
    assert np.sum(long**2) == pytest.approx(np.sum(tone(300, 0.3) ** 2), rel=0.01)
    assert not short[:1280].any() and not short[-1280:].any() and short[1280:-1280].any()


def test_a_few_takes_of_each_label_and_speaker(tmp_path: Path) -> None:
    for take in range(4):
        for who in ("anna", "bo"):
            write(tmp_path / f"1_{who}_{take}.wav", tone(200, 0.1))
    assert sorted(sound_folder(tmp_path, takes=2).speakers.tolist()) == ["anna"] * 2 + ["bo"] * 2


def spoil(folder: Path) -> None:
    write(folder / "1_good_0.wav", tone(200, 0.1))
    (folder / "1_text_0.wav").write_text("this is no sound")
    (folder / "1_empty_0.wav").write_bytes(b"")
    write(folder / "1_silent_0.wav", np.zeros(0))
    whole = write(folder / "1_cut_0.wav", tone(200, 0.1)).read_bytes()
    (folder / "1_cut_0.wav").write_bytes(whole[:800])


def test_bad_files_are_named_with_the_reason(tmp_path: Path) -> None:
    spoil(tmp_path)
    with pytest.raises(DataError) as caught:
        sound_folder(tmp_path)
    said = str(caught.value)
    assert "4 files cannot be read" in said and "strict=False" in said
    for reason in (
        "1_text_0.wav: file does not start",
        "1_empty_0.wav",
        "1_silent_0.wav: it holds no sound",
        "1_cut_0.wav",
    ):
        assert reason in said


def test_bad_files_can_be_left_out(tmp_path: Path) -> None:
    spoil(tmp_path)
    (tmp_path / "noname.wav").write_bytes(b"")
    assert sound_folder(tmp_path, strict=False).speakers.tolist() == ["good"]
    (tmp_path / "1_good_0.wav").unlink()
    with pytest.raises(DataError, match="cannot be read"):
        sound_folder(tmp_path, strict=False)


def test_a_folder_without_recordings_says_what_is_wanted(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no folder"):
        sound_folder(tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"no wav file.*label_speaker_take"):
        sound_folder(tmp_path)
    write(tmp_path / "recording.wav", tone(200, 0.1))
    with pytest.raises(DataError, match=r"recording\.wav.*label_speaker_take"):
        sound_folder(tmp_path)
    with pytest.raises(DataError, match="no recording"):
        sound_folder(tmp_path, seconds=0)
