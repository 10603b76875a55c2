"""What the instructor is told about a mended submission: one sentence for each kind of change, naming the cells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tlcourse.grading import worth
from tlcourse.grading.matching import Matching, Wanted, is_locked
from tlcourse.grading.reading import Cell, label

_NAMED = 5  # things of the learner's that a note names
_PLURALS = {"was": "were", "is": "are", "its": "their", "it": "them", "it_says": "they say", "it_stands": "they stand"}


def on_matches(cells: Sequence[Cell], lesson: Sequence[Wanted], matching: Matching) -> Iterator[str]:
    """Notes on the cells that were found, and on marks of cells that the lesson does not have."""
    pairs = [(one, cells[matching.found[one.place]]) for one in lesson if one.marked and one.place in matching.found]
    unmarked = [one for one, cell in pairs if cell.grade_id != one.grade_id]
    guessed = [one for one in unmarked if one.answer and one.place in matching.by_text | matching.by_place]
    yield from _note(
        "{} had lost nbgrader's mark and {was} found again.", [one for one in unmarked if one not in guessed]
    )
    for found, clue in ((matching.by_text, "what {it_says}"), (matching.by_place, "where {it_stands}")):
        cells_too = {one.grade_id: f" (cell {matching.found[one.place] + 1})" for one in guessed if one.place in found}
        text = "{} had lost nbgrader's mark and {was} found by " + clue + "."
        yield from _note(text, [one for one in guessed if one.place in found], cells_too)
    for one in lesson:
        if one.marked and (copies := matching.copies.get(one.place)):
            yield from _on_copies(one, copies, cells)
    for one, cell in pairs:
        if cell.kind != one.kind:
            yield f"{one.grade_id} had become a {cell.kind} cell and is a {one.kind} cell again."
    altered = [one for one, cell in pairs if cell.grade_id == one.grade_id and _is_altered(cell.marks, one)]
    yield from _note("nbgrader's settings of {} had been changed and are as released again.", altered)
    rewritten = [one for one, cell in pairs if one.locked and not one.says(cell.source)]
    yield from _note("The text of {} had been changed and is as released again.", rewritten)
    yield from _on_strangers(cells, lesson)


def on_order(moved: Sequence[Wanted], restored: Sequence[Wanted], missing: Sequence[Wanted]) -> Iterator[str]:
    """Notes on cells that stood elsewhere, on locked ones that were deleted, and on answers that are gone."""
    yield from _note("{} stood elsewhere than in the lesson and {was} put in {its} place.", moved)
    yield from _note("{} had been deleted and {was} put back.", restored)
    yield from _note("{} {is} missing in what was handed in.", missing)


def _on_copies(one: Wanted, copies: Sequence[int], cells: Sequence[Cell]) -> Iterator[str]:
    own = [str(place + 1) for place in copies if not one.says(cells[place].source)]
    if len(own) < len(copies):
        yield f"{one.grade_id} was there more than once: copies that the learner had not changed were left out."
    if own:
        yield f"{one.grade_id} was there more than once: what differs stays as ordinary cells ({_some(own)})."


def _on_strangers(cells: Sequence[Cell], lesson: Sequence[Wanted]) -> Iterator[str]:
    if names := strangers(cells, lesson):
        yield f"Marks that the lesson does not have were taken off and gain no points: {names}."


def strangers(cells: Sequence[Cell], lesson: Sequence[Wanted]) -> str:
    """The marks in a submission that the lesson does not have, as a list to print; empty if there is none."""
    known = {one.grade_id for one in lesson}
    strange = [label(cell.grade_id) for cell in cells if cell.grade_id not in known and any(_meaning(cell.marks)[:4])]
    return _some(strange)


def _is_altered(marks: dict[str, Any], one: Wanted) -> bool:
    """Whether marks mean something else than the lesson's; where an instructor changed points, old ones do not."""
    parts = -1 if worth.OURS in one.cell["metadata"] else None
    return _meaning(marks)[:parts] != _meaning(one.marks)[:parts]


def _meaning(marks: dict[str, Any]) -> tuple[object, ...]:
    """What nbgrader does with a cell of this metadata, in whatever version of its schema."""
    grade, task = bool(marks.get("grade")), bool(marks.get("task"))
    points = marks.get("points") if grade or task else None
    try:
        worth = float(points or 0)
    except (TypeError, ValueError):
        worth = -1.0
    return grade, bool(marks.get("solution")), is_locked(marks), task, worth


def _note(text: str, cells: Sequence[Wanted], after: Mapping[str, str] | None = None) -> Iterator[str]:
    """One sentence on some cells, in the singular or plural; `after` stands behind their names."""
    if not cells:
        return
    many = len(cells) > 1
    forms = {one: plural if many else one.replace("_", " ") for one, plural in _PLURALS.items()}
    names = [one.grade_id + (after or {}).get(one.grade_id, "") for one in cells]
    listed = " and ".join([", ".join(names[:-1]), names[-1]] if many else names)
    yield text.format(listed, **forms)


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
