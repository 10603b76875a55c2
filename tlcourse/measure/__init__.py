"""Measuring: intervals over seeds, and what learning curves say."""

from tlcourse.measure.curves import Benefits, amount_to_reach, benefits, break_even_tasks
from tlcourse.measure.intervals import Interval, mean_band, mean_interval, paired_gap

__all__ = [
    "Benefits",
    "Interval",
    "amount_to_reach",
    "benefits",
    "break_even_tasks",
    "mean_band",
    "mean_interval",
    "paired_gap",
]
