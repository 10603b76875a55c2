"""`tlcourse report`: what an instructor reads of a class, and what a report must never do."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import stand_in
from grading_kit import FIRST, PARTIAL, RIGHT, SECOND, WRONG, hand_in

from tlcourse.checks.result import MIME_TYPE
from tlcourse.cli import main
from tlcourse.grading import tasks

pytestmark = pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")

HALF = {"double": RIGHT["double"], "primes": WRONG["primes"]}
NONE: dict[str, str] = {}
# Who is strong in one exercise is strong in the other, but for two.
ANSWERS = [RIGHT] * 5 + [HALF] * 2 + [WRONG] * 4 + [NONE]


@dataclass(frozen=True)
class Written:
    """A report: what it printed, its page and its table."""

    out: str
    page: str
    rows: list[dict[str, str]]

    def row(self, exercise: str) -> dict[str, str]:
        return next(row for row in self.rows if row["exercise"] == exercise)


@pytest.fixture(scope="module")
def graded(fresh_class: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve learners of the first lesson, one of them of the second too; three notebooks tell of tries."""
    room = Path(shutil.copytree(fresh_class, tmp_path_factory.mktemp("desk") / "autumn"))
    for number, answers in enumerate(ANSWERS):
        student = f"student{number:02}"
        notebook = hand_in(room, room / "submitted" / student / FIRST / f"{FIRST}.ipynb", answers)
        if number < 3:
            told = {"tries": 2 + number, "hints": number, "minutes": 10 * number}
            show_result(notebook, {"exercise": "double", **told})
    hand_in(room, room / "submitted" / "student00" / SECOND / f"{SECOND}.ipynb", RIGHT, SECOND)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tasks, "ENGINE", stand_in.ENGINE)
        patch.syspath_prepend(str(Path(__file__).parent))
        assert main(["grade", str(room), "--workers", "1"]) == 0
    return room


def show_result(notebook: Path, shown: Any) -> None:
    """Leave a check's result in a notebook, as a front end saves it."""
    content = json.loads(notebook.read_text())
    cell = next(cell for cell in content["cells"] if cell["cell_type"] == "code")
    cell["outputs"] = [{"output_type": "display_data", "data": {MIME_TYPE: shown}, "metadata": {}}]
    notebook.write_text(json.dumps(content))


def report(room: Path, folder: Path, capsys: pytest.CaptureFixture[str], *options: str) -> Written:
    page, table = folder / "class.html", folder / "class.csv"
    assert main(["report", str(room), "--html", str(page), *options]) == 0
    with table.open(newline="") as file:
        return Written(capsys.readouterr().out, page.read_text(), list(csv.DictReader(file)))


