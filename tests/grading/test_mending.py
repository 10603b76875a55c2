"""Mending: whatever was handed in, the learner's answers and the grader's own cells come out."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import nbgrader.tests
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lesson_kit import (
    ANSWERS,
    LESSON,
    LOCKED,
    grade_id,
    insist_on_valid,
    named,
    own,
    released,
    solved,
    source,
    texts,
    write,
)
from nbgrader import preprocessors
from nbgrader.nbgraderformat import MetadataValidator
from traitlets.config import Config

from tlcourse.errors import NotebookError
from tlcourse.grading import reading
from tlcourse.grading.mending import Mended, mend
from tlcourse.grading.nbgrading import Course
from tlcourse.grading.release import Release

Notebook = dict[str, Any]


@pytest.fixture(scope="module")
def lesson(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """The lesson that everything is handed in for."""
    return Release.read(write(tmp_path_factory.mktemp("lesson") / LESSON / f"{LESSON}.ipynb", source()))


@pytest.fixture
def handed(lesson: Release) -> Notebook:
    """An honest submission, for a test to spoil."""
    return solved(lesson)


def answers(mended: Mended) -> dict[str, str]:
    """The answers that were found, by grade_id."""
    return {grade_id(cell): cell["source"] for cell in mended.notebook["cells"] if grade_id(cell) in ANSWERS}


def insist_on_whole(mended: Mended, lesson: Release) -> None:
    """Fail unless a mended notebook is valid and has the grader's cells, once each and in order."""
    insist_on_valid(mended.notebook)
    wanted = [cell for cell in lesson.notebook["cells"] if grade_id(cell) and grade_id(cell) not in mended.missing]
    marked = [cell for cell in mended.notebook["cells"] if grade_id(cell)]
    assert [grade_id(cell) for cell in marked] == [grade_id(cell) for cell in wanted]
    assert [cell["metadata"] for cell in marked] == [cell["metadata"] for cell in wanted]
    assert [cell["cell_type"] for cell in marked] == [cell["cell_type"] for cell in wanted]
    for name in LOCKED:
        assert named(mended.notebook, name)["source"] == named(lesson.notebook, name)["source"]


class TestHonestWork:
    def test_only_hidden_tests_are_put_back_and_nothing_is_noted(self, lesson: Release, handed: Notebook) -> None:
        mended = mend(handed, lesson)
        assert (mended.notes, mended.missing) == ((), ())
        assert answers(mended) == ANSWERS
        insist_on_whole(mended, lesson)
        assert "double(-3)" in named(mended.notebook, "test-double")["source"]

    def test_own_cells_stay_where_they_stand(self, lesson: Release, handed: Notebook) -> None:
        handed["cells"].insert(4, own("print(double(8))"))
        handed["cells"].insert(2, own("A thought.", "markdown"))
        mended = mend(handed, lesson)
        assert mended.notes == ()
        assert [text for text in texts(mended.notebook)][:6] == [
            "# Numbers",
            "import math",
            "A thought.",
            "Be honest.",
            ANSWERS["double"],
            "print(double(8))",
        ]

    def test_outputs_are_left_out(self, lesson: Release, handed: Notebook) -> None:
        handed["cells"][3] |= {"outputs": [{"output_type": "stream", "name": "stdout", "text": "4"}]}
        cell = named(mend(handed, lesson).notebook, "double")
        assert (cell["outputs"], cell["execution_count"]) == ([], None)

    def test_a_plain_cell_may_be_moved_and_edited(self, lesson: Release, handed: Notebook) -> None:
        handed["cells"][1]["source"] = "import math, random"
        handed["cells"].insert(0, handed["cells"].pop(1))
        mended = mend(handed, lesson)
        assert mended.notes == ()
        assert texts(mended.notebook)[:2] == ["import math, random", "# Numbers"]

    def test_nothing_given_is_changed(self, lesson: Release, handed: Notebook) -> None:
        handed["cells"].reverse()
        before = copy.deepcopy((handed, lesson.as_json()))
        mend(handed, lesson)
        assert (handed, lesson.as_json()) == before

    def test_an_answer_that_an_editor_only_laid_out_anew_is_no_answer(self, lesson: Release) -> None:
        handed = released(lesson)
        named(handed, "why")["source"] += "\n\n"
        assert named(mend(handed, lesson).notebook, "why") == named(lesson.notebook, "why")

    def test_pictures_in_an_answer_stay(self, lesson: Release, handed: Notebook) -> None:
        picture = {"sketch.png": {"image/png": "aGVsbG8="}}
        named(handed, "why")["attachments"] = picture
        mended = mend(handed, lesson)
        assert named(mended.notebook, "why")["attachments"] == picture
        insist_on_valid(mended.notebook)


