"""The book's page of results: what was stored because it takes too long for a lesson, and how to make it again."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from tlcourse.authoring.course import Lesson

_RUNS = 3  # from which number of runs on a list is a result with an interval
_HEAD = """\
# Results

Nearly every figure of this book was computed when its lesson was executed: open the lesson with `make learn` and run
it. What takes too long for that was computed once, and its numbers ship with the package. They stand here, each with
the command that makes it again in a checkout of the course. Means are over runs with different seeds, unless
the text says otherwise, with 95 % intervals.
"""
_APART = {"seed", "seconds", "accuracy"}


def page(lessons: Sequence[Lesson]) -> str:
    """The page, in the order of the lessons that use the results."""
    from tlcourse.measure import stored_results

    users = {path.stem: _users(lessons, path.stem) for path in stored_results.FOLDER.glob("*.json")}
    names = sorted(users, key=lambda name: ([lesson.number for lesson in users[name]], name))
    return "\n".join([_HEAD, *(_section(name, users[name], stored_results.stored(name)) for name in names)])


def _users(lessons: Sequence[Lesson], name: str) -> list[Lesson]:
    asked = re.compile(rf"stored\(\"{re.escape(name)}\"\)")
    return [lesson for lesson in lessons if asked.search(lesson.source.read_text(encoding="utf-8"))]


def _section(name: str, users: Sequence[Lesson], result: Any) -> str:
    links = " and ".join(f"[lesson {lesson.number}](lessons/{lesson.name}.ipynb)" for lesson in users)
    title = name.replace("_", " ").capitalize()
    lines = [f"## {title}", "", f"{result.about} Used in {links}." if links else result.about, ""]
    lines += [f"Made on {', '.join(result.made.values())}. To make it again:", "", "```", result.command, "```", ""]
    if rows := list(_rows(result.figures)):
        lines += ["<details><summary>The numbers</summary>", "", "| result | mean | 95 % interval | runs |"]
        lines += ["|---|--:|--:|--:|", *rows, "", "</details>", ""]
    return "\n".join(lines)


def _rows(figures: dict[str, Any]) -> Iterator[str]:
    """Each result that has several runs, as a row of a table."""
    from tlcourse.measure.intervals import mean_interval

    found = list(_runs(figures, ()))
    # A list of another length is no list of runs: shares along a path, say.
    usual = Counter(len(runs) for _, runs in found).most_common(1)
    for path, runs in found:
        if len(runs) == usual[0][0] >= _RUNS:
            mean = mean_interval(runs)
            name = ", ".join(path).replace("|", "/")
            yield f"| {name} | {mean.mean:.3g} | {mean.low:.3g} to {mean.high:.3g} | {len(runs)} |"


def _runs(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], list[float]]]:
    """The lists of numbers in stored figures, each with the names that lead to it."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _runs(inner, (*path, str(key)))
    elif isinstance(value, list) and value and all(isinstance(one, dict) for one in value):
        yield from _runs_of_rows(value, path)
    elif isinstance(value, list) and value and all(type(one) in (int, float) for one in value):
        yield path, value


def _runs_of_rows(rows: list[dict[str, Any]], path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], list[float]]]:
    """The same in a table: rows that differ in their seed are one result, any other row is a result of its own."""
    together: dict[tuple[str, ...], list[float]] = defaultdict(list)
    for row in rows:
        scalars = {key: one for key, one in row.items() if not isinstance(one, list | dict)}
        if {"seed", "accuracy"} <= set(row):
            named = (
                f"{one}" if isinstance(one, str) else f"{key} {one}"
                for key, one in scalars.items()
                if key not in _APART
            )
            together[(*path, *named)].append(row["accuracy"])
        else:
            label = tuple(one for one in scalars.values() if isinstance(one, str))
            yield from _runs({key: one for key, one in row.items() if isinstance(one, list)}, (*path, *label))
    yield from together.items()
