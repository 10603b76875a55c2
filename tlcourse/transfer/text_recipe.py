"""ULMFiT in fastai (Howard & Ruder 2018, "Universal Language Model Fine-tuning for Text Classification")."""

from __future__ import annotations

from collections.abc import Sequence

from fastai.callback.core import Callback, CancelValidException
from fastai.callback.schedule import ParamScheduler
from fastai.text.learner import TextLearner

from tlcourse.transfer.text import slanted_triangular

FACTOR = 2.6
"""How much lower the rate of a layer is than that of the layer above it (section 3.2)."""


def discriminative_rates(peak: float, groups: int, factor: float = FACTOR) -> list[float]:
    """One rate a parameter group, the first group's first: the last has the peak, each below it `factor` less."""
    return [peak / factor**depth for depth in reversed(range(groups))]


class _NoValidation(Callback):
    """An epoch ends with its last training batch: what is validated at the end need not be in between."""

    def before_validate(self) -> None:
        raise CancelValidException


def fit_slanted(learn: TextLearner, epochs: int, peak: float, *, factor: float = FACTOR) -> None:
    """Train the groups that are not frozen with slanted triangular and discriminative rates; silent, not validated.

    Args:
        learn: a text learner.
        epochs: passes over the training texts.
        peak: the last group's highest rate.
        factor: 1 gives every group the same rate.
    """
    rates = discriminative_rates(peak, len(learn.splitter(learn.model)), factor)
    steps = epochs * len(learn.dls.train)

    def at(progress: float) -> list[float]:
        share = slanted_triangular(round(progress * steps), steps, 1.0)
        return [rate * share for rate in rates]

    with learn.no_bar(), learn.no_logging():
        learn.fit(epochs, peak, cbs=[ParamScheduler({"lr": at}), _NoValidation()])


def ulmfit(learn: TextLearner, epochs: Sequence[int] = (2, 1, 1, 3), peak: float = 1e-2) -> None:
    """Gradual unfreezing: first the head alone, then one more group for each stage, at last everything (section 3.3).

    Args:
        learn: a text learner that starts from a pretrained encoder.
        epochs: of each stage; the last stage trains everything, whatever the number of stages.
        peak: the head's highest rate in the first stage; halved with each stage, as fastai's own recipe does.
    """
    for stage, count in enumerate(epochs):
        if stage == len(epochs) - 1:
            learn.unfreeze()
        else:
            learn.freeze_to(-1 - stage)
        fit_slanted(learn, count, peak / 2**stage)
