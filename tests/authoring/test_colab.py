"""Notebooks that stand alone in Colab: one place names the course, and one cell installs it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from authoring_kit import NAME

from tlcourse.cli import main

RELEASE = f"notebooks/{NAME}/{NAME}.ipynb"
REPOSITORY = '[tool.tlcourse.colab]\nrepository = "somebody/course"\nbranch = "autumn"\n'


def cells(root: Path) -> list[dict[str, Any]]:
    return [cell | {"source": "".join(cell["source"])} for cell in json.loads((root / RELEASE).read_text())["cells"]]


def build(root: Path, settings: str) -> int:
    (root / "pyproject.toml").write_text(settings)
    return main(["build", "--root", str(root)])


def test_the_cell_installs_from_the_repository_and_the_badge_leads_there(built: Path) -> None:
    assert build(built, REPOSITORY) == 0
    title, setup, *_ = cells(built)
    assert f"colab.research.google.com/github/somebody/course/blob/autumn/{RELEASE}" in title["source"]
    assert (setup["id"], setup["outputs"]) == ("setup", [])
    assert '"tlcourse[ship] @ git+https://github.com/somebody/course@autumn"' in setup["source"]


@pytest.mark.parametrize("settings", ["", '[tool.tlcourse.colab]\nrepository = ""\n'])
def test_neither_is_there_while_no_place_is_named(built: Path, settings: str) -> None:
    before = (built / RELEASE).read_bytes()
    assert build(built, settings) == 0
    assert (built / RELEASE).read_bytes() == before
    assert "colab" not in before.decode().lower()


def test_a_place_that_changed_makes_notebooks_stale(built: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (built / "pyproject.toml").write_text(REPOSITORY)
    assert main(["build", "--check", "--root", str(built)]) == 1
    assert "stale" in capsys.readouterr().out
    assert build(built, REPOSITORY) == 0
    assert main(["build", "--check", "--root", str(built)]) == 0


@pytest.mark.parametrize(
    "settings", ["[tool.tlcourse.colab]\nrepo = 'a/b'", "[tool.tlcourse.colab]\nrepository = 3", "[tool.tlcourse"]
)
def test_settings_that_are_not_understood(built: Path, capsys: pytest.CaptureFixture[str], settings: str) -> None:
    assert build(built, settings) == 1
    assert "pyproject.toml" in capsys.readouterr().err


def test_in_colab_the_cell_says_which_gpu_it_found(
    built: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The card of a free runtime, which has no bfloat16. A whole runtime is tried in tests/grading/test_dialects.py."""
    assert build(built, REPOSITORY) == 0
    monkeypatch.setenv("COLAB_RELEASE_TAG", "release-colab")
    monkeypatch.delenv("TLCOURSE_DEVICE", raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "Tesla T4")
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: False)
    capsys.readouterr()
    exec(cells(built)[1]["source"], {})
    assert "computes on   Tesla T4, in float16" in capsys.readouterr().out


def test_elsewhere_the_cell_does_nothing(built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert build(built, REPOSITORY) == 0
    monkeypatch.delenv("COLAB_RELEASE_TAG", raising=False)
    namespace: dict[str, Any] = {}
    exec(cells(built)[1]["source"], namespace)
    assert "tlcourse" not in namespace
