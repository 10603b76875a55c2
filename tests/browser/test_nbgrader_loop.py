"""nbgrader's whole loop in a real browser: an instructor and a learner, each in a JupyterLab of their own."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import contrast
import nbformat
import pytest
from conftest import ARTEFACTS
from desk import Assignments, CreateAssignment, Formgrader, save, start, validating
from learner import PATIENCE, ROOT, Lesson, Server
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import Browser, FrameLocator, Page, expect

from tlcourse.authoring import build, course
from tlcourse.checks import registry
from tlcourse.cli import main
from tlcourse.grading.desk import classes

NAME = "01-two-curves"
# A check of the course that gives part of its points, an instructor's own hidden test, and a question for a person.
SOURCE = """\
# %% [markdown]
# # Two curves

# %%
import numpy as np

import tlcourse as tl

# %% [markdown] task="curve_benefits"
# Read `start`, `slope` and `asymptote` off the two curves.

# %% exercise="curve_benefits"
def curve_benefits(steps, transfer, scratch):
    ### BEGIN SOLUTION
    gap = transfer - scratch
    slope = (gap[2] - gap[0]) / (steps[2] - steps[0])
    return {"start": gap[0], "slope": slope, "asymptote": gap[-3:].mean()}
    ### END SOLUTION

# %% check="curve_benefits"
tl.check.curve_benefits(curve_benefits)

# %% [markdown] task="halve"
# Write `halve`.

# %% exercise="halve"
def halve(x):
    ### BEGIN SOLUTION
    return x / 2
    ### END SOLUTION

# %% check="halve"
assert halve(4) == 2
### BEGIN HIDDEN TESTS
assert halve(-62830) == -31415, "no negative numbers?"
### END HIDDEN TESTS

# %% [markdown] written="why" points=2
# Which of the three numbers would you pay for?
#
# ### BEGIN SOLUTION
# The asymptote.
# ### END SOLUTION
"""


# What an instructor types for an assignment without a check of the course.
OWN = (
    "### BEGIN SOLUTION\ndef quarter(x):\n    return x / 4\n### END SOLUTION",
    "assert quarter(8) == 2\n### BEGIN HIDDEN TESTS\nassert quarter(-4) == -1\n### END HIDDEN TESTS",
    "# Draw it.",
)
PYTHON = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}


@contextmanager
def exercises_of_the_lesson() -> Iterator[None]:
    """Inside, the lesson's exercises are all that there are; nothing judges `halve` but its own test cell."""
    known = registry.exercises()["curve_benefits"]
    own = replace(known, id="halve", title="Half of it", points=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "exercises", lambda: {known.id: known, own.id: own})
        yield


@pytest.fixture(scope="module")
def place(sandboxed: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a class, `autumn`, and nbgrader's exchange."""
    folder = tmp_path_factory.mktemp("loop")
    source = folder / "course" / "solutions" / NAME / f"{NAME}.py"
    source.parent.mkdir(parents=True)
    source.write_text(SOURCE)
    (folder / "course" / "nbgrader_config.py").write_bytes((ROOT / "nbgrader_config.py").read_bytes())
    with exercises_of_the_lesson():
        build.build(course.lessons(folder / "course"), report=lambda line: None)
        assert main(["classroom", str(folder / "autumn"), "--root", str(folder / "course")]) == 0
    (folder / "exchange").mkdir()
    (folder / "ada").mkdir()
    return folder


@pytest.fixture(scope="module")
def servers(place: Path) -> Iterator[dict[str, Server]]:
    """A JupyterLab in the class's folder, and one in Ada's."""
    with ThreadPoolExecutor() as pool:
        starting = {
            name: pool.submit(start, place / f"{name}-jupyter", place / name, place / "exchange", learner)
            for name, learner in (("autumn", ""), ("ada", "ada"))
        }
    running = {name: one.result() for name, one in starting.items()}
    yield running
    for server in running.values():
        server.stop()


@contextmanager
def opened(browser: Browser, server: Server) -> Iterator[Page]:
    """A page with a JupyterLab."""
    # Cookies of one address are shared by its ports.
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(PATIENCE * 1000)
    expect.set_options(timeout=PATIENCE * 1000)
    page = context.new_page()
    page.goto(server.address)
    yield page
    context.close()


def keep(page: Page, step: str) -> None:
    """Keep a picture."""
    ARTEFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTEFACTS / f"nbgrader-{step}.png")