class TestLostMarks:
    def test_by_the_cells_ids(self, lesson: Release, handed: Notebook) -> None:
        for cell in handed["cells"]:
            cell["metadata"] = {}
        mended = mend(handed, lesson)
        assert answers(mended) == ANSWERS
        insist_on_whole(mended, lesson)
        assert mended.notes == (
            "rules, double, test-double, primes, test-primes, why, drawing and walk had lost nbgrader's mark and were "
            "found again.",
        )

    def test_by_text_and_place(self, lesson: Release, handed: Notebook) -> None:
        for cell in handed["cells"]:
            cell["metadata"] = {}
            del cell["id"]
        mended = mend(handed, lesson)
        assert answers(mended) == ANSWERS
        insist_on_whole(mended, lesson)
        assert (
            "double (cell 4) and primes (cell 7) had lost nbgrader's mark and were found by what they say."
            in mended.notes
        )
        assert (
            "why (cell 10) and drawing (cell 11) had lost nbgrader's mark and were found by where they stand."
            in mended.notes
        )

    def test_an_answer_written_into_a_new_cell(self, lesson: Release, handed: Notebook) -> None:
        handed["cells"][3] = own("double = lambda x: 2 * x")
        handed["cells"].insert(3, own("print('let us see')") | {"id": "own-2"})
        mended = mend(handed, lesson)
        assert named(mended.notebook, "double")["source"] == "double = lambda x: 2 * x"
        assert mended.notes == ("double (cell 5) had lost nbgrader's mark and was found by what it says.",)

    def test_an_answer_in_a_new_cell_elsewhere(self, lesson: Release, handed: Notebook) -> None:
        del handed["cells"][3]
        handed["cells"].append(own(ANSWERS["double"]))
        mended = mend(handed, lesson)
        assert answers(mended) == ANSWERS
        insist_on_whole(mended, lesson)
        assert "double stood elsewhere than in the lesson and was put in its place." in mended.notes

    def test_a_question_that_holds_the_room_for_its_answer(self, tmp_path: Path) -> None:
        notebook = source()
        named(notebook, "why")["source"] = "Why?\n\n### BEGIN SOLUTION\nBecause.\n### END SOLUTION"
        lesson = Release.read(write(tmp_path / "ps1.ipynb", notebook))
        handed = solved(lesson, {"why": "Why?\n\nIt is so."})
        cell = handed["cells"].pop(9)
        handed["cells"].insert(0, cell | {"metadata": {}, "id": "new"})
        assert named(mend(handed, lesson).notebook, "why")["source"] == "Why?\n\nIt is so."

    def test_a_cell_of_the_learner_s_own_is_no_deleted_answer(self, lesson: Release, handed: Notebook) -> None:
        handed["cells"][3] = own("note = 1")
        handed["cells"].insert(4, own("other = 2") | {"id": "own-2"})
        assert mend(handed, lesson).missing == ("double",)


