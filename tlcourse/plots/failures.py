"""Figures for what goes wrong: groups that an average hides, and training that goes on too long."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tlcourse.errors import DataError
from tlcourse.measure.audits import GroupAudit
from tlcourse.measure.intervals import mean_band
from tlcourse.plots.figures import label_end, new_figure, spread_apart
from tlcourse.plots.picture import COLOURS, Picture, look


def group_audit(audit: GroupAudit, *, title: str, chance: float | None = None) -> Picture:
    """One row a group: its accuracy, its 95 % interval and its size; the average as a line.

    Args:
        audit: what `audit_groups` gives. Groups that are too small to judge are grey.
        title: the figure's title.
        chance: a dashed line.
    """
    names = sorted(audit.size, key=audit.accuracy.__getitem__)
    figure, (axes,) = new_figure(8, 0.5 * len(names) + 1.5)
    with look():
        for row, name in enumerate(names):
            share, colour = audit.accuracy[name], COLOURS["baseline" if name in audit.too_few else "transfer"]
            reach = [[share - audit.low[name]], [audit.high[name] - share]]
            axes.errorbar(share, row, xerr=reach, fmt="o", color=colour, capsize=5, markersize=8)
            axes.annotate(f"{share:.2f}", (share, row), xytext=(0, 8), textcoords="offset points", ha="center")
        axes.axvline(audit.average, color=COLOURS["third"], linewidth=1.6)
        look_of: dict[str, Any] = {"va": "center", "xytext": (5, 0), "textcoords": "offset points"}
        axes.annotate(f"average {audit.average:.2f}", (audit.average, -0.75), color=COLOURS["third"], **look_of)
        if chance is not None:
            axes.axvline(chance, color=COLOURS["baseline"], linestyle="--", linewidth=1.3)
            place = (chance, len(names) - 0.7)
            axes.annotate("guessing", place, color=COLOURS["baseline"], **look_of | {"xytext": (-5, 0)}, ha="right")
        axes.set_yticks(range(len(names)), [f"{name}, n = {audit.size[name]}" for name in names])
        axes.set_ylim(len(names) - 0.5, -1.1)
        axes.set_xlim(0, 1.04)
        axes.grid(axis="y", visible=False)
        axes.set(xlabel="test accuracy with its 95 % interval", title=title)
    told = ", ".join(f"{name} {audit.accuracy[name]:.2f} of {audit.size[name]}" for name in names)
    return Picture(figure, f"{title}. Accuracy by group, the worst first: {told}. Average {audit.average:.2f}.")


def overfitting(steps: Sequence[int], train: np.ndarray, valid: np.ndarray, *, title: str) -> Picture:
    """Loss on the training and on validation images during training, means over seeds with 95 % bands.

    Args:
        steps: when it was measured, shape (points,).
        train, valid: cross-entropy in nats, shape (seeds, points).
        title: the figure's title.

    Raises:
        DataError: the curves do not have as many points as there are steps.
    """
    if np.shape(train) != np.shape(valid) or np.shape(train)[-1] != len(steps):
        raise DataError(
            f"Curves of the shapes {np.shape(train)} and {np.shape(valid)} do not fit {len(steps)} steps.",
            "Give one row a seed and one column a step.",
        )
    figure, (axes,) = new_figure(8, 3.8)
    curves = {"training": (np.asarray(train), "transfer"), "validation": (np.asarray(valid), "scratch")}
    means = {name: mean_band(runs)[0] for name, (runs, _) in curves.items()}
    lowest = int(np.argmin(means["validation"]))
    with look():
        for runs, colour in curves.values():
            mean, low, high = mean_band(runs)
            axes.plot(steps, mean, color=COLOURS[colour], marker="o", markersize=4)
            axes.fill_between(steps, low, high, color=COLOURS[colour], alpha=0.18, linewidth=0)
        axes.plot(
            steps[lowest], means["validation"][lowest], "o", color=COLOURS["ink"], markersize=12, markerfacecolor="none"
        )
        axes.annotate(
            "lowest",
            (steps[lowest], means["validation"][lowest]),
            xytext=(0, 12),
            textcoords="offset points",
            ha="center",
        )
        top = axes.get_ylim()[1]
        heights = spread_apart([float(mean[-1]) for mean in means.values()], 0.07 * top)
        for (name, (_, colour)), height in zip(curves.items(), heights, strict=True):
            label_end(axes, name, height, colour)
        axes.set_ylim(0, top)
        axes.set(xlabel="training steps", ylabel="loss (cross-entropy, nats)", title=title)
    told = ", ".join(f"{name} ends at {mean[-1]:.2f}" for name, mean in means.items())
    alt = f"{title}. {told}; validation is lowest at step {steps[lowest]} with {means['validation'][lowest]:.2f}."
    return Picture(figure, alt)
