"""Figures of lesson 09: a search for a rate, accuracy against time, a confusion matrix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from tlcourse.errors import DataError
from tlcourse.plots.figures import new_figure
from tlcourse.plots.picture import COLOURS, Picture, look

_ARMS = ("scratch", "transfer", "third", "fourth")


def rate_search(
    rates: Sequence[float], losses: Sequence[float], suggestions: Mapping[str, float], *, title: str
) -> Picture:
    """The loss while the rate grows, and the rates that were suggested.

    Args:
        rates, losses: one a step, shape (S,).
        suggestions: name -> rate.
        title: the figure's title.
    """
    figure, (axes,) = new_figure(8, 3.4)
    with look():
        axes.plot(rates, losses, color=COLOURS["transfer"])
        for (name, rate), colour in zip(suggestions.items(), ("scratch", "third", "fourth"), strict=False):
            height = float(np.interp(np.log(rate), np.log(rates), losses))
            axes.plot(rate, height, "o", color=COLOURS[colour], markersize=9, label=f"{name}: {rate:.1g}")
        axes.set_xscale("log")
        axes.legend(frameon=False)
        axes.set(xlabel="learning rate", ylabel="smoothed loss (nats)", title=title)
    said = ", ".join(f"{name} {rate:.1g}" for name, rate in suggestions.items())
    return Picture(figure, f"{title}. The loss starts at {losses[0]:.1f}, falls to {min(losses):.1f}; {said}.")


def against_time(
    runs: Mapping[str, Sequence[tuple[Sequence[float], Sequence[float]]]],
    *,
    title: str,
    chance: float | None = None,
    x_label: str = "processor seconds",
) -> Picture:
    """Accuracy against the time spent, one thin line a seed: where a line begins is the first usable network.

    Args:
        runs: arm -> for each seed (seconds, accuracies), both of shape (points,).
        title: the figure's title.
        chance: a dashed line.
        x_label: what the seconds are; the axis is logarithmic.
    """
    figure, (axes,) = new_figure(8, 3.8)
    with look():
        for (name, seeds), colour in zip(runs.items(), _ARMS, strict=False):
            for number, (seconds, accuracies) in enumerate(seeds):
                label = name if number == 0 else None
                axes.plot(
                    seconds,
                    accuracies,
                    color=COLOURS[colour],
                    marker="o",
                    markersize=5,
                    linewidth=1.2 if len(seconds) > 1 else 0,
                    alpha=0.75,
                    label=label,
                )
        if chance is not None:
            axes.axhline(chance, color=COLOURS["baseline"], linestyle="--", linewidth=1.3)
        axes.set_xscale("log")
        low, high = axes.get_xlim()
        ticks = [step * 10.0**power for power in range(-2, 5) for step in (1, 2, 5)]
        axes.set_xticks(shown := [tick for tick in ticks if low <= tick <= high], [f"{tick:g}" for tick in shown])
        axes.minorticks_off()
        axes.set_xlim(low, high)
        axes.set_ylim(0, 1.02)
        axes.legend(frameon=False, loc="lower right", bbox_to_anchor=(1, 0.13))
        axes.set(xlabel=x_label, ylabel="test accuracy", title=title)
    said = "; ".join(
        f"{name} begins at {np.mean([a[0] for _, a in seeds]):.2f} after {np.mean([s[0] for s, _ in seeds]):.1f} s and "
        f"ends at {np.mean([a[-1] for _, a in seeds]):.2f} after {np.mean([s[-1] for s, _ in seeds]):.1f} s"
        for name, seeds in runs.items()
    )
    return Picture(figure, f"{title}. Test accuracy against {x_label}. {said}.")


def confusion(matrix: np.ndarray, classes: Sequence[str], *, title: str) -> Picture:
    """A confusion matrix: a row for each true class, a column for each predicted one, with the counts that are not 0.

    Args:
        matrix: counts, shape (C, C).
        classes: C names.
        title: the figure's title.

    Raises:
        DataError: another shape.
    """
    matrix = np.asarray(matrix)
    if matrix.shape != (len(classes), len(classes)):
        raise DataError(f"A matrix of shape {matrix.shape} for {len(classes)} classes.", "Give one row a class.")
    side = min(0.34 * len(classes) + 2.2, 9)
    figure, (axes,) = new_figure(side, side)
    off = matrix - np.diag(np.diag(matrix))
    with look():
        axes.imshow(matrix, cmap="Blues", vmax=matrix.max() * 1.3)
        for row, column in zip(*np.nonzero(matrix), strict=True):
            dark = matrix[row, column] > 0.5 * matrix.max()
            colour = "white" if dark else COLOURS["ink" if row == column else "scratch"]
            axes.text(column, row, f"{matrix[row, column]:g}", ha="center", va="center", fontsize=8, color=colour)
        axes.set_xticks(range(len(classes)), classes, rotation=90, fontsize=8)
        axes.set_yticks(range(len(classes)), classes, fontsize=8)
        axes.grid(visible=False)
        axes.set(xlabel="predicted", ylabel="true", title=title)
    row, column = map(int, np.unravel_index(int(off.argmax()), off.shape))
    worst = f"most often confused: {classes[row]} taken for {classes[column]}, {off[row, column]:g} times"
    return Picture(figure, f"{title}. {np.trace(matrix):g} of {matrix.sum():g} right; {worst}.")
