"""`tlcourse build`: from a lesson's source to solutions/ and notebooks/, and the proof that they agree."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from authoring_kit import NAME, lesson_text, write_lesson
from nbgrader.apps import GenerateAssignmentApp
from nbgrader.validator import Validator

from tlcourse.cli import main

SOLUTION = f"solutions/{NAME}/{NAME}.ipynb"
RELEASE = f"notebooks/{NAME}/{NAME}.ipynb"
STUB = '# YOUR CODE HERE\nraise NotImplementedError("replace this line with your answer")'


def cells(path: Path) -> dict[str, dict[str, Any]]:
    """A notebook's cells by their ids, each source joined."""
    notebook = json.loads(path.read_text())
    return {cell["id"]: cell | {"source": "".join(cell["source"])} for cell in notebook["cells"]}


def everything(root: Path) -> dict[Path, tuple[bytes, int]]:
    """Every file with its bytes and the time it was written."""
    files = (path for path in sorted(root.rglob("*")) if path.is_file())
    return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in files}


def change(path: Path, edit: Callable[[dict[str, Any]], Any]) -> None:
    """Edit a notebook's JSON."""
    notebook = json.loads(path.read_text())
    edit(notebook)
    path.write_text(json.dumps(notebook))


def check(root: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """What `tlcourse build --check` says of a course that has a problem."""
    before = everything(root)
    capsys.readouterr()
    assert main(["build", "--check", "--root", str(root)]) == 1
    assert everything(root) == before
    return capsys.readouterr().out


def test_the_release_has_stubs_for_answers(built: Path) -> None:
    released = cells(built / RELEASE)
    assert released["answer-double"]["source"] == "def double(x):\n    " + STUB.replace("\n", "\n    ")
    assert released["answer-tau"]["source"] == STUB
    assert "two is more than one" not in released["written-why"]["source"]
    assert all(not cell.get("outputs") for cell in released.values())
    assert [path.name for path in (built / "notebooks").rglob("*") if path.is_file()] == [f"{NAME}.ipynb"]


def test_an_exercise_opens_with_its_facts_and_the_check_carries_its_points(built: Path) -> None:
    released = cells(built / RELEASE)
    opening = released["task-double"]["source"]
    assert opening.startswith("### Exercise 1: Double\n\n**5 minutes · difficulty ●●○ · 2 points**")
    assert "*What it is for:* Seeing how it is done." in opening
    assert opening.endswith("Write `double`.")
    marks = released["check-double"]["metadata"]["nbgrader"]
    assert (marks["points"], marks["grade"], marks["solution"], marks["locked"]) == (2, True, False, True)
    marks = released["written-why"]["metadata"]["nbgrader"]
    assert (marks["points"], marks["grade"], marks["solution"]) == (3, True, True)


def test_run_all_goes_on_past_an_unsolved_exercise_but_a_failing_solution_shows(built: Path) -> None:
    tagged = {name for name, cell in cells(built / RELEASE).items() if cell["metadata"].get("tags")}
    assert tagged == {"answer-double", "check-double", "answer-tau", "check-tau"}
    assert not any(cell["metadata"].get("tags") for cell in cells(built / SOLUTION).values())


def test_the_solution_is_executed_and_says_nothing_of_the_machine(built: Path) -> None:
    text = (built / SOLUTION).read_text()
    assert "tau is 6.28" in text
    assert sys.version.split()[0] not in text
    assert str(Path.home()) not in text
    assert json.loads(text)["metadata"]["title"] == "First steps"


def test_a_second_build_changes_nothing(built: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = everything(built)
    assert main(["build", "--root", str(built)]) == 0
    assert "outputs kept, nothing changed" in capsys.readouterr().out
    assert everything(built) == before
    assert main(["build", "--check", "1", "--root", str(built)]) == 0


def test_new_text_keeps_the_outputs_and_the_other_cells_names(built: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = cells(built / SOLUTION)
    write_lesson(built, lesson_text().replace("Write `double`.", "Now write `double`."))
    assert main(["build", "--root", str(built)]) == 0
    assert "outputs kept, 2 files written" in capsys.readouterr().out
    after = cells(built / SOLUTION)
    assert list(after) == list(before)
    assert [name for name in after if after[name] != before[name]] == ["task-double"]


def test_plain_nbgrader_gives_the_same_release(built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = (built / RELEASE).read_bytes()
    shutil.rmtree(built / "notebooks")
    monkeypatch.chdir(built)
    nbgrader = GenerateAssignmentApp()
    nbgrader.initialize(["--no-db", NAME])
    nbgrader.start()
    assert (built / RELEASE).read_bytes() == ours


def test_nbgrader_validates_the_solution_and_not_the_release(built: Path) -> None:
    assert Validator().validate(str(built / SOLUTION)) == {}
    failed = Validator().validate(str(built / RELEASE))["failed"]
    assert len(failed) == 3
    assert any("replace this line with your answer" in failure["raw_error"] for failure in failed)


def test_the_check_names_what_is_missing_stale_and_extra(built: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (built / RELEASE).unlink()
    change(built / SOLUTION, lambda notebook: notebook["cells"][1].update(source="import cmath"))
    for stray in (
        f"notebooks/{NAME}/notes.txt",
        f"solutions/{NAME}/copy.ipynb",
        "notebooks/02-old/02-old.ipynb",
    ):
        (built / stray).parent.mkdir(exist_ok=True)
        (built / stray).write_text("{}")
    told = check(built, capsys)
    assert f"missing {RELEASE}" in told
    assert f"stale   {SOLUTION}: Cell 2 (" in told
    for stray in (
        f"notebooks/{NAME}/notes.txt",
        f"solutions/{NAME}/copy.ipynb",
        "notebooks/02-old/02-old.ipynb",
    ):
        assert f"extra   {stray}: " in told


def test_the_check_sees_an_edited_release_and_a_changed_source(built: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change(built / RELEASE, lambda notebook: notebook["cells"][3].update(source="def double(x): return 2 * x"))
    assert f"stale   {RELEASE}: Cell 4 (answer-double) is not what the source gives" in check(built, capsys)
    write_lesson(built, lesson_text() + "\n# %%\nprint(math.pi)\n")
    assert f"stale   {SOLUTION}: It has 10 cells, the source gives 11" in check(built, capsys)


def test_the_check_before_the_first_build(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = check(root, capsys)
    assert f"missing {SOLUTION}" in told
    assert f"missing {RELEASE}" in told


def _print(text: str, name: str = "stdout") -> Callable[[dict[str, Any]], Any]:
    output = {"output_type": "stream", "name": name, "text": text}
    return lambda notebook: notebook["cells"][4].update(outputs=[output])


def _result(passed: bool) -> Callable[[dict[str, Any]], Any]:
    data = {"application/vnd.tlcourse.result+json": {"exercise": "double", "passed": passed, "findings": []}}
    output = {"output_type": "display_data", "data": data, "metadata": {}}
    return lambda notebook: notebook["cells"][4].update(outputs=[output])


UNPROVEN = {
    "an error": (
        lambda notebook: notebook["cells"][4].update(
            outputs=[{"output_type": "error", "ename": "ValueError", "evalue": "no", "traceback": []}]
        ),
        "the solution fails with ValueError: no",
    ),
    "a warning in a check": (_print("careful", "stderr"), "writes to stderr, which nbgrader scores as 0"),
    "a check that is not passed": (_result(passed=False), "the solution does not pass its own check"),
    "a folder of this machine": (_print(f"saved in {Path.home()}/x"), "a folder of this machine"),
    "an address in memory": (
        _print("<Line2D at 0x7f00aa00bb00>"),
        "an address in memory (at 0x7f00aa00bb00)",
    ),
    "part of it only": (
        lambda notebook: notebook["cells"][8].update(execution_count=None),
        "never executed to its end",
    ),
}


@pytest.mark.parametrize("case", UNPROVEN)
def test_stored_outputs_prove_that_the_solution_passes(
    built: Path, capsys: pytest.CaptureFixture[str], case: str
) -> None:
    edit, message = UNPROVEN[case]
    change(built / SOLUTION, edit)
    told = check(built, capsys)
    assert f"stale   {SOLUTION}" in told
    assert message in told


def test_a_solution_that_fails_leaves_the_old_files(built: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = write_lesson(built, lesson_text().replace("return 2 * x", "return 3 * x"))
    before = everything(built)
    assert main(["build", "--root", str(built)]) == 1
    assert f"{source}, cell 5: AssertionError" in capsys.readouterr().err
    assert everything(built) == before
    assert main(["build", "--check", "--execute", "--root", str(built)]) == 1
    assert f"fails   solutions/{NAME}/{NAME}.py: {source}, cell 5: AssertionError" in capsys.readouterr().out
    assert everything(built) == before


def test_executing_again_collapses_progress_bars_and_merges_streams(built: Path) -> None:
    bar = 'for step in range(3):\n    print(f"\\r{step + 1} of 3", end="", flush=True)'
    write_lesson(built, lesson_text().replace('print(f"tau is {2 * math.pi:.2f}")', bar))
    assert main(["build", "--execute", "--root", str(built)]) == 0
    outputs = json.loads((built / SOLUTION).read_text())["cells"][8]["outputs"]
    assert [output["text"] for output in outputs] == [["3 of 3"]]


def test_a_file_in_place_of_a_folder_is_a_clear_fault(built: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(built / "notebooks")
    (built / "notebooks").write_text("in the way")
    assert main(["build", "--root", str(built)]) == 1
    assert "a file stands where a folder is needed" in capsys.readouterr().err


def test_an_unknown_lesson_lists_the_lessons(built: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["build", "9", "--root", str(built)]) == 1
    told = capsys.readouterr().err
    assert "no lesson '9'" in told
    assert NAME in told
