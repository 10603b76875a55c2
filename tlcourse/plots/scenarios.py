"""Figures for the four scenarios: what each strategy reaches, and where the winner changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from tlcourse.errors import DataError
from tlcourse.measure.borders import crossing_size
from tlcourse.measure.intervals import mean_band
from tlcourse.plots.figures import head, label_end, mean_and_reach, new_figure, spread_apart
from tlcourse.plots.picture import COLOURS, Picture, look

_BARS = ("transfer", "third", "fourth", "scratch")


def scenarios(
    cells: Mapping[str, Mapping[str, Sequence[float]]], *, title: str, x_label: str = "test accuracy"
) -> Picture:
    """Panels side by side, one a scenario: a bar a strategy, its mean over seeds with the 95 % interval.

    Args:
        cells: scenario -> strategy -> one accuracy a seed; every scenario has the same strategies, four at most.
        title, x_label: texts.

    Raises:
        DataError: scenarios with different strategies.
    """
    names = list(next(iter(cells.values())))
    if any(list(cell) != names for cell in cells.values()) or len(names) > len(_BARS):
        raise DataError("The scenarios have different strategies, or more than four.", "Measure the same in each.")
    figure, panels = new_figure(2.6 * len(cells) + 1.6, 0.5 * len(names) + 1.5, len(cells), sharey=True)
    described = []
    with look():
        for axes, (cell, strategies) in zip(panels, cells.items(), strict=True):
            for row, (name, colour) in enumerate(zip(names, _BARS, strict=False)):
                mean, reach = mean_and_reach(strategies[name])
                axes.barh(row, mean, color=COLOURS[colour], height=0.62)
                axes.errorbar(mean, row, xerr=reach, color=COLOURS["ink"], capsize=3, linewidth=1.3)
                inside = mean > 0.3
                axes.annotate(
                    f"{mean:.2f}",
                    (0.0 if inside else mean + reach, row),
                    xytext=(5, 0),
                    textcoords="offset points",
                    va="center",
                    color="white" if inside else COLOURS["ink"],
                    fontweight="bold" if inside else "normal",
                    bbox={"facecolor": COLOURS[colour], "edgecolor": "none", "pad": 1} if inside else None,
                )
            axes.set_xlim(0, 1.04)
            axes.set_xlabel(x_label)
            axes.set_title(cell, fontsize=11)
            axes.grid(axis="y", visible=False)
            described.append(f"{cell}: " + ", ".join(f"{name} {np.mean(strategies[name]):.2f}" for name in names))
        panels[0].set_yticks(range(len(names)), names)
        panels[0].invert_yaxis()
        head(figure, title)
    return Picture(figure, f"{title}. {x_label}. {'; '.join(described)}.")


def borders(
    sizes: Sequence[float],
    gaps: Mapping[str, np.ndarray],
    *,
    x_label: str,
    y_label: str,
    title: str,
    above: str,
    below: str,
) -> Picture:
    """Paired gaps over sizes with their 95 % bands; a ring where the mean passes zero, and the winner changes.

    Args:
        sizes: increasing, drawn on a logarithmic axis, shape (points,).
        gaps: name -> differences of runs that share their seeds, shape (seeds, points).
        x_label, y_label, title: texts.
        above, below: who wins on each side of zero.
    """
    figure, (axes,) = new_figure(8, 4.2)
    described = []
    with look():
        axes.axhline(0, color=COLOURS["ink"], linewidth=1.2)
        ends = []
        for (name, runs), colour in zip(gaps.items(), ("transfer", "scratch", "third", "fourth"), strict=False):
            mean, low, high = mean_band(runs)
            axes.plot(sizes, mean, color=COLOURS[colour], marker="o", markersize=4)
            axes.fill_between(sizes, low, high, color=COLOURS[colour], alpha=0.18, linewidth=0)
            ends.append((float(mean[-1]), name, colour))
            at = crossing_size(sizes, mean)
            if at is not None:
                axes.plot(
                    [at], [0], "o", markersize=12, markerfacecolor="none", color=COLOURS[colour], markeredgewidth=2
                )
            described.append(f"{name} " + (f"passes zero at {at:.3g}" if at is not None else "does not pass zero"))
        reach = float(np.ptp(axes.get_ylim()))
        heights = spread_apart([end[0] for end in ends], 0.075 * reach)
        for height, (_, name, colour) in zip(heights, ends, strict=True):
            label_end(axes, name, height, colour)
        axes.set_xscale("log")
        axes.set_xticks(list(sizes), [f"{size:g}" for size in sizes])
        axes.minorticks_off()
        for place, text, side in ((0.985, f"↑ {above}", "top"), (0.015, f"↓ {below}", "bottom")):
            axes.text(0.01, place, text, transform=axes.transAxes, va=side, color=COLOURS["baseline"])
        axes.set(xlabel=x_label, ylabel=y_label, title=title)
    return Picture(figure, f"{title}. {y_label} against {x_label}: {'; '.join(described)}.")


def similarity_walk(
    names: Sequence[str], distances: np.ndarray, gaps: np.ndarray, *, y_label: str, title: str, above: str, below: str
) -> Picture:
    """A paired gap against the distance from the source, one dot a task with its 95 % interval.

    Args:
        names: of the tasks, shape (tasks,).
        distances: proxy A-distances, shape (seeds, tasks).
        gaps: differences of runs that share their seeds, shape (seeds, tasks).
        y_label, title: texts.
        above, below: who wins on each side of zero.
    """
    figure, (axes,) = new_figure(8, 4.2)
    x = np.mean(distances, 0)
    mean, low, _ = mean_band(gaps)
    with look():
        axes.axhline(0, color=COLOURS["ink"], linewidth=1.2)
        axes.errorbar(
            x, mean, yerr=mean - low, fmt="o", color=COLOURS["transfer"], capsize=4, linewidth=2, markersize=8
        )
        span = max(float(np.ptp(x)), 1e-9)
        for task, name in enumerate(names):
            # To the right of its dot, unless a neighbour's bar stands where the name would.
            room = span * (0.03 + 0.013 * len(name))
            left = bool(((x > x[task]) & (x < x[task] + room)).any())
            axes.annotate(
                name,
                (x[task], mean[task]),
                xytext=(-9 if left else 9, 0),
                textcoords="offset points",
                ha="right" if left else "left",
                va="center",
            )
        axes.set_xlim(x.min() - 0.08 * span, x.max() + 0.22 * span)
        for place, text, side in ((0.985, f"↑ {above}", "top"), (0.015, f"↓ {below}", "bottom")):
            axes.text(0.01, place, text, transform=axes.transAxes, va=side, color=COLOURS["baseline"])
        axes.set(xlabel="proxy A-distance to the source (2: nothing alike)", ylabel=y_label, title=title)
    shown = ", ".join(f"{n} at {d:.2f}: {g:+.3f}" for n, d, g in zip(names, x, mean, strict=True))
    return Picture(figure, f"{title}. {y_label} by distance: {shown}.")
