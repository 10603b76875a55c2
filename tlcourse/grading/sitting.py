"""One run through a notebook: its cells, and its questions as they come, with a new kernel after each crash."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import itertools
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from tlcourse.grading import cells, materials, needed, plain_tests
from tlcourse.grading.ahead import Start
from tlcourse.grading.cells import Cell
from tlcourse.grading.jury import Case
from tlcourse.grading.kernel import Allowance, Kernel, KernelEnded, Ran
from tlcourse.grading.release import Release
from tlcourse.grading.verdicts import Verdict

_MOST_DEATHS = 12
_MOST_FILES = 1000
_THREADS = "__import__('threading').active_count()"
_PROCESSES = "sum(map(str.isdecimal, __import__('os').listdir('/proc')))"


class _Poisoned(Exception):
    """A question's own cells keep tests from running as they stand: the rest needs a new kernel."""


@dataclass
class Asked:
    """What asking one question gave; nothing is judged yet.

    Args:
        ran: what the instructor's own test did.
        case: the evidence that the course's check collected.
        verdict: why there is neither.
        error: the exception that kept the check from looking, as in an error output.
        seconds: wall time.
    """

    ran: Ran | None = None
    case: Case | None = None
    verdict: Verdict | None = None
    error: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0


class Sitting:
    """A run through the cells of a notebook.

    Args:
        notebook_cells: the cells, mended.
        release: the lesson.
        allowance: what the notebook may use.
        digest: of the submission: each question's seed depends on it.
        start: gives a kernel.
        at_the_end: tests to ask again when everything has run, with another source, by their place.
    """

    def __init__(
        self,
        notebook_cells: list[Cell],
        release: Release,
        allowance: Allowance,
        digest: str,
        start: Start,
        at_the_end: Mapping[int, str] | None = None,
    ) -> None:
        self.cells = notebook_cells
        self.asked_again: dict[int, Asked] = {}
        self._at_the_end = at_the_end or {}
        self._checked: set[int] = set()
        self.ran: dict[int, Ran] = {}
        self.asked: dict[int, Asked] = {}
        self.ended: dict[int, Verdict] = {}
        self.files: dict[str, str] = {}
        self._release, self._allowance, self._digest, self._start = release, allowance, digest, start
        self._code = [n for n, cell in enumerate(self.cells) if cell["cell_type"] == "code" and cells.source(cell)]
        self._skipped: set[int] = set()
        self._place = -1
        # A sandbox has processes of its own to count; elsewhere they are the whole machine's.
        self._tasks = _THREADS if allowance.trust else f"{_THREADS} + {_PROCESSES}"
        self._counts: dict[int, int] = {}

    def run(self) -> None:
        """Ask all questions, and run what they need."""
        self._skipped = set(self._code) - needed.needed(self.cells, self._release)
        self._run_cells()
        errors = [ran.error for ran in self.ran.values()]
        errors += [(str(a.error.get("ename")), str(a.error.get("evalue"))) for a in self.asked.values()]
        if needed.lacks(errors, [self.cells[place] for place in sorted(self._skipped)]):
            self._skipped = set()
            self.ran, self.asked, self.ended, self._counts = {}, {}, {}, {}
            self._run_cells()

    def _run_cells(self) -> None:
        """Run cell after cell. One that ends the kernel is left out from then on, and the rest runs in a new kernel."""
        end = time.monotonic() + self._allowance.total_seconds
        for _ in range(_MOST_DEATHS):
            try:
                with self._start(self._allowance, self._release.files) as kernel:
                    self._run_counting(kernel, "pass", place=-1, hidden=True)
                    for place in self._code:
                        if place not in self.ended and place not in self._skipped:
                            self._place = place
                            self._do(kernel)
                    with contextlib.suppress(KernelEnded):
                        self.files = self._written(kernel)  # before anything in them could be a hidden test
                    self._ask_at_the_end(kernel)
                    with contextlib.suppress(KernelEnded):
                        self._cross_check(kernel)
                return
            except _Poisoned:
                self._leave_out_section()
            except KernelEnded as ended:
                self._leave_out(ended)
                if time.monotonic() > end:
                    break
        for place in self._code:
            if place not in self.ran and place not in self.asked and place not in self._skipped:
                self.ended.setdefault(place, self.ended.get(self._place, Verdict.TAMPERED))

    def _ask_at_the_end(self, kernel: Kernel) -> None:
        for place, source in self._at_the_end.items():
            first = self.asked.get(place)
            if place in self.asked_again or first is None or first.ran is None or first.ran.status != "ok":
                continue
            self._place = place
            began = time.monotonic()
            try:
                ran = plain_tests.ask(kernel, source, self._release)
                found = Asked(ran=ran) if ran else Asked(verdict=Verdict.TAMPERED)
            except KernelEnded as ended:
                self.asked_again[place] = Asked(verdict=ended.verdict)
                raise
            found.seconds = round(time.monotonic() - began, 3)
            self.asked_again[place] = found

    def _cross_check(self, kernel: Kernel) -> None:
        """Doubt the instructor's tests that passed; what ends the kernel here has been asked and stays as it is."""
        for place, first in self.asked.items():
            ran = (self.asked_again.get(place) or first).ran
            if ran is None or ran.status != "ok" or place in self._checked:
                continue
            self._checked.add(place)
            source = self._at_the_end.get(place) or cells.source(self.cells[place])
            shown = any(output["output_type"] == "execute_result" for output in ran.outputs)
            if plain_tests.contradicts_itself(kernel, source, ran.seconds, shown):
                self.asked_again[place] = Asked(verdict=Verdict.TAMPERED)

    def culprit(self, place: int) -> Verdict | None:
        """Why a cell of a question's own section, after the question before, did not come to its end."""
        for before in range(place - 1, -1, -1):
            if cells.is_test(self.cells[before]):
                return None
            if before in self.ended:
                return self.ended[before]
            if before in self.ran and self.ran[before].status == "interrupted":
                return Verdict.TIME
            if before in self.ran and self.ran[before].error[0] == "MemoryError":
                return Verdict.MEMORY
        return None

    def _written(self, kernel: Kernel) -> dict[str, str]:
        """What the notebook wrote beside itself, in base64; what no notebook of good faith writes is dropped."""
        known = {name: hashlib.sha256(data).hexdigest() for name, data in self._release.files.items()}
        told = kernel.ask("files", secrets.token_hex(8), known=known).get("files")
        found = told.items() if isinstance(told, dict) else ()
        good = ((name, data) for name, data in found if isinstance(data, str) and _is_good_name(name))
        return dict(itertools.islice(good, _MOST_FILES))

    def _leave_out(self, end: KernelEnded) -> None:
        """Leave out the cell at which the kernel ended, and, at a second end, those that left tasks behind.

        Too many processes are the doing of the cells that left most of them, wherever their number was noticed.
        """
        left = self._left_behind()
        many = [place for place, count in left.items() if count > self._allowance.processes / 4]
        if end.limit == "processes" and many:
            self.ended |= dict.fromkeys(many, end.verdict)
            return
        self.ended[self._place] = end.verdict
        if len(self.ended) > 1:
            self.ended |= dict.fromkeys(left, end.verdict)

    def _left_behind(self) -> dict[int, int]:
        """How many threads and processes the learner's cells before this one left running, by place."""
        left, known = {}, self._counts.get(-1, 0)
        for place, count in sorted(self._counts.items()):
            if count > known and 0 <= place < self._place and self._is_own(place):
                left[place] = count - known
            known = max(known, count)
        return left

    def _is_own(self, place: int) -> bool:
        """Whether a cell is the learner's: not one that was handed out as it stands."""
        text = cells.source(self.cells[place])
        return all(cells.source(cell) != text for cell in self._release.notebook["cells"])

    def _do(self, kernel: Kernel) -> None:
        place, cell = self._place, self.cells[self._place]
        if not cells.is_test(cell):
            ran = self._run_counting(kernel, cells.source(cell), place)
            if self._is_own(place):
                kernel.ping()  # an exit that was asked for comes after the cell, and is this cell's doing
            self.ran.setdefault(place, ran)
        elif place in self.asked:
            # Asked before a crash: what was found stands; only what an instructor's test defines is needed again.
            if cells.check_call(cells.source(cell)) is None:
                kernel.run(cells.source(cell))
        else:
            began = time.monotonic()
            asked = self._ask(kernel, cell)
            asked.seconds = round(time.monotonic() - began, 3)
            self.asked[place] = asked
            if asked.verdict is Verdict.TAMPERED:
                raise _Poisoned

    def _run_counting(self, kernel: Kernel, source: str, place: int, hidden: bool = False) -> Ran:
        """Run code and note how many threads and processes there are after it."""
        ran = kernel.run(source, hidden=hidden, expressions={"tasks": self._tasks})
        count = ran.values.get("tasks", "")
        self._counts[place] = int(count) if re.fullmatch("[0-9]{1,9}", count) else 0
        return ran

    def _leave_out_section(self) -> None:
        """Leave out the learner's cells since the question before: they spoilt the kernel for the rest."""
        for place in range(self._place - 1, -1, -1):
            if cells.is_test(self.cells[place]):
                return
            if self.cells[place]["cell_type"] == "code" and self._is_own(place):
                self.ended[place] = Verdict.TAMPERED

    def _ask(self, kernel: Kernel, cell: Cell) -> Asked:
        call = cells.check_call(cells.source(cell))
        if call is not None:
            return self._ask_check(kernel, cell, call)
        ran = plain_tests.ask(kernel, cells.source(cell), self._release)
        return Asked(ran=ran) if ran else Asked(verdict=Verdict.TAMPERED)

    def _ask_check(self, kernel: Kernel, cell: Cell, call: cells.CheckCall) -> Asked:
        if call.before and (ran := kernel.run(call.before)).status != "ok":
            return Asked(ran=ran)
        nonce, name = secrets.token_hex(8), cells.name(cell)
        held_out: Mapping[str, Any] = {}
        if materials.has(call.exercise):
            seed, held_out = self._seed_of_edition(name), self._release.held_out
            inputs: dict[str, Any] = {"material": materials.drawn(call.exercise, seed)}
        else:
            seed = self._seed(name)
            inputs = {"seed": seed}
        told = kernel.ask("collect", nonce, exercise=call.exercise, argument=call.argument, **inputs)
        error, evidence = told.get("error"), told.get("evidence")
        if isinstance(error, dict):
            return Asked(verdict=Verdict.ERROR, error=error)
        if not isinstance(evidence, str):
            return Asked(verdict=Verdict.TAMPERED)
        return Asked(case=Case(call.exercise, seed, evidence, held_out))

    def _seed(self, name: str) -> int:
        """A secret of its own for each question of each submission: whoever learns one has learnt nothing of use."""
        return int.from_bytes(self._mac(name, self._digest)[:6], "big")

    def _seed_of_edition(self, name: str) -> int:
        """The secret of one of a few editions: drawing inputs for each submission anew would take too long.

        Which one a submission gets depends on its text, and so does a second try's: pictures that came out with the
        first one's feedback, and were labelled by hand, are most likely not asked for again.
        """
        edition = int(self._digest, 16) % materials.EDITIONS
        return int.from_bytes(self._mac(name, f"edition {edition}")[:16], "big")

    def _mac(self, name: str, of: str) -> bytes:
        text = f"{self._release.lesson}\0{name}\0{of}".encode()
        return hmac.new(self._release.seed, text, hashlib.sha256).digest()


def _is_good_name(name: str) -> bool:
    """Whether a relative path stays in its folder."""
    path = PurePosixPath(name)
    return name == path.as_posix() and not name.startswith(("/", ".")) and ".." not in path.parts and name.isprintable()
