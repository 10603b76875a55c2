"""What learners type: `check.NAME(answer)` and `hint("NAME")`, in a notebook and under nbgrader."""

from __future__ import annotations

import json
import sys
import warnings
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import tlcourse as tl
from tlcourse import storage
from tlcourse.checks import checker, progress, registry
from tlcourse.checks.checker import CheckFailed, UnknownExercise
from tlcourse.checks.result import MIME_TYPE
from tlcourse.errors import ExerciseError


def chance(n_classes: int) -> float:
    return 1 / n_classes


def percent(n_classes: int) -> float:
    return 100 / n_classes


def five_of_six() -> dict[str, bool]:
    return {"a": True, "b": False, "c": False, "d": True, "e": True, "f": True}


@pytest.fixture
def grading(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")


@pytest.fixture(autouse=True)
def learning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)


class TestNames:
    """Finding an exercise."""

    def test_an_unknown_name_is_answered_with_near_ones(self) -> None:
        with pytest.raises(UnknownExercise, match="no exercise called 'seed_intervall'") as caught:
            tl.check.seed_intervall  # noqa: B018
        assert "seed_interval" in caught.value.cure
        assert isinstance(caught.value, ExerciseError)

    def test_python_can_ask_for_it(self) -> None:
        assert hasattr(tl.check, "seed_interval") and not hasattr(tl.check, "nonsense")
        assert not hasattr(tl.check, "_repr_html_"), "IPython asks for such names"

    def test_completion_lists_the_exercises(self) -> None:
        assert dir(tl.check) == sorted(registry.exercises())
        assert "chance_accuracy" in repr(tl.check)

    def test_a_check_says_what_it_is(self) -> None:
        assert repr(tl.check.chance_accuracy) == "check.chance_accuracy(answer): What guessing gives, 1 points"
        assert "guess" in (tl.check.chance_accuracy.__doc__ or "")

    def test_the_exercises_of_a_lesson_are_in_order(self) -> None:
        names = [exercise.id for exercise in registry.of_lesson("01")]
        assert names[:2] == ["is_it_transfer", "seed_interval"] and registry.of_lesson("99") == []


