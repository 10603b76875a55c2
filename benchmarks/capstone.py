"""The capstone's baselines on many pictures: what the hidden test sets are scored against.

    python benchmarks/capstone.py --store

takes about three minutes on one core. Training from scratch has a seed, so the judge uses the mean of five; the other
two baselines have none, and the judge works them out on the very pictures of a hidden set. All learn from the labels
that learners get. Without `--store` nothing is kept.
"""

from __future__ import annotations

import argparse
import json

import numpy as np

from tlcourse.measure import mean_interval, store
from tlcourse.transfer import BASELINES, baseline_predictions
from tlcourse.worlds import CAPSTONE_TASKS, capstone_task
from tlcourse.worlds.capstone import hidden_set

SEEDS = range(5)
TEST_SEEDS = range(10)
ABOUT = (
    "Accuracy of the capstone's three baselines on 3,000 pictures like the hidden ones, from the labels that learners "
    "get: GlyphNet from scratch, one number a seed; the commonest class and a probe on frozen features, without a seed."
)


def main() -> None:
    """Measure, print, and keep if told to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", action="store_true")
    figures = {name: _measured(name) for name in CAPSTONE_TASKS}
    if parser.parse_args().store:
        store("capstone", figures, about=ABOUT, command="python benchmarks/capstone.py --store")
    means = {task: {name: round(float(np.mean(found[name])), 3) for name in found} for task, found in figures.items()}
    print(json.dumps(means))


def _measured(name: str) -> dict[str, list[float]]:
    task = capstone_task(name)
    tests = [hidden_set(name, seed) for seed in TEST_SEEDS]
    pictures, labels = np.concatenate([test.images for test in tests]), np.concatenate([test.labels for test in tests])
    found: dict[str, list[float]] = {}
    for baseline in BASELINES:
        seeds = SEEDS if baseline == "from scratch" else range(1)
        for seed in seeds:
            said = baseline_predictions(task.train, pictures, names=[baseline], seed=seed)[baseline]
            found.setdefault(baseline, []).append(round(float(np.mean(said == labels)), 4))
        shown = mean_interval(found[baseline]) if len(found[baseline]) > 1 else found[baseline][0]
        print(f"{name:8} {baseline:16} {shown}", flush=True)
    return found


if __name__ == "__main__":
    main()
