"""Whether lesson 01 compares its arms fairly: final accuracy over learning rates and budgets, five seeds each.

The lesson trains both arms at one rate (3e-3) for 60 steps. If another rate or four times the steps closed the gap, the
lesson would show a badly tuned baseline and not a benefit of transfer.

    python benchmarks/lesson01_rates.py
"""

from __future__ import annotations

import json

import torch

from tlcourse.measure import Interval, mean_interval, paired_gap
from tlcourse.models import GlyphNet
from tlcourse.transfer import fit, imprint_head
from tlcourse.worlds import handwriting

ARMS = {"transfer": GlyphNet.pretrained, "scratch": GlyphNet}
RATES = (1e-3, 3e-3, 1e-2)
STEPS = (60, 240)
SEEDS = range(5)
PER_CLASS = 3
LESSON = (60, 3e-3)


def final_accuracy(arm: str, steps: int, rate: float, seed: int) -> float:
    """One run, as the lesson's `learning_curve` makes it."""
    digits = handwriting(size=32, seed=seed)
    train, test = digits.take(PER_CLASS), digits.take(30, skip=120)
    torch.manual_seed(seed)
    network = ARMS[arm]().with_new_head(10)
    imprint_head(network, train)
    return fit(network, train, test, steps=steps, rate=rate, seed=seed).accuracy[-1]


def shown(interval: Interval) -> str:
    """The mean with the ends of its interval."""
    return f"{interval.mean:.3f} [{interval.low:.3f}, {interval.high:.3f}]"


def main() -> None:
    """Every rate and budget, both arms."""
    print(f"{'steps':>5}{'rate':>8}{'transfer':>25}{'scratch':>25}{'gap (paired)':>25}")
    ends: dict[tuple[str, int, float], list[float]] = {}
    for steps in STEPS:
        for rate in RATES:
            for arm in ARMS:
                ends[arm, steps, rate] = [final_accuracy(arm, steps, rate, seed) for seed in SEEDS]
            runs = [ends[arm, steps, rate] for arm in ARMS]
            cells = [*map(mean_interval, runs), paired_gap(*runs)]
            print(f"{steps:5}{rate:8.0e}" + "".join(f"{shown(cell):>25}" for cell in cells), flush=True)
    best = {
        arm: max((ends[arm, *setting] for setting in [(s, r) for s in STEPS for r in RATES]), key=sum) for arm in ARMS
    }
    gap, best_gap = paired_gap(*(ends[arm, *LESSON] for arm in ARMS)), paired_gap(*best.values())
    longer = paired_gap(ends["scratch", 240, LESSON[1]], ends["scratch", *LESSON])
    print(f"\neach arm at its own best setting: transfer leads by {shown(best_gap)}")
    print(f"four times the steps give scratch {shown(longer)}")
    figures = {
        "lesson_gap": round(gap.mean, 3),
        "lesson_gap_low": round(gap.low, 3),
        "best_rates_gap": round(best_gap.mean, 3),
        "best_rates_gap_low": round(best_gap.low, 3),
        "scratch_gain_with_4x_steps": round(longer.mean, 3),
        "lesson_gap_over_best_gap": round(gap.mean / best_gap.mean, 2),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
