"""Our domain adaptation against skada's: the same features or images, networks, budgets and penalties, in one run.

skada (Gnassounou et al. 2024, "SKADA-Bench") is scikit-learn's way of adapting; its deep part stands on skorch:

    pip install "tlcourse[benchmarks]"     # or: pip install "skada>=0.6" "skorch>=1.0"
    python benchmarks/methods.py           # about three minutes on one core

Labelled source: rendered digits. Unlabelled target: 1,000 handwritten digits; test: the other 797. Five seeds, gaps
paired by seed. Ours and theirs take turns; a time is that of adapting alone, the ratio a median over all turns.

- Shallow (`coral`, `weights`): GlyphNet's frozen features, then the same logistic regression.
- Deep (`deep_coral`, `mmd`, `dann`): the same initial weights, frozen layers, steps, batches, AdamW and one-cycle rate.
  skada gets our strengths, phased in alike by a callback. What it sums and we average is divided by the number of terms
  (33 kernels, 2 domains), so that a strength means the same.

What is not alike belongs to the methods: skada's batches mix the domains, ours pass batch norm one by one; skada's MMD
has kernels of its own. skada's networks are tested in batch norm's running statistics and in the target's, as ours are,
and the better of the two counts. Two of skada 0.6's parts cannot be used as they come, and are replaced through its
public arguments (`notes` at the end shows both): its discriminator weights are upside down, p_s / p_t instead of
p_t / p_s, and its domain classifier ends in a softmax over one output, which is 1 for every input and has no gradient.
"""

from __future__ import annotations

import importlib.util
import json
import sys
import time
import warnings
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits
from torch import nn

from tlcourse.measure import paired_gap
from tlcourse.models import GlyphNet
from tlcourse.models.device import autocast_context, best_device, memory_format
from tlcourse.models.glyphnet import GLYPH_MEAN, GLYPH_STD
from tlcourse.transfer import adapt, coral, frozen_features, importance_weights
from tlcourse.transfer.adaptation.adversarial import DomainClassifier, adversarial_strength
from tlcourse.transfer.adaptation.training import FROZEN, METHODS
from tlcourse.transfer.training import accuracy, normalised, refresh_batch_norm
from tlcourse.worlds import LabelledImages, glyphs, handwriting
from tlcourse.worlds.style import PRINT

SEEDS = range(5)
TURNS = 7
BATCH, RATE, EPOCHS = 32, 3e-3, 4
STYLE = PRINT.but(pose=0.5, warp=0.6, weight=0.6, blur=0.4)
PENALTY = 0.01
"""Inverse penalty of the logistic regression on standardised features, that of classes."""
SKADA_KERNELS = 33
DEEP = {"deep_coral": "coral", "mmd": "mmd", "dann": "dann"}


@dataclass(frozen=True)
class Task:
    """Rendered digits with labels, handwritten digits without, and those to be judged by."""

    source: LabelledImages
    target: LabelledImages
    test: LabelledImages

    @classmethod
    def drawn(cls, seed: int) -> Task:
        """The task of one seed."""
        scans = handwriting(size=32, seed=seed)
        source = glyphs("digits", 100, style=STYLE, size=32, seed=100 + seed)
        return cls(source, scans.subset(range(1000)), scans.subset(range(1000, len(scans))))

    @property
    def domains(self) -> np.ndarray:
        """As skada wants them: positive for source, negative for target."""
        return np.repeat([1, -2], [len(self.source), len(self.target)])


@dataclass
class Row:
    """What the two arms of one method reached, seed by seed, and how much longer ours took, turn by turn."""

    ours: list[float] = field(default_factory=list)
    theirs: list[float] = field(default_factory=list)
    ratios: list[float] = field(default_factory=list)
    microseconds: list[float] = field(default_factory=list)
    refreshed: list[float] = field(default_factory=list)
    """Theirs with batch norm in the target's statistics; empty for shallow methods."""
    refreshed_ratios: list[float] = field(default_factory=list)
    """Ratios where their time includes taking those."""

    def figures(self) -> dict[str, Any]:
        """Means, the gap's interval and the median ratio."""
        theirs, ratios = max(
            [(self.theirs, self.ratios), (self.refreshed, self.refreshed_ratios)], key=lambda c: sum(c[0])
        )
        gap = paired_gap(self.ours, theirs)
        return {
            "accuracy_ours": round(float(np.mean(self.ours)), 4),
            "accuracy_theirs": round(float(np.mean(theirs)), 4),
            "gap": [round(gap.low, 4), round(gap.high, 4)],
            "time_ratio": round(float(np.median(ratios)), 3),
            "microseconds_a_sample": round(float(np.median(self.microseconds)), 1),
        }


