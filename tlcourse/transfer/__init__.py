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
from tlcourse.transfer.adapters import Adapter, add_adapters
from tlcourse.transfer.anchoring import l2_sp
from tlcourse.transfer.averaging import interpolate, soup
from tlcourse.transfer.balance import balanced_rows
from tlcourse.transfer.baselines import BASELINES, baseline_predictions
from tlcourse.transfer.cures import CuredRun, Cures, train_with_cures
from tlcourse.transfer.cutting import cut, parameters_by_part
from tlcourse.transfer.distillation import distillation_loss, small_student
from tlcourse.transfer.features import frozen_features
from tlcourse.transfer.freezing import freeze, parameter_groups, unfreeze
from tlcourse.transfer.lora import LoRA, add_lora, merge_lora, peft_lora
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
from tlcourse.transfer.text import (
    bag_of_words,
    few_label_accuracies,
    pool_tokens,
    slanted_triangular,
    standardised_by,
    telling_words,
    text_features,
)
from tlcourse.transfer.text_translation import Translator, train_translator, who_sees_whom, word_by_word
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
from tlcourse.transfer.tuning import TUNINGS, Tuned, features_of, probe_head, trainable_parameters, tune, tuned

if TYPE_CHECKING:
    from tlcourse.transfer.callbacks import BatchNormAsleep, speed_up
    from tlcourse.transfer.detection import Detector, detect, fit_detector
    from tlcourse.transfer.feed import PhotoFeed
    from tlcourse.transfer.multi_process import distributed
    from tlcourse.transfer.recipe import Stage, TwoSteps, probe_then_finetune, split_off, transplant_head
    from tlcourse.transfer.text_recipe import discriminative_rates, fit_slanted, ulmfit

_WITH_FASTAI = {
    "callbacks": ("BatchNormAsleep", "speed_up"),
    "detection": ("Detector", "detect", "fit_detector"),
    "feed": ("PhotoFeed",),
    "multi_process": ("distributed",),
    "recipe": ("Stage", "TwoSteps", "probe_then_finetune", "split_off", "transplant_head"),
    "text_recipe": ("discriminative_rates", "fit_slanted", "ulmfit"),
}

__all__ = [
    "BASELINES",
    "FLYER",
    "MISSING",
    "POSTER",
    "STRATEGIES",
    "TUNINGS",
    "Adapter",
    "BatchNormAsleep",
    "Contrastive",
    "CuredRun",
    "Cures",
    "Detector",
    "DomainClassifier",
    "History",
    "JointHistory",
    "LinearHead",
    "LoRA",
    "PhotoFeed",
    "Prediction",
    "ProbeResult",
    "Rotation",
    "Stage",
    "Translator",
    "Tuned",
    "TwoHeads",
    "TwoSteps",
    "accuracy",
    "adapt",
    "add_adapters",
    "add_lora",
    "adversarial_strength",
    "augmented",
    "bag_of_words",
    "balanced_rows",
    "baseline_predictions",
    "body_recipe",
    "conditional_features",
    "coral",
    "coral_loss",
    "cut",
    "detect",
    "discriminative_rates",
    "distillation_loss",
    "distributed",
    "draw_rows",
    "effective_size",
    "ensemble_probabilities",
    "features_of",
    "few_label_accuracies",
    "fit",
    "fit_detector",
    "fit_slanted",
    "fit_tensors",
    "fit_two_heads",
    "freeze",
    "frozen_features",
    "glyph_network",
    "gradient_conflict",
    "gradient_reversal",
    "importance_weights",
    "imprint_head",
    "interpolate",
    "joint_loss",
    "l2_sp",
    "layer_transfer",
    "linear_head",
    "linear_probe",
    "merge_lora",
    "mmd",
    "normalised",
    "nt_xent",
    "objective",
    "parameter_groups",
    "parameters_by_part",
    "peft_lora",
    "pool_tokens",
    "predict",
    "prepared",
    "pretrain_briefly",
    "probe_head",
    "probe_seeds",
    "probe_then_finetune",
    "refresh_batch_norm",
    "retrain",
    "rotated",
    "run_strategy",
    "shared_gradient",
    "slanted_triangular",
    "small_student",
    "small_trunk",
    "soup",
    "speed_up",
    "split_off",
    "standardised_by",
    "task_accuracies",
    "task_loss",
    "telling_words",
    "text_features",
    "train_translator",
    "train_with_cures",
    "trainable_parameters",
    "transplant",
    "transplant_head",
    "tune",
    "tuned",
    "ulmfit",
    "unfreeze",
    "who_sees_whom",
    "word_by_word",
]


def __getattr__(name: str) -> Any:
    """fastai takes seconds to import: what needs it is loaded when it is first asked for."""
    for module, names in _WITH_FASTAI.items():
        if name in names:
            return getattr(importlib.import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
