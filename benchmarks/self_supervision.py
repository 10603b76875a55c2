"""Lesson 06's long comparisons: training from scratch on few labels, and three ways to pretrain by rotation.

Scratch: GlyphNet from random weights on 5, 10 or 100 posters of each of twenty everyday things, on the draws that the
lesson's probes have. Its rate is the better of two on a seed that is then left out. Accuracy is measured half way
too, to show how much the later steps bring.

Rotation, three ways: as the shipped body, with posters from the start, and with one random turn of each image instead
of all four (four times as many images then, so that the network sees as many pictures); small images, three seeds.

    python benchmarks/self_supervision.py            # about 12 minutes; --seeds 2 --images 1024 for a trial
    python benchmarks/self_supervision.py --store    # also keep the result in the package, for lesson 06
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tlcourse.measure import mean_interval, store, stored
from tlcourse.models import GlyphNet
from tlcourse.models.pretrain import Objective, Recipe, pretrain
from tlcourse.transfer import (
    FLYER,
    POSTER,
    Rotation,
    accuracy,
    body_recipe,
    draw_rows,
    fit,
    normalised,
    rotated,
)
from tlcourse.worlds import LabelledImages, glyphs

POOL_SEED, TEST_SEED = 660, 661  # as in the lesson
RATES = (1e-3, 3e-3)
STEPS = {5: 600, 10: 600, 100: 600}
TRIAL_SEED = 99
PARTS = ("scratch", "rotation")


def target() -> tuple[LabelledImages, LabelledImages]:
    """The lesson's pool and test images."""
    drawn = [(150, POOL_SEED), (50, TEST_SEED)]
    pool, test = (glyphs("everyday", count, style=POSTER, size=32, seed=seed) for count, seed in drawn)
    return pool, test


def from_scratch(pool: LabelledImages, test: LabelledImages, per_class: int, rate: float, seed: int) -> list[float]:
    """Accuracy after half of the steps and after all of them."""
    torch.manual_seed(seed)
    network, steps = GlyphNet(len(pool.classes)), STEPS[per_class]
    train = pool.subset(draw_rows(pool.labels, per_class, seed))
    return fit(network, train, test, steps=steps, rate=rate, measure_at=[steps // 2], seed=seed).accuracy[1:]


def scratch(pool: LabelledImages, test: LabelledImages, seeds: range) -> dict[str, dict[str, Any]]:
    """Labels a class -> the rate, and the accuracies half way and at the end, one a seed."""
    found = {}
    for per_class in STEPS:
        trials = {rate: from_scratch(pool, test, per_class, rate, TRIAL_SEED)[-1] for rate in RATES}
        rate = max(trials, key=trials.__getitem__)
        runs = [from_scratch(pool, test, per_class, rate, seed) for seed in seeds]
        half, end = (list(column) for column in zip(*runs, strict=True))
        found[str(per_class)] = {"rate": rate, "steps": STEPS[per_class], "half": half, "end": end}
        print(
            f"scratch, {per_class} a class, rate {rate:g}: half {np.mean(half):.3f}, end {mean_interval(end)}",
            flush=True,
        )
    return found


class OneTurn(Rotation):
    """Rotation without the paper's batches: one random turn of each image."""

    def examples(self, images: Tensor, labels: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """The images turned, and by how much."""
        return rotated(images, generator)


def three_rotations(images: int, seeds: range) -> dict[str, dict[str, list[float]]]:
    """Way -> style -> the share of fresh pictographs whose turn the network names, one number a seed."""
    small = replace(body_recipe("rotation"), images=images, image_size=24)
    ways: dict[str, tuple[Recipe, Objective]] = {
        "flyers first, all four turns": (small, Rotation()),
        "posters at once, all four turns": (replace(small, first_style=None), Rotation()),
        "flyers first, one random turn": (replace(small, images=4 * images, batch_size=256), OneTurn()),
    }
    found: dict[str, dict[str, list[float]]] = {}
    for way, (recipe, task) in ways.items():
        ends: dict[str, list[float]] = {"flyer": [], "poster": []}
        for seed in seeds:
            network, _ = pretrain(replace(recipe, seed=seed + 1), task)
            for name, style in {"flyer": FLYER, "poster": POSTER}.items():
                fresh = glyphs("pictographs", 10, style=style, size=24, seed=670 + seed)
                turned, turns = Rotation().examples(normalised(fresh.images), torch.empty(0), torch.Generator())
                ends[name].append(accuracy(network, turned, turns))
        found[way] = ends
        print(f"{way}: " + "; ".join(f"{name} {mean_interval(v)}" for name, v in ends.items()), flush=True)
    return found


def main() -> None:
    """Measure, print, and keep the result if asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=PARTS, help="measure this part alone; the others stay as they are stored")
    parser.add_argument("--images", type=int, default=8_192, help="for each pretraining")
    parser.add_argument("--seeds", type=int, default=5, help="trainings from scratch; pretrainings are three at most")
    parser.add_argument("--store", action="store_true", help="keep the result in the package")
    args = parser.parse_args()
    pool, test = target()
    parts: dict[str, Callable[[], dict[str, Any]]] = {
        "scratch": lambda: scratch(pool, test, range(args.seeds)),
        "rotation": lambda: three_rotations(args.images, range(min(args.seeds, 3))),
    }
    known = stored("self_supervision").figures if args.part else {}
    figures = known | {name: measure() for name, measure in parts.items() if args.part in (None, name)}
    if args.store:
        about = "Twenty everyday things from few posters: accuracy from scratch. Rotation, pretrained in three ways."
        print(store("self_supervision", figures, about=about, command="python benchmarks/self_supervision.py --store"))


if __name__ == "__main__":
    main()