class TestAlteredCells:
    def test_a_test_that_was_changed_is_as_released(self, lesson: Release, handed: Notebook) -> None:
        named(handed, "test-double")["source"] = "assert True"
        mended = mend(handed, lesson)
        assert mended.notes == ("The text of test-double had been changed and is as released again.",)
        insist_on_whole(mended, lesson)

    @pytest.mark.parametrize(
        "change", [{"points": 100}, {"locked": False}, {"grade": False}, {"solution": True}, {"points": "many"}]
    )
    def test_settings_that_were_changed_are_as_released(
        self, lesson: Release, handed: Notebook, change: dict[str, Any]
    ) -> None:
        named(handed, "test-double")["metadata"]["nbgrader"] |= change
        mended = mend(handed, lesson)
        insist_on_whole(mended, lesson)
        if change != {"locked": False}:  # nbgrader locks a test in any case
            assert mended.notes == ("nbgrader's settings of test-double had been changed and are as released again.",)

    @pytest.mark.parametrize("change", [{"schema_version": 99}, {"checksum": "0" * 32}, {"schema_version": None}])
    def test_bookkeeping_is_set_right_silently(self, lesson: Release, handed: Notebook, change: dict[str, Any]) -> None:
        named(handed, "test-double")["metadata"]["nbgrader"] |= change
        mended = mend(handed, lesson)
        assert mended.notes == ()
        insist_on_whole(mended, lesson)

    @pytest.mark.parametrize("name, kind", [("double", "markdown"), ("why", "code"), ("test-double", "raw")])
    def test_a_cell_that_was_retyped_has_its_type_again(
        self, lesson: Release, handed: Notebook, name: str, kind: str
    ) -> None:
        named(handed, name)["cell_type"] = kind
        mended = mend(handed, lesson)
        insist_on_whole(mended, lesson)
        assert answers(mended) == ANSWERS
        was = named(lesson.notebook, name)["cell_type"]
        assert mended.notes == (f"{name} had become a {kind} cell and is a {was} cell again.",)

    def test_a_forged_graded_cell_gains_nothing(self, lesson: Release, handed: Notebook) -> None:
        marks = named(handed, "test-double")["metadata"]["nbgrader"] | {"grade_id": "bonus", "points": 50}
        handed["cells"].append(own("pass") | {"metadata": {"nbgrader": marks}})
        mended = mend(handed, lesson)
        assert mended.notebook["cells"][-1]["metadata"] == {}
        assert mended.notes == ("Marks that the lesson does not have were taken off and gain no points: bonus.",)

    def test_a_test_cannot_be_tagged_away(self, lesson: Release, handed: Notebook) -> None:
        named(handed, "test-double")["metadata"]["tags"] = ["skip-execution"]
        assert "tags" not in named(mend(handed, lesson).notebook, "test-double")["metadata"]

    def test_the_kernel_is_the_lesson_s(self, lesson: Release, handed: Notebook) -> None:
        handed["metadata"] = {"kernelspec": {"name": "bash", "display_name": "Bash"}}
        assert mend(handed, lesson).notebook["metadata"] == lesson.notebook["metadata"]

    def test_names_in_notes_cannot_paint_the_terminal(self, lesson: Release, handed: Notebook) -> None:
        marks = {"grade_id": "\x1b[2J<script>", "grade": True}
        handed["cells"].append(own("pass") | {"metadata": {"nbgrader": marks}})
        [note] = mend(handed, lesson).notes
        assert note.isprintable()


class TestCopies:
    def test_a_copied_test_goes(self, lesson: Release, handed: Notebook) -> None:
        handed["cells"].append(named(handed, "test-double") | {"id": "copy"})
        mended = mend(handed, lesson)
        assert texts(mended.notebook) == texts(mend(solved(lesson), lesson).notebook)
        assert mended.notes == (
            "test-double was there more than once: copies that the learner had not changed were left out.",
        )

    def test_a_copied_test_that_the_learner_works_in_stays_as_an_ordinary_cell(
        self, lesson: Release, handed: Notebook
    ) -> None:
        handed["cells"].append(named(handed, "test-double") | {"id": "copy", "source": "mine = 3"})
        mended = mend(handed, lesson)
        insist_on_whole(mended, lesson)
        assert (mended.notebook["cells"][-1]["source"], mended.notebook["cells"][-1]["metadata"]) == ("mine = 3", {})

    @pytest.mark.parametrize("place", [0, 3, 4, 13])
    def test_a_copied_stub_never_stands_for_the_answer(self, lesson: Release, handed: Notebook, place: int) -> None:
        stub = copy.deepcopy(named(lesson.notebook, "double"))
        handed["cells"].insert(place, stub | {"id": "copy"})
        mended = mend(handed, lesson)
        assert answers(mended) == ANSWERS
        insist_on_whole(mended, lesson)
        assert texts(mended.notebook) == texts(mend(solved(lesson), lesson).notebook)

    def test_of_two_answers_the_last_in_its_place_counts(self, lesson: Release, handed: Notebook) -> None:
        first = named(handed, "double") | {"id": "copy", "source": "def double(x):\n    return 0"}
        handed["cells"].insert(3, first)
        handed["cells"].append(first | {"source": "double(1)"})
        mended = mend(handed, lesson)
        assert answers(mended) == ANSWERS
        assert texts(mended.notebook)[3] == "def double(x):\n    return 0"
        assert texts(mended.notebook)[-1] == "double(1)"
        assert mended.notes == ("double was there more than once: what differs stays as ordinary cells (4, 15).",)


