"""Building lessons, and proving that what is stored equals what the sources give."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tlcourse import storage
from tlcourse.authoring import colab, outputs, rules, source
from tlcourse.authoring import notebook as notebooks
from tlcourse.authoring.course import Lesson, lessons
from tlcourse.authoring.execute import execute
from tlcourse.authoring.release import generate
from tlcourse.errors import LessonError, NotebookError
from tlcourse.extras import require

_BUILD = "Run: tlcourse build"


@dataclass(frozen=True)
class Problem:
    """A file that is not what its lesson's source gives.

    Args:
        path: the file.
        state: `"missing"`, `"stale"` or `"extra"`; of a source, `"rule"` (it breaks one) or `"fails"`.
        why: what differs, and the cure.
    """

    path: Path
    state: str
    why: str


def build(chosen: list[Lesson], *, force: bool = False, report: Callable[[str], None] = print) -> None:
    """Generate, execute and release lessons. A lesson that fails leaves its files as they were.

    Args:
        chosen: the lessons.
        force: execute each, even if its code is what the stored outputs came from.
        report: gets one line a lesson.

    Raises:
        LessonError: a lesson breaks a rule, fails, or shows what must not be stored.
    """
    drafts = [source.read(lesson) for lesson in chosen]
    for draft in drafts:
        rules.insist(draft)
    for draft in drafts:
        solution, seconds = _executed(draft, force=force)
        files = generate(draft.lesson, solution)
        files[draft.lesson.solution.relative_to(draft.lesson.root)] = notebooks.to_bytes(solution)
        changed = _write(draft.lesson.root, files)
        ran = "outputs kept" if seconds is None else f"executed in {seconds:.1f} s"
        report(f"{draft.lesson.name}: {ran}, {f'{changed} files written' if changed else 'nothing changed'}")
        for violation in rules.broken(draft, rules.ADVICE):
            report(f"  note: {violation}")


def prove(chosen: list[Lesson], report: Callable[[str], None] = print) -> list[Problem]:
    """Execute the solutions in fresh kernels and name each that fails. Nothing is written."""
    problems = []
    for lesson in chosen:
        try:
            draft = source.read(lesson)
            rules.insist(draft)
            _, seconds = _executed(draft, force=True)
            report(f"{lesson.name}: executed in {seconds:.1f} s")
        except LessonError as error:
            problems.append(Problem(lesson.source, "fails", f"{error.fault} {error.cure}".rstrip(".")))
    return problems


def check(root: Path, chosen: list[Lesson]) -> list[Problem]:
    """What `build` would change, outputs aside. Nothing is written or executed.

    Args:
        root: the course's folder.
        chosen: the lessons; if these are all of the course's, files of no lesson are named too.
    """
    problems = [problem for lesson in chosen for problem in _check_lesson(lesson)]
    if {lesson.name for lesson in chosen} == {lesson.name for lesson in lessons(root)}:
        problems += _strays(root)
    return problems


def _assembled(draft: source.Draft) -> Any:
    solution = notebooks.assemble(draft)
    if place := colab.of_course(draft.lesson.root):
        colab.prepare(solution, draft.lesson, place)
    return solution


def _executed(draft: source.Draft, *, force: bool) -> tuple[Any, float | None]:
    lesson, solution = draft.lesson, _assembled(draft)
    kept = not force and _keep(lesson, solution)
    seconds = None if kept else execute(lesson, solution)
    for number, fault, cure in outputs.faults(solution, lesson.root):
        raise LessonError(f"{lesson.source}, cell {number}: {fault}.", f"{cure}, and build again.")
    return solution, seconds


def _keep(lesson: Lesson, solution: Any) -> bool:
    try:
        stored = notebooks.load(lesson.solution)
    except NotebookError:
        return False
    return outputs.keep_outputs(stored, solution)


def _write(root: Path, files: dict[Path, bytes]) -> int:
    changed = {path: data for path, data in files.items() if _content(root / path) != data}
    for path, data in sorted(changed.items()):
        storage.write_bytes(root / path, data)
    return len(changed)


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None


def _check_lesson(lesson: Lesson) -> Iterator[Problem]:
    if not lesson.source.is_file():
        for path in (lesson.solution, lesson.release):
            if path.exists():
                yield Problem(path, "extra", "No source gives it. Delete it, or restore the source")
        return
    draft = source.read(lesson)
    for violation in rules.broken(draft, rules.RULES + rules.ADVICE):
        yield Problem(
            lesson.source, "rule", f"{violation.where.partition(', ')[2]} {violation.fault}. {violation.cure}"
        )
    if rules.broken(draft):
        return
    solution = _assembled(draft)
    yield from _check_solution(lesson, solution)
    yield from _check_release(lesson, generate(lesson, solution))


def _check_solution(lesson: Lesson, solution: Any) -> Iterator[Problem]:
    if not lesson.solution.is_file():
        yield Problem(lesson.solution, "missing", _BUILD)
        return
    try:
        stored = notebooks.load(lesson.solution)
    except NotebookError as error:
        yield Problem(lesson.solution, "stale", f"{error.fault} {_BUILD}")
        return
    if why := _difference(outputs.without_outputs(stored), solution):
        yield Problem(lesson.solution, "stale", f"{why}. {_BUILD}")
    elif not outputs.was_executed(stored):
        yield Problem(lesson.solution, "stale", f"It was never executed to its end. {_BUILD}")
    for number, fault, _ in outputs.faults(stored, lesson.root):
        yield Problem(lesson.solution, "stale", f"cell {number}: {fault}. {_BUILD} --execute")


def _check_release(lesson: Lesson, released: dict[Path, bytes]) -> Iterator[Problem]:
    for path, data in released.items():
        stored = _content(lesson.root / path)
        if stored is None:
            yield Problem(lesson.root / path, "missing", _BUILD)
        elif stored != data:
            yield Problem(lesson.root / path, "stale", f"{_release_difference(lesson.root / path, data)}. {_BUILD}")
    for part in ("notebooks", "solutions"):
        for path in _files(lesson.root / part / lesson.name):
            stray = path.suffix in (".ipynb", ".py") if part == "solutions" else True
            if stray and path.relative_to(lesson.root) not in released and path not in (lesson.source, lesson.solution):
                yield Problem(path, "extra", "No source gives it. Delete it")


def _release_difference(path: Path, data: bytes) -> str:
    nbformat = require("nbformat", "dev")
    if path.suffix != ".ipynb":
        return "It differs from the file beside the source"
    try:
        return _difference(notebooks.load(path), nbformat.reads(data.decode(), as_version=4)) or "Its layout differs"
    except NotebookError as error:
        return error.fault.rstrip(".")


def _difference(stored: Any, fresh: Any) -> str:
    """Where two notebooks first differ; empty if they do not."""
    for number, (old, new) in enumerate(zip(stored.cells, fresh.cells, strict=False), start=1):
        if old != new:
            return f"Cell {number} ({new.id}) is not what the source gives"
    if len(stored.cells) != len(fresh.cells):
        return f"It has {len(stored.cells)} cells, the source gives {len(fresh.cells)}"
    return "" if stored == fresh else "The notebook's metadata is not what the source gives"


def _strays(root: Path) -> Iterator[Problem]:
    known = {lesson.name for lesson in lessons(root)}
    for part in ("notebooks", "solutions"):
        for path in _files(root / part):
            if path.suffix == ".ipynb" and path.relative_to(root / part).parts[0] not in known:
                yield Problem(path, "extra", "It belongs to no lesson. Delete it")


def _files(folder: Path) -> list[Path]:
    found = (path for path in sorted(folder.rglob("*")) if path.is_file())
    hidden = (".", "__pycache__")
    return [path for path in found if not any(part.startswith(hidden) for part in path.relative_to(folder).parts)]
