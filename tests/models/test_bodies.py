"""The three bodies that ship for lesson 06, and the command that makes them."""

from __future__ import annotations

import json
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path

import pytest
import torch

from tlcourse import storage
from tlcourse.cli import main
from tlcourse.errors import CourseError
from tlcourse.models import GlyphNet, body_card, load_state, pretrained_body
from tlcourse.transfer import body_recipe

SHIPPED = Path(str(files("tlcourse.models") / "shipped"))
TASKS = ("labels", "rotation", "contrastive")


@pytest.mark.parametrize("task", TASKS)
def test_the_card_is_of_this_file(task: str) -> None:
    card, path = body_card(task), SHIPPED / f"body-{task}.safetensors"
    assert card["sha256"] == storage.sha256(path) and card["bytes"] == path.stat().st_size <= 2_000_000
    assert card["recipe"] == json.loads(json.dumps(asdict(body_recipe(task))))
    assert card["command"].startswith(f"tlcourse pretrain --task {task} ")


@pytest.mark.parametrize("task", TASKS)
def test_it_is_glyphnets_body_in_evaluation_mode(task: str) -> None:
    body = pretrained_body(task)
    assert body.state_dict().keys() == GlyphNet().body.state_dict().keys()
    assert not any(part.training for part in body.modules())
    assert body(torch.zeros(1, 3, 32, 32)).shape == (1, 192, 4, 4)


def test_bodies_share_no_weights() -> None:
    with torch.no_grad():
        pretrained_body("labels")[0][0].weight.zero_()
    assert pretrained_body("labels")[0][0].weight.abs().sum() > 0


def test_an_unknown_body() -> None:
    with pytest.raises(CourseError, match="No body was pretrained for 'jigsaw'"):
        pretrained_body("jigsaw")


def test_the_command_writes_weights_and_facts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["pretrain", "--task", "contrastive", "--images", "256", "--out", str(tmp_path)]
    assert main(words) == 0
    assert {file.name for file in tmp_path.iterdir()} == {"body-contrastive.safetensors", "body-contrastive.json"}
    facts = json.loads((tmp_path / "body-contrastive.json").read_text())
    assert "A curriculum" in facts["about"] and facts["recipe"]["images"] == 256
    assert facts["command"].endswith("--task contrastive --images 256 --seed 0")
    GlyphNet().body.load_state_dict(load_state(tmp_path / "body-contrastive.safetensors"))
    assert "frozen features" in capsys.readouterr().out
