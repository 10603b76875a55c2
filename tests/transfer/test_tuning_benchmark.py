"""The benchmark of lesson 13: how it chooses, and that its stored result says what the lesson's text says."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from tlcourse.measure import paired_gap, stored

FILE = Path(__file__).parents[2] / "benchmarks" / "tuning.py"


@pytest.fixture(scope="module")
def tuning() -> ModuleType:
    spec = importlib.util.spec_from_file_location("tuning_benchmark", FILE)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def figures() -> dict[str, Any]:
    return stored("tuning").figures


def test_the_best_validation_accuracy_chooses_and_the_lowest_rate_of_equals(tuning: ModuleType) -> None:
    options = [{"rate": 0.1, "validation": [0.5, 0.7]}, {"rate": 0.2, "validation": [0.6, 0.6]}]
    better = {"rate": 0.3, "validation": [0.9, 0.4], "out": [0.0, 0.0]}
    chosen = tuning.chosen({"probe, fine-tune": options, "LoRA": [*options, better]})
    assert chosen["probe, fine-tune"] == chosen["interpolation"] == {"rate": 0.1}
    assert chosen["LoRA"] == {"rate": 0.3}
    assert chosen["linear probe"] == {}


def test_every_method_had_three_tries_and_five_seeds(figures: dict[str, Any]) -> None:
    assert {len(options) for options in (figures["tries"] | figures["student tries"]).values()} == {3}
    assert all(len(numbers) >= 5 for rows in figures["methods"].values() for numbers in rows.values())


def gap(figures: dict[str, Any], better: str, worse: str, where: str = "out") -> str:
    return paired_gap(figures["methods"][better][where], figures["methods"][worse][where]).verdict


def test_what_the_lesson_says_of_accuracy(figures: dict[str, Any]) -> None:
    tuned = ("fine-tune all", "probe, fine-tune", "L2-SP", "adapters", "LoRA", "interpolation", "soup")
    assert all(gap(figures, method, "linear probe", "in") == "a gain" for method in tuned)
    assert gap(figures, "probe, fine-tune", "fine-tune all") == "a gain"
    losing = [method for method in tuned if gap(figures, method, "linear probe") == "a loss"]
    assert losing == [method for method in tuned if method != "interpolation"]
    assert all(gap(figures, method, f"{method}, new head") == "a gain" for method in ("L2-SP", "adapters", "LoRA"))


def test_what_the_lesson_says_of_rates(figures: dict[str, Any]) -> None:
    for method in ("fine-tune all", "probe, fine-tune"):
        outside = [np.mean(option["out"]) for option in figures["tries"][method]]
        assert outside == sorted(outside, reverse=True)
    both = zip(figures["tries"]["probe, fine-tune"], figures["tries"]["fine-tune all"], strict=True)
    assert all(np.mean(probed["out"]) > np.mean(random["out"]) for probed, random in both)


def test_what_the_lesson_says_of_features_and_memory(figures: dict[str, Any]) -> None:
    methods = {
        name: {key: np.mean(values) for key, values in rows.items()} for name, rows in figures["methods"].items()
    }
    all_, probed = methods["fine-tune all"], methods["probe, fine-tune"]
    for where in ("in", "out"):
        assert all_[f"shift {where}"] > 1.5 * probed[f"shift {where}"]
        assert all_[f"cka {where}"] < probed[f"cka {where}"]
    assert all_["remembered"] < 0.5 * probed["remembered"]
    assert methods["adapters"]["seconds"] < 0.8 * all_["seconds"] < methods["LoRA"]["seconds"]


def test_what_the_lesson_says_of_students(figures: dict[str, Any]) -> None:
    labels, *taught = (rows["in"] for rows in figures["students"].values())
    assert [paired_gap(rows, labels).verdict for rows in taught] == ["a tie", "a gain"]
    tries = {
        name: [np.mean(option["validation"]) for option in rows] for name, rows in figures["student tries"].items()
    }
    assert tries["teacher"][0] < tries["labels"][0] and tries["teacher, more images"][0] < tries["labels"][0]
    assert all(max(accuracies) == accuracies[-1] for accuracies in tries.values())
