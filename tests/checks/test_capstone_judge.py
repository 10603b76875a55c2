"""How the capstone's judge gives its steps: what is beyond the noise counts, and what is inside it is called that."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tlcourse.checks import registry
from tlcourse.checks.exercise import Finding

FILES = [f"{number:04}.png" for number in range(200)]
LABELS = ["cat", "dog"] * 100
HALF, MOST = [1.0, 0.0] * 100, [1.0] * 150 + [0.0] * 50
KEPT = {
    "classes": ["cat", "dog"],
    "files": FILES,
    "labels": LABELS,
    "baselines": {"majority class": HALF, "from scratch": [0.6] * 200, "frozen features": MOST},
}


def judged(right: np.ndarray | list[float], **more: Any) -> list[Finding]:
    """The findings on predictions that are right at these pictures."""
    other = {"cat": "dog", "dog": "cat"}
    labels = [label if hit else other[label] for label, hit in zip(LABELS, right, strict=True)]
    return judged_value(["garden", dict(zip(FILES, labels, strict=True))], **more)


def judged_value(value: Any, held_out: dict[str, Any] | None = None) -> list[Finding]:
    evidence = {"call": {"value": value, "printed": ""}}
    kept = {"garden": KEPT} if held_out is None else held_out
    return registry.get("capstone").judge(evidence, np.random.default_rng(0), kept)


def codes(findings: list[Finding]) -> list[str]:
    return [finding.code for finding in findings]


def test_each_baseline_that_is_beaten_earns_two_points() -> None:
    findings = judged([1.0] * 200)
    assert codes(findings) == ["beats-majority", "beats-scratch", "beats-probe"]
    assert [finding.points for finding in findings] == [2, 2, 2]
    assert "1.000 against 0.750, ahead by 0.250 (95 % over the pictures: 0.1" in findings[2].message


def test_a_gap_inside_the_noise_earns_the_lower_step_and_says_so() -> None:
    right = np.array(MOST)
    right[150:156], right[:3] = 1, 0
    last = judged(right)[-1]
    assert (last.code, last.passed, last.points) == ("probe-within-noise", False, 2)
    assert "inside the noise, so it earns the lower step" in last.message and "0.765 against 0.750" in last.message


def test_one_finding_stands_for_all_baselines_that_are_not_beaten() -> None:
    findings = judged(np.arange(200) % 3 > 0)  # 0.665
    assert codes(findings) == ["beats-majority", "scratch-within-noise"]
    assert findings[-1].points == 4 and "Nor is 'frozen features' beaten." in findings[-1].message


def test_the_baseline_itself_is_recognised() -> None:
    assert codes(judged(MOST)) == ["beats-majority", "beats-scratch", "probe-itself"]


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (["garden", ["cat"] * 200], "no-file-names"),
        (["garden", dict.fromkeys(FILES[:-3], "cat")], "pictures-missing"),
        (["garden", dict.fromkeys(FILES, "owl")], "unknown-names"),
        (["garden", dict.fromkeys(FILES, 3)], "unknown-names"),
        (["garden", {"type": "generator"}], "no-file-names"),
        (["meadow", dict.fromkeys(FILES, "cat")], "labels-elsewhere"),
    ],
)
def test_predictions_of_a_folder_must_name_its_files_and_classes(value: Any, code: str) -> None:
    assert codes(judged_value(value)) == [code]


def test_class_names_count_in_any_case_and_further_pictures_do_no_harm() -> None:
    said = dict(zip(FILES, [label.upper() for label in LABELS], strict=True)) | {"more.png": "what"}
    assert len(judged_value(["garden", said])) == 3


def test_a_forged_value_is_no_evidence() -> None:
    with pytest.raises(KeyError):
        registry.get("capstone").judge({}, np.random.default_rng(0), {})
