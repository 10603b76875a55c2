"""Ways to fine-tune at equal budget: accuracy in and out of domain, trainable parameters, time, what moved, what was
forgotten.

    python benchmarks/tuning.py             # about 10 minutes on one core; --seeds 2 for a trial
    python benchmarks/tuning.py --store     # also keep the result in the package, for lesson 13

Every run that is done is kept in the cache: an interrupted benchmark goes on where it stopped.
"""

from __future__ import annotations

import argparse
import copy
import json
import time
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import nn

from tlcourse import storage
from tlcourse.measure import feature_shift, linear_cka, mean_interval, paired_gap, remembered, store
from tlcourse.models import GlyphNet
from tlcourse.transfer import (
    TUNINGS,
    Tuned,
    accuracy,
    distillation_loss,
    features_of,
    interpolate,
    normalised,
    prepared,
    small_student,
    soup,
    trainable_parameters,
    tune,
    tuned,
)
from tlcourse.worlds import LabelledImages, glyphs

SIZE, STEPS, PER_CLASS = 32, 60, 10
STYLES = {"in": "chalk", "out": "photo"}
RATES = (3e-4, 1e-3, 3e-3)
TUNING_SEEDS = (100, 101)
SHARES = (0.0, 0.2, 0.4, 0.5, 0.6, 0.8, 1.0)
PROBED = ("L2-SP", "adapters", "LoRA")
STUDENT_STEPS, UNLABELLED, STUDENT_RATES = 200, 50, (1e-3, 3e-3, 1e-2)
LESSONS = ("labels", "teacher", "teacher, more images")


def drawn(domain: str, per_class: int, seed: int) -> LabelledImages:
    """Images of the 20 target classes, in one of the two domains."""
    return glyphs("everyday", per_class, style=STYLES[domain], size=SIZE, seed=seed)


def training(seed: int) -> LabelledImages:
    """The labelled images, in domain."""
    return drawn("in", PER_CLASS, 5000 + seed)


def right(network: nn.Module, data: LabelledImages) -> float:
    """Accuracy."""
    return accuracy(network, *prepared(data))


def kept(key: str, run: Callable[[], Any]) -> Any:
    """What `run` gives; computed once for one setting of the benchmark."""
    setting = f"{SIZE}-{STEPS}-{PER_CLASS}-{STYLES['in']}-{STYLES['out']}"
    path = storage.cache_dir() / "benchmarks" / "tuning" / setting / f"{key.replace(' ', '_')}.json"
    if path.is_file():
        return json.loads(path.read_text(encoding="utf-8"))
    started = time.perf_counter()
    value = run()
    storage.write_text(path, json.dumps(value))
    print(f"{key}: {time.perf_counter() - started:.0f} s", flush=True)
    return value


# Three tries for every method, judged in domain, on seeds that no result uses.


def tries() -> dict[str, list[dict[str, Any]]]:
    """Method -> its tries, each with one validation accuracy a seed, and beside it the accuracy out of domain, by which
    nothing is chosen. The probe's three penalties are its own affair."""

    def tried(method: str, options: dict[str, float]) -> dict[str, list[float]]:
        found: dict[str, list[float]] = {"validation": [], "out": []}
        for seed in TUNING_SEEDS:
            network = tuned(method, training(seed), steps=STEPS, seed=seed, **options).network
            found["validation"].append(right(network, drawn("in", 20, 7000 + seed)))
            found["out"].append(right(network, drawn("out", 20, 7000 + seed)))
        return found

    trained = [method for method in TUNINGS if method not in ("linear probe", "interpolation")]
    return {
        method: [
            {"rate": rate, **kept(f"try-{method}-{rate:g}", lambda m=method, r=rate: tried(m, {"rate": r}))}
            for rate in RATES
        ]
        for method in trained
    }


def chosen(tried: dict[str, list[dict[str, Any]]]) -> dict[str, dict[str, float]]:
    """Method -> the rate of its best try, the lowest of equals. Interpolation takes that of the network at its end."""
    best = best_rates(tried)
    return best | {"linear probe": {}, "interpolation": best["probe, fine-tune"]}


def best_rates(tried: dict[str, list[dict[str, Any]]]) -> dict[str, dict[str, float]]:
    """The rate of the try with the best validation accuracy, the lowest of equals."""
    return {
        name: {"rate": max(options, key=lambda option: float(np.mean(option["validation"])))["rate"]}
        for name, options in tried.items()
    }


