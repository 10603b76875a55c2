"""Figures of lesson 13: what each way of fine-tuning reaches, and what it costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tlcourse.errors import DataError
from tlcourse.plots.figures import head, mean_and_reach, new_figure, spread_apart
from tlcourse.plots.picture import COLOURS, Picture, look

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def tuning_plane(
    accuracies: Mapping[str, Sequence[float]],
    parameters: Mapping[str, int],
    seconds: Mapping[str, Sequence[float]],
    *,
    title: str,
    y_label: str = "accuracy out of domain",
    colours: Mapping[str, str] | None = None,
) -> Picture:
    """Left, a point a method: its trainable parameters and its accuracy, with the 95 % interval. Right, its time.

    Args:
        accuracies: method -> one number a seed.
        parameters: method -> how many it trains, at least 1.
        seconds: method -> one number a seed, or a single one.
        title, y_label: texts.
        colours: method -> a name in `COLOURS`; "transfer" for those left out.

    Raises:
        DataError: a method lacks its parameters or its time.
    """
    names = sorted(accuracies, key=lambda name: parameters.get(name, 0))
    if missing := [name for name in names if not parameters.get(name) or name not in seconds]:
        raise DataError(f"{missing[0]} has no number of parameters or no time.", "Give all three for each method.")
    shades = [COLOURS[(colours or {}).get(name, "transfer")] for name in names]
    points = {name: mean_and_reach(accuracies[name]) for name in names}
    figure, (plane, clock) = new_figure(9.4, 4.2, 2, gridspec_kw={"width_ratios": [2.1, 1]})
    with look():
        for name, shade in zip(names, shades, strict=True):
            mean, reach = points[name]
            plane.errorbar(parameters[name], mean, yerr=reach, fmt="o", color=shade, capsize=4, markersize=7)
        plane.set_xscale("log")
        plane.set(xlabel="trainable parameters", ylabel=y_label)
        _name_points(plane, names, [parameters[name] for name in names], [points[name] for name in names], shades)
        means = [mean_and_reach(np.ravel(seconds[name]).tolist()) for name in names]
        clock.barh(range(len(names)), [m for m, _ in means], color=shades, height=0.6)
        ends: dict[str, Any] = {"fmt": "none", "color": COLOURS["ink"], "capsize": 3, "linewidth": 1.3}
        clock.errorbar([m for m, _ in means], range(len(names)), xerr=[r for _, r in means], **ends)
        clock.set_yticks(range(len(names)), names)
        clock.set_xlabel("processor seconds")
        clock.grid(axis="y", visible=False)
        head(figure, title)
    said = "; ".join(
        f"{name}: {parameters[name]:,} parameters, {points[name][0]:.3f} ± {points[name][1]:.3f}, {second:.1f} s"
        for name, (second, _) in zip(names, means, strict=True)
    )
    return Picture(figure, f"{title}. {y_label}: {said}.")


def _name_points(
    axes: Axes, names: Sequence[str], x: Sequence[float], y: Sequence[tuple[float, float]], shades: Sequence[str]
) -> None:
    """Write a name over a point that stands alone; where some share a column, beside them and apart from each other.

    `y` holds means and reaches.
    """
    low, high = axes.get_ylim()
    axes.set_xlim(min(x) / 3, max(x) * 30)  # room for the names
    axes.set_ylim(low, high + 0.06 * (high - low))
    for column in sorted(set(x)):
        rows = [row for row, value in enumerate(x) if value == column]
        if len(rows) == 1:
            mean, reach = y[rows[0]]
            offset: dict[str, Any] = {"xytext": (0, 4), "textcoords": "offset points", "ha": "center"}
            axes.annotate(names[rows[0]], (column, mean + reach), color=shades[rows[0]], fontweight="bold", **offset)
            continue
        heights = spread_apart([y[row][0] for row in rows], 0.07 * (high - low))
        # Spreading pushes upwards; half of the push is taken back, so that names stay around their points.
        back = np.mean([height - y[row][0] for height, row in zip(heights, rows, strict=True)])
        for row, height in zip(rows, heights, strict=True):
            line = {"arrowstyle": "-", "color": shades[row], "linewidth": 0.8}
            place: dict[str, Any] = {"xytext": (column * 1.6, height - back), "va": "center", "arrowprops": line}
            axes.annotate(names[row], (column, y[row][0]), color=shades[row], fontweight="bold", **place)


def shifts(values: Mapping[str, tuple[Sequence[float], Sequence[float]]], *, x_label: str, title: str) -> Picture:
    """For each method two points with their 95 % intervals, in domain and out of domain.

    Args:
        values: method -> (one number a seed in domain, one a seed out of domain).
        x_label, title: texts.
    """
    figure, (axes,) = new_figure(8, 0.48 * len(values) + 1.3)
    said = []
    with look():
        for row, (name, pair) in enumerate(values.items()):
            ends = [mean_and_reach(numbers) for numbers in pair]
            for (mean, reach), colour, label in zip(
                ends, ("transfer", "scratch"), ("in domain", "out of domain"), strict=True
            ):
                inside = label == "in domain"
                axes.errorbar(
                    mean,
                    row - 0.1 if inside else row + 0.1,  # apart, so that neither hides the other
                    xerr=reach,
                    fmt="o" if inside else "s",
                    color=COLOURS[colour],
                    capsize=3,
                    label=label if row == 0 else None,
                )
            said.append(f"{name}: in domain {ends[0][0]:.2f}, out of domain {ends[1][0]:.2f}")
        axes.set_yticks(range(len(values)), list(values))
        axes.invert_yaxis()
        axes.set(xlabel=x_label, title=title)
        axes.legend(frameon=False, loc="best")
    return Picture(figure, f"{title}. {x_label}. {'; '.join(said)}.")
