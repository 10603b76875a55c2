"""Reading a notebook that anything may have written: what can be read is read, and outputs are left out.

Jupyter, Colab and VS Code each write their own dialect; files are cut off, re-encoded or edited by hand. The result is
the plain list of cells that grading needs, without outputs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tlcourse.errors import NotebookError
from tlcourse.extras import require

FILE_LIMIT = 1 << 30
"""Bytes that a notebook may have, outputs included."""

REST_LIMIT = 32 << 20
"""Bytes that it may have without its outputs."""

CELLS_LIMIT = 2000

AGAIN = "Ask for the file again: it was cut off, or saved by something else than Jupyter"

_SALVAGED = "tlcourse_salvaged"  # a key of ours in content that is not whole
_KINDS = ("code", "markdown", "raw")
_SMALL = 4 << 20  # bytes: below that it is quicker to parse outputs than to skip them
_FAILURES = 50  # starts of cells that are tried in a damaged file

# Everything up to a bracket that is outside strings; possessive, so that 100 MB of it need no memory.
_UP_TO_BRACKET = re.compile(rb'[^"\[\]{}]*+(?:"[^"\\]*+(?:\\.[^"\\]*+)*+"[^"\[\]{}]*+)*+', re.DOTALL)
_STRING_REST = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
# Within a string quotes are escaped, so this is never found in one.
_CELL_START = re.compile(r'\{\s*"(?:attachments|cell_type|execution_count|id|metadata|outputs|source)"\s*:')
_SURROGATE = re.compile("[\ud800-\udfff]")
_FOREIGN = (
    (b"PK", "it is a zip archive", "Unpack it and hand in the notebook in it"),
    (b"%PDF", "it is a PDF", "Hand in the notebook itself, the .ipynb file"),
    (
        b"<",
        "it is a web page (HTML), not a notebook",
        "Download the notebook itself, the .ipynb file, and hand that in",
    ),
    (b"{'", "it is a Python dict written out as text, not JSON", "Save the notebook from Jupyter, and hand that in"),
)


@dataclass
class Cell:
    """One cell as it was handed in.

    Args:
        kind: `"code"`, `"markdown"` or `"raw"`.
        source: its text.
        marks: nbgrader's metadata of it; empty if there is none.
        names: the ids it has, Jupyter's first, then Colab's.
        tags: its tags.
        attachments: pictures in it, by name, then by MIME type.
    """

    kind: str
    source: str
    marks: dict[str, Any] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    tags: list[str] = field(default_factory=list)
    attachments: dict[str, Any] = field(default_factory=dict)

    @property
    def grade_id(self) -> str:
        """The name that nbgrader knows it by; empty if it has none."""
        name = self.marks.get("grade_id")
        return name if isinstance(name, str) else ""


@dataclass
class Handed:
    """A notebook as it was handed in.

    Args:
        cells: in their order.
        kernelspec: which kernel it asks for; empty if it does not say.
        notes: what could not be read, one sentence each.
        damaged: whether cells may be lost.
    """

    cells: list[Cell]
    kernelspec: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    damaged: bool = False


def read(data: bytes | dict[str, Any]) -> Handed:
    """Read a notebook.

    Args:
        data: the file's content, or the notebook as JSON data, which is not changed.

    Raises:
        NotebookError: it is too large, damaged beyond repair, or no notebook.
    """
    content, notes = (data, []) if isinstance(data, dict) else _parse(data)
    content = _as_format_4(content)
    items = content.get("cells")
    if not isinstance(items, list):
        raise NotebookError("it is no notebook: it has no cells", AGAIN)
    if len(items) > CELLS_LIMIT:
        raise NotebookError(
            f"it has {len(items):,} cells, more than the {CELLS_LIMIT:,} that are read", "Ask for a shorter notebook"
        )
    cells = [_cell(item) for item in items if isinstance(item, dict)]
    if strange := len(items) - len(cells):
        notes.append(f"{strange} entries of the file are no cells and were left out.")
    return Handed(cells, _kernelspec(content), notes, damaged=_SALVAGED in content)


def label(name: str) -> str:
    """A name from a learner's file as it may be printed: short, and without control characters."""
    return name if re.fullmatch(r"[\w.-]{1,64}", name) else ascii(name[:40])


