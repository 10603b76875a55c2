"""The course's recipe against fastai's default: test accuracy against processor seconds, on small real data.

    python benchmarks/recipe.py                          # the glyph targets alone: about two minutes on one core
    python benchmarks/recipe.py --real ../shared/real    # sign_digits too, with ImageNet weights: about fifteen
    python benchmarks/recipe.py --real FOLDER --store    # and keep the result for lesson 09

Default: `vision_learner(dls, network).fine_tune(4, 3e-3)`, with fastai's own head, optimiser and batch of 64, on the
same normalised images. Ours: `tl.transfer.probe_then_finetune` with its own defaults; stopped at any second, it hands
over the network with the least held-out loss so far. Both arms get the same 30 training images of each class, the same
network and weights, the same input size, and compute in float32. Each is timed from the weight file to the last step,
in processor seconds over all threads; looking at the test images is not counted, and they choose nothing. The recipe's
rate and epochs were tried out on other seeds (100 and 101).

`time_ratio` is the default's mean seconds over the second at which our accuracy, averaged over the seeds, first is the
default's average final accuracy; the smallest over the tasks. `points_at_equal_time` is our accuracy at the default's
last second minus the default's final accuracy, in percentage points, the mean over the seeds; again the smallest.
`seconds_to_its_accuracy` is the same time seed by seed, null where that seed's run never reaches that seed's default.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from fastai.callback.core import Callback
from fastai.callback.schedule import fine_tune  # noqa: F401  (gives Learner the method)
from torch import nn

from tlcourse.measure import paired_gap, store
from tlcourse.models import source_model, vision_learner
from tlcourse.transfer import accuracy, prepared, probe_then_finetune
from tlcourse.worlds import LabelledImages, glyphs, handwriting, photo_folder

SEEDS = range(5)
PER_CLASS, EPOCHS, RATE, BATCH = 30, 4, 3e-3, 64
PHOTO_SIZE = 96


@dataclass(frozen=True)
class Task:
    """A target, and the network that both arms start from."""

    name: str
    network: str
    weights: Any
    draw: Callable[[int], tuple[LabelledImages, LabelledImages]]


@dataclass
class Curve:
    """Test accuracy at some processor seconds."""

    seconds: list[float] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)

    def at(self, second: float) -> float:
        """The accuracy of what there is at that second; 0 before the first point."""
        reached = [a for s, a in zip(self.seconds, self.accuracy, strict=True) if s <= second]
        return reached[-1] if reached else 0.0

    def first_reaching(self, wanted: float) -> float:
        """The second at which that accuracy is first there; infinite if it never is."""
        return min((s for s, a in zip(self.seconds, self.accuracy, strict=True) if a >= wanted), default=np.inf)


class Clock(Callback):
    """Notes test accuracy after each epoch; validation, and this, are not counted."""

    def __init__(self, started: float, measure: Callable[[nn.Module], float]) -> None:
        self.started, self.measure, self.curve = started, measure, Curve()

    def before_validate(self) -> None:
        """The clock stops."""
        self.stopped = time.process_time()

    def after_validate(self) -> None:
        """And goes on."""
        self.curve.seconds.append(self.stopped - self.started)
        self.curve.accuracy.append(self.measure(self.model))
        self.started += time.process_time() - self.stopped


def default_arm(task: Task, train: LabelledImages, measure: Callable[[nn.Module], float], seed: int) -> Curve:
    """fastai's default."""
    started = time.process_time()
    torch.manual_seed(seed)
    dls = train.dataloaders(train.take(1), batch_size=BATCH, seed=seed)
    learn = vision_learner(dls, task.network, task.weights)
    clock = Clock(started, measure)
    with learn.no_bar(), learn.no_logging(), learn.added_cbs(clock):
        learn.fine_tune(EPOCHS, RATE)
    return clock.curve


def our_arm(task: Task, train: LabelledImages, measure: Callable[[nn.Module], float], seed: int) -> tuple[Curve, int]:
    """The recipe; and how many epochs of fine-tuning it kept."""
    reached: list[float] = []  # a stage each
    result = probe_then_finetune(
        task.network,
        train,
        weights=task.weights,
        seed=seed,
        full_precision=True,
        watch=lambda _, model: reached.append(measure(model)),
    )
    curve, least = Curve(), np.inf
    for stage, now in zip(result.history, reached, strict=True):
        loss = -np.inf if stage.validation is None else stage.validation  # trained on all images: always kept
        curve.seconds.append(stage.cpu_seconds)
        curve.accuracy.append(now if loss < least else curve.accuracy[-1])
        least = min(loss, least)
    return curve, result.epochs_kept


def tasks(real: Path | None) -> Iterator[Task]:
    """The glyph targets, and the photos where there are some."""
    yield Task("pictographs", "glyphnet", "DEFAULT", pictographs)
    yield Task("handwriting", "glyphnet", "DEFAULT", digits)
    if real is None:
        return
    photos = photo_folder(real / "sign_digits", image_size=PHOTO_SIZE)
    for network in ("mobilenet_v2", "squeezenet1_1"):
        weights = real / "weights" / f"{network}_in1k_fp16.pth"
        yield Task("sign_digits", network, weights, lambda seed: photos.split(PER_CLASS, 500, seed))


