"""Source models: GlyphNet and its weights, the zoo of published ones, and how to load a weight file safely."""

import importlib
from typing import Any

from tlcourse.models import zoo_huggingface, zoo_timm, zoo_torchvision  # noqa: F401  (they fill the zoo)
from tlcourse.models.bodies import body_card, pretrained_body
from tlcourse.models.device import best_device
from tlcourse.models.export import export_onnx, quantise, read_facts
from tlcourse.models.exported import ExportedModel, Latency
from tlcourse.models.foreign import convert_keras, read_arrays, to_torch
from tlcourse.models.glyphnet import GLYPH_MEAN, GLYPH_STD, GLYPHNET, GlyphNet, glyphnet_card
from tlcourse.models.keras_digits import KerasDigits, keras_digits, keras_digits_network
from tlcourse.models.padding import SamePad2d, same_padding
from tlcourse.models.text_encoder import TextEncoder, text_card, text_vocabulary
from tlcourse.models.text_pretrain import perplexity, read_on
from tlcourse.models.text_published import PublishedEncoder, continue_text, fill_mask, published_encoder, rewrite
from tlcourse.models.text_tokens import Vocabulary, tokenise
from tlcourse.models.text_vectors import WordVectors, word_vectors
from tlcourse.models.weights import load_into, load_state, save_safetensors
from tlcourse.models.zoo import SourceModel, source_model, source_models, zoo_card
from tlcourse.models.zoo_huggingface import huggingface_model

_WITH_FASTAI = {"register_with_fastai": "learner", "text_learner": "text_classifier", "vision_learner": "learner"}

__all__ = [
    "GLYPHNET",
    "GLYPH_MEAN",
    "GLYPH_STD",
    "ExportedModel",
    "GlyphNet",
    "KerasDigits",
    "Latency",
    "PublishedEncoder",
    "SamePad2d",
    "SourceModel",
    "TextEncoder",
    "Vocabulary",
    "WordVectors",
    "best_device",
    "body_card",
    "continue_text",
    "convert_keras",
    "export_onnx",
    "fill_mask",
    "glyphnet_card",
    "huggingface_model",
    "keras_digits",
    "keras_digits_network",
    "load_into",
    "load_state",
    "perplexity",
    "pretrained_body",
    "published_encoder",
    "quantise",
    "read_arrays",
    "read_facts",
    "read_on",
    "rewrite",
    "same_padding",
    "save_safetensors",
    "source_model",
    "source_models",
    "text_card",
    "text_learner",
    "text_vocabulary",
    "to_torch",
    "tokenise",
    "word_vectors",
    "zoo_card",
]


def __getattr__(name: str) -> Any:
    """fastai takes seconds to import: what needs it is loaded when it is first asked for."""
    if name not in _WITH_FASTAI:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_WITH_FASTAI[name]}"), name)
