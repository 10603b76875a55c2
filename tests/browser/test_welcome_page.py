"""What `make learn` opens: the page that lists the lessons, in JupyterLab."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from conftest import ARTEFACTS
from learner import PATIENCE, ROOT, Server
from playwright.sync_api import Browser, Page, expect

from tlcourse.workspace import released


@pytest.fixture
def opened(server: Server, browser: Browser) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    expect.set_options(timeout=PATIENCE * 1000)
    page.goto(server.address)
    yield page
    page.close()


def test_it_lists_the_lessons_and_leads_to_one(opened: Page) -> None:
    shown = opened.locator(".jp-MarkdownViewer")
    expect(shown.get_by_role("heading", name="Learn transfer learning by measuring it")).to_be_visible()
    expect(shown.get_by_role("row")).to_have_count(len(released(ROOT)) + 1)
    expect(shown).to_contain_text("Begin with Start here")
    ARTEFACTS.mkdir(exist_ok=True)
    opened.screenshot(path=ARTEFACTS / "welcome.png")
    shown.get_by_role("table").get_by_role("link", name="Start here").click()
    expect(opened.locator(".jp-NotebookPanel")).to_be_visible()
    expect(opened.locator(".jp-NotebookPanel").get_by_role("heading", name="Start here")).to_be_visible()