# One run of a method.


@cache
def source() -> tuple[GlyphNet, LabelledImages]:
    """The source network and images of its own task that it has not been trained on."""
    return GlyphNet.pretrained(), glyphs("pictographs", 3, size=SIZE, seed=8000)


def measured(made: Tuned, seed: int, pretrained: bool = True) -> dict[str, float]:
    """All that is told of a network."""
    start, own = source()
    tests = {domain: drawn(domain, 20, 9000 + seed) for domain in STYLES}
    found: dict[str, float] = {domain: right(made.network, data) for domain, data in tests.items()}
    found |= {"seconds": made.seconds, "trainable": made.trainable}
    for domain, data in tests.items() if pretrained else ():
        before, after = (
            features_of(start.to(next(made.network.parameters()).device), data),
            features_of(made.network, data),
        )
        found |= {f"shift {domain}": feature_shift(before, after), f"cka {domain}": linear_cka(before, after)}
    if pretrained:
        found["remembered"] = remembered(made.network, copy.deepcopy(start.head), own)
    return found


def outcome(method: str, seed: int, options: dict[str, float], probed: bool = True) -> dict[str, float]:
    """One method on one draw."""
    made = tuned(method, training(seed), steps=STEPS, seed=seed, probed=probed, **options)
    return measured(made, seed, method != "from scratch")


def outcomes(seeds: range, best: dict[str, dict[str, float]]) -> dict[str, dict[str, list[float]]]:
    """Method -> quantity -> one number a seed; those that can start without the probe are run so too."""
    arms = [(method, True) for method in TUNINGS] + [(method, False) for method in PROBED]
    result = {}
    for method, probed in arms:
        name = method if probed else f"{method}, new head"
        rows = [
            kept(f"{name}-{best[method]}-{seed}", lambda m=method, s=seed, p=probed: outcome(m, s, best[m], p))
            for seed in seeds
        ]
        result[name] = {quantity: [row[quantity] for row in rows] for quantity in rows[0]}
    return result


# What is made of networks that are there already.


def path(seed: int, options: dict[str, float]) -> dict[str, list[float]]:
    """Accuracy along the line from the probe to the fine-tuned network."""
    train = training(seed)
    ends = [
        tuned(method, train, steps=STEPS, seed=seed, **options).network
        for method in ("linear probe", "probe, fine-tune")
    ]
    states, network, found = (
        [copy.deepcopy(end.state_dict()) for end in ends],
        ends[0],
        {domain: [] for domain in STYLES},
    )
    network.to(next(ends[1].parameters()).device)
    for share in SHARES:
        network.load_state_dict(interpolate(*states, share))
        for domain in STYLES:
            found[domain].append(right(network, drawn(domain, 20, 9000 + seed)))
    return found


def souped(seed: int) -> dict[str, float]:
    """The mean of the three tries of "probe, fine-tune", whichever was the best."""
    train, networks, seconds = training(seed), [], 0.0
    for rate in RATES:
        made = tuned("probe, fine-tune", train, steps=STEPS, seed=seed, rate=rate)
        networks.append(made.network)
        seconds += made.seconds
    mixed = soup([network.state_dict() for network in networks])
    networks[0].load_state_dict(mixed)
    return measured(Tuned(networks[0], made.trainable, seconds), seed)


