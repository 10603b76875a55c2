"""Vision models of Hugging Face transformers in the zoo: one by its name, others from a local folder or from the hub.

transformers is an optional part: `pip install 'tlcourse[text]'`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import nn

from tlcourse import downloads, extras
from tlcourse.errors import CourseError, DownloadError, WeightsError
from tlcourse.models.tokens import PatchTokens, TokensToMap
from tlcourse.models.weights import State, load_state
from tlcourse.models.zoo import IMAGENET_MEAN, IMAGENET_STD, SourceModel, Stats, register

Settings = Mapping[str, Any]
_CONFIG, _IMAGES, _WEIGHTS = "config.json", "preprocessor_config.json", "model.safetensors"


@dataclass(frozen=True)
class _Family:
    """Networks of one design, as transformers names them.

    Args:
        network: the class of the whole network with a classifier.
        stem: where its first part is, by its name in the network.
        blocks: where its blocks or stages are.
        smallest: pixels a side of the smallest image; None asks the configuration for the size of a patch.
    """

    network: str
    stem: str
    blocks: str
    smallest: int | None = 1

    def cut(self, network: nn.Module) -> nn.Sequential:
        """The stem and the blocks; ConvNeXt's last norm comes after its pooling, so its body ends before it."""
        stem = network.get_submodule(self.stem)
        return nn.Sequential(stem, *network.get_submodule(self.blocks).children())


class _Transformer(_Family):
    def cut(self, network: nn.Module) -> nn.Sequential:
        """Patches to tokens, the blocks and the norm, and the patches' tokens as a map again."""
        stem = network.get_submodule(self.stem)
        first = PatchTokens(
            stem.get_submodule("patch_embeddings.projection"),
            stem.get_parameter("cls_token"),
            stem.get_parameter("position_embeddings"),
            stem.get_submodule("dropout"),
        )
        blocks = network.get_submodule(self.blocks).children()
        return nn.Sequential(first, *blocks, network.get_submodule("vit.layernorm"), TokensToMap())


_FAMILIES: dict[str, _Family] = {
    "convnext": _Family("ConvNextForImageClassification", "convnext.embeddings", "convnext.encoder.stages", 32),
    "resnet": _Family("ResNetForImageClassification", "resnet.embedder", "resnet.encoder.stages"),
    "vit": _Transformer("ViTForImageClassification", "vit.embeddings", "vit.layers", None),
}


def huggingface_model(where: str | Path) -> SourceModel:
    """A source model out of a folder as `save_pretrained` writes it, or out of the Hugging Face hub.

    The designs are ConvNeXt, ResNet and ViT. Statistics and image size are those of its `preprocessor_config.json`;
    weights are read from `model.safetensors` alone, never from a pickle. A classifier that the file lacks stays random.

    Args:
        where: a folder, or a name on the hub such as "microsoft/resnet-50", whose two small configuration files are
            fetched at once and whose weights are fetched when they are first asked for.

    Raises:
        CourseError: transformers is not installed, a file is missing or cannot be downloaded, or another design.
    """
    extras.require("transformers", "text")
    find = _finder(where)
    settings, images = (_read(find(file)) for file in (_CONFIG, _IMAGES))
    if "image_mean" not in images or "image_std" not in images:
        raise CourseError(
            f"{where} does not say how its images were normalised.",
            f"Put image_mean and image_std, three numbers each, into its {_IMAGES}.",
        )
    return _source(str(where), settings, images, lambda: find(_WEIGHTS))


def _source(name: str, settings: Settings, images: Settings, weights: Callable[[], Path]) -> SourceModel:
    kind = settings.get("model_type", "")
    if kind not in _FAMILIES:
        raise CourseError(
            f"{name} holds a network of the type {kind!r}, which the zoo cannot cut.",
            f"Choose one of the types {', '.join(sorted(_FAMILIES))}, or make a tl.models.SourceModel of it yourself.",
        )
    family = _FAMILIES[kind]
    widths, depths = settings.get("hidden_sizes"), settings.get("depths")
    blocks = len(depths) if depths else int(settings["num_hidden_layers"])
    return SourceModel(
        name=name,
        build=lambda: _build(family, settings),
        cut=family.cut,
        image_size=_side(images) or int(settings.get("image_size", 224)),
        features=int(widths[-1] if widths else settings["hidden_size"]),
        late=1 + blocks // 2,  # after the stem and half of the blocks
        mean=_stats(images["image_mean"]),
        std=_stats(images["image_std"]),
        library="transformers",
        smallest=family.smallest or int(settings["patch_size"]),
        published=lambda: _state(name, family, settings, weights()),
    )


