"""Figures of lesson 13 say in words what they show."""

import pytest

from tlcourse import plots
from tlcourse.errors import DataError

ACCURACIES = {"linear probe": [0.6, 0.62, 0.61], "LoRA": [0.7, 0.72, 0.71], "fine-tune all": [0.65, 0.67, 0.66]}
PARAMETERS = {"linear probe": 4_000, "LoRA": 40_000, "fine-tune all": 1_000_000}
SECONDS = {name: [1.0, 2.0] for name in ACCURACIES}


def test_a_plane_of_parameters_and_accuracy_with_time_beside():
    picture = plots.tuning_plane(ACCURACIES, PARAMETERS, SECONDS, title="Plane")
    assert "LoRA: 40,000 parameters, 0.710 ± 0.025, 1.5 s" in picture.alt
    plane, clock = picture.figure.axes
    assert plane.get_xscale() == "log"
    assert [label.get_text() for label in clock.get_yticklabels()] == list(PARAMETERS)


def test_a_method_without_parameters_is_refused():
    with pytest.raises(DataError, match="LoRA has no number"):
        plots.tuning_plane(ACCURACIES, PARAMETERS | {"LoRA": 0}, SECONDS, title="No")


def test_shifts_show_both_domains():
    picture = plots.shifts({"LoRA": ([0.1, 0.2], [0.3, 0.5])}, x_label="moved by", title="T")
    assert "LoRA: in domain 0.15, out of domain 0.40" in picture.alt
