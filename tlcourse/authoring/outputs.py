"""The outputs of an executed solution: what may be stored, what it proves, and when it can be kept."""

from __future__ import annotations

import copy
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tlcourse.authoring.notebook import code_cells
from tlcourse.checks.result import MIME_TYPE

_ADDRESS = re.compile(r"\bat 0x[0-9a-fA-F]{6,}")


def without_outputs(notebook: Any) -> Any:
    """A copy of a notebook as if it had never run."""
    bare = copy.deepcopy(notebook)
    for cell in code_cells(bare):
        cell.outputs = []
        cell.execution_count = None
    return bare


def keep_outputs(old: Any, new: Any) -> bool:
    """Give `new` the outputs of `old` if they ran the same code; says whether it did."""
    before, after = code_cells(old), code_cells(new)
    if [cell.source for cell in before] != [cell.source for cell in after] or not was_executed(old):
        return False
    for source, target in zip(before, after, strict=True):
        target.outputs, target.execution_count = source.outputs, source.execution_count
    return True


def was_executed(notebook: Any) -> bool:
    """Whether every code cell with something to run has run."""
    return all(cell.execution_count is not None for cell in code_cells(notebook) if cell.source.strip())


def faults(notebook: Any, root: Path) -> Iterator[tuple[int, str, str]]:
    """What an executed solution must not show: cell number, fault and cure of each.

    Args:
        notebook: an executed solution.
        root: the course's folder, whose path must not be stored.
    """
    places = _machine_paths(root)
    for number, cell in enumerate(notebook.cells, start=1):
        if cell.cell_type != "code":
            continue
        for output in cell.outputs:
            if output.output_type == "error":
                yield number, f"the solution fails with {output.ename}: {output.evalue}", "Mend it"
            yield from ((number, *fault) for fault in _unportable(output, places))
        if cell.metadata.get("nbgrader", {}).get("grade"):
            yield from ((number, *fault) for fault in _unproven(cell))


def _unportable(output: Any, places: list[str]) -> Iterator[tuple[str, str]]:
    for text in _texts(output):
        for place in places:
            if place in text:
                yield (
                    f"an output names {place}, a folder of this machine",
                    "Print no absolute paths or warnings",
                )
        if found := _ADDRESS.search(text):
            cure = "Show a value, or end the line with a semicolon"
            yield f"an output shows an address in memory ({found[0]})", cure


def _unproven(cell: Any) -> Iterator[tuple[str, str]]:
    if any(output.output_type == "stream" and output.name == "stderr" for output in cell.outputs):
        yield "the check writes to stderr, which nbgrader scores as 0", "Silence the warning"
    results = [output.data[MIME_TYPE] for output in cell.outputs if MIME_TYPE in output.get("data", {})]
    if any(result.get("passed") is not True for result in results):
        yield "the solution does not pass its own check", "Mend the solution or the check"
    exercise = cell.metadata.nbgrader.grade_id.removeprefix("check-")
    if f"check.{exercise}(" in cell.source and not results:
        yield "the check shows no result", "Let the check cell's last line be the bare call"
    value = _number([output for output in cell.outputs if output.output_type == "execute_result"])
    if value is not None and value < cell.metadata.nbgrader.points:
        yield f"the solution earns {value:g} of {cell.metadata.nbgrader.points:g} points", "Mend it"


def _number(results: list[Any]) -> float | None:
    try:
        return float(results[0].data["text/plain"])
    except (IndexError, KeyError, TypeError, ValueError):
        return None


def _texts(output: Any) -> Iterator[str]:
    if output.output_type == "stream":
        yield output.text
    for kind, value in output.get("data", {}).items():
        # Pictures in base64 hold any letters by chance; a drawing in SVG is text.
        if not kind.startswith("image/") or kind == "image/svg+xml":
            yield value if isinstance(value, str) else str(value)


def _machine_paths(root: Path) -> list[str]:
    home, package = Path.home(), Path(__file__).resolve().parents[2]
    folders = {home, root.resolve(), package, Path(tempfile.gettempdir())}
    return sorted(f"{folder}/" for folder in folders if len(folder.parts) > 1)