class TestOrder:
    def test_a_test_moved_before_its_answer_is_put_behind_it(self, lesson: Release, handed: Notebook) -> None:
        handed["cells"].insert(0, handed["cells"].pop(4))
        mended = mend(handed, lesson)
        assert texts(mended.notebook) == texts(mend(solved(lesson), lesson).notebook)
        assert mended.notes == ("test-double stood elsewhere than in the lesson and was put in its place.",)

    def test_a_moved_cell_takes_along_what_the_learner_wrote_behind_it(self, lesson: Release, handed: Notebook) -> None:
        block = [handed["cells"].pop(3), own("half = double(1) / 4")]
        handed["cells"][8:8] = block
        mended = mend(handed, lesson)
        assert texts(mended.notebook)[3:6] == [
            ANSWERS["double"],
            "half = double(1) / 4",
            named(lesson.notebook, "test-double")["source"],
        ]

    def test_a_deleted_test_is_put_back_behind_the_answer(self, lesson: Release, handed: Notebook) -> None:
        del handed["cells"][4]
        handed["cells"].insert(4, own("print(double(1))"))
        mended = mend(handed, lesson)
        insist_on_whole(mended, lesson)
        assert texts(mended.notebook)[3:5] == [ANSWERS["double"], "print(double(1))"]
        assert mended.notes == ("test-double had been deleted and was put back.",)

    def test_a_deleted_answer_is_named(self, lesson: Release, handed: Notebook) -> None:
        handed["cells"] = [cell for cell in handed["cells"] if grade_id(cell) not in ("double", "why")]
        mended = mend(handed, lesson)
        assert mended.missing == ("double", "why")
        assert mended.notes == ("double and why are missing in what was handed in.",)
        insist_on_whole(mended, lesson)


def as_colab(notebook: Notebook) -> Notebook:
    for cell in notebook["cells"]:
        cell["metadata"] |= {"id": cell.pop("id"), "outputId": "0-a", "colab": {"base_uri": "https://x"}}
        cell["source"] = cell["source"].splitlines(keepends=True)
    metadata = {"colab": {"provenance": []}, "kernelspec": {"name": "python3", "display_name": "Python 3"}}
    return notebook | {"metadata": metadata, "nbformat_minor": 0}


def as_colab_without_marks(notebook: Notebook) -> Notebook:
    notebook = as_colab(notebook)
    for cell in notebook["cells"]:
        cell["metadata"].pop("nbgrader", None)
    return notebook


def as_vscode(notebook: Notebook) -> Notebook:
    for place, cell in enumerate(notebook["cells"]):
        cell["id"] = f"#VSC-{place}"
        cell["metadata"]["vscode"] = {"languageId": "python"}
    return notebook | {"metadata": {"kernelspec": {"name": "venv", "display_name": ".venv (Python 3.12.3)"}}}


def as_format_3(notebook: Notebook) -> Notebook:
    cells = []
    for cell in notebook["cells"]:
        old = {"cell_type": cell["cell_type"], "metadata": cell["metadata"]}
        text = {"input": cell["source"], "outputs": [], "language": "python", "collapsed": False}
        cells.append(old | (text if cell["cell_type"] == "code" else {"source": cell["source"]}))
    worksheets = [{"cells": cells, "metadata": {}}]
    return {"metadata": {"name": "ps1"}, "nbformat": 3, "nbformat_minor": 0, "worksheets": worksheets}


def as_sparse(notebook: Notebook) -> Notebook:
    for cell in notebook["cells"]:
        for key in ("outputs", "execution_count", "id"):
            cell.pop(key, None)
        if not cell["metadata"]:
            del cell["metadata"]
    notebook["cells"].append({"cell_type": "code", "source": None})
    return {"cells": notebook["cells"]}


