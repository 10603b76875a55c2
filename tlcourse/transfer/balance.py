"""Groups that count alike in training, whatever their size."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tlcourse.errors import DataError


def balanced_rows(groups: Sequence[str] | np.ndarray, n: int, seed: int = 0) -> np.ndarray:
    """`n` rows, as many of each group (but for the remainder), drawn again where a group has too few.

    Resampling by group is the simplest cure of a shortcut, and a hard one to beat (Idrissi, Arjovsky, Pezeshki and
    Lopez-Paz 2022, "Simple data balancing achieves competitive worst-group-accuracy").

    Args:
        groups: the group of each row.
        n: how many rows to draw.
        seed: which.

    Returns:
        int64, shape (n,), in random order.

    Raises:
        DataError: no group.
    """
    names = np.asarray(groups)
    found = np.unique(names)
    if not len(found):
        raise DataError("There are no groups to balance.", "Give the group of each example.")
    rng, rows = np.random.default_rng(seed), []
    for place, name in enumerate(found):
        count = n // len(found) + (place < n % len(found))
        mine = rng.permutation(np.flatnonzero(names == name))
        rows.append(np.resize(mine, count))  # np.resize begins again where it ends
    return rng.permutation(np.concatenate(rows))
