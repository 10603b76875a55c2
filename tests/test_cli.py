"""The command line: what help costs, how faults are said, and `tlcourse learn` with a real JupyterLab."""

from __future__ import annotations

import argparse
import json
import os
import pkgutil
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from tlcourse import cli, commands
from tlcourse.commands import learn
from tlcourse.errors import CourseError

COMMANDS = [info.name for info in pkgutil.iter_modules(commands.__path__)]
HEAVY = {"torch", "fastai", "numpy", "matplotlib", "jupyterlab", "nbgrader", "nbformat"}


def tlcourse(*words: str, **options: object) -> subprocess.CompletedProcess[str]:
    """Run `tlcourse WORDS` in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "tlcourse.cli", *words], capture_output=True, text=True, timeout=60, **options
    )  # type: ignore[call-overload]


def imported_by(code: str) -> set[str]:
    """The heavy packages that a fresh Python has imported after running `code`."""
    show = "\nimport sys; print('modules:', *{name.split('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code + show], capture_output=True, text=True, check=True)
    return HEAVY.intersection(done.stdout.splitlines()[-1].split())


def test_import_is_light() -> None:
    assert imported_by("import tlcourse") == set()


def test_help_is_light_and_names_every_command() -> None:
    assert imported_by("from tlcourse.cli import build_parser; build_parser().format_help()") == set()
    told = tlcourse("--help").stdout
    assert all(re.search(rf"^ +{name}\b", told, re.M) for name in COMMANDS)


def test_listing_exercises_imports_no_torch() -> None:
    listed = imported_by("from tlcourse.checks import registry; registry.exercises()")
    assert not listed & {"torch", "fastai", "matplotlib"}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main([name, "--help"])
    assert ended.value.code == 0
    assert len(capsys.readouterr().out.split()) > 8


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["--version"])
    assert re.fullmatch(r"tlcourse \d+\.\d+\.\d+\n", capsys.readouterr().out)


@pytest.mark.parametrize("words", [[], ["dance"]])
def test_no_or_unknown_command_ends_with_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(words)
    assert ended.value.code == 2
    assert "usage: tlcourse" in capsys.readouterr().err


def _raising(error: BaseException) -> argparse.ArgumentParser:
    def run(_args: argparse.Namespace) -> int:
        raise error

    parser = argparse.ArgumentParser()
    parser.set_defaults(run=run)
    return parser


def test_a_course_error_is_two_lines_and_status_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli, "build_parser", lambda: _raising(CourseError("It rains.", "Take an umbrella.")))
    assert cli.main([]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err == "tlcourse: It rains.\n          Take an umbrella.\n"


def test_control_c_is_quiet(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(cli, "build_parser", lambda: _raising(KeyboardInterrupt()))
    assert cli.main([]) == 130
    assert "Traceback" not in capsys.readouterr().err


# --- tlcourse learn ---------------------------------------------------------------------------------


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A course of two lessons that a notebook server can open."""
    for name in ("00-start-here", "03-six-steps"):
        folder = tmp_path / "notebooks" / name
        folder.mkdir(parents=True)
        notebook = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
        (folder / f"{name}.ipynb").write_text(json.dumps(notebook))
    return tmp_path


def answer(address: str, token: str, path: str) -> dict:
    """What the running server's API says at `path`."""
    request = urllib.request.Request(f"{address}{path}", headers={"Authorization": f"token {token}"})
    with urllib.request.urlopen(request, timeout=10) as response:
        return json.load(response)


def wait_for_address(log: Path, server: subprocess.Popen) -> tuple[str, str, str]:
    """The address, the page and the token that the server printed."""
    for _ in range(900):
        if found := re.search(r"(http://localhost:\d+)(/lab\S*)\?token=(\w+)", log.read_text()):
            return found[1], found[2], found[3]
        assert server.poll() is None, log.read_text()
        time.sleep(0.1)
    raise AssertionError(f"no address within 90 s: {log.read_text()}")


@pytest.mark.skipif(os.name != "posix", reason="signals as on POSIX")
def test_learn_starts_jupyterlab_on_the_copies(course: Path, tmp_path: Path) -> None:
    pytest.importorskip("jupyterlab")
    log = tmp_path / "log"
    words = ["learn", "3", "--root", str(course), "--no-browser", "--port"]
    with socket.socket() as taken, log.open("w") as out:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        server = subprocess.Popen(
            [sys.executable, "-m", "tlcourse.cli", *words, str(port)],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
        try:
            address, page, token = wait_for_address(log, server)
            assert page == "/lab/tree/03-six-steps/03-six-steps.ipynb"
            assert not address.endswith(f":{port}"), "that port is taken: JupyterLab takes another"
            listed = answer(address, token, "/api/contents/03-six-steps")["content"]
            assert [entry["name"] for entry in listed] == ["03-six-steps.ipynb"]
            assert "python3" in answer(address, token, "/api/kernelspecs")["kernelspecs"]
        finally:
            server.send_signal(signal.SIGTERM)
            assert server.wait(30) is not None
    told = log.read_text()
    assert f"2 new lessons in {course / 'workspace'}" in told
    assert ("--allow-root" in told) == (os.geteuid() == 0)


def test_learn_opens_a_browser_only_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    assert not learn.has_browser()
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    assert learn.has_browser()
    monkeypatch.delenv("WAYLAND_DISPLAY")
    monkeypatch.setattr(sys, "platform", "darwin")
    assert learn.has_browser()


def test_learn_without_jupyterlab_says_how_to_get_it(
    course: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(learn.importlib.util, "find_spec", lambda _name: None)
    assert cli.main(["learn", "--root", str(course)]) == 1
    assert "make learn" in capsys.readouterr().err
    assert not (course / "workspace").exists()


@pytest.mark.parametrize(("words", "said"), [(["77"], "03-six-steps"), (["x"], "no lesson")])
def test_learn_with_an_unknown_lesson(
    course: Path, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["learn", *words, "--root", str(course)]) == 1
    assert said in capsys.readouterr().err


def test_learn_tells_what_changed(
    course: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr(learn, "_become", lambda command: started.append(command) or 0)
    assert cli.main(["learn", "--root", str(course), "--dir", str(course / "mine")]) == 0
    assert f"2 new lessons in {course / 'mine'}" in capsys.readouterr().out
    notebook = course / "notebooks" / "00-start-here" / "00-start-here.ipynb"
    (course / "mine" / "00-start-here" / notebook.name).write_text("my work")
    notebook.write_text(notebook.read_text() + "\n")
    assert cli.main(["learn", "--root", str(course), "--dir", str(course / "mine")]) == 0
    assert "`tlcourse reset 00-start-here`" in capsys.readouterr().out
    assert "--LabApp.default_url=/lab/tree/Welcome.md" in started[-1]
