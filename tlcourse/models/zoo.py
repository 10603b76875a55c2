"""Source models: one way in to published architectures, the course's own network, and local weight files.

A `SourceModel` says how to build a network and where to cut its body from its classifier. To widen the zoo,
add a row to `_TORCHVISION`, or call `register` with a `SourceModel` of your own.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Literal

from torch import nn

from tlcourse import storage
from tlcourse.errors import CourseError, WeightsError
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
        return self.cut(self.network(weights))

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
    """The names that `source_model` knows, sorted."""
    return tuple(sorted(_REGISTRY))


def source_model(name: str | SourceModel) -> SourceModel:
    """The source model of this name (a SourceModel is given back as it is).

    Raises:
        CourseError: there is none; the message offers near names.
    """
    if isinstance(name, SourceModel):
        return name
    if name in _REGISTRY:
        return _REGISTRY[name]
    near = difflib.get_close_matches(name.lower(), _REGISTRY, n=3, cutoff=0.5)
    cure = f"Did you mean {' or '.join(near)}?" if near else f"Choose one of {', '.join(source_models())}."
    raise CourseError(f"There is no source model {name!r}.", cure)


@dataclass(frozen=True)
class _Row:
    """One architecture of torchvision's: where its body is, and what comes out of it."""

    name: str
    features: int
    late: int
    cut: Callable[[nn.Module], nn.Sequential]
    image_size: int = 224


def _features_cut(network: nn.Module) -> nn.Sequential:
    """The body of networks that keep it as `network.features`."""
    return nn.Sequential(*network.get_submodule("features").children())


def _resnet_cut(network: nn.Module) -> nn.Sequential:
    """All children but the average pooling and the classifier."""
    return nn.Sequential(*list(network.children())[:-2])


# ConvNeXt's last layer norm comes after the pooling, in its classifier, so its body ends before it.
_TORCHVISION = (
    _Row("mobilenet_v2", features=1280, late=7, cut=_features_cut),
    _Row("squeezenet1_1", features=512, late=6, cut=_features_cut),
    _Row("resnet18", features=512, late=6, cut=_resnet_cut),
    _Row("resnet34", features=512, late=6, cut=_resnet_cut),
    _Row("vgg16", features=512, late=17, cut=_features_cut),
    _Row("efficientnet_b0", features=1280, late=4, cut=_features_cut),
    _Row("convnext_tiny", features=768, late=4, cut=_features_cut),
)


def _from_torchvision(row: _Row) -> SourceModel:
    def architecture() -> Callable[..., nn.Module]:
        from torchvision import models

        return getattr(models, row.name)

    return SourceModel(
        name=row.name,
        build=lambda: architecture()(),
        cut=row.cut,
        image_size=row.image_size,
        features=row.features,
        late=row.late,
        published=lambda: _download(row.name),
        architecture=architecture,
    )


def _download(name: str) -> State:
    """torchvision's newest weights for an architecture, kept where torch.hub keeps them.

    Raises:
        CourseError: they cannot be downloaded.
        WeightsError: the file that came is damaged.
    """
    from torch.hub import download_url_to_file, get_dir
    from torchvision.models import get_model_weights

    url: str = get_model_weights(name).DEFAULT.url
    path = Path(get_dir()) / "checkpoints" / url.rpartition("/")[2]
    # torchvision puts the first eight digits of a file's SHA-256 in its name.
    digest = path.stem.rpartition("-")[2]
    if not path.exists():
        storage.make_folder(path.parent)
        try:
            download_url_to_file(url, str(path), hash_prefix=digest, progress=False)
        except (OSError, HTTPException) as error:  # urllib's errors are OSErrors
            raise CourseError(
                f"The published weights of {name} cannot be downloaded from {url} ({error}).",
                f"Connect to the internet, or fetch that file elsewhere and give its path as weights=, "
                f"or put it at {path}.",
            ) from error
        except RuntimeError as error:  # the hash
            raise WeightsError(f"The download of {url} came damaged ({error}).", "Run this again.") from error
    try:
        return load_state(path, sha256=digest)
    except WeightsError as error:
        raise WeightsError(error.fault, f"Delete {path} and run this again to download it anew.") from error


_REGISTRY: dict[str, SourceModel] = {row.name: _from_torchvision(row) for row in _TORCHVISION}
