"""Images a second of fine-tuning at 224 px: our pipeline, fastai's defaults, and the card's ceiling.

    python benchmarks/gpu.py              # a CUDA card is needed; about five minutes
    python benchmarks/gpu.py --store      # and keep the result, with machine, versions and date
    python benchmarks/gpu.py --smoke      # on the processor, tiny: shows that the code runs, and measures nothing

All arms fine-tune every layer of the same network with AdamW, from JPEG files of 500 x 375 pixels.

- fastai: its defaults. `Resize(224)` and `aug_transforms()`, batches of 64, float32, its own workers.
- ours: `PhotoFeed` (decoded in workers or on the card, whichever is faster here; augmented on the card), bfloat16 or
  float16 by the card, channels last.
- ceiling: our step on one batch of random numbers that is in the card's memory already: no file, no decoding.

The weights are random, which changes no time. The last line is JSON: for each network the three rates, `ratio` (ours
over fastai's) and `share_of_ceiling`.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice, repeat
from pathlib import Path
from typing import Any

import numpy as np
import torch
from fastai.callback.core import Callback, CancelFitException
from fastai.data.transforms import get_image_files
from fastai.vision.augment import Resize, aug_transforms
from fastai.vision.data import ImageDataLoaders
from PIL import Image
from torch import Tensor, nn

from tlcourse.errors import CourseError
from tlcourse.measure import store
from tlcourse.models import best_device, source_model, vision_learner
from tlcourse.models.device import autocast_context, fast_dtype, memory_format
from tlcourse.transfer import PhotoFeed

CLASSES = 10


@dataclass(frozen=True)
class Plan:
    """How large everything is."""

    networks: tuple[str, ...] = ("resnet50", "convnext_tiny")
    size: int = 224
    batch: int = 128
    default_batch: int = 64
    steps: int = 60
    warm_up: int = 15
    photos: int = 4096
    shape: tuple[int, int] = (375, 500)
    workers: int | None = None


SMOKE = Plan(("squeezenet1_1",), 64, 8, 8, 2, 1, 24, (75, 100), 0)


def write_jpegs(folder: Path, plan: Plan) -> None:
    """Photos of clouds, about as hard to decode as photos of anything."""
    rng = np.random.default_rng(0)
    height, width = plan.shape
    for number in range(plan.photos):
        path = folder / f"class{number % CLASSES}" / f"{number}.jpg"
        path.parent.mkdir(exist_ok=True)
        coarse = rng.integers(0, 256, (height // 25, width // 25, 3), dtype=np.uint8)
        clouds = np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC), np.int16)
        grain = rng.integers(-14, 15, (height, width, 1))
        Image.fromarray((clouds + grain).clip(0, 255).astype(np.uint8)).save(path, quality=90)


def synchronised() -> float:
    """Now, when the card has finished what it was given."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()


class Trainer:
    """Our training step on a network."""

    def __init__(self, name: str, device: torch.device) -> None:
        source = source_model(name)
        head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(source.features, CLASSES))
        network = nn.Sequential(source.body(None), head)
        self.network = network.to(device).to(memory_format=memory_format(device)).train()
        self.device = device
        fused = device.type == "cuda"
        self.optimiser = torch.optim.AdamW(self.network.parameters(), lr=1e-4, fused=fused)
        self.scaler = torch.amp.GradScaler(device.type, enabled=fast_dtype(device) == torch.float16)

    def step(self, x: Tensor, y: Tensor) -> None:
        """One batch."""
        with autocast_context(self.device):
            loss = nn.functional.cross_entropy(self.network(x).float(), y)
        self.optimiser.zero_grad(set_to_none=True)
        self.scaler.scale(loss).backward()
        self.scaler.step(self.optimiser)
        self.scaler.update()

    def rate(self, batches: Iterator[tuple[Tensor, Tensor]], plan: Plan) -> float:
        """Images a second."""
        for x, y in islice(batches, plan.warm_up):
            self.step(x, y)
        started, images = synchronised(), 0
        for x, y in islice(batches, plan.steps):
            self.step(x, y)
            images += len(x)
        return images / (synchronised() - started)


def forever(passes: Iterable[Any]) -> Iterator[Any]:
    """One pass after the other."""
    return chain.from_iterable(repeat(passes))


def feed(folder: Path, name: str, plan: Plan, device: torch.device, decode: Any) -> PhotoFeed:
    """Our batches."""
    source, files = source_model(name), get_image_files(folder)
    labels = [int(file.parent.name.removeprefix("class")) for file in files]
    return PhotoFeed(
        files,
        labels,
        size=plan.size,
        batch_size=plan.batch,
        mean=source.mean,
        std=source.std,
        device=device,
        workers=plan.workers,
        decode=decode,
    )


