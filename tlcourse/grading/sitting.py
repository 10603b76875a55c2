"""One run through a notebook: its cells, and its questions as they come, with a new kernel after each crash."""

from __future__ import annotations

import hashlib
import hmac
import random
import secrets
import time
from dataclasses import dataclass, field
from typing import Any

from tlcourse.grading import cells
from tlcourse.grading.cells import Cell
from tlcourse.grading.jury import Case
from tlcourse.grading.kernel import Allowance, Kernel, KernelEnded, Ran
from tlcourse.grading.release import Release
from tlcourse.grading.verdicts import Verdict

_MOST_DEATHS = 12
_THREADS = "__import__('threading').active_count()"


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
    """

    def __init__(self, notebook_cells: list[Cell], release: Release, allowance: Allowance, digest: str) -> None:
        self.cells = notebook_cells
        self.ran: dict[int, Ran] = {}
        self.asked: dict[int, Asked] = {}
        self.ended: dict[int, Verdict] = {}
        self._release, self._allowance, self._digest = release, allowance, digest
        self._code = [n for n, cell in enumerate(self.cells) if cell["cell_type"] == "code" and cells.source(cell)]
        self._place = -1
        self._threads: dict[int, int] = {}

    def run(self) -> None:
        """Run everything. A cell that ends the kernel is left out from then on, and the rest runs in a new kernel."""
        end = time.monotonic() + self._allowance.total_seconds
        for _ in range(_MOST_DEATHS):
            try:
                with Kernel(self._allowance, self._release.files) as kernel:
                    for place in self._code:
                        if place not in self.ended:
                            self._place = place
                            self._do(kernel)
                return
            except KernelEnded as ended:
                self._leave_out(ended.verdict)
                if time.monotonic() > end:
                    break
        for place in self._code:
            if place not in self.ran and place not in self.asked:
                self.ended.setdefault(place, self.ended[self._place])

    def culprit(self, place: int) -> Verdict | None:
        """Why a cell of a question's own section, after the question before, did not come to its end."""
        for before in range(place - 1, -1, -1):
            if cells.is_test(self.cells[before]):
                return None
            if before in self.ended:
                return self.ended[before]
            if before in self.ran and self.ran[before].status == "interrupted":
                return Verdict.TIME
        return None

    def _leave_out(self, verdict: Verdict) -> None:
        """Leave out the cell at which the kernel ended, and, at a second end, those that left threads behind."""
        self.ended[self._place] = verdict
        if len(self.ended) > 1:
            known = 1
            for place, count in sorted(self._threads.items()):
                if count > known and place < self._place and self._is_own(place):
                    self.ended[place] = verdict
                known = max(known, count)

    def _is_own(self, place: int) -> bool:
        """Whether a cell is the learner's: not one that was handed out as it stands."""
        text = cells.source(self.cells[place])
        return all(cells.source(cell) != text for cell in self._release.notebook["cells"])

    def _do(self, kernel: Kernel) -> None:
        place, cell = self._place, self.cells[self._place]
        if not cells.is_test(cell):
            ran = kernel.run(cells.source(cell), expressions={"threads": _THREADS})
            count = ran.values.get("threads", "")
            self._threads[place] = int(count) if count.isdecimal() else 0
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

    def _ask(self, kernel: Kernel, cell: Cell) -> Asked:
        call = cells.check_call(cells.source(cell))
        return _ask_test(kernel, cells.source(cell)) if call is None else self._ask_check(kernel, cell, call)

    def _ask_check(self, kernel: Kernel, cell: Cell, call: cells.CheckCall) -> Asked:
        if call.before and (ran := kernel.run(call.before)).status != "ok":
            return Asked(ran=ran)
        nonce, seed = secrets.token_hex(8), self._seed(cells.name(cell))
        told = kernel.ask("collect", nonce, exercise=call.exercise, argument=call.argument, seed=seed)
        error, evidence = told.get("error"), told.get("evidence")
        if isinstance(error, dict):
            return Asked(verdict=Verdict.ERROR, error=error)
        if not isinstance(evidence, str):
            return Asked(verdict=Verdict.TAMPERED)
        return Asked(case=Case(call.exercise, seed, evidence))

    def _seed(self, name: str) -> int:
        """A secret of its own for each question of each submission: whoever learns one has learnt nothing of use."""
        text = f"{self._release.lesson}\0{name}\0{self._digest}".encode()
        return int.from_bytes(hmac.new(self._release.seed, text, hashlib.sha256).digest()[:6], "big")


def _ask_test(kernel: Kernel, source: str) -> Asked:
    """Ask with an instructor's own test: a test that can fail here, and whose end was reached."""
    one, other, nonce = random.randrange(10**6), random.randrange(10**6), secrets.token_hex(8)
    before = kernel.ask("prepare", nonce)
    canary = kernel.run(f"assert {one} + {other} == {one + other + 1}, {nonce!r}", hidden=True)
    if "restored" not in before or canary.error != ("AssertionError", nonce):
        return Asked(verdict=Verdict.TAMPERED)
    ran = kernel.run(source, hidden=True, expressions={"end": f"{one} * {other}"})
    if ran.status == "ok" and ran.values.get("end") != str(one * other):
        return Asked(verdict=Verdict.TAMPERED)
    after = kernel.ask("release", nonce)
    # What a test stands on does not change while it runs, unless the answer saw to it.
    if after.get("restored") != []:
        return Asked(verdict=Verdict.TAMPERED)
    return Asked(ran=ran)
