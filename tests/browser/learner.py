"""A learner for tests: a JupyterLab that `tlcourse learn` started, and a lesson open in a browser."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Locator, Page, expect

ROOT = Path(__file__).resolve().parents[2]
# Seconds. A busy machine takes half a minute for the first import of torch alone.
PATIENCE = 120
_RAN = r"^\[\d+\]:$"
# What JupyterLab shall do besides its defaults: have every cell in the page at once, and ask no questions about news.
_SETTINGS = {
    "notebook-extension/tracker": {"windowingMode": "none"},
    "apputils-extension/notification": {"fetchNews": "false"},
}


@dataclass
class Server:
    """A running `tlcourse learn`, or another JupyterLab, with folders of its own for what it and the course write."""

    process: subprocess.Popen
    folder: Path
    address: str

    @classmethod
    def start(cls, folder: Path) -> Server:
        """Start one and wait until it has printed its address."""
        return cls.launch(folder, ["tlcourse.cli", "learn", f"--root={ROOT}", f"--dir={folder / 'workspace'}"])

    @classmethod
    def launch(cls, folder: Path, program: list[str], place: Path = ROOT) -> Server:
        """Start any program that becomes a JupyterLab and wait until it has printed its address.

        Args:
            folder: for everything that Jupyter and the course write.
            program: a module of this Python and its arguments.
            place: where it is started.
        """
        for name, values in _SETTINGS.items():
            file = folder / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
            file.parent.mkdir(parents=True)
            file.write_text(json.dumps(values), encoding="utf-8")
        command = [sys.executable, "-m", *program, "--no-browser", f"--port={_free_port()}"]
        with (folder / "server.log").open("w") as log:
            process = subprocess.Popen(
                command, cwd=place, env=_environment(folder), stdout=log, stderr=subprocess.STDOUT
            )
        server = cls(process, folder, "")
        try:
            server.address = server._printed_address()
        except BaseException:
            server.stop()
            raise
        return server

    def copy_of_lesson(self, name: str, number: str = "00") -> str:
        """The address of a fresh copy of a lesson, which gets a kernel of its own."""
        (lesson,) = (self.folder / "workspace").glob(f"{number}-*/*.ipynb")
        copy = self.folder / "workspace" / name / lesson.name
        copy.parent.mkdir()
        shutil.copy(ROOT / "notebooks" / lesson.parent.name / lesson.name, copy)
        token = parse_qs(urlsplit(self.address).query)["token"][0]
        # A workspace of JupyterLab's own for each copy: tabs of another test do not come back.
        return f"{self._base}/lab/workspaces/{name}/tree/{name}/{lesson.name}?token={token}"

    def forget(self) -> None:
        """End all kernels, and forget which hints are open and what has passed."""
        for kernel in json.loads(self._ask("GET", "api/kernels")):
            self._ask("DELETE", f"api/kernels/{kernel['id']}")
        shutil.rmtree(self.folder / "state", ignore_errors=True)

    def stop(self) -> None:
        """End the server and, through it, its kernels; a kernel whose server is gone ends by itself."""
        try:
            if self.address and self.process.poll() is None:
                self._ask("POST", "api/shutdown")
                self.process.wait(timeout=30)
        except (OSError, subprocess.TimeoutExpired):
            pass
        finally:
            if self.process.poll() is None:
                self.process.kill()
            self.process.wait()

    @property
    def _base(self) -> str:
        parts = urlsplit(self.address)
        return f"{parts.scheme}://{parts.netloc}"

    def _printed_address(self) -> str:
        log, deadline = self.folder / "server.log", time.monotonic() + PATIENCE
        while time.monotonic() < deadline and self.process.poll() is None:
            if found := re.search(r"http://127\.0\.0\.1:\d+/\S+", log.read_text()):
                return found.group()
            time.sleep(0.2)
        raise RuntimeError(f"The server printed no address:\n{log.read_text()}")

    def _ask(self, method: str, path: str) -> bytes:
        token = parse_qs(urlsplit(self.address).query)["token"][0]
        headers = {"Authorization": f"token {token}"}
        request = urllib.request.Request(f"{self._base}/{path}", method=method, headers=headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.read()


class Lesson:
    """A lesson open in the browser, worked through as a learner does: by clicks and keys."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def open(self, address: str) -> None:
        """Go there and wait until the kernel is ready."""
        self.page.goto(address)
        self.wait_for_kernel()

    def wait_for_kernel(self) -> None:
        """Wait until the kernel is ready."""
        # The circle beside the kernel's name says "idle" before there is a kernel; the bar below waits for one.
        expect(self.page.locator("#jp-main-statusbar")).to_contain_text(re.compile(r"Python 3.*\| Idle"))

    def cell(self, code: str) -> Locator:
        """The first code cell whose input holds `code`."""
        inputs = self.page.locator(".jp-InputArea", has_text=code)
        return self.page.locator(".jp-CodeCell", has=inputs).first

    def write(self, code: str, instead_of: str) -> None:
        """Type `code` in place of all that the cell with `instead_of` holds."""
        self.cell(instead_of).locator(".cm-content").click()
        self.page.keyboard.press("ControlOrMeta+a")
        self.page.keyboard.insert_text(code)

    def run(self, code: str) -> Locator:
        """Run the cell with `code` by Shift+Enter and wait until it has run. Returns the cell."""
        cell = self.cell(code)
        prompt = cell.locator(".jp-InputPrompt")
        before = prompt.inner_text().strip()
        cell.locator(".cm-content").click()
        self.page.keyboard.press("Shift+Enter")
        expect(prompt).not_to_have_text(before)
        expect(prompt).to_have_text(re.compile(_RAN))
        return cell

    def check(self, answer: str | None = None) -> Locator:
        """Run the answer cell and its check. Returns the check's cell.

        Args:
            answer: what the function's body becomes; without it the stub stays.
        """
        self.run("import tlcourse")
        if answer is not None:
            self.write(f"def chance_accuracy(n_classes):\n    {answer}\n", instead_of="def chance_accuracy")
        self.run("def chance_accuracy")
        return self.run("tl.check.chance_accuracy")

    def hint(self) -> Locator:
        """Type what asks for a hint where the lesson speaks of it, and run that. Returns the cell."""
        self.write('tl.hint("chance_accuracy")', instead_of="tl.hint(")
        return self.run("tl.hint(")

    def choose(self, *labels: str) -> None:
        """Click through a menu: `choose("Run", "Run All Cells")`."""
        self.page.locator(".lm-MenuBar-itemLabel", has_text=_exactly(labels[0])).click()
        for label in labels[1:]:
            self.page.locator(".lm-Menu-itemLabel", has_text=_exactly(label)).click()

    def wait_for_all_cells(self) -> None:
        """Wait until every code cell has run: each carries a number."""
        prompts = self.page.locator(".jp-CodeCell .jp-InputPrompt")
        ran = prompts.filter(has_text=re.compile(_RAN))
        expect(ran).to_have_count(prompts.count())


def find_chromium() -> str | None:
    """The program that runs Chromium or Chrome, if there is one."""
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    return next((found for name in names if (found := shutil.which(name))), None)


def _exactly(label: str) -> re.Pattern[str]:
    return re.compile(rf"^{re.escape(label)}…?$")


def _environment(folder: Path) -> dict[str, str]:
    own = {
        "TLCOURSE_STATE": "state",
        "TLCOURSE_CACHE": "cache",
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "layouts",
        "IPYTHONDIR": "ipython",
    }
    # What a program that runs notebooks sets would take the slider away.
    inherited = {k: v for k, v in os.environ.items() if k not in ("TLCOURSE_STATIC", "NBGRADER_EXECUTION")}
    return inherited | {name: str(folder / sub) for name, sub in own.items()}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
