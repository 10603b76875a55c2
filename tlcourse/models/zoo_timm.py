"""timm's architectures in the zoo. timm is an optional part: `pip install 'tlcourse[zoo]'`."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from tlcourse import extras
from tlcourse.models.tokens import PatchTokens, TokensToMap
from tlcourse.models.weights import State
from tlcourse.models.zoo import SourceModel, register
from tlcourse.models.zoo_torchvision import weights_from


@dataclass(frozen=True)
class _Row:
    """One architecture of timm's: our name, timm's, and the rest as in SourceModel."""

    name: str
    timm_name: str
    features: int
    late: int
    cut: Callable[[nn.Module], nn.Sequential]
    image_size: int
    smallest: int


def _xception_cut(network: nn.Module) -> nn.Sequential:
    """All children but the pooling and the classifier."""
    return nn.Sequential(*list(network.children())[:-2])


def _vit_cut(network: nn.Module) -> nn.Sequential:
    """Patches to tokens, the blocks and the norm, and the patches' tokens as a map again."""
    first = PatchTokens(
        network.get_submodule("patch_embed.proj"),
        network.get_parameter("cls_token"),
        network.get_parameter("pos_embed"),
        network.get_submodule("pos_drop"),
    )
    blocks = network.get_submodule("blocks").children()
    return nn.Sequential(first, *blocks, network.get_submodule("norm"), TokensToMap())


_ROWS = (
    _Row("vit_tiny", "vit_tiny_patch16_224", features=192, late=7, cut=_vit_cut, image_size=224, smallest=16),
    _Row("xception", "legacy_xception", features=2048, late=13, cut=_xception_cut, image_size=299, smallest=8),
)


def _source(row: _Row) -> SourceModel:
    def architecture() -> Callable[..., nn.Module]:
        return extras.require("timm", "zoo").models.model_entrypoint(row.timm_name)

    return SourceModel(
        name=row.name,
        build=lambda: architecture()(pretrained=False),
        cut=row.cut,
        image_size=row.image_size,
        features=row.features,
        late=row.late,
        mean=(0.5, 0.5, 0.5),
        std=(0.5, 0.5, 0.5),
        library="timm",
        smallest=row.smallest,
        published=lambda: _published(row),
        architecture=architecture,
    )


def _published(row: _Row) -> State:
    """timm's default weights, from the address that timm itself would take; raises as `weights_from` does."""
    settings = extras.require("timm", "zoo").models.get_pretrained_cfg(row.timm_name)
    if settings.hf_hub_id:
        hub = os.environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/")
        file = f"{settings.hf_hub_id.rpartition('/')[2]}.safetensors"
        return weights_from(f"{hub}/{settings.hf_hub_id}/resolve/main/model.safetensors", file, row.name)
    return weights_from(settings.url, settings.url.rpartition("/")[2], row.name)


for _row in _ROWS:
    register(_source(_row))