@pytest.fixture(scope="module")
def formgrader(browser: Browser, servers: dict[str, Server]) -> Iterator[Formgrader]:
    with opened(browser, servers["autumn"]) as page:
        pages = Formgrader(page)
        pages.open()
        yield pages
        keep(page, "instructor-at-the-end")


@pytest.fixture(scope="module")
def assignments(browser: Browser, servers: dict[str, Server]) -> Iterator[Assignments]:
    with opened(browser, servers["ada"]) as page:
        pages = Assignments(page)
        pages.open()
        yield pages
        keep(page, "learner-at-the-end")


# The steps of the loop, each once and after those before it. What was seen on the way is what the tests look at.


@pytest.fixture(scope="module")
def released(formgrader: Formgrader) -> list[str]:
    """The instructor's: what the dialogs of "Generate" and "Release" say."""
    return [formgrader.press(NAME, "assign"), formgrader.press(NAME, "release")]


@pytest.fixture(scope="module")
def fetched(assignments: Assignments, released: list[str]) -> Lesson:
    """The learner's: the lesson, fetched and open."""
    assignments.show()
    assignments.press("released", "Fetch")
    return assignments.notebook(NAME)


@pytest.fixture(scope="module")
def validated(fetched: Lesson) -> list[str]:
    """What "Validate" says of a lesson without answers, and of one with mistakes."""
    with validating(fetched.page) as dialog:
        untouched = dialog.inner_text()
    fetched.write(curve_benefits("-gap[0]"), instead_of="def curve_benefits")
    fetched.write("def halve(x):\n    return abs(x) / 2\n", instead_of="def halve")
    answer(fetched, "The start, since it is free.")
    with validating(fetched.page) as dialog:
        keep(fetched.page, "validate")
        return [untouched, dialog.inner_text()]


@pytest.fixture(scope="module")
def collected(formgrader: Formgrader, assignments: Assignments, fetched: Lesson, validated: list[str]) -> str:
    """What "Collect" says, after the learner has handed in."""
    hand_in(assignments, fetched, submissions=1)
    return formgrader.press(NAME, "collect")


@pytest.fixture(scope="module")
def graded(formgrader: Formgrader, collected: str) -> str:
    """Ada's row after "Autograde"."""
    formgrader.submissions(NAME)
    formgrader.press("ada", "autograde")
    expect(formgrader.row("ada")).to_contain_text("needs manual grading")
    return formgrader.row("ada").inner_text()


@pytest.fixture(scope="module")
def graded_by_hand(formgrader: Formgrader, graded: str) -> str:
    """Ada's row after a person has given her written answer points."""
    formgrader.grade_by_hand(NAME, "written-why", "1.5", "Free? It took a **source**.")
    keep(formgrader.page, "graded-by-hand")
    formgrader.follow("Manual Grading")
    formgrader.submissions(NAME)
    expect(formgrader.row("ada")).to_contain_text("graded")
    return formgrader.row("ada").inner_text()


@pytest.fixture(scope="module")
def feedback(formgrader: Formgrader, assignments: Assignments, graded_by_hand: str) -> tuple[str, float]:
    """The page that came back to the learner as she reads it, and the contrast of a wrong finding's sign."""
    page = sent_back(formgrader, assignments)
    wrong = page.get_by_role("img", name="not right yet").last
    wrong.scroll_into_view_if_needed()
    keep(assignments.page, "feedback")
    return page.locator("body").inner_text(), contrast.of_text(wrong)


