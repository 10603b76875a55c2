"""When to stop training, decided on validation losses."""

from __future__ import annotations

from collections.abc import Sequence

from tlcourse.errors import DataError


def epoch_to_keep(losses: Sequence[float], patience: int) -> int:
    """The epoch whose weights early stopping keeps (Prechelt 1998, "Early Stopping - But When?", criterion UP).

    Training ends once `patience` epochs in a row have brought no loss lower than every one before; what comes after is
    not looked at.

    Args:
        losses: validation loss after each epoch, in order, at least one.
        patience: epochs to wait, at least 1.

    Returns:
        The epoch, counted from 0, of the lowest loss until then; the first of equal ones.

    Raises:
        DataError: no loss, or a patience below 1.
    """
    if not len(losses) or patience < 1:
        raise DataError(
            f"{len(losses)} losses and a patience of {patience} keep no epoch.",
            "Give one loss at least, and a patience of 1 or more.",
        )
    best = 0
    for epoch, loss in enumerate(losses):
        if loss < losses[best]:
            best = epoch
        if epoch - best >= patience:
            break
    return best