def pictographs(seed: int) -> tuple[LabelledImages, LabelledImages]:
    """20 everyday pictographs that GlyphNet has not seen; other images to test than to train."""
    return glyphs("everyday", PER_CLASS, seed=1000 + seed), glyphs("everyday", 25, seed=2000 + seed)


def digits(seed: int) -> tuple[LabelledImages, LabelledImages]:
    """Scans of real handwriting."""
    scans = handwriting(size=32, seed=seed)
    return scans.take(PER_CLASS), scans.take(50, skip=PER_CLASS)


def compared(task: Task) -> dict[str, Any]:
    """Both arms on every seed."""
    source = source_model(task.network)
    ours, theirs, kept = [], [], []
    for seed in SEEDS:
        train, test = task.draw(seed)
        images, labels = prepared(test, source.mean, source.std)
        measure = partial(accuracy, images=images, labels=labels)
        theirs.append(default_arm(task, train, measure, seed))
        curve, epochs = our_arm(task, train, measure, seed)
        ours.append(curve)
        kept.append(epochs)
    return {"task": task.name, "network": task.network, "epochs_kept": kept, **figures(ours, theirs)}


def mean_first_reaching(curves: list[Curve], wanted: float) -> float:
    """The second at which the curves' mean is first there; infinite if it never is."""
    seconds = sorted(second for curve in curves for second in curve.seconds)
    return next((s for s in seconds if np.mean([curve.at(s) for curve in curves]) >= wanted), np.inf)


def figures(ours: list[Curve], theirs: list[Curve]) -> dict[str, Any]:
    """What two arms' curves, seed by seed, come to."""
    finals = [curve.accuracy[-1] for curve in theirs]
    needed = [curve.first_reaching(final) for curve, final in zip(ours, finals, strict=True)]
    equal_time = [curve.at(other.seconds[-1]) for curve, other in zip(ours, theirs, strict=True)]
    gap = paired_gap(equal_time, finals)
    spent = [curve.seconds[-1] for curve in theirs]
    reached = mean_first_reaching(ours, float(np.mean(finals)))
    return {
        "default_accuracy": rounded(finals),
        "default_seconds": rounded(spent, 2),
        "seconds_to_its_accuracy": [None if np.isinf(s) else round(s, 2) for s in needed],
        "probe_accuracy": rounded([curve.accuracy[0] for curve in ours]),
        "probe_seconds": rounded([curve.seconds[0] for curve in ours], 2),
        "our_accuracy_at_its_time": rounded(equal_time),
        "our_accuracy": rounded([curve.accuracy[-1] for curve in ours]),
        "our_seconds": rounded([curve.seconds[-1] for curve in ours], 2),
        "time_ratio": round(float(np.mean(spent) / reached), 1),
        "points_at_equal_time": round(100 * gap.mean, 1),
        "points_interval": rounded([100 * gap.low, 100 * gap.high], 1),
    }


def rounded(values: list[float], places: int = 4) -> list[float]:
    """For a file that a person may read."""
    return [round(float(value), places) for value in values]


def table(rows: list[dict[str, Any]]) -> None:
    """For a reader."""
    print(f"{'task':18} {'network':14} {'default':>22} {'our probe':>22} {'ours, at its end':>22}")
    for row in rows:
        arms = ("default", "probe", "our")
        cells = [f"{np.mean(row[f'{a}_accuracy']):.3f} in {np.mean(row[f'{a}_seconds']):5.1f} s" for a in arms]
        print(f"{row['task']:18} {row['network']:14} " + " ".join(f"{cell:>22}" for cell in cells))
        low, high = row["points_interval"]
        print(
            f"{'':33} time ratio {row['time_ratio']:g}; at its time {row['points_at_equal_time']:+.1f} points "
            f"[{low:+.1f}, {high:+.1f}]; epochs kept {row['epochs_kept']}"
        )


def main() -> None:
    """Run, print, and store if asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    real = os.environ.get("TLCOURSE_REAL_DATA")
    parser.add_argument(
        "--real", type=Path, default=Path(real) if real else None, help="a folder with sign_digits, weights"
    )
    parser.add_argument("--store", action="store_true", help="keep the result for lesson 09")
    options = parser.parse_args()
    pictographs(0)  # rendering and imports are nobody's training
    rows = [compared(task) for task in tasks(options.real)]
    table(rows)
    worst = {name: min(row[name] for row in rows) for name in ("time_ratio", "points_at_equal_time")}
    result = {"seeds": len(SEEDS), "per_class": PER_CLASS, "rows": rows, **worst}
    if options.store:
        store(
            "recipe",
            result,
            about="Probe, then fine-tune, against fastai's default fine_tune(4, 3e-3): accuracy and processor "
            "seconds, both in float32.",
            command="python benchmarks/recipe.py --real FOLDER --store",
        )
    print(json.dumps(result))


if __name__ == "__main__":
    main()
