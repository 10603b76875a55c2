"""Measuring: intervals over seeds, and what learning curves say."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from tlcourse.measure.audits import GroupAudit, alarm_rates, audit_groups, wilson_interval
from tlcourse.measure.beating import bootstrap_gap
from tlcourse.measure.borders import Border, border, crossing_size
from tlcourse.measure.calibration import (
    Reliability,
    calibration_error,
    fit_temperature,
    negative_log_likelihood,
    reliability,
    softmax,
    top_class_reliability,
)
from tlcourse.measure.clusters import ClusterScore, cluster_accuracy, cluster_score, contingency, find_clusters
from tlcourse.measure.curves import Benefits, amount_to_reach, benefits, break_even_tasks
from tlcourse.measure.detection import (
    COCO_THRESHOLDS,
    DetectionScore,
    box_iou,
    detection_score,
    match_boxes,
)
from tlcourse.measure.distortion import feature_shift, linear_cka
from tlcourse.measure.domains import proxy_a_distance
from tlcourse.measure.drift import alarm_delay, alarm_threshold, ks_distance, mmd_distance, window_scores
from tlcourse.measure.intervals import Interval, mean_band, mean_interval, paired_gap
from tlcourse.measure.model_card import missing_facts, model_card
from tlcourse.measure.screening import (
    Screening,
    ranking_quality,
    screening,
    threshold_at_sensitivity,
    threshold_at_specificity,
)
from tlcourse.measure.sealed import SealedTest, TestScore
from tlcourse.measure.stopping import epoch_to_keep
from tlcourse.measure.stored_results import StoredResult, store, stored
from tlcourse.measure.transferability import h_score, kendall, leep, logme, ranking_agreement
from tlcourse.measure.validators import (
    entropy_score,
    information_score,
    neighbourhood_score,
    rank_agreement,
    regret,
    source_weighted_score,
)

if TYPE_CHECKING:
    from tlcourse.measure.forgetting import batch_norm_drift, changed_tensors, remembered
    from tlcourse.measure.inputs import channels_swapped, in_ink, input_costs, resized
    from tlcourse.measure.layers import chance_agreement, class_agreement, depth_features, excitement, probe_depths

_WITH_TORCH = {
    "forgetting": ("batch_norm_drift", "changed_tensors", "remembered"),
    "inputs": ("channels_swapped", "in_ink", "input_costs", "resized"),
    "layers": ("chance_agreement", "class_agreement", "depth_features", "excitement", "probe_depths"),
}

__all__ = [
    "COCO_THRESHOLDS",
    "Benefits",
    "Border",
    "ClusterScore",
    "DetectionScore",
    "GroupAudit",
    "Interval",
    "Reliability",
    "Screening",
    "SealedTest",
    "StoredResult",
    "TestScore",
    "alarm_delay",
    "alarm_rates",
    "alarm_threshold",
    "amount_to_reach",
    "audit_groups",
    "batch_norm_drift",
    "benefits",
    "bootstrap_gap",
    "border",
    "box_iou",
    "break_even_tasks",
    "calibration_error",
    "chance_agreement",
    "changed_tensors",
    "channels_swapped",
    "class_agreement",
    "cluster_accuracy",
    "cluster_score",
    "contingency",
    "crossing_size",
    "depth_features",
    "detection_score",
    "entropy_score",
    "epoch_to_keep",
    "excitement",
    "feature_shift",
    "find_clusters",
    "fit_temperature",
    "h_score",
    "in_ink",
    "information_score",
    "input_costs",
    "kendall",
    "ks_distance",
    "leep",
    "linear_cka",
    "logme",
    "match_boxes",
    "mean_band",
    "mean_interval",
    "missing_facts",
    "mmd_distance",
    "model_card",
    "negative_log_likelihood",
    "neighbourhood_score",
    "paired_gap",
    "probe_depths",
    "proxy_a_distance",
    "rank_agreement",
    "ranking_agreement",
    "ranking_quality",
    "regret",
    "reliability",
    "remembered",
    "resized",
    "screening",
    "softmax",
    "source_weighted_score",
    "store",
    "stored",
    "threshold_at_sensitivity",
    "threshold_at_specificity",
    "top_class_reliability",
    "wilson_interval",
    "window_scores",
]


def __getattr__(name: str) -> Any:
    """torch takes seconds to import: what needs it is loaded when it is first asked for."""
    for module, names in _WITH_TORCH.items():
        if name in names:
            return getattr(importlib.import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
