"""Figures of lesson 03: what moves while a body is frozen, what is forgotten, when to stop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.ticker import MaxNLocator

from tlcourse.errors import DataError
from tlcourse.measure.intervals import mean_band
from tlcourse.plots.figures import label_end, new_figure
from tlcourse.plots.picture import COLOURS, Picture, look


def drift(layers: Sequence[str], arms: Mapping[str, np.ndarray], *, title: str) -> Picture:
    """How far batch norm's running means moved, layer by layer, from the input to the output.

    Args:
        layers: their names, shape (L,).
        arms: name -> drift of shape (seeds, L), in standard deviations of the source's activations.
        title: the figure's title.
    """
    figure, (axes,) = new_figure(8, 3.8)
    places = np.arange(len(layers))
    with look():
        for (name, runs), colour in zip(arms.items(), ("scratch", "transfer", "third"), strict=False):
            mean, low, high = mean_band(np.asarray(runs))
            reach = np.stack([mean - low, high - mean])
            axes.errorbar(places, mean, reach, color=COLOURS[colour], marker="o", markersize=5, capsize=3)
            label_end(axes, name, float(mean[-1]), colour)
        axes.set_xticks(places, list(layers), rotation=40, ha="right", fontsize=9)
        axes.set_ylim(bottom=min(-0.02, axes.get_ylim()[0]))
        axes.set(ylabel="shift of the running mean\n(standard deviations)", title=title)
    found = "; ".join(
        f"{name}: {np.mean(runs):.2f} on average, most in {layers[int(np.argmax(np.mean(runs, 0)))]}"
        if np.any(runs)
        else f"{name}: nothing moves"
        for name, runs in arms.items()
    )
    return Picture(figure, f"{title}. Shift of each batch norm's running mean. {found}.")


def forgetting(
    rates: Sequence[float],
    target: np.ndarray,
    source: np.ndarray,
    *,
    target_before: float,
    source_before: float,
    title: str,
) -> Picture:
    """Accuracy on the target and on the source against the rate of fine-tuning, at equal steps, with 95 % bands.

    Args:
        rates: learning rates, shape (R,), on a logarithmic axis.
        target, source: accuracies of shape (seeds, R).
        target_before, source_before: the same before fine-tuning, drawn as dashed lines.
        title: the figure's title.
    """
    figure, (axes,) = new_figure(8, 4.2)
    curves = (("target task", target, target_before, "transfer"), ("source task", source, source_before, "scratch"))
    with look():
        for name, runs, before, colour in curves:
            mean, low, high = mean_band(np.asarray(runs))
            axes.plot(rates, mean, color=COLOURS[colour], marker="o")
            axes.fill_between(rates, low, high, color=COLOURS[colour], alpha=0.18, linewidth=0)
            axes.axhline(before, color=COLOURS[colour], linestyle="--", linewidth=1.2)
            # Below the lower of the two lines, above the upper one: the words never meet.
            above = before == max(target_before, source_before)
            axes.annotate(
                f"{name}, before",
                (rates[0], before),
                xytext=(0, 4 if above else -4),
                textcoords="offset points",
                va="bottom" if above else "top",
                color=COLOURS[colour],
                fontsize=9,
            )
            label_end(axes, name, float(mean[-1]), colour)
        axes.set_xscale("log")
        axes.set_xticks(list(rates), [f"{rate:g}" for rate in rates])
        axes.minorticks_off()
        axes.set_ylim(0, 1.08)
        axes.set(xlabel="learning rate of fine-tuning", ylabel="test accuracy", title=title)
    means = ", ".join(
        f"at {rate:g} target {t:.2f} and source {s:.2f}"
        for rate, t, s in zip(rates, np.mean(target, 0), np.mean(source, 0), strict=True)
    )
    alt = f"{title}. Before: target {target_before:.2f}, source {source_before:.2f}. After fine-tuning, {means}."
    return Picture(figure, alt)


def stopping(losses: np.ndarray, kept: Mapping[int, Sequence[int]], *, title: str) -> Picture:
    """Validation curves, one a run, with the epoch that early stopping keeps of each for each patience.

    Args:
        losses: validation loss (cross-entropy, nats) after each epoch, shape (runs, E).
        kept: patience -> the epoch kept of each run, shape (runs,).
        title: the figure's title.

    Raises:
        DataError: an epoch that the curves do not have.
    """
    losses = np.asarray(losses)
    latest = max(max(epochs) for epochs in kept.values())
    if latest >= losses.shape[1]:
        raise DataError(f"Curves of {losses.shape[1]} epochs have no epoch {latest}.", "Epochs count from 0.")
    figure, (axes,) = new_figure(8, 3.8)
    looks = zip(kept.items(), ("scratch", "third", "fourth"), ("s", "o", "D"), (11, 8, 8), strict=False)
    with look():
        axes.plot(losses.T, color=COLOURS["transfer"], linewidth=1.2, alpha=0.6)
        for (patience, epochs), colour, marker, size in looks:
            heights = losses[np.arange(len(losses)), list(epochs)]
            (marks,) = axes.plot(epochs, heights, marker, color=COLOURS[colour], markersize=size, mew=2)
            marks.set(markerfacecolor="none", label=f"kept with patience {patience}")
        axes.legend(frameon=False)
        axes.set_ylim(bottom=0)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set(xlabel="epoch", ylabel="validation loss (nats)", title=title)
    words = ", ".join(f"patience {patience} keeps {', '.join(map(str, epochs))}" for patience, epochs in kept.items())
    return Picture(figure, f"{title}. Validation losses of {len(losses)} runs; the epochs kept: {words}.")
