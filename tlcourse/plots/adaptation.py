"""Figures for domain adaptation: how far domains are apart, what brings them together, how a model is chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from tlcourse.measure.intervals import mean_band
from tlcourse.measure.validators import rank_agreement
from tlcourse.plots.figures import head, new_figure
from tlcourse.plots.picture import COLOURS, Picture, look


def shift(
    shares: Sequence[float], distances: np.ndarray, accuracies: np.ndarray, *, x_label: str, title: str
) -> Picture:
    """Two panels over the same walk from one domain to another: the distance, and a source model's accuracy.

    Args:
        shares: how far along the walk, shape (points,), 0 to 1.
        distances, accuracies: shape (seeds, points).
        x_label, title: texts.
    """
    figure, panels = new_figure(8.6, 3.6, columns=2)
    parts = (
        (distances, "scratch", "proxy A-distance to the source", (-0.35, 2.1)),
        (accuracies, "transfer", "accuracy of the source's classifier", (0, 1.05)),
    )
    described = []
    with look():
        for axes, (runs, colour, y_label, limits) in zip(panels, parts, strict=True):
            mean, low, high = mean_band(runs)
            axes.plot(shares, mean, color=COLOURS[colour], marker="o", markersize=4)
            axes.fill_between(shares, low, high, color=COLOURS[colour], alpha=0.18, linewidth=0)
            axes.set(xlabel=x_label, ylabel=y_label, ylim=limits)
            axes.xaxis.set_major_formatter("{x:.0%}")
            described.append(f"{y_label} goes from {mean[0]:.2f} to {mean[-1]:.2f}")
        head(figure, title)
    return Picture(figure, f"{title}. Along the walk {', '.join(described)}.")


def weighted_fit(
    source: tuple[np.ndarray, np.ndarray],
    target: tuple[np.ndarray, np.ndarray],
    weights: np.ndarray,
    fits: Mapping[str, tuple[np.ndarray, np.ndarray]],
    *,
    title: str,
) -> Picture:
    """Source points as large as their weights, target points, and the lines fitted to the source.

    Args:
        source, target: (x, y), each of shape (n,).
        weights: of the source points.
        fits: name -> (x, y) of a line.
        title: the figure's title.
    """
    figure, (axes,) = new_figure(8, 3.9)
    with look():
        sizes = 6 + 150 * weights / weights.max()
        axes.scatter(*source, s=sizes, color=COLOURS["transfer"], alpha=0.45, linewidth=0, label="source, by weight")
        axes.scatter(*target, s=16, marker="x", color=COLOURS["scratch"], label="target")
        for (name, (x, y)), style in zip(fits.items(), (":", "-"), strict=False):
            axes.plot(x, y, color=COLOURS["ink"], linestyle=style, linewidth=2, label=name)
        axes.set(xlabel="x", ylabel="y", title=title)
        axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))
    return Picture(figure, f"{title}. A source sample, a target sample, and the lines {' and '.join(fits)}.")


def domain_map(
    panels: Mapping[str, tuple[np.ndarray, np.ndarray]], labels: tuple[np.ndarray, np.ndarray], *, title: str
) -> Picture:
    """Source and target features in a plane, one panel a network; each image is drawn as its digit.

    The plane is that of the two directions in which both domains together vary most (PCA).

    Args:
        panels: name -> (source features (N, F), target features (M, F)).
        labels: of the source images (N,) and of the target images (M,): for the eye alone.
        title: the figure's title.
    """
    from sklearn.decomposition import PCA

    figure, axes_list = new_figure(4.3 * len(panels), 4.1, columns=len(panels))
    with look():
        for axes, (name, domains) in zip(axes_list, panels.items(), strict=True):
            plane = PCA(2, random_state=0).fit(np.concatenate(domains))
            for features, numbers, colour in zip(domains, labels, ("transfer", "scratch"), strict=True):
                points = plane.transform(features)
                axes.scatter(points[:, 0], points[:, 1], s=1, alpha=0)  # sets the limits: text does not
                for (x, y), number in zip(points, numbers, strict=True):
                    axes.text(x, y, str(number), color=COLOURS[colour], fontsize=8, ha="center", va="center")
            axes.set(xticks=[], yticks=[], title=name)
            axes.grid(visible=False)
        for place, text, colour in ((0.72, "source", "transfer"), (0.86, "target", "scratch")):
            figure.text(place, 0.965, text, color=COLOURS[colour], fontweight="bold", fontsize=12)
        head(figure, title)
    return Picture(figure, f"{title}. Source and target features in a plane, for {', '.join(panels)}.")


def validators(
    scores: Mapping[str, Sequence[float]],
    accuracies: Sequence[float],
    *,
    title: str,
    x_label: str = "score, without labels",
) -> Picture:
    """One panel a validator: each model's score against its true target accuracy; the model it chooses is ringed.

    Args:
        scores: name -> one score a model, higher for what it takes for better.
        accuracies: of the same models on labelled target images.
        title, x_label: texts.
    """
    figure, panels = new_figure(2.75 * len(scores), 3.3, columns=len(scores), sharey=True)
    described = []
    with look():
        for axes, (name, values) in zip(panels, scores.items(), strict=True):
            agreement = rank_agreement(values, accuracies)
            axes.scatter(values, accuracies, s=26, color=COLOURS["transfer"], alpha=0.7, linewidth=0)
            chosen = int(np.argmax(values))
            if np.ptp(values) > 0:
                ring = COLOURS["scratch"]
                axes.scatter(values[chosen], accuracies[chosen], s=170, facecolor="none", edgecolor=ring, linewidth=2)
            axes.set_title(f"{name}\nrank agreement {agreement:+.2f}", fontsize=10)
            axes.set_xlabel(x_label)
            axes.locator_params(axis="x", nbins=4)
            described.append(f"{name} {agreement:+.2f}")
        panels[0].set_ylabel("true target accuracy")
        head(figure, title)
    return Picture(figure, f"{title}. Rank agreement of each score with the true accuracy: {', '.join(described)}.")
