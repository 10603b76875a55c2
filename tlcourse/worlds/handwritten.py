"""Real handwriting: the 1,797 scanned digits that scikit-learn ships, as images of the course's size and type.

The scans are the test part of the UCI set "Optical Recognition of Handwritten Digits" (E. Alpaydin and C. Kaynak,
1998): 13 writers, 8 x 8 pixels, 17 grey levels.
"""

from __future__ import annotations

import numpy as np

from tlcourse.errors import DataError
from tlcourse.worlds.glyph_world import IMAGE_SIZE
from tlcourse.worlds.images import LabelledImages, from_grey


def handwriting(*, size: int = IMAGE_SIZE, seed: int = 0) -> LabelledImages:
    """All 1,797 handwritten digits, bright on dark, in an order drawn by `seed`.

    Each 8 x 8 scan is enlarged to `size` pixels with bicubic interpolation and given three equal channels.

    Args:
        size: height and width, pixels; at least 8.
        seed: the order; `take` then splits the set into disjoint parts.
    """
    from sklearn.datasets import load_digits

    if size < 8:
        raise DataError(f"Handwriting cannot be shown at {size} pixels.", "Ask for at least 8.")
    scans, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(seed).permutation(len(scans))
    grey = np.rint(scans[order].reshape(-1, 8, 8) * (255 / 16)).astype(np.uint8)
    return LabelledImages(
        from_grey(grey, size), labels[order].astype(np.int64), tuple("0123456789"), "handwritten digits"
    )
