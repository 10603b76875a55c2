"""What a trained GlyphNet is worth, measured, and the model card that says so."""

from __future__ import annotations

import datetime
import json
import os
import platform
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from tlcourse import storage
from tlcourse.measure.intervals import Interval, mean_interval
from tlcourse.models.device import best_device, fast_dtype
from tlcourse.models.glyphnet import GLYPH_MEAN, GLYPH_STD, GlyphNet
from tlcourse.models.pretrain import Recipe
from tlcourse.models.weights import save_safetensors
from tlcourse.transfer.features import frozen_features
from tlcourse.transfer.probe import linear_probe, probe_seeds
from tlcourse.transfer.training import accuracy, fit, prepared
from tlcourse.worlds.alphabets import EVERYDAY, HELD_OUT, PICTOGRAPHS, Alphabet
from tlcourse.worlds.glyph_world import glyphs
from tlcourse.worlds.images import LabelledImages

_TEST_SEED = 900_000  # test images share no seed with training images or with a lesson
SCRATCH_RATES = (3e-4, 1e-3, 3e-3)
SCRATCH_STEPS = 400


def source_accuracy(network: GlyphNet, runs: int = 5) -> Interval:
    """Accuracy on fresh images of the 150 source classes, 20 a class in each run."""
    values = []
    for run in range(runs):
        test = glyphs(PICTOGRAPHS, 20, seed=_TEST_SEED + run, cache=False)
        values.append(accuracy(network, *prepared(test)))
    return mean_interval(values)


def frozen_accuracy(network: GlyphNet, tasks: list[Alphabet]) -> Interval:
    """A linear probe on frozen features, 10 images a class; run r takes the r-th task and training images r."""
    values = []
    for run, task in enumerate(tasks):
        train, test = _target(task, run)
        features = [
            frozen_features(network.body, images, mean=GLYPH_MEAN, std=GLYPH_STD, cache=False)
            for images in (train, test)
        ]
        values.append(linear_probe(features[0], train.labels, features[1], test.labels).accuracy)
    return mean_interval(values)


def scratch_accuracy(runs: int = 5) -> tuple[Interval, float]:
    """The same network trained from random weights on the same 200 images; the best of three learning rates.

    Choosing the rate on the test images favours this arm, which is the one that the card compares with.

    Returns:
        (accuracy, the rate chosen).
    """
    by_rate = {}
    for rate in SCRATCH_RATES:
        values = []
        for run in range(runs):
            train, test = _target(EVERYDAY, run)
            torch.manual_seed(run)
            history = fit(GlyphNet(len(EVERYDAY)), train, test, steps=SCRATCH_STEPS, rate=rate, seed=run)
            values.append(history.accuracy[-1])
        by_rate[rate] = mean_interval(values)
    best = max(by_rate, key=lambda rate: by_rate[rate].mean)
    return by_rate[best], best


def random_tasks(runs: int = 5) -> list[Alphabet]:
    """Twenty held-out pictographs for each run, drawn at random."""
    return [
        HELD_OUT.only(*np.random.default_rng(run).choice(HELD_OUT.characters, 20, replace=False).tolist())
        for run in range(runs)
    ]


def _target(task: Alphabet, run: int) -> tuple[LabelledImages, LabelledImages]:
    train = glyphs(task, 10, seed=run, cache=False)
    return train, glyphs(task, 50, seed=_TEST_SEED + run, cache=False)