def as_odd(notebook: Notebook) -> Notebook:
    notebook["cells"][0] |= {"metadata": None, "id": 7, "attachments": ["?"], "source": ["# Numbers", 3]}
    notebook["cells"][1] |= {"metadata": {"tags": "x", "nbgrader": []}, "cell_type": "heading", "id": "a b"}
    notebook["cells"][3]["metadata"] |= {"collapsed": "perhaps", "name": 3, "id": 3}
    return notebook | {"metadata": [], "nbformat": "4", "nbformat_minor": None}


class TestDialects:
    @pytest.mark.parametrize("dialect", [as_colab, as_vscode, as_format_3, as_sparse, as_odd])
    def test_marks_survive(self, lesson: Release, handed: Notebook, dialect: Callable[[Notebook], Notebook]) -> None:
        mended = mend(json.dumps(dialect(handed)).encode(), lesson)
        assert (mended.notes, answers(mended)) == ((), ANSWERS)
        insist_on_whole(mended, lesson)

    def test_colab_without_marks(self, lesson: Release, handed: Notebook) -> None:
        mended = mend(as_colab_without_marks(handed), lesson)
        assert answers(mended) == ANSWERS
        insist_on_whole(mended, lesson)

    def test_ids_are_valid_and_each_its_own(self, lesson: Release, handed: Notebook) -> None:
        for cell in handed["cells"]:
            cell["id"] = "c3"
        handed["cells"].append(own("1") | {"id": "not valid!"})
        insist_on_whole(mend(handed, lesson), lesson)


class TestDamagedFiles:
    @pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
    def test_other_encodings(self, lesson: Release, handed: Notebook, encoding: str) -> None:
        handed["cells"][0]["source"] = "# Zahlen für Ängstliche"
        mended = mend(json.dumps(handed, ensure_ascii=False).encode(encoding), lesson)
        assert (mended.notes, answers(mended)) == ((), ANSWERS)
        assert texts(mended.notebook)[0] == "# Zahlen für Ängstliche"

    def test_invalid_utf_8(self, lesson: Release, handed: Notebook) -> None:
        named(handed, "why")["source"] = "caf@"
        mended = mend(json.dumps(handed).encode().replace(b"caf@", b"caf\xe9"), lesson)
        assert answers(mended)["why"] == "caf\ufffd"
        assert mended.notes == ("Characters that are not UTF-8 were replaced by \ufffd.",)

    def test_half_a_character_pair_becomes_printable(self, lesson: Release, handed: Notebook) -> None:
        named(handed, "why")["source"] = "smile \ud83d"
        assert answers(mend(json.dumps(handed).encode(), lesson))["why"] == "smile \ufffd"

    def test_cut_off_after_the_answers(self, lesson: Release, handed: Notebook) -> None:
        data = json.dumps(handed, indent=1).encode()
        mended = mend(data[: data.index(b"The end.")], lesson)
        assert answers(mended) == ANSWERS
        insist_on_whole(mended, lesson)
        [note] = mended.notes
        assert "12 cells could be read; what stood after cell 12 (walk) may be lost" in note

    def test_cut_off_before_the_last_answers(self, lesson: Release, handed: Notebook) -> None:
        data = json.dumps(handed, indent=1).encode()
        mended = mend(data[: data.index(b"Because I tried it.")], lesson)
        assert mended.missing == ("why", "drawing")
        assert "walk had been deleted and was put back." in mended.notes

    def test_a_merge_conflict_in_the_middle(self, lesson: Release, handed: Notebook) -> None:
        cells = [json.dumps(cell) for cell in handed["cells"]]
        ours, theirs = cells[3], cells[3].replace("x + x", "x * 2")
        cells[3] = f"<<<<<<< HEAD\n{ours}\n=======\n{theirs}\n>>>>>>> main\n"
        mended = mend(('{"cells": [' + ",\n".join(cells) + '], "nbformat": 4}').encode(), lesson)
        assert answers(mended)["double"] == "def double(x):\n    return x * 2"
        insist_on_whole(mended, lesson)

    def test_garbage_behind_the_notebook(self, lesson: Release, handed: Notebook) -> None:
        mended = mend(json.dumps(handed).encode() + b"\n\x00\x00 }]", lesson)
        assert answers(mended) == ANSWERS
        assert mended.notes == ("Something stands after the end of the notebook in the file; it was left out.",)

    @pytest.mark.parametrize(
        "data, fault",
        [
            (b"", "it is empty"),
            (b" \n\x00", "it is empty"),
            (b"<!DOCTYPE html><html>", "it is a web page"),
            (b"{'cells': []}", "it is a Python dict"),
            (b"PK\x03\x04", "it is a zip archive"),
            (b"%PDF-1.7", "it is a PDF"),
            (b"# %%\nprint(1)", "it does not begin as one"),
            (b"[1, 2]", "it has no cells"),
            (b"{}", "it has no cells"),
            (b'{"cells": 3}', "it has no cells"),
            (b'{"cells": [{"cell', "it is damaged"),
            (b'{"cells": ' + b"[" * 100_000, "it is damaged"),
            (b'{"cells": [], "nbformat": 5}', "notebook format 5"),
            (b'{"worksheets": 7, "nbformat": 3}', "old notebook format"),
            (b'{"cells": [], "nbformat": 4}', "not the course's notebook"),
        ],
    )
    def test_what_is_no_notebook_is_refused_by_name(self, lesson: Release, data: bytes, fault: str) -> None:
        with pytest.raises(NotebookError) as caught:
            mend(data, lesson)
        assert fault in caught.value.fault
        assert caught.value.cure


