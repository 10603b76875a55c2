"""Source models: GlyphNet and its weights, the zoo of published ones, and how to load a weight file safely."""

from typing import Any

from tlcourse.models import zoo_timm, zoo_torchvision  # noqa: F401  (they fill the zoo)
from tlcourse.models.bodies import body_card, pretrained_body
from tlcourse.models.device import best_device
from tlcourse.models.foreign import convert_keras, read_arrays, to_torch
from tlcourse.models.glyphnet import GLYPH_MEAN, GLYPH_STD, GLYPHNET, GlyphNet, glyphnet_card
from tlcourse.models.keras_digits import KerasDigits, keras_digits, keras_digits_network
from tlcourse.models.padding import SamePad2d, same_padding
from tlcourse.models.weights import load_into, load_state, save_safetensors
from tlcourse.models.zoo import SourceModel, source_model, source_models, zoo_card

_WITH_FASTAI = ("register_with_fastai", "vision_learner")

__all__ = [
    "GLYPHNET",
    "GLYPH_MEAN",
    "GLYPH_STD",
    "GlyphNet",
    "KerasDigits",
    "SamePad2d",
    "SourceModel",
    "best_device",
    "body_card",
    "convert_keras",
    "glyphnet_card",
    "keras_digits",
    "keras_digits_network",
    "load_into",
    "load_state",
    "pretrained_body",
    "read_arrays",
    "same_padding",
    "save_safetensors",
    "source_model",
    "source_models",
    "to_torch",
    "zoo_card",
]


def __getattr__(name: str) -> Any:
    """fastai takes seconds to import: what needs it is loaded when it is first asked for."""
    if name not in _WITH_FASTAI:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from tlcourse.models import learner

    return getattr(learner, name)