def timed(run: Callable[[], Any]) -> tuple[Any, float]:
    """A result and the seconds that it took."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    started = time.perf_counter()
    result = run()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return result, time.perf_counter() - started


def turns(ours: Callable[[], Any], theirs: Callable[[], Any], first: int) -> tuple[Any, Any, float, float]:
    """Both once, ours first where `first` is even: results and seconds."""
    if first % 2:
        b, b_seconds = timed(theirs)
        a, a_seconds = timed(ours)
    else:
        a, a_seconds = timed(ours)
        b, b_seconds = timed(theirs)
    return a, b, a_seconds, b_seconds


# Shallow methods, on frozen features.


class TurnedRegression(LogisticRegression):
    """Tells skada the probability of the source where it takes that of the target, so that its ratio is p_t / p_s."""

    def fit(self, X: np.ndarray, y: np.ndarray, sample_weight: np.ndarray | None = None) -> TurnedRegression:
        """As the parent's, with the two domains exchanged."""
        return super().fit(X, 1 - y, sample_weight)


def class_accuracy(
    train: np.ndarray, labels: np.ndarray, test: np.ndarray, right: np.ndarray, weights: np.ndarray | None = None
) -> float:
    """Of logistic regression on features standardised on the training set."""
    scale = StandardScaler().fit(train)
    model = LogisticRegression(C=PENALTY, max_iter=500).fit(scale.transform(train), labels, weights)
    return float(model.score(scale.transform(test), right))


def shallow(rows: dict[str, Row], others: dict[str, list[float]], task: Task, seed: int) -> None:
    """Both shallow methods on one task; `others` are accuracies that belong beside them."""
    from skada import CORALAdapter, DiscriminatorReweightAdapter, KMMReweightAdapter, NearestNeighborReweightAdapter

    body = GlyphNet.pretrained().body
    source, target, test = (
        frozen_features(body, part, mean=GLYPH_MEAN, std=GLYPH_STD).astype(np.float64)
        for part in (task.source, task.target, task.test)
    )
    both, domains = np.concatenate([source, target]), task.domains

    def judged(train: np.ndarray, seen: np.ndarray, weights: np.ndarray | None = None) -> float:
        return class_accuracy(train, task.source.labels, seen, task.test.labels, weights)

    def library_coral() -> tuple[np.ndarray, Any]:
        adapter = CORALAdapter()
        return adapter.fit_transform(both, sample_domain=domains)[: len(source)], adapter

    def library_weights(adapter: Any) -> np.ndarray:
        weights = adapter.fit_transform(both, sample_domain=domains)[1]["sample_weight"][: len(source)]
        return weights / weights.mean()

    def discriminator() -> np.ndarray:
        classifier = make_pipeline(StandardScaler(), TurnedRegression(C=1 / source.shape[1]))
        return library_weights(DiscriminatorReweightAdapter(classifier))

    for turn in range(TURNS):
        aligned, (theirs, adapter), mine, other = turns(lambda: coral(source, target), library_coral, turn)
        weights, their_weights, mine_, other_ = turns(lambda: importance_weights(source, target), discriminator, turn)
        for name, seconds, against in (("coral", mine, other), ("weights", mine_, other_)):
            rows[name].ratios.append(seconds / against)
            rows[name].microseconds.append(1e6 * seconds / len(both))
    rows["coral"].ours.append(judged(aligned, test))
    rows["coral"].theirs.append(judged(theirs, adapter.transform(test, sample_domain=np.full(len(test), -2))))
    rows["weights"].ours.append(judged(source, test, weights))
    rows["weights"].theirs.append(judged(source, test, their_weights))
    others["no adaptation"].append(judged(source, test))
    for name, kind in (
        ("skada's discriminator weights as they come", DiscriminatorReweightAdapter),
        ("skada's nearest-neighbour weights", NearestNeighborReweightAdapter),
        ("skada's kernel mean matching", KMMReweightAdapter),
    ):
        others[name].append(judged(source, test, library_weights(kind())))