def our_rate(folder: Path, name: str, plan: Plan, device: torch.device) -> tuple[float, str]:
    """Images a second, and the decoder that was faster."""
    decoders = ("processor", "card") if device.type == "cuda" else ("processor",)
    rates = {}
    for decode in decoders:
        rates[decode] = Trainer(name, device).rate(forever(feed(folder, name, plan, device, decode)), plan)
    best = max(rates, key=rates.__getitem__)
    return rates[best], best


def ceiling(name: str, plan: Plan, device: torch.device) -> float:
    """Images a second of the same step without any data to fetch."""
    x = torch.randn(plan.batch, 3, plan.size, plan.size, device=device).to(memory_format=memory_format(device))
    y = torch.randint(0, CLASSES, (plan.batch,), device=device)
    return Trainer(name, device).rate(repeat((x, y)), plan)


class Stopwatch(Callback):
    """Counts images after the warm-up, and ends the training when there are enough."""

    def __init__(self, plan: Plan) -> None:
        self.plan, self.seen, self.images, self.seconds = plan, 0, 0, 0.0

    def after_batch(self) -> None:
        """A training step is over."""
        if not self.training:
            return
        self.seen += 1
        if self.seen == self.plan.warm_up:
            self.started = synchronised()
        elif self.seen > self.plan.warm_up:
            self.images += len(self.xb[0])
        if self.seen == self.plan.warm_up + self.plan.steps:
            self.seconds = synchronised() - self.started
            raise CancelFitException


def fastai_rate(folder: Path, name: str, plan: Plan, device: torch.device) -> float:
    """Images a second with fastai's defaults."""
    workers = {} if plan.workers is None else {"num_workers": plan.workers}
    dls = ImageDataLoaders.from_folder(
        folder,
        valid_pct=0.05,
        seed=0,
        item_tfms=Resize(plan.size),
        batch_tfms=aug_transforms(),
        bs=plan.default_batch,
        device=device,
        **workers,
    )
    learn, watch = vision_learner(dls, name, None), Stopwatch(plan)
    with learn.no_bar(), learn.no_logging(), learn.added_cbs(watch):
        learn.fit(1 + (plan.warm_up + plan.steps) // max(1, len(dls.train)), 1e-4)
    return watch.images / watch.seconds


def measured(plan: Plan, device: torch.device, say: Callable[[str], None] = print) -> list[dict[str, Any]]:
    """All arms of every network."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        write_jpegs(Path(folder), plan)
        for name in plan.networks:
            top = ceiling(name, plan, device)
            ours, decoder = our_rate(Path(folder), name, plan, device)
            default = fastai_rate(Path(folder), name, plan, device)
            row = {"network": name, "ours": round(ours, 1), "fastai": round(default, 1), "ceiling": round(top, 1)}
            row |= {"decoder": decoder, "ratio": round(ours / default, 2), "share_of_ceiling": round(ours / top, 3)}
            say(", ".join(f"{key} {value}" for key, value in row.items()))
            rows.append(row)
    return rows


def main(arguments: list[str] | None = None) -> None:
    """Run, print, and store if asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--smoke", action="store_true", help="tiny, on the processor: measures nothing")
    parser.add_argument("--store", action="store_true", help="keep the result for lesson 09")
    options = parser.parse_args(arguments)
    if not options.smoke and not torch.cuda.is_available():
        raise SystemExit(
            "There is no CUDA card here, so there is nothing to measure. --smoke shows that the code runs."
        )
    if options.smoke and options.store:
        raise SystemExit("A smoke run measures nothing: there is nothing to store.")
    device = torch.device("cpu") if options.smoke else best_device()
    rows = measured(SMOKE if options.smoke else Plan(), device)
    worst = {name: min(row[name] for row in rows) for name in ("ratio", "share_of_ceiling")}
    result = {"smoke": options.smoke, "precision": str(fast_dtype(device)), "rows": rows, **worst}
    if options.store:
        about = "Images a second of fine-tuning at 224 px from JPEG files: ours, fastai's defaults, the card's ceiling."
        store("gpu", result, about=about, command="python benchmarks/gpu.py --store")
    print(json.dumps(result))


if __name__ == "__main__":
    try:
        main()
    except CourseError as error:
        raise SystemExit(str(error)) from error