@pytest.fixture(scope="module")
def again(formgrader: Formgrader, assignments: Assignments, fetched: Lesson, feedback: object) -> list[str]:
    """A second submission with the mistakes mended: Ada's row, and the page that came back."""
    fetched.page.get_by_role("tab", name=f"{NAME}.ipynb").click()
    fetched.write(curve_benefits("gap[0]"), instead_of="def curve_benefits")
    fetched.write("def halve(x):\n    return x / 2\n", instead_of="def halve")
    hand_in(assignments, fetched, submissions=2)
    formgrader.lessons()
    formgrader.press(NAME, "collect")
    formgrader.submissions(NAME)
    formgrader.press("ada", "autograde")
    expect(formgrader.row("ada")).to_contain_text("5.5 / 6")
    return [formgrader.row("ada").inner_text(), sent_back(formgrader, assignments).locator("body").inner_text()]


def curve_benefits(start: str) -> str:
    return f"""\
def curve_benefits(steps, transfer, scratch):
    gap = transfer - scratch
    slope = (gap[2] - gap[0]) / (steps[2] - steps[0])
    return {{"start": {start}, "slope": slope, "asymptote": gap[-3:].mean()}}
"""


def answer(lesson: Lesson, text: str) -> None:
    """Add a written answer to its question."""
    cell = lesson.page.locator(".jp-MarkdownCell", has_text="Which of the three numbers")
    cell.dblclick()
    cell.locator(".cm-content").click()
    lesson.page.keyboard.press("ControlOrMeta+End")
    lesson.page.keyboard.insert_text(f"\n\n{text}")
    lesson.page.keyboard.press("Shift+Enter")


def hand_in(assignments: Assignments, lesson: Lesson, submissions: int) -> None:
    """Save the lesson and submit it; so many submissions are listed afterwards."""
    save(lesson.page)
    assignments.show()
    assignments.press("fetched", "Submit")
    expect(assignments.part("submitted").locator(".nested_list_item")).to_have_count(submissions)


def sent_back(formgrader: Formgrader, assignments: Assignments) -> FrameLocator:
    """Generate, release and fetch feedback; its page."""
    formgrader.press("ada", "generate-feedback")
    formgrader.press("ada", "release-feedback")
    assignments.show()
    expect(assignments.part("submitted")).to_contain_text("feedback available to fetch")
    assignments.press("submitted", "Fetch Feedback")
    expect(assignments.part("submitted")).not_to_contain_text("feedback available to fetch")
    expect(assignments.part("submitted")).to_contain_text("view feedback")
    page = assignments.feedback()
    expect(page.locator("h4").first).to_contain_text("Score")
    return page


def test_formgrader_finds_the_class_and_the_exchange(formgrader: Formgrader) -> None:
    expect(formgrader.row(NAME)).to_be_visible()
    expect(formgrader.frame.locator(".alert:visible")).to_have_count(0)


def test_an_instructor_releases_a_lesson(place: Path, formgrader: Formgrader, released: list[str]) -> None:
    assert all("Success" in said for said in released), released
    out = (place / "exchange" / "autumn" / "outbound" / NAME / f"{NAME}.ipynb").read_text()
    assert "YOUR CODE HERE" in out
    assert all(kept not in out for kept in ("gap[0]", "-31415", "The asymptote."))


def test_validate_says_what_a_learner_can_mend(validated: list[str]) -> None:
    untouched, mistaken = validated
    assert "curve_benefits: 0 of 3 points. " in untouched
    assert "curve_benefits: 2 of 3 points. start has the wrong sign" in mistaken
    assert "halve" not in mistaken, "what is wrong there only a hidden test finds"


def test_what_was_submitted_is_collected(place: Path, formgrader: Formgrader, collected: str) -> None:
    assert "Successfully collected" in collected
    handed_in = place / "autumn" / "submitted" / "ada" / NAME / f"{NAME}.ipynb"
    assert "since it is free" in handed_in.read_text()


