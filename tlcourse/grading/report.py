"""A batch's results for a person (tables) and for a program (CSV, JSON)."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tlcourse import storage
from tlcourse.grading.batch import Batch
from tlcourse.grading.results import UNUSUAL, LessonResults, Score

COLUMNS = (
    "learner",
    "lesson",
    "exercise",
    "score",
    "max_score",
    "verdict",
    "needs_hand",
    "finding_codes",
    "finding_messages",
)
# In a pipe there is no width to respect, and a table that is cut helps nobody.
_WIDE = 240
# Nobody reads more on a screen.
_MOST_LEARNERS = 300
_MOST_LINES = 100


def show(batch: Batch) -> None:
    """Print a batch: a table a lesson, its exercises, the totals, the notes, then what was not graded."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDE)
    for lesson in batch.lessons:
        if len(lesson.scores) <= _MOST_LEARNERS:
            console.print(_learners(lesson))
        else:
            console.print(Text(f"\n{lesson.lesson}: {len(lesson.scores)} learners; --csv FILE lists them.\n"))
        console.print(_exercises(lesson))
    if len(batch.lessons) > 1 and max(len(lesson.scores) for lesson in batch.lessons) <= _MOST_LEARNERS:
        console.print(_totals(batch.lessons))
    _print_lines(console, [f"Note: {note}" for note in batch.notes])
    if batch.not_graded:
        console.print(Text(f"\nNot graded: {len(batch.not_graded)}", style="bold red"))
    _print_lines(console, [f"  {item.name}: {item.fault}. {item.cure}." for item in batch.not_graded])


def _print_lines(console: Console, lines: Sequence[str]) -> None:
    for line in lines[:_MOST_LINES]:
        console.print(Text(line))
    if len(lines) > _MOST_LINES:
        console.print(Text(f"... and {len(lines) - _MOST_LINES} more; --json FILE lists them."))


def write_csv(path: Path, results: Sequence[LessonResults]) -> None:
    """Write one row for each learner and exercise (see `COLUMNS`); a StorageError says why not."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    for lesson in results:
        for student, scores in lesson.scores.items():
            for exercise, score in scores.items():
                writer.writerow(_row(student, lesson.lesson, exercise, score))
    storage.write_text(path, buffer.getvalue())


def write_json(path: Path, batch: Batch) -> None:
    """Write the whole batch as one JSON object; a StorageError says why not."""
    content = {
        "course": batch.course.directory.course_id,
        "lessons": [_lesson_object(lesson) for lesson in batch.lessons],
        "not_graded": [vars(item) for item in batch.not_graded],
        "notes": batch.notes,
    }
    storage.write_text(path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def _learners(lesson: LessonResults) -> Table:
    table = Table(title=Text(lesson.lesson, style="bold"), title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("Learner", style="bold", no_wrap=True)
    for exercise, most in lesson.most.items():
        table.add_column(Text(f"{exercise}\nof {most:g}"), justify="right", overflow="fold")
    most_of_all = sum(lesson.most.values())
    table.add_column(Text(f"Total\nof {most_of_all:g}"), justify="right", style="bold")
    for student, scores in lesson.scores.items():
        cells = [_points(scores[exercise]) for exercise in lesson.most]
        table.add_row(Text(student), *cells, f"{lesson.total(student):g}")
    if any(score.needs_hand for scores in lesson.scores.values() for score in scores.values()):
        table.caption = "? is yet to be graded by hand, in nbgrader's formgrader"
        table.caption_justify = "left"
    return table


def _points(score: Score) -> Text:
    verdict = f" {score.verdict}" if score.verdict in UNUSUAL else ""
    if score.needs_hand:
        return Text(f"{score.earned:g}?{verdict}", style="cyan")
    colour = "green" if score.earned >= score.most else "red" if score.earned == 0 else "yellow"
    return Text(f"{score.earned:g}{verdict}", style=colour)


def _exercises(lesson: LessonResults) -> Table:
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("Exercise", style="bold", no_wrap=True)
    table.add_column("Mean", justify="right")
    table.add_column("Full marks", justify="right")
    table.add_column("Found most often", overflow="fold")
    for exercise, most in lesson.most.items():
        scores = [scores[exercise] for scores in lesson.scores.values()]
        full = sum(score.earned >= score.most for score in scores)
        common = Counter(_reasons(scores)).most_common(1)
        often = Text(f"{common[0][0]} ({common[0][1]})" if common else "")
        table.add_row(Text(exercise), f"{lesson.mean(exercise):.2f} of {most:g}", f"{full} of {len(scores)}", often)
    return table


def _reasons(scores: Sequence[Score]) -> Iterator[str]:
    """Why points are missing, one reason for each finding or unusual end."""
    for score in scores:
        yield from (finding.code for finding in score.findings)
        if score.verdict in UNUSUAL:
            yield str(score.verdict)


def _totals(results: Sequence[LessonResults]) -> Table:
    table = Table(title=Text("All lessons", style="bold"), title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("Learner", style="bold", no_wrap=True)
    for lesson in results:
        table.add_column(Text(f"{lesson.lesson}\nof {sum(lesson.most.values()):g}"), justify="right", overflow="fold")
    table.add_column("Total", justify="right", style="bold")
    students = sorted({student for lesson in results for student in lesson.scores}, key=str.casefold)
    for student in students:
        totals = [lesson.total(student) if student in lesson.scores else None for lesson in results]
        cells = ["–" if total is None else f"{total:g}" for total in totals]
        table.add_row(Text(student), *cells, f"{sum(total or 0 for total in totals):g}")
    return table


def _row(student: str, lesson: str, exercise: str, score: Score) -> list[Any]:
    codes = "; ".join(finding.code for finding in score.findings)
    messages = "; ".join(finding.message for finding in score.findings)
    texts = [inert(text) for text in (student, lesson, exercise)]
    points = [f"{score.earned:g}", f"{score.most:g}", str(score.verdict), "yes" if score.needs_hand else "no"]
    return [*texts, *points, inert(codes), inert(messages)]


def inert(text: str) -> str:
    """A text that no spreadsheet takes for a formula: learners choose names, and messages may quote their code."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _lesson_object(lesson: LessonResults) -> dict[str, Any]:
    means = {exercise: lesson.mean(exercise) for exercise in lesson.most}
    return {
        "lesson": lesson.lesson,
        "exercises": [{"id": name, "points": most, "mean": means[name]} for name, most in lesson.most.items()],
        "learners": [
            {
                "learner": student,
                "total": lesson.total(student),
                "exercises": [_score_object(name, score) for name, score in scores.items()],
            }
            for student, scores in lesson.scores.items()
        ],
    }


def _score_object(exercise: str, score: Score) -> dict[str, Any]:
    return {
        "id": exercise,
        "score": score.earned,
        "max_score": score.most,
        "verdict": str(score.verdict),
        "needs_hand": score.needs_hand,
        "findings": [{"code": finding.code, "message": finding.message} for finding in score.findings],
    }