def _parse(data: bytes) -> tuple[dict[str, Any], list[str]]:
    if len(data) > FILE_LIMIT:
        raise NotebookError(
            f"it has {len(data) / 1e6:,.0f} MB, more than the {FILE_LIMIT / 1e6:,.0f} MB that are read",
            "Ask for it again with its outputs cleared",
        )
    data = _as_utf8(data)
    _insist_on_json(data)
    notes = []
    if len(data) > _SMALL:
        data = _without(data, b"outputs")
    if len(data) > REST_LIMIT:
        data = _without(data, b"attachments")
        notes.append("The pictures attached to its cells were left out: they are too large.")
    if len(data) > REST_LIMIT:
        raise NotebookError(
            f"its cells alone take {len(data) / 1e6:,.0f} MB, more than the {REST_LIMIT / 1e6:,.0f} MB that are read",
            "Ask for it again without data written into its cells",
        )
    text = data.decode("utf-8", errors="replace")
    if "\ufffd" in text and "\ufffd".encode() not in data:
        notes.append("Characters that are not UTF-8 were replaced by �.")
    return _parse_text(text.strip("\x00 \t\r\n"), notes)


def _parse_text(text: str, notes: list[str]) -> tuple[dict[str, Any], list[str]]:
    try:
        content, end = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError) as error:
        return _salvage(text, error, notes)
    if not isinstance(content, dict):
        raise NotebookError("it is no notebook: it has no cells", AGAIN)
    if end < len(text):
        notes.append("Something stands after the end of the notebook in the file; it was left out.")
    return content, notes


def _salvage(text: str, error: Exception, notes: list[str]) -> tuple[dict[str, Any], list[str]]:
    """The whole cells of a damaged file."""
    cells: list[dict[str, Any]] = []
    gaps: list[int] = []
    for found in _cells_in(text):
        if found is None:
            gaps.append(len(cells))
        else:
            cells.append(found)
    if not cells:
        raise NotebookError(f"it is damaged: {error}", AGAIN)
    places = dict.fromkeys(gaps or [len(cells)])
    after = " and ".join(_place(cells, place) for place in places)
    notes.append(
        f"The file is damaged or was cut off: of it {len(cells)} cells could be read; what stood {after} may be lost."
    )
    return {"cells": cells, _SALVAGED: True}, notes


def _cells_in(text: str) -> Iterator[dict[str, Any] | None]:
    """The whole cells in order, and None where the start of something could not be read."""
    decoder, place, failures = json.JSONDecoder(), 0, 0
    while (start := _CELL_START.search(text, place)) and failures < _FAILURES:
        try:
            value, place = decoder.raw_decode(text, start.start())
        except (ValueError, RecursionError):
            place, failures = start.end(), failures + 1
            yield None
            continue
        if "cell_type" in value and "source" in value:
            yield value


def _place(cells: list[dict[str, Any]], place: int) -> str:
    if not place:
        return "at its beginning"
    cell = _cell(cells[place - 1])
    name = cell.grade_id or next(iter(cell.names), "")
    return f"after cell {place}" + (f" ({label(name)})" if name else "")


def _as_utf8(data: bytes) -> bytes:
    encoding = json.detect_encoding(data[:4])
    if encoding == "utf-8":
        return data
    return data.decode(encoding, errors="replace").encode("utf-8", errors="replace")


def _insist_on_json(data: bytes) -> None:
    head = data[:1000].lstrip(b"\x00 \t\r\n")
    if not head:
        raise NotebookError("it is empty", "Ask for the file again")
    for start, fault, cure in _FOREIGN:
        if head.startswith(start) and not head.startswith(b"<<<<<<<"):
            raise NotebookError(fault, cure)
    if not head.startswith((b"{", b"<", b"[")):
        raise NotebookError("it is damaged, or no notebook: it does not begin as one", AGAIN)


