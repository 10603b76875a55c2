"""How results and hints look: a card in JupyterLab, VS Code and Colab, and the same in plain text.

A card is HTML with inline styles alone, since front ends drop scripts and style sheets. Text has the page's own colour,
so that it reads on light and dark pages; where styles are dropped too, the marks and the words still say it all.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping

from tlcourse.checks.exercise import Exercise, Finding
from tlcourse.checks.result import MIME_TYPE, Result

# White on them has a contrast above 4.5:1; they themselves have above 3:1 on white, on #111111 and on #1e1e1e.
_RIGHT, _WRONG, _HINT = "#238551", "#c4511a", "#2f78bd"


def bundle(result: Result, note: str = "", counts: Mapping[str, int] | None = None) -> dict[str, object]:
    """A result as a Jupyter MIME bundle: HTML, plain text, and JSON for programs, which are told `counts` too."""
    return {
        "text/html": _result_html(result, note),
        "text/plain": result_text(result, note),
        MIME_TYPE: {**result.as_json(), **(counts or {})},
    }


def result_text(result: Result, note: str = "") -> str:
    """A result in plain text: one line a finding, an arrow before the next step."""
    mark = "✓" if result.passed else "✗"
    lines = [f"{mark} {result.exercise.id}: {_state(result)}, {_points(result)}"]
    for finding in _in_order(result):
        lines.append(f"  {'✓' if finding.passed else '✗'} {finding.message}")
        if finding.next_step:
            lines.append(f"    → {finding.next_step}")
    if not result.passed:
        lines.append(f"  Stuck? {_hint_call(result.exercise)} opens a hint.")
    if note:
        lines.append(f"  {note}")
    return "\n".join(lines)


def hint_bundle(exercise: Exercise, opened: int) -> dict[str, str]:
    """The hints opened so far as a MIME bundle."""
    total = len(exercise.hints)
    more = (
        f"Run `{_hint_call(exercise)}` again to open the next one."
        if opened < total
        else "That was the last one; the check's own message says what your answer does now."
    )
    hints = exercise.hints[:opened]
    items = "".join(f'<li style="margin:.2em 0">{inline(text)}</li>' for text in hints)
    body = f'<ol style="margin:.5em 0 0;padding:0 0 0 1.3em">{items}</ol>{_small(more)}'
    card = _card(_HINT, ("i", "hint"), f"Hint {opened} of {total}", exercise.id, body)
    lines = [f"{number}. {text}" for number, text in enumerate(hints, start=1)]
    return {"text/html": card, "text/plain": "\n".join([f"Hint {opened} of {total} for {exercise.id}", *lines, more])}


def _state(result: Result) -> str:
    return "passed" if result.passed else "not yet"


def _points(result: Result) -> str:
    return f"{result.earned:g} of {result.points:g} point{'' if result.points == 1 else 's'}"


def _hint_call(exercise: Exercise) -> str:
    """What a learner types for a hint: every lesson opens with `import tlcourse as tl`."""
    return f'tl.hint("{exercise.id}")'


def _in_order(result: Result) -> list[Finding]:
    """What is wrong first: that is what the learner needs to read."""
    return sorted(result.findings, key=lambda finding: finding.passed)


def _result_html(result: Result, note: str) -> str:
    # One finding needs no mark of its own: the card's says the same.
    marked = len(result.findings) > 1
    body = "".join(_finding_html(finding, marked) for finding in _in_order(result))
    if not result.passed:
        body += _small(f"Stuck? Run `{_hint_call(result.exercise)}` in a new cell.")
    if note:
        body += _small(note)
    colour, mark = _mark(result.passed)
    return _card(colour, mark, f"{result.exercise.id}: {_state(result)}", _points(result), body)


def _finding_html(finding: Finding, marked: bool) -> str:
    badge = _badge(*_mark(finding.passed)) if marked else ""
    step = f'<div style="margin-top:.2em"><b>Next:</b> {inline(finding.next_step)}</div>' if finding.next_step else ""
    return (
        f'<div style="display:flex;gap:.6em;align-items:baseline;margin:.5em 0 0">{badge}'
        f"<div>{inline(finding.message)}{step}</div></div>"
    )


def _mark(passed: bool) -> tuple[str, tuple[str, str]]:
    """The colour, and the sign with its name for screen readers."""
    return (_RIGHT, ("✓", "right")) if passed else (_WRONG, ("✗", "not right yet"))


def _badge(colour: str, mark: tuple[str, str]) -> str:
    sign, name = mark
    return (
        f'<span role="img" aria-label="{name}" style="flex:none;width:1.5em;line-height:1.5em;border-radius:50%;'
        f'background-color:{colour};color:#fff;font-size:.86em;font-weight:bold;text-align:center">{sign}</span>'
    )


def _card(colour: str, mark: tuple[str, str], title: str, aside: str, body: str) -> str:
    return (
        f'<div role="status" style="box-sizing:border-box;max-width:48em;margin:.4em 0;padding:.6em 1em;'
        f"border:1px solid {colour}59;border-left:5px solid {colour};border-radius:4px;background-color:{colour}12;"
        'line-height:1.5;overflow-wrap:anywhere">'
        '<div style="display:flex;flex-wrap:wrap;gap:.1em .6em;align-items:baseline">'
        f'{_badge(colour, mark)}<b style="font-size:1.07em">{html.escape(title)}</b> '
        f'<span style="margin-left:auto">{html.escape(aside)}</span></div>{body}</div>'
    )


def _small(text: str) -> str:
    return f'<div style="opacity:.85;font-size:.93em;margin-top:.6em">{inline(text)}</div>'


# Neither a product, `2 * a * b`, nor `**options` is emphasis: a mark touches what it marks, and no word besides.
_MARKED = re.compile(r"`([^`]+)`|(?<![\w*])\*(?![\s*])([^*`]+)(?<!\s)\*(?![\w*])")


def inline(text: str) -> str:
    """Escaped text; what stands between backticks becomes code, and what stands between asterisks *emphasis*."""
    return _MARKED.sub(
        lambda found: f"<code>{found[1]}</code>" if found[1] else f"<em>{found[2]}</em>",
        html.escape(text, quote=False),
    )
