"""The course's recipe: a linear probe on frozen features first, then fine-tuning from it, if that helps."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from fastai.callback.core import Callback, CancelFitException
from fastai.callback.schedule import fit_one_cycle  # noqa: F401  (gives Learner the method)
from fastai.data.core import DataLoaders
from fastai.learner import Learner
from fastai.vision.augment import Flip
from torch import nn
from torch.nn import functional

from tlcourse.errors import DataError
from tlcourse.models.learner import vision_learner
from tlcourse.models.zoo import SourceModel, Weights, source_model
from tlcourse.transfer.callbacks import BatchNormAsleep, speed_up
from tlcourse.transfer.features import frozen_features
from tlcourse.transfer.probe import LinearHead, linear_head
from tlcourse.worlds.images import LabelledImages


@dataclass(frozen=True)
class Stage:
    """One point of the recipe's history.

    Args:
        name: "probe", "epoch 1" and so on, "whole" for the last training on all images.
        validation: cross-entropy on the held-out images in nats; None where there are none or all were trained on.
        cpu_seconds: processor time since the start, over all threads.
        seconds: wall-clock time since the start.
    """

    name: str
    validation: float | None
    cpu_seconds: float
    seconds: float


@dataclass
class TwoSteps:
    """What the recipe made.

    Args:
        learner: a fastai Learner with the chosen weights; its model ends in a linear head.
        history: the stages in the order in which they ran.
        epochs_kept: epochs of fine-tuning that the chosen weights have; 0 if the probe was as good.
        C: the inverse penalty of the probe.
    """

    learner: Learner
    history: list[Stage] = field(default_factory=list)
    epochs_kept: int = 0
    C: float = 1.0

    def __repr__(self) -> str:
        stages = "\n".join(
            f"  {stage.name:8} validation loss {'-' if stage.validation is None else f'{stage.validation:.3f}':>6}"
            f"   {stage.cpu_seconds:6.2f} CPU seconds"
            for stage in self.history
        )
        kept = f"{self.epochs_kept} epochs of fine-tuning" if self.epochs_kept else "the probe"
        return f"{stages}\n  kept: {kept}"


Watch = Callable[[str, nn.Module], None]


def probe_then_finetune(
    source: str | SourceModel,
    train: LabelledImages,
    *,
    weights: Weights = "DEFAULT",
    image_size: int | None = None,
    flip: bool = False,
    epochs: int = 4,
    rate: float = 1e-3,
    batch_size: int = 32,
    held_out: float = 0.2,
    seed: int = 0,
    full_precision: bool = False,
    watch: Watch | None = None,
) -> TwoSteps:
    """Probe, then fine-tune (Kumar et al. 2022, "Fine-Tuning can Distort Pretrained Features and Underperform
    Out-of-Distribution", section 4), with the choice between the two left to held-out images.

    1. The frozen body computes the features of all images once; logistic regression on them gives the head, its
       penalty chosen by cross-validation. So the network is a linear probe after a second or so.
    2. The same head, fitted to the images that are not held out, is fine-tuned together with the body: discriminative
       rates, a one-cycle schedule, batch norm in the source's statistics. The held-out loss says after how many epochs
       to stop, 0 included. If some help, they are run again on all images from the head of step 1.

    Args:
        source: a source model or its name.
        train: the labelled images; every class at least once.
        weights: as in `SourceModel.network`.
        image_size: side in pixels to which images are scaled first; None leaves them as they are.
        flip: learn from mirrored images too. Not for classes that a mirror would change, such as letters.
        epochs: of fine-tuning, at most; 0 gives the probe.
        rate: the head's peak learning rate; the body's first layers get a hundredth of it.
        batch_size: images a step.
        held_out: share of each class that step 2 is judged by.
        seed: what is held out, folds and the order of the batches.
        full_precision: compute in float32 even where a shorter format is faster.
        watch: called with a stage's name and the network in evaluation mode; its time is not counted.

    Raises:
        DataError: a class without images, or a share that leaves nothing.
        CourseError: an unknown source model, or weights that cannot be had.
    """
    source, train = source_model(source), scaled(train, image_size)
    run = _Run(source, train, flip, epochs, rate, batch_size, seed, full_precision, watch or (lambda *_: None))
    result = run.probe(weights)
    kept, judged = split_off(train.labels, held_out, seed) if epochs else (np.arange(0), np.arange(0))
    if len(judged):
        run.fine_tune(result, kept, judged)
    return result


def scaled(images: LabelledImages, side: int | None) -> LabelledImages:
    """The same images, `side` pixels high and wide (bilinear, antialiased); None leaves them as they are."""
    if side is None or images.images.shape[-2:] == (side, side):
        return images
    pixels = torch.from_numpy(np.ascontiguousarray(images.images)).float()
    pixels = functional.interpolate(pixels, (side, side), mode="bilinear", antialias=True, align_corners=False)
    return replace(images, images=pixels.round().clamp(0, 255).byte().numpy())


def split_off(labels: np.ndarray, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(rows to train on, rows to judge by): `share` of each class for the latter, rounded, but never a class's last.

    Raises:
        DataError: no share between 0 and 1.
    """
    if not 0 <= share < 1:
        raise DataError(f"A share of {share:g} cannot be held out.", "Give a number from 0 to below 1, such as 0.2.")
    rng, judged = np.random.default_rng(seed), []
    for label in np.unique(labels):
        rows = rng.permutation(np.flatnonzero(labels == label))
        judged.append(rows[: min(round(share * len(rows)), len(rows) - 1)])
    rows = np.sort(np.concatenate(judged)).astype(np.int64)
    return np.setdiff1d(np.arange(len(labels)), rows), rows


class _Clock:
    """Processor and wall-clock time since it was made, pauses left out."""

    def __init__(self) -> None:
        self.started = self._now()

    @staticmethod
    def _now() -> np.ndarray:
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        return np.array([time.process_time(), time.perf_counter()])

    def read(self) -> tuple[float, float]:
        cpu, wall = self._now() - self.started
        return float(cpu), float(wall)

    @contextmanager
    def paused(self) -> Iterator[None]:
        before = self._now()
        yield
        self.started += self._now() - before


@dataclass
class _Run:
    """The two steps and what they share."""

    source: SourceModel
    train: LabelledImages
    flip: bool
    epochs: int
    rate: float
    batch_size: int
    seed: int
    full_precision: bool
    watch: Watch

    def __post_init__(self) -> None:
        self.clock = _Clock()

    def probe(self, weights: Weights) -> TwoSteps:
        """Step 1. The features are kept for step 2."""
        torch.manual_seed(self.seed)
        learner = vision_learner(self._loaders(self.train, self.train), self.source, weights, head="linear")
        self.features = self._features(learner.model[0], self.train.images)
        mirrored = np.ascontiguousarray(self.train.images[..., ::-1])
        self.mirrored = self._features(learner.model[0], mirrored) if self.flip else None
        head = self._head(np.arange(len(self.train)))
        transplant_head(learner, head)
        result = TwoSteps(learner, C=head.C)
        self._reached(result, "probe", None)
        return result

    def fine_tune(self, result: TwoSteps, kept: np.ndarray, judged: np.ndarray) -> None:
        """Step 2: on some images to see how many epochs help, then that many on all."""
        learner = result.learner
        start = copy.deepcopy(learner.model.state_dict())
        head = self._head(kept, strengths=(result.C,))
        unmoved = self._loss_of(head, judged)
        result.history[0] = replace(result.history[0], validation=unmoved)
        transplant_head(learner, head)
        learner.dls = self._normalised_like(learner, self.train.subset(kept), self.train.subset(judged))
        losses = self._train(learner, self.epochs, lambda name, loss: self._reached(result, name, loss))
        best = int(np.argmin([unmoved, *losses]))
        learner.model.load_state_dict(start)
        if best:
            learner.dls = self._normalised_like(learner, self.train, self.train.subset(judged))
            self._train(learner, best, lambda name, loss: None)
            self._reached(result, "whole", None)
        result.epochs_kept = best
        learner.model.eval()

    def _train(self, learner: Learner, stop: int, reached: Callable[[str, float], None]) -> list[float]:
        """`stop` epochs of a schedule that is always `self.epochs` long; the held-out loss after each."""
        learner.unfreeze()
        learner.create_opt()
        told = _AfterEpoch(stop, reached)
        with learner.no_bar(), learner.no_logging(), learner.added_cbs([BatchNormAsleep(), told]):
            learner.fit_one_cycle(self.epochs, slice(self.rate / 100, self.rate))
        return told.losses

    def _reached(self, result: TwoSteps, name: str, loss: float | None) -> None:
        cpu, wall = self.clock.read()
        result.history.append(Stage(name, loss, cpu, wall))
        with self.clock.paused():
            result.learner.model.eval()
            self.watch(name, result.learner.model)

    def _features(self, body: nn.Module, images: np.ndarray) -> np.ndarray:
        return frozen_features(
            body, images, mean=self.source.mean, std=self.source.std, full_precision=self.full_precision, cache=False
        )

    def _head(self, rows: np.ndarray, **options: Any) -> LinearHead:
        more = None if self.mirrored is None else self.mirrored[rows]
        n_classes = len(self.train.classes)
        return linear_head(
            self.features[rows], self.train.labels[rows], n_classes, more=more, seed=self.seed, **options
        )

    def _loss_of(self, head: LinearHead, rows: np.ndarray) -> float:
        scores = torch.from_numpy(self.features[rows] @ head.weight.T + head.bias)
        return float(functional.cross_entropy(scores, torch.from_numpy(self.train.labels[rows])))

    def _loaders(self, train: LabelledImages, valid: LabelledImages) -> DataLoaders:
        flips = [Flip()] if self.flip else []
        # A last batch of one image would be a step as long as the others.
        batch_size = min(self.batch_size, len(train))
        return train.dataloaders(valid, batch_size=batch_size, seed=self.seed, batch_transforms=flips)

    def _normalised_like(self, learner: Learner, train: LabelledImages, valid: LabelledImages) -> DataLoaders:
        from tlcourse.models.learner import normalised

        if not self.full_precision:
            speed_up(learner)
        return normalised(self._loaders(train, valid), self.source.mean, self.source.std)


class _AfterEpoch(Callback):
    """Notes the held-out loss of each epoch, and ends the training after some."""

    order = 65  # after the Recorder, which computes the losses

    def __init__(self, stop: int, reached: Callable[[str, float], None]) -> None:
        self.stop, self.reached, self.losses = stop, reached, list[float]()

    def after_epoch(self) -> None:
        self.losses.append(float(self.recorder.values[-1][1]))
        self.reached(f"epoch {len(self.losses)}", self.losses[-1])
        if len(self.losses) == self.stop:
            raise CancelFitException


def transplant_head(learner: Learner, head: LinearHead) -> None:
    """Put a fitted linear head into a Learner whose model ends in a linear layer (`head="linear"`)."""
    layer = learner.model[1][-1]
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(head.weight))
        layer.bias.copy_(torch.from_numpy(head.bias))
