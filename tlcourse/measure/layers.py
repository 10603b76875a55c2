"""What each depth of a network knows: features at every depth, probes on them, and what excites a unit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from tlcourse.errors import DataError
from tlcourse.models.glyphnet import GLYPH_MEAN, GLYPH_STD
from tlcourse.transfer.features import frozen_features
from tlcourse.transfer.probe import STRENGTHS, probe_seeds
from tlcourse.transfer.training import in_mode, prepared
from tlcourse.worlds.images import LabelledImages

PIXELS = "pixels"
"""The name of depth 0: the normalised image itself."""


def depth_features(
    body: nn.Sequential,
    images: LabelledImages | np.ndarray,
    *,
    mean: Sequence[float] = GLYPH_MEAN,
    std: Sequence[float] = GLYPH_STD,
    grid: int = 2,
    cache: bool = True,
) -> dict[str, np.ndarray]:
    """What every child of a frozen body says of each image, averaged over the cells of a coarse grid.

    A map of C channels becomes C x grid x grid numbers, so depths with maps of 24 px and of 6 px can be compared:
    each keeps *what* it sees, and only roughly *where*. One pass gives all depths; `frozen_features` computes it and
    keeps it on disk.

    Args:
        body: a sequential network whose children give maps (N, C, H, W).
        images: uint8 of shape (N, 3, H, W), or labelled images.
        mean, std: the source model's, three numbers each in [0, 1].
        grid: cells along each side.
        cache: as in `frozen_features`.

    Returns:
        depth -> float32 of shape (N, C * grid * grid): "pixels", then the body's children by name, in their order.

    Raises:
        DataError: images of another type or shape, or a grid below 1.
    """
    if grid < 1:
        raise DataError(f"A grid of {grid} cells cannot be drawn.", "Give 1 (the mean of the map) or more.")
    every = _EveryDepth(body, grid)
    columns = frozen_features(every, images, mean=mean, std=std, cache=cache)
    ends = np.cumsum(every.widths(images.images if isinstance(images, LabelledImages) else images))
    parts = np.split(columns, ends[:-1], axis=1)
    return dict(zip((PIXELS, *depths(body)), parts, strict=True))


def depths(body: nn.Sequential) -> tuple[str, ...]:
    """The names of a body's children, from the input on. A body cut from a GlyphNet gets its parts' names back."""
    names = [name for name, _ in body.named_children()]
    if names == [str(number) for number in range(len(names))]:
        names = ["stem", *(f"block{number}" for number in range(1, len(names)))]
    return tuple(names)


class _EveryDepth(nn.Module):
    """The pooled maps of every depth side by side, so that one pass and one cache file serve them all."""

    def __init__(self, body: nn.Sequential, grid: int) -> None:
        super().__init__()
        self.body, self.grid, self.pool = body, grid, nn.AdaptiveAvgPool2d(grid)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([self.pool(maps.float()).flatten(1) for maps in maps_by_depth(self.body, x)], dim=1)

    @torch.no_grad()
    def widths(self, images: np.ndarray) -> list[int]:
        """How many numbers each depth gives for an image."""
        first = next(self.parameters(), torch.zeros(1))
        x = torch.zeros(1, *images.shape[1:], device=first.device)
        with in_mode(self, training=False):
            return [maps.shape[1] * self.grid**2 for maps in maps_by_depth(self.body, x)]


def maps_by_depth(body: nn.Sequential, x: torch.Tensor) -> list[torch.Tensor]:
    """The input and the output of each child of `body`, as maps (N, C, H, W)."""
    maps = [x]
    for part in body:
        maps.append(part(maps[-1]))
    return maps


def probe_depths(
    train: Mapping[str, np.ndarray],
    train_labels: np.ndarray,
    test: Mapping[str, np.ndarray],
    test_labels: np.ndarray,
    per_class: int,
    seeds: Iterable[int],
    *,
    strengths: Sequence[float] = STRENGTHS,
) -> dict[str, np.ndarray]:
    """The accuracy of a linear probe at every depth (Alain and Bengio 2016, "Understanding intermediate layers using
    linear classifier probes").

    Args:
        train, test: what `depth_features` gives; a subset of its depths will do.
        train_labels, test_labels: shape (N,).
        per_class: training images of each class, drawn anew by each seed, the same for every depth.
        seeds: one probe each.
        strengths: inverse penalties to choose from; one alone saves the choosing, which takes most of the time.

    Returns:
        depth -> accuracies of shape (seeds,).

    Raises:
        DataError: too few images of a class, or what `linear_probe` refuses.
    """
    seeds = list(seeds)
    return {
        depth: probe_seeds(features, train_labels, test[depth], test_labels, per_class, seeds, strengths=strengths)
        for depth, features in train.items()
    }


@dataclass(frozen=True)
class Excitement:
    """Where the units of one depth are excited most.

    Args:
        depth: its name.
        value: each unit's greatest activation in each image, shape (units, N).
        row, column: where in the map that was, shape (units, N).
        map_size: height and width of the map.
    """

    depth: str
    value: np.ndarray
    row: np.ndarray
    column: np.ndarray
    map_size: tuple[int, int]

    def top(self, unit: int, count: int) -> np.ndarray:
        """The images that excite a unit most, the strongest first."""
        return np.argsort(-self.value[unit], kind="stable")[:count]


def excitement(body: nn.Sequential, data: LabelledImages) -> dict[str, Excitement]:
    """For every depth of GlyphNet's body, unit and image: how strong the strongest activation is, and where.

    Images that excite a unit most show what it has learned to look for (Zeiler and Fergus 2014, "Visualizing and
    understanding convolutional networks", section 4.1).

    Returns:
        depth -> what excites its units, from the first child on.
    """
    images, _ = prepared(data)
    body = body.to(images.device).eval()
    found: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {name: [] for name in depths(body)}
    sizes: dict[str, tuple[int, int]] = {}
    with torch.no_grad():
        for batch in images.split(128):
            for name, maps in zip(found, maps_by_depth(body, batch)[1:], strict=True):
                strongest, where = maps.float().flatten(2).max(dim=2)
                found[name].append((strongest.T.cpu().numpy(), where.T.cpu().numpy()))
                sizes[name] = (maps.shape[2], maps.shape[3])
    result = {}
    for name, parts in found.items():
        value, place = (np.concatenate(each, axis=1) for each in zip(*parts, strict=True))
        row, column = np.divmod(place, sizes[name][1])
        result[name] = Excitement(name, value, row, column, sizes[name])
    return result


def class_agreement(excited: Excitement, labels: np.ndarray, count: int = 10) -> np.ndarray:
    """For each unit, the share of the `count` images that excite it most that are of the commonest class among them.

    1 means that a unit answers to one class alone; a unit that does not care about classes has about the share that
    images drawn at random have (`chance_agreement`).

    Returns:
        float64, shape (units,). Units that no image excites are NaN.
    """
    shares = np.full(len(excited.value), np.nan)
    for unit, values in enumerate(excited.value):
        if values.max() > 0:
            shares[unit] = np.bincount(labels[excited.top(unit, count)]).max() / count
    return shares


def chance_agreement(labels: np.ndarray, count: int = 10, draws: int = 1000, seed: int = 0) -> float:
    """The mean of what `class_agreement` would be for units that pick their images at random."""
    rng = np.random.default_rng(seed)
    shares = [np.bincount(rng.choice(labels, count, replace=False)).max() / count for _ in range(draws)]
    return float(np.mean(shares))