def _without(data: bytes, key: bytes) -> bytes:
    """JSON with the lists and objects under a key made empty, wherever they stand; it need not be whole."""
    opening = re.compile(rb'"(?:(' + key + rb'"\s*:\s*[\[{]))?')
    kept, start, place = [], 0, 0
    while found := opening.search(data, place):
        if not found[1]:
            place = _STRING_REST.match(data, found.end()).end()  # type: ignore[union-attr]
            continue
        place = _end_of_value(data, found.end())
        kept.append(data[start : found.end()])
        start = place
    return b"".join([*kept, data[start:]])


def _end_of_value(data: bytes, place: int) -> int:
    """Where the bracket stands that closes the one before `place`; the end of the data if it is cut off."""
    depth = 1
    while True:
        place = _UP_TO_BRACKET.match(data, place).end()  # type: ignore[union-attr]
        if place == len(data) or data[place] == ord('"'):  # the quote of a string that is cut off
            return len(data)
        depth += 1 if data[place] in b"[{" else -1
        if not depth:
            return place
        place += 1


def _as_format_4(content: dict[str, Any]) -> dict[str, Any]:
    version = content.get("nbformat")
    if isinstance(version, int) and version > 4:
        raise NotebookError(
            f"it is in notebook format {version}, which is newer than this grader", "Ask for it in notebook format 4"
        )
    if "cells" in content and version not in (1, 2):
        return content
    if "worksheets" not in content and version not in (1, 2, 3):
        return content
    try:
        older = {"nbformat": 3, "nbformat_minor": 0, "metadata": {}, **content}
        return dict(require("nbformat").reads(json.dumps(older), as_version=4))
    except Exception as error:  # nbformat raises whatever its conversions meet
        raise NotebookError(
            f"it is in an old notebook format and cannot be converted: {str(error).splitlines()[0] or error!r}", AGAIN
        ) from None


def _cell(item: dict[str, Any]) -> Cell:
    metadata = _mapping(item.get("metadata"))
    tags = metadata.get("tags")
    return Cell(
        kind=_kind(item),
        source=_text(item.get("source")),
        marks=_mapping(metadata.get("nbgrader")),
        names=tuple(name for name in (item.get("id"), metadata.get("id")) if isinstance(name, str) and name),
        tags=list(dict.fromkeys(tag for tag in tags if _is_tag(tag))) if isinstance(tags, list) else [],
        attachments=_attachments(item.get("attachments")),
    )


def _kind(item: dict[str, Any]) -> str:
    if item.get("cell_type") in _KINDS:
        return str(item["cell_type"])
    return "code" if "outputs" in item or "execution_count" in item else "markdown"


def _text(source: Any) -> str:
    text = "".join(part for part in source if isinstance(part, str)) if isinstance(source, list) else source
    return _SURROGATE.sub("\ufffd", text) if isinstance(text, str) else ""


def _is_tag(tag: Any) -> bool:
    return isinstance(tag, str) and re.fullmatch(r"[\w.-]{1,64}", tag) is not None


def _attachments(value: Any) -> dict[str, Any]:
    """Those that nbformat's schema allows."""
    return {
        _text(name): {_text(mime): _text(data) for mime, data in bundle.items()}
        for name, bundle in _mapping(value).items()
        if isinstance(bundle, dict) and all(isinstance(data, str | list) for data in bundle.values())
    }


def _kernelspec(content: dict[str, Any]) -> dict[str, Any]:
    spec = _mapping(_mapping(content.get("metadata")).get("kernelspec"))
    known = {key: _text(spec.get(key)) for key in ("name", "display_name", "language") if _text(spec.get(key))}
    return {"display_name": known["name"], **known} if "name" in known else {}


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
