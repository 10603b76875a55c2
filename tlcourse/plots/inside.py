"""Figures that look inside a network: filters, activations, what excites a unit, and curves over depth."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tlcourse.errors import DataError
from tlcourse.measure.intervals import mean_band
from tlcourse.measure.layers import Excitement, class_agreement, depths, excitement, maps_by_depth
from tlcourse.models.glyphnet import GlyphNet
from tlcourse.plots.figures import draw_curves, head, new_figure
from tlcourse.plots.picture import COLOURS, Picture, look
from tlcourse.transfer.training import prepared
from tlcourse.worlds.images import LabelledImages

# Side in pixels of what one position of each map sees: each 3 x 3 convolution adds twice the stride before it.
SEEN = {"stem": 5, "block1": 13, "block2": 25, "block3": 41, "block4": 65, "block5": 97}


def filters(network: GlyphNet, *, columns: int = 8, title: str = "The filters of the first layer") -> Picture:
    """The first convolution's filters as small colour pictures, each stretched to its own full range, grey as zero.

    The likest in colour stand together: filters that weigh the three channels alike, and so see brightness, come first.
    """
    weights = network.get_parameter("stem.0.weight").detach().float().cpu().numpy()
    # How far the channels of a filter disagree: 0 for one that looks at brightness alone.
    colourful = weights.std(axis=1).mean(axis=(1, 2)) / np.abs(weights).mean(axis=(1, 2, 3))
    rows = -(-len(weights) // columns)
    figure = Figure(figsize=(columns * 0.86, rows * 0.86 + 0.45), layout="constrained")
    with look():
        grid = figure.subplots(rows, columns, squeeze=False).ravel()
        for axes, unit in zip(grid, np.argsort(colourful), strict=False):
            picture = weights[unit] / (2 * np.abs(weights[unit]).max()) + 0.5
            axes.imshow(picture.transpose(1, 2, 0), interpolation="bicubic")
        for axes in grid:
            axes.set_axis_off()
        head(figure, title)
    return Picture(
        figure, f"{title}: {len(weights)} filters of {weights.shape[2]} x {weights.shape[3]} pixels in colour."
    )


@torch.no_grad()
def activations(network: GlyphNet, data: LabelledImages, index: int = 0, *, maps: int = 9) -> Picture:
    """What each depth makes of one picture: a row a depth, the channels that vary most over this picture."""
    body = network.body.eval()
    image, _ = prepared(data.subset([index]))
    rows = [maps_[0].float().cpu().numpy() for maps_ in maps_by_depth(body.to(image.device), image)[1:]]
    names = depths(body)
    figure = Figure(figsize=(8.6, 0.84 * len(rows) + 0.45), layout="constrained")
    with look():
        grid = figure.subplots(len(rows), maps + 1, squeeze=False)
        for row, (name, channels) in enumerate(zip(names, rows, strict=True)):
            strongest = np.argsort(-channels.std(axis=(1, 2)))[:maps]
            for axes, channel in zip(grid[row, 1:], strongest, strict=False):
                axes.imshow(channels[channel], cmap="magma", interpolation="nearest")
            grid[row, 0].imshow(data.images[index].transpose(1, 2, 0), interpolation="nearest")
            grid[row, 0].set_ylabel(
                f"{name}\n{channels.shape[1]} x {channels.shape[2]}", rotation=0, ha="right", va="center"
            )
        _bare(grid.ravel())
        title = "One picture, depth by depth: the channels that vary most"
        head(figure, title)
    return Picture(
        figure, f"{title}. Rows: {', '.join(names)}; maps shrink from {rows[0].shape[1]} to {rows[-1].shape[1]} px."
    )


def exciting_patches(
    network: GlyphNet,
    data: LabelledImages,
    *,
    at: Sequence[str] = ("stem", "block2", "block5"),
    units: int = 4,
    patches: int = 8,
) -> Picture:
    """The patches of `data` that excite a unit most, drawn as large as what it sees (Zeiler & Fergus 2014).

    Of each depth the units are shown whose favourite images agree most in their class: the same rule at every depth.

    Args:
        at: depths.
        units: rows a depth.
        patches: patches a unit, each from another image.
    """
    found = excitement(network.body, data)
    figure = Figure(figsize=(8.6, 0.78 * units * len(at) + 0.3 * len(at)), layout="constrained")
    with look():
        for part, name in zip(figure.subfigures(len(at), 1, squeeze=False)[:, 0], at, strict=True):
            agreement = np.nan_to_num(class_agreement(found[name], data.labels, patches))
            grid = part.subplots(units, patches, squeeze=False)
            for row, unit in zip(grid, np.argsort(-agreement, kind="stable"), strict=False):
                for axes, patch in zip(row, _favourites(found[name], int(unit), data, patches), strict=False):
                    axes.imshow(patch, interpolation="nearest")
                row[0].set_ylabel(f"unit {unit}", rotation=0, ha="right", va="center", fontsize=8)
            _bare(grid.ravel())
            side = min(SEEN[name], data.images.shape[2])
            part.suptitle(
                f"{name}: a unit sees {side} x {side} px. The {units} units whose favourites agree most in class",
                x=0.01,
                ha="left",
                fontsize=10.5,
                fontweight="bold",
            )
    shown = f"the {units} units of each depth whose favourites agree most in their class"
    return Picture(figure, f"Image patches that excite a unit most, at {', '.join(at)}: {shown}; one unit a row.")


def _favourites(excited: Excitement, unit: int, data: LabelledImages, count: int) -> list[np.ndarray]:
    """The patches that excite a unit most and lie within their image, (side, side, 3) each, the strongest first."""
    patches = []
    for image in excited.top(unit, len(data)):
        patch = _patch(data.images[image], excited, unit, int(image))
        if patch is not None:
            patches.append(patch)
        if len(patches) == count:
            break
    return patches


def _patch(image: np.ndarray, excited: Excitement, unit: int, index: int) -> np.ndarray | None:
    """What the most excited position of a unit sees of an image; None where it looks beyond the border.

    A unit that sees most of the image always looks beyond it: there the patch is moved inside.
    """
    side = min(SEEN[excited.depth], image.shape[1])
    place = (excited.row[unit, index], excited.column[unit, index])
    corner = []
    for position, cells, pixels in zip(place, excited.map_size, image.shape[1:], strict=True):
        # Convolutions of stride s with odd kernels put position p of a map in the middle at pixel s * p.
        first = int(position) * (pixels // cells) - side // 2
        if side <= pixels // 2 + 1 and not 0 <= first <= pixels - side:
            return None
        corner.append(min(max(first, 0), pixels - side))
    top, left = corner
    return image[:, top : top + side, left : left + side].transpose(1, 2, 0)


def _bare(grid: Iterable[Axes]) -> None:
    for axes in grid:
        axes.set_xticks([])
        axes.set_yticks([])
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)


def by_depth(
    runs: Mapping[str, Mapping[str, np.ndarray]],
    *,
    title: str,
    y_label: str = "test accuracy",
    chance: float | None = None,
) -> Picture:
    """A value at every depth with its 95 % interval over seeds, one curve a name.

    Args:
        runs: name -> depth -> one number a seed; every name has the same depths.
        chance: the value of guessing.
    """
    names = list(next(iter(runs.values())))
    if any(list(values) != names for values in runs.values()):
        raise DataError("The curves have different depths.", "Measure each at the same depths.")
    figure, (axes,) = new_figure(8, 4.2)
    stacked = {name: np.stack([values[depth] for depth in names], axis=1) for name, values in runs.items()}
    with look():
        draw_curves(axes, range(len(names)), stacked, chance=chance)
        axes.set_xticks(range(len(names)), names)
        axes.set(xlabel="depth: from the input to the last layer before the head", ylabel=y_label, title=title)
    shown = "; ".join(
        f"{name}: " + ", ".join(f"{depth} {values[depth].mean():.2f}" for depth in names)
        for name, values in runs.items()
    )
    return Picture(figure, f"{title}. {y_label} by depth: {shown}.")


_PANELS = (
    (
        "the base's own layers, B to B",
        (("BnB", "BnB: frozen", "third", "--"), ("BnB+", "BnB+: fine-tuned", "third", "-")),
    ),
    (
        "layers of the other task, A to B",
        (("AnB", "AnB: frozen", "transfer", "--"), ("AnB+", "AnB+: fine-tuned", "transfer", "-")),
    ),
)


def layer_transfer(base: Sequence[float], arms: Mapping[str, Mapping[int, Sequence[float]]], *, title: str) -> Picture:
    """The figure of Yosinski et al. (2014, figure 2): accuracy against the number of layers kept, with 95 % intervals.

    Left where the kept layers are B's own, right where they are A's; the base stands in both as a grey band.

    Args:
        base: accuracies of the network trained on B from scratch, one a seed.
        arms: "BnB", "BnB+", "AnB", "AnB+" (or some of them) -> n -> accuracies, one a seed.
    """
    panels = [(words, [arm for arm in drawn if arm[0] in arms]) for words, drawn in _PANELS]
    panels = [(words, drawn) for words, drawn in panels if drawn]
    figure, every = new_figure(9.4, 4.4, columns=len(panels), sharey=True)
    mean, low, high = (float(band[0]) for band in mean_band(np.reshape(base, (-1, 1))))
    described = [f"base {mean:.2f}"]
    with look():
        for axes, (words, drawn) in zip(every, panels, strict=True):
            axes.axhspan(low, high, color=COLOURS["baseline"], alpha=0.15, linewidth=0)
            axes.axhline(mean, color=COLOURS["baseline"], linewidth=1.5, label="base B, its mean and 95 % interval")
            for shift, (arm, label, colour, style) in zip((-0.05, 0.05), drawn, strict=False):
                n = sorted(arms[arm])
                centre, below, above = mean_band(np.array([arms[arm][k] for k in n]).T)
                axes.errorbar(
                    np.array(n) + shift,  # side by side, so that intervals do not hide each other
                    centre,
                    yerr=[centre - below, above - centre],
                    fmt=style,
                    color=COLOURS[colour],
                    marker="o" if style == "--" else "s",
                    markerfacecolor="white" if style == "--" else COLOURS[colour],
                    capsize=3,
                    label=label,
                )
                described.append(f"{arm} " + ", ".join(f"{value:.3f}" for value in centre))
                axes.set_xticks(n)
            axes.set_title(words, fontsize=10.5)
            axes.set(xlabel="n: first layers kept (1 = stem, 6 = the whole body)")
            axes.legend(loc="lower left", frameon=False)
        every[0].set(ylabel="test accuracy on B")
        head(figure, title)
    return Picture(figure, f"{title}. Accuracy on B for n layers kept, from the first n on: {'; '.join(described)}.")


def input_costs(runs: Mapping[str, tuple[np.ndarray, np.ndarray]], *, title: str, chance: float) -> Picture:
    """Two accuracies for each way to prepare an input, with 95 % intervals over seeds.

    Args:
        runs: way -> (the same way in training and test, this way in the test alone), one number a seed each.
    """
    figure, (axes,) = new_figure(8.4, 0.44 * len(runs) + 1.3)
    arms = (("same in training and test", "transfer", -0.13), ("in the test alone", "scratch", 0.13))
    with look():
        for arm, (label, colour, shift) in enumerate(arms):
            values = np.stack([both[arm] for both in runs.values()], axis=1)
            mean, low, high = mean_band(values)
            rows = np.arange(len(runs)) + shift
            axes.errorbar(
                mean, rows, xerr=[mean - low, high - mean], fmt="o", color=COLOURS[colour], capsize=3, label=label
            )
        axes.axvline(chance, color=COLOURS["baseline"], linestyle="--", linewidth=1.3)
        axes.annotate(
            "chance", (chance, -0.6), xytext=(4, 0), textcoords="offset points", color=COLOURS["baseline"], va="center"
        )
        axes.set_yticks(range(len(runs)), list(runs))
        axes.set_ylim(len(runs) - 0.5, -0.9)
        axes.set_xlim(0, 1.02)
        axes.set(xlabel="test accuracy", title=title)
        figure.legend(loc="outside lower right", ncols=2, frameon=False)
    told = "; ".join(f"{way} {both.mean():.2f} and {test.mean():.2f}" for way, (both, test) in runs.items())
    return Picture(figure, f"{title}. Accuracy with each way in training and test, and in the test alone: {told}.")
