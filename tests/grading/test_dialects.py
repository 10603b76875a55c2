"""Lessons answered in Colab, in VS Code, by `jupyter execute`: graded, they lose no point against plain notebooks.

One class, two lessons: one with figures (00), one with a written answer too (08). The dialects are as published files
that Colab and VS Code saved have them.
"""

from __future__ import annotations

import copy
import csv
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tlcourse.authoring import colab, course
from tlcourse.authoring.notebook import load, to_bytes
from tlcourse.cli import main

pytestmark = [pytest.mark.usefixtures("sandboxed"), pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")]

CHECKOUT = Path(__file__).resolve().parents[2]
FIRST, SECOND = "00-start-here", "08-four-scenarios"
Notebook = dict[str, Any]


# --- what front ends make of a notebook -------------------------------------------------------------------------------


def as_colab(notebook: Notebook) -> Notebook:
    """As Colab saves it: format 4.0, ids in the metadata, its own notes on every run, a badge on top."""
    saved = copy.deepcopy(notebook)
    user = {"displayName": "Ada Lovelace", "userId": "01234567890123456789"}
    for place, cell in enumerate(saved["cells"]):
        cell["metadata"]["id"] = cell.pop("id")
        cell["source"] = "".join(cell["source"]).splitlines(keepends=True)
        if cell["cell_type"] == "code":
            cell["metadata"] |= {
                "colab": {"base_uri": "https://localhost:8080/", "height": 35},
                "outputId": f"5c1e9c5e-0000-4c9e-8b2f-{place:012}",
                "executionInfo": {"status": "ok", "timestamp": 1760000000000 + place, "user_tz": -60, "user": user},
                "cellView": "form",
            }
    link = '<a href="https://colab.research.google.com/github/a/b/blob/main/c.ipynb" target="_parent"><img/></a>'
    badge = {"cell_type": "markdown", "metadata": {"id": "view-in-github", "colab_type": "text"}, "source": [link]}
    metadata = {
        "colab": {
            "provenance": [],
            "gpuType": "T4",
            "toc_visible": True,
            "authorship_tag": "ABX9TyMl94/lA/1tJvgsP2vtU4Wh",
            "include_colab_link": True,
        },
        "kernelspec": {"name": "python3", "display_name": "Python 3"},
        "language_info": {"name": "python"},
        "accelerator": "GPU",
        "widgets": {"application/vnd.jupyter.widget-state+json": {"1f": {"model_name": "LayoutModel", "state": {}}}},
    }
    return {"nbformat": 4, "nbformat_minor": 0, "metadata": metadata, "cells": [badge, *saved["cells"]]}


def as_colab_without_marks(notebook: Notebook) -> Notebook:
    """As Colab saves it when the text was pasted into a fresh notebook there: new ids, no mark of nbgrader's."""
    saved = as_colab(notebook)
    for place, cell in enumerate(saved["cells"]):
        cell["metadata"] = {"id": f"kq3TxYw0_bZ{place}"}
    return saved


def as_vscode(notebook: Notebook) -> Notebook:
    """As VS Code saves it: a language for each cell, the chosen environment for a kernel, no last line's end."""
    saved = copy.deepcopy(notebook)
    for cell in saved["cells"]:
        language = "python" if cell["cell_type"] == "code" else "markdown"
        cell["metadata"]["vscode"] = {"languageId": language}
        cell["source"] = "".join(cell["source"]).rstrip("\n").splitlines(keepends=True)
    version = {"version": "3.12.3", "codemirror_mode": {"name": "ipython", "version": 3}}
    saved["metadata"] = {
        "kernelspec": {"display_name": ".venv (3.12.3)", "language": "python", "name": "python3"},
        "language_info": {"name": "python", "file_extension": ".py", "mimetype": "text/x-python", **version},
        "vscode": {"interpreter": {"hash": "b1677b440931f40d89ef8be7bf03acb108ce003de0ac9b18e8d43753ea2e7103"}},
    }
    return saved


def as_vscode_with_ids_of_its_own(notebook: Notebook) -> Notebook:
    """As VS Code saves it after cells were cut and pasted: ids of its own, marks kept."""
    saved = as_vscode(notebook)
    for place, cell in enumerate(saved["cells"]):
        cell["id"] = f"#VSC-{place:08x}"
    return saved | {"nbformat_minor": 2}


def as_vscode_without_marks(notebook: Notebook) -> Notebook:
    """As an older VS Code saves it: neither ids nor what it did not know in the metadata."""
    saved = as_vscode(notebook)
    for cell in saved["cells"]:
        del cell["id"]
        cell["metadata"] = {}
    return saved | {"nbformat_minor": 2, "metadata": {**saved["metadata"], "orig_nbformat": 4}}


DIALECTS: dict[str, Callable[[Notebook], Notebook]] = {
    "colab": as_colab,
    "colab-without-marks": as_colab_without_marks,
    "vscode": as_vscode,
    "vscode-with-ids-of-its-own": as_vscode_with_ids_of_its_own,
    "vscode-without-marks": as_vscode_without_marks,
}


# --- one class in which everybody gives the same answers --------------------------------------------------------------


@dataclass(frozen=True)
class Runtime:
    """What stands in for a Colab runtime: a Python that has the packages already, and an empty folder.

    Args:
        program: its interpreter.
        site: where pip installs.
        wheel: the course, built.
        folder: empty.
    """

    program: Path
    site: Path
    wheel: Path
    folder: Path

    def run(self, *arguments: str, **more: str) -> str:
        """Run its Python in the folder, without any index of packages; returns what it printed."""
        environment = {**os.environ, "PIP_NO_INDEX": "1", "PYTHONPATH": "", **more}
        return insist([str(self.program), *arguments], self.folder, environment)

    def packages(self) -> dict[str, str]:
        """The versions of all that is installed, but for the course."""
        listed = (
            "import importlib.metadata as m, json; print(json.dumps([(d.name, d.version) for d in m.distributions()]))"
        )
        return {name: version for name, version in json.loads(self.run("-c", listed)) if name != "tlcourse"}


def insist(command: list[str], folder: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout[-1000:] + done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Runtime:
    base = tmp_path_factory.mktemp("colab")
    build = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--quiet", "-w", str(base)]
    insist([*build, str(CHECKOUT)], base, dict(os.environ))
    (wheel,) = base.glob("*.whl")
    venv.create(base / "runtime", with_pip=True)
    program = base / "runtime" / "bin" / "python"
    (site,) = (base / "runtime").glob("lib/python*/site-packages")
    # An old one that comes with a new environment would hide the other.
    insist([str(program), "-m", "pip", "uninstall", "--quiet", "--yes", "setuptools"], base, dict(os.environ))
    # The packages of this Python, all but the course, whose own place is named in a .pth file that is not read there.
    (site / "there.pth").write_text(sysconfig.get_path("purelib") + "\n")
    (base / "content").mkdir()
    return Runtime(program, site, wheel, base / "content")


@pytest.fixture(scope="module")
def room(runtime: Runtime, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A class whose notebooks have the badge and the cell that installs the course."""
    root = tmp_path_factory.mktemp("dialects") / "course"
    for name in (FIRST, SECOND):
        lesson = course.Lesson(root, name)
        lesson.solution.parent.mkdir(parents=True)
        notebook = load(course.Lesson(CHECKOUT, name).solution)
        colab.prepare(notebook, lesson, colab.Colab("somebody/course", wheel=str(runtime.wheel)))
        lesson.solution.write_bytes(to_bytes(notebook))
    shutil.copy(CHECKOUT / "nbgrader_config.py", root)
    folder = root.parent / "autumn"
    assert main(["classroom", str(folder), "--root", str(root)]) == 0
    return folder


def answered(room: Path, lesson: str) -> Notebook:
    """A class's notebook with the course's own answers, as a learner would leave it."""
    released = json.loads((room / "notebooks" / lesson / f"{lesson}.ipynb").read_text())
    solution = json.loads((CHECKOUT / "solutions" / lesson / f"{lesson}.ipynb").read_text())
    answers = {cell["id"]: cell["source"] for cell in solution["cells"] if cell["metadata"].get("nbgrader")}
    for cell in released["cells"]:
        text = "".join(answers.get(cell["id"], cell["source"]))
        lines = [line for line in text.splitlines(keepends=True) if "### BEGIN" not in line and "### END" not in line]
        cell["source"] = "".join(lines)
    return released


def hand_in(room: Path, learner: str, lesson: str, notebook: Notebook) -> None:
    path = room / "submitted" / learner / lesson / f"{lesson}.ipynb"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(notebook, indent=1))


def execute(room: Path, folder: Path, **environment: str) -> Notebook:
    """The first lesson after `jupyter execute --inplace`, the real command."""
    path = folder / f"{FIRST}.ipynb"
    path.write_text(json.dumps(answered(room, FIRST)))
    program = Path(sys.executable).parent / "jupyter"
    insist([str(program), "execute", "--inplace", path.name], folder, {**os.environ, **environment})
    return json.loads(path.read_text())


@pytest.fixture(scope="module")
def in_colab(room: Path, runtime: Runtime) -> Notebook:
    """The first lesson, run from top to bottom where Colab would run it."""
    path = runtime.folder / f"{FIRST}.ipynb"
    path.write_text(json.dumps(answered(room, FIRST)))
    before = runtime.packages()
    run = "import sys; from nbclient.cli import main; sys.exit(main(sys.argv[1:]))"
    runtime.run("-c", run, "--inplace", path.name, COLAB_RELEASE_TAG="release-colab")
    assert runtime.packages() == before, "nothing that was there is upgraded, and nothing is added"
    assert (runtime.site / "tlcourse").is_dir(), "the wheel is installed into the runtime"
    return json.loads(path.read_text())


@pytest.fixture(scope="module")
def scores(room: Path, in_colab: Notebook, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """What each learner earned, by exercise."""
    for name, dialect in DIALECTS.items():
        hand_in(room, name, FIRST, dialect(in_colab if "colab" in name else answered(room, FIRST)))
        hand_in(room, name, SECOND, dialect(answered(room, SECOND)))
    for lesson in (FIRST, SECOND):
        hand_in(room, "plain", lesson, answered(room, lesson))
    hand_in(room, "executed-cold", FIRST, execute(room, tmp_path_factory.mktemp("cold")))
    warm = {"JUPYTER_DEFAULT_PROVISIONER_NAME": "tlcourse-warm"}
    hand_in(room, "executed-warm", FIRST, execute(room, tmp_path_factory.mktemp("warm"), **warm))
    assert main(["grade", str(room), "--csv", str(room / "scores.csv")]) == 0
    found: dict[str, dict[str, str]] = {}
    with (room / "scores.csv").open() as file:
        for row in csv.DictReader(file):
            told = (row["score"], row["max_score"], row["verdict"], row["finding_codes"])
            found.setdefault(row["learner"], {})[row["exercise"]] = " ".join(told)
    return found


def test_a_plain_notebook_has_all_points_that_no_person_gives(scores: dict[str, dict[str, str]]) -> None:
    assert scores["plain"]
    assert {told.split()[2] for told in scores["plain"].values()} == {"right", "hand"}


def test_the_set_up_cell_says_what_the_runtime_has(in_colab: Notebook) -> None:
    said = "".join(next(cell for cell in in_colab["cells"] if cell["id"] == colab.SETUP)["outputs"][0]["text"])
    assert "computes on" in said and "cores" in said


def test_the_slider_keeps_its_figure_and_asks_nothing_of_a_program(in_colab: Notebook) -> None:
    widgets = in_colab["metadata"]["widgets"]["application/vnd.jupyter.widget-state+json"]["state"].values()
    assert any(str(widget["state"].get("value")).startswith("<img ") for widget in widgets)
    # nbclient can wait for ever after it has answered one of these.
    assert "OutputModel" not in {widget["model_name"] for widget in widgets}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_no_point_is_lost_in(dialect: str, scores: dict[str, dict[str, str]]) -> None:
    assert scores[dialect] == scores["plain"]


@pytest.mark.parametrize("kernel", ["cold", "warm"])
def test_no_point_is_lost_by_jupyter_execute(kernel: str, scores: dict[str, dict[str, str]]) -> None:
    mine = scores[f"executed-{kernel}"]
    assert mine == {exercise: scores["plain"][exercise] for exercise in mine}
