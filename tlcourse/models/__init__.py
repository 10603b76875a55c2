"""Source models: GlyphNet and its weights, the zoo of published ones, and how to load a weight file safely."""

from tlcourse.models.device import best_device
from tlcourse.models.glyphnet import GLYPH_MEAN, GLYPH_STD, GLYPHNET, GlyphNet, glyphnet_card
from tlcourse.models.weights import load_into, load_state, save_safetensors
from tlcourse.models.zoo import SourceModel, source_model, source_models

__all__ = [
    "GLYPHNET",
    "GLYPH_MEAN",
    "GLYPH_STD",
    "GlyphNet",
    "SourceModel",
    "best_device",
    "glyphnet_card",
    "load_into",
    "load_state",
    "save_safetensors",
    "source_model",
    "source_models",
]
