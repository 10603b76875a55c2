"""The README stays true: its numbers, its lessons, its commands, its length."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tlcourse.authoring.course import lessons
from tlcourse.cli import build_parser

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_measured_figure_is_that_of_the_model_card() -> None:
    card = json.loads((ROOT / "tlcourse/models/shipped/glyphnet.json").read_text(encoding="utf-8"))
    shown = [int(number) for number in re.findall(r"\*\*(\d+) %\*\*", README)]
    names = ("frozen_10_a_class_everyday", "scratch_10_a_class_everyday")
    assert shown == [round(100 * card[name]["mean"]) for name in names]


def test_the_table_lists_the_fifteen_lessons_in_order() -> None:
    listed = re.findall(r"\]\(notebooks/([\w-]+)/", README)
    # Somebody's own lesson, 15 and up, need not stand here.
    assert listed == [lesson.name for lesson in lessons(ROOT) if lesson.number < "15"]


@pytest.mark.parametrize("target", re.findall(r"\]\(([^)#]+)\)", README))
def test_every_link_leads_somewhere(target: str) -> None:
    assert (ROOT / target).exists()


def test_every_command_exists() -> None:
    commands = set(build_parser()._subparsers._group_actions[0].choices)  # type: ignore[union-attr]
    assert set(re.findall(r"`?tlcourse ([a-z]+)", README)) - {"ships"} <= commands
    targets = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"make ([a-z]+) ", README)) - {"sure"} <= targets


def test_it_fits_two_screens() -> None:
    assert len(README.splitlines()) <= 90
