"""Rendered digits to real handwriting without target labels: every method, strength and seed, and every validator.

The source is 1,000 labelled digits in the print style; the target 1,000 scans of handwriting whose labels are not given
to anything but the last line of the measurement; the test set the other 797 scans. All arms share images, steps, rate
and the order of images. Which strength of a penalty is best is not known beforehand, so each is run; what a label-free
validator would have chosen is read off afterwards by `tlcourse.measure`.

    python benchmarks/adaptation.py            # about 20 minutes on two cores; --steps 20 --seeds 2 for a trial
    python benchmarks/adaptation.py --store    # also keep the result in the package, for lesson 05
"""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

import numpy as np
import torch

from tlcourse.measure import (
    entropy_score,
    information_score,
    mean_interval,
    neighbourhood_score,
    source_weighted_score,
    store,
)
from tlcourse.models import GLYPHNET, GlyphNet
from tlcourse.transfer import adapt, ensemble_probabilities, frozen_features, importance_weights, imprint_head, predict
from tlcourse.worlds import LabelledImages, glyphs, handwriting

SIZE = 32
STYLES = ("print", "chalk", "photo", "night")
ARMS: dict[str, tuple[str | None, tuple[float, ...]]] = {
    "target statistics": (None, (0,)),
    "CORAL": ("coral", (10, 100, 1000)),
    "MMD": ("mmd", (3, 10, 30)),
    "DANN": ("dann", (0.1, 0.3, 1)),
    "CDAN": ("cdan", (0.1, 0.3, 1)),
}


def domains(seed: int, style: str = "print", per_class: int = 100) -> tuple[LabelledImages, ...]:
    """(source, source for validation, target, test)."""
    scans = handwriting(size=SIZE, seed=seed)
    source = glyphs("digits", per_class, style=style, size=SIZE, seed=100 + seed)
    held_out = glyphs("digits", 30, style=style, size=SIZE, seed=200 + seed)
    return source, held_out, scans.subset(range(1000)), scans.subset(range(1000, len(scans)))


def trained(
    source: LabelledImages, target: LabelledImages, method: str | None, seed: int, steps: int, **options: Any
) -> GlyphNet:
    """GlyphNet adapted from a source to the images of a target."""
    torch.manual_seed(seed)
    network = GlyphNet.pretrained().with_new_head(10)
    imprint_head(network, source)
    adapt(network, source, target.images, method, steps=steps, seed=seed, **options)
    return network


def features(images: np.ndarray) -> np.ndarray:
    """Frozen GlyphNet features."""
    return frozen_features(GlyphNet.pretrained().body, images, mean=GLYPHNET.mean, std=GLYPHNET.std)


def share_right(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Accuracy."""
    return float((probabilities.argmax(1) == labels).mean())


def measured(network: GlyphNet, held_out: LabelledImages, weights: np.ndarray, target: LabelledImages) -> dict:
    """Every validator's score. Of the target it reads images only."""
    on_source = predict(network, held_out.images, own_statistics=True)
    on_target = predict(network, target.images, own_statistics=True)
    return {
        "entropy": entropy_score(on_target.probabilities),
        "information": information_score(on_target.probabilities),
        "neighbourhood": neighbourhood_score(on_target.probabilities),
        "source weighted": source_weighted_score(on_source.labels == held_out.labels, weights),
        "source": float((on_source.labels == held_out.labels).mean()),
    }


def grid(seeds: range, steps: int) -> list[dict[str, Any]]:
    """One row for each seed, arm and strength."""
    rows = []
    for seed in seeds:
        source, held_out, target, test = domains(seed)
        weights = importance_weights(features(held_out.images), features(target.images))
        for arm, (method, strengths) in ARMS.items():
            for strength in strengths:
                started = time.perf_counter()
                network = trained(source, target, method, seed, steps, strength=strength)
                seconds = time.perf_counter() - started
                scores = measured(network, held_out, weights, target)
                accuracy = share_right(predict(network, test.images).probabilities, test.labels)
                row = {"seed": seed, "arm": arm, "strength": strength, "accuracy": accuracy, "seconds": seconds}
                rows.append(row | {"scores": scores})
                print(f"{seed} {arm:18}{strength:8g}{accuracy:8.3f}{seconds:7.1f} s", flush=True)
    return rows


def without_target_statistics(seeds: range, steps: int) -> dict[str, list[float]]:
    """Source only, and source examples weighted: batch norm keeps the source's statistics."""
    ends: dict[str, list[float]] = {"source only": [], "instance weighting": []}
    for seed in seeds:
        source, _, target, test = domains(seed)
        weights = importance_weights(features(source.images), features(target.images))
        for name, given in {"source only": None, "instance weighting": weights}.items():
            network = trained(source, target, None, seed, steps, weights=given)
            predict(network, source.images, own_statistics=True)
            ends[name].append(share_right(predict(network, test.images).probabilities, test.labels))
    return ends


def ensembles(seeds: range, steps: int) -> dict[str, list[float]]:
    """Four source styles, a quarter of images and steps each: the accuracy of their mean opinion, and their mean."""
    ends: dict[str, list[float]] = {}
    for seed in seeds:
        for name, method in {"target statistics": None, "MMD": "mmd"}.items():
            networks, members = [], []
            for number, style in enumerate(STYLES):
                source = domains(seed + 10 * number, style, 25)[0]
                *_, target, test = domains(seed)
                network = trained(source, target, method, seed, steps // len(STYLES))
                networks.append(network)
                members.append(share_right(predict(network, test.images).probabilities, test.labels))
            ends.setdefault(f"one style, {name}", []).append(float(np.mean(members)))
            together = share_right(ensemble_probabilities(networks, test.images), test.labels)
            ends.setdefault(f"ensemble over styles, {name}", []).append(together)
    return ends


def main() -> None:
    """Measure, print, and keep the result if asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--store", action="store_true", help="keep the result in the package")
    args = parser.parse_args()
    seeds = range(args.seeds)
    plain = without_target_statistics(seeds, args.steps) | ensembles(seeds, args.steps)
    rows = grid(seeds, args.steps)
    table: dict[str, list[float]] = dict(plain)
    for row in rows:
        table.setdefault(f"{row['arm']}, {row['strength']:g}", []).append(row["accuracy"])
    for name, values in table.items():
        print(f"{name:44}{mean_interval(values)}")
    figures = {"steps": args.steps, "plain": plain, "rows": rows}
    if args.store:
        command = "python benchmarks/adaptation.py --store"
        print(store("adaptation", figures, about="Print-style digits to handwriting: test accuracy.", command=command))
    print(json.dumps({name: float(np.mean(values)) for name, values in table.items()}))


if __name__ == "__main__":
    main()