class TestHugeFiles:
    def test_outputs_do_not_count(self, lesson: Release, handed: Notebook, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(reading, "_SMALL", 0)
        monkeypatch.setattr(reading, "REST_LIMIT", 100_000)
        text = ['a "quoted" \\ line with [brackets] and {braces}\n'] * 10_000
        outputs = [{"output_type": "stream", "name": "stdout", "text": text}]
        handed["cells"][3] |= {"outputs": [*outputs, {"data": {"image/png": "A" * 500_000}}]}
        data = json.dumps(handed).encode()
        for mended in (mend(data, lesson), mend(data.replace(b'"cells"', b'"outputs": [{}], "cells"'), lesson)):
            assert (mended.notes, answers(mended)) == ((), ANSWERS)
        cut = data[: data.index(b"image/png") + 1000]
        with pytest.raises(NotebookError, match="damaged: none of the answers could be read"):
            mend(cut, lesson)

    def test_pictures_that_are_too_large_are_left_out(
        self, lesson: Release, handed: Notebook, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(reading, "REST_LIMIT", 100_000)
        named(handed, "why")["attachments"] = {"sketch.png": {"image/png": "A" * 200_000}}
        mended = mend(json.dumps(handed).encode(), lesson)
        assert answers(mended) == ANSWERS
        assert mended.notes == ("The pictures attached to its cells were left out: they are too large.",)

    @pytest.mark.parametrize("limit, fault", [("FILE_LIMIT", "it has"), ("REST_LIMIT", "its cells alone take")])
    def test_the_limits_are_told(
        self, lesson: Release, handed: Notebook, monkeypatch: pytest.MonkeyPatch, limit: str, fault: str
    ) -> None:
        monkeypatch.setattr(reading, limit, 1000)
        with pytest.raises(NotebookError) as caught:
            mend(json.dumps(handed).encode(), lesson)
        assert caught.value.fault.startswith(fault)

    def test_too_many_cells(self, lesson: Release, handed: Notebook) -> None:
        handed["cells"] += [own("1")] * reading.CELLS_LIMIT
        with pytest.raises(NotebookError, match="2,013 cells, more than the 2,000"):
            mend(handed, lesson)


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """Another lesson of the same class."""
    notebook = json.loads(json.dumps(source()).replace('"grade_id": "', '"grade_id": "other-'))
    notebook["cells"] = [cell | {"id": f"d{place}"} for place, cell in enumerate(notebook["cells"])]
    named(notebook, "other-test-double")["source"] = "assert double(0) == 0"
    return Release.read(write(tmp_path_factory.mktemp("other") / "ps2.ipynb", notebook))


class TestOtherLessons:
    def test_the_other_lesson_is_named(self, lesson: Release, other: Release) -> None:
        with pytest.raises(NotebookError) as caught:
            mend(solved(other), lesson, [lesson, other])
        assert caught.value.fault == "this is the notebook of ps2"

    def test_a_foreign_notebook_with_marks_of_its_own(self, lesson: Release) -> None:
        marks = {"grade_id": "homework", "grade": True, "points": 1}
        foreign = {"cells": [own(ANSWERS["double"]) | {"metadata": {"nbgrader": marks}}]}
        with pytest.raises(NotebookError, match="its marks are homework"):
            mend(foreign, lesson)

    def test_a_foreign_notebook_without_marks(self, lesson: Release) -> None:
        foreign = {"cells": [own("import numpy as np"), own("My diary", "markdown"), own("print(np.pi)")]}
        with pytest.raises(NotebookError, match="not the course's notebook: it has no cell of ps1"):
            mend(foreign, lesson)


FILES = Path(nbgrader.tests.__file__).parent
CHANGED = ["submitted-changed", "submitted-grade-cell-changed", "submitted-locked-cell-changed"]
PAIRS = {
    "apps/files/test": ["test-v0", "test-v1", "test-v2", "test-with-output"],
    "apps/files/test-hidden-tests": [],
    "apps/files/open_relative_file": [],
    "apps/files/timeout": [],
    "apps/files/validation-zero-points": [],
    "apps/files/submitted-unchanged": [*CHANGED, "submitted-cheat-attempt", "submitted-cheat-attempt-alternative"],
    "preprocessors/files/submitted-unchanged": [
        *CHANGED,
        "submitted-answer-cell-type-changed",
        "submitted-grade-cell-type-changed",
    ],
    "preprocessors/files/manually-graded-code-cell": [],
    "preprocessors/files/no-cell-type": [],
    "preprocessors/files/test_taskcell": [],
}
"""nbgrader's own notebooks: a lesson, and others that it grades against it."""


@pytest.fixture(scope="module")
def nbgrader_s_own(tmp_path_factory: pytest.TempPathFactory) -> Course:
    """A class with all those lessons."""
    root = tmp_path_factory.mktemp("own")
    for name in PAIRS:
        write(root / "source" / LESSON / f"{short(name)}.ipynb", stored(name))
    course = Course(root, Config())
    outcome = course.release(LESSON, into_gradebook=True)
    assert outcome.ok, outcome.log
    return course


def short(name: str) -> str:
    """What a lesson made from one of nbgrader's notebooks is called."""
    return name.replace("/files/", "-")


def stored(name: str) -> Any:
    """One of nbgrader's notebooks, in its present schema, with the ids that its sanitizing has come to need."""
    notebook = nbformat.read(FILES / f"{name}.ipynb", 4)
    notebook.nbformat_minor = 5
    for place, cell in enumerate(notebook.cells):
        cell.id = f"own-{place}"
    return MetadataValidator().upgrade_notebook_metadata(notebook)


def sanitized(course: Course, name: str, notebook: Any) -> Any:
    """What `nbgrader autograde` makes of a notebook before it runs it."""
    place = {"notebook": name, "assignment": LESSON, "student": "ada", "db_url": course.directory.db_url}
    resources: dict[str, Any] = {"nbgrader": place}
    for step in ("ClearOutput", "DeduplicateIds", "OverwriteKernelspec", "OverwriteCells", "CheckCellMetadata"):
        notebook, resources = getattr(preprocessors, step)()(notebook, resources)
    return notebook


def meaning(cells: list[Any]) -> list[Any]:
    """What of cells matters to nbgrader."""
    marks = [cell["metadata"].get("nbgrader", {}) for cell in cells]
    return [
        (cell["cell_type"], cell["source"], {key: mark[key] for key in sorted(mark) if key != "cell_type"})
        for cell, mark in zip(cells, marks, strict=True)
    ]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", PAIRS)
def test_it_gives_what_nbgrader_s_own_sanitizing_gives(nbgrader_s_own: Course, name: str) -> None:
    release = Release.of_class(nbgrader_s_own, LESSON, short(name))
    assert mend((FILES / f"{name}.ipynb").read_bytes(), release).notes == ()
    for other in (name, *(f"{Path(name).parent}/{other}" for other in PAIRS[name])):
        mended = mend((FILES / f"{other}.ipynb").read_bytes(), release).notebook
        wanted = sanitized(nbgrader_s_own, short(name), stored(other))
        assert meaning(mended["cells"]) == meaning(wanted.cells)
        assert mended["metadata"].get("kernelspec") == wanted.metadata.get("kernelspec")
        insist_on_valid(mended)


def shuffle_a_cell(cells: list[Notebook], dice: random.Random) -> None:
    cells.insert(dice.randrange(len(cells)), cells.pop(dice.randrange(len(cells))))


def delete_a_cell(cells: list[Notebook], dice: random.Random) -> None:
    del cells[dice.randrange(len(cells))]


def copy_a_cell(cells: list[Notebook], dice: random.Random) -> None:
    cells.insert(dice.randrange(len(cells)), copy.deepcopy(dice.choice(cells)) | {"id": f"copy{dice.random()}"[:20]})


def add_a_cell(cells: list[Notebook], dice: random.Random) -> None:
    cells.insert(dice.randrange(len(cells)), own(f"note = {dice.random()}"))


def lose_a_mark(cells: list[Notebook], dice: random.Random) -> None:
    dice.choice(cells)["metadata"] = {}


def lose_an_id(cells: list[Notebook], dice: random.Random) -> None:
    dice.choice(cells)["id"] = f"new{dice.random()}"[:20]


def change_a_type(cells: list[Notebook], dice: random.Random) -> None:
    dice.choice(cells)["cell_type"] = dice.choice(["code", "markdown", "raw"])


DEEDS = [shuffle_a_cell, delete_a_cell, copy_a_cell, add_a_cell, lose_a_mark, lose_an_id, change_a_type]


@settings(max_examples=300, deadline=None)
@given(deeds=st.lists(st.sampled_from(DEEDS), min_size=1, max_size=8), dice=st.randoms(use_true_random=False))
def test_whatever_happens_to_cells_every_answer_is_found_or_named(
    lesson: Release, deeds: list[Callable[[list[Notebook], random.Random], None]], dice: random.Random
) -> None:
    handed = solved(lesson)
    for deed in deeds:
        deed(handed["cells"], dice)
    mended = mend(handed, lesson)
    insist_on_whole(mended, lesson)
    assert {*answers(mended), *mended.missing} == set(ANSWERS)
    known = {(cell["id"], grade_id(cell)) for cell in handed["cells"]}
    surely_there = {name for place, name in known if name in ANSWERS} | {
        name for name in ANSWERS if named(lesson.notebook, name)["id"] in {place for place, _ in known}
    }
    for name in surely_there:
        assert answers(mended)[name] == ANSWERS[name]
    learners = {cell["source"] for cell in handed["cells"] if cell["source"].startswith("note = ")}
    assert learners <= set(texts(mended.notebook))


@settings(max_examples=200, deadline=None)
@given(cut=st.integers(min_value=0, max_value=5000))
def test_wherever_a_file_is_cut_off_it_is_mended_or_refused(lesson: Release, cut: int) -> None:
    data = json.dumps(solved(lesson)).encode()
    try:
        mended = mend(data[:cut], lesson)
    except NotebookError as error:
        assert error.fault and error.cure
    else:
        insist_on_whole(mended, lesson)
        assert {*answers(mended), *mended.missing} == set(ANSWERS)


KEYS = st.sampled_from(
    ["cells", "metadata", "nbgrader", "grade_id", "source", "cell_type", "id", "tags", "attachments", "kernelspec", "x"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5) | st.sampled_from(["code", "double"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=10,
)


@settings(max_examples=300, deadline=None)
@given(cells=st.lists(st.dictionaries(KEYS, JSON, max_size=6), max_size=4), metadata=JSON)
def test_any_cells_and_metadata_are_mended(lesson: Release, cells: list[Any], metadata: Any) -> None:
    handed = solved(lesson)
    handed["cells"][2:2] = cells
    mended = mend(json.dumps(handed | {"metadata": metadata}).encode(), lesson)
    insist_on_whole(mended, lesson)
