"""The four scenarios of transfer: data set size x similarity, four strategies, and where the winner changes.

    python benchmarks/scenarios.py                            # about 20 minutes on one core; --seeds 2 for a trial
    python benchmarks/scenarios.py --store                    # also keep the result in the package, for lesson 08
    python benchmarks/scenarios.py --real FOLDER --store      # the same four on photos, with ImageNet weights

FOLDER holds `sign_digits/CLASS/*.jpg`, `mnist/t10k-*.gz` and `weights/squeezenet1_1_in1k_fp16.pth`. Every run that is
done is kept in the cache: an interrupted benchmark goes on where it stopped.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from tlcourse import storage
from tlcourse.measure import mean_interval, paired_gap, proxy_a_distance, store
from tlcourse.models import GLYPHNET, GlyphNet, source_model
from tlcourse.transfer import fit, frozen_features
from tlcourse.transfer.strategies import RATES, STRATEGIES, glyph_network, run_strategy
from tlcourse.worlds import LabelledImages, alphabet, glyphs, handwriting, idx_images, photo_folder

SIZE = 32  # pixels
SIZES = (2, 5, 20, 100)
SMALL, LARGE = 5, 100
GRID_SEEDS = 5
TRAINED = STRATEGIES[1:]
ARMS = ("frozen features", "fine-tune all")
TRIED_RATES = (1e-3, 3e-3)
WORLDS = {"similar": ("everyday", "photo"), "different": ("handwriting", "")}
# (alphabet, style): ten classes of each, ever less like the source's pictographs.
SIMILARITY = (
    ("everyday", "photo"),
    ("armenian", "photo"),
    ("digits", "photo"),
    ("digits", "chalk"),
    ("handwriting", ""),
)
UNSEEN = (
    ("held-out", "photo", 4),
    ("held-out", "photo", 25),
    ("held-out", "night", 8),
    ("greek", "photo", 4),
    ("greek", "chalk", 30),
    ("tifinagh", "night", 15),
    ("syllabics", "photo", 12),
    ("latin", "photo", 40),
    ("latin", "chalk", 3),
    ("handwriting: odd or even", "", 60),
    ("handwriting: odd or even", "", 8),
    ("handwriting", "", 50),
)


def steps_for(per_class: int) -> int:
    """The budget of every strategy that trains, by the size of the training set."""
    return 200 if per_class >= LARGE else 100


@dataclass(frozen=True)
class Task:
    """A target task: which characters, in which look, how many images of each class."""

    letters: str
    style: str
    per_class: int
    classes: int | None = None

    @property
    def name(self) -> str:
        """As a figure shows it."""
        look = f", {self.style}" if self.style else ""
        return f"{self.letters}{look}"

    def data(self, seed: int) -> tuple[LabelledImages, LabelledImages]:
        """(training images drawn by `seed`, test images)."""
        if self.letters.startswith("handwriting"):
            return self._scans(seed)
        letters = alphabet(self.letters)
        if self.classes:
            letters = letters.only(*letters.characters[: self.classes])
        train = glyphs(letters, self.per_class, style=self.style, size=SIZE, seed=5000 + seed)
        return train, glyphs(letters, max(15, 400 // len(letters)), style=self.style, size=SIZE, seed=9000 + seed)

    def _scans(self, seed: int) -> tuple[LabelledImages, LabelledImages]:
        scans = handwriting(size=SIZE, seed=seed)
        train, test = scans.take(min(self.per_class, 120)), scans.take(50, skip=120)
        if "odd" not in self.letters:
            return train, test
        train, test = odd_or_even(train), odd_or_even(test)
        return train.take(self.per_class), test


def odd_or_even(digits: LabelledImages) -> LabelledImages:
    """The same images under a question of two answers."""
    return LabelledImages(digits.images, digits.labels % 2, ("even", "odd"), "odd or even")


def accuracy(task: Task, strategy: str, seed: int, rate: float | None = None) -> float:
    """One run, from the cache if it was done before."""
    peak = rate if rate is not None else RATES.get(strategy, 0)
    key = f"{task.letters}-{task.style}-{task.per_class}-{task.classes}-{strategy}-{seed}-{peak:g}".replace(" ", "_")

    def run() -> float:
        return run_strategy(strategy, *task.data(seed), steps=steps_for(task.per_class), seed=seed, rate=peak)

    return kept(key.replace(":", ""), run)


def kept(key: str, run: Callable[[], Any]) -> Any:
    """What `run` gives; computed once."""
    path = storage.cache_dir() / "benchmarks" / "scenarios" / f"{key}.json"
    if path.is_file():
        return json.loads(path.read_text(encoding="utf-8"))
    started = time.perf_counter()
    value = run()
    storage.write_text(path, json.dumps(value))
    print(f"{key}: {value if isinstance(value, float) else 'done'} ({time.perf_counter() - started:.0f} s)", flush=True)
    return value


def outcomes(task: Task, seeds: Iterable[int], strategies: Sequence[str] = STRATEGIES) -> dict[str, list[float]]:
    """Strategy -> one accuracy a seed."""
    return {strategy: [accuracy(task, strategy, seed) for seed in seeds] for strategy in strategies}


def distance(task: Task, seed: int = 0) -> float:
    """Proxy A-distance between the target's images and the source's pictographs, on GlyphNet's frozen features."""
    body = GlyphNet.pretrained().body

    def features(data: LabelledImages) -> np.ndarray:
        return frozen_features(body, data, mean=GLYPHNET.mean, std=GLYPHNET.std)

    source = glyphs("pictographs", 3, size=SIZE, seed=7000 + seed)
    target = task.data(seed)[1]
    rows = np.random.default_rng(seed).permutation(len(target))[:400]
    return proxy_a_distance(features(source), features(target.subset(rows)), seed=seed)


