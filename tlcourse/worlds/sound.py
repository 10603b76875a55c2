"""Labelled recordings in memory: what every sound world returns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tlcourse.errors import DataError

RATE = 8000
"""Samples a second of the course's own sounds: what a telephone carries."""


@dataclass(frozen=True)
class LabelledSounds:
    """Recordings of one length, with their labels and speakers.

    Args:
        waves: float32 in [-1, 1], shape (N, samples).
        rate: samples a second.
        labels: int64, shape (N,); `labels[i]` indexes `classes`.
        classes: the name of each class.
        speakers: who speaks in each recording, text, shape (N,).
        name: what to call this set in a figure.
    """

    waves: np.ndarray
    rate: int
    labels: np.ndarray
    classes: tuple[str, ...]
    speakers: np.ndarray
    name: str

    def __post_init__(self) -> None:
        if self.waves.ndim != 2 or self.waves.dtype != np.float32:
            raise DataError(
                f"{self.name}: recordings must be float32 of shape (N, samples), "
                f"not {self.waves.dtype} of shape {self.waves.shape}.",
                "Mix them to one channel, and cut or pad them to one length.",
            )
        if not self.labels.shape == self.speakers.shape == (len(self.waves),):
            raise DataError(
                f"{self.name}: {len(self.waves)} recordings, but labels of shape {self.labels.shape} and speakers of "
                f"shape {self.speakers.shape}.",
                "Give one label and one speaker for each recording.",
            )

    def __len__(self) -> int:
        return len(self.waves)

    def __repr__(self) -> str:
        cast = len(np.unique(self.speakers))
        return f"{self.name}: {len(self):,} recordings of {len(self.classes)} classes by {cast} speakers"

    @property
    def seconds(self) -> float:
        """How long each recording is."""
        return self.waves.shape[1] / self.rate

    def subset(self, rows: np.ndarray | Sequence[int]) -> LabelledSounds:
        """The recordings at these positions, in this order, with the same classes."""
        return replace(self, waves=self.waves[rows], labels=self.labels[rows], speakers=self.speakers[rows])

    def spoken_by(self, names: Iterable[str]) -> LabelledSounds:
        """The recordings of these speakers.

        Raises:
            DataError: none of the recordings is by one of them.
        """
        wanted = sorted(set(names))
        unknown = sorted(set(wanted) - set(self.speakers.tolist()))
        if unknown:
            known = ", ".join(np.unique(self.speakers).tolist())
            raise DataError(f"{self.name} has no speaker {', '.join(unknown)}.", f"Its speakers are {known}.")
        return self.subset(np.flatnonzero(np.isin(self.speakers, wanted)))
