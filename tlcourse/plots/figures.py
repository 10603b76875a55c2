"""The figures of the course. Each returns a `Picture`; none needs a window."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tlcourse.errors import DataError
from tlcourse.measure.curves import benefits as read_benefits
from tlcourse.measure.intervals import mean_band
from tlcourse.plots.picture import COLOURS, Picture, look
from tlcourse.worlds.images import LabelledImages


def new_figure(width: float, height: float, columns: int = 1, **kwargs: Any) -> tuple[Figure, list[Axes]]:
    """A figure in the course's look and its axes, left to right. Sizes in inches; 80 pixels an inch on the page."""
    with look():
        figure = Figure(figsize=(width, height), layout="constrained")
        axes = figure.subplots(1, columns, squeeze=False, **kwargs)[0]
    return figure, list(axes)


def sheet(
    data: LabelledImages, *, rows: int = 4, columns: int = 10, title: str | None = None, labels: bool = True
) -> Picture:
    """A labelled sheet: each column one class, each row another image of it.

    Args:
        data: any picture world; the first classes are shown, and as many images of each as there are, up to `rows`.
        rows, columns: at most this many.
        title: default, the set's name.
        labels: write the class under each column.
    """
    if not len(data):
        raise DataError(f"{data.name} has no image to show.", "Draw or load some first.")
    shown = min(columns, len(data.classes))
    figure = Figure(figsize=(0.92 * shown + 0.2, 0.92 * rows + 0.75), layout="constrained")
    with look():
        grid = figure.subplots(rows, shown, squeeze=False)
        for column in range(shown):
            members = np.flatnonzero(data.labels == column)[:rows]
            for row in range(rows):
                axes = grid[row, column]
                axes.set_axis_off()
                if row < len(members):
                    axes.imshow(data.images[members[row]].transpose(1, 2, 0), interpolation="nearest")
            if labels:
                grid[0, column].set_title(
                    _shortened(data.classes[column]), fontsize=8, loc="center", fontweight="normal"
                )
        title = title or data.name
        head(figure, title)
    names = ", ".join(data.classes[:shown])
    return Picture(figure, f"{title}: a sheet of {rows} images each of {names}.")


def _shortened(name: str, longest: int = 13) -> str:
    return name if len(name) <= longest else name[: longest - 1] + "…"


def curves(
    x: Sequence[float],
    runs: Mapping[str, np.ndarray],
    *,
    x_label: str,
    y_label: str = "test accuracy",
    title: str,
    chance: float | None = None,
    target: float | None = None,
    log_x: bool = False,
    colours: Sequence[str] = ("transfer", "scratch", "third", "fourth"),
) -> Picture:
    """Mean curves over seeds, each with its 95 % band, labelled where they end.

    Args:
        x: shape (points,).
        runs: name -> accuracies of shape (seeds, points).
        x_label, y_label, title: texts; give units.
        chance: the accuracy of guessing, drawn as a dashed line.
        target: an accuracy to reach, drawn as a dotted line.
        log_x: a logarithmic x axis.
    """
    figure, (axes,) = new_figure(8, 4.2)
    with look():
        draw_curves(axes, x, runs, chance=chance, colours=colours)
        if target is not None:
            axes.axhline(target, color=COLOURS["ink"], linestyle=":", linewidth=1.5)
            axes.annotate(f"wanted: {target:g}", (x[0], target), xytext=(0, 5), textcoords="offset points")
        if log_x:
            axes.set_xscale("log")
            axes.set_xticks(list(x), [f"{value:g}" for value in x])
            axes.minorticks_off()
        axes.set(xlabel=x_label, ylabel=y_label, title=title)
    ends = ", ".join(f"{name} ends at {np.asarray(values)[:, -1].mean():.2f}" for name, values in runs.items())
    return Picture(figure, f"{title}. {y_label} against {x_label}: {ends}.")


