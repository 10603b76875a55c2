"""Outputs of cells, from a kernel's messages: what a learner's kernel sends is kept only as plain, bounded data."""

from __future__ import annotations

from typing import Any

_OURS = "application/vnd.tlcourse."  # results are written by the grader alone
_ACTIVE = ("application/javascript", "application/x-javascript", "text/javascript")
_DEEPEST = 20  # lists and dicts within each other
_ERROR = 100_000  # characters of an exception's text


class Outputs:
    """The outputs of one notebook; a display may be updated by a later cell."""

    def __init__(self) -> None:
        self._displays: dict[str, list[dict[str, Any]]] = {}

    def of_a_cell(self) -> CellOutputs:
        """A collector for the next cell."""
        return CellOutputs(self._displays)


class CellOutputs:
    """Collects one cell's outputs."""

    def __init__(self, displays: dict[str, list[dict[str, Any]]]) -> None:
        self._displays = displays
        self._found: list[dict[str, Any]] = []
        self._texts: dict[int, list[str]] = {}
        self._clear = False

    def add(self, kind: str, content: dict[str, Any]) -> int:
        """Take one message; what is no output is ignored.

        Returns:
            in how many places it stands.
        """
        if kind == "clear_output":
            self._clear = True
            if not content.get("wait"):
                self._wipe()
            return 0
        output = _output(kind, content)
        if output is None:
            return 0
        name = _display_id(content)
        if kind == "update_display_data":
            places = self._displays.get(name, [])
            for shown in places:
                shown.update(data=output["data"], metadata=output["metadata"])
            return len(places)
        if self._clear:
            self._wipe()
        last = self._found[-1] if self._found else {}
        if kind == "stream" and last.get("name") == output["name"]:
            self._texts[len(self._found) - 1].append(output["text"])
            return 1
        self._found.append(output)
        if kind == "stream":
            self._texts[len(self._found) - 1] = [output["text"]]
        elif name:
            self._displays.setdefault(name, []).append(output)
        return 1

    def done(self) -> list[dict[str, Any]]:
        """All outputs, texts joined."""
        for place, parts in self._texts.items():
            self._found[place]["text"] = "".join(parts)
        return self._found

    def _wipe(self) -> None:
        self._found.clear()
        self._texts.clear()
        self._clear = False


def _output(kind: str, content: dict[str, Any]) -> dict[str, Any] | None:
    if kind == "stream":
        name = "stderr" if content.get("name") == "stderr" else "stdout"
        return {"output_type": "stream", "name": name, "text": _clean(content.get("text"))}
    if kind == "error":
        trace = content.get("traceback")
        return {
            "output_type": "error",
            "ename": _clean(content.get("ename"))[:_ERROR],
            "evalue": _clean(content.get("evalue"))[:_ERROR],
            "traceback": [_clean(line)[:_ERROR] for line in trace] if isinstance(trace, list) else [],
        }
    if kind in ("display_data", "update_display_data", "execute_result"):
        output: dict[str, Any] = {
            "output_type": "execute_result" if kind == "execute_result" else "display_data",
            "data": _bundle(content.get("data")),
            "metadata": {},
        }
        if kind == "execute_result":
            count = content.get("execution_count")
            output["execution_count"] = count if isinstance(count, int) else None
        return output
    return None


def _bundle(data: Any) -> dict[str, Any]:
    if not isinstance(data, dict):
        return {}
    return {
        _clean(kind): _clean(value) if isinstance(value, str) else value
        for kind, value in data.items()
        if not str(kind).startswith((_OURS, *_ACTIVE)) and (isinstance(value, str) or _is_flat_json(str(kind), value))
    }


def _is_flat_json(kind: str, value: Any) -> bool:
    """Whether a value may stand under a JSON type: it can be written, and is not nested without end."""
    return kind.endswith("json") and _depth_below(value, _DEEPEST)


def _depth_below(value: Any, limit: int) -> bool:
    if not isinstance(value, list | dict):
        return True
    items = value.values() if isinstance(value, dict) else value
    return limit > 0 and all(_depth_below(item, limit - 1) for item in items)


def writable(value: Any) -> Any:
    """JSON data with every text such that it can be written as UTF-8."""
    if isinstance(value, str):
        return _clean(value)
    if isinstance(value, list):
        return [writable(item) for item in value]
    if isinstance(value, dict):
        return {_clean(key): writable(item) for key, item in value.items()}
    return value


def _display_id(content: dict[str, Any]) -> str:
    transient = content.get("transient")
    return str(transient.get("display_id", "")) if isinstance(transient, dict) else ""


def _clean(text: Any) -> str:
    """Text that can be written as UTF-8: a lone surrogate becomes a question mark."""
    return str(text if text is not None else "").encode("utf-8", "replace").decode("utf-8")