def write_card(
    network: GlyphNet,
    recipe: Recipe,
    seconds: float,
    folder: Path,
    report: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Save the weights in half precision, measure what was saved, and write the card beside it.

    Args:
        network: the trained network; its weights are rounded to half precision in place, as the file holds them.
        recipe: how it was trained.
        seconds: how long that took.
        folder: gets `glyphnet.safetensors`, `glyphnet.json` and `MODEL_CARD.md`.
        report: called with a line before each measurement.

    Returns:
        The card's facts.
    """
    weights = folder / "glyphnet.safetensors"
    _save_rounded(network, weights, {"name": "glyphnet", "classes": str(len(PICTOGRAPHS))})
    report("measuring: the 150 source classes")
    source = source_accuracy(network)
    report("measuring: frozen features on 20 everyday things")
    everyday = frozen_accuracy(network, [EVERYDAY] * 5)
    report("measuring: frozen features on 20 random held-out pictographs")
    held_out = frozen_accuracy(network, random_tasks())
    report("measuring: the same network from scratch")
    scratch, rate = scratch_accuracy()
    facts = {
        "name": "glyphnet",
        **_how_made(network, weights, "tlcourse pretrain", recipe, seconds),
        "source_accuracy": asdict(source),
        "frozen_10_a_class_everyday": asdict(everyday),
        "frozen_10_a_class_held_out": asdict(held_out),
        "scratch_10_a_class_everyday": {**asdict(scratch), "rate": rate, "steps": SCRATCH_STEPS},
    }
    storage.write_text(folder / "glyphnet.json", json.dumps(facts, indent=1) + "\n")
    storage.write_text(folder / "MODEL_CARD.md", card_text(facts))
    return facts


def write_body_card(network: GlyphNet, task: str, recipe: Recipe, seconds: float, folder: Path) -> dict[str, Any]:
    """Save the body of a network pretrained for `task` in half precision, measure what was saved, write what is known.

    Args:
        network: its body is rounded to half precision in place, as the file holds it; its head is left out.
        task: `labels`, `rotation` or `contrastive`.
        recipe: how it was trained.
        seconds: how long that took.
        folder: gets `body-TASK.safetensors` and `body-TASK.json`.

    Returns:
        The card's facts.
    """
    weights = folder / f"body-{task}.safetensors"
    _save_rounded(network.body, weights, {"name": f"GlyphNet's body, pretrained for {task}"})
    data = [glyphs(EVERYDAY, 50, style=recipe.style, size=recipe.image_size, seed=_TEST_SEED + s) for s in (0, 1)]
    pool, test = (frozen_features(network.body, d, mean=GLYPH_MEAN, std=GLYPH_STD, cache=False) for d in data)
    frozen = mean_interval(probe_seeds(pool, data[0].labels, test, data[1].labels, 10, range(5)))
    facts = {
        "name": f"body-{task}",
        "about": _about_body(task, recipe),
        **_how_made(network.body, weights, f"tlcourse pretrain --task {task}", recipe, seconds),
        "frozen_10_a_class_everyday": asdict(frozen),
    }
    storage.write_text(folder / f"body-{task}.json", json.dumps(facts, indent=1) + "\n")
    return facts


def _save_rounded(module: nn.Module, path: Path, facts: dict[str, str]) -> None:
    """Write the weights in half precision, and round those in memory alike: what is measured is what was saved."""
    save_safetensors(module, path, facts)
    for tensor in module.state_dict().values():
        if tensor.is_floating_point():
            tensor.copy_(tensor.half().float())


def _how_made(module: nn.Module, weights: Path, command: str, recipe: Recipe, seconds: float) -> dict[str, Any]:
    """The part of a card that every training has."""
    return {
        "parameters": sum(parameter.numel() for parameter in module.parameters()),
        "bytes": weights.stat().st_size,
        "sha256": storage.sha256(weights),
        "command": f"{command} --images {recipe.images} --seed {recipe.seed}",
        "recipe": asdict(recipe),
        "training_seconds": round(seconds),
        "machine": machine_facts(),
        "date": datetime.date.today().isoformat(),
    }


def _about_body(task: str, recipe: Recipe) -> str:
    labels = "with" if task == "labels" else "without"
    about = f"GlyphNet's body without its head, pretrained on images of the 150 pictographs {labels} their labels."
    walk = (
        " A curriculum: `first_style` for a quarter of the images, then step by step to `style` for the last quarter."
    )
    return about + (walk if recipe.first_style else "")


def machine_facts() -> dict[str, Any]:
    """What computed, for a card: processor, cores, device, precision, version of torch."""
    device = best_device()
    return {
        "processor": platform.machine(),
        "cores": os.cpu_count(),
        "device": str(device),
        "precision": str(fast_dtype(device)).removeprefix("torch."),
        "torch": torch.__version__.partition("+")[0],
    }


def card_text(facts: dict[str, Any]) -> str:
    """The model card in Markdown, every number taken from `facts`."""
    machine, recipe = facts["machine"], facts["recipe"]

    def interval(name: str) -> str:
        value = facts[name]
        return f"{value['mean']:.3f} [{value['low']:.3f}, {value['high']:.3f}] | {value['n']}"

    return f"""# Model card: GlyphNet

A small residual network ({facts["parameters"]:,} parameters, {facts["bytes"] / 1e6:.2f} MB in half precision) that
tells 150 pictographs apart in 48 x 48 px colour images. It is the source model of the course: made to be transferred.

- **Made by**: `{facts["command"]}`, {facts["training_seconds"]:,} s of training on {machine["cores"]} cores
  ({machine["processor"]}, {machine["precision"]}, torch {machine["torch"]}), {facts["date"]}.
- **Data**: {recipe["images"]:,} images drawn for it, none twice: `tlcourse.worlds.PICTOGRAPHS` in the `photo` style,
  from matplotlib's DejaVu Sans. No photograph, no person, nothing downloaded.
- **Training**: SGD with Nesterov momentum {recipe["momentum"]}, peak rate {recipe["peak_rate"]}, 5 % warm-up, then a
  cosine to zero; weight decay {recipe["weight_decay"]}; batches of 128; seed {recipe["seed"]}; no augmentation beyond
  what the renderer draws.
- **Input**: RGB in [0, 1], normalised with mean 0.5 and standard deviation 0.25 in every channel.
- **SHA-256** of `glyphnet.safetensors`: `{facts["sha256"]}`

| measured on the weights as shipped | accuracy [95 % interval] | runs |
|---|---|---|
| fresh images of the 150 source classes | {interval("source_accuracy")} |
| 20 everyday things, 10 images a class, linear probe on frozen features | {interval("frozen_10_a_class_everyday")} |
| 20 random held-out pictographs, 10 a class, the same | {interval("frozen_10_a_class_held_out")} |
| 20 everyday things, 10 a class, this network from scratch | {interval("scratch_10_a_class_everyday")} |

No target class is a source class, though some have a relative there: the source has other scissors, another telephone,
a single note.

The arm from scratch had {facts["scratch_10_a_class_everyday"]["steps"]} steps of 32 images and the best of the rates
{", ".join(f"{rate:g}" for rate in SCRATCH_RATES)} (chosen on the test images, in its favour).

**Use it for** learning about transfer. **Do not use it for** anything that matters: it knows drawings, not the world.
"""
