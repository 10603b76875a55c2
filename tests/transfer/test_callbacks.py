"""Callbacks: batch norm that sleeps, and number formats that the machine can train in."""

from __future__ import annotations

import copy

import pytest
import torch

from tlcourse.errors import CourseError
from tlcourse.measure import batch_norm_drift
from tlcourse.models import vision_learner
from tlcourse.transfer import BatchNormAsleep, speed_up
from tlcourse.transfer.callbacks import ProcessorPrecision
from tlcourse.worlds import glyphs


@pytest.fixture
def learner():
    data = glyphs("digits", 2, size=24, seed=1, cache=False)
    learner = vision_learner(data.dataloaders(data, batch_size=10), "glyphnet", head="linear")
    learner.unfreeze()
    return learner


def trained(learner):
    with learner.no_bar(), learner.no_logging():
        learner.fit(1, 1e-3)
    return learner.model[0].state_dict()


def test_asleep_statistics_stay_and_weights_move(learner) -> None:
    before = copy.deepcopy(learner.model[0].state_dict())
    learner.add_cb(BatchNormAsleep())
    after = trained(learner)
    assert not any(batch_norm_drift(before, after).values())
    assert not torch.equal(before["1.bn1.weight"], after["1.bn1.weight"].cpu())


def test_awake_statistics_move(learner) -> None:
    before = copy.deepcopy(learner.model[0].state_dict())
    assert any(batch_norm_drift(before, trained(learner)).values())


def test_bfloat16_on_the_processor_is_computed_and_left_again(learner) -> None:
    learner.dls.device = torch.device("cpu")
    formats = []
    learner.model[0].register_forward_hook(lambda module, inputs, output: formats.append(output.dtype))
    trained(speed_up(learner, "bf16"))
    assert set(formats) == {torch.bfloat16} and not torch.is_autocast_enabled("cpu")
    assert next(learner.model.parameters()).dtype == torch.float32


def test_speeding_up_twice_is_speeding_up_once(learner) -> None:
    speed_up(speed_up(learner, "bf16"), "bf16")
    assert sum(isinstance(callback, ProcessorPrecision) for callback in learner.cbs) == 1


@pytest.mark.parametrize("precision", ["fp16", "fp8"])
def test_what_the_machine_cannot_train_in_is_refused(learner, precision: str) -> None:
    learner.dls.device = torch.device("cpu")
    with pytest.raises(CourseError, match=precision):
        speed_up(learner, precision)  # type: ignore[arg-type]
