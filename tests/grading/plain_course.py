"""A plain nbgrader course with every kind of cell, two notebooks and a data file, and what learners hand in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from nbgrader.utils import determine_grade, is_grade

from tlcourse.grading.nbgrading import Course, user_config
from tlcourse.grading.verdicts import Question, Result, Verdict

LESSON, FIRST, SECOND = "ps1", "p1", "p2"
DUE = "2026-10-01 12:00:00"

_CONFIG = """\
c = get_config()
c.CourseDirectory.course_id = "plain"
c.LateSubmissionPlugin.penalty_method = "zero"
c.LimitOutput.max_lines = 5
"""

_HIDDEN = "assert double(4) == 8\n### BEGIN HIDDEN TESTS\nassert double(-75) == -150\n### END HIDDEN TESTS"


def make(folder: Path, db_url: str = "", *, more: str = "", kernel: str = "python3") -> Course:
    """Write a course, with more lines in its configuration, and release its one assignment."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "nbgrader_config.py").write_text(_CONFIG + more)
    source = folder / "source" / LESSON
    source.mkdir(parents=True, exist_ok=True)
    (source / "data.csv").write_text("1,2,3\n")
    _write(source / f"{FIRST}.ipynb", _first("### BEGIN SOLUTION\n    return 2 * x\n    ### END SOLUTION", kernel))
    _write(source / f"{SECOND}.ipynb", _second("### BEGIN SOLUTION\nhalf = 21\n### END SOLUTION", kernel))
    course = Course(folder, user_config(folder), db_url)
    outcome = course.release(LESSON, into_gradebook=True)
    assert outcome.ok, outcome.log
    with course.gradebook() as gradebook:
        gradebook.update_or_create_assignment(LESSON, duedate=DUE)
    return course


def hand_in(course: Course, student: str, answers: dict[str, str], *, second: bool = True, at: str = "") -> Path:
    """Answer the released notebooks as a learner and hand them in; returns the folder."""
    folder = course.folder("submitted", student, LESSON)
    folder.mkdir(parents=True)
    for name in (FIRST, SECOND) if second else (FIRST,):
        notebook = nbformat.read(course.folder("release", ".", LESSON) / f"{name}.ipynb", 4)
        for cell in notebook.cells:
            cell.source = answers.get(cell.metadata.get("nbgrader", {}).get("grade_id", ""), cell.source)
        nbformat.write(notebook, folder / f"{name}.ipynb")
    (folder / "data.csv").write_text("mine\n")
    (folder / "notes").mkdir()
    (folder / "notes" / "own.txt").write_text(f"{student} was here\n")
    if at:
        (folder / "timestamp.txt").write_text(at)
    return folder


def results(course: Course, student: str) -> list[Result]:
    """Results that say what nbgrader found in a learner's notebooks."""
    notebooks = sorted(course.folder("autograded", student, LESSON).glob("*.ipynb"))
    return [_result(path) for path in notebooks]


def rows(course: Course) -> dict[str, list[dict[str, Any]]]:
    """Everything that a gradebook says about what was handed in, without the rows' own ids."""
    with course.gradebook() as gradebook:
        submissions = [one for one in gradebook.assignment_submissions(LESSON)]
        notebooks = [notebook for one in submissions for notebook in one.notebooks]
        grades = [grade for notebook in notebooks for grade in notebook.grades]
        comments = [comment for notebook in notebooks for comment in notebook.comments]
        return {
            "students": _plain(gradebook.students),
            "submissions": _plain(submissions),
            "penalties": _plain(notebooks, late_submission_penalty=lambda row: row.late_submission_penalty),
            "grades": _plain(grades, score=lambda row: row.score),
            "comments": _plain(comments),
        }


def files(course: Course) -> dict[str, tuple[int, str]]:
    """The graded files: permissions and content by path."""
    place = course.root / "autograded"
    paths = [path for path in sorted(place.rglob("*")) if path.is_file()]
    return {str(path.relative_to(place)): (path.stat().st_mode, path.read_text()) for path in paths}


def _plain(found: Any, **more: Any) -> list[dict[str, Any]]:
    described = [row.to_dict() | {name: value(row) for name, value in more.items()} for row in found]
    return sorted(({k: v for k, v in row.items() if k != "id"} for row in described), key=json.dumps)


def _result(path: Path) -> Result:
    notebook = nbformat.read(path, 4)
    graded = [cell for cell in notebook.cells if is_grade(cell)]
    return Result(path.stem, tuple(map(_question, graded)), notebook=json.loads(path.read_text()))


def _question(cell: Any) -> Question:
    points, most = determine_grade(cell)
    verdict = Verdict.HAND if points is None else Verdict.RIGHT if points == most else Verdict.WRONG
    return Question(cell.metadata.nbgrader["grade_id"], verdict, points, most)


def _first(answer: str, kernel: str) -> Any:
    return _notebook(
        kernel,
        new_markdown_cell("# Doubling"),
        _marked(new_code_cell(f"def double(x):\n    {answer}"), "double", solution=True),
        _marked(new_code_cell("print('\\n'.join(map(str, range(20))))\n" + _HIDDEN), "test", points=2),
        _marked(new_code_cell("assert open('data.csv').read() == '1,2,3\\n'"), "data", points=1),
        _marked(new_markdown_cell("Why?"), "why", solution=True, points=3),
        _marked(new_code_cell("# Draw it."), "drawing", solution=True, points=4),
        _marked(new_markdown_cell("Walk around the house."), "walk", task=True, points=5),
    )


def _second(answer: str, kernel: str) -> Any:
    return _notebook(
        kernel,
        _marked(new_code_cell(answer), "half", solution=True),
        _marked(new_code_cell("0.5 if half == 21 else 0.0"), "partial", points=1),
    )


def _notebook(kernel: str, *cells: Any) -> Any:
    spec = {"display_name": kernel, "language": "python", "name": kernel}
    for place, cell in enumerate(cells):
        cell["id"] = f"cell-{place}"
    return new_notebook(cells=list(cells), metadata={"kernelspec": spec} if kernel else {})


def _marked(cell: Any, name: str, *, solution: bool = False, task: bool = False, points: float | None = None) -> Any:
    grade = points is not None and not task
    marks = {"grade": grade, "grade_id": name, "locked": not solution, "schema_version": 3}
    marks |= {"solution": solution, "task": task} | ({} if points is None else {"points": points})
    cell.metadata["nbgrader"] = marks
    return cell


def _write(path: Path, notebook: Any) -> None:
    nbformat.write(notebook, path)
