"""Bringing a submission's cells into the lesson's order, moving as few as can be."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from tlcourse.grading.matching import Wanted
from tlcourse.grading.reading import Cell


@dataclass
class Slot:
    """A place in the mended notebook.

    Args:
        cell: what the learner handed in, or the lesson's cell if they handed in none.
        wanted: the lesson's cell that it is; None for a cell of the learner's own.
    """

    cell: Cell
    wanted: Wanted | None = None

    @property
    def marked(self) -> int | None:
        """The lesson's place of a cell that nbgrader knows, else None."""
        return self.wanted.place if self.wanted and self.wanted.marked else None


def in_order(line: Sequence[Slot]) -> tuple[list[Slot], list[Wanted]]:
    """Put the cells that nbgrader knows in the lesson's order.

    A cell that moves takes along the learner's own cells that follow it; if none must move, nothing does.

    Returns:
        the line in order, and the lesson's cells that were moved.
    """
    staying = _longest_rise([slot.marked for slot in line if slot.marked is not None])
    starts = [place for place, slot in enumerate(line) if slot.marked is not None and slot.marked not in staying]
    blocks = [line[start : _own_end(line, start)] for start in starts]
    gone = {id(slot) for block in blocks for slot in block}
    left = [slot for slot in line if id(slot) not in gone]
    moved = []
    for block in blocks:
        if wanted := block[0].wanted:
            moved.append(wanted)
            insert(left, block, wanted.place)
    return left, moved


def insert(line: list[Slot], block: Sequence[Slot], wanted: int) -> None:
    """Put a block where the lesson has the cell `wanted`.

    That is behind the lesson's cell before it and what the learner wrote there. The marked cells of `line` must be in
    order.
    """
    marked = [(place, slot.marked) for place, slot in enumerate(line) if slot.marked is not None]
    low = max((place + 1 for place, one in marked if one < wanted), default=0)
    high = min((place for place, one in marked if one > wanted), default=len(line))
    before = [place for place in range(low, high) if (one := line[place].wanted) and one.place < wanted]
    start = before[-1] if before else low - 1
    line[(end := min(_own_end(line, start), high)) : end] = block


def _own_end(line: Sequence[Slot], place: int) -> int:
    """Where the learner's own cells behind `place` end."""
    return next((end for end in range(place + 1, len(line)) if line[end].wanted), len(line))


def _longest_rise(numbers: Sequence[int]) -> set[int]:
    """A longest increasing subsequence of different numbers."""
    ends: list[int] = []  # the smallest number that a rise of each length can end with
    before: dict[int, int] = {}
    for number in numbers:
        length = bisect_left(ends, number)
        if length:
            before[number] = ends[length - 1]
        ends[length : length + 1] = [number]
    rise = ends[-1:]
    while rise and rise[-1] in before:
        rise.append(before[rise[-1]])
    return set(rise)
