"""`make` on machines of every kind: the interpreters here are stand-ins, so nothing is downloaded."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TOOLS = (
    "make",
    "sh",
    "env",
    "cat",
    "cksum",
    "cut",
    "sed",
    "expand",
    "rm",
    "touch",
    "mkdir",
    "cp",
    "grep",
    "id",
)

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="needs make")

# A Python of a given version, with or without ensurepip. It notes what it is asked, makes a .venv of itself,
# and fails to install while a file named `no-network` lies in the course's folder, uv while there is one named `no-uv`.
STAND_IN = """#!/bin/sh
echo "$@" >> "{log}"
case "$*" in
  *"import venv, ensurepip"*) exit {no_ensurepip} ;;
  "-c "*version_info*) exec "{real}" -c "import sys; sys.version_info = ({numbers}, 0); $2" ;;
  "--version") echo "Python {version}" ;;
  "-m venv"*) rm -rf .venv && mkdir -p .venv/bin && cp "$0" .venv/bin/python ;;
  "-m pip install"*) ! [ -e no-network ] ;;
  "-c "*"'pip', 'install'"*) ! [ -e no-network ] && ! [ -e no-uv ] ;;
esac
"""


class Machine:
    """A fresh clone on a machine whose PATH holds only the usual tools and the given interpreters."""

    def __init__(self, folder: Path) -> None:
        self.course, self.bin, self.log = folder / "course", folder / "bin", folder / "log"
        self.course.mkdir()
        self.bin.mkdir()
        for name in ("Makefile", "pyproject.toml", "constraints.txt"):
            shutil.copy(ROOT / name, self.course / name)
        for name in TOOLS:
            if found := shutil.which(name):
                (self.bin / name).symlink_to(found)

    def python(self, name: str, version: str, *, ensurepip: bool = True) -> None:
        """Put an interpreter on the PATH."""
        path = self.bin / name
        path.write_text(
            STAND_IN.format(
                log=self.log,
                real=sys.executable,
                version=version,
                numbers=version.replace(".", ", "),
                no_ensurepip=int(not ensurepip),
            )
        )
        path.chmod(0o755)

    def make(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run make as a terminal without any settings of this test run would."""
        command = [str(self.bin / "make"), "--no-print-directory", *words]
        environment = {"PATH": str(self.bin), "HOME": str(self.course)}
        return subprocess.run(command, cwd=self.course, env=environment, capture_output=True, text=True)

    def asked(self, words: str) -> int:
        """How often an interpreter was asked something that holds `words`, since the last question."""
        text = self.log.read_text() if self.log.exists() else ""
        self.log.unlink(missing_ok=True)
        return text.count(words)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_help_is_the_default_and_lists_every_target(machine: Machine) -> None:
    told = machine.make()
    assert told.returncode == 0
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    public = re.search(r"^\.PHONY: (.*)$", makefile, re.M)
    assert public is not None
    for target in public[1].split():
        assert re.search(rf"^  {target} +\S", told.stdout, re.M), target


@pytest.mark.parametrize("target", ["learn", "doctor", "lint", "build", "quick", "test", "latest"])
def test_targets_can_be_planned(machine: Machine, target: str) -> None:
    machine.python("python3", "3.12")
    told = machine.make("-n", target)
    assert told.returncode == 0, told.stderr
    assert "tlcourse.cli" in told.stdout or "pytest" in told.stdout or "ruff" in told.stdout


def test_learn_installs_the_pinned_lab_once(machine: Machine) -> None:
    machine.python("python3", "3.12")
    first = machine.make("learn", "LESSON=3")
    assert first.returncode == 0, first.stderr
    log = machine.log.read_text()
    assert "-m venv --clear .venv" in log
    assert re.search(r"'pip', 'install'.*--editable \.\[lab\] --constraint constraints\.txt", log)
    assert log.endswith("-m tlcourse.cli learn 3\n")
    machine.log.unlink()
    assert machine.make("learn").returncode == 0
    assert machine.log.read_text() == "-m tlcourse.cli learn\n", "the second start does nothing else"


def test_where_uv_cannot_install_pip_does(machine: Machine) -> None:
    machine.python("python3", "3.12")
    (machine.course / "no-uv").touch()
    assert machine.make("learn").returncode == 0
    assert machine.asked("-m pip install --editable .[lab] --constraint constraints.txt") == 1


