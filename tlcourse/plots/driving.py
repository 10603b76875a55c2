"""Figures of what weather does to a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from tlcourse.errors import DataError
from tlcourse.measure.intervals import mean_band
from tlcourse.plots.figures import head, new_figure
from tlcourse.plots.picture import COLOURS, Picture, look


def by_weather(
    strengths: Sequence[float],
    accuracies: Mapping[str, Mapping[str, np.ndarray]],
    *,
    title: str,
    chance: float | None = None,
) -> Picture:
    """One panel a weather: accuracy over its strength, one curve for each way of training, with 95 % bands.

    Args:
        strengths: shape (points,).
        accuracies: weather -> way of training -> accuracies of shape (seeds, points); at most four ways, the same in
            each panel.
        title: the figure's title.
        chance: the accuracy of guessing, drawn as a dashed line.

    Raises:
        DataError: no weather, or panels whose curves differ in name or number.
    """
    ways = [tuple(panel) for panel in accuracies.values()]
    if not ways or len(set(ways)) != 1 or not 1 <= len(ways[0]) <= 4:
        raise DataError("Every panel must show the same curves, one to four of them.", "Name them alike.")
    figure, panels = new_figure(2.6 * len(accuracies) + 1.2, 3.6, len(accuracies), sharey=True)
    told = []
    with look():
        for axes, (weather, runs) in zip(panels, accuracies.items(), strict=True):
            for (way, values), colour in zip(runs.items(), ("scratch", "transfer", "third", "fourth"), strict=False):
                mean, low, high = mean_band(np.asarray(values))
                axes.plot(strengths, mean, color=COLOURS[colour], marker="o", markersize=4, label=way)
                axes.fill_between(strengths, low, high, color=COLOURS[colour], alpha=0.18, linewidth=0)
                told.append(f"{way} in {weather} from {mean[0]:.2f} to {mean[-1]:.2f}")
            if chance is not None:
                axes.axhline(chance, color=COLOURS["baseline"], linestyle="--", linewidth=1.3)
            axes.set(title=weather, xlabel=f"strength of {weather}", ylim=(0, 1.02))
        panels[0].set_ylabel("test accuracy")
        handles, names = panels[0].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside lower left", ncols=len(names), frameon=False)
        head(figure, title)
    return Picture(figure, f"{title}. Test accuracy over strength: {'; '.join(told)}.")