def test_the_button_grades_with_the_courses_engine(place: Path, graded: str) -> None:
    assert "2 / 6" in graded
    report = classes.read(place / "autumn")
    (lesson,) = report.lessons
    scores = lesson.scores.scores["ada"]
    assert [finding.code for finding in scores["curve_benefits"].findings] == ["start-swapped"]
    assert [scores[name].earned for name in ("curve_benefits", "halve", "why")] == [2, 0, 0]
    assert scores["why"].needs_hand


def test_points_by_hand_are_added(graded_by_hand: str) -> None:
    assert "graded" in graded_by_hand and "needs" not in graded_by_hand
    assert "3.5 / 6" in graded_by_hand


def test_feedback_tells_a_learner_what_was_found_and_no_secret(place: Path, feedback: tuple[str, float]) -> None:
    text, sign = feedback
    assert "Score: 3.5 / 6.0" in text
    assert "start has the wrong sign: you subtract transfer from scratch." in text
    assert sign >= 4.5
    assert "Free? It took a source." in text
    assert "A hidden test did not pass." in text
    (page,) = (place / "ada" / NAME / "feedback").glob("*/*.html")
    assert all(kept not in page.read_text() for kept in ("31415", "HIDDEN", "The asymptote.", "seed"))


def test_a_second_submission_raises_the_score(again: list[str]) -> None:
    row, page = again
    assert "needs manual grading" in row, "a person is to look at the points given to the first submission"
    assert "Score: 5.5 / 6.0" in page
    assert "wrong sign" not in page


def test_the_report_tells_of_what_was_graded_last(place: Path, again: list[str]) -> None:
    (lesson,) = classes.read(place / "autumn").lessons
    assert lesson.scores.total("ada") == 5.5
    assert all(not score.findings for score in lesson.scores.scores["ada"].values())


def test_a_submission_that_was_cut_off_is_graded_as_far_as_it_goes(place: Path, formgrader: Formgrader) -> None:
    whole = (place / "autumn" / "notebooks" / NAME / f"{NAME}.ipynb").read_text()
    cut_off = place / "autumn" / "submitted" / "bob" / NAME / f"{NAME}.ipynb"
    cut_off.parent.mkdir(parents=True)
    cut_off.write_text(whole[: whole.index("Which of the three numbers")])
    formgrader.submissions(NAME)
    said = formgrader.press("bob", "autograde")
    assert "Successfully autograded" in said
    assert "The file is damaged or was cut off" in said
    expect(formgrader.row("bob")).to_contain_text("0 / 6")


def test_an_instructor_makes_an_assignment_by_hand(place: Path, formgrader: Formgrader) -> None:
    formgrader.lessons()
    formgrader.add("our-own")
    notebook = place / "autumn" / "solutions" / "our-own" / "our-own.ipynb"
    assert notebook.parent.is_dir()
    nbformat.write(new_notebook(cells=[new_code_cell(text) for text in OWN], metadata=PYTHON), notebook)
    formgrader.row("our-own").get_by_role("link", name="our-own").click()
    sidebar = CreateAssignment(formgrader.page)
    sidebar.open(notebook.name)
    sidebar.mark(0, "Autograded answer", "answer")
    sidebar.mark(1, "Autograded tests", "test", points=2)
    sidebar.mark(2, "Manually graded answer", "opinion", points=3)
    expect(sidebar.total).to_have_value("5")
    keep(formgrader.page, "create-assignment")
    save(formgrader.page)
    formgrader.page.get_by_role("tab", name="Formgrader").click()
    assert "Successfully created" in formgrader.press("our-own", "assign")
    out = (place / "autumn" / "notebooks" / "our-own" / "our-own.ipynb").read_text()
    assert "YOUR CODE HERE" in out and "quarter(8)" in out
    assert "x / 4" not in out and "quarter(-4)" not in out


def test_the_course_list_leads_to_formgrader(formgrader: Formgrader) -> None:
    Lesson(formgrader.page).choose("Nbgrader", "Course List")
    expect(formgrader.page.locator("#formgrader_list").get_by_role("link", name="autumn")).to_be_visible()
