"""What `make learn` opens: the page that lists the lessons, in JupyterLab; and the way from there by keyboard alone."""

from __future__ import annotations

import re
from collections.abc import Iterator

import contrast
import pytest
from conftest import ARTEFACTS
from learner import PATIENCE, ROOT, Server
from playwright.sync_api import Browser, Locator, Page, expect

from tlcourse.workspace import released


@pytest.fixture
def opened(server: Server, browser: Browser) -> Iterator[Page]:
    """The page as a learner finds it who has just started."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(PATIENCE * 1000)
    expect.set_options(timeout=PATIENCE * 1000)
    page.goto(f"{server.address}&reset")  # no tabs of another test come back
    yield page
    page.close()
    server.forget()


def welcome(page: Page) -> Locator:
    return page.locator(".jp-MarkdownViewer")


def active(page: Page) -> Locator:
    """The cell that the next key acts on."""
    return page.locator(".jp-Notebook-cell.jp-mod-active")


def test_it_lists_the_lessons_and_leads_to_one(opened: Page) -> None:
    shown = welcome(opened)
    expect(shown.get_by_role("heading", name="Learn transfer learning by measuring it")).to_be_visible()
    expect(shown.get_by_role("row")).to_have_count(len(released(ROOT)) + 1)
    expect(shown).to_contain_text("Begin with Start here")
    ARTEFACTS.mkdir(exist_ok=True)
    opened.screenshot(path=ARTEFACTS / "welcome.png")
    shown.get_by_role("table").get_by_role("link", name="Start here").click()
    expect(opened.locator(".jp-NotebookPanel")).to_be_visible()
    expect(opened.locator(".jp-NotebookPanel").get_by_role("heading", name="Start here")).to_be_visible()


def test_from_the_page_to_a_passed_check_by_keyboard_and_back(opened: Page) -> None:
    keys = opened.keyboard
    expect(welcome(opened).get_by_role("row", name="Start here")).to_contain_text("0 of 1")
    tab_to(opened, welcome(opened).get_by_role("link", name="Start here").first)
    picture(opened, "keyboard-welcome")
    keys.press("Enter")
    expect(opened.locator("#jp-main-statusbar")).to_contain_text(re.compile(r"Python 3.*\| Idle"))
    expect(active(opened)).to_be_focused()

    run_down_to(opened, "explore_styles")
    keys.press("Control+Enter")  # runs the cell and stays on it
    slider = active(opened).get_by_role("slider")
    expect(slider).to_be_visible()
    tab_to(opened, slider)
    picture(opened, "keyboard-slider")
    keys.press("ArrowRight")
    expect(active(opened).locator(".widget-readout")).to_have_text("5%")
    tab_to(opened, active(opened), key="Shift+Tab")

    run_down_to(opened, "def chance_accuracy")
    keys.press("Enter")
    keys.press("ControlOrMeta+a")
    keys.type("def chance_accuracy(n_classes):\nreturn 1 / n_classes")  # the editor indents
    keys.press("Shift+Enter")
    expect(active(opened)).to_contain_text("tl.check.chance_accuracy")
    expect(active(opened)).to_be_focused()
    keys.press("Control+Enter")
    expect(active(opened).get_by_role("status")).to_contain_text("passed")
    picture(opened, "keyboard-passed")

    keys.press("ControlOrMeta+s")
    expect(opened.locator(".lm-TabBar-tab.jp-mod-dirty")).to_have_count(0)
    keys.press("Control+Shift+BracketLeft")  # the tab on the left
    expect(welcome(opened)).to_be_visible()
    opened.reload()
    expect(welcome(opened).get_by_role("row", name="Start here")).to_contain_text("✓ 1 of 1")


def tab_to(page: Page, wanted: Locator, key: str = "Tab") -> None:
    """Press the key until the focus is there, and see that it shows."""
    for _ in range(30):
        if wanted.evaluate("element => element === document.activeElement"):
            break
        page.keyboard.press(key)
    expect(wanted).to_be_focused()
    assert contrast.of_focus(wanted) >= 3


def run_down_to(page: Page, code: str) -> None:
    """Press Shift+Enter until the cell with the code is the next."""
    for _ in range(40):
        if code in active(page).inner_text():
            return
        page.keyboard.press("Shift+Enter")
    raise AssertionError(f"no cell with {code!r}")


def picture(page: Page, name: str) -> None:
    ARTEFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTEFACTS / f"{name}.png")
