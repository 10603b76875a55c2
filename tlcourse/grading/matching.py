"""Which cell of a submission is which cell of the lesson.

In this order, each step looking only at what the steps before it left over: nbgrader's mark; Jupyter's cell id; for
cells that learners do not change, equal text; for answers, what the cell says and where it stands.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from tlcourse.extras import require
from tlcourse.grading.reading import Cell
from tlcourse.grading.release import Release

_BINDS = re.compile(r"^(?:(?:async\s+)?(?:def|class)\s+(\w+)|(\w+(?:\s*,\s*\w+)*)\s*(?::[^=\n]+)?=(?!=))", re.MULTILINE)
_COMPARED = 1000  # characters of a text that are compared with a stub
_SIMILAR = 0.6  # from which likeness on a text is taken for a changed stub


@dataclass(frozen=True)
class Wanted:
    """A cell of the lesson.

    Args:
        place: its place in the release, from 0.
        cell: it, as nbformat has it.
        shown: its text as learners got it.
    """

    place: int
    cell: dict[str, Any] = field(repr=False)
    shown: str

    @property
    def marks(self) -> dict[str, Any]:
        """nbgrader's metadata."""
        return self.cell["metadata"].get("nbgrader", {})

    @cached_property
    def grade_id(self) -> str:
        """The name that nbgrader knows it by; empty if it has none."""
        return str(self.marks.get("grade_id", ""))

    @property
    def kind(self) -> str:
        """Its cell type."""
        return str(self.cell["cell_type"])

    @property
    def source(self) -> str:
        """Its text as the grader keeps it."""
        return str(self.cell["source"])

    @cached_property
    def locked(self) -> bool:
        """Whether learners' changes to it are undone."""
        return is_locked(self.marks)

    @cached_property
    def answer(self) -> bool:
        """Whether learners answer in it."""
        return bool(self.marks.get("solution"))

    @cached_property
    def marked(self) -> bool:
        """Whether nbgrader knows it at all."""
        return self.locked or self.answer or bool(self.marks.get("task"))

    def says(self, text: str) -> bool:
        """Whether a text is this cell's own, as learners got it or as the grader keeps it, white space aside."""
        return squeezed(text) in self._texts

    @cached_property
    def _texts(self) -> set[str]:
        return {squeezed(self.shown), squeezed(self.source)}


@dataclass
class Matching:
    """How a submission fits a lesson; cells are given by their places.

    Args:
        found: for a cell of the lesson, the cell of the submission.
        copies: cells of the submission that say again what one in `found` says, by the lesson's cell.
        by_text: cells of the lesson that were found without mark or id, by an equal or similar text.
        by_place: cells of the lesson that were found by nothing but their place.
    """

    found: dict[int, int] = field(default_factory=dict)
    copies: dict[int, list[int]] = field(default_factory=dict)
    by_text: set[int] = field(default_factory=set)
    by_place: set[int] = field(default_factory=set)

    def span(self, place: int, length: int) -> tuple[int, int]:
        """Between which cells of the submission a cell of the lesson should stand, both excluded."""
        before = max((other for other in self.found if other < place), default=None)
        after = min((other for other in self.found if other > place), default=None)
        low = -1 if before is None else self.found[before]
        high = length if after is None else self.found[after]
        return (low, high) if low < high else (-1, length)


def wanted_cells(release: Release) -> list[Wanted]:
    """The lesson's cells, in order."""
    cells = release.notebook["cells"]
    wanted = [Wanted(place, cell, cell["source"]) for place, cell in enumerate(cells)]
    return [Wanted(one.place, one.cell, release.shown.get(one.grade_id, one.source)) for one in wanted]


def is_locked(marks: dict[str, Any]) -> bool:
    """Whether nbgrader's metadata says that a cell's text is the grader's."""
    return not marks.get("solution") and bool(marks.get("grade") or marks.get("locked"))


def match(cells: Sequence[Cell], lesson: Sequence[Wanted]) -> Matching:
    """Match a submission's cells to a lesson's."""
    matching = Matching()
    _match_names(cells, lesson, matching)
    _match_texts(cells, lesson, matching)
    _match_answers(cells, lesson, matching)
    return matching


def kinship(cells: Sequence[Cell], lesson: Sequence[Wanted]) -> int:
    """How many of a lesson's marked cells a submission has without any doubt."""
    names = {cell.grade_id for cell in cells} | {name for cell in cells for name in cell.names}
    texts = {squeezed(cell.source) for cell in cells}
    return sum(
        one.grade_id in names or one.cell.get("id") in names or (one.locked and squeezed(one.shown) in texts)
        for one in lesson
        if one.marked
    )


def squeezed(text: str) -> str:
    """A text without white space: what is left when editors have had their way with it."""
    return "".join(text.split())


def _match_names(cells: Sequence[Cell], lesson: Sequence[Wanted], matching: Matching) -> None:
    by_mark = {one.grade_id: one for one in lesson if one.grade_id}
    by_id = {one.cell["id"]: one for one in lesson if one.cell.get("id")}
    claims: dict[int, list[int]] = defaultdict(list)
    later: dict[int, list[int]] = defaultdict(list)
    for place, cell in enumerate(cells):
        if cell.grade_id in by_mark:
            claims[by_mark[cell.grade_id].place].append(place)
        elif named := next((by_id[name] for name in cell.names if name in by_id), None):
            later[named.place].append(place)
    for wanted, places in later.items():
        # An id alone says less than a mark: it is for cells that have lost theirs.
        claims.setdefault(wanted, places)
    for wanted, places in claims.items():
        if len(places) == 1:
            matching.found[wanted] = places[0]
    for wanted in sorted(place for place in claims if place not in matching.found):
        chosen = _choose(lesson[wanted], claims[wanted], cells, matching)
        matching.found[wanted] = chosen
        matching.copies[wanted] = [place for place in claims[wanted] if place != chosen]


