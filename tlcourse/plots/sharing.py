"""Figures for sharing a trunk, and for features learned without labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tlcourse.measure.intervals import mean_band
from tlcourse.plots.figures import head, label_end, mean_and_reach, new_figure, spread_apart
from tlcourse.plots.picture import COLOURS, Picture, look
from tlcourse.worlds.images import LabelledImages

_SERIES = ("transfer", "scratch", "third", "fourth", "baseline", "ink")
"""Colours of up to six series, in order."""


def gaps(values: Mapping[str, Sequence[float]], *, title: str, x_label: str, helps: str, hurts: str) -> Picture:
    """The mean difference of paired runs for each name, as a dot with its 95 % interval, left or right of zero.

    Args:
        values: name -> differences, one a seed.
        title, x_label: texts.
        helps, hurts: what the right and the left side of zero mean.
    """
    figure, (axes,) = new_figure(8, 0.6 * len(values) + 1.6)
    described = []
    with look():
        axes.axvline(0, color=COLOURS["baseline"], linewidth=1.4)
        for row, (name, numbers) in enumerate(values.items()):
            mean, reach = mean_and_reach(numbers)
            colour = COLOURS["baseline"] if abs(mean) <= reach else COLOURS["third" if mean > 0 else "scratch"]
            axes.errorbar(mean, row, xerr=reach, fmt="o", color=colour, capsize=5, linewidth=2.2, markersize=8)
            axes.annotate(
                f"{mean:+.3f}", (mean, row), xytext=(0, 9), textcoords="offset points", ha="center", color=colour
            )
            described.append(f"{name} {mean:+.3f} plus or minus {reach:.3f}")
        widest = 1.25 * max(abs(end) for end in axes.get_xlim())
        axes.set_xlim(-widest, widest)
        axes.set_ylim(len(values) - 0.4, -0.85)
        axes.set_yticks(range(len(values)), list(values))
        axes.grid(axis="y", visible=False)
        for place, text in ((0.01, f"← {hurts}"), (0.99, f"{helps} →")):
            axes.text(place, 0.99, text, transform=axes.transAxes, ha="left" if place < 0.5 else "right", va="top")
        axes.set(xlabel=x_label, title=title)
    return Picture(figure, f"{title}. {x_label}: {'; '.join(described)}.")


def conflict(steps: Sequence[int], cosines: Mapping[str, np.ndarray], *, title: str) -> Picture:
    """The cosine of two tasks' gradients during training, mean over seeds with its 95 % band.

    Args:
        steps: shape (points,).
        cosines: name -> shape (seeds, points).
        title: the figure's title.
    """
    figure, (axes,) = new_figure(8, 3.8)
    with look():
        axes.axhline(0, color=COLOURS["ink"], linewidth=1.2)
        for (name, runs), colour in zip(cosines.items(), ("third", "scratch", "transfer", "fourth"), strict=False):
            mean, low, high = mean_band(np.asarray(runs))
            axes.plot(steps, mean, color=COLOURS[colour])
            axes.fill_between(steps, low, high, color=COLOURS[colour], alpha=0.18, linewidth=0)
            label_end(axes, name, mean[-3:].mean(), colour)
        axes.set(xlabel="training steps", ylabel="cosine of the gradients", title=title)
        axes.text(0.01, 0.02, "below 0: the tasks conflict", transform=axes.transAxes, color=COLOURS["baseline"])
    means = ", ".join(f"{name} {np.mean(runs):+.2f} on average" for name, runs in cosines.items())
    return Picture(figure, f"{title}. Cosine of the two tasks' gradients on the trunk: {means}.")


def by_labels(
    per_class: Sequence[int], accuracies: Mapping[str, np.ndarray], *, title: str, chance: float | None = None
) -> Picture:
    """Groups of dots with 95 % intervals: one group for each number of labels, one colour for each way to get features.

    Args:
        per_class: labels of each class, one number a group.
        accuracies: name -> shape (draws, groups).
        title: the figure's title.
        chance: a dashed line.
    """
    figure, (axes,) = new_figure(8, 4.4)
    positions, names = np.arange(len(per_class)), list(accuracies)
    with look():
        for index, name in enumerate(names):
            mean, low, _ = mean_band(np.asarray(accuracies[name]))
            place = positions + 0.11 * (index - (len(names) - 1) / 2)
            colour = COLOURS[_SERIES[index]]
            axes.errorbar(place, mean, yerr=mean - low, fmt="o", capsize=3, linewidth=1.8, color=colour)
        if chance is not None:
            axes.axhline(chance, color=COLOURS["baseline"], linestyle="--", linewidth=1.3)
            axes.annotate("chance", (positions[-1] + 0.45, chance), ha="right", va="bottom", color=COLOURS["baseline"])
        axes.set_xticks(positions, [str(count) for count in per_class])
        axes.set_ylim(0, 1.02)
        axes.set_xlim(-0.5, len(per_class) - 0.5)
        axes.grid(axis="x", visible=False)
        axes.set(xlabel="labels of each class", ylabel="test accuracy", title=title)
        # Negative, so that names which would overlap move down: there is no room above.
        ends = [-float(np.mean(accuracies[name], 0)[-1]) for name in names]
        for name, depth, colour in zip(names, spread_apart(ends), _SERIES, strict=False):
            look_of: dict[str, Any] = {"color": COLOURS[colour], "fontweight": "bold", "va": "center"}
            axes.annotate(
                name,
                (1, -depth),
                xycoords=("axes fraction", "data"),
                xytext=(6, 0),
                textcoords="offset points",
                **look_of,
            )
    means = "; ".join(
        f"{name} {', '.join(f'{value:.2f}' for value in np.mean(runs, 0))}" for name, runs in accuracies.items()
    )
    counts = ", ".join(map(str, per_class))
    return Picture(figure, f"{title}. Test accuracy with {counts} labels a class: {means}.")


def feature_maps(features: Mapping[str, np.ndarray], data: LabelledImages, *, classes: int = 8, title: str) -> Picture:
    """Features on their first two principal components, side by side; each class with its own colour and mark.

    Args:
        features: name -> shape (N, F), rows as in `data`.
        data: whose labels colour the dots; only its first classes are drawn.
        classes: how many.
        title: the figure's title.
    """
    from sklearn.decomposition import PCA

    figure, all_axes = new_figure(3.1 * len(features) + 1.4, 3.4, len(features))
    colours = [COLOURS[key] for key in ("transfer", "scratch", "third", "fourth")]
    shown = data.labels < classes
    with look():
        for axes, (name, values) in zip(all_axes, features.items(), strict=True):
            standard = (values - values.mean(0)) / np.maximum(values.std(0), 1e-8)
            plane = PCA(2, random_state=0).fit_transform(standard[shown])
            for label in range(classes):
                dots = plane[data.labels[shown] == label]
                mark, colour = "o^Dsv*XP"[label // len(colours) % 8], colours[label % len(colours)]
                look_of: dict[str, Any] = {"color": colour, "alpha": 0.75, "markersize": 5, "markeredgewidth": 0}
                axes.plot(dots[:, 0], dots[:, 1], mark, label=data.classes[label], **look_of)
            axes.set_xticks([])
            axes.set_yticks([])
            axes.set_title(name, fontsize=11)
        all_axes[-1].legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, fontsize=9)
        head(figure, title)
    return Picture(figure, f"{title}. Dots for {classes} classes on two principal components: {', '.join(features)}.")
