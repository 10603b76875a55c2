"""One loop for every cure: they share the first weights, the images and the budget."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tlcourse.errors import DataError
from tlcourse.models import GlyphNet
from tlcourse.transfer import CuredRun, Cures, cut, train_with_cures
from tlcourse.worlds import LabelledImages, glyphs

DATA = glyphs("digits", 12, style="print", size=16, cache=False)
TRAIN, VALID, TEST = (DATA.take(4, skip=skip) for skip in (0, 4, 8))


def run(cures: Cures, *, train: LabelledImages = TRAIN, valid: LabelledImages = VALID, steps: int = 30) -> CuredRun:
    torch.manual_seed(0)
    network = cut(GlyphNet(), 2, 10)
    return train_with_cures(network, train, valid, TEST, cures, steps=steps, every=10)


def test_a_run_is_measured_at_equal_steps_and_learns() -> None:
    found = run(Cures())
    assert found.steps == [0, 10, 20, 30] and found.kept == 30
    assert found.train_loss[-1] < found.train_loss[0]
    assert len(found.valid_loss) == 4 and 0 <= found.test_accuracy <= 1


def test_arms_begin_with_the_same_weights_and_a_seed_repeats_itself() -> None:
    plain, again, dropped = run(Cures()), run(Cures()), run(Cures(dropout=0.5))
    assert plain == again
    assert dropped.train_loss[0] == plain.train_loss[0] and dropped.train_loss[-1] != plain.train_loss[-1]


def test_each_cure_changes_the_training() -> None:
    cures = [Cures(augment=True), Cures(dropout=0.5), Cures(weight_decay=10.0)]
    ends = [run(each).train_loss[-1] for each in (Cures(), *cures)]
    assert len(set(ends)) == 4


def test_early_stopping_keeps_the_best_step_for_validation() -> None:
    # Wrong labels: the better the training images are known, the worse these are.
    hopeless = LabelledImages(TRAIN.images, (TRAIN.labels + 1) % 10, TRAIN.classes, "wrong")
    stopped, ended = (run(Cures(stop_early=stop), valid=hopeless, steps=60) for stop in (True, False))
    assert stopped.valid_loss == ended.valid_loss  # the training is the same
    assert stopped.kept == stopped.steps[int(np.argmin(stopped.valid_loss))] < ended.kept


def test_what_cannot_be_run_is_refused() -> None:
    with pytest.raises(DataError, match="divide"):
        run(Cures(), steps=35)
    with pytest.raises(DataError, match="dropout"):
        run(Cures(dropout=1.0))