def tuning() -> dict[str, dict[str, list[float]]]:
    """Strategy -> rate -> accuracy in the two small scenarios, on a seed that no result uses."""
    cells = [Task(*world, SMALL) for world in WORLDS.values()]
    return {
        strategy: {f"{rate:g}": [accuracy(cell, strategy, 100, rate) for cell in cells] for rate in TRIED_RATES}
        for strategy in TRAINED
    }


def size_sweep(seeds: range) -> dict[str, dict[str, dict[str, list[float]]]]:
    """World -> images a class -> strategy -> accuracies. The grid of the four scenarios is two of its sizes."""
    return {world: {str(n): outcomes(Task(*where, n), seeds) for n in SIZES} for world, where in WORLDS.items()}


def similarity_sweep(seeds: range) -> list[dict[str, Any]]:
    """The same size of target, ten classes each, ever less like the source."""
    tasks = [Task(*where, 10, 10) for where in SIMILARITY]
    return [
        {"task": t.name, "distance": [distance(t, s) for s in seeds], "accuracy": outcomes(t, seeds, ARMS)}
        for t in tasks
    ]


def unseen_tasks() -> list[dict[str, Any]]:
    """Tasks that the lesson does not show, to judge a chooser by."""
    tasks = [Task(*where, 20) for where in UNSEEN]
    return [
        {
            "task": t.name,
            "per_class": t.per_class,
            "distance": [distance(t, s) for s in range(2)],
            "accuracy": outcomes(t, range(2)),
        }
        for t in tasks
    ]


def long_curves(seeds: range, steps: int = 400) -> dict[str, Any]:
    """Large and different, trained long: test accuracy along the way with and without pretraining."""
    at = [0, 15, 30, 60, 100, 150, 200, 300, 400]

    def curve(strategy: str, seed: int) -> list[float]:
        train, test = Task("handwriting", "", LARGE).data(seed)
        torch.manual_seed(seed)
        network = glyph_network(strategy != "from scratch", 10)
        return fit(network, train, test, steps=steps, rate=RATES[strategy], measure_at=at, seed=seed).accuracy

    runs = {
        name: [
            kept(f"curve-{name}-{RATES[name]:g}-{seed}".replace(" ", "_"), lambda n=name, s=seed: curve(n, s))
            for seed in seeds
        ]
        for name in ("fine-tune all", "from scratch")
    }
    return {"steps": at, "accuracy": runs}


# Real photos, ImageNet weights.


PHOTO_SIZE, PHOTO_STEPS, PHOTO_SEEDS = 96, 40, 3
PHOTO_TRIED = (3e-4, 1e-3)
# The better of those two on a small set of photos, on a seed that no result uses: `photo_tuning` shows it.
PHOTO_RATES = {"first layers frozen": 1e-3, "fine-tune all": 3e-4, "from scratch": 3e-4}
FROZEN_FIRE = 7  # of SqueezeNet's 13 first children: the early half


def photo_network(weights: Path) -> Callable[[bool, int], nn.Sequential]:
    """SqueezeNet as `run_strategy` takes it, with weights from a file or random ones."""

    def build(pretrained: bool, n_classes: int) -> nn.Sequential:
        source = source_model("squeezenet1_1")
        body = source.body(weights if pretrained else None)
        head = nn.Linear(source.features, n_classes)
        return nn.Sequential(*body, nn.AdaptiveAvgPool2d(1), nn.Flatten(), head)

    return build


def photos(folder: Path, name: str, per_class: int, seed: int) -> tuple[LabelledImages, LabelledImages]:
    """(training images, test images) of a real set."""
    if name == "sign_digits":
        return photo_folder(folder / name, image_size=PHOTO_SIZE).split(per_class, 200, seed)
    files = [folder / "mnist" / f"t10k-{part}.gz" for part in ("images-idx3-ubyte", "labels-idx1-ubyte")]
    scans = idx_images(*files, size=PHOTO_SIZE, seed=seed)
    return scans.take(per_class), scans.take(20, skip=per_class)


