"""torchvision's architectures in the zoo: where each body is, what comes out of it, and its published weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from tlcourse import downloads
from tlcourse.errors import CourseError, DownloadError, WeightsError
from tlcourse.models.tokens import PatchTokens, TokensToMap
from tlcourse.models.weights import State, load_state
from tlcourse.models.zoo import IMAGENET_MEAN, IMAGENET_STD, SourceModel, Stats, register

Cut = Callable[[nn.Module], nn.Sequential]
Arch = Callable[..., nn.Module]


@dataclass(frozen=True)
class _Row:
    """One architecture: see SourceModel. `options` go to torchvision's function with random weights."""

    name: str
    features: int
    late: int
    cut: Cut
    image_size: int = 224
    smallest: int = 1
    mean: Stats = IMAGENET_MEAN
    std: Stats = IMAGENET_STD
    options: tuple[tuple[str, Any], ...] = ()


def _features_cut(network: nn.Module) -> nn.Sequential:
    """The body of networks that keep it as `network.features`."""
    return nn.Sequential(*network.get_submodule("features").children())


def _resnet_cut(network: nn.Module) -> nn.Sequential:
    """All children but the average pooling and the classifier."""
    return nn.Sequential(*list(network.children())[:-2])


def _inception_cut(network: nn.Module) -> nn.Sequential:
    """The main line: without the second classifier on its side, and without pooling, dropout and classifier."""
    line = [child for name, child in network.named_children() if name != "AuxLogits"]
    return nn.Sequential(*line[:-3])


def _vit_cut(network: nn.Module) -> nn.Sequential:
    """Patches to tokens, the encoder's blocks and its norm, and the patches' tokens as a map again."""
    encoder = network.get_submodule("encoder")
    first = PatchTokens(
        network.get_submodule("conv_proj"),
        network.get_parameter("class_token"),
        encoder.get_parameter("pos_embedding"),
        encoder.get_submodule("dropout"),
    )
    blocks = encoder.get_submodule("layers").children()
    return nn.Sequential(first, *blocks, encoder.get_submodule("ln"), TokensToMap())


# ConvNeXt's last layer norm comes after the pooling, in its classifier, so its body ends before it. Inception was
# trained on images normalised with 0.5; torchvision's network converts to that inside, which its cut leaves out.
_HALF: Stats = (0.5, 0.5, 0.5)
_ROWS = (
    _Row("convnext_tiny", features=768, late=4, cut=_features_cut, smallest=32),
    _Row("efficientnet_b0", features=1280, late=4, cut=_features_cut),
    _Row(
        "inception_v3",
        features=2048,
        late=10,
        cut=_inception_cut,
        image_size=299,
        smallest=75,
        mean=_HALF,
        std=_HALF,
        options=(("init_weights", True),),
    ),
    _Row("mobilenet_v2", features=1280, late=7, cut=_features_cut),
    _Row("mobilenet_v3_large", features=960, late=7, cut=_features_cut),
    _Row("mobilenet_v3_small", features=576, late=4, cut=_features_cut),
    _Row("resnet18", features=512, late=6, cut=_resnet_cut),
    _Row("resnet34", features=512, late=6, cut=_resnet_cut),
    _Row("resnet50", features=2048, late=6, cut=_resnet_cut),
    _Row("squeezenet1_1", features=512, late=6, cut=_features_cut, smallest=17),
    _Row("vgg16", features=512, late=17, cut=_features_cut, smallest=32),
    _Row("vit_b_16", features=768, late=7, cut=_vit_cut, smallest=16),
)


def _source(row: _Row) -> SourceModel:
    def architecture() -> Arch:
        from torchvision import models

        return getattr(models, row.name)

    return SourceModel(
        name=row.name,
        build=lambda: architecture()(**dict(row.options)),
        cut=row.cut,
        image_size=row.image_size,
        features=row.features,
        late=row.late,
        mean=row.mean,
        std=row.std,
        library="torchvision",
        smallest=row.smallest,
        published=lambda: _published(row.name),
        architecture=architecture,
    )


def _published(name: str) -> State:
    """torchvision's newest weights for an architecture.

    Raises:
        CourseError: they cannot be downloaded.
        WeightsError: the file that came is damaged.
    """
    from torchvision.models import get_model_weights

    url: str = get_model_weights(name).DEFAULT.url
    return weights_from(url, url.rpartition("/")[2], name)


def weights_from(url: str, file: str, name: str) -> State:
    """A published weight file, kept where torch.hub keeps them; one that is damaged there is fetched again.

    torchvision and timm put the first digits of a file's SHA-256 in its name; a file without them is not checked.
    """
    from torch.hub import get_dir

    path = Path(get_dir()) / "checkpoints" / file
    digest = path.stem.rpartition("-")[2]
    known = len(digest) >= 8 and set(digest) <= set("0123456789abcdef")
    try:
        downloads.fetch(url, path, downloads.Expected(sha256=digest if known else None))
    except DownloadError as error:
        raise CourseError(
            f"The published weights of {name} cannot be downloaded. {error.fault}",
            f"Connect to the internet and run this again, or fetch that file elsewhere and give its path as weights=, "
            f"or put it at {path}.",
        ) from error
    try:
        return load_state(path)
    except WeightsError as error:
        raise WeightsError(error.fault, f"Delete {path} and run this again to download it anew.") from error


for _row in _ROWS:
    register(_source(_row))
