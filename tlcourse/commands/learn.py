"""Open the course in JupyterLab, on your own copies of the lessons."""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tlcourse.errors import CourseError, LessonError, StorageError

if TYPE_CHECKING:
    from tlcourse.authoring.course import Lesson


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("lesson", metavar="LESSON", nargs="?", help="open this lesson: 3, 03 or six-steps")
    parser.add_argument("--no-browser", action="store_true", help="print the address, open nothing")
    parser.add_argument("--port", type=int, metavar="N", help="the port to try first (default: 8888)")
    parser.add_argument("--root", type=Path, metavar="DIR", help="the course's folder (default: found from here)")
    parser.add_argument("--dir", type=Path, metavar="DIR", help="where your copies are (default: workspace/)")


def run(args: argparse.Namespace) -> int:
    from tlcourse import workspace
    from tlcourse.authoring.course import find_root

    _need_jupyterlab()
    root = find_root(args.root)
    lesson = _choose(root, args.lesson)
    folder = args.dir.expanduser().resolve() if args.dir else root / workspace.FOLDER
    _report(workspace.update(root, folder), folder)
    address = _welcome(root, folder) if lesson is None else _address(workspace.notebook(lesson, folder), folder)
    command = lab_command(root, folder, address, args.port, browser=not args.no_browser and has_browser())
    if "--allow-root" in command:
        print("You are root, so JupyterLab is started with --allow-root. An ordinary user is safer.")
    print("Starting JupyterLab. Its address comes next; Control-C twice stops it.", flush=True)
    return _become(command)


def _welcome(root: Path, folder: Path) -> str:
    """The address of the page that lists the lessons, written anew."""
    from tlcourse import welcome, workspace
    from tlcourse.checks import progress

    return _address(welcome.write(workspace.released(root), folder, progress.load()), folder)


def _address(file: Path, folder: Path) -> str:
    return file.relative_to(folder).as_posix()


def lab_command(root: Path, folder: Path, file: str, port: int | None, *, browser: bool) -> list[str]:
    """The command that starts JupyterLab for the course at `root` on `folder`, opening `file`, relative to that."""
    from tlcourse import contents
    from tlcourse.kernels.lab import server_options

    command = [
        sys.executable,
        "-m",
        "jupyterlab",
        f"--ServerApp.root_dir={folder}",
        f"--LabApp.default_url=/lab/tree/{file}",
        # Only warnings and the address: the address is what the learner looks for.
        "--ServerApp.log_level=WARN",
        "--LabApp.log_level=WARN",
        # No request leaves the machine: neither for news nor for updates.
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        *server_options(),
        *contents.server_options(root),
    ]
    if settings := _quiet_settings():
        command.append(f"--LabApp.app_settings_dir={settings}")
    if port is not None:
        command.append(f"--port={port}")
    if not browser:
        command.append("--no-browser")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    return command


def _quiet_settings() -> Path | None:
    """A folder of JupyterLab settings: no question about news covers the lesson, and the welcome page is shown as text.

    None where the machine has settings of its own, which this folder would hide, or where it cannot be written.
    """
    from jupyterlab.commands import get_app_dir

    from tlcourse import storage

    if (Path(get_app_dir()) / "settings" / "overrides.json").exists():
        return None
    folder = storage.cache_dir() / "lab-settings"
    overrides = {
        "@jupyterlab/apputils-extension:notification": {"fetchNews": "false"},
        "@jupyterlab/docmanager-extension:plugin": {"defaultViewers": {"markdown": "Markdown Preview"}},
    }
    try:
        storage.write_text(folder / "overrides.json", json.dumps(overrides))
    except StorageError:
        return None
    return folder


def has_browser() -> bool:
    """Whether a browser can be opened here: on Linux that needs a display, or a program named in $BROWSER."""
    if sys.platform in ("darwin", "win32"):
        return True
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"))


def _need_jupyterlab() -> None:
    if importlib.util.find_spec("jupyterlab") is None:
        raise CourseError(
            "JupyterLab is not installed in this environment.",
            "Run `make learn`, or `python -m pip install -e '.[lab]'`, in the course's folder.",
        )


def _choose(root: Path, query: str | None) -> Lesson | None:
    """The lesson that was asked for; None if none was."""
    from tlcourse.authoring.course import find_lesson
    from tlcourse.workspace import released

    ready = released(root)
    if not ready:
        raise LessonError(f"There is no lesson in {root / 'notebooks'}.", "Run `make build` to make them.")
    if query is None:
        return None
    if (lesson := find_lesson(root, query)) not in ready:
        raise LessonError(f"{lesson.name} is not in {root / 'notebooks'} yet.", "Run `make build` to make it.")
    return lesson


def _report(changes: list, folder: Path) -> None:
    """One line for each change, but one for all files of a first start."""
    from tlcourse.workspace import Kind

    new = [change for change in changes if change.kind is Kind.NEW]
    if new:
        count = len({change.lesson for change in new})
        print(f"{count} new lesson{'s' if count > 1 else ''} in {folder}")
    for change in changes:
        if change.kind is not Kind.NEW:
            print(change)


def _become(command: list[str]) -> int:
    """Run `command` in this process's place, so that it gets every signal itself."""
    if os.name == "posix":
        os.execv(command[0], command)
    try:
        return subprocess.call(command)
    except KeyboardInterrupt:
        return 130