def _config(settings: Settings) -> Any:
    mapping = extras.require("transformers", "text").CONFIG_MAPPING
    return mapping[settings["model_type"]].from_dict(dict(settings))


def _build(family: _Family, settings: Settings) -> nn.Module:
    network: nn.Module = getattr(extras.require("transformers", "text"), family.network)(_config(settings))
    return network.train()


def _state(name: str, family: _Family, settings: Settings, file: Path) -> State:
    """The weights under the names that this version of transformers uses: it has renamed layers more than once."""
    state = load_state(file)
    network_class = getattr(extras.require("transformers", "text"), family.network)
    with _quiet_transformers():
        network, told = network_class.from_pretrained(
            None, config=_config(settings), state_dict=state, output_loading_info=True, ignore_mismatched_sizes=True
        )
    missing = sorted(key for key in told["missing_keys"] if not key.startswith("classifier"))
    if missing or told["mismatched_keys"]:
        what = f"it lacks {missing[0]}" if missing else f"{next(iter(told['mismatched_keys']))[0]} has another shape"
        raise WeightsError(f"{file} does not fit {name}: {what}.", "Take the file that belongs to this configuration.")
    result: State = network.float().state_dict()
    return result


@contextmanager
def _quiet_transformers() -> Iterator[None]:
    """Without its bars and its report of names: what matters of that is raised."""
    log = extras.require("transformers.utils.logging", "text")
    level, bars = log.get_verbosity(), log.is_progress_bar_enabled()
    log.set_verbosity(log.CRITICAL)
    log.disable_progress_bar()
    try:
        yield
    finally:
        log.set_verbosity(level)
        if bars:
            log.enable_progress_bar()


def _stats(numbers: Sequence[float]) -> Stats:
    red, green, blue = map(float, numbers)
    return red, green, blue


def _side(images: Settings) -> int:
    """Pixels a side of the images that it was trained on; 0 where the file does not say."""
    size = images.get("crop_size") or images.get("size") or 0
    return int(next(iter(size.values())) if isinstance(size, dict) else size)


def _finder(where: str | Path) -> Callable[[str], Path]:
    """What gives the place of a file: in the folder, or out of the hub."""
    folder = Path(where).expanduser()
    if folder.is_dir():
        return lambda file: _there(folder / file)
    return lambda file: _fetched(str(where), file)


def _there(file: Path) -> Path:
    if not file.is_file():
        raise CourseError(f"There is no {file}.", "Give a folder as save_pretrained() of transformers writes it.")
    return file


def _fetched(name: str, file: str) -> Path:
    """A file of the hub, kept beside torch's other weights. Its name there says whose it is: mirrors go by it."""
    from torch.hub import get_dir

    hub = os.environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/")
    path = Path(get_dir()) / "checkpoints" / f"{name.replace('/', '--')}--{file}"
    try:
        return downloads.fetch(f"{hub}/{name}/resolve/main/{file}", path)
    except DownloadError as error:
        raise CourseError(
            f"{name} cannot be downloaded. {error.fault}",
            f"Connect to the internet and run this again, or fetch {_CONFIG}, {_IMAGES} and {_WEIGHTS} elsewhere and "
            "give their folder, or give weights=.",
        ) from error


def _read(file: Path) -> Settings:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise CourseError(f"{file} holds no JSON.", "Delete it and fetch it again.") from error
    if not isinstance(found, dict):
        raise CourseError(f"{file} holds no settings.", "Delete it and fetch it again.")
    return found


# transformers' own defaults for this design; written down here, so that the zoo's table needs nothing from the hub.
_RESNET50 = {
    "model_type": "resnet",
    "depths": [3, 4, 6, 3],
    "hidden_sizes": [256, 512, 1024, 2048],
    "embedding_size": 64,
    "layer_type": "bottleneck",
    "num_labels": 1000,
}
_HUB_RESNET50 = "microsoft/resnet-50"
_IMAGENET_IMAGES = {"image_mean": IMAGENET_MEAN, "image_std": IMAGENET_STD, "crop_size": 224}


def hf_resnet50(weights: str | None = None) -> nn.Module:
    """The function that fastai's own `vision_learner` takes for "hf_resnet50"; "DEFAULT" for the published weights."""
    return _RESNET.network(weights)


_RESNET = replace(
    _source("hf_resnet50", _RESNET50, _IMAGENET_IMAGES, lambda: _fetched(_HUB_RESNET50, _WEIGHTS)),
    architecture=lambda: hf_resnet50,
)
register(_RESNET)
