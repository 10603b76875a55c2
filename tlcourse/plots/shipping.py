"""Figures of a model that others use: can its confidence be believed, where did it look, does the world drift."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tlcourse.errors import DataError
from tlcourse.measure.calibration import Reliability
from tlcourse.measure.intervals import mean_band
from tlcourse.plots.figures import head, new_figure
from tlcourse.plots.picture import COLOURS, Picture, look


def reliability_diagram(diagrams: Mapping[str, Reliability], *, title: str) -> Picture:
    """One panel a model: in each bin of stated confidence, how often it was right; the diagonal is a promise kept.

    A point's area shows how many images the bin holds.

    Args:
        diagrams: panel title -> what `top_class_reliability` gives.
        title: the figure's title.
    """
    figure, panels = new_figure(3.7 * len(diagrams) + 0.4, 4.1, len(diagrams), sharey=True)
    with look():
        for axes, (name, diagram) in zip(panels, diagrams.items(), strict=True):
            axes.plot([0, 1], [0, 1], color=COLOURS["baseline"], linestyle="--", linewidth=1.3)
            axes.vlines(diagram.stated, diagram.happened, diagram.stated, color=COLOURS["scratch"], linewidth=2)
            area = 15 + 500 * diagram.size / diagram.size.sum()
            axes.scatter(diagram.stated, diagram.happened, s=area, color=COLOURS["transfer"], zorder=3, clip_on=False)
            axes.set_title(f"{name}: ECE {diagram.error:.3f}", fontweight="normal")
            axes.set(xlim=(0, 1.03), ylim=(0, 1.03), xlabel="stated confidence")
        panels[0].set_ylabel("share named right")
        head(figure, title)
    told = "; ".join(f"{name}: ECE {d.error:.3f}, {_leaning(d)}" for name, d in diagrams.items())
    return Picture(figure, f"{title}. {told}.")


def _leaning(diagram: Reliability) -> str:
    lean = diagram.overconfidence
    if abs(lean) < 0.01:
        return "neither too sure nor too cautious on average"
    return f"on average {abs(lean):.2f} too {'sure' if lean > 0 else 'cautious'}"


def looked_at(images: np.ndarray, maps: Sequence[np.ndarray], names: Sequence[str], *, title: str) -> Picture:
    """Pictures, and below each the same with what the model looked at.

    Args:
        images: uint8, shape (N, 3, H, W).
        maps: for each image how much each place counted, 0 to 1, shape (h, w).
        names: what the model says of each image.
        title: the figure's title.

    Raises:
        DataError: not one map and one name for each image.
    """
    if not len(images) == len(maps) == len(names) or not len(images):
        raise DataError(
            f"{len(images)} images, {len(maps)} maps and {len(names)} names do not fit.", "Give one of each."
        )
    figure, _ = new_figure(1.3 * len(images) + 0.2, 3.5)
    figure.clear()
    side = images.shape[-1]
    with look():
        grid = figure.subplots(2, len(images), squeeze=False)
        for column, (image, places, name) in enumerate(zip(images, maps, names, strict=True)):
            for row in (0, 1):
                grid[row, column].set_axis_off()
                grid[row, column].imshow(image.transpose(1, 2, 0), extent=(0, side, side, 0))
            shade = np.zeros((*places.shape, 4))
            shade[..., :3] = 0.05
            shade[..., 3] = 0.8 * (1 - places)
            grid[1, column].imshow(shade, extent=(0, side, side, 0), interpolation="bilinear")
            grid[0, column].set_title(name, fontsize=8.5, loc="center", fontweight="normal")
        head(figure, title)
    return Picture(figure, f"{title}. {len(images)} pictures, named {', '.join(names)}; what did not count is dark.")


def drift_watch(
    scores: Mapping[str, np.ndarray], thresholds: Mapping[str, float], *, start: int, title: str, x_label: str
) -> Picture:
    """The scores of streams of windows, one panel a score: mean with its 95 % band, and the alarm's threshold.

    Args:
        scores: name -> shape (streams, windows).
        thresholds: name -> the score above which a window raises an alarm.
        start: the first window with drift, drawn as a line before it.
        title, x_label: texts.
    """
    figure, panels = new_figure(4.3 * len(scores) + 0.3, 3.7, len(scores))
    told = []
    with look():
        for axes, (name, runs) in zip(panels, scores.items(), strict=True):
            mean, low, high = mean_band(np.asarray(runs))
            windows = np.arange(1, len(mean) + 1)
            axes.plot(windows, np.asarray(runs).T, color=COLOURS["transfer"], alpha=0.18, linewidth=0.8)
            axes.plot(windows, mean, color=COLOURS["transfer"])
            axes.fill_between(windows, low, high, color=COLOURS["transfer"], alpha=0.25, linewidth=0)
            axes.axhline(thresholds[name], color=COLOURS["scratch"], linewidth=1.6)
            axes.axvline(start + 0.5, color=COLOURS["baseline"], linestyle="--", linewidth=1.3)
            where: dict[str, Any] = {"xytext": (4, 4), "textcoords": "offset points"}
            axes.annotate("alarm above", (1, thresholds[name]), color=COLOURS["scratch"], **where)
            axes.annotate(
                "drift begins", (start + 0.5, axes.get_ylim()[1]), xytext=(4, -12), textcoords="offset points"
            )
            axes.set_title(name, fontweight="normal")
            axes.set_xlabel(x_label)
            before, after = (
                np.mean(np.asarray(runs)[:, :start] > thresholds[name]),
                np.mean(np.asarray(runs)[:, start:] > thresholds[name]),
            )
            told.append(f"{name}: {before:.0%} of the windows alarm before the drift, {after:.0%} after it began")
        panels[0].set_ylabel("score of a window")
        head(figure, title)
    return Picture(figure, f"{title}. {'; '.join(told)}.")
