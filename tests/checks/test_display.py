"""How results look: whatever a learner's code says is shown as text, and the plain form leaves nothing out."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import pytest

from tlcourse.checks import display, registry
from tlcourse.checks.exercise import Exercise, Finding
from tlcourse.checks.result import MIME_TYPE, Result, run

TRICKS = ["<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "</div></body>", "`<b>`", '" onclick="x', "&lt;"]


class Reader(HTMLParser):
    """The tags and the text that a browser would see, and whether every tag is closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.text = ""
        self.attributes: set[str] = set()
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.open.append(tag)
        self.attributes.update(name for name, _ in attributes)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def exercise(**facts: Any) -> Exercise:
    return Exercise(
        **{
            "id": "example",
            "title": "Example",
            "lesson": "01",
            "points": 2.0,
            "minutes": 5,
            "difficulty": 1,
            "purpose": "To show.",
            "hints": ("Think of `x < y`.", "Write `return x`.", "Add 1."),
            "collect": lambda answer, rng: {},
            "judge": lambda evidence, rng: [],
            **facts,
        }
    )


RIGHT = Finding("good", True, "The mean is right.", "", 1.5)
WRONG = Finding("bad", False, "The ends are `swapped`.", "Return `low` first.", 0.5)
MIXED = Result(exercise(), (RIGHT, WRONG))
PASSED = Result(exercise(), (RIGHT, Finding("fine", True, "The ends too.", "", 0.5)))


def shown(result: Result, note: str = "") -> Reader:
    return Reader(str(display.bundle(result, note)["text/html"]))


@pytest.mark.parametrize("trick", TRICKS)
def test_no_text_becomes_markup(trick: str) -> None:
    finding = Finding("bad", False, f"It stopped with ValueError: {trick}.", f"Not {trick}.", 2)
    page = shown(Result(exercise(), (finding,)), note=trick)
    assert set(page.tags) <= set(shown(MIXED).tags) | {"code"} and not page.open
    assert page.attributes <= {"style", "role", "aria-label"}
    assert page.text.count(trick.replace("`", "")) == 3, "what the learner wrote is there, as text"


def hostile_error(*arguments: Any) -> None:
    raise ValueError("<script>alert(1)</script>")


class HostileRepr:
    """An answer whose repr is markup."""

    def __repr__(self) -> str:
        return "<script>alert(1)</script>"


HOSTILE = [
    hostile_error,
    lambda *_: HostileRepr(),
    lambda *_: "<script>alert(1)</script>",
    lambda *_: {"<script>": "<script>"},
    HostileRepr(),
]


@pytest.mark.parametrize("name", registry.exercises())
@pytest.mark.parametrize("answer", HOSTILE)
def test_no_answer_to_any_exercise_becomes_markup(name: str, answer: Any) -> None:
    page = shown(run(registry.get(name), answer))
    assert "script" not in page.tags and not page.open


class TestResult:
    """The three forms of one result."""

    def test_what_is_wrong_comes_first(self) -> None:
        text = shown(MIXED).text
        assert text.index("The ends are swapped.") < text.index("The mean is right.")
        assert "example: not yet" in text and "1.5 of 2 points" in text

    def test_code_stands_between_backticks(self) -> None:
        html = str(display.bundle(MIXED)["text/html"])
        assert "<code>swapped</code>" in html and "`" not in Reader(html).text

    @pytest.mark.parametrize(
        ("said", "seen"),
        [
            ("Take the *source's* mean.", "Take the <em>source's</em> mean."),
            ("It is *not yet* right", "It is <em>not yet</em> right"),
            ("The rate is 2 * a * b.", "The rate is 2 * a * b."),
            ("f(*args, **options) raised", "f(*args, **options) raised"),
            ("Write `(a *b* c)`.", "Write <code>(a *b* c)</code>."),
        ],
    )
    def test_emphasis_stands_between_asterisks(self, said: str, seen: str) -> None:
        assert display.inline(said) == seen

    def test_the_marks_have_words_for_screen_readers(self) -> None:
        html = str(display.bundle(MIXED)["text/html"])
        assert html.count("aria-label=") == html.count('role="img"') == 3, "the card's mark and one a finding"
        assert 'aria-label="right"' in html and 'role="status"' in html

    def test_plain_text_leaves_nothing_out(self) -> None:
        text = display.result_text(MIXED, "Progress was not saved.")
        assert text.splitlines()[:4] == [
            "✗ example: not yet, 1.5 of 2 points",
            "  ✗ The ends are `swapped`.",
            "    → Return `low` first.",
            "  ✓ The mean is right.",
        ]
        assert 'hint("example")' in text.splitlines()[4]
        assert text.splitlines()[5] == "  Progress was not saved."

    def test_a_passed_result_offers_no_hint(self) -> None:
        assert "hint" not in display.result_text(PASSED) and "hint" not in shown(PASSED).text
        assert display.result_text(PASSED).startswith("✓ example: passed, 2 of 2 points")

    def test_programs_read_json(self) -> None:
        assert display.bundle(MIXED)[MIME_TYPE] == {
            "exercise": "example",
            "points": 2.0,
            "earned": 1.5,
            "passed": False,
            "findings": [
                {"code": "good", "passed": True, "message": "The mean is right.", "next_step": "", "points": 1.5},
                {
                    "code": "bad",
                    "passed": False,
                    "message": "The ends are `swapped`.",
                    "next_step": "Return `low` first.",
                    "points": 0.5,
                },
            ],
        }


class TestHints:
    """From nudge to near-answer."""

    def test_only_the_opened_ones_are_shown(self) -> None:
        hints = display.hint_bundle(exercise(), 2)
        for form in (hints["text/plain"], Reader(hints["text/html"]).text):
            assert "Hint 2 of 3" in form and "example" in form and "Add 1." not in form
            assert 'hint("example")' in form, "how to open the next one"
        assert "1. Think of `x < y`.\n2. Write `return x`." in hints["text/plain"]
        assert "<code>x &lt; y</code>" in hints["text/html"]

    def test_the_last_one_says_so(self) -> None:
        assert "That was the last one" in display.hint_bundle(exercise(), 3)["text/plain"]


@pytest.mark.parametrize("facts", [{"id": "not a name"}, {"difficulty": 4}, {"hints": ("Only one.",)}])
def test_an_exercise_declared_wrongly_is_refused(facts: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        exercise(**facts)


@pytest.mark.parametrize("points", [0.0, 1.0])
def test_findings_must_add_up_to_the_exercise(points: float) -> None:
    judge = exercise(judge=lambda evidence, rng: [Finding("f", True, "Fine.", "", points)])
    with pytest.raises(ValueError, match="example: "):
        run(judge, None)
