"""Lesson 07's long comparison: which source is best for which target, and which score would have said so?

Eight sources: GlyphNet as it ships, six networks of the same design that are each trained for seconds on an alphabet in
a style, and random weights. Six targets with few labels. Every source is fine-tuned on every target, in five seeds (the
training images, their order). The learning rate of a pair is the better of two on a seed that is then left out. Every
score sees the training images of the first seed and no test image.

    python benchmarks/sources.py              # about 15 minutes on one core; --seeds 2 --steps 10 for a trial
    python benchmarks/sources.py --store      # also keep the result in the package, for lesson 07
"""

from __future__ import annotations

import argparse
import copy
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from tlcourse.measure import h_score, leep, logme, mean_interval, proxy_a_distance, ranking_agreement, store
from tlcourse.models import GLYPH_MEAN, GLYPH_STD, GlyphNet
from tlcourse.transfer import FLYER, POSTER, draw_rows, fit, frozen_features, imprint_head, linear_probe, normalised
from tlcourse.worlds import LabelledImages, Style, glyphs, handwriting

SIZE = 32
SOURCE_IMAGES = 4_000
SOURCE_STEPS, SOURCE_BATCH, SOURCE_RATE = 200, 64, 3e-3
RATES = (1e-3, 3e-3)
TRIAL_SEED = 99
SCORES = ("LEEP", "LogME", "H-score", "H-score, shrunk", "linear probe", "domain distance", "source accuracy")

SIGN = FLYER.towards(POSTER, 0.5)
"""Signs on grounds of some unrest: a few thousand images teach a network to read them."""

SOURCES: dict[str, tuple[str, str | Style]] = {
    "pictographs, sign": ("pictographs", SIGN),
    "syllabics, sign": ("syllabics", SIGN),
    "Georgian, poster": ("georgian", POSTER),
    "Latin, print": ("latin", "print"),
    "Latin, chalk": ("latin", "chalk"),
    "digits, chalk": ("digits", "chalk"),
}
"""What the six are trained on: name -> (alphabet, style)."""

TARGETS: dict[str, tuple[str, str | Style, int]] = {
    "everyday, poster": ("everyday", POSTER, 10),
    "Greek, chalk": ("greek", "chalk", 5),
    "Armenian, print": ("armenian", "print", 3),
    "Tifinagh, poster": ("tifinagh", POSTER, 5),
    "digits, sign": ("digits", SIGN, 10),
}
"""Rendered targets: name -> (alphabet, style, labelled images of each class). Handwriting comes to them."""


@dataclass(frozen=True)
class Source:
    """A trained network with its own head, images of its source task that it has not seen, and its accuracy there."""

    network: GlyphNet
    images: LabelledImages
    accuracy: float


@dataclass(frozen=True)
class Target:
    """A pool to draw few labelled images from, how many of each class, and the test images."""

    pool: LabelledImages
    per_class: int
    test: LabelledImages

    def train(self, seed: int) -> LabelledImages:
        """The labelled images of one seed."""
        return self.pool.subset(draw_rows(self.pool.labels, self.per_class, seed))


def trained_source(alphabet: str, style: str | Style, steps: int) -> Source:
    """GlyphNet from random weights on a few thousand images of one alphabet in one style."""
    train, held_out = source_images(alphabet, style)
    torch.manual_seed(0)
    network = GlyphNet(len(train.classes))
    history = fit(network, train, held_out, steps=steps, batch_size=SOURCE_BATCH, rate=SOURCE_RATE)
    return Source(network, held_out, history.accuracy[-1])


