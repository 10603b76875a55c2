"""The instructor's guide for a machine of one's own, followed to the letter. `INSTEAD` is all that differs.

tests/browser/test_guide_hub.py follows the guide's other half, for a server.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path
from typing import Any

import jupyterhub
import nbgrader
import pytest
import test_own_package
from guide_kit import CHECKOUT, GUIDE, Block, adapted, commands, section, titles_with_commands
from packaging.requirements import Requirement

import tlcourse
from tlcourse.cli import build_parser

LESSON = "00-start-here"

# Instead of what pip would fetch: everything of this environment can be used there.
FILLED = f"""\
printf '%s\\n' {CHECKOUT} {sysconfig.get_path("purelib")} > "$(echo .venv/lib/python*/site-packages)/there.pth"
rm -rf .venv/lib/python*/site-packages/setuptools*
ln -s {sys.prefix}/bin/jupyter* {sys.prefix}/bin/nbgrader .venv/bin
printf '#!/bin/sh\\nexec "$(dirname "$0")/python" -P -m tlcourse.cli "$@"\\n' > .venv/bin/tlcourse
chmod +x .venv/bin/tlcourse
"""
# Instead of a person who opens formgrader in a browser and ends JupyterLab some day.
LOOKED_AT = """\
(cd autumn && exec jupyter lab --allow-root --no-browser --ServerApp.port_retries=90 > ../lab.log 2>&1) &
python - <<END
import json, re, time, urllib.request
while not (found := re.search(r"(http://127\\S+)/lab(\\?token=\\w+)", open("lab.log").read())):
    time.sleep(0.2)
for _ in range(100):
    try:  # the address is told a moment before anybody listens there
        answer = urllib.request.urlopen(found[1] + "/formgrader/api/assignments" + found[2])
        break
    except urllib.error.URLError:
        time.sleep(0.2)
print("formgrader shows", [lesson["name"] for lesson in json.load(answer)])
END
kill $!
"""
INSTEAD = {
    "sudo apt": ": sudo apt",
    "YOUR-COPY": str(CHECKOUT),
    "python3 -m venv .venv": f"{sys.executable} -m venv .venv\n{FILLED}",
    # pip finds everything there, and installs nothing but what is given to it.
    "pip install -e": "pip install --quiet --dry-run --no-index --no-build-isolation",
    "pip install ./ours": "pip install --quiet --no-index --no-build-isolation ./ours",
    # `make latest` has other versions.
    "-c constraints.txt": "" if os.environ.get("CONSTRAINTS") == os.devnull else "-c constraints.txt",
    # One lesson is enough for a class.
    "tlcourse classroom autumn\n": "tlcourse classroom autumn --lesson 00\n",
    "cd autumn && jupyter lab\n": LOOKED_AT,
}


class Instructor:
    """Somebody with a terminal, who follows the guide.

    Args:
        home: their folder.
    """

    def __init__(self, home: Path) -> None:
        self.course = home / "tlcourse"
        self._home = home
        # The guide's environment has this one's packages; nbgrader calls one of their programs by name.
        path = os.pathsep.join([os.environ["PATH"], sysconfig.get_path("scripts")])
        self._own = {"HOME": str(home), "PATH": path, "LANG": "C.UTF-8"}

    def follow(self, title: str) -> str:
        """Do what a section says. Returns what its commands printed."""
        return "".join(self._do(block) for block in section(title))

    def _do(self, block: Block) -> str:
        if block.file:
            file = self._home / block.file.removeprefix("~/")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.text)
        elif block.commands:
            there = "cd tlcourse\n. .venv/bin/activate\n" if self.course.exists() else ""
            return self._type(there + adapted(block.text, INSTEAD))
        return ""

    def _type(self, script: str) -> str:
        terminal: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        done = subprocess.run(["bash", "-e"], input=script, cwd=self._home, env=self._own, timeout=300, **terminal)
        assert done.returncode == 0, f"{script}\n{done.stdout}"
        return done.stdout


@pytest.fixture(scope="module")
def instructor(sandboxed: None, tmp_path_factory: pytest.TempPathFactory) -> Instructor:
    """Somebody who has got the course, and has a class with something handed in."""
    instructor = Instructor(tmp_path_factory.mktemp("home"))
    instructor.follow("The machine")
    instructor.follow("A class")
    submitted = instructor.course / "autumn" / "submitted" / "ada" / LESSON
    submitted.mkdir(parents=True)
    shutil.copy(CHECKOUT / "solutions" / LESSON / f"{LESSON}.ipynb", submitted)
    return instructor


def test_from_what_was_handed_in_to_a_report(instructor: Instructor) -> None:
    assert f"formgrader shows ['{LESSON}']" in instructor.follow("Grading")
    assert f"ada,{LESSON},chance_accuracy,1,1,right" in (instructor.course / "scores.csv").read_text()
    instructor.follow("What the class understood")
    names = ("report.html", "report.csv", "pages/ada.html")
    assert all((instructor.course / "autumn" / name).exists() for name in names)


def test_fewer_lessons_and_ones_own(instructor: Instructor) -> None:
    ours = instructor.course / "ours"
    lesson = ours / "solutions" / "15-our-data" / "15-our-data.py"
    lesson.parent.mkdir(parents=True)
    lesson.write_text(test_own_package.LESSON)
    (ours / "autumn_exercises.py").write_text(test_own_package.MODULE)
    shutil.copy(CHECKOUT / "nbgrader_config.py", ours)
    told = instructor.follow("Fewer lessons, and your own")
    assert all(f"{name}: added" in told for name in ("01-what-is-transfer-learning", "15-our-data"))


# --- without a terminal ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [line for line in commands() if line.startswith("tlcourse ")])
def test_every_command_of_ours_is_understood(command: str) -> None:
    build_parser().parse_args(shlex.split(command)[1:])


def test_every_section_with_commands_is_followed_by_a_test() -> None:
    tests = "".join(path.read_text() for path in CHECKOUT.glob("tests/*/test_*guide*.py"))
    tests += (CHECKOUT / "tests" / "browser" / "test_nbgrader_loop.py").read_text()
    assert [title for title in titles_with_commands() if f'"{title}"' not in tests] == []


def test_debian_has_every_package_that_is_named() -> None:
    named = {name for line in commands() if line.startswith("sudo apt install") for name in line.split()[3:]}
    assert named
    if not shutil.which("apt-cache"):
        pytest.skip("this machine has no apt")
    asked = subprocess.run(["apt-cache", "show", "apt", *named], capture_output=True, text=True)
    known = set(re.findall(r"^Package: (\S+)$", asked.stdout, re.M))
    if "apt" not in known:
        pytest.skip("this machine has no lists of Debian's packages")
    assert named - known == set()


def test_every_extra_that_is_named_is_installed_for_the_tests() -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (own,) = [one for one in project["optional-dependencies"]["dev"] if one.startswith("tlcourse[")]
    named = {
        extra
        for line in commands()
        for group in re.findall(r'pip install -e ".*\[(.+?)\]"', line)
        for extra in group.split(",")
    }
    assert {"grading", "hub", "postgres"} <= named <= Requirement(own).extras


def test_messages_are_quoted_as_they_are_said() -> None:
    table = re.findall(r"^\| `([^|]+)` \|", GUIDE, re.M)
    assert len(table) > 10
    said = "".join(path.read_text() for folder in SPEAKERS for path in folder.rglob("*.py"))
    assert [message for message in table if message not in said] == []


SPEAKERS = [Path(module.__file__).parent for module in (tlcourse, nbgrader, jupyterhub)]