def _choose(wanted: Wanted, places: list[int], cells: Sequence[Cell], matching: Matching) -> int:
    """Which of several cells of one name is meant.

    An answer that was changed, before one that was not; one that stands where the lesson has it; then the last, as
    nbgrader chooses.
    """
    if wanted.answer:
        places = [place for place in places if not wanted.says(cells[place].source)] or places
    low, high = matching.span(wanted.place, len(cells))
    return ([place for place in places if low < place < high] or places)[-1]


def _match_texts(cells: Sequence[Cell], lesson: Sequence[Wanted], matching: Matching) -> None:
    """Find cells that learners do not change by their text."""
    free: dict[str, list[int]] = defaultdict(list)
    taken = _taken(matching)
    for place, cell in enumerate(cells):
        if place not in taken and (text := squeezed(cell.source)):
            free[text].append(place)
    for one in lesson:
        if one.place in matching.found or one.answer:
            continue
        places = next((free[text] for text in map(squeezed, (one.shown, one.source)) if free.get(text)), [])
        if places:
            low, high = matching.span(one.place, len(cells))
            chosen = next((place for place in places if low < place < high), places[0])
            places.remove(chosen)
            matching.found[one.place] = chosen
            matching.by_text.add(one.place)


def _match_answers(cells: Sequence[Cell], lesson: Sequence[Wanted], matching: Matching) -> None:
    """Find answers by what they say and where they stand, the surest first."""
    lost = [one for one in lesson if one.answer and one.place not in matching.found]
    taken = _taken(matching)
    free = [place for place, cell in enumerate(cells) if place not in taken and cell.source.strip()]
    evidence = _evidence(lost, lesson, {place: cells[place].source[:_COMPARED] for place in free})
    while lost and free:
        known = any(lesson[place].marked for place in matching.found)
        scores = [
            (score, -one.place, -place)
            for one in lost
            for place, score in _scores(one, cells, free, evidence, matching, known=known)
        ]
        if not scores:
            return
        _, wanted, place = max(scores)
        by_text = evidence[-wanted, -place] > 0
        matching.found[-wanted] = -place
        (matching.by_text if by_text else matching.by_place).add(-wanted)
        lost = [one for one in lost if one.place != -wanted]
        free.remove(-place)


def _scores(
    one: Wanted,
    cells: Sequence[Cell],
    free: Iterable[int],
    evidence: dict[tuple[int, int], float],
    matching: Matching,
    *,
    known: bool,
) -> Iterable[tuple[int, float]]:
    """How well each free cell fits an answer; those that do not are left out."""
    low, high = matching.span(one.place, len(cells))
    inside = [place for place in free if low < place < high and cells[place].kind == one.kind]
    for place in free:
        said, in_place = evidence[one.place, place], place in inside
        # Elsewhere a cell must say clearly what it is; in its place a text may say less, and one cell of code nothing.
        if said >= 2 or (known and in_place and said > 0):
            yield place, 2 * said + in_place + (place == low + 1) / 2
        elif known and in_place and (one.kind == "markdown" or len(inside) == 1):
            yield place, (place == low + 1) / 2


def _evidence(
    lost: Sequence[Wanted], lesson: Sequence[Wanted], texts: Mapping[int, str]
) -> dict[tuple[int, int], float]:
    """How clearly each text says that it answers each question: 0 not at all, from 2 on beyond doubt."""
    facts = {place: (text, _bound(text), _first_line(text)) for place, text in texts.items()}
    found = {}
    for one in lost:
        stub = one.shown[:_COMPARED]
        asked, tested = (_bound(stub), _tested(one, lesson)) if one.kind == "code" else (set(), set())
        # One line alone is "write your answer here", which any notebook may have.
        opening = _first_line(stub) if "\n" in stub.strip() else ""
        for place, (text, bound, first) in facts.items():
            likeness = float(require("rapidfuzz.fuzz").ratio(stub, text)) / 100
            if asked & bound:
                found[one.place, place] = 3 * len(asked & bound) / len(asked) + likeness
            elif tested & bound:
                found[one.place, place] = 1.5 + likeness
            elif opening and opening == first:
                found[one.place, place] = 2 + likeness
            else:
                found[one.place, place] = likeness if likeness >= _SIMILAR else 0.0
    return found


def _bound(code: str) -> set[str]:
    """The names that code defines at its top level."""
    return {name for pair in _BINDS.findall(code) for name in re.findall(r"\w+", " ".join(pair))}


def _tested(one: Wanted, lesson: Sequence[Wanted]) -> set[str]:
    """The words in the locked cells that follow an answer, up to the next answer."""
    words: set[str] = set()
    for other in lesson[one.place + 1 :]:
        if other.answer:
            break
        if other.locked and other.kind == "code":
            words |= set(re.findall(r"\w+", other.shown))
    return words


def _first_line(text: str) -> str:
    lines = (line.strip() for line in text.splitlines())
    return next((squeezed(line) for line in lines if line and not line.startswith(("#", "raise "))), "")


def _taken(matching: Matching) -> set[int]:
    return {*matching.found.values(), *(place for places in matching.copies.values() for place in places)}
