"""Two classes with a shortcut: in most images the background alone would give the class away."""

from __future__ import annotations

import numpy as np

from tlcourse.errors import DataError
from tlcourse.worlds.alphabets import Alphabet
from tlcourse.worlds.glyph_world import IMAGE_SIZE, find_style, glyphs
from tlcourse.worlds.images import LabelledImages
from tlcourse.worlds.style import PHOTO, Style


def with_shortcut(
    classes: Alphabet,
    per_class: int,
    *,
    agreement: float,
    style: Style | str = PHOTO,
    size: int = IMAGE_SIZE,
    seed: int = 0,
) -> tuple[LabelledImages, np.ndarray]:
    """Images of two classes; the first mostly stands by night (brighter than its ground), the second mostly by day.

    So cows stand on grass in photos, and camels on sand (Beery, Van Horn and Perona 2018, "Recognition in Terra
    Incognita"): a model may learn the ground instead of the animal.

    Args:
        classes: an alphabet of two.
        per_class: images of each class.
        agreement: the share of each class that stands where it mostly does; 0.5 is no shortcut.
        style: how they are drawn, but for the polarity.
        size, seed: as in `glyphs`.

    Returns:
        (the images, each one's group: "CLASS by night" or "CLASS by day", shape (N,)), in random order.

    Raises:
        DataError: not two classes, or an agreement that is no share.
    """
    if len(classes) != 2 or not 0 <= agreement <= 1:
        raise DataError(
            f"{len(classes)} classes with an agreement of {agreement:g} cannot be drawn.",
            "Give an alphabet of two characters, and an agreement from 0 to 1.",
        )
    usual, parts, groups = round(per_class * agreement), [], []
    for bright, time in ((1, "by night"), (0, "by day")):
        look = find_style(style).but(polarity=bright)
        drawn = glyphs(classes, per_class, style=look, size=size, seed=2 * seed + bright)
        for label in (0, 1):
            count = usual if label == 1 - bright else per_class - usual
            parts.append(drawn.subset(np.flatnonzero(drawn.labels == label)[:count]))
            groups += [f"{drawn.classes[label]} {time}"] * count
    order = np.random.default_rng(seed).permutation(len(groups))
    images, labels = (np.concatenate([getattr(part, name) for part in parts]) for name in ("images", "labels"))
    data = LabelledImages(images, labels, parts[0].classes, f"{' or '.join(parts[0].classes)}")
    return data.subset(order), np.array(groups)[order]
