"""The rules of a lesson. Each is one small function that yields what breaks it."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import median

from tlcourse.authoring.source import ROLES, Draft, SourceCell
from tlcourse.errors import LessonError

LONGEST_CELL = 20
MEDIAN_CELL = 6
FEWEST_WORDS = {"00": 500}
WORDS = (1200, 2500)
_KEYS = {*ROLES, "points", "tags"}


@dataclass(frozen=True)
class Violation:
    """One broken rule.

    Args:
        where: the source and, where it is about one, the cell's number.
        fault: what is wrong.
        cure: what to do.
    """

    where: str
    fault: str
    cure: str

    def __str__(self) -> str:
        return f"{self.where}: {self.fault}. {self.cure}."


Rule = Callable[[Draft], Iterator[Violation]]


def has_title(draft: Draft) -> Iterator[Violation]:
    """The first cell opens with the lesson's title."""
    if not draft.title:
        yield _of(draft, "the lesson has no title", "Open the first cell, a markdown cell, with `# The title`")


def metadata_is_known(draft: Draft) -> Iterator[Violation]:
    """A cell's metadata holds only keys that mean something, and one role at most."""
    for cell in draft.cells:
        if unknown := sorted(set(cell.metadata) - _KEYS):
            yield _in(draft, cell, f"nothing knows {', '.join(unknown)}", f"The keys are {', '.join(sorted(_KEYS))}")
        if len(cell.roles) > 1:
            yield _in(draft, cell, f"the cell has the roles {' and '.join(cell.roles)}", "Give it one")
        if cell.role and cell.kind != ROLES[cell.role]:
            yield _in(draft, cell, f"{cell.role} stands on a {cell.kind} cell", f"It belongs on {ROLES[cell.role]}")
        if "points" in cell.metadata and cell.role != "written":
            cure = "An exercise's points stand in its declaration in tlcourse/checks"
            yield _in(draft, cell, "points are only for written answers", cure)


def exercises_exist(draft: Draft) -> Iterator[Violation]:
    """A task, an answer and a check belong to an exercise of this very lesson."""
    for cell in _of_exercises(draft):
        exercise = draft.known.get(cell.name)
        if exercise is None:
            cure = f"Declare it in tlcourse/checks/lesson{draft.lesson.number}.py, or mend the name"
            yield _in(draft, cell, f"there is no exercise {cell.name!r}", cure)
        elif exercise.lesson != draft.lesson.number:
            cure = "Use one of this lesson's exercises"
            yield _in(draft, cell, f"{cell.name!r} is an exercise of lesson {exercise.lesson}", cure)


def nothing_is_doubled(draft: Draft) -> Iterator[Violation]:
    """Each exercise has one task, one answer and one check; each written answer has its own name."""
    seen: dict[tuple[str, str], int] = {}
    for cell in draft.cells:
        if not cell.role:
            continue
        first = seen.setdefault((cell.role, cell.name), cell.number)
        if first != cell.number:
            yield _in(draft, cell, f"{cell.role}={cell.name!r} stands in cell {first} already", "Remove one of them")


def lesson_is_complete(draft: Draft) -> Iterator[Violation]:
    """Every exercise that is declared for the lesson is in it."""
    present = {cell.name for cell in draft.playing("exercise")}
    for exercise in draft.known.values():
        if exercise.lesson == draft.lesson.number and exercise.id not in present:
            cure = f'Add its task, `# %% exercise="{exercise.id}"` and its check'
            yield _of(draft, f"the lesson lacks its exercise {exercise.id!r}", cure)


def task_opens_exercise(draft: Draft) -> Iterator[Violation]:
    """An exercise opens with its task."""
    opened = {cell.name: cell.number for cell in draft.playing("task")}
    for cell in draft.playing("exercise"):
        if opened.get(cell.name, cell.number) >= cell.number:
            cure = f'Put `# %% [markdown] task="{cell.name}"` before it'
            yield _in(draft, cell, f"no task opens the exercise {cell.name!r}", cure)


def check_follows_answer(draft: Draft) -> Iterator[Violation]:
    """The check stands on the very next line: nothing comes between an answer and its check."""
    for cell in draft.playing("exercise"):
        after = draft.after(cell)
        if after is None or after.role != "check" or after.name != cell.name:
            cure = f'Make the very next cell `# %% check="{cell.name}"`'
            yield _in(draft, cell, f"no check follows the exercise {cell.name!r}", cure)


