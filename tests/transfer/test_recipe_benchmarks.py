"""The two benchmarks of lesson 09: the arithmetic of one, a small run of the other."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch

FOLDER = Path(__file__).parents[2] / "benchmarks"


def benchmark(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"{name}_benchmark", FOLDER / f"{name}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def test_ratio_and_points_by_hand() -> None:
    recipe = benchmark("recipe")
    theirs = [recipe.Curve([5, 10], [0.4, 0.5]), recipe.Curve([5, 20], [0.4, 0.6])]
    ours = [recipe.Curve([1, 8], [0.7, 0.8]), recipe.Curve([2, 30], [0.7, 0.9])]
    figures = recipe.figures(ours, theirs)
    assert figures["seconds_to_its_accuracy"] == [1, 2]
    assert figures["time_ratio"] == 7.5  # 15 seconds over the 2 after which both have their first point
    assert figures["our_accuracy_at_its_time"] == [0.8, 0.7]
    assert figures["points_at_equal_time"] == 20


def test_an_accuracy_never_reached_is_no_ratio() -> None:
    recipe = benchmark("recipe")
    figures = recipe.figures([recipe.Curve([1], [0.3])] * 2, [recipe.Curve([5], [0.4])] * 2)
    assert figures["time_ratio"] == 0 and figures["seconds_to_its_accuracy"] == [None, None]


def test_the_card_benchmark_runs_small_on_the_processor(capsys: pytest.CaptureFixture[str]) -> None:
    benchmark("gpu").main(["--smoke"])
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert result["smoke"] and result["rows"][0]["decoder"] == "processor"
    assert all(result["rows"][0][arm] > 0 for arm in ("ours", "fastai", "ceiling"))


@pytest.mark.parametrize("arguments", [[], ["--smoke", "--store"]])
def test_without_a_card_nothing_is_measured(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(SystemExit, match="measure"):
        benchmark("gpu").main(arguments)
