"""Notebooks that stand alone in Colab: one place names the course, one cell installs it, and nothing is upgraded."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from typing import Any

import pytest
from authoring_kit import CHECKOUT, NAME

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


def python(folder: Path, program: Path, *arguments: str, **more: str) -> str:
    environment = {**os.environ, "PIP_NO_INDEX": "1", "PYTHONPATH": "", **more}
    done = subprocess.run(
        [str(program), *arguments], cwd=folder, env=environment, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_the_notebook_alone_in_a_runtime_that_has_the_packages(built: Path, tmp_path: Path) -> None:
    """Colab's conditions: an empty folder, packages that are there already; a wheel stands in for a host."""
    wheel_folder = tmp_path / "wheel"
    build_wheel = ["-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--quiet", "-w", str(wheel_folder)]
    python(tmp_path, Path(sys.executable), *build_wheel, str(CHECKOUT))
    (wheel,) = wheel_folder.glob("*.whl")
    assert build(built, f'[tool.tlcourse.colab]\nwheel = "{wheel}"\n') == 0
    runtime = tmp_path / "runtime"
    venv.create(runtime, with_pip=True)
    program = runtime / "bin" / "python"
    (site,) = runtime.glob("lib/python*/site-packages")
    python(tmp_path, program, "-m", "pip", "uninstall", "--quiet", "--yes", "setuptools")  # an old one hides the other
    # The packages of this Python, all but the course, whose own place is named in a .pth file that is not read there.
    (site / "there.pth").write_text(sysconfig.get_path("purelib") + "\n")
    empty = tmp_path / "content"
    empty.mkdir()
    shutil.copy(built / RELEASE, empty)
    freeze = "import importlib.metadata as m; print(sorted((d.name, d.version) for d in m.distributions()))"
    before = python(empty, program, "-c", freeze)
    run = f"import json; exec(''.join(json.load(open('{NAME}.ipynb'))['cells'][1]['source'])); print(tlcourse.__file__)"
    said = python(empty, program, "-c", run, COLAB_RELEASE_TAG="release-colab")
    assert str(site) in said.splitlines()[-1], "the wheel was installed into the runtime"
    assert "cores" in said, "it says what the machine has"
    after = python(empty, program, "-c", freeze)
    assert set(eval(before)) - set(eval(after)) <= {("tlcourse", v) for n, v in eval(before) if n == "tlcourse"}


def test_elsewhere_the_cell_does_nothing(built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert build(built, REPOSITORY) == 0
    monkeypatch.delenv("COLAB_RELEASE_TAG", raising=False)
    namespace: dict[str, Any] = {}
    exec(cells(built)[1]["source"], namespace)
    assert "tlcourse" not in namespace
