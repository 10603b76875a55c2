"""A model to serve when nobody has brought one: 20 everyday things, photo-like, printed and drawn with a pen."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tlcourse import storage

if TYPE_CHECKING:
    from tlcourse.worlds.images import LabelledImages

_VERSION = 1  # raise when the recipe changes, so that a model made before is not used


def demo_model(per_class: int = 40) -> Path:
    """The file of the demonstration model, made on first use (some 20 seconds) and kept in the cache.

    A linear head on GlyphNet's frozen features; its temperature, accuracy and calibration error are measured on images
    that it was not trained on.

    Args:
        per_class: training images of each class and style; a quarter as many validate, and as many again test.

    Raises:
        CourseError: the package's extra `ship` is not installed.
        StorageError: the cache cannot be written.
    """
    path = storage.cache_dir() / "app" / f"everyday-things-{_VERSION}-{per_class}.onnx"
    if not path.is_file():
        with storage.locked(path):
            if not path.is_file():
                _make(path, per_class)
    return path


def _make(path: Path, per_class: int) -> None:
    import torch

    from tlcourse import measure, models, transfer

    network = models.GlyphNet.pretrained()
    glyphnet, held = models.GLYPHNET, max(3, per_class // 4)
    train, valid, test = (_images(n, seed) for n, seed in ((per_class, 40), (held, 41), (held, 42)))
    x, v, t = (
        transfer.frozen_features(network.body, data, mean=glyphnet.mean, std=glyphnet.std, full_precision=True)
        for data in (train, valid, test)
    )
    head = transfer.linear_head(x, train.labels, len(train.classes))
    network.with_new_head(len(train.classes))
    with torch.no_grad():
        network.head.weight.copy_(torch.from_numpy(head.weight))
        network.head.bias.copy_(torch.from_numpy(head.bias))
    logits = [features @ head.weight.T + head.bias for features in (v, t)]
    temperature = measure.fit_temperature(logits[0], valid.labels)
    score = measure.SealedTest(test.labels).score(logits[1].argmax(1))
    ece = measure.calibration_error(measure.softmax(logits[1], temperature), test.labels)
    facts = {
        "name": "Everyday things",
        "trained on": f"{len(train):,} rendered pictures: photo-like, printed, and drawn with a pen",
        "accuracy": str(score),
        "calibration": f"expected calibration error {ece:.3f}",
        "limits": "knows no other things; says one of its classes whatever it is shown",
    }
    models.export_onnx(
        network,
        path,
        classes=train.classes,
        image_size=glyphnet.image_size,
        mean=glyphnet.mean,
        std=glyphnet.std,
        temperature=temperature,
        facts=facts,
    )


def _images(per_class: int, seed: int) -> LabelledImages:
    """As many images of each of three looks."""
    from tlcourse import worlds

    pen = worlds.PRINT.but(pose=0.4, warp=0.7, weight=0.8, blur=0.3)
    looks = [worlds.glyphs("everyday", per_class, style=style, seed=seed) for style in ("photo", "print", pen)]
    images, labels = (np.concatenate(parts) for parts in zip(*((d.images, d.labels) for d in looks), strict=True))
    return worlds.LabelledImages(images, labels, looks[0].classes, "everyday things in three looks")