def source_images(alphabet: str, style: str | Style) -> tuple[LabelledImages, LabelledImages]:
    """(images to train a source on, 600 or so to test it with)."""
    classes = len(glyphs(alphabet, 1, style=style, size=SIZE).classes)
    counts = (SOURCE_IMAGES // classes, -(-600 // classes))
    train, held_out = (
        glyphs(alphabet, count, style=style, size=SIZE, seed=700 + part) for part, count in enumerate(counts)
    )
    return train, held_out


def sources(steps: int) -> dict[str, Source]:
    """All eight, by name."""
    _, photos = source_images("pictographs", "photo")
    torch.manual_seed(0)
    found = {"GlyphNet": GlyphNet.pretrained(), "random weights": GlyphNet()}
    ready = {name: Source(network, photos, own_accuracy(network, photos)) for name, network in found.items()}
    for name, (alphabet, style) in SOURCES.items():
        ready[name] = trained_source(alphabet, style, steps)
        print(f"source {name}: {ready[name].accuracy:.3f} on its own task", flush=True)
    return ready


def own_accuracy(network: GlyphNet, data: LabelledImages) -> float:
    """The share of images that a network with its own head names right."""
    return float(np.mean(outputs(network, data.images).argmax(1) == data.labels))


@torch.no_grad()
def outputs(network: GlyphNet, images: np.ndarray) -> np.ndarray:
    """The network's probabilities of its own classes, shape (N, classes)."""
    pixels = normalised(images)
    network.to(pixels.device).eval()
    return torch.cat([network(x).float().softmax(1) for x in pixels.split(256)]).cpu().numpy()


def targets() -> dict[str, Target]:
    """All six, by name."""
    scans = handwriting(size=SIZE, seed=0)
    ready = {"handwriting": Target(scans.subset(range(1000)), 5, scans.subset(range(1000, len(scans))))}
    for name, (alphabet, style, per_class) in TARGETS.items():
        pool = glyphs(alphabet, 4 * per_class, style=style, size=SIZE, seed=710)
        test = glyphs(alphabet, -(-600 // len(pool.classes)), style=style, size=SIZE, seed=711)
        ready[name] = Target(pool, per_class, test)
    return ready


def fine_tuned(source: Source, target: Target, steps: int, rate: float, seed: int) -> float:
    """Test accuracy after fine-tuning all of a source's body on a target's labelled images of this seed."""
    train = target.train(seed)
    torch.manual_seed(seed)
    network = copy.deepcopy(source.network).with_new_head(len(train.classes))
    imprint_head(network, train)
    return fit(network, train, target.test, steps=steps, rate=rate, seed=seed).accuracy[-1]


def scored(source: Source, target: Target) -> dict[str, float]:
    """What each score says of a pair, from the training images of seed 0."""
    train = target.train(0)
    x, z = (features(source.network, data) for data in (train, source.images))
    return {
        "LEEP": leep(outputs(source.network, train.images), train.labels),
        "LogME": logme(x, train.labels),
        "H-score": h_score(x, train.labels),
        "H-score, shrunk": h_score(x, train.labels, shrunk=True),
        "linear probe": held_out_accuracy(x, train.labels),
        "domain distance": -proxy_a_distance(z, x),
        "source accuracy": source.accuracy,
    }


def features(network: GlyphNet, data: LabelledImages) -> np.ndarray:
    """Frozen features, shape (N, 192)."""
    return frozen_features(network.body, data, mean=GLYPH_MEAN, std=GLYPH_STD, cache=False)


def held_out_accuracy(x: np.ndarray, labels: np.ndarray) -> float:
    """A linear probe's accuracy on the labelled images themselves: each third by the one trained on the others."""
    from sklearn.model_selection import StratifiedKFold

    folds = StratifiedKFold(3, shuffle=True, random_state=0).split(x, labels)
    right = [
        linear_probe(x[fit], labels[fit], x[held], labels[held], strengths=(1.0,)).predictions == labels[held]
        for fit, held in folds
    ]
    return float(np.concatenate(right).mean())


def measured(source: Source, target: Target, steps: int, seeds: Sequence[int]) -> dict[str, Any]:
    """One pair: the rate, the accuracies of all seeds and the scores."""
    trials = {rate: fine_tuned(source, target, steps, rate, TRIAL_SEED) for rate in RATES}
    rate = max(trials, key=trials.__getitem__)
    accuracies = [fine_tuned(source, target, steps, rate, seed) for seed in seeds]
    return {"rate": rate, "accuracies": accuracies, "scores": scored(source, target)}


def agreement(pairs: dict[str, dict[str, dict[str, Any]]], score: str) -> Any:
    """How well a score ordered the sources of each target."""
    scores = [[pair["scores"][score] for pair in row.values()] for row in pairs.values()]
    accuracies = [[pair["accuracies"] for pair in row.values()] for row in pairs.values()]
    return ranking_agreement(np.array(scores), np.array(accuracies))


def main() -> None:
    """Measure, print, and keep the result if asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=30, help="of each fine-tuning")
    parser.add_argument("--source-steps", type=int, default=SOURCE_STEPS, help="of each source's own training")
    parser.add_argument("--store", action="store_true", help="keep the result in the package")
    args = parser.parse_args()
    started = time.perf_counter()
    candidates, pairs = sources(args.source_steps), {}
    for target, data in targets().items():
        pairs[target] = {
            name: measured(source, data, args.steps, range(args.seeds)) for name, source in candidates.items()
        }
        for name, pair in pairs[target].items():
            shown = ", ".join(f"{score} {value:.3f}" for score, value in pair["scores"].items())
            print(f"{target} from {name}: {mean_interval(pair['accuracies'])}; {shown}", flush=True)
    agreements = {score: agreement(pairs, score) for score in SCORES}
    for score, found in agreements.items():
        print(f"{score}: Kendall's tau {found}")
    own = {name: source.accuracy for name, source in candidates.items()}
    if args.store:
        about = "Fine-tuned accuracy of every source on every target, and what each score said before."
        command = "python benchmarks/sources.py --store"
        figures = {"pairs": pairs, "sources": own, "steps": args.steps, "source_steps": args.source_steps}
        print(store("sources", figures, about=about, command=command))
    seconds = round(time.perf_counter() - started)
    print(json.dumps({"seconds": seconds, **{score: found.mean for score, found in agreements.items()}}))


if __name__ == "__main__":
    main()
