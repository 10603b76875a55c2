"""One JupyterLab and one browser for the tests of this folder, a fresh lesson for each test."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from learner import PATIENCE, ROOT, Lesson, Server, find_chromium
from playwright.sync_api import Browser, expect, sync_playwright

ARTEFACTS = ROOT / "test-artefacts"
# Quiet, and no request of the browser's own; no sandbox, since continuous integration often runs as root.
_OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = find_chromium()
    if program is None:
        pytest.skip("no Chromium or Chrome on the PATH (Debian: sudo apt install chromium)")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=program, args=["--headless=new", *_OPTIONS])
        yield running
        running.close()


@pytest.fixture(scope="module")
def server(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server.start(tmp_path_factory.mktemp("learn"))
    yield running
    running.stop()


@pytest.fixture
def lesson(server: Server, browser: Browser, request: pytest.FixtureRequest) -> Iterator[Lesson]:
    """A fresh copy of lesson 00, or of the one that the test names by its parameter, open in the browser.

    A picture of how the test left it goes to test-artefacts/.
    """
    name = re.sub(r"\W+", "-", request.node.name).strip("-")
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(PATIENCE * 1000)
    expect.set_options(timeout=PATIENCE * 1000)
    try:
        opened = Lesson(page)
        opened.open(server.copy_of_lesson(name, getattr(request, "param", "00")))
        yield opened
    finally:
        ARTEFACTS.mkdir(exist_ok=True)
        page.screenshot(path=ARTEFACTS / f"{name}.png")
        page.close()
        server.forget()