def real_run(folder: Path, name: str, per_class: int, strategy: str, seed: int, rate: float | None = None) -> float:
    """One strategy on one draw of a real set, from the cache if it was done before."""
    source = source_model("squeezenet1_1")
    peak = PHOTO_RATES.get(strategy) if rate is None else rate

    def run() -> float:
        return run_strategy(
            strategy,
            *photos(folder, name, per_class, seed),
            steps=PHOTO_STEPS,
            seed=seed,
            frozen=FROZEN_FIRE,
            rate=peak,
            network=photo_network(folder / "weights" / "squeezenet1_1_in1k_fp16.pth"),
            mean=source.mean,
            std=source.std,
        )

    return kept(f"real-{name}-{per_class}-{strategy}-{seed}-{peak or 0:g}".replace(" ", "_"), run)


def photo_tuning(folder: Path) -> dict[str, dict[str, list[float]]]:
    """Strategy -> rate -> accuracy on a small set of photos, on a seed that no result uses."""
    return {
        strategy: {f"{rate:g}": [real_run(folder, "sign_digits", SMALL, strategy, 100, rate)] for rate in PHOTO_TRIED}
        for strategy in TRAINED
    }


def real_cells(folder: Path, seeds: range) -> dict[str, dict[str, list[float]]]:
    """Scenario -> strategy -> accuracies."""
    sets = {"photos of hands": "sign_digits", "scanned digits": "mnist"}
    return {
        f"{title}, {n} a class": {s: [real_run(folder, name, n, s, seed) for seed in seeds] for s in STRATEGIES}
        for n in (SMALL, 40)
        for title, name in sets.items()
    }


# What is printed and kept.


def show(name: str, cell: dict[str, list[float]]) -> None:
    """A line for each strategy, and the gap of the best two."""
    print(name)
    for strategy, runs in cell.items():
        print(f"  {strategy:20} {mean_interval(runs)}")
    first, second = sorted(cell, key=lambda strategy: -np.mean(cell[strategy]))[:2]
    gap = paired_gap(cell[first], cell[second])
    print(f"  {first} over {second}: {gap}: {gap.verdict}")


ABOUT = (
    "Test accuracy of four strategies from GlyphNet, at 32 px, 100 steps (200 from 100 images a class on): by size of "
    "the training set on 20 new pictographs (similar) and on handwriting (different), and at 10 images a class on five "
    "tasks by their proxy A-distance to the source; two curves of 400 steps; tasks to judge a chooser by."
)
REAL_ABOUT = (
    f"Test accuracy of four strategies from SqueezeNet with ImageNet weights at {PHOTO_SIZE} px, {PHOTO_STEPS} steps, "
    f"{PHOTO_SEEDS} seeds: photos of hands that sign digits, and MNIST's scanned digits."
)
# What share of the price of training the whole network a strategy pays.
SHARE = {"frozen features": 0.0, "first layers frozen": 0.5, "fine-tune all": 1.0, "from scratch": 1.0}


def glyph_figures(seeds: range) -> dict[str, Any]:
    """All that lesson 08 shows of the glyph world."""
    return {
        "rates": RATES,
        "tuning": tuning(),
        "sizes": size_sweep(seeds),
        "distance": {world: [distance(Task(*where, SMALL), s) for s in seeds] for world, where in WORLDS.items()},
        "similarity": similarity_sweep(seeds),
        "long": long_curves(range(min(3, len(seeds)))),
        "unseen": unseen_tasks(),
        "share": SHARE,
    }


def main() -> None:
    """Measure, print a table and one line of JSON, and keep the result if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--real", type=Path, metavar="FOLDER", help="run on the photos and weights in this folder")
    parser.add_argument("--seeds", type=int, default=None, help="seeds of each run")
    parser.add_argument("--store", action="store_true", help="keep the result in the package")
    chosen = parser.parse_args()
    if chosen.real:
        cells = real_cells(chosen.real, range(chosen.seeds or PHOTO_SEEDS))
        figures = {"cells": cells, "rates": PHOTO_RATES, "tuning": photo_tuning(chosen.real)}
        name, about = "scenarios_real", REAL_ABOUT
        command = "python benchmarks/scenarios.py --real FOLDER --store"
    else:
        figures = glyph_figures(range(chosen.seeds or GRID_SEEDS))
        cells = {
            f"{world}, {n} a class": cell for world, sweep in figures["sizes"].items() for n, cell in sweep.items()
        }
        name, about, command = "scenarios", ABOUT, "python benchmarks/scenarios.py --store"
    for title, cell in cells.items():
        show(title, cell)
    if chosen.store:
        store(name, figures, about=about, command=command)
    print(json.dumps({t: {s: round(float(np.mean(runs)), 3) for s, runs in c.items()} for t, c in cells.items()}))


if __name__ == "__main__":
    main()
