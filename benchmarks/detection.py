"""Finding pictographs in scenes: four backbones under the same head, each with enough runs for an interval.

Lesson 12 shows these numbers and runs the two frozen arms anew, smaller. All arms share the training scenes, their
order, the number of steps and the test scenes. The peak rate of each arm is the better of two on validation scenes,
with a seed of its own.

- frozen, pretrained: GlyphNet's body, frozen; the neck and the head train.
- frozen, random: the same with random weights, whose batch norms have seen the training scenes once.
- tuned, pretrained: all of it trains, from GlyphNet's weights.
- tuned, random: all of it trains, from scratch.

Run: python benchmarks/detection.py [--runs N] [--store]. Minutes on 2 cores. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

import torch

from tlcourse.measure import detection_score, mean_interval, paired_gap, store
from tlcourse.models import GlyphNet
from tlcourse.transfer import Detector, detect, fit_detector, freeze, normalised, refresh_batch_norm
from tlcourse.worlds import EVERYDAY, Scenes, scenes

KINDS = EVERYDAY.only(*"☂☎⚓✈🐱")
SCENES, TEST, STEPS, RATES = 160, 150, 80, (2e-3, 8e-3)
ARMS = ("frozen, pretrained", "frozen, random", "tuned, pretrained", "tuned, random")


def trained(arm: str, train: Scenes, rate: float, seed: int) -> Detector:
    """A detector of this arm."""
    torch.manual_seed(seed)
    network = GlyphNet.pretrained() if arm.endswith("pretrained") else GlyphNet()
    body = network.body
    if arm == "frozen, random":
        refresh_batch_norm(body, normalised(train.images))
    if arm.startswith("frozen"):
        freeze(body)
    detector = Detector(len(KINDS), body)
    fit_detector(detector, train, steps=STEPS, rate=rate, seed=seed)
    return detector


def scored(detector: Detector, data: Scenes) -> tuple[float, float]:
    """(AP50, COCO's mAP) on these scenes."""
    score = detection_score(detect(detector, data.images), data.boxes, data.labels)
    return score.at(0.5), score.map


def chosen_rate(arm: str) -> float:
    """The rate with the higher AP50 on validation scenes."""
    train, valid = scenes(SCENES, KINDS, seed=900), scenes(TEST // 2, KINDS, seed=901)
    return max(RATES, key=lambda rate: scored(trained(arm, train, rate, 900), valid)[0])


def measured(arm: str, runs: int) -> dict[str, Any]:
    """Rate, seconds of a run, and one AP50 and one mAP a run."""
    rate, test, found = chosen_rate(arm), scenes(TEST, KINDS, seed=1000), []
    began = time.perf_counter()
    for seed in range(runs):
        found.append(scored(trained(arm, scenes(SCENES, KINDS, seed=seed), rate, seed), test))
    seconds = (time.perf_counter() - began) / runs
    rows = {"AP50": [round(ap, 4) for ap, _ in found], "mAP": [round(average, 4) for _, average in found]}
    print(f"{arm:20} rate {rate:g}, {seconds:.0f} s a run, AP50 {mean_interval(rows['AP50'])}", flush=True)
    return {"rate": rate, "seconds": round(seconds, 1), **rows}


def main() -> None:
    """Measure every arm, print the gaps, store if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5, help="runs of each arm")
    parser.add_argument("--store", action="store_true", help="keep the result in the package")
    chosen = parser.parse_args()
    figures = {arm: measured(arm, chosen.runs) for arm in ARMS}
    first = figures[ARMS[0]]["AP50"]
    gaps = {arm: str(paired_gap(first, figures[arm]["AP50"])) for arm in ARMS[1:]}
    for arm, gap in gaps.items():
        print(f"{ARMS[0]} over {arm}: {gap}")
    if chosen.store:
        about = (
            f"{len(KINDS)} kinds of pictographs to find, {SCENES} scenes and {STEPS} steps to train, {TEST} scenes to "
            f"test, {chosen.runs} runs of each arm: AP at an overlap of 0.5, and COCO's mAP."
        )
        store("detection", figures, about=about, command=f"python benchmarks/detection.py --runs {chosen.runs} --store")
    print(json.dumps({"gaps": gaps}))


if __name__ == "__main__":
    main()
