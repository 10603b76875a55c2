"""Source models: one way in to published architectures, the course's own network, and local weight files.

A `SourceModel` says how to build a network and where to cut its body from its classifier. The published ones are in
`zoo_torchvision`, `zoo_timm` and `zoo_huggingface`; `register` takes one of your own.
"""

from __future__ import annotations

import difflib
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn

from tlcourse.errors import CourseError, DataError
from tlcourse.models.weights import State, load_into, load_state

Stats = tuple[float, float, float]
# "DEFAULT" takes the published weights; a path a local file; a mapping a state dict; None leaves them random.
Weights = Literal["DEFAULT"] | str | Path | State | None

IMAGENET_MEAN: Stats = (0.485, 0.456, 0.406)
IMAGENET_STD: Stats = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class SourceModel:
    """A network that was, or can be, trained on a source task, and how to take it apart.

    Args:
        name: what to call it, as in `source_model(name)`.
        build: makes the whole network, classifier included, with random weights.
        cut: gives the body of such a network: its children, in the order in which the data passes through.
        image_size: height and width, in pixels, of the images that it was trained on.
        features: channels of the body's output.
        late: the first child of the body that belongs to its late half; gives `split` its three groups.
        mean, std: of its training images' channels, in [0, 1].
        published: fetches the state dict of the whole network; None where nothing is published.
        library: where it comes from: "torchvision", "timm", "transformers" or "tlcourse".
        smallest: height and width, in pixels, of the smallest image that it can take.
        architecture: gives the function that fastai's `vision_learner` takes for this network, if there is one. It is
            called when that is needed: importing the zoo does not import torchvision.
    """

    name: str
    build: Callable[[], nn.Module]
    cut: Callable[[nn.Module], nn.Sequential]
    image_size: int
    features: int
    late: int
    mean: Stats = IMAGENET_MEAN
    std: Stats = IMAGENET_STD
    library: str = ""
    smallest: int = 1
    published: Callable[[], State] | None = None
    architecture: Callable[[], Callable[..., nn.Module]] | None = None

    def network(self, weights: Weights = "DEFAULT") -> nn.Module:
        """The whole network with its own classifier, in training mode.

        Args:
            weights: "DEFAULT" for the published ones, a local file, a state dict, or None for random ones.

        Raises:
            WeightsError: the file is damaged, or made for another network.
            CourseError: nothing is published, or it cannot be downloaded.
        """
        network = self.build()
        if weights is not None:
            state, where = self._state(weights)
            load_into(network, state, where)
        return network

    def body(self, weights: Weights = "DEFAULT") -> nn.Sequential:
        """The network up to its pooling, as a Sequential: (N, 3, H, W) to (N, features, h, w).

        Takes what `network` takes, and raises what it raises.
        """
        return self.take_body(self.network(weights))

    def take_body(self, network: nn.Module) -> nn.Sequential:
        """The body of a network that `build` made, which says so if an image is too small for it.

        Raises (when the body is called):
            DataError: images below `smallest`.
        """
        body = self.cut(network)
        if self.smallest > 1:
            body.register_forward_pre_hook(partial(_check_size, self.name, self.smallest))
        return body

    @cached_property
    def n_parameters(self) -> int:
        """Parameters of the whole network, its classifier included; counted without any memory for them."""
        with torch.device("meta"):
            return _count(self.build())

    def split(self, model: nn.Sequential) -> list[list[nn.Parameter]]:
        """A fastai splitter for Sequential(body, head): the body's early half, its late half, the head.

        Groups are what fastai's `slice` learning rates and gradual unfreezing work on (Howard and Ruder 2018,
        "Universal language model fine-tuning for text classification", sections 3.2 and 3.3).
        """
        body, head = model[0], model[1:]
        assert isinstance(body, nn.Sequential)
        return [list(part.parameters()) for part in (body[: self.late], body[self.late :], head)]

    def _state(self, weights: Weights) -> tuple[State, str | Path]:
        if weights == "DEFAULT":
            return self._published_state(), f"the published state dict of {self.name}"
        if isinstance(weights, str | Path):
            return load_state(weights), weights
        assert weights is not None
        return weights, "the state dict"

    def _published_state(self) -> State:
        if self.published is None:
            raise CourseError(
                f"No weights are published for {self.name}.",
                "Give a local file as weights=, or weights=None for random ones.",
            )
        return self.published()


def register(source: SourceModel) -> SourceModel:
    """Add a source model to the zoo, in place of one of the same name if there is one."""
    _REGISTRY[source.name] = source
    return source


def source_models() -> tuple[str, ...]:
    """The names that `source_model` knows, sorted; without those whose library is not installed."""
    return tuple(sorted(name for name, source in _REGISTRY.items() if _installed(source.library)))


def _installed(library: str) -> bool:
    return not library or importlib.util.find_spec(library) is not None


def source_model(name: str | SourceModel) -> SourceModel:
    """The source model of this name (a SourceModel is given back as it is).

    A folder, or a name with a slash such as "facebook/convnext-tiny-224", is one of Hugging Face: see
    `huggingface_model`.

    Raises:
        CourseError: there is none; the message offers near names.
    """
    if isinstance(name, SourceModel):
        return name
    if name in _REGISTRY:
        return _REGISTRY[name]
    if "/" in name or Path(name).is_dir():
        from tlcourse.models.zoo_huggingface import huggingface_model  # it imports this module

        return huggingface_model(name)
    near = difflib.get_close_matches(name.lower(), _REGISTRY, n=3, cutoff=0.5)
    cure = f"Did you mean {' or '.join(near)}?" if near else f"Choose one of {', '.join(source_models())}."
    raise CourseError(f"There is no source model {name!r}.", cure)


def zoo_card(name: str | SourceModel) -> dict[str, Any]:
    """What to know of a source model before choosing it. Nothing is downloaded, and no memory taken for weights.

    Returns:
        name, library, image_size and smallest (pixels a side), features, mean and std, parameters of the whole
        network, body_parameters, children of the body by the names of their classes, late (the first child of its late
        half), and groups (parameters of the body's two halves, the first two of `split`).

    Raises:
        CourseError: there is no such model, or its library is not installed.
    """
    source = source_model(name)
    with torch.device("meta"):
        network = source.build()
        body = source.cut(network)
    halves = [_count(part) for part in (body[: source.late], body[source.late :])]
    return {
        "name": source.name,
        "library": source.library,
        "image_size": source.image_size,
        "smallest": source.smallest,
        "features": source.features,
        "mean": source.mean,
        "std": source.std,
        "parameters": _count(network),
        "body_parameters": _count(body),
        "children": tuple(type(child).__name__ for child in body),
        "late": source.late,
        "groups": halves,
    }


def _count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def _check_size(name: str, smallest: int, body: nn.Module, inputs: tuple[Any, ...]) -> None:
    """A hook before a body's forward: PyTorch's own message for a map that vanishes names no image size."""
    height, width = inputs[0].shape[-2:]
    if min(height, width) < smallest:
        raise DataError(
            f"{name} needs images of at least {smallest} px a side; these have {height} x {width}.",
            "Give larger images (image_size=), or choose another source model.",
        )


_REGISTRY: dict[str, SourceModel] = {}
