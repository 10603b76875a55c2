"""An instructor's report in a browser: readable for everybody, and asking nothing of anybody else."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from conftest import ARTEFACTS
from playwright.sync_api import Browser, Page

from tlcourse.checks.exercise import Finding
from tlcourse.grading.desk import learners, page
from tlcourse.grading.desk.attempts import Attempts
from tlcourse.grading.desk.classes import ClassReport, LessonReport
from tlcourse.grading.desk.figures import exercise_figures
from tlcourse.grading.results import LessonResults, Score
from tlcourse.grading.verdicts import Verdict

LEARNERS = [f"learner {number}" for number in range(1, 31)]
LEFT_TRAINING = Finding("bn-trains", False, "`body.bn1` still updates its running mean.")


def score(number: int, most: float) -> Score:
    """A third right, a third half right, a third wrong."""
    findings = () if number % 3 == 0 else (LEFT_TRAINING,)
    verdict = (Verdict.RIGHT, Verdict.PARTIAL, Verdict.WRONG)[number % 3]
    return Score(most * (1, 0.5, 0)[number % 3], most, verdict, findings=findings)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    most = {"freeze_body": 2.0, "replace_head": 3.0, "why_it_works": 3.0}
    scores = {
        name: {exercise: score(number + step, most[exercise]) for step, exercise in enumerate(most)}
        for number, name in enumerate(LEARNERS)
    }
    scores["learner 2"]["why_it_works"] = Score(0, 3, Verdict.HAND, needs_hand=True)
    lesson = LessonResults("03-six-steps", most, scores)
    tries = {name: {"freeze_body": Attempts(2, 1, 7)} for name in LEARNERS[:9]}
    figures = tuple(exercise_figures(lesson, exercise, tries) for exercise in most)
    report = ClassReport(
        "autumn", datetime(2026, 1, 2, tzinfo=UTC), (LessonReport(lesson, figures, 4),), tuple(LEARNERS), False
    )
    path = tmp_path_factory.mktemp("report") / "class.html"
    page.write_html(path, report)
    learners.write(path.parent / "pages", report)
    return path


@pytest.fixture(params=["wide light", "wide dark", "phone light", "phone dark"])
def opened(request: pytest.FixtureRequest, browser: Browser, written: Path):
    width, scheme = request.param.split()
    shown = browser.new_page(
        viewport={"width": {"wide": 1280, "phone": 360}[width], "height": 900}, color_scheme=scheme
    )
    said: list[str] = []
    shown.on("console", lambda message: said.append(message.text))
    shown.on("request", lambda asked: said.append(asked.url) if not asked.url.startswith("file:") else None)
    shown.goto(written.as_uri())
    yield shown
    ARTEFACTS.mkdir(exist_ok=True)
    shown.screenshot(path=ARTEFACTS / f"report-{request.param.replace(' ', '-')}.png")
    shown.close()
    assert said == [], "nothing is asked of anybody, and nothing is refused"


def test_no_serious_fault_of_accessibility(opened: Page) -> None:
    found = Axe().run(opened).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] in ("serious", "critical")] == []


def test_the_page_is_never_wider_than_the_window(opened: Page) -> None:
    assert opened.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_from_a_learner_to_what_went_wrong_by_keyboard(opened: Page) -> None:
    opened.get_by_role("link", name="bn-trains").first.press("Enter")
    assert "still updates its running mean" in opened.locator(":target").inner_text()
    assert opened.locator(":target").is_visible()


@pytest.mark.parametrize("width, scheme", [(1280, "light"), (360, "dark")])
def test_a_learner_s_own_page_reads_well(browser: Browser, written: Path, width: int, scheme: str) -> None:
    shown = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    shown.goto((written.parent / "pages" / "learner 2.html").as_uri())
    found = Axe().run(shown).response["violations"]
    assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []
    assert shown.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert "still updates its running mean" in shown.locator("main").inner_text()
    ARTEFACTS.mkdir(exist_ok=True)
    shown.screenshot(path=ARTEFACTS / f"report-learner-{scheme}.png")
    shown.close()
