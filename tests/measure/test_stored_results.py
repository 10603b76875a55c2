"""Stored results: kept with the command that made them, found by name, refused when there is none."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from tlcourse.errors import DataError
from tlcourse.measure import store, stored
from tlcourse.measure.stored_results import FOLDER

ROOT = Path(__file__).parents[2]
NAMES = sorted(path.stem for path in FOLDER.glob("*.json"))


@pytest.mark.parametrize("name", NAMES)
def test_a_result_says_how_it_was_made(name: str) -> None:
    result = stored(name)
    python, script, *_ = shlex.split(result.command)
    assert python == "python" and (ROOT / script).is_file()
    assert result.about and {"day", "machine", "python", "torch"} <= result.made.keys()
    assert result.command in repr(result) and result.made["day"] in repr(result)


@pytest.mark.parametrize("name", NAMES)
def test_the_command_stores_under_this_very_name(name: str) -> None:
    script = (ROOT / shlex.split(stored(name).command)[1]).read_text(encoding="utf-8")
    assert f'"{name}"' in script and "store(" in script


def test_what_is_stored_is_what_was_measured(tmp_path: Path) -> None:
    figures = {"ours": [0.5, 0.75], "theirs": {"a": 1}}
    path = store("trial", figures, about="A trial.", command="python benchmarks/trial.py", folder=tmp_path)
    kept = json.loads(path.read_text(encoding="utf-8"))
    assert kept["figures"] == figures and kept["command"] == "python benchmarks/trial.py"
    assert kept["made"]["torch"].startswith("torch ")


def test_an_unknown_name_lists_those_there_are() -> None:
    with pytest.raises(DataError, match="adaptation"):
        stored("adaption")
