"""A visitor at the app, in a real browser: mouse, keys, finger, files; light, dark and on a phone."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from collections.abc import Iterator

import contrast
import pytest
from learner import PATIENCE, ROOT
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, expect

pytest.importorskip("onnxruntime", reason="the extra `ship` is not installed")
ARTEFACTS = ROOT / "test-artefacts"


@pytest.fixture(scope="module")
def address(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A running `tlcourse serve` with the demonstration model, made of few images."""
    from tlcourse.app.demo import demo_model

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TLCOURSE_CACHE", str(tmp_path_factory.mktemp("cache")))
        model = demo_model(per_class=12)
    command = [sys.executable, "-m", "tlcourse.cli", "serve", str(model), "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield next(line for line in process.stdout if line.startswith("http://")).split()[0]
    finally:
        process.terminate()
        process.wait(timeout=30)


class Visit:
    """A page of the app, and everything that it asked for or complained about."""

    def __init__(self, context: BrowserContext, address: str) -> None:
        self.page: Page = context.new_page()
        self.page.set_default_timeout(PATIENCE * 1000)
        expect.set_options(timeout=PATIENCE * 1000)
        self.asked: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto(address)

    def draw_envelope(self) -> None:
        """A rectangle and a flap, with the mouse."""
        self.page.locator("#paper").scroll_into_view_if_needed()
        box = self.page.locator("#paper").bounding_box()
        assert box is not None

        def at(across: float, down: float) -> tuple[float, float]:
            return box["x"] + across * box["width"], box["y"] + down * box["height"]

        for stroke in (
            [(0.14, 0.3), (0.86, 0.3), (0.86, 0.74), (0.14, 0.74), (0.14, 0.3)],
            [(0.14, 0.3), (0.5, 0.56), (0.86, 0.3)],
        ):
            self.page.mouse.move(*at(*stroke[0]))
            self.page.mouse.down()
            for point in stroke[1:]:
                self.page.mouse.move(*at(*point), steps=6)
            self.page.mouse.up()

    def ask(self) -> None:
        self.page.get_by_role("button", name="Ask the model").click()

    def verdict(self) -> str:
        shown = self.page.locator("#verdict")
        expect(shown).to_contain_text("%")
        return shown.inner_text()

    def keep(self, name: str) -> None:
        ARTEFACTS.mkdir(exist_ok=True)
        self.page.screenshot(path=ARTEFACTS / f"app-{name}.png", full_page=True)


@pytest.fixture
def visit(browser: Browser, address: str) -> Iterator[Visit]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield Visit(context, address)
    context.close()


def picture(kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (120, 90), "teal").save(file, kind)
    return file.getvalue()


def upload(visit: Visit, name: str, data: bytes) -> None:
    visit.page.get_by_label(re.compile("upload a picture")).set_input_files(
        {"name": name, "mimeType": "image/png", "buffer": data}
    )


def test_a_drawn_envelope_is_recognised_and_explained(visit: Visit) -> None:
    visit.draw_envelope()
    visit.ask()
    assert "envelope" in visit.verdict()
    expect(visit.page.locator("#classes li")).to_have_count(5)
    expect(visit.page.locator("#classes meter").first).to_have_attribute("aria-label", re.compile(r"envelope: \d+ %"))
    looked = visit.page.get_by_role("img", name=re.compile("speaks for envelope: mostly in the"))
    expect(looked).to_be_visible()
    visit.keep("light")


def test_it_asks_nobody_else_and_breaks_no_rule_of_its_own(visit: Visit, address: str) -> None:
    visit.draw_envelope()
    visit.ask()
    visit.verdict()
    assert all(url.startswith((address, "data:")) for url in visit.asked), visit.asked
    assert visit.complaints == []  # a breach of the content security policy would be reported here


def test_an_upload_is_answered(visit: Visit) -> None:
    upload(visit, "teal.jpg", picture("JPEG"))
    visit.verdict()
    expect(visit.page.locator("#seen")).to_be_visible()


def test_a_bad_upload_is_refused_in_words_and_the_next_one_answered(visit: Visit) -> None:
    upload(visit, "notes.png", b"these are notes")
    refusal = visit.page.get_by_role("alert")
    expect(refusal).to_contain_text("not a picture")
    expect(visit.page.locator("#classes li")).to_have_count(0)
    visit.keep("refused")
    upload(visit, "teal.png", picture())
    visit.verdict()
    expect(refusal).to_be_hidden()


def test_an_empty_sheet_is_not_sent(visit: Visit) -> None:
    visit.ask()
    expect(visit.page.get_by_role("alert")).to_contain_text("Draw something first")
    assert not any(url.endswith("/answer") for url in visit.asked)


def test_clear_takes_drawing_and_answer_away(visit: Visit) -> None:
    visit.draw_envelope()
    visit.ask()
    visit.verdict()
    visit.page.get_by_role("button", name="Clear").click()
    expect(visit.page.locator("#classes li")).to_have_count(0)
    expect(visit.page.get_by_role("application", name="Drawing area, empty")).to_be_focused()


def test_it_can_be_used_by_keyboard_alone(visit: Visit) -> None:
    visit.page.keyboard.press("Tab")
    expect(visit.page.locator("#paper")).to_be_focused()
    visit.page.keyboard.press("Space")
    for key in ("ArrowRight", "ArrowDown", "ArrowLeft", "ArrowUp"):
        for _ in range(6):
            visit.page.keyboard.press(key)
    visit.page.keyboard.press("Enter")
    visit.verdict()
    visit.page.keyboard.press("Tab")
    expect(visit.page.get_by_role("button", name="Ask the model")).to_be_focused()


def test_a_finger_draws_on_a_phone_and_nothing_is_cut_off(browser: Browser, address: str) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    visit = Visit(context, address)
    paper = visit.page.locator("#paper")
    paper.tap()
    expect(visit.page.get_by_role("application", name="Drawing area with a drawing")).to_be_visible()
    assert (
        visit.page.evaluate("document.getElementById('paper').getContext('2d').getImageData(168, 168, 1, 1).data[0]")
        < 50
    )
    visit.page.get_by_role("button", name="Ask the model").tap()
    visit.verdict()
    width = visit.page.evaluate("document.documentElement.scrollWidth")
    assert width <= 360
    for button in visit.page.get_by_role("button").all():
        box = button.bounding_box()
        assert box is not None and box["height"] >= 44
    visit.keep("phone")
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_can_be_read_in_both_looks(browser: Browser, address: str, scheme: str) -> None:
    context = browser.new_context(viewport={"width": 1000, "height": 800}, color_scheme=scheme)  # type: ignore[arg-type]
    visit = Visit(context, address)
    visit.draw_envelope()
    visit.ask()
    visit.verdict()
    visit.page.locator("summary").click()
    for selector in (
        "h1",
        "header p",
        "h2",
        ".help",
        "button",
        "label",
        "#verdict",
        "#classes span",
        "figcaption",
        "#known li",
        "dt",
        "dd",
    ):
        for element in visit.page.locator(selector).all():
            assert contrast.of_text(element) >= 4.5, (scheme, selector)
    visit.keep(scheme)
    upload(visit, "notes.png", b"notes")
    expect(visit.page.get_by_role("alert")).to_be_visible()
    assert contrast.of_text(visit.page.get_by_role("alert")) >= 4.5
    context.close()


def test_a_stopped_app_is_told_and_not_a_hanging_page(visit: Visit) -> None:
    visit.page.route("**/answer", lambda route: route.abort())
    visit.draw_envelope()
    visit.ask()
    expect(visit.page.get_by_role("alert")).to_contain_text("cannot be reached")


def test_a_full_app_says_when_to_come_again(visit: Visit) -> None:
    said = {"problem": "full", "message": "Many people are asking.", "cure": "Please try again in 2 seconds."}
    visit.page.route("**/answer", lambda route: route.fulfill(status=503, json=said))
    visit.draw_envelope()
    visit.ask()
    expect(visit.page.get_by_role("alert")).to_contain_text("try again in 2 seconds")