class TestInANotebook:
    """For a learner."""

    def test_a_right_answer(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert tl.check.chance_accuracy(chance) is None
        assert capsys.readouterr().out.startswith("✓ chance_accuracy: passed, 1 of 1 point")

    def test_a_wrong_answer_is_shown_and_raised(self, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(CheckFailed) as caught:
            tl.check.chance_accuracy(percent)
        assert "✗ The answer is in percent" in capsys.readouterr().out
        lines = caught.value._render_traceback_()
        assert len(lines) == 1 and "\n" not in lines[0]
        assert lines[0] == "chance_accuracy: not yet. What to do stands above."
        assert caught.value.result.earned == 0

    def test_graders_read_the_message_itself(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("NBGRADER_EXECUTION", "validate")
        with pytest.raises(CheckFailed) as caught:
            tl.check.chance_accuracy(percent)
        assert caught.value._render_traceback_()[0].startswith("Not yet: chance_accuracy: 0 of 1 points. The answer is")

    def test_validate_tells_what_a_partly_right_answer_lacks(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("NBGRADER_EXECUTION", "validate")
        with pytest.raises(CheckFailed, match=r"2\.5 of 3 points"):
            tl.check.is_it_transfer(five_of_six)

    def test_a_partly_right_answer_has_not_passed(self) -> None:
        with pytest.raises(CheckFailed, match=r"2\.5 of 3 points"):
            tl.check.is_it_transfer(five_of_six)

    def test_a_right_answer_that_warns_writes_nothing_else(self, capfd: pytest.CaptureFixture[str]) -> None:
        def noisy(n_classes: int) -> float:
            warnings.warn("careful", UserWarning, stacklevel=1)
            print("thinking", file=sys.stderr)
            print("about", n_classes)
            return 1 / n_classes

        with warnings.catch_warnings():
            warnings.simplefilter("error")
            tl.check.chance_accuracy(noisy)
        captured = capfd.readouterr()
        assert captured.err == "" and "about" not in captured.out


class TestUnderNbgrader:
    """For a grader, who reads the value of the cell."""

    pytestmark = pytest.mark.usefixtures("grading")

    def test_full_marks(self) -> None:
        points = tl.check.chance_accuracy(chance)
        assert type(points) is float and points == 1.0

    def test_partial_marks(self) -> None:
        assert tl.check.is_it_transfer(five_of_six) == pytest.approx(2.5)

    def test_no_marks_is_an_error(self) -> None:
        with pytest.raises(CheckFailed):
            tl.check.chance_accuracy(percent)

    def test_the_graders_own_progress_stays_as_it_is(self) -> None:
        tl.check.chance_accuracy(chance)
        assert progress.load() == {} and not storage.state_dir().exists()


class TestProgress:
    """What a learner has reached is kept."""

    def test_tries_are_counted_and_the_best_is_kept(self) -> None:
        tl.check.chance_accuracy(chance)
        passed_at = progress.load()["chance_accuracy"]["passed_at"]
        for answer in (five_of_six, lambda: {}):
            with pytest.raises(CheckFailed):
                tl.check.is_it_transfer(answer)
        with pytest.raises(CheckFailed):
            tl.check.chance_accuracy(percent)
        kept = progress.load()
        assert all(entry.pop("started_at") <= passed_at + 60 for entry in kept.values())
        assert kept["chance_accuracy"] == {"points": 1, "tries": 2, "earned": 1, "passed_at": passed_at}
        assert kept["is_it_transfer"] == {"points": 3, "tries": 2, "earned": 2.5}

    @pytest.fixture
    def shown(self, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
        """What programs read of each result, as it would stand in a notebook's outputs."""
        found: list[dict[str, Any]] = []
        monkeypatch.setattr(
            checker, "_show", lambda bundle: found.append(bundle[MIME_TYPE]) if MIME_TYPE in bundle else None
        )
        return found

    def test_a_result_tells_how_often_it_was_tried_and_how_many_hints_were_open(self, shown: Any) -> None:
        with pytest.raises(CheckFailed):
            tl.check.chance_accuracy(percent)
        tl.hint("chance_accuracy")
        tl.check.chance_accuracy(chance)
        assert [(one["tries"], one["hints"]) for one in shown] == [(1, 0), (2, 1)]

    def test_a_result_tells_the_minutes_from_the_first_try_to_the_pass(
        self, shown: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for minute, answer in ((0, percent), (4.5, percent), (9, chance), (50, chance)):
            monkeypatch.setattr(progress, "time", SimpleNamespace(time=lambda now=60 * minute: 1e9 + now))
            with suppress(CheckFailed):
                tl.check.chance_accuracy(answer)
        assert [one["minutes"] for one in shown] == [0, 4, 9, 9]

    def test_a_lesson_run_for_a_book_is_nobodys_try(self, shown: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TLCOURSE_STATIC", "1")
        tl.check.chance_accuracy(chance)
        assert "tries" not in shown[0]

    @pytest.fixture
    def unwritable(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "file").write_text("not a folder")
        monkeypatch.setenv("TLCOURSE_STATE", str(tmp_path / "file"))

    def test_a_disk_that_refuses_costs_no_result(self, unwritable: None, capsys: pytest.CaptureFixture[str]) -> None:
        tl.check.chance_accuracy(chance)
        shown = capsys.readouterr().out
        assert "✓ chance_accuracy: passed" in shown and "Progress was not saved." in shown
        assert "TLCOURSE_STATE" in shown, "the note says what to do"

    def test_a_folder_in_its_place_costs_no_result(self, capsys: pytest.CaptureFixture[str]) -> None:
        (progress.path() / "inside").mkdir(parents=True)
        assert progress.load() == {}
        tl.check.chance_accuracy(chance)
        shown = capsys.readouterr().out
        assert "✓ chance_accuracy: passed" in shown and "a folder stands where a file is needed" in shown

    @pytest.mark.parametrize("damaged", ['{"chance_accuracy": {"tries"', "[1, 2]", '{"a": 1}', "\ufeff\x00"])
    def test_a_damaged_file_is_set_aside_not_lost(self, damaged: str) -> None:
        progress.path().parent.mkdir(parents=True)
        progress.path().write_text(damaged, encoding="utf-8")
        tl.check.chance_accuracy(chance)
        (aside,) = progress.path().parent.glob("progress.damaged-*.json")
        assert aside.read_text(encoding="utf-8") == damaged
        assert json.loads(progress.path().read_text())["chance_accuracy"]["tries"] == 1


class TestHints:
    """Opened one by one."""

    def test_each_call_opens_one_more(self, capsys: pytest.CaptureFixture[str]) -> None:
        hints = registry.get("chance_accuracy").hints
        for opened in (1, 2, 3, 3):
            tl.hint("chance_accuracy")
            shown = capsys.readouterr().out
            assert f"Hint {opened} of 3" in shown
            assert [text in shown for text in hints] == [number < opened for number in range(3)]

    def test_it_remembers_between_sessions(self, capsys: pytest.CaptureFixture[str]) -> None:
        progress.open_hint("chance_accuracy", 3)
        tl.hint("chance_accuracy")
        assert "Hint 2 of 3" in capsys.readouterr().out
        assert progress.load()["chance_accuracy"]["hints"] == 2

    def test_a_hint_costs_no_try(self) -> None:
        tl.hint("chance_accuracy")
        tl.check.chance_accuracy(chance)
        assert progress.load()["chance_accuracy"]["tries"] == 1
        assert progress.load()["chance_accuracy"]["hints"] == 1

    def test_where_nothing_can_be_remembered_all_are_shown(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "file").write_text("not a folder")
        monkeypatch.setenv("TLCOURSE_STATE", str(tmp_path / "file"))
        tl.hint("chance_accuracy")
        assert "Hint 3 of 3" in capsys.readouterr().out

    def test_an_unknown_exercise(self) -> None:
        with pytest.raises(ExerciseError, match="Did you mean chance_accuracy"):
            tl.hint("chance_acuracy")
