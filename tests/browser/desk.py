"""nbgrader's pages in JupyterLab for tests: an instructor's formgrader and a learner's list of assignments."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from learner import Lesson, Server
from playwright.sync_api import FrameLocator, Locator, Page, expect

# What stands in everybody's `nbgrader_config.py`, besides the class's own; the learner's name is their account's.
_CONFIG = """\
c = get_config()
c.Exchange.root = {exchange!r}
"""
_NAMED = """\
c.CourseDirectory.student_id = {name!r}
"""


def start(folder: Path, place: Path, exchange: Path, name: str = "") -> Server:
    """Start `jupyter lab` in a folder, as a person with an account of their own would.

    Args:
        folder: for everything that Jupyter writes.
        place: the class, or a learner's folder.
        exchange: nbgrader's folder between the two.
        name: a learner's; tests run in one account, by which nbgrader would call everybody.
    """
    config = folder / "config" / "nbgrader_config.py"
    config.parent.mkdir(parents=True)
    lines = _CONFIG.format(exchange=str(exchange)) + (_NAMED.format(name=name) if name else "")
    config.write_text(lines, encoding="utf-8")
    as_root = ["--allow-root"] if os.geteuid() == 0 else []
    return Server.launch(folder, ["jupyterlab", *as_root], place)


class Formgrader:
    """nbgrader's pages for instructors, in a tab of JupyterLab."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.frame = page.frame_locator("#formgrader-iframe iframe")

    def open(self) -> None:
        """Choose it from the menu, and wait for the class's lessons."""
        Lesson(self.page).choose("Nbgrader", "Formgrader")
        expect(self.frame.locator("#main-table td.name").first).to_be_visible()

    def row(self, name: str) -> Locator:
        """The row of a lesson, or of a learner."""
        return self.frame.locator("#main-table tr", has_text=name)

    def follow(self, *links: str) -> None:
        """Click one link after the other."""
        for name in links:
            self.frame.get_by_role("link", name=name, exact=True).click()

    def press(self, name: str, button: str) -> str:
        """Press a button of a row, read what the dialog says that follows, and close it."""
        self.row(name).locator(f".{button} a").click()
        dialog = self.frame.locator(".modal.in")
        expect(dialog).to_be_visible()
        said = dialog.inner_text()
        dialog.get_by_role("button", name="OK").click()
        expect(self.frame.locator(".modal-backdrop")).to_have_count(0)
        return said

    def lessons(self) -> None:
        """Go to the table of lessons."""
        self.follow("Manage Assignments")
        expect(self.frame.get_by_role("columnheader", name="Collect")).to_be_visible()

    def submissions(self, lesson: str) -> None:
        """Go to the table of what was handed in of a lesson."""
        self.lessons()
        self.row(lesson).locator(".num-submissions a").click()
        expect(self.frame.get_by_role("columnheader", name="Autograde")).to_be_visible()

    def add(self, name: str) -> None:
        """Add an assignment, which has no notebook yet."""
        self.frame.get_by_role("link", name="Add new assignment").click()
        self.frame.locator("#add-assignment-modal input.name").fill(name)
        self.frame.get_by_role("button", name="Save").click()
        expect(self.row(name)).to_contain_text("draft")

    def grade_by_hand(self, lesson: str, cell: str, points: str, comment: str) -> None:
        """Give an answer of the first submission points and a comment, on a page of its own."""
        self.follow("Manual Grading", lesson, lesson, "Submission #1")
        answer = self.frame.locator(".nbgrader_cell", has=self.frame.locator(f"[id='{cell}']"))
        # Both fields are there before the page knows what they hold, and would lose what is typed until then.
        expect(answer.locator(".score")).to_have_class(re.compile("needs_manual_grade"))
        expect(answer.locator(".comment")).to_have_attribute("placeholder", re.compile("comments"))
        for field, text in ((".score", points), (".comment", comment)):
            answer.locator(field).fill(text)
            with self.page.expect_response(lambda answered: answered.request.method == "PUT"):
                answer.locator(field).press("Tab")


class CreateAssignment:
    """nbgrader's sidebar, in which an instructor marks a notebook's cells."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.total = page.locator(".nbgrader-TotalPointsInput:visible")

    def open(self, file: str) -> None:
        """Open a notebook from the file browser, and the sidebar from the menu."""
        self.page.locator(".jp-DirListing-item", has_text=file).dblclick()
        lesson = Lesson(self.page)
        lesson.wait_for_kernel()
        lesson.choose("Nbgrader", "Create assignment")

    def mark(self, cell: int, kind: str, name: str, points: int | None = None) -> None:
        """Mark a cell, as `"Autograded tests"` for instance, and name it."""
        marks = self.page.locator(".nbgrader-CellWidget").nth(cell)
        marks.locator("select").select_option(kind)
        marks.locator(".nbgrader-CellId input").fill(name)
        marks.locator(".nbgrader-CellId input").press("Tab")
        if points is not None:
            marks.locator(".nbgrader-CellPoints input").fill(str(points))
            marks.locator(".nbgrader-CellPoints input").press("Tab")


class Assignments:
    """nbgrader's list of assignments, in a tab of a learner's JupyterLab."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def open(self) -> None:
        """Choose it from the menu."""
        Lesson(self.page).choose("Nbgrader", "Assignment List")

    def show(self) -> None:
        """Go back to its tab and read the list again."""
        self.page.get_by_role("tab", name="Assignments", exact=True).click()
        self.page.locator("#refresh_assignments_list").click()

    def part(self, name: str) -> Locator:
        """The assignments that are `"released"`, `"fetched"` or `"submitted"`."""
        return self.page.locator(f"#{name}_assignments_list")

    def press(self, part: str, button: str) -> None:
        """Press a button there."""
        self.part(part).get_by_role("button", name=button, exact=True).click()

    def notebook(self, name: str) -> Lesson:
        """Open a fetched assignment's notebook and wait for its kernel."""
        self.part("fetched").get_by_role("button", name=name).click()
        self.part("fetched").get_by_role("link", name=name).click()
        lesson = Lesson(self.page)
        lesson.wait_for_kernel()
        return lesson

    def feedback(self) -> FrameLocator:
        """Open the newest feedback that was fetched; the page."""
        newest = self.part("submitted").locator(".nested_list_item").last
        handed_in_at = newest.inner_text().split(" (")[0].strip()
        newest.get_by_text("view feedback").click()
        expect(self.page.locator(".jp-BreadCrumbs")).to_contain_text(handed_in_at)
        self.page.locator(".jp-DirListing-item", has_text=".html").dblclick()
        return self.page.frame_locator(".jp-HTMLViewer:visible iframe")


def save(page: Page) -> None:
    """Save the notebook, and wait until it is."""
    page.keyboard.press("ControlOrMeta+s")
    expect(page.locator("#jp-main-dock-panel .lm-mod-current.jp-mod-dirty")).to_have_count(0)


@contextmanager
def validating(page: Page) -> Iterator[Locator]:
    """Press the notebook's own "Validate"; inside, its dialog is open."""
    page.locator(".jp-NotebookPanel:visible .validate-button").click()
    dialog = page.locator(".jp-Dialog")
    expect(dialog).to_contain_text("Validation Results")
    yield dialog
    dialog.get_by_role("button", name="Ok").click()