# Deep methods, on images.


def fresh(seed: int) -> GlyphNet:
    """The network that both arms start from."""
    torch.manual_seed(seed)
    return GlyphNet.pretrained().with_new_head(10).to(best_device()).to(memory_format=memory_format(best_device()))


class Reversed(nn.Module):
    """Our domain classifier behind skada's gradient reversal."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.alpha = 1.0
        self.classifier = DomainClassifier(features)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits, shape (N,)."""
        from skada.deep.modules import GradientReversalLayer

        return self.classifier(GradientReversalLayer.apply(x, self.alpha))


def library_net(method: str | None, tail: nn.Sequential, epochs: int, steps: int, seed: int) -> Any:
    """skada's estimator for one of our methods, set up as `adapt` trains."""
    from skada import deep
    from skorch.callbacks import Callback, LRScheduler

    strength = METHODS.get(method or "", 0.0)
    torch.manual_seed(seed)
    critic = Reversed(tail.head.layers.in_features)

    class PhaseIn(Callback):
        """Strengthens the penalty as `adapt` does; with an adversary the strength acts on the way back only."""

        step = 0

        def on_batch_begin(self, net: Any, training: bool = False, **_: Any) -> None:
            now = strength * adversarial_strength(self.step / steps)
            self.step += 1
            if method == "dann":
                critic.alpha = now
            elif method:
                net.criterion_.reg = now / (SKADA_KERNELS if method == "mmd" else 1)

    settings: dict[str, Any] = {
        "max_epochs": epochs,
        "batch_size": BATCH,
        "optimizer": torch.optim.AdamW,
        "optimizer__weight_decay": 0.01,
        "lr": RATE,
        "train_split": None,
        "verbose": 0,
        "device": str(best_device()),
        "callbacks": [
            PhaseIn(),
            LRScheduler(torch.optim.lr_scheduler.OneCycleLR, max_lr=RATE, total_steps=steps, step_every="batch"),
        ],
    }
    if method == "coral":
        return deep.DeepCoral(tail, "features", **settings)
    if method == "mmd":
        return deep.DAN(tail, "features", **settings)
    if method == "dann":
        settings["domain_criterion"] = nn.BCEWithLogitsLoss()
        return deep.DANN(tail, "features", reg=0.5, domain_classifier=critic, **settings)
    return deep.SourceOnly(tail, "features", **settings)


class Fast(nn.Module):
    """Layers in the number format that `adapt` computes in, float32 out."""

    def __init__(self, layers: nn.Module) -> None:
        super().__init__()
        self.layers = layers

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """As the layers'."""
        with autocast_context(x.device):
            return self.layers(x).float()


@torch.no_grad()
def maps(front: nn.Module, images: torch.Tensor) -> np.ndarray:
    """What the frozen layers make of images, batch norm in their own statistics, as in `adapt`."""
    refresh_batch_norm(front, images)
    fast = Fast(front).eval()
    return torch.cat([fast(batch) for batch in images.split(256)]).cpu().numpy()


