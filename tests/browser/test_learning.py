"""A learner's way through lesson 00, in a real JupyterLab and a real browser."""

from __future__ import annotations

import base64
import io
import re

import contrast
import numpy as np
import pytest
from conftest import ARTEFACTS
from learner import Lesson
from PIL import Image
from playwright.sync_api import Locator, expect

ERROR = "[data-mime-type='application/vnd.jupyter.stderr'], [data-mime-type='application/vnd.jupyter.error']"


def card(cell: Locator) -> Locator:
    """The result or the hints below a cell."""
    return cell.get_by_role("status")


def test_a_stub_is_not_yet_right_and_says_what_to_do(lesson: Lesson) -> None:
    shown = card(lesson.check())
    expect(shown).to_contain_text("not yet")
    expect(shown).to_contain_text("Replace the line raise NotImplementedError(...)")
    expect(shown.get_by_role("img", name="not right yet")).to_be_visible()


def test_a_wrong_answer_is_named(lesson: Lesson) -> None:
    shown = card(lesson.check("return 100 / n_classes"))
    expect(shown).to_contain_text("not yet")
    expect(shown).to_contain_text("in percent")


def test_the_right_answer_passes(lesson: Lesson) -> None:
    cell = lesson.check("return 1 / n_classes")
    expect(card(cell)).to_contain_text("passed")
    expect(card(cell)).to_contain_text("1 of 1 point")
    expect(card(cell).get_by_role("img", name="right", exact=True)).to_be_visible()
    expect(cell.locator(ERROR)).to_have_count(0)


def test_hints_open_one_at_a_time(lesson: Lesson) -> None:
    lesson.run("import tlcourse")
    for opened in (1, 2):
        shown = card(lesson.hint())
        expect(shown).to_contain_text(f"Hint {opened} of 3")
        expect(shown.get_by_role("listitem")).to_have_count(opened)


def test_what_a_card_says_to_run_can_be_run(lesson: Lesson) -> None:
    advice = card(lesson.check()).locator("code", has_text="hint(").inner_text()
    lesson.write(advice, instead_of="tl.hint(")
    expect(card(lesson.run(advice))).to_contain_text("Hint 1 of 3")


def test_run_all_goes_on_past_exercises_not_yet_solved(lesson: Lesson) -> None:
    lesson.choose("Run", "Run All Cells")
    lesson.wait_for_all_cells()
    expect(card(lesson.cell("tl.check.chance_accuracy"))).to_contain_text("not yet")


def test_a_solved_lesson_runs_from_top_to_bottom(lesson: Lesson) -> None:
    lesson.check("return 1 / n_classes")
    lesson.choose("Kernel", "Restart Kernel and Run All Cells")
    lesson.page.locator(".jp-Dialog").get_by_role("button", name="Confirm Kernel Restart").click()
    lesson.wait_for_all_cells()
    expect(lesson.cell("import tlcourse").locator(".jp-InputPrompt")).to_have_text("[1]:")
    expect(lesson.page.locator(ERROR)).to_have_count(0)
    expect(lesson.cell("tl.plots.bars(").locator("img")).to_be_visible()


def test_a_check_cell_can_be_neither_edited_nor_deleted(lesson: Lesson) -> None:
    check = lesson.cell("tl.check.chance_accuracy")
    before = check.locator(".cm-content").inner_text()
    check.locator(".cm-content").click()
    lesson.page.keyboard.type("spoiled")
    expect(check.locator(".cm-content")).to_have_text(before)
    for keys in ("dd", "x"):  # delete and cut, in command mode
        lesson.page.keyboard.press("Escape")
        lesson.page.keyboard.type(keys)
        expect(check).to_be_visible()


def test_a_bar_leaves_nothing_behind(lesson: Lesson) -> None:
    lesson.run("import tlcourse")
    lesson.write("for _ in tl.progress(range(3)):\n    pass", instead_of="tl.machine()")
    expect(lesson.run("tl.progress(").locator(".jp-OutputArea-output:visible")).to_have_count(0)


def test_the_slider_redraws_by_key_and_by_mouse(lesson: Lesson) -> None:
    lesson.run("import tlcourse")
    cell = lesson.run("tl.plots.explore_styles")
    handle, readout, image = cell.get_by_role("slider"), cell.locator(".widget-readout"), cell.locator("img")
    expect(readout).to_have_text("0%")
    at_start = source(image)
    handle.focus()
    lesson.page.keyboard.press("ArrowRight")
    expect(readout).to_have_text("5%")
    expect(image).not_to_have_attribute("src", at_start)
    after_key = source(image)
    drag(lesson, handle, to=cell.locator(".noUi-target"))
    expect(readout).to_have_text(re.compile(r"^(9|10)\d%$"))
    expect(image).not_to_have_attribute("src", after_key)


