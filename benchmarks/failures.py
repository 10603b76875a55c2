"""Layers cut off one by one, and cures of overfitting one at a time, each with enough runs for an interval.

Lesson 10 shows these numbers and runs a small part of each anew. The task is 100 scans of handwritten digits, 10 of
each, at 16 pixels. Every arm of a comparison has the same images in the same order, and the same number of steps.

- cutting: the first n layers of GlyphNet under a head; the same under fresh layers in the place of those that are gone;
  and n fresh layers under a head.
- cures: GlyphNet from scratch, with nothing against overfitting, with one cure, with all.

Run: python benchmarks/failures.py [--runs N] [--store]. Minutes on 2 cores. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

import numpy as np
import torch

from tlcourse.measure import paired_gap, store
from tlcourse.models import GlyphNet
from tlcourse.transfer import Cures, accuracy, cut, fit, prepared, train_with_cures, transplant
from tlcourse.worlds import LabelledImages, handwriting

SIZE, PER_CLASS, STEPS, CURE_STEPS = 16, 10, 60, 120
ARMS = {
    "nothing": Cures(),
    "weight decay": Cures(weight_decay=0.3),
    "dropout": Cures(dropout=0.5),
    "early stopping": Cures(stop_early=True),
    "augmentation": Cures(augment=True),
    "all four": Cures(augment=True, dropout=0.5, weight_decay=0.3, stop_early=True),
}


def task(seed: int) -> tuple[LabelledImages, LabelledImages, LabelledImages]:
    """(100 scans to train on, 200 to validate, 797 to test) in an order drawn by the seed."""
    scans = handwriting(size=SIZE, seed=seed)
    return scans.subset(range(500)).take(PER_CLASS), scans.subset(range(500, 700)), scans.subset(range(1000, 1797))


def cutting(runs: int) -> dict[str, dict[int, dict[str, list[float]]]]:
    """Arm -> layers kept -> accuracies on the training and on the test images, one a run."""
    donor = GlyphNet.pretrained()
    arms = {
        "cut": lambda n: cut(donor, n, 10),
        "fresh on top": lambda n: transplant(donor, n, 10),
        "cut, from scratch": lambda n: cut(GlyphNet(), n, 10),
    }
    found: dict[str, dict[int, dict[str, list[float]]]] = {}
    for arm, make in arms.items():
        found[arm] = {n: {"train": [], "test": []} for n in range(1, 7)}
        for n in range(1, 7):
            for seed in range(runs):
                train, valid, test = task(seed)
                torch.manual_seed(seed)
                network = make(n)
                fit(network, train, valid.subset(range(10)), steps=STEPS, rate=3e-3, seed=seed)
                for name, data in (("train", train), ("test", test)):
                    found[arm][n][name].append(accuracy(network, *prepared(data)))
            print(arm, n, {k: round(float(np.mean(v)), 3) for k, v in found[arm][n].items()}, flush=True)
    return found


def cures(runs: int) -> dict[str, dict[str, list[float]]]:
    """Cure -> validation and test accuracy, the step kept, and the last losses, one a run."""
    found: dict[str, dict[str, list[float]]] = {}
    for name, cure in ARMS.items():
        rows = []
        for seed in range(runs):
            train, valid, test = task(seed)
            torch.manual_seed(seed)
            run = train_with_cures(GlyphNet(10), train, valid, test, cure, steps=CURE_STEPS, every=10, seed=seed)
            rows.append(
                (run.valid_accuracy, run.test_accuracy, float(run.kept), run.train_loss[-1], run.valid_loss[-1])
            )
        keys = ("valid", "test", "kept", "train_loss", "valid_loss")
        found[name] = {key: list(column) for key, column in zip(keys, zip(*rows, strict=True), strict=True)}
        print(name, {key: round(float(np.mean(values)), 3) for key, values in found[name].items()}, flush=True)
    return found


def rounded(value: Any) -> Any:
    """Four places are enough, and keys become text."""
    if isinstance(value, dict):
        return {str(key): rounded(item) for key, item in value.items()}
    return [round(float(item), 4) for item in value] if isinstance(value, list) else value


def main() -> None:
    """Measure both, print the gaps, store if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=8, help="runs of each arm")
    parser.add_argument("--store", action="store_true", help="keep the result in the package")
    chosen = parser.parse_args()
    figures: dict[str, Any] = {"cures": cures(chosen.runs), "cutting": cutting(chosen.runs)}
    none = figures["cures"]["nothing"]["test"]
    gaps = {name: str(paired_gap(runs["test"], none)) for name, runs in figures["cures"].items() if name != "nothing"}
    for name, gap in gaps.items():
        print(f"{name:16} over nothing: {gap}")
    if chosen.store:
        about = (
            f"{10 * PER_CLASS} handwritten digits of {SIZE} pixels, {chosen.runs} runs of each arm: layers cut off "
            f"({STEPS} steps), and cures of overfitting ({CURE_STEPS} steps)."
        )
        command = f"python benchmarks/failures.py --runs {chosen.runs} --store"
        store("failures", rounded(figures), about=about, command=command)
    print(json.dumps({"gaps": gaps}))


if __name__ == "__main__":
    main()
