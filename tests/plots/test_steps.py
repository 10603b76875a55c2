"""The figures of lesson 03 say in words what they show."""

from __future__ import annotations

import numpy as np
import pytest

from tlcourse.errors import DataError
from tlcourse.plots import drift, forgetting, stopping


def test_drift() -> None:
    arms = {"careless": np.array([[0.3, 0.1], [0.5, 0.1]]), "frozen": np.zeros((2, 2))}
    picture = drift(["stem.1", "block1.bn1"], arms, title="Drift")
    assert "careless: 0.25 on average, most in stem.1" in picture.alt and "frozen: nothing moves" in picture.alt


def test_forgetting() -> None:
    target, source = np.array([[0.8, 0.9], [0.8, 0.8]]), np.array([[0.9, 0.1], [0.9, 0.3]])
    picture = forgetting((1e-4, 1e-2), target, source, target_before=0.7, source_before=0.95, title="Forgetting")
    assert "target 0.70, source 0.95" in picture.alt
    assert (
        "at 0.0001 target 0.80 and source 0.90" in picture.alt and "at 0.01 target 0.85 and source 0.20" in picture.alt
    )


def test_stopping() -> None:
    losses = np.array([[1.0, 0.5, 0.8], [0.4, 0.6, 0.3]])
    picture = stopping(losses, {1: [1, 0], 3: [1, 2]}, title="Stop")
    assert "2 runs; the epochs kept: patience 1 keeps 1, 0, patience 3 keeps 1, 2" in picture.alt
    with pytest.raises(DataError, match="no epoch 7"):
        stopping(losses, {1: [1, 7]}, title="Stop")
