"""Making any submission gradable: its cells matched to the lesson's, the grader's own cells put in their place.

What comes out has the lesson's marks and locked cells whatever was handed in; what the learner wrote, and the order
in which it stands, is changed only where it must be, and each change is told in a note.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tlcourse.errors import NotebookError
from tlcourse.grading import mending_notes
from tlcourse.grading.matching import Matching, Wanted, kinship, match, wanted_cells
from tlcourse.grading.ordering import Slot, in_order, insert
from tlcourse.grading.reading import AGAIN, Cell, read
from tlcourse.grading.release import Release

_FRESH = "Ask for the answers in a fresh copy of the lesson's notebook"
_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")


@dataclass(frozen=True)
class Mended:
    """A submission that can be graded.

    Args:
        notebook: valid nbformat 4.5 as a dict, without outputs. The lesson's cells have its marks (nbgrader's schema
            3), locked ones its source, hidden tests included; the learner's own cells stand where they stood.
        notes: what was mended, one sentence each, for the instructor; empty for an honest submission.
        missing: the answers that the learner deleted, by `grade_id`, in the lesson's order.
    """

    notebook: dict[str, Any] = field(repr=False)
    notes: tuple[str, ...]
    missing: tuple[str, ...]


def mend(data: bytes | dict[str, Any], release: Release, others: Iterable[Release] = ()) -> Mended:
    """Match a submission to its lesson and mend what can be mended. Nothing given is changed.

    Args:
        data: the file's content, or the notebook as JSON data.
        release: the lesson.
        others: the class's other lessons, to name the one whose notebook this is if it is not this lesson's.

    Raises:
        NotebookError: it cannot be read, or is not this lesson's; the fault and the cure are for the instructor.
    """
    handed = read(data)
    lesson = wanted_cells(release)
    matching = match(handed.cells, lesson)
    _insist_on_lesson(handed.cells, lesson, matching, release, others)
    lost = [one for one in lesson if one.marked and one.place not in matching.found]
    missing = [one for one in lost if one.answer]
    if handed.damaged and missing and all(one in missing for one in lesson if one.answer):
        raise NotebookError("it is damaged: none of the answers could be read", AGAIN)
    restored = [one for one in lost if not one.answer]
    line, moved = in_order(_line(handed.cells, lesson, matching))
    for one in restored:
        insert(line, [Slot(Cell(one.kind, one.source), one)], one.place)
    notes = [
        *handed.notes,
        *mending_notes.on_matches(handed.cells, lesson, matching),
        *mending_notes.on_order(moved, restored, missing),
    ]
    notebook = {
        "cells": _cells(line),
        "metadata": _metadata(release, handed.kernelspec),
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return Mended(notebook, tuple(notes), tuple(one.grade_id for one in missing))


def _insist_on_lesson(
    cells: Sequence[Cell], lesson: Sequence[Wanted], matching: Matching, release: Release, others: Iterable[Release]
) -> None:
    marked = [one for one in lesson if one.marked]
    sure = kinship(cells, lesson)
    if 2 * sure >= len(marked):
        return
    rivals = {other.lesson: kinship(cells, wanted_cells(other)) for other in others if other.lesson != release.lesson}
    rival = max(rivals, key=rivals.__getitem__, default="")
    if rival and rivals[rival] > sure:
        raise NotebookError(f"this is the notebook of {rival}", "Hand it in under that lesson's name")
    if not sure and (names := mending_notes.strangers(cells, lesson)):
        raise NotebookError(f"this is not the notebook of {release.lesson}: its marks are {names}", _FRESH)
    if not any(one.place in matching.found for one in marked):
        raise NotebookError(f"this is not the course's notebook: it has no cell of {release.lesson}", _FRESH)


def _line(cells: Sequence[Cell], lesson: Sequence[Wanted], matching: Matching) -> list[Slot]:
    """The submission's cells in their order, without copies that the learner has not changed.

    A stub left behind its answer would undo it, and a check run twice says nothing new.
    """
    dropped = {
        place
        for wanted, places in matching.copies.items()
        for place in places
        if lesson[wanted].marked and lesson[wanted].says(cells[place].source)
    }
    wanted = {place: lesson[one] for one, place in matching.found.items()}
    return [Slot(cell, wanted.get(place)) for place, cell in enumerate(cells) if place not in dropped]


def _cells(line: Sequence[Slot]) -> list[dict[str, Any]]:
    """The cells as nbformat has them; each keeps its id if no other has it."""
    kept = [slot.wanted.cell.get("id") if slot.wanted else None for slot in line]
    taken = {name for name in kept if name}
    cells = []
    for number, (slot, name) in enumerate(zip(line, kept, strict=True), start=1):
        fresh = (f"cell-{count}" for count in range(number, number + 2 * len(line)))
        choices = (choice for choice in (*slot.cell.names, *fresh) if choice not in taken and _ID.fullmatch(choice))
        chosen = name or next(choices)
        taken.add(chosen)
        cells.append(_cell(slot, chosen))
    return cells


def _cell(slot: Slot, name: str) -> dict[str, Any]:
    cell, wanted = slot.cell, slot.wanted
    kind, source, attachments = cell.kind, cell.source, cell.attachments
    metadata: dict[str, Any] = {"tags": cell.tags} if cell.tags else {}
    if wanted and wanted.marked:
        kind, metadata = wanted.kind, copy.deepcopy(wanted.cell["metadata"])
        # An answer that an editor has laid out anew is still no answer.
        if wanted.locked or wanted.says(source):
            source = wanted.source
        if wanted.locked:
            attachments = copy.deepcopy(wanted.cell.get("attachments", {}))
    body: dict[str, Any] = {"cell_type": kind, "id": name, "metadata": metadata, "source": source}
    if kind == "code":
        return body | {"execution_count": None, "outputs": []}
    return body | ({"attachments": attachments} if attachments else {})


def _metadata(release: Release, kernelspec: dict[str, Any]) -> dict[str, Any]:
    """The release's; without a kernel in it, the submission's stays, as nbgrader has it."""
    metadata = copy.deepcopy(release.notebook.get("metadata", {}))
    if not metadata.get("kernelspec") and kernelspec:
        metadata["kernelspec"] = kernelspec
    return metadata