def draw_curves(
    axes: Axes,
    x: Sequence[float],
    runs: Mapping[str, np.ndarray],
    *,
    chance: float | None = None,
    colours: Sequence[str] = ("transfer", "scratch", "third", "fourth"),
) -> None:
    """The drawing of `curves` on axes of your own."""
    if len(runs) > len(colours):
        raise DataError(f"{len(runs)} curves, but {len(colours)} colours.", "Draw fewer curves in one figure.")
    ends = []
    for (name, values), colour in zip(runs.items(), colours, strict=False):
        mean, low, high = mean_band(np.asarray(values))
        axes.plot(x, mean, color=COLOURS[colour], marker="o", markersize=3.5)
        axes.fill_between(x, low, high, color=COLOURS[colour], alpha=0.18, linewidth=0)
        ends.append((float(mean[-1]), name, colour))
    if chance is not None:
        axes.axhline(chance, color=COLOURS["baseline"], linestyle="--", linewidth=1.3)
        ends.append((chance, "chance", "baseline"))
    axes.set_ylim(0, 1.02)
    for height, (_, name, colour) in zip(spread_apart([end[0] for end in ends], most=1.0), ends, strict=True):
        label_end(axes, name, height, colour)


def label_end(axes: Axes, name: str, height: float, colour: str) -> None:
    """Write a curve's name right of the axes, at a height in data units, in a colour of `COLOURS`."""
    axes.annotate(
        name,
        (1, height),
        xycoords=("axes fraction", "data"),
        xytext=(6, 0),
        textcoords="offset points",
        color=COLOURS[colour],
        va="center",
        fontweight="bold",
    )


def head(figure: Figure, title: str) -> None:
    """The title of a figure that has several panels, at its left edge as over a single panel."""
    figure.suptitle(title, x=0.01, ha="left", fontweight="bold", fontsize=12)


def spread_apart(heights: Sequence[float], least: float = 0.075, most: float = np.inf) -> list[float]:
    """The heights moved apart, upwards as far as `most`, until labels at them do not overlap; the order is kept."""
    placed: dict[int, float] = {}
    order, floor, ceiling = np.argsort(heights), -np.inf, most
    for index in order:
        placed[int(index)] = floor = max(float(heights[index]), floor + least)
    for index in order[::-1]:
        placed[int(index)] = ceiling = min(placed[int(index)], ceiling)
        ceiling -= least
    return [placed[index] for index in range(len(heights))]


def bars(
    values: Mapping[str, Sequence[float]],
    *,
    title: str,
    x_label: str = "test accuracy",
    chance: float | None = None,
    colours: Mapping[str, str] | None = None,
) -> Picture:
    """One horizontal bar a name: the mean over seeds, with its 95 % interval and its number.

    Args:
        values: name -> one number a seed; a single number draws a bar without an interval.
        chance: a dashed line.
        colours: name -> a key of `COLOURS`.
    """
    figure, (axes,) = new_figure(8, 0.62 * len(values) + 1.25)
    described = []
    with look():
        for row, (name, numbers) in enumerate(values.items()):
            mean, reach = mean_and_reach(numbers)
            colour = COLOURS[(colours or {}).get(name, "transfer")]
            axes.barh(row, mean, color=colour, height=0.62)
            if reach:
                axes.errorbar(mean, row, xerr=reach, color=COLOURS["ink"], capsize=4, linewidth=1.4)
            axes.annotate(f"{mean:.2f}", (mean + reach, row), xytext=(6, 0), textcoords="offset points", va="center")
            described.append(f"{name} {mean:.2f}")
        if chance is not None:
            axes.axvline(chance, color=COLOURS["baseline"], linestyle="--", linewidth=1.3)
        axes.set_yticks(range(len(values)), list(values))
        axes.invert_yaxis()
        axes.grid(axis="y", visible=False)
        axes.set(xlabel=x_label, title=title)
        axes.margins(x=0.12)
    return Picture(figure, f"{title}. {x_label}: {', '.join(described)}.")


def mean_and_reach(numbers: Sequence[float]) -> tuple[float, float]:
    """The mean and half its 95 % interval, which is 0 for a single number."""
    if len(numbers) < 2:
        return float(numbers[0]), 0.0
    mean, low, _ = mean_band(np.asarray(numbers, float).reshape(-1, 1))
    return float(mean[0]), float(mean[0] - low[0])


