"""Figures for choosing a source: how every source ends on every target, and which score would have said so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from tlcourse.errors import DataError
from tlcourse.measure.intervals import Interval
from tlcourse.plots.figures import new_figure
from tlcourse.plots.picture import COLOURS, Picture, look


def source_grid(accuracies: np.ndarray, targets: Sequence[str], sources: Sequence[str], *, title: str) -> Picture:
    """A table of accuracies in colour: one row a target, one column a source; the best of each row is framed.

    Args:
        accuracies: 0 to 1, shape (targets, sources).
        targets, sources: names of the rows and columns.
        title: the figure's title.

    Raises:
        DataError: names that do not fit the table.
    """
    if accuracies.shape != (len(targets), len(sources)):
        raise DataError(
            f"A table of shape {accuracies.shape} does not fit {len(targets)} targets and {len(sources)} sources.",
            "Give one row for each target and one column for each source.",
        )
    figure, (axes,) = new_figure(8.6, 0.5 * len(targets) + 1.5)
    with look():
        axes.imshow(accuracies, cmap="Blues", vmin=0, vmax=1.1, aspect="auto")
        for row, column in np.ndindex(accuracies.shape):
            value, best = accuracies[row, column], accuracies[row].argmax() == column
            colour, weight = "white" if value > 0.65 else COLOURS["ink"], "bold" if best else "normal"
            axes.text(column, row, f"{value:.2f}", ha="center", va="center", color=colour, fontweight=weight)
            if best:
                corner = (column - 0.47, row - 0.46)
                axes.add_patch(_frame(corner))
        axes.set_xticks(range(len(sources)), [name.replace(", ", "\n").replace(" ", "\n") for name in sources])
        axes.set_yticks(range(len(targets)), targets)
        axes.tick_params(length=0, labelsize=9.5)
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
        axes.set_title(title)
    winners = (f"{target}: {sources[int(row.argmax())]}" for target, row in zip(targets, accuracies, strict=True))
    return Picture(figure, f"{title}. Best source for each target: {'; '.join(winners)}.")


def _frame(corner: tuple[float, float]):  # type: ignore[no-untyped-def]
    from matplotlib.patches import Rectangle

    return Rectangle(corner, 0.94, 0.92, fill=False, edgecolor=COLOURS["scratch"], linewidth=2.2)


def agreements(found: Mapping[str, Interval], *, title: str) -> Picture:
    """One dot a score, with its interval: how well it ordered the sources, from -1 (reversed) to 1 (as fine-tuning).

    Args:
        found: name -> what `ranking_agreement` gave.
        title: the figure's title.
    """
    figure, (axes,) = new_figure(8, 0.5 * len(found) + 1.3)
    with look():
        axes.axvline(0, color=COLOURS["baseline"], linestyle="--", linewidth=1.3)
        for row, interval in enumerate(found.values()):
            colour = COLOURS["third" if interval.low > 0 else "baseline"]
            axes.plot([interval.low, interval.high], [row, row], color=colour, linewidth=2.2)
            axes.plot(interval.mean, row, "o", color=colour, markersize=8)
            axes.annotate(
                f"{interval.mean:+.2f}",
                (interval.mean, row),
                xytext=(0, 7),
                textcoords="offset points",
                ha="center",
                color=colour,
            )
        axes.set_yticks(range(len(found)), list(found))
        axes.set(xlim=(-1.05, 1.05), ylim=(len(found) - 0.5, -0.75), title=title)
        axes.set_xlabel("Kendall's tau with the fine-tuned order (0, dashed: no better than chance)")
        axes.grid(axis="y", visible=False)
    means = ", ".join(f"{name} {interval}" for name, interval in found.items())
    return Picture(figure, f"{title}. Kendall's tau with the order after fine-tuning: {means}.")