def check_has_answer(draft: Draft) -> Iterator[Violation]:
    """A check checks an answer of this lesson."""
    answered = {cell.name for cell in draft.playing("exercise")}
    for cell in draft.playing("check"):
        if cell.name not in answered:
            cure = f'Put `# %% exercise="{cell.name}"` right before it, or remove the check'
            yield _in(draft, cell, f"the check {cell.name!r} has no exercise", cure)


def check_shows_result(draft: Draft) -> Iterator[Violation]:
    """A check ends on the bare call, or partial credit is lost: nbgrader reads the cell's value."""
    for cell in draft.playing("check"):
        tree = _parse(cell)
        if tree is None or not _uses_check(tree):
            continue
        call = tree.body[-1].value if isinstance(tree.body[-1], ast.Expr) else None
        bare = isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == cell.name
        if not bare or cell.text.rstrip().endswith(";"):
            cure = f"Make its last line `check.{cell.name}(...)`, with nothing before or after the call"
            yield _in(draft, cell, "the check's value is not shown", cure)


def answers_are_marked(draft: Draft) -> Iterator[Violation]:
    """Answers stand between solution marks, and only there."""
    for cell in draft.cells:
        begins, ends = cell.text.count("BEGIN SOLUTION"), cell.text.count("END SOLUTION")
        if cell.role in ("exercise", "written") and not begins:
            yield _in(
                draft,
                cell,
                "the answer is not marked",
                "Put it between ### BEGIN SOLUTION and ### END SOLUTION",
            )
        elif begins != ends:
            yield _in(draft, cell, "a solution mark has no partner", "Pair ### BEGIN SOLUTION with ### END SOLUTION")
        elif begins and cell.role not in ("exercise", "written"):
            yield _in(
                draft,
                cell,
                "an answer stands outside an exercise",
                'Give the cell exercise="…" or written="…"',
            )


def written_has_points(draft: Draft) -> Iterator[Violation]:
    """A written answer says what it is worth, and has a plain name."""
    for cell in draft.playing("written"):
        points = cell.metadata.get("points")
        if isinstance(points, bool) or not isinstance(points, int | float) or points <= 0:
            yield _in(draft, cell, "the written answer has no points", "Add points=2, or what it is worth")
        if not re.fullmatch(r"\w[\w-]*", cell.name, re.ASCII):
            yield _in(draft, cell, f"{cell.name!r} is no name", "Use letters, digits, _ and -")


def code_parses(draft: Draft) -> Iterator[Violation]:
    """Every code cell is Python."""
    for cell in draft.code():
        try:
            ast.parse(_without_magics(cell.text))
        except SyntaxError as error:
            yield _in(draft, cell, f"this is not Python: {error.msg}, line {error.lineno}", "Mend the cell")


def cells_are_short(draft: Draft) -> Iterator[Violation]:
    """No code cell is longer than a reader holds in mind, and most are much shorter."""
    lengths = {cell.number: _lines(cell) for cell in draft.code()}
    for cell in draft.code():
        if (lines := lengths[cell.number]) > LONGEST_CELL:
            cure = "Split it, or move the detail into the package"
            yield _in(draft, cell, f"the code cell has {lines} lines; {LONGEST_CELL} is the most", cure)
    if lengths and (middle := median(lengths.values())) > MEDIAN_CELL:
        yield _of(
            draft,
            f"the median code cell has {middle:g} lines; {MEDIAN_CELL} is the most",
            "Shorten the cells",
        )


def imports_are_public(draft: Draft) -> Iterator[Violation]:
    """A lesson uses the package as its learners may: by its public names."""
    for cell in draft.code():
        for node in ast.walk(_parse(cell) or ast.Module([], [])):
            if name := _private_name(node):
                cure = "Write `import tlcourse as tl` or `from tlcourse import NAME`"
                yield _in(draft, cell, f"{name} is not public", cure)