def taught(name: str, teacher: nn.Module, seed: int, rate: float) -> Tuned:
    """A small network taught by labels, by a teacher on the same images, or by it on images without labels."""
    data = drawn("in", UNLABELLED, 6000 + seed) if name == LESSONS[2] else training(seed)
    torch.manual_seed(seed)
    student, started = small_student(len(data.classes)), time.process_time()
    with torch.no_grad():
        told = torch.cat([teacher(batch).float() for batch in normalised(data.images).split(256)])
    labels, share = torch.from_numpy(data.labels).to(told.device), 1.0 if name == LESSONS[2] else 0.9

    def objective(logits: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        return distillation_loss(logits, told[rows], labels[rows], share=share)

    from_teacher = None if name == LESSONS[0] else objective
    tune(student, data, steps=STUDENT_STEPS, rate=rate, seed=seed, objective=from_teacher, keep_statistics=False)
    return Tuned(student, trainable_parameters(student), time.process_time() - started)


def a_teacher(seed: int, options: dict[str, float]) -> nn.Module:
    """The fine-tuned network of a seed."""
    return tuned("probe, fine-tune", training(seed), steps=STEPS, seed=seed, **options).network


def student_tries(options: dict[str, float]) -> dict[str, list[dict[str, Any]]]:
    """Each lesson with three rates, judged in domain, on the seeds that no result uses."""

    def tried(seed: int) -> dict[str, list[float]]:
        teacher, judged = a_teacher(seed, options), drawn("in", 20, 7000 + seed)
        return {
            name: [right(taught(name, teacher, seed, rate).network, judged) for rate in STUDENT_RATES]
            for name in LESSONS
        }

    runs = [kept(f"student-try-{seed}", lambda s=seed: tried(s)) for seed in TUNING_SEEDS]
    return {
        name: [
            {"rate": rate, "validation": [run[name][place] for run in runs]} for place, rate in enumerate(STUDENT_RATES)
        ]
        for name in LESSONS
    }


def students(seed: int, options: dict[str, float], rates: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    """The three lessons on one draw."""
    teacher = a_teacher(seed, options)
    return {name: measured(taught(name, teacher, seed, **rates[name]), seed, pretrained=False) for name in LESSONS}


def main() -> None:
    """All of it: a table, and one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--store", action="store_true", help="keep the result in the package")
    options = parser.parse_args()
    seeds = range(options.seeds)
    tried = tries()
    best = chosen(tried)
    found = outcomes(seeds, best)
    full = best["probe, fine-tune"]
    soups = [kept(f"soup-{seed}", lambda s=seed: souped(s)) for seed in seeds]
    found["soup"] = {quantity: [row[quantity] for row in soups] for quantity in soups[0]}
    paths = [kept(f"path-{full}-{seed}", lambda s=seed: path(s, full)) for seed in seeds]
    student_tried = student_tries(full)
    rates = best_rates(student_tried)
    pupils = [kept(f"students-{full}-{rates}-{seed}", lambda s=seed: students(s, full, rates)) for seed in seeds]
    figures = {
        "setting": {"size": SIZE, "steps": STEPS, "per_class": PER_CLASS, **STYLES},
        "tries": tried,
        "chosen": best,
        "methods": found,
        "path": {"share": list(SHARES), **{domain: [run[domain] for run in paths] for domain in STYLES}},
        "student tries": student_tried,
        "student rates": rates,
        "students": {
            name: {quantity: [run[name][quantity] for run in pupils] for quantity in pupils[0][name]}
            for name in LESSONS
        },
    }
    show(found, figures["students"])
    if options.store:
        store("tuning", figures, about=ABOUT.format(n=len(seeds)), command="python benchmarks/tuning.py --store")
    print(json.dumps({name: {q: float(np.mean(v)) for q, v in rows.items()} for name, rows in found.items()}))


ABOUT = (
    "Ways to fine-tune GlyphNet on 20 pictographs in chalk, tested in chalk and as photos; each the best of three "
    "rates on validation images in chalk. Lists are one number for each of {n} seeds."
)


def show(found: dict[str, dict[str, list[float]]], students: dict[str, dict[str, list[float]]]) -> None:
    """A line a method."""
    print(f"{'method':22}{'trains':>10}{'in domain':>26}{'out of domain':>28}{'seconds':>9}{'shift':>12}{'knows':>7}")
    for name, rows in {**found, **{f"student: {name}": rows for name, rows in students.items()}}.items():
        inside, outside = (mean_interval(rows[domain]) for domain in STYLES)
        moved = "/".join(f"{np.mean(rows[f'shift {domain}']):.2f}" for domain in STYLES if f"shift {domain}" in rows)
        knows = f"{np.mean(rows['remembered']):.2f}" if "remembered" in rows else ""
        cost = f"{int(rows['trainable'][0]):>10,}  {inside}  {outside}{np.mean(rows['seconds']):8.1f}"
        print(f"{name:22}{cost}{moved:>12}{knows:>7}")
    against = found["fine-tune all"]
    for name, rows in found.items():
        gap = paired_gap(rows["out"], against["out"])
        print(f"{name} over fine-tune all, out of domain: {gap}: {gap.verdict}")


if __name__ == "__main__":
    main()
