"""The book, as a reader meets it: complete, readable for everybody, and asking nobody for anything."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag

import pytest
from axe_playwright_python.sync_playwright import Axe
from conftest import ARTEFACTS, ROOT
from playwright.sync_api import Browser, Page, expect

from tlcourse.authoring.book import glossary, linked, write_sources
from tlcourse.authoring.course import lessons

LARGEST = 1_000_000  # bytes of a page with its figures
LESSON = "lessons/05-domain-adaptation.html"


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole book, built as `make book` does: a warning is a failure."""
    folder = tmp_path_factory.mktemp("book")
    write_sources(ROOT, folder / "source")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", str(folder / "source"), str(folder / "html")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-3000:]
    return folder / "html"


class Parsed(HTMLParser):
    """Links, anchors and pictures of a page."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.images: list[tuple[str, str]] = []
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.anchors |= {found["id"]} if "id" in found else set()
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        if tag == "img":
            self.images.append((found.get("src", ""), found.get("alt", "")))


@pytest.fixture(scope="module")
def pages(book: Path) -> dict[Path, Parsed]:
    return {page: Parsed(page) for page in sorted(book.rglob("*.html"))}


def test_every_lesson_is_a_page(book: Path) -> None:
    assert {page.stem for page in (book / "lessons").glob("*.html")} == {lesson.name for lesson in lessons(ROOT)}


def test_no_link_inside_the_book_is_broken(pages: dict[Path, Parsed]) -> None:
    broken = []
    for page, parsed in pages.items():
        for link in parsed.links:
            target, anchor = urldefrag(link)
            if re.match(r"[a-z]+:", target):
                continue
            there = (page.parent / unquote(target)).resolve() if target else page
            if not there.exists() or (
                anchor and there.suffix == ".html" and unquote(anchor) not in pages[there].anchors
            ):
                broken.append((page.name, link))
    assert broken == []


def test_every_picture_says_what_it_shows(pages: dict[Path, Parsed]) -> None:
    silent = [(page.name, src) for page, parsed in pages.items() for src, alt in parsed.images if len(alt) < 10]
    assert silent == []


def test_no_page_weighs_more_than_a_megabyte(pages: dict[Path, Parsed]) -> None:
    heavy = {}
    for page, parsed in pages.items():
        figures = {(page.parent / src).resolve() for src, _ in parsed.images}
        weight = page.stat().st_size + sum(path.stat().st_size for path in figures if path.is_file())
        if weight > LARGEST:
            heavy[page.name] = weight
    assert heavy == {}


def test_a_term_leads_to_the_glossary_at_its_first_use_only() -> None:
    unseen = ["learning rate", "label"]
    text = linked("A `label` in code. Labels, and a label.\n\nThe **learning rate** of $label$.", unseen)
    assert text == (
        "A `label` in code. {term}`Labels <label>`, and a label.\n\n"
        "The **{term}`learning rate <learning rate>`** of $label$."
    )
    assert unseen == []


def test_the_glossary_is_in_order_and_says_each_term_once() -> None:
    text = (ROOT / "docs" / "book" / "glossary.md").read_text(encoding="utf-8")
    terms = glossary(ROOT / "docs" / "book" / "glossary.md")
    in_text = [line for line in text.partition("{glossary}")[2].splitlines() if line.strip() in terms]
    assert in_text == sorted(set(in_text), key=lambda term: (term.lower(), term))


@pytest.fixture(params=["wide light", "phone dark"])
def opened(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    width, scheme = request.param.split()
    shown = browser.new_page(
        viewport={"width": {"wide": 1280, "phone": 360}[width], "height": 900}, color_scheme=scheme
    )
    asked: list[str] = []
    shown.on("request", lambda request: asked.append(request.url) if not request.url.startswith("file:") else None)
    yield shown
    ARTEFACTS.mkdir(exist_ok=True)
    shown.screenshot(path=ARTEFACTS / f"book-{request.param.replace(' ', '-')}.png")
    shown.close()
    assert asked == [], "the book asks no other host for anything"


@pytest.mark.parametrize("place", ["index.html", LESSON, "glossary.html", "results.html", "reference/worlds.html"])
def test_no_serious_fault_of_accessibility(opened: Page, book: Path, place: str) -> None:
    opened.goto((book / place).as_uri())
    found = Axe().run(opened).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] in ("serious", "critical")] == []
    assert opened.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_an_answer_opens_when_it_is_asked_for(opened: Page, book: Path) -> None:
    opened.goto((book / LESSON).as_uri())
    answer = opened.locator("details", has_text="def coral_loss").first
    expect(answer.locator("pre").first).to_be_hidden()
    answer.locator("summary").first.press("Enter")
    expect(answer.locator("pre").first).to_be_visible()


def test_search_finds_a_lesson(browser: Browser, book: Path) -> None:
    page = browser.new_page()
    page.goto((book / "search.html").as_uri() + "?q=adversary")
    expect(page.locator("#search-results")).to_contain_text("05 Domain adaptation", timeout=20_000)
    page.close()
