"""What the course teaches: training on a target task, frozen features, linear probes."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from tlcourse.transfer.adaptation import (
    DomainClassifier,
    Prediction,
    adapt,
    adversarial_strength,
    conditional_features,
    coral,
    coral_loss,
    effective_size,
    ensemble_probabilities,
    gradient_reversal,
    importance_weights,
    mmd,
    predict,
)
from tlcourse.transfer.balance import balanced_rows
from tlcourse.transfer.cures import CuredRun, Cures, train_with_cures
from tlcourse.transfer.cutting import cut, parameters_by_part
from tlcourse.transfer.features import frozen_features
from tlcourse.transfer.freezing import freeze, parameter_groups, unfreeze
from tlcourse.transfer.multitask import (
    MISSING,
    JointHistory,
    TwoHeads,
    fit_two_heads,
    gradient_conflict,
    joint_loss,
    shared_gradient,
    small_trunk,
    task_accuracies,
    task_loss,
)
from tlcourse.transfer.probe import LinearHead, ProbeResult, draw_rows, linear_head, linear_probe, probe_seeds
from tlcourse.transfer.self_supervision import (
    FLYER,
    POSTER,
    Contrastive,
    Rotation,
    augmented,
    body_recipe,
    nt_xent,
    objective,
    pretrain_briefly,
    rotated,
)
from tlcourse.transfer.strategies import STRATEGIES, glyph_network, run_strategy
from tlcourse.transfer.training import (
    History,
    accuracy,
    fit,
    fit_tensors,
    imprint_head,
    normalised,
    prepared,
    refresh_batch_norm,
)
from tlcourse.transfer.transplant import layer_transfer, retrain, transplant

if TYPE_CHECKING:
    from tlcourse.transfer.callbacks import BatchNormAsleep, speed_up
    from tlcourse.transfer.feed import PhotoFeed
    from tlcourse.transfer.multi_process import distributed
    from tlcourse.transfer.recipe import Stage, TwoSteps, probe_then_finetune, split_off, transplant_head

_WITH_FASTAI = {
    "callbacks": ("BatchNormAsleep", "speed_up"),
    "feed": ("PhotoFeed",),
    "multi_process": ("distributed",),
    "recipe": ("Stage", "TwoSteps", "probe_then_finetune", "split_off", "transplant_head"),
}

__all__ = [
    "FLYER",
    "MISSING",
    "POSTER",
    "STRATEGIES",
    "BatchNormAsleep",
    "Contrastive",
    "CuredRun",
    "Cures",
    "DomainClassifier",
    "History",
    "JointHistory",
    "LinearHead",
    "PhotoFeed",
    "Prediction",
    "ProbeResult",
    "Rotation",
    "Stage",
    "TwoHeads",
    "TwoSteps",
    "accuracy",
    "adapt",
    "adversarial_strength",
    "augmented",
    "balanced_rows",
    "body_recipe",
    "conditional_features",
    "coral",
    "coral_loss",
    "cut",
    "distributed",
    "draw_rows",
    "effective_size",
    "ensemble_probabilities",
    "fit",
    "fit_tensors",
    "fit_two_heads",
    "freeze",
    "frozen_features",
    "glyph_network",
    "gradient_conflict",
    "gradient_reversal",
    "importance_weights",
    "imprint_head",
    "joint_loss",
    "layer_transfer",
    "linear_head",
    "linear_probe",
    "mmd",
    "normalised",
    "nt_xent",
    "objective",
    "parameter_groups",
    "parameters_by_part",
    "predict",
    "prepared",
    "pretrain_briefly",
    "probe_seeds",
    "probe_then_finetune",
    "refresh_batch_norm",
    "retrain",
    "rotated",
    "run_strategy",
    "shared_gradient",
    "small_trunk",
    "speed_up",
    "split_off",
    "task_accuracies",
    "task_loss",
    "train_with_cures",
    "transplant",
    "transplant_head",
    "unfreeze",
]


def __getattr__(name: str) -> Any:
    """fastai takes seconds to import: what needs it is loaded when it is first asked for."""
    for module, names in _WITH_FASTAI.items():
        if name in names:
            return getattr(importlib.import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