def test_after_a_restart_progress_and_hints_are_there_and_the_cells_run_again(lesson: Lesson) -> None:
    lesson.check("return 100 / n_classes")
    lesson.hint()
    lesson.choose("Kernel", "Restart Kernel")
    lesson.page.locator(".jp-Dialog").get_by_role("button", name="Confirm Kernel Restart").click()
    expect(lesson.page.locator(".jp-Dialog")).to_have_count(0)
    expect(lesson.run("tl.hint(").locator(ERROR).last).to_contain_text("name 'tl' is not defined")
    passed = card(lesson.check("return 1 / n_classes"))
    expect(passed).to_contain_text("1 of 1 point")
    expect(card(lesson.hint())).to_contain_text("Hint 2 of 3")


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_a_whole_lesson_reads_well_in_every_theme(lesson: Lesson, theme: str) -> None:
    page = lesson.page
    lesson.choose("Settings", "Theme", theme)
    expect(page.locator("body")).to_have_attribute("data-jp-theme-name", theme)
    lesson.write('tl.hint("chance_accuracy")', instead_of="tl.hint(")
    lesson.choose("Run", "Run All Cells")
    lesson.wait_for_all_cells()
    figures = page.locator(".jp-OutputArea-output img")
    expect(figures).to_have_count(5)
    shown = [page.locator(".jp-RenderedMarkdown"), page.locator(".jp-OutputArea-output")]
    texts = {words: ratio for area in shown for one in area.all() for words, ratio in contrast.of_texts(one).items()}
    assert "Predict." in texts and "Hint 1 of 3" in texts and "from chalk to photo" in texts, "all kinds were looked at"
    assert {words: ratio for words, ratio in texts.items() if ratio < 4.5} == {}
    for mark in card(lesson.cell("tl.check.chance_accuracy")).get_by_role("img").all():
        assert contrast.of_shape(mark) >= 3
    for figure in figures.all():
        assert figure.get_attribute("alt"), "for those who cannot see it"
        assert np.asarray(drawn(figure))[..., 3].min() == 255, "a figure brings its own ground"
        figure.scroll_into_view_if_needed()
    page.screenshot(path=ARTEFACTS / f"lesson-{theme.split()[1].lower()}.png")


FOLDS = """def speaker_folds(files):
    cast = {file.split("_")[1] for file in files}
    return {who: ([f for f in files if not (IS_BY)], [f for f in files if IS_BY]) for who in cast}
"""


@pytest.mark.parametrize("lesson", ["12"], indirect=True)
def test_a_later_lesson_plays_a_word_and_checks_an_answer(lesson: Lesson) -> None:
    lesson.run("import tlcourse")
    lesson.run("tl.worlds.Speaker(")
    player = lesson.run("Audio(").locator("audio")
    expect(player).to_have_js_property("controls", True)
    expect(player).not_to_have_js_property("readyState", 0)  # it knows how long the sound is
    assert player.evaluate("player => player.duration") == pytest.approx(0.6, abs=0.2)  # seconds: a word

    lesson.write(FOLDS.replace("IS_BY", "who in f"), instead_of="def speaker_folds")
    lesson.run("def speaker_folds")
    expect(card(lesson.run("tl.check.speaker_folds"))).to_contain_text("one name is part of the other")
    lesson.write(FOLDS.replace("IS_BY", 'f.split("_")[1] == who'), instead_of="def speaker_folds")
    lesson.run("def speaker_folds")
    expect(card(lesson.run("tl.check.speaker_folds"))).to_contain_text("2 of 2 points")


def drawn(figure: Locator) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(source(figure).partition(",")[2]))).convert("RGBA")


def source(image: Locator) -> str:
    found = image.get_attribute("src")
    assert found
    return found


def drag(lesson: Lesson, handle: Locator, to: Locator) -> None:
    """Drag a slider's handle to the far end of its track."""
    start, track, mouse = handle.bounding_box(), to.bounding_box(), lesson.page.mouse
    assert start and track
    height = start["y"] + start["height"] / 2
    mouse.move(start["x"] + start["width"] / 2, height)
    mouse.down()
    mouse.move(track["x"] + track["width"], height, steps=10)
    mouse.up()
