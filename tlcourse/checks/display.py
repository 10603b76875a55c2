"""How results and hints look: a card in JupyterLab, VS Code and Colab, and the same in plain text."""

from __future__ import annotations

import html
import re

from tlcourse.checks.exercise import Exercise, Finding
from tlcourse.checks.result import MIME_TYPE, Result

# They read on light and dark pages alike (contrast above 3:1 on white and on #1e1e1e); text keeps the page's colour.
_RIGHT, _WRONG, _HINT = "#2e8b57", "#d2571e", "#3b82c4"


def bundle(result: Result, note: str = "") -> dict[str, object]:
    """A result as a Jupyter MIME bundle: HTML, plain text, and JSON for programs."""
    return {
        "text/html": _result_html(result, note),
        "text/plain": result_text(result, note),
        MIME_TYPE: result.as_json(),
    }


def result_text(result: Result, note: str = "") -> str:
    """A result in plain text: one line a finding, an arrow before the next step."""
    lines = [_headline(result)]
    for finding in _in_order(result):
        lines.append(f"  {'✓' if finding.passed else '✗'} {finding.message}")
        if finding.next_step:
            lines.append(f"    → {finding.next_step}")
    if not result.passed:
        lines.append(f'  A hint: hint("{result.exercise.id}")')
    if note:
        lines.append(f"  {note}")
    return "\n".join(lines)


def hint_bundle(exercise: Exercise, opened: int) -> dict[str, str]:
    """The hints opened so far as a MIME bundle."""
    total = len(exercise.hints)
    more = (
        f'hint("{exercise.id}") again opens the next one.'
        if opened < total
        else "That was the last one; the check's own message says what your answer does now."
    )
    title = f"Hint {opened} of {total} for {exercise.id}"
    lines = [f"{i}. {text}" for i, text in enumerate(exercise.hints[:opened], start=1)]
    items = "".join(f"<li>{_inline(text)}</li>" for text in exercise.hints[:opened])
    card = _card(_HINT, title, f'<ol style="margin:.3em 0 .3em 1.4em;padding:0">{items}</ol>{_small(more)}')
    return {"text/html": card, "text/plain": "\n".join([title, *lines, more])}


def _headline(result: Result) -> str:
    mark = "✓" if result.passed else "✗"
    state = "passed" if result.passed else "not yet"
    return f"{mark} {result.exercise.id}: {state}, {result.earned:g} of {result.points:g} points"


def _in_order(result: Result) -> list[Finding]:
    """What is wrong first: that is what the learner needs to read."""
    return sorted(result.findings, key=lambda finding: finding.passed)


def _result_html(result: Result, note: str) -> str:
    rows = "".join(_finding_html(finding) for finding in _in_order(result))
    parts = [f'<ul style="list-style:none;margin:.3em 0;padding:0">{rows}</ul>']
    if not result.passed:
        parts.append(_small(f'Stuck? Run `hint("{result.exercise.id}")` in a new cell.'))
    if note:
        parts.append(_small(note))
    return _card(_RIGHT if result.passed else _WRONG, _headline(result), "".join(parts))


def _finding_html(finding: Finding) -> str:
    mark, colour, word = ("✓", _RIGHT, "right") if finding.passed else ("✗", _WRONG, "wrong")
    next_step = f'<div style="margin-left:1.4em">→ {_inline(finding.next_step)}</div>' if finding.next_step else ""
    icon = f'<span role="img" aria-label="{word}" style="color:{colour};font-weight:bold">{mark}</span>'
    return f'<li style="margin:.25em 0">{icon}&nbsp; {_inline(finding.message)}{next_step}</li>'


def _card(colour: str, title: str, body: str) -> str:
    return (
        f'<div role="status" style="border-left:5px solid {colour};padding:.5em .9em;margin:.3em 0;max-width:46em;'
        f'background:rgba(128,128,128,.08);line-height:1.5"><strong>{html.escape(title)}</strong>{body}</div>'
    )


def _small(text: str) -> str:
    return f'<div style="opacity:.85;font-size:.93em">{_inline(text)}</div>'


def _inline(text: str) -> str:
    """Escaped text; what stands between backticks becomes code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text, quote=False))
