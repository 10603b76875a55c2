"""Lesson 12's real speech: leave one speaker out of recorded words, with an image model's frozen features.

Any folder of wav files named {word}_{speaker}_{take}.wav will do, such as the Free Spoken Digit Dataset. Each speaker
in turn is the new one. Half of the takes of the others train a linear classifier, the other half test it on known
speakers; all takes of the new speaker test it on that one. Every way of training sees as many spectrograms.

    python benchmarks/spoken.py FOLDER                                      # GlyphNet, a few minutes on one core
    python benchmarks/spoken.py FOLDER --network mobilenet_v2 --weights FILE --size 96 --store
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from tlcourse.measure import mean_interval, paired_gap, store
from tlcourse.models import source_model
from tlcourse.transfer import frozen_features, linear_probe
from tlcourse.worlds import LabelledImages, LabelledSounds, played_at, sound_folder, spec_augmented, spectrogram_images

VIEWS = 1  # further views of each training recording
SPREAD = np.log(1.33)  # of the logarithms of warps and speeds
C = 10.0
GRID = (6, 3)  # parts of the image, from low to high and from early to late, that are averaged each alone
PLACES = "first half, places kept"

Features = Callable[[LabelledImages], np.ndarray]


def main() -> None:
    """Measure, print a table, and keep the result if asked."""
    options = _options()
    sounds = sound_folder(options.folder, takes=options.takes)
    figures: dict[str, Any] = {}
    for label, features in _readers(options).items():
        figures[label] = _leave_out(sounds, features, every_way=label.endswith(PLACES))
    for name, arms in figures.items():
        for arm, runs in arms.items():
            gap = paired_gap(runs, arms["new speaker"])
            print(f"{name:46} {arm:15} {mean_interval(runs)}; over new speaker {gap}: {gap.verdict}")
    speakers = sorted(set(sounds.speakers.tolist()))
    if options.store:
        about = (
            f"{len(sounds):,} recordings of {len(sounds.classes)} spoken words by {len(speakers)} speakers, each "
            "left out once: test accuracy, one number a speaker."
        )
        extra = " --network NAME --weights FILE --size PIXELS" if options.network else ""
        store("spoken", figures, about=about, command=f"python benchmarks/spoken.py FOLDER{extra} --store")
    print(json.dumps(figures))


def _leave_out(sounds: LabelledSounds, features: Features, every_way: bool) -> dict[str, list[float]]:
    """Accuracies by arm, one number for each speaker who was left out."""
    arms: dict[str, list[float]] = {"known speakers": []}
    ways = (
        _ways(sounds, features) if every_way else {"new speaker": [features(spectrogram_images(sounds))] * (VIEWS + 1)}
    )
    for speaker in sorted(set(sounds.speakers.tolist())):
        new, others = np.flatnonzero(sounds.speakers == speaker), np.flatnonzero(sounds.speakers != speaker)
        train, known = others[::2], others[1::2]
        test = np.concatenate([known, new])
        for way, (plain, *copies) in ways.items():
            x = np.concatenate([plain[train], *(copy[train] for copy in copies)])
            y = np.tile(sounds.labels[train], VIEWS + 1)
            probe = linear_probe(x, y, plain[test], sounds.labels[test], strengths=(C,))
            right = probe.predictions == sounds.labels[test]
            if way == "new speaker":
                arms["known speakers"].append(float(right[: len(known)].mean()))
            arms.setdefault(way, []).append(float(right[len(known) :].mean()))
    return arms


def _ways(sounds: LabelledSounds, features: Features) -> dict[str, list[np.ndarray]]:
    """Way of training -> features of all recordings as they are tested, then of each further view."""
    rng = np.random.default_rng(0)
    images = spectrogram_images(sounds)
    plain, level = features(images), features(spectrogram_images(sounds, level_bands=True))
    factors = [np.exp(rng.uniform(-SPREAD, SPREAD, len(sounds))) for _ in range(2 * VIEWS)]
    return {
        "new speaker": [plain] * (VIEWS + 1),
        "striped": [plain, *(features(spec_augmented(images, seed=seed)) for seed in range(VIEWS))],
        "warped": [plain, *(features(spectrogram_images(sounds, warps=warp)) for warp in factors[:VIEWS])],
        "replayed": [plain, *(features(spectrogram_images(played_at(sounds, speed))) for speed in factors[VIEWS:])],
        "levelled": [level] * (VIEWS + 1),
    }


def _readers(options: argparse.Namespace) -> dict[str, Features]:
    """Name -> features: each network whole and averaged, or its first half with places kept, trained or not."""
    networks = {"GlyphNet": ("glyphnet", "DEFAULT", None)}
    if options.network:
        networks[f"{options.network}, {options.size} px"] = (options.network, options.weights, options.size)
    readers: dict[str, Features] = {}
    for label, (network, weights, size) in networks.items():
        readers[f"{label}, {PLACES}"] = _features(network, weights, size, half=True)
        readers[f"{label}, whole body, averaged"] = _features(network, weights, size, half=False)
        readers[f"{label}, random weights, places"] = _features(network, None, size, half=True)
    readers["raw pixels"] = lambda images: images.images[:, 0].reshape(len(images), -1) / 255
    return readers


def _features(network: str, weights: Any, size: int | None, half: bool) -> Features:
    source = source_model(network)
    torch.manual_seed(0)  # for random weights
    body = source.body(weights)
    if half:
        body = nn.Sequential(body[: len(body) // 2], nn.AdaptiveAvgPool2d(GRID), nn.Flatten())
    return lambda images: frozen_features(body, images, mean=source.mean, std=source.std, image_size=size)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", help="wav files named {word}_{speaker}_{take}.wav")
    parser.add_argument("--network", help="a source model of the zoo, besides GlyphNet")
    parser.add_argument("--weights", default="DEFAULT", help="its weights: a local file, or DEFAULT to download them")
    parser.add_argument("--size", type=int, default=96, help="pixels of its images")
    parser.add_argument("--takes", type=int, help="at most so many recordings of each word by each speaker")
    parser.add_argument("--store", action="store_true", help="keep the result in the package, for lesson 12")
    return parser.parse_args()


if __name__ == "__main__":
    main()
