"""What can be seen of a batch while it runs."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from tlcourse.grading import live
from tlcourse.grading.verdicts import Question, Result, Verdict


def shown(dashboard: live.Dashboard) -> str:
    console = Console(file=io.StringIO(), width=120)
    console.print(dashboard)
    return console.file.getvalue()


def result(*verdicts: Verdict, notes: tuple[str, ...] = ()) -> Result:
    points = {Verdict.RIGHT: 1.0, Verdict.HAND: None}
    questions = [
        Question(f"q{place}", verdict, points.get(verdict, 0.0), 1.0) for place, verdict in enumerate(verdicts)
    ]
    return Result("01", tuple(questions), notes)


@pytest.fixture
def dashboard() -> live.Dashboard:
    """Two of four submissions are through; both workers are at work."""
    dashboard = live.Dashboard()
    dashboard.begin(total=4, left=4)
    dashboard.working("tcp://a", "cyd 01")
    dashboard.working("tcp://b", "dan 01")
    dashboard.through("ada 01", "2 of 2 points", [result(Verdict.RIGHT, Verdict.RIGHT)])
    dashboard.through("bob 01", "0 of 2 points", [result(Verdict.TIME, Verdict.WRONG, notes=("A cell was mended.",))])
    return dashboard


def test_how_far_it_is_and_how_it_goes(dashboard: live.Dashboard) -> None:
    told = shown(dashboard)
    assert "2/4" in told
    assert "left" in told
    assert "mean 50%  right 2  wrong 1  time 1" in told


def test_what_each_worker_does(dashboard: live.Dashboard) -> None:
    dashboard.working("tcp://a", "")
    told = [line.split() for line in shown(dashboard).splitlines()]
    assert ["worker", "1", "waits"] in told
    assert ["worker", "2", "dan", "01", "0", "s"] in told


def test_a_worker_that_is_gone_is_not_shown(dashboard: live.Dashboard) -> None:
    dashboard.working("tcp://a", None)
    assert "cyd" not in shown(dashboard)


def test_many_workers_are_counted(dashboard: live.Dashboard) -> None:
    for number in range(40):
        dashboard.working(f"tcp://w{number}", "somebody 01")
    assert "and 26 more" in shown(dashboard)


def test_the_last_notes_are_shown_as_they_were_written(dashboard: live.Dashboard) -> None:
    dashboard.through("[red]eve 01", "NOT GRADED: it is damaged")
    told = shown(dashboard)
    assert "bob 01: A cell was mended." in told
    assert "[red]eve 01: NOT GRADED: it is damaged" in told


@pytest.mark.parametrize(
    ("done", "of", "seconds", "told"),
    [
        (0, 10, 5, ""),
        (10, 10, 5, ""),
        (5, 10, 20, "about 20 s left"),
        (1, 21, 30, "about 10 min left"),
        (1, 1001, 36, "about 10.0 h left"),
    ],
)
def test_the_time_left_is_told_in_words(done: int, of: int, seconds: float, told: str) -> None:
    assert live.time_left(done, of, seconds) == told


def test_a_pipe_gets_plain_lines(capsys: pytest.CaptureFixture[str]) -> None:
    with live.display(Console(file=io.StringIO())) as display:
        display.begin(total=2, left=1)
        display.working("tcp://a", "ada 01")
        display.through("ada 01", "2 of 2 points", [result(Verdict.RIGHT)])
    assert capsys.readouterr().out == "[1/2] ada 01: 2 of 2 points\n"


def test_a_terminal_gets_a_live_table() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    with live.display(console) as display:
        display.begin(total=2, left=2)
        display.through("ada 01", "2 of 2 points", [result(Verdict.RIGHT)])
    assert "1/2" in console.file.getvalue()
