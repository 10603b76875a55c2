"""What a lesson's source must keep to: each broken rule names the cell and the cure."""

from __future__ import annotations

from pathlib import Path

import pytest
from authoring_kit import NAME, lesson_text, write_lesson

from tlcourse.cli import main

LONG = "\n".join(f"x{i} = {i}" for i in range(21))
EIGHT = "\n".join(f"x{i} = {i}" for i in range(8))
CHECK = '# %% check="double"\nassert double(2) == 4\n'
ANSWER = '# %% exercise="double"\ndef double(x):\n    ### BEGIN SOLUTION\n    return 2 * x\n    ### END SOLUTION\n'

# What is replaced in the lesson, by what, and what the message says.
BROKEN = {
    "no title": ("# # First steps", "# First steps", "has no title"),
    "a mistyped key": ('exercise="tau"', 'exercize="tau"', "cell 7: nothing knows exercize"),
    "a role on the wrong kind of cell": (
        '# %% [markdown] task="double"',
        '# %% task="double"',
        "cell 3: task stands on a code cell",
    ),
    "an unknown exercise": ('="tau"', '="tao"', "cell 7: there is no exercise 'tao'"),
    "another lesson's exercise": ('="tau"', '="later"', "cell 7: 'later' is an exercise of lesson 02"),
    "something between answer and check": (CHECK, f"# %%\n1 + 1\n\n{CHECK}", "cell 4: no check follows"),
    "no check": (CHECK, "", "cell 4: no check follows the exercise 'double'"),
    "a check without its exercise": (ANSWER, "", "cell 4: the check 'double' has no exercise"),
    "an exercise that stands twice": (
        CHECK,
        f"{CHECK}\n{ANSWER}\n{CHECK}",
        "cell 6: exercise='double' stands in cell 4",
    ),
    "no task": ('# %% [markdown] task="double"', "# %% [markdown]", "no task opens the exercise 'double'"),
    "half a pair of marks": (
        "math.pi\n### END SOLUTION",
        "math.pi",
        "cell 7: a solution mark has no partner",
    ),
    "an answer with no marks at all": (
        "### BEGIN SOLUTION\ntau = 2 * math.pi\n### END SOLUTION",
        "tau = 2 * math.pi",
        "cell 7: the answer is not marked",
    ),
    "an answer outside an exercise": (
        "import math",
        "### BEGIN SOLUTION\nimport math\n### END SOLUTION",
        "cell 2: an answer stands outside an exercise",
    ),
    "a check whose value is not shown": (
        "assert double(2) == 4",
        "check.double(double);",
        "cell 5: the check's value is not shown",
    ),
    "a written answer without points": ("points=3", "", "cell 10: the written answer has no points"),
    "an experiment that needs the learner's answer": (
        "import math",
        "import math\n\ntau = math.tau",
        "cell 2: the experiment needs the learner's 'tau'",
    ),
    "a long cell": ("import math", f"import math\n{LONG}", "cell 2: the code cell has 22 lines"),
    "long cells": (
        "\n# %%\nprint",
        f"\n# %%\n{EIGHT}\n" * 9 + "\n# %%\nprint",
        "the median code cell has 8 lines",
    ),
    "a private module": (
        "import math",
        "import math\nfrom tlcourse.checks import registry",
        "cell 2: tlcourse.checks.reg",
    ),
    "a private name": (
        "import math",
        "import math\nimport tlcourse as tl\ntl._PUBLIC",
        "cell 2: tl._PUBLIC is not public",
    ),
    "code that is not Python": ("import math", "import math math", "cell 2: this is not Python"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_rule_is_named(root: Path, capsys: pytest.CaptureFixture[str], case: str) -> None:
    before, after, message = BROKEN[case]
    text = lesson_text()
    assert before in text
    write_lesson(root, text.replace(before, after))
    assert main(["build", "--root", str(root)]) == 1
    told = capsys.readouterr().err
    assert f"{NAME}.py" in told
    assert message in told
    assert not (root / "notebooks").exists()


def test_an_exercise_that_the_lesson_lacks_is_named(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = lesson_text()
    start, end = text.index('# %% [markdown] task="tau"'), text.index("# %%\nprint")
    write_lesson(root, text[:start] + text[end:])
    assert main(["build", "--root", str(root)]) == 1
    assert "lacks its exercise 'tau'" in capsys.readouterr().err


def test_all_broken_rules_are_told_at_once(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_lesson(root, lesson_text().replace("# # First", "# First").replace("points=3", ""))
    assert main(["build", "--root", str(root)]) == 1
    told = capsys.readouterr().err
    assert "2 rules" in told
    assert "no title" in told
    assert "no points" in told


def test_a_lesson_without_a_source_is_named(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "notebooks" / "02-lost").mkdir(parents=True)
    assert main(["build", "2", "--root", str(root)]) == 1
    assert "02-lost has no source" in capsys.readouterr().err


@pytest.mark.parametrize(("number", "words", "right"), [("01", 1000, False), ("01", 2600, False), ("00", 600, True)])
def test_the_length_is_for_the_check(
    root: Path, capsys: pytest.CaptureFixture[str], number: str, words: int, right: bool
) -> None:
    # Without exercises, so that the lesson can have any number.
    text = lesson_text(words).partition("# %% [markdown] task")[0]
    write_lesson(root, text, name=f"{number}-prose")
    assert main(["build", "--check", f"{number}-prose", "--root", str(root)]) == 1  # it was not built
    told = [line for line in capsys.readouterr().out.splitlines() if line.startswith("rule")]
    assert any(" words; " in line for line in told) != right
