"""Spoken digits that people recorded, through the same pipeline and an image model with ImageNet weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from tlcourse import models, transfer, worlds


@pytest.fixture(scope="module")
def digits(real_dir: Path) -> worlds.LabelledSounds:
    """Six takes of each digit by each speaker."""
    folder = real_dir / "spoken_digits"
    if not folder.is_dir():
        pytest.skip(f"no spoken digits: {folder} is no folder")
    return worlds.sound_folder(folder, takes=6)


def test_digits_speakers_and_length_are_read(digits: worlds.LabelledSounds) -> None:
    assert digits.classes == tuple("0123456789") and len(digits) == 240
    assert np.unique(digits.speakers).tolist() == ["george", "jackson", "nicolas", "theo"]
    assert digits.waves.shape == (240, 5120) and digits.waves.std(axis=1).min() > 0.001


def leave_out(digits: worlds.LabelledSounds, features: np.ndarray, speaker: str) -> tuple[float, float]:
    """Accuracy on other takes of known speakers, and on the one left out."""
    new, others = np.flatnonzero(digits.speakers == speaker), np.flatnonzero(digits.speakers != speaker)
    train, known = others[::2], others[1::2]
    scores = [
        transfer.linear_probe(
            features[train], digits.labels[train], features[rows], digits.labels[rows], strengths=(1.0,)
        ).accuracy
        for rows in (known, new)
    ]
    return scores[0], scores[1]


def test_imagenet_features_hear_digits_and_a_new_speaker_is_harder(
    digits: worlds.LabelledSounds, real_dir: Path
) -> None:
    weights = real_dir / "weights" / "mobilenet_v2_in1k_fp16.pth"
    if not weights.is_file():
        pytest.skip(f"no weights: {weights} is missing")
    source = models.source_model("mobilenet_v2")
    body, images = source.body(weights), worlds.spectrogram_images(digits)
    reader = torch.nn.Sequential(body[: len(body) // 2], torch.nn.AdaptiveAvgPool2d((6, 3)), torch.nn.Flatten())
    features = transfer.frozen_features(reader, images, mean=source.mean, std=source.std, image_size=96, cache=False)
    known, new = zip(*(leave_out(digits, features, who) for who in np.unique(digits.speakers)), strict=True)
    assert np.mean(known) > 0.85  # guessing gives 0.1
    assert np.mean(known) > np.mean(new) > 0.4
