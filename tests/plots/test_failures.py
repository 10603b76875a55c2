"""The figures of lesson 10 say in words what they show."""

from __future__ import annotations

import numpy as np
import pytest

from tlcourse.errors import DataError
from tlcourse.measure import audit_groups
from tlcourse.plots import group_audit, overfitting


def test_group_audit_names_the_worst_group_first() -> None:
    audit = audit_groups(np.arange(40) % 4 != 0, np.repeat(["good", "bad"], [30, 10]))
    picture = group_audit(audit, title="Audit", chance=0.5)
    worst = min(audit.size, key=audit.accuracy.__getitem__)
    assert f"the worst first: {worst}" in picture.alt and "Average 0.75" in picture.alt
    written = {text.get_text() for text in picture.figure.axes[0].texts}
    assert {"guessing", "average 0.75"} <= written


def test_overfitting_marks_the_lowest_validation_loss() -> None:
    train, valid = np.array([[2.0, 1.0, 0.1]] * 2), np.array([[2.0, 1.5, 1.8], [2.0, 1.3, 1.6]])
    picture = overfitting([0, 10, 20], train, valid, title="Overfitting")
    assert "training ends at 0.10, validation ends at 1.70" in picture.alt
    assert "validation is lowest at step 10 with 1.40" in picture.alt
    with pytest.raises(DataError, match="do not fit 2 steps"):
        overfitting([0, 10], train, valid, title="Overfitting")