def library_adapt(network: nn.Sequential, task: Task, method: str | None, epochs: int, seed: int) -> None:
    """skada's training in place of `adapt`; at the end the frozen layers have the target's statistics, too."""
    *layers, head = network.children()
    front, body = nn.Sequential(*layers[:FROZEN]), nn.Sequential(*layers[FROZEN:])
    tail = nn.Sequential(OrderedDict(features=Fast(body), head=Fast(head)))
    x = [maps(front, normalised(part.images)) for part in (task.source, task.target)]
    labels = np.concatenate([task.source.labels, np.full(len(task.target), -1)])
    steps = epochs * (len(task.source) // BATCH)
    net = library_net(method, tail, epochs, steps, seed)
    net.fit(np.concatenate(x), labels, sample_domain=task.domains)
    network.eval()


def deep_arms(row: Row, task: Task, method: str | None, seed: int) -> None:
    """One deep method on one task, both arms."""
    steps = EPOCHS * (len(task.source) // BATCH)
    mine, other = fresh(seed), fresh(seed)
    _, _, seconds, against = turns(
        lambda: adapt(
            mine, task.source, task.target.images, method, steps=steps, rate=RATE, batch_size=BATCH, seed=seed
        ),
        lambda: library_adapt(other, task, method, EPOCHS, seed),
        seed,
    )
    x, y = normalised(task.test.images), torch.from_numpy(task.test.labels.copy()).to(best_device())
    row.ours.append(accuracy(mine, x, y))
    running = accuracy(other, x, y)
    _, extra = timed(lambda: refresh_batch_norm(other, normalised(task.target.images)))
    row.theirs.append(running)
    row.refreshed.append(accuracy(other, x, y))
    row.ratios.append(seconds / against)
    row.refreshed_ratios.append(seconds / (against + extra))
    row.microseconds.append(1e6 * seconds / (steps * BATCH * (2 if method else 1)))


def notes() -> dict[str, float]:
    """The two parts of skada that are replaced: what they do, in numbers."""
    from skada import DiscriminatorReweightAdapter
    from skada.deep.modules import DomainClassifier as LibraryClassifier

    rng = np.random.default_rng(0)
    # The target lies to the right: a source example counts the more, the farther right it lies.
    x = np.concatenate([rng.normal(0, 1, (500, 1)), rng.normal(1, 1, (500, 1))])
    weights = DiscriminatorReweightAdapter().fit_transform(x, sample_domain=np.repeat([1, -2], 500))[1]["sample_weight"]
    torch.manual_seed(0)
    outputs = LibraryClassifier(4)(torch.randn(64, 4))
    return {
        "skada_weights_rise_towards_target": round(float(np.corrcoef(weights[:500], x[:500, 0])[0, 1]), 3),
        "skada_domain_classifier_spread": round(float(outputs.std()), 6),
    }


def main() -> None:
    """All methods, all seeds: a table, what stands beside it, and one line of JSON."""
    if missing := [name for name in ("skada", "skorch") if importlib.util.find_spec(name) is None]:
        sys.exit(f"{' and '.join(missing)} not installed. Install: pip install 'skada>=0.6' 'skorch>=1.0'")
    warnings.simplefilter("ignore")
    rows: dict[str, Row] = defaultdict(Row)
    others: dict[str, list[float]] = defaultdict(list)
    methods: dict[str, str | None] = {"source_only": None, **DEEP}
    # Not measured: the first use of each part loads libraries and warms caches.
    warm = Task.drawn(max(SEEDS) + 1)
    shallow(defaultdict(Row), defaultdict(list), warm, 0)
    for method in methods.values():
        library_adapt(fresh(0), warm, method, 1, 0)
    adapt(fresh(0), warm.source, warm.target.images, "mmd", steps=2)
    for seed in SEEDS:
        task = Task.drawn(seed)
        shallow(rows, others, task, seed)
        for name, method in methods.items():
            deep_arms(rows[name], task, method, seed)
    figures = {name: row.figures() for name, row in rows.items()}
    print(f"{'method':12}{'ours':>8}{'skada':>8}{'gap (95 %)':>20}{'time, ours/skada':>18}{'us a sample':>13}")
    for name, row in figures.items():
        low, high = row["gap"]
        print(
            f"{name:12}{row['accuracy_ours']:8.3f}{row['accuracy_theirs']:8.3f}   [{low:+.3f}, {high:+.3f}]"
            f"{row['time_ratio']:18.2f}{row['microseconds_a_sample']:13.1f}"
        )
    print("\nBeside them, shallow, mean accuracy:")
    for name, values in others.items():
        print(f"  {name}: {np.mean(values):.3f}")
    versions = {name: version(name) for name in ("skada", "skorch", "POT", "scikit-learn", "torch")}
    print(json.dumps({**figures, "notes": notes(), "versions": versions}))


if __name__ == "__main__":
    with threadpool_limits(1):
        main()