PIP_CONF = """\
[global]
index-url = https://mirror.example/simple
extra-index-url =
    https://one.example/simple
    https://two.example/simple
[install]
no-index = true
"""
IN_PLACE_OF_UV = """#!/bin/sh
env | grep ^UV_
echo "$@"
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell")
def test_uv_is_told_what_pip_was_told_of_this_place(tmp_path: Path) -> None:
    show = ["make", "-s", "-C", str(ROOT), "--eval", "show: ; @printf '%s' \"$$WITH_UV\"", "show"]
    with_uv = subprocess.run(show, capture_output=True, text=True, check=True).stdout
    (tmp_path / "pip.conf").write_text(PIP_CONF)
    for name, text in {"python": f'#!/bin/sh\nexec "{sys.executable}" "$@"\n', "uv": IN_PLACE_OF_UV}.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "UV_"))}
    environment = {**inherited, "PIP_CONFIG_FILE": str(tmp_path / "pip.conf"), "PIP_FIND_LINKS": "/a /b"}
    as_there = f"import sys; sys.executable = '{tmp_path}/python'\n{with_uv}"
    told = subprocess.run([sys.executable, "-c", as_there, "x"], env=environment, capture_output=True, text=True).stdout
    # Other files of pip's configuration may add to it; what is named here is nearer than any of theirs.
    *told_uv, arguments = told.splitlines()
    assert {
        "UV_DEFAULT_INDEX=https://mirror.example/simple",
        "UV_INDEX=https://one.example/simple https://two.example/simple",
        "UV_FIND_LINKS=/a,/b",
        "UV_NO_INDEX=true",
    } <= set(told_uv)
    assert arguments.startswith("pip install") and arguments.endswith(" x")


@pytest.mark.parametrize("name", ["constraints.txt", "pyproject.toml"])
def test_a_changed_file_installs_again(machine: Machine, name: str) -> None:
    machine.python("python3", "3.12")
    machine.make("learn")
    (machine.course / name).write_text((machine.course / name).read_text() + "# changed\n")
    machine.asked("")
    machine.make("learn")
    assert machine.asked("pip install") == 1


def test_a_failed_installation_is_said_and_taken_up_again(machine: Machine) -> None:
    machine.python("python3", "3.12")
    (machine.course / "no-network").touch()
    told = machine.make("learn")
    assert told.returncode != 0
    assert "did not finish" in told.stderr
    assert machine.asked("tlcourse.cli") == 0
    (machine.course / "no-network").unlink()
    assert machine.make("learn").returncode == 0
    assert machine.asked("pip install") == 1


def test_an_environment_cut_short_is_made_again(machine: Machine) -> None:
    machine.python("python3", "3.12")
    (machine.course / ".venv" / "bin").mkdir(parents=True)
    (machine.course / ".venv" / "bin" / "python").symlink_to("/gone/python3")
    assert machine.make("learn").returncode == 0
    assert machine.asked("-m venv --clear .venv") == 1


def test_working_on_the_course_covers_learning(machine: Machine) -> None:
    machine.python("python3", "3.12")
    assert machine.make("install").returncode == 0
    assert machine.asked(".[dev]") == 1
    assert machine.make("learn").returncode == 0
    assert machine.asked("pip install") == 0


@pytest.mark.parametrize("old", ["3.8", "3.10", "3.14"])
def test_a_python_that_does_not_fit_is_said(machine: Machine, old: str) -> None:
    machine.python("python3", old)
    told = machine.make("learn")
    assert told.returncode != 0
    assert "The course needs Python 3.11, 3.12 or 3.13" in told.stderr
    assert "apt install" in told.stderr and "PYTHON=" in told.stderr
    assert not (machine.course / ".venv").exists()


def test_no_python_at_all_is_said(machine: Machine) -> None:
    told = machine.make("learn")
    assert told.returncode != 0
    assert "none was found on the PATH" in told.stderr


def test_a_newer_python_beside_an_old_one_is_found(machine: Machine) -> None:
    machine.python("python3", "3.9")
    machine.python("python3.12", "3.12")
    told = machine.make("learn")
    assert told.returncode == 0, told.stderr
    assert "Making .venv with Python 3.12" in told.stdout


def test_a_python_without_ensurepip_is_said(machine: Machine) -> None:
    machine.python("python3", "3.11", ensurepip=False)
    told = machine.make("learn")
    assert told.returncode != 0
    assert "sudo apt install python3.11-venv" in told.stderr


def test_a_python_without_ensurepip_is_passed_over(machine: Machine) -> None:
    machine.python("python3", "3.11", ensurepip=False)
    machine.python("python3.13", "3.13")
    told = machine.make("learn")
    assert "Making .venv with Python 3.13" in told.stdout


def test_a_named_python_is_taken(machine: Machine) -> None:
    machine.python("python3", "3.11")
    machine.python("other", "3.12")
    told = machine.make("learn", "PYTHON=other")
    assert "Making .venv with Python 3.12" in told.stdout
    shutil.rmtree(machine.course / ".venv")
    machine.python("other", "3.7")
    assert "other is not one" in machine.make("learn", "PYTHON=other").stderr


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_ci_runs_the_tests_from_anywhere(tmp_path: Path) -> None:
    clone = tmp_path / "a clone" / ".ci"
    clone.mkdir(parents=True)
    shutil.copy(ROOT / ".ci" / "run", clone / "run")
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
    (tmp_path / "make").write_text('#!/bin/sh\necho "make $* in $PWD, CI=$CI"\ncat\nexit 7\n')
    (tmp_path / "make").chmod(0o755)
    environment = {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run([str(clone / "run")], cwd="/", env=environment, capture_output=True, text=True)
    assert done.stdout == f"make test in {clone.parent}, CI=true\n"
    assert done.returncode == 7
