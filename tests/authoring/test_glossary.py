"""The glossary has every word that a lesson defines, once, and no word that no lesson uses."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from authoring_kit import CHECKOUT

from tlcourse.authoring.book import glossary, linked
from tlcourse.authoring.course import lessons

PAGE = CHECKOUT / "docs" / "book" / "glossary.md"
_BOLD = re.compile(r"\*\*([^*]+)\*\*")
_APART = re.compile(r"\$\$.*?\$\$|`[^`]*`|\$[^$]*\$", re.S)

_STRESSED = """
"same" padding; 0.10; 0.80; 500 passes; 60 more of each; a pickle; add; aligned; all weathers; base; batch
norm's running statistics; before you hand in; border; calibrated; children; clear only; contrast;
cross-validate; curve over label counts; cut; cut earlier; cut, from scratch; differ; domain distance; domains
differ; drew the same as home; edges; eight speakers; exposure; fine-tune all; fine-tuned; first half, places
kept; first layers frozen; five; flyers; fog; four; fresh on top; from scratch; frozen; grain; groups; higher;
higher asymptote; higher slope; higher start; how; how the report is graded; in each epoch, right after;
information; intent; known speakers; large; layouts; lesion; levelled; merged; more images; more takes; name;
names; negative; neighbourhood; never; new head; new men; night; none; not; obtain; odd; old features; once;
one; or higher; other; outputs; overfits; pixels; posters; practise; price; probe, fine-tune; progress; rain;
random; rank; read on; reference; repeated; replayed; resampled; reused; rotation; save; scale; shift; shift +
enter; shipping; shrunk; size; small; some; somebody else; source accuracy; source weighted; statistics;
striped; tasks differ; tenth; test; three; topic; tract; train; transductive transfer; transfer; tuned;
validate; validation; warped; what; when; where; whole body, averaged; wilson's; windows; without rain; your own
folder
"""
STRESSED = frozenset(" ".join(phrase.split()) for phrase in _STRESSED.split(";"))
"""What lessons set in bold without defining it: a stressed word, a part of a list, the name of an arm."""


def texts(solution: Path) -> Iterator[str]:
    cells = json.loads(solution.read_text(encoding="utf-8"))["cells"]
    yield from ("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")


def bold(text: str) -> Iterator[str]:
    """What stands in bold, but for the marks that every lesson has, such as **Predict.**, and single letters."""
    for found in _BOLD.findall(_APART.sub("", text)):
        phrase = " ".join(found.split()).lower()
        if len(phrase) > 1 and phrase[-1] not in ".:?" and " minute" not in phrase:
            yield phrase


def is_listed(phrase: str, listed: frozenset[str]) -> bool:
    return phrase in listed or phrase.removesuffix("s") in listed


@pytest.mark.parametrize("lesson", lessons(CHECKOUT), ids=lambda lesson: lesson.name)
def test_what_a_lesson_sets_in_bold_is_in_the_glossary(lesson) -> None:
    terms = frozenset(term.lower() for term in glossary(PAGE))
    said = {phrase for text in texts(lesson.solution) for phrase in bold(text)}
    missing = sorted(phrase for phrase in said if not is_listed(phrase, terms) and not is_listed(phrase, STRESSED))
    assert missing == [], "define them in docs/book/glossary.md; a word that is only stressed goes into STRESSED"


def test_every_term_is_linked_in_some_lesson() -> None:
    used = set()
    for lesson in lessons(CHECKOUT):
        unseen = glossary(PAGE)
        for text in texts(lesson.solution):
            linked(text, unseen)
        used |= set(glossary(PAGE)) - set(unseen)
    assert sorted(set(glossary(PAGE)) - used) == []


def test_what_is_stressed_stands_in_some_lesson() -> None:
    said = {phrase for lesson in lessons(CHECKOUT) for text in texts(lesson.solution) for phrase in bold(text)}
    assert sorted(phrase for phrase in STRESSED if phrase not in said and f"{phrase}s" not in said) == []
