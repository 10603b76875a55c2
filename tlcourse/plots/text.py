"""Figures for text: words on a map, who sees whom in a transformer, and rates that rise and fall."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from tlcourse.errors import DataError
from tlcourse.plots.figures import head, label_end, new_figure, spread_apart
from tlcourse.plots.picture import COLOURS, Picture, look

_SERIES = ("transfer", "scratch", "third", "fourth")


def word_map(groups: Mapping[str, Sequence[str]], vectors: np.ndarray, *, title: str) -> Picture:
    """Words on the first two principal components of their vectors, one colour a group.

    Args:
        groups: name -> words; at most four groups.
        vectors: of the words in that order, shape (words, F).
        title: the figure's title.

    Raises:
        DataError: the vectors are not as many as the words, or there are more than four groups.
    """
    words = [word for members in groups.values() for word in members]
    if len(words) != len(vectors) or len(groups) > len(_SERIES):
        raise DataError(
            f"{len(words)} words in {len(groups)} groups and {len(vectors)} vectors do not fit.",
            "Give one vector a word, and at most four groups.",
        )
    centred = vectors - vectors.mean(0)
    plane = centred @ np.linalg.svd(centred, full_matrices=False)[2][:2].T
    figure, (axes,) = new_figure(8, 4.8)
    with look():
        least, start = 0.05 * float(np.ptp(plane[:, 1])), 0
        for members, key in zip(groups.values(), _SERIES, strict=False):
            dots, start = plane[start : start + len(members)], start + len(members)
            axes.plot(dots[:, 0], dots[:, 1], "o", color=COLOURS[key], markersize=5)
            # The words of a group lie close together: their names stand in a column right of them, in their order.
            column = float(dots[:, 0].max())
            for word, height in zip(members, spread_apart(dots[:, 1].tolist(), least), strict=True):
                place = (column, height)
                axes.annotate(word, place, xytext=(8, 0), textcoords="offset points", va="center", color=COLOURS[key])
        axes.set_xticks([])
        axes.set_yticks([])
        axes.margins(x=0.12, y=0.08)
        axes.set(xlabel="first principal component", ylabel="second principal component", title=title)
    told = "; ".join(f"{name}: {', '.join(members)}" for name, members in groups.items())
    return Picture(figure, f"{title}. Words on two principal components of their vectors. {told}.")


def who_sees_whom(panels: Mapping[str, np.ndarray], *, title: str) -> Picture:
    """For each network a grid: which token (column) changes which output (row).

    Args:
        panels: name -> bool, shape (outputs, tokens).
        title: the figure's title.
    """
    widths = [grid.shape[1] for grid in panels.values()]
    figure, all_axes = new_figure(1.4 + 0.3 * sum(widths), 3.0, len(panels), width_ratios=widths)
    with look():
        for axes, (name, grid) in zip(all_axes, panels.items(), strict=True):
            outputs, tokens = grid.shape
            axes.pcolormesh(grid, cmap="Blues", vmin=0, vmax=1.4, edgecolors="white", linewidth=1.5)
            axes.set_xticks(np.arange(tokens) + 0.5, _numbered(tokens, outputs), fontsize=8)
            axes.set_yticks(np.arange(outputs) + 0.5, [str(i + 1) for i in range(outputs)], fontsize=8)
            axes.invert_yaxis()
            axes.grid(visible=False)
            axes.tick_params(length=0)
            axes.spines[:].set_visible(False)
            axes.set_title(name, fontsize=11)
            axes.set_xlabel("token" if tokens == outputs else "input token | written so far")
            if tokens > outputs:
                axes.axvline(outputs, color=COLOURS["ink"], linewidth=1.6)
        all_axes[0].set_ylabel("output")
        head(figure, title)
    told = ", ".join(f"{name}: {grid.mean():.0%} of the pairs" for name, grid in panels.items())
    return Picture(figure, f"{title}. Dark squares: changing the token changes the output. {told}.")


def _numbered(tokens: int, outputs: int) -> list[str]:
    return [str(i % outputs + 1) for i in range(tokens)]


def schedule(steps: Sequence[int], rates: Mapping[str, Sequence[float]], *, title: str) -> Picture:
    """Learning rates during a training, one line a parameter group; 0 is frozen and not drawn.

    Args:
        steps: shape (points,).
        rates: name of the group -> shape (points,); at most four groups.
        title: the figure's title.

    Raises:
        DataError: more than four groups.
    """
    if len(rates) > len(_SERIES):
        raise DataError(f"{len(rates)} groups, but {len(_SERIES)} colours.", "Draw at most four groups.")
    figure, (axes,) = new_figure(8, 3.6)
    lines = [np.where(np.asarray(values) > 0, values, np.nan) for values in rates.values()]
    trained = [np.log10(line[np.isfinite(line)]) for line in lines]
    with look():
        for line, colour in zip(lines, _SERIES, strict=False):
            axes.plot(steps, line, color=COLOURS[colour])
        axes.set_yscale("log")
        ends = {name: float(tens[-1]) for name, tens in zip(rates, trained, strict=True) if len(tens)}
        heights = spread_apart(list(ends.values()), 0.08 * float(np.ptp(np.concatenate(trained))))
        colours = dict(zip(rates, _SERIES, strict=False))
        for name, height in zip(ends, heights, strict=True):
            label_end(axes, name, 10**height, colours[name])
        axes.set(xlabel="training step", ylabel="learning rate", title=title)
    told = ", ".join(f"{name} up to {max(values):.2g}" for name, values in rates.items())
    return Picture(figure, f"{title}. {told}.")
