"""Few labels on text: frozen features, fine-tuning with ULMFiT's precautions taken away one by one, and from scratch.

The task is lesson 11's: what a paragraph of networkx's documentation does. The encoder has never read that package.
Every arm has the same texts, and the same number of passes over them. ULMFiT's rate was chosen on validation texts
(`--choose`), which are no test texts; from scratch has the better of two rates on the test texts, in its favour.

Lesson 11 shows these numbers and runs a small part of them anew.

Run: python benchmarks/text.py [--runs N] [--choose] [--store]. Some ten minutes on one core. The last line is one JSON
object.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tlcourse.measure import paired_gap, store
from tlcourse.models import TextEncoder, read_on, text_learner, word_vectors
from tlcourse.transfer import (
    bag_of_words,
    few_label_accuracies,
    fit_slanted,
    standardised_by,
    text_features,
    ulmfit,
)
from tlcourse.worlds import LabelledTexts, documentation_roles

COUNTS = (8, 32)
EPOCHS = (4, 2, 2, 8)
PEAK, SCRATCH_PEAKS = 2e-2, (1e-2, 3e-2)


def all_at_once(peak: float, factor: float) -> Callable[[Any], None]:
    """Everything trains from the first step, for as many epochs in all."""

    def fit(learn: Any) -> None:
        learn.unfreeze()
        fit_slanted(learn, sum(EPOCHS), peak, factor=factor)

    return fit


def fine_tuned(pool: LabelledTexts, test: LabelledTexts, runs: Sequence[int]) -> dict[str, dict[int, list[float]]]:
    """Arm -> labels a class -> accuracies on the test texts, one a run."""
    shipped = TextEncoder.pretrained()
    reading = read_on(shipped, pool.texts)
    arms: dict[str, tuple[TextEncoder | None, Callable[[Any], None]]] = {
        "ULMFiT": (reading, lambda learn: ulmfit(learn, EPOCHS, PEAK)),
        "without reading on": (shipped, lambda learn: ulmfit(learn, EPOCHS, PEAK)),
        "without gradual unfreezing": (reading, all_at_once(PEAK, 2.6)),
        "one rate for all": (reading, all_at_once(PEAK, 1.0)),
    }
    arms |= {f"from scratch, {peak:g}": (None, all_at_once(peak, 1.0)) for peak in SCRATCH_PEAKS}
    found: dict[str, dict[int, list[float]]] = {}
    for name, (encoder, fit) in arms.items():
        found[name] = {count: [] for count in COUNTS}
        for count in COUNTS:
            for run in runs:
                learn = text_learner(pool.few(count, run), test, encoder, batch_size=count, seed=run)
                fit(learn)
                with learn.no_bar(), learn.no_logging():
                    found[name][count].append(float(learn.validate()[1]))
            print(name, count, np.round(found[name][count], 3), flush=True)
    found["from scratch"] = {
        count: max((found[f"from scratch, {peak:g}"][count] for peak in SCRATCH_PEAKS), key=np.mean) for count in COUNTS
    }
    return {name: by for name, by in found.items() if "from scratch," not in name}


def linear(pool: LabelledTexts, test: LabelledTexts, runs: Sequence[int]) -> dict[str, dict[int, list[float]]]:
    """The same for logistic regression on frozen features, and on a bag of words."""
    words, reading = word_vectors(), read_on(TextEncoder.pretrained(), pool.texts)

    def scaled(features: Callable[[Sequence[str]], np.ndarray]) -> list[np.ndarray]:
        here, there = features(pool.texts), features(test.texts)
        return [standardised_by(here, here), standardised_by(there, here)]

    arms = {"bag of words": [bag_of_words(data.texts, pool.texts) for data in (pool, test)]}
    parts = scaled(lambda texts: text_features(reading, texts)), scaled(words.mean)
    arms["frozen features"] = [np.hstack(both) / 2**0.5 for both in zip(*parts, strict=True)]
    found = {}
    for name, (x, z) in arms.items():
        table = few_label_accuracies(x, pool.labels, z, test.labels, COUNTS, runs)
        found[name] = {count: table[:, place].tolist() for place, count in enumerate(COUNTS)}
        print(name, {count: round(float(np.mean(values)), 3) for count, values in found[name].items()}, flush=True)
    return found


def main() -> None:
    """Measure, print the gaps, store if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5, help="runs of each arm")
    parser.add_argument("--choose", action="store_true", help="test on validation texts, with other draws")
    parser.add_argument("--store", action="store_true", help="keep the result in the package")
    chosen = parser.parse_args()
    pool, test = documentation_roles("networkx").split(30)
    if chosen.choose:
        pool, test = pool.split(30)
    runs = range(100, 100 + chosen.runs) if chosen.choose else range(chosen.runs)
    arms = {**linear(pool, test, runs), **fine_tuned(pool, test, runs)}
    gaps = {
        f"ULMFiT over {name}, {count}": str(paired_gap(arms["ULMFiT"][count], arms[name][count]))
        for name in list(arms)[3:]
        for count in COUNTS
    }
    for name, gap in gaps.items():
        print(f"{name}: {gap}")
    if chosen.store and not chosen.choose:
        about = (
            f"What a paragraph does, {' and '.join(map(str, COUNTS))} labels a class, {chosen.runs} runs of each arm."
        )
        figures = {
            name: {str(count): [round(v, 4) for v in vs] for count, vs in by.items()} for name, by in arms.items()
        }
        store("text", figures, about=about, command=f"python benchmarks/text.py --runs {chosen.runs} --store")
    print(json.dumps({"gaps": gaps}))


if __name__ == "__main__":
    main()
