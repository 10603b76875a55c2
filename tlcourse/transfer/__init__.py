"""What the course teaches: training on a target task, frozen features, linear probes."""

from tlcourse.transfer.features import frozen_features
from tlcourse.transfer.probe import ProbeResult, linear_probe
from tlcourse.transfer.training import History, accuracy, fit, imprint_head, prepared, refresh_batch_norm

__all__ = [
    "History",
    "ProbeResult",
    "accuracy",
    "fit",
    "frozen_features",
    "imprint_head",
    "linear_probe",
    "prepared",
    "refresh_batch_norm",
]
