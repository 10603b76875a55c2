"""For tests of the app: a small exported model, and pictures good and bad."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tlcourse import models

pytest.importorskip("onnxruntime", reason="the extra `ship` is not installed")
CLASSES = ("<b>bold</b>", "umbrella", "gear")


@pytest.fixture(scope="session")
def model_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """GlyphNet with a random head for three classes, one of which tries to be HTML."""
    torch.manual_seed(0)
    network = models.GlyphNet.pretrained().with_new_head(len(CLASSES))
    return models.export_onnx(
        network,
        tmp_path_factory.mktemp("app") / "three.onnx",
        classes=CLASSES,
        image_size=48,
        mean=models.GLYPH_MEAN,
        std=models.GLYPH_STD,
        temperature=2.0,
        facts={"name": "Three <i>things</i>"},
    )


@pytest.fixture(scope="session")
def model(model_file: Path) -> models.ExportedModel:
    return models.ExportedModel(model_file)