def strips(worlds: Mapping[str, LabelledImages], *, columns: int = 14, title: str) -> Picture:
    """One row of images for each world: what changes from row to row is the domain.

    Args:
        worlds: name -> images; the first `columns` of each are shown.
        columns: images a row.
        title: the figure's title.
    """
    # The labels take about 1.6 inches of the width; what is left sets the height of a square image.
    figure, (axes,) = new_figure(8.6, 7.0 / columns * len(worlds) + 0.45)
    names = list(worlds)
    with look():
        rows = [np.concatenate(list(worlds[name].images[:columns].transpose(0, 2, 3, 1)), axis=1) for name in names]
        if len({row.shape for row in rows}) != 1:
            shapes = ", ".join(
                f"{name} {row.shape[1]} x {row.shape[0]} px" for name, row in zip(names, rows, strict=True)
            )
            raise DataError(f"The rows of images differ in size: {shapes}.", "Give as many images of one size in each.")
        size = rows[0].shape[0]
        axes.imshow(np.concatenate(rows), interpolation="nearest", aspect="equal")
        axes.set_yticks([size * (row + 0.5) for row in range(len(names))], names)
        axes.set_xticks([])
        axes.tick_params(length=0)
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
        axes.set_title(title)
    return Picture(figure, f"{title}. Rows of images: {', '.join(names)}.")


_BADGE = {"boxstyle": "circle,pad=0.25", "facecolor": COLOURS["ink"], "edgecolor": "white"}


def benefits(
    steps: Sequence[float], transfer: np.ndarray, scratch: np.ndarray, *, chance: float, title: str
) -> Picture:
    """Two mean curves with start, slope and asymptote marked, after Torrey & Shavlik (2009), "Transfer Learning".

    Args:
        steps: shape (points,), from 0.
        transfer, scratch: accuracies of shape (seeds, points).
        chance: the accuracy of guessing.
        title: the figure's title.
    """
    figure, (axes,) = new_figure(8, 4.4)
    gained = read_benefits(steps, np.mean(transfer, 0), np.mean(scratch, 0))
    ink = COLOURS["ink"]
    with look():
        draw_curves(axes, steps, {"transfer": transfer, "scratch": scratch}, chance=chance)
        for curve in (np.mean(transfer, 0), np.mean(scratch, 0)):
            axes.plot([steps[0], steps[2]], [curve[0], curve[2]], color=ink, linewidth=1.2, linestyle="--")
        ends = [(steps[0], np.mean(scratch, 0)[0], gained.start), (steps[-2], scratch[:, -3:].mean(), gained.asymptote)]
        for place, bottom, gap in ends:
            axes.annotate("", (place, bottom + gap), (place, bottom), arrowprops={"arrowstyle": "<->", "color": ink})
        middle = (steps[0] + steps[2]) / 2
        badges = (
            (steps[0], ends[0][1] + gained.start / 2, f"start: {gained.start:+.2f}"),
            (middle, np.interp(middle, steps, np.mean(transfer, 0)) + 0.08, f"slope: {gained.slope:+.3f} a step"),
            (steps[-2], ends[1][1] + gained.asymptote / 2, f"asymptote: {gained.asymptote:+.2f}"),
        )
        for number, (place, height, _) in enumerate(badges, start=1):
            axes.annotate(
                str(number), (place, height), ha="center", va="center", color="white", fontweight="bold", bbox=_BADGE
            )
        # The words stand apart, where the curves leave room: beside the badges they would run over a curve.
        words = "\n".join(f"{number}  higher {text}" for number, (_, _, text) in enumerate(badges, start=1))
        axes.text(
            0.6, 0.16, words, transform=axes.transAxes, ha="left", va="bottom", linespacing=1.6, fontweight="bold"
        )
        axes.set(xlabel="training steps", ylabel="test accuracy", title=title)
    alt = (
        f"{title}. Transfer leads scratch by {gained.start:.2f} at the start, gains {gained.slope:.3f} more a step, "
        f"and leads by {gained.asymptote:.2f} at the end."
    )
    return Picture(figure, alt)


def lines(
    x: Sequence[float], values: Mapping[str, Sequence[float]], *, x_label: str, y_label: str, title: str
) -> Picture:
    """Plain lines without intervals, for what is calculated rather than measured; labelled where they end."""
    figure, (axes,) = new_figure(8, 3.4)
    with look():
        for (name, numbers), colour in zip(values.items(), ("transfer", "scratch", "third", "fourth"), strict=False):
            axes.plot(x, numbers, color=COLOURS[colour])
            axes.annotate(
                name,
                (x[-1], numbers[-1]),
                xytext=(6, 0),
                textcoords="offset points",
                color=COLOURS[colour],
                va="center",
                fontweight="bold",
            )
        axes.set(xlabel=x_label, ylabel=y_label, title=title)
    ends = ", ".join(f"{name} ends at {numbers[-1]:,.0f}" for name, numbers in values.items())
    return Picture(figure, f"{title}. {y_label} against {x_label}: {ends}.")
