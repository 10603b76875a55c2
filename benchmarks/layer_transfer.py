"""Transferability layer by layer, every n and all four arms of Yosinski et al. (2014): what lesson 02 shows reduced.

    python benchmarks/layer_transfer.py

takes about ten minutes on one core. A seed that is done is kept in the cache: an interrupted run goes on where it
stopped, and `python benchmarks/layer_transfer.py 3` does seed 3 alone. When all are there, the package gets the result.
"""

from __future__ import annotations

import json
import sys

from tlcourse import storage
from tlcourse.measure import mean_interval, paired_gap, store
from tlcourse.models import GlyphNet
from tlcourse.transfer import layer_transfer
from tlcourse.worlds import handwriting

SEEDS = range(5)
PER_CLASS, TEST, STEPS = 100, 50, 120
ABOUT = (
    "Accuracy on handwritten digits (B, 100 training images a class, 120 steps, 5 seeds) with the first n layers kept "
    "from the base network (BnB) or from GlyphNet's pictographs (AnB); with a plus they are fine-tuned."
)


def measured(seed: int) -> dict:
    """One seed's run, from the cache if it was done before."""
    path = storage.cache_dir() / "benchmarks" / f"layer_transfer-{PER_CLASS}-{STEPS}-{seed}.json"
    if path.is_file():
        return json.loads(path.read_text(encoding="utf-8"))
    digits = handwriting(size=32, seed=seed)
    train, test = digits.take(PER_CLASS), digits.take(TEST, skip=120)
    base, arms = layer_transfer(GlyphNet.pretrained(), train, test, steps=STEPS, seed=seed)
    result = {"base": base, "arms": {arm: {str(n): value for n, value in runs.items()} for arm, runs in arms.items()}}
    storage.write_text(path, json.dumps(result))
    return result


def main() -> None:
    """The seeds named on the command line, or all of them and the table."""
    if chosen := [int(text) for text in sys.argv[1:]]:
        for seed in chosen:
            print(seed, measured(seed))
        return
    runs = [measured(seed) for seed in SEEDS]
    base = [run["base"] for run in runs]
    arms = {arm: {n: [run["arms"][arm][n] for run in runs] for n in values} for arm, values in runs[0]["arms"].items()}
    print(f"base {mean_interval(base)}")
    for arm, values in arms.items():
        for n, accuracies in values.items():
            print(f"{arm:5} n = {n}: {mean_interval(accuracies)}   less base: {paired_gap(accuracies, base)}")
    store("layer_transfer", {"base": base, "arms": arms}, about=ABOUT, command="python benchmarks/layer_transfer.py")
    drop = paired_gap(arms["AnB"]["6"], arms["BnB"]["6"])
    print(json.dumps({"base": round(mean_interval(base).mean, 3), "specificity_at_6": round(drop.mean, 3)}))


if __name__ == "__main__":
    main()