def experiments_stand_alone(draft: Draft) -> Iterator[Violation]:
    """No experiment calls a learner's answer: the lesson runs to its end whatever has been solved."""
    answers = {cell.name for cell in draft.playing("exercise")}
    for cell in draft.code():
        if cell.role:
            continue
        for node in ast.walk(_parse(cell) or ast.Module([], [])):
            if isinstance(node, ast.Name) and node.id in answers:
                cure = "Use the package's own function, or a number"
                yield _in(draft, cell, f"the experiment needs the learner's {node.id!r}", cure)


def words_are_right(draft: Draft) -> Iterator[Violation]:
    """A lesson is long enough to teach and short enough to finish."""
    number, (fewest, most) = draft.lesson.number, WORDS
    fewest = FEWEST_WORDS.get(number, fewest)
    words = sum(_words(cell) for cell in draft.cells if cell.kind == "markdown")
    if not fewest <= words <= most:
        cure = "Write more" if words < fewest else "Cut it"
        yield _of(draft, f"the lesson has {words} words; {fewest} to {most} is right", cure)


RULES: tuple[Rule, ...] = (
    has_title,
    metadata_is_known,
    exercises_exist,
    nothing_is_doubled,
    lesson_is_complete,
    task_opens_exercise,
    check_follows_answer,
    check_has_answer,
    check_shows_result,
    answers_are_marked,
    written_has_points,
    code_parses,
    cells_are_short,
    imports_are_public,
    experiments_stand_alone,
)
"""What the build insists on."""

ADVICE: tuple[Rule, ...] = (words_are_right,)
"""What `tlcourse build --check` insists on, but a draft may still lack."""


def broken(draft: Draft, rules: tuple[Rule, ...] = RULES) -> list[Violation]:
    """Every violation of `rules` in a lesson."""
    return [violation for rule in rules for violation in rule(draft)]


def insist(draft: Draft) -> None:
    """Pass if the lesson keeps the rules.

    Raises:
        LessonError: it does not; every violation is named, with its cell and cure.
    """
    found = broken(draft)
    if len(found) == 1:
        raise LessonError(f"{found[0].where}: {found[0].fault}.", f"{found[0].cure}.")
    if found:
        listed = "\n".join(f"  {violation}" for violation in found)
        raise LessonError(f"{draft.lesson.name} breaks {len(found)} rules:\n{listed}", "Mend these and build again.")


def _of(draft: Draft, fault: str, cure: str) -> Violation:
    return Violation(str(draft.lesson.source), fault, cure)


def _in(draft: Draft, cell: SourceCell, fault: str, cure: str) -> Violation:
    return Violation(f"{draft.lesson.source}, cell {cell.number}", fault, cure)


def _of_exercises(draft: Draft) -> list[SourceCell]:
    return [cell for cell in draft.cells if cell.role in ("task", "exercise", "check")]


def _lines(cell: SourceCell) -> int:
    return sum("BEGIN SOLUTION" not in line and "END SOLUTION" not in line for line in cell.text.splitlines())


def _words(cell: SourceCell) -> int:
    prose = re.sub(r"```.*?```", "", cell.text_without_answer, flags=re.DOTALL)
    return sum(bool(re.search(r"\w", word)) for word in prose.split())


def _without_magics(text: str) -> str:
    # A line of IPython becomes `pass`, so that its block, if it stands in one, keeps a body.
    return re.sub(r"^(\s*)[%!?].*$", r"\1pass", text, flags=re.MULTILINE)


def _parse(cell: SourceCell) -> ast.Module | None:
    try:
        return ast.parse(_without_magics(cell.text))
    except SyntaxError:
        return None


def _uses_check(tree: ast.Module) -> bool:
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    attributes = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    return "check" in names | attributes


def _private_name(node: ast.AST) -> str:
    if isinstance(node, ast.Import):
        found = [alias.name for alias in node.names if alias.name.startswith("tlcourse.")]
    elif isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "tlcourse":
        inside = "." in str(node.module)
        found = [f"{node.module}.{alias.name}" for alias in node.names if inside or alias.name.startswith("_")]
    elif isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.startswith("__"):
        base = node.value
        found = [f"{base.id}.{node.attr}"] if isinstance(base, ast.Name) and base.id in ("tl", "tlcourse") else []
    else:
        found = []
    return ", ".join(found)
