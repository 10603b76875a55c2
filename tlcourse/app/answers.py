"""What the app says about one picture, as plain data."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
from PIL import Image

from tlcourse.app.pictures import read_picture
from tlcourse.models.exported import ExportedModel

SHOWN = 5
"""Classes in an answer, the most probable first."""

SURE = 0.5
"""Below this confidence the app says that it is not sure."""

_ROWS, _COLUMNS = ("upper", "middle", "lower"), ("left", "middle", "right")


def answer(model: ExportedModel, data: bytes) -> dict[str, Any]:
    """Classes with calibrated confidence, the picture as the model got it, and what it looked at.

    Raises:
        BadPictureError: the bytes are no picture that is taken.
    """
    picture = read_picture(data, model.image_size)
    logits, evidence = model.explain(picture)
    probabilities = _calibrated(logits, model.temperature)
    order = np.argsort(-probabilities)[:SHOWN]
    looked = None if evidence is None else looked_at(evidence, int(order[0]))
    return {
        "classes": [{"name": model.classes[c], "confidence": round(float(probabilities[c]), 4)} for c in order],
        "sure": bool(probabilities[order[0]] >= SURE),
        "picture": _as_address(picture),
        "looked": None if looked is None else np.round(looked, 3).tolist(),
        "where": None if looked is None else in_words(looked),
    }


def looked_at(evidence: np.ndarray, of_class: int) -> np.ndarray:
    """How much each place speaks for a class more than for the others, 0 to 1, shape (h, w).

    Args:
        evidence: what each place gives to each class, shape (C, h, w).
        of_class: the class.
    """
    more = np.maximum(evidence[of_class] - evidence.mean(0), 0)
    return more / max(float(more.max()), 1e-9)


def in_words(looked: np.ndarray) -> str:
    """Where most of the evidence lies: "the upper left", "the middle"."""
    weight = looked.sum() or 1.0
    down = float((looked.sum(1) * _centres(looked.shape[0])).sum() / weight)
    across = float((looked.sum(0) * _centres(looked.shape[1])).sum() / weight)
    row, column = (_third(share) for share in (down, across))
    if row == column == 1:
        return "the middle"
    if row == 1:
        return f"the {_COLUMNS[column]}"
    return f"the {_ROWS[row]} {_COLUMNS[column]}" if column != 1 else f"the {_ROWS[row]} part"


def _centres(n: int) -> np.ndarray:
    return (np.arange(n) + 0.5) / n


def _third(share: float) -> int:
    # A centre of mass seldom goes far: the borders stand nearer to the middle than thirds would.
    return 0 if share < 0.4 else 2 if share > 0.6 else 1


def _calibrated(logits: np.ndarray, temperature: float) -> np.ndarray:
    z = logits.astype(float) / temperature
    z = np.exp(z - z.max())
    return z / z.sum()


def _as_address(picture: np.ndarray) -> str:
    """A picture of some kilobytes as a `data:` address."""
    file = io.BytesIO()
    Image.fromarray(picture.transpose(1, 2, 0)).save(file, "PNG", compress_level=1)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