def text(page: str) -> str:
    """What a reader sees of a page."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.partition("<body>")[2]))


def test_difficulty_is_the_mean_share_with_its_interval(graded: Path, tmp_path: Path, capsys: Any) -> None:
    double = report(graded, tmp_path, capsys).row("double")
    assert float(double["mean_share"]) == pytest.approx(7 / 12, abs=1e-4)
    assert float(double["mean_low"]) < 7 / 12 < float(double["mean_high"])
    assert (double["full_marks"], double["learners"]) == ("7", "12")


def test_discrimination_is_the_correlation_with_the_rest_of_the_lesson(
    graded: Path, tmp_path: Path, capsys: Any
) -> None:
    # By hand, with x of 7 ones among 12 and y of 5 twos: the phi coefficient of the 2 x 2 table.
    phi = (5 * 5 - 2 * 0) / (7 * 5 * 5 * 7) ** 0.5
    assert float(report(graded, tmp_path, capsys).row("double")["discrimination"]) == pytest.approx(phi, abs=1e-4)


def test_too_few_learners_have_no_discrimination(graded: Path, tmp_path: Path, capsys: Any) -> None:
    half = report(graded, tmp_path, capsys).row("half")
    assert (half["discrimination"], half["mean_low"], half["learners"]) == ("", "", "1")


def test_the_commonest_mistakes_come_first_with_their_numbers(graded: Path, tmp_path: Path, capsys: Any) -> None:
    assert "7 of 12 Not yet. not-yet" in text(report(graded, tmp_path, capsys).page)


def test_what_waits_for_a_person_is_no_mistake(graded: Path, tmp_path: Path, capsys: Any) -> None:
    why = report(graded, tmp_path, capsys).row("why")
    assert (why["waiting_for_a_person"], why["finding"]) == ("12", "")


def test_tries_minutes_and_hints_come_from_the_notebooks_that_tell(graded: Path, tmp_path: Path, capsys: Any) -> None:
    written = report(graded, tmp_path, capsys)
    double, primes = written.row("double"), written.row("primes")
    assert (float(double["median_tries"]), float(double["share_with_hints"])) == (3, pytest.approx(2 / 3, abs=1e-3))
    assert float(double["median_minutes"]) == 10
    assert (primes["median_tries"], primes["median_minutes"]) == ("", "")


@pytest.mark.parametrize(
    "shown",
    [
        {"exercise": "double", "tries": "often", "hints": 0},
        {"exercise": "double", "tries": True, "hints": 0},
        {"exercise": "double", "tries": 10**12, "hints": 0},
        {"exercise": ["double"], "tries": 1, "hints": 0},
        ["no result"],
    ],
)
def test_what_no_check_wrote_tells_nothing(
    room: Path, tmp_path: Path, capsys: Any, monkeypatch: Any, shown: Any
) -> None:
    notebook = hand_in(room, room / "submitted" / "eve" / FIRST / f"{FIRST}.ipynb", WRONG)
    show_result(notebook, shown)
    monkeypatch.setattr(tasks, "ENGINE", stand_in.ENGINE)
    assert main(["grade", str(room)]) == 0
    assert report(room, tmp_path, capsys).row("double")["median_tries"] == ""


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_called_as_a_notebook_is_not_waited_for(
    room: Path, tmp_path: Path, capsys: Any, monkeypatch: Any
) -> None:
    notebook = hand_in(room, room / "submitted" / "eve" / FIRST / f"{FIRST}.ipynb", WRONG)
    os.mkfifo(notebook.with_name("x.ipynb"))
    monkeypatch.setattr(tasks, "ENGINE", stand_in.ENGINE)
    assert main(["grade", str(room)]) == 0
    assert report(room, tmp_path, capsys).row("double")["median_tries"] == ""


def test_each_learner_has_a_part_that_leads_to_what_went_wrong(graded: Path, tmp_path: Path, capsys: Any) -> None:
    page = report(graded, tmp_path, capsys).page
    part = page.partition('<h3 id="p6">student05</h3>')[2].partition("<h3")[0]
    (target,) = re.findall(r'primes: 0 of 2: <a href="#(\w+)">not-yet', part)
    assert f'<li id="{target}"><b>7 of 12</b>' in page


def test_the_top_says_what_the_class_did_not_understand(graded: Path, tmp_path: Path, capsys: Any) -> None:
    top = text(report(graded, tmp_path, capsys).page.partition("<nav")[0])
    assert "What the class did not understand 7 of 12 were told in primes (01-first-steps): Not yet. 5 of 12" in top


def test_a_class_that_made_no_mistake_is_told_so(room: Path, tmp_path: Path, capsys: Any, monkeypatch: Any) -> None:
    hand_in(room, room / "submitted" / "ada" / FIRST / f"{FIRST}.ipynb", RIGHT)
    monkeypatch.setattr(tasks, "ENGINE", stand_in.ENGINE)
    assert main(["grade", str(room)]) == 0
    assert "Nothing stands out" in text(report(room, tmp_path, capsys).page)


def test_a_learner_s_own_page_has_nobody_else_s_part(graded: Path, tmp_path: Path, capsys: Any) -> None:
    report(graded, tmp_path, capsys, "--learners", str(tmp_path / "pages"))
    assert len(list((tmp_path / "pages").glob("*.html"))) == len(ANSWERS)
    page = (tmp_path / "pages" / "student05.html").read_text()
    assert f"{FIRST}: 1 of 6 points" in text(page)
    assert "double : 1 of 1 primes : 0 of 2 Not yet. why : not graded yet" in text(page)
    assert "student0" not in page.replace("student05", "")
    assert not re.findall(r"<script|<link|src=|url\(|@import|https?:", page)


def test_pages_for_learners_need_their_names(graded: Path, tmp_path: Path, capsys: Any) -> None:
    assert main(["report", str(graded), "--anonymous", "--learners", str(tmp_path)]) == 1
    assert "needs the learner's name" in capsys.readouterr().err


def test_every_link_on_the_page_has_its_target(graded: Path, tmp_path: Path, capsys: Any) -> None:
    page = report(graded, tmp_path, capsys).page
    assert set(re.findall(r'href="#(\w+)"', page)) <= set(re.findall(r'id="(\w+)"', page))


def test_an_anonymous_report_names_nobody(graded: Path, tmp_path: Path, capsys: Any) -> None:
    written = report(graded, tmp_path, capsys, "--anonymous")
    assert "student0" not in written.page
    assert "learner 12" in written.page
    assert written.row("double")["full_marks"] == "7"


def test_one_lesson_alone(graded: Path, tmp_path: Path, capsys: Any) -> None:
    assert {row["lesson"] for row in report(graded, tmp_path, capsys, "--lesson", "2").rows} == {SECOND}


def test_the_page_needs_nothing_from_elsewhere(graded: Path, tmp_path: Path, capsys: Any) -> None:
    page = report(graded, tmp_path, capsys).page
    assert not re.findall(r"<script|<link|src=|url\(|@import|https?:", page)
    assert len(page.encode()) < 1_000_000


def test_a_name_that_is_markup_or_a_formula_stays_text(
    room: Path, tmp_path: Path, capsys: Any, monkeypatch: Any
) -> None:
    student = "=<b>Bobby<b>"
    hand_in(room, room / "submitted" / student / FIRST / f"{FIRST}.ipynb", PARTIAL)
    monkeypatch.setattr(tasks, "ENGINE", stand_in.ENGINE)
    assert main(["grade", str(room)]) == 0
    page = report(room, tmp_path, capsys).page
    assert "=&lt;b&gt;Bobby&lt;b&gt;" in page
    assert "<b>Bobby" not in page


def test_an_error_is_told_by_its_type(room: Path, tmp_path: Path, capsys: Any) -> None:
    answers = {"double": "def double(x):\n    return x + `1`", "primes": "primes = [prime(1), 3]"}
    hand_in(room, room / "submitted" / "dora" / FIRST / f"{FIRST}.ipynb", answers)
    assert main(["grade", str(room)]) == 0
    primes = report(room, tmp_path, capsys).row("primes")
    assert (primes["finding"], primes["finding_message"]) == ("NameError", "NameError: name 'primes' is not defined")


def test_nothing_graded_yet(room: Path, capsys: Any) -> None:
    assert main(["report", str(room)]) == 1
    assert "Nothing has been graded" in capsys.readouterr().err


def test_no_such_lesson(graded: Path, capsys: Any) -> None:
    assert main(["report", str(graded), "--lesson", "9"]) == 1
    assert f"Graded are: {FIRST}, {SECOND}." in capsys.readouterr().err


def test_no_class(tmp_path: Path, capsys: Any) -> None:
    assert main(["report", str(tmp_path)]) == 1
    assert "is no class" in capsys.readouterr().err


def test_a_disk_that_refuses_is_told(graded: Path, tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "there").write_text("a file, not a folder")
    assert main(["report", str(graded), "--html", str(tmp_path / "there" / "class.html")]) == 1
    assert "a file stands where a folder" in capsys.readouterr().err
