"""fastai Learners on source models, so made that arms with and without transfer can be compared."""

from __future__ import annotations

import copy
import random
import sys
from typing import Any, Literal

import fastai.callback.all  # noqa: F401  (gives Learner its fine_tune, lr_find, no_bar and the like)
import torch
from fastai.data.core import DataLoaders, TfmdDL
from fastai.data.transforms import Normalize, get_c
from fastai.learner import Learner
from fastai.losses import CrossEntropyLossFlat
from fastai.vision.core import TensorImage
from fastai.vision.learner import add_head, model_meta
from fasttransform import Pipeline
from torch import nn

from tlcourse.errors import CourseError
from tlcourse.models.zoo import SourceModel, Stats, Weights, source_model, source_models


def vision_learner(
    dls: DataLoaders,
    source: str | SourceModel,
    weights: Weights = "DEFAULT",
    *,
    n_out: int | None = None,
    head: nn.Module | Literal["fastai", "linear"] = "fastai",
    normalize: bool = True,
    **learner: Any,
) -> Learner:
    """A fastai Learner on a source model's body.

    It differs from fastai's own `vision_learner` in three things: every batch is normalised with the source
    model's statistics whether or not the weights are pretrained; the caller's `dls` are never changed; and it
    takes local weight files. Like fastai's, it freezes the body when given weights, and else leaves it free.

    Args:
        dls: fastai DataLoaders of images in [0, 255] as integers or in [0, 1] as floats.
        source: a source model or its name.
        weights: as in `SourceModel.network`.
        n_out: numbers that the head gives for an image; the number of classes in `dls` if left out.
        head: "fastai" for fastai's head (pooling, batch norm, dropout, a hidden layer of 512), "linear" for
            average pooling and one linear layer, or a module that takes the body's output.
        normalize: False leaves the batches as `dls` give them.
        learner: what fastai's Learner takes, such as `metrics`, `cbs`, `path`, or `loss_func` (cross-entropy
            where the data name none).

    Raises:
        CourseError: an unknown source model, weights that cannot be had, or `dls` that cannot be used.
    """
    source = source_model(source)
    n_out = _classes(dls) if n_out is None else n_out
    chosen = _head(head, source.features, n_out)
    dls = normalised(dls, source.mean, source.std) if normalize else dls
    model = add_head(source.body(weights), source.features, n_out, head=chosen)
    learn = Learner(dls, model, **{"splitter": source.split, "loss_func": _loss(dls), **learner})
    if weights is not None:
        learn.freeze()
    return learn


def linear_head(features: int, n_out: int) -> nn.Sequential:
    """Average pooling and one linear layer: (N, features, h, w) to (N, n_out)."""
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(features, n_out))


def normalised(dls: DataLoaders, mean: Stats, std: Stats) -> DataLoaders:
    """A copy of `dls` whose batches are normalised with these statistics, in place of any they had.

    The order of the batches, their size and the datasets stay as they are; `dls` itself is not changed.

    Raises:
        CourseError: a loader is not one of fastai's, so that its batches cannot be transformed.
    """
    result = copy.copy(dls)
    result.loaders = [_normalised_loader(loader, mean, std) for loader in dls.loaders]
    return result


class NormalizeImages(Normalize):
    """fastai's Normalize, for integer images and plain tensors too.

    fastai's own passes a plain tensor through as it is, without a word, and takes integers for floats.
    """

    # Dispatch prefers fastai's method for TensorImage to one of ours for any Tensor: each type has its own.
    def encodes(self, x: TensorImage) -> torch.Tensor:
        return self._encoded(x)

    def encodes(self, x: torch.Tensor) -> torch.Tensor:  # type: ignore[no-redef]  # noqa: F811
        return self._encoded(x)

    def decodes(self, x: TensorImage) -> torch.Tensor:
        return self._decoded(x)

    def decodes(self, x: torch.Tensor) -> torch.Tensor:  # type: ignore[no-redef]  # noqa: F811
        return self._decoded(x)

    def _encoded(self, x: torch.Tensor) -> torch.Tensor:
        if x.ndim != 4:  # labels come by here as well
            return x
        x = x if x.is_floating_point() else x.float() / 255
        return (x - self.mean.to(x.device)) / self.std.to(x.device)

    def _decoded(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.std.to(x.device) + self.mean.to(x.device) if x.ndim == 4 else x


def register_with_fastai() -> None:
    """Teach fastai's own `vision_learner(dls, architecture)` the zoo's architectures that it does not know.

    Without this, `vision_learner(dls, mobilenet_v2)` ends in a bare StopIteration. Architectures that fastai
    knows keep fastai's entry. Calling it again changes nothing, except that timm's are added if timm has been
    imported since: who has not imported it has none of its functions to give.
    """
    for name in source_models():
        source = source_model(name)
        if source.architecture is None or (source.library == "timm" and "timm" not in sys.modules):
            continue
        meta = {"cut": source.take_body, "split": source.split, "stats": (source.mean, source.std)}
        # timm's functions are asked for pretrained=, which is what fastai does where `weights` is not in the meta.
        weights = {} if source.library == "timm" else {"weights": "DEFAULT"}
        model_meta.setdefault(source.architecture(), {**meta, **weights})


def _classes(dls: DataLoaders) -> int:
    if count := get_c(dls):
        return int(count)
    raise CourseError("The number of classes cannot be told from the data.", "Give it as n_out=.")


def _loss(dls: DataLoaders) -> Any:
    return getattr(dls.train_ds, "loss_func", None) or CrossEntropyLossFlat()


def _head(head: nn.Module | str, features: int, n_out: int) -> nn.Module | None:
    """The module for `head`; None has fastai make its own."""
    if isinstance(head, nn.Module):
        return head
    if head == "fastai":
        return None
    if head == "linear":
        return linear_head(features, n_out)
    raise CourseError(f"There is no head {head!r}.", 'Give "fastai", "linear" or a module.')


def _normalised_loader(loader: Any, mean: Stats, std: Stats) -> Any:
    if not isinstance(loader, TfmdDL):
        raise CourseError(
            f"A {type(loader).__module__}.{type(loader).__name__} has no batch transforms to normalise with.",
            "Make DataLoaders with .dataloaders(), or normalise the images first and give normalize=False.",
        )
    kept = [step for step in loader.after_batch.fs if not isinstance(step, Normalize)]
    steps = Pipeline([*kept, NormalizeImages.from_stats(mean, std, cuda=False)])
    # A new loader draws its seed from the global generator; give both generators back what they had.
    before = random.getstate()
    result = loader.new(after_batch=steps)
    random.setstate(before)
    result.rng.setstate(loader.rng.getstate())
    return result
