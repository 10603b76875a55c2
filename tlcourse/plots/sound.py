"""Figures of recordings: the wave, and the spectrogram that a network sees."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from tlcourse.errors import DataError
from tlcourse.plots.figures import head
from tlcourse.plots.picture import COLOURS, Picture, look
from tlcourse.worlds.sound_mel import HOP, RANGE, WINDOW, hz_to_mel, log_mel

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

_TICKS = (250, 500, 1000, 2000, 4000, 8000)  # Hz


def spectrograms(waves: Mapping[str, np.ndarray], rate: int, *, title: str, warp: float = 1.0) -> Picture:
    """Each recording as a wave, and below it as a log-mel spectrogram: seconds, hertz on a mel axis, decibels.

    Args:
        waves: name -> one recording, shape (samples,); all of one length, at most four.
        rate: samples a second.
        title: the figure's title.
        warp: as in `log_mel`.

    Raises:
        DataError: none, more than four, or recordings of several lengths.
    """
    from matplotlib.figure import Figure

    if not 1 <= len(waves) <= 4 or len({len(wave) for wave in waves.values()}) != 1:
        raise DataError(f"{len(waves)} recordings are not drawn.", "Give one to four of one length.")
    figure = Figure(figsize=(2.5 * len(waves) + 1.2, 4.2), layout="constrained")
    with look():
        grid = figure.subplots(2, len(waves), squeeze=False, sharex=True, sharey="row", height_ratios=(1, 2.4))
        shown = None
        for column, (name, wave) in enumerate(waves.items()):
            _draw_wave(grid[0, column], wave, rate, name)
            shown = _draw_spectrogram(grid[1, column], log_mel(wave, rate, warp=warp), len(wave), rate)
        grid[0, 0].set_ylabel("pressure\n(relative)")
        grid[1, 0].set_ylabel("frequency (Hz)")
        assert shown is not None
        _scale(figure, shown, list(grid[1]))
        head(figure, title)
    return Picture(figure, f"{title}. Waves and mel spectrograms over {len(wave) / rate:.2f} s: {', '.join(waves)}.")


def _draw_wave(axes: Axes, wave: np.ndarray, rate: int, name: str) -> None:
    axes.plot(np.arange(len(wave)) / rate, wave, color=COLOURS["transfer"], linewidth=0.5)
    axes.set_ylim(-1, 1)
    axes.set_yticks([-1, 0, 1])
    axes.set_title(name, fontsize=10)


def _draw_spectrogram(axes: Axes, decibels: np.ndarray, samples: int, rate: int) -> AxesImage:
    """Loud is bright, from 60 dB below the peak; the axis is linear in mel."""
    bands, windows = decibels.shape
    top = float(hz_to_mel(rate / 2))
    step = top / (bands + 1)  # a band's middle lies one edge above the band below
    ends = (WINDOW - HOP) / 2, (WINDOW - HOP) / 2 + windows * HOP
    shown = axes.imshow(
        decibels - decibels.max(),
        origin="lower",
        aspect="auto",
        cmap="magma",
        vmin=-RANGE,
        vmax=0,
        extent=(*ends, step / 2, top - step / 2),
        interpolation="nearest",
    )
    ticks = [tick for tick in _TICKS if tick <= rate / 2]
    axes.set_yticks([float(hz_to_mel(tick)) for tick in ticks], [f"{tick:,}" for tick in ticks])
    axes.set_ylim(0, top)
    axes.set_xlim(0, samples / rate)
    axes.set_xlabel("time (s)")
    axes.grid(visible=False)
    return shown


def _scale(figure: Figure, shown: AxesImage, axes: list[Axes]) -> None:
    bar = figure.colorbar(shown, ax=axes, pad=0.02, aspect=18)
    bar.set_label("dB below the peak")
    bar.set_ticks([-60, -40, -20, 0])
