"""Measuring: intervals over seeds, and what learning curves say."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from tlcourse.measure.audits import GroupAudit, alarm_rates, audit_groups, wilson_interval
from tlcourse.measure.borders import Border, border, crossing_size
from tlcourse.measure.clusters import ClusterScore, cluster_accuracy, cluster_score, contingency, find_clusters
from tlcourse.measure.curves import Benefits, amount_to_reach, benefits, break_even_tasks
from tlcourse.measure.domains import proxy_a_distance
from tlcourse.measure.intervals import Interval, mean_band, mean_interval, paired_gap
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
    "Benefits",
    "Border",
    "ClusterScore",
    "GroupAudit",
    "Interval",
    "StoredResult",
    "alarm_rates",
    "amount_to_reach",
    "audit_groups",
    "batch_norm_drift",
    "benefits",
    "border",
    "break_even_tasks",
    "chance_agreement",
    "changed_tensors",
    "channels_swapped",
    "class_agreement",
    "cluster_accuracy",
    "cluster_score",
    "contingency",
    "crossing_size",
    "depth_features",
    "entropy_score",
    "epoch_to_keep",
    "excitement",
    "find_clusters",
    "h_score",
    "in_ink",
    "information_score",
    "input_costs",
    "kendall",
    "leep",
    "logme",
    "mean_band",
    "mean_interval",
    "neighbourhood_score",
    "paired_gap",
    "probe_depths",
    "proxy_a_distance",
    "rank_agreement",
    "ranking_agreement",
    "regret",
    "remembered",
    "resized",
    "source_weighted_score",
    "store",
    "stored",
    "wilson_interval",
]


def __getattr__(name: str) -> Any:
    """torch takes seconds to import: what needs it is loaded when it is first asked for."""
    for module, names in _WITH_TORCH.items():
        if name in names:
            return getattr(importlib.import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
