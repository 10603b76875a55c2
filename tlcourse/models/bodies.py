"""Three bodies that ship with the course, pretrained alike on the same images: by labels, by rotation, by contrast."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import as_file, files
from typing import Any

from torch import nn

from tlcourse.errors import CourseError
from tlcourse.models.glyphnet import GlyphNet
from tlcourse.models.weights import State, load_into, load_state

BODIES = ("labels", "rotation", "contrastive")
"""What each shipped body was pretrained for."""


def pretrained_body(task: str) -> nn.Sequential:
    """GlyphNet's body, pretrained on the course's own images with labels or without, in eval mode.

    These are small trainings, made to be compared with each other, under one curriculum from easy images to harder
    ones. `GlyphNet.pretrained()` had fifteen times as many images, larger and harder ones, and labels.

    Args:
        task: `labels`, `rotation` (Gidaris et al. 2018) or `contrastive` (Chen et al. 2020).

    Returns:
        A network from (N, 3, H, W), normalised with `GLYPH_MEAN` and `GLYPH_STD`, to (N, 192, H / 8, W / 8).

    Raises:
        CourseError: there is no such body.
        WeightsError: the file in the package is damaged; it must be installed again.
    """
    state = _state(_known(task))
    body = GlyphNet().body
    load_into(body, state, f"the body pretrained for {task}")
    return body.eval()


def body_card(task: str) -> dict[str, Any]:
    """What is known of a shipped body: data, recipe, command, seconds, accuracy of a probe, checksum.

    Raises:
        CourseError: there is no such body.
    """
    card = files("tlcourse.models") / "shipped" / f"body-{_known(task)}.json"
    return json.loads(card.read_text(encoding="utf-8"))


def _known(task: str) -> str:
    if task not in BODIES:
        raise CourseError(f"No body was pretrained for {task!r}.", f"Choose one of {', '.join(BODIES)}.")
    return task


@cache
def _state(task: str) -> State:
    with as_file(files("tlcourse.models") / "shipped" / f"body-{task}.safetensors") as path:
        return load_state(path, sha256=body_card(task)["sha256"])
