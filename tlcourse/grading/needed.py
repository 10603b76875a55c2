"""Which cells of a lesson must run to ask its questions: experiments that no answer builds on are not run again.

A lesson of this course takes a minute or more, nearly all of it in experiments that were handed out as they stand. The
course's checks look at answers alone, with inputs and seeds of their own. So a cell that was handed out runs only if it
gives, or may change, something that a learner's cell or a check uses. Where that cannot be told from the source
(magics, `exec`, `globals()`), everything runs.
"""

from __future__ import annotations

import ast
import builtins
import symtable
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from tlcourse.grading import cells
from tlcourse.grading.cells import Cell
from tlcourse.grading.release import Release

_DYNAMIC = {"globals", "locals", "vars", "exec", "eval", "get_ipython", "In", "Out", "_", "__", "_i", "setattr"}
_OUTSIDE = {
    *("next", "open", "input", "read_text", "write_text", "unlink", "exists", "glob", "iterdir", "listdir", "remove"),
    *("random", "rand", "randn", "randint", "randperm", "normal", "uniform", "choice", "choices", "shuffle", "sample"),
    *("seed", "set_seed", "manual_seed", "getrandbits", "integers", "permutation"),
}
"""Names by which code asks for what is not the same the next time: files, a person, random numbers."""


@dataclass(frozen=True)
class _Names:
    """What a cell does with names.

    Args:
        fixed: names it binds by import, `def` or `class`.
        bound: other names it gives a value to.
        used: names it reads, in nested functions too.
        has_star: it imports whatever a module gives.
    """

    fixed: frozenset[str]
    bound: frozenset[str]
    used: frozenset[str]
    has_star: bool


def needed(notebook_cells: list[Cell], release: Release) -> set[int]:
    """The places of the code cells that must run; all of them where it cannot be told."""
    code = [place for place, cell in enumerate(notebook_cells) if cell["cell_type"] == "code"]
    tests = [place for place in code if cells.is_test(notebook_cells[place])]
    if not tests or not all(cells.check_call(cells.source(notebook_cells[place])) for place in tests):
        return set(code)  # an instructor's own tests may look at anything
    given = {cells.source(cell) for cell in release.notebook["cells"] if not cells.marks(cell).get("solution")}
    own = {place for place in code if cells.source(notebook_cells[place]) not in given} | set(tests)
    names = {place: _names(cells.source(notebook_cells[place])) for place in code}
    if any(names[place] is None or names[place].used & _DYNAMIC for place in own):  # type: ignore[union-attr]
        return set(code)
    return _closure({place: found for place, found in names.items() if found is not None}, own, set(code))


def _closure(names: dict[int, _Names], own: set[int], code: set[int]) -> set[int]:
    # What a magic or a star import gives is not known.
    unknown = {place for place in code if place not in names or names[place].has_star}
    bound = frozenset[str]().union(*(found.bound for found in names.values()))
    fixed = frozenset(dir(builtins)).union(*(found.fixed for found in names.values())) - bound
    chosen = set(own)
    while True:
        readers = {place: names[place] for place in chosen if place in names}
        more = {
            place
            for place, found in names.items()
            if place not in chosen
            and any(
                (found.fixed | found.bound | (found.used - fixed)) & reader.used
                for at, reader in readers.items()
                if place < at
            )
        }
        if not more:
            return chosen | unknown
        chosen |= more


@lru_cache(maxsize=200)  # a class's submissions are alike but for the answers
def _names(source: str) -> _Names | None:
    if (tree := cells.parsed(source)) is None:
        return None
    try:
        table = symtable.symtable(source, "<cell>", "exec")
    except (SyntaxError, ValueError, RecursionError):
        return None
    symbols = table.get_symbols()
    fixed = {symbol.get_name() for symbol in symbols if symbol.is_imported() or symbol.is_namespace()}
    inner = [symbol for child in _below(table) for symbol in child.get_symbols() if symbol.is_global()]
    return _Names(
        frozenset(fixed),
        frozenset(symbol.get_name() for symbol in [*symbols, *inner] if symbol.is_assigned()) - fixed,
        frozenset(symbol.get_name() for symbol in [*symbols, *inner] if symbol.is_referenced()),
        any(isinstance(node, ast.ImportFrom) and node.names[0].name == "*" for node in ast.walk(tree)),
    )


def _below(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    """The scopes of functions, classes and comprehensions inside one."""
    for child in table.get_children():
        yield child
        yield from _below(child)


def may_wait(notebook_cells: list[Cell], tests: Iterable[int]) -> bool:
    """Whether tests that ran in their place would find the same again at the notebook's end.

    They do where nothing that they build on, directly or through what they call, keeps a state, and no later cell gives
    or changes a name of it.

    Args:
        notebook_cells: the cells.
        tests: the places of the tests.
    """
    code = [place for place, cell in enumerate(notebook_cells) if cell["cell_type"] == "code"]
    names = {place: _names(cells.source(notebook_cells[place])) for place in code}
    if any(found is None or found.used & _DYNAMIC for found in names.values()):
        return False
    known = {place: found for place, found in names.items() if found is not None}
    fixed = frozenset(dir(builtins)).union(*(found.fixed for found in known.values()))
    for test in tests:
        base, sources = set(known[test].used), []
        for place in sorted((place for place in known if place < test), reverse=True):
            if base & (known[place].fixed | known[place].bound):
                base |= known[place].used
                sources.append(cells.source(notebook_cells[place]))
        if any(map(_keeps_state, sources)) or _reaches_out(cells.source(notebook_cells[test])):
            return False
        later = [found for place, found in known.items() if place > test]
        if any(base & (found.fixed | found.bound | (found.used - fixed)) for found in later):
            return False
    return True


@lru_cache(maxsize=200)
def _keeps_state(source: str) -> bool:
    """Whether what a cell gives may be another thing after its use: a stack, a generator, a function that counts."""
    tree = cells.parsed(source)
    assigned = [node for node in tree.body if isinstance(node, ast.Assign | ast.AnnAssign)] if tree else []
    other = [node for node in tree.body if isinstance(node, ast.AugAssign | ast.For | ast.With)] if tree else []
    return bool(other) or any(not _is_constant(node.value) for node in assigned) or _reaches_out(source)


def _is_constant(value: ast.expr | None) -> bool:
    if isinstance(value, ast.Tuple):
        return all(map(_is_constant, value.elts))
    if isinstance(value, ast.UnaryOp):
        return _is_constant(value.operand)
    return value is None or isinstance(value, ast.Constant | ast.Lambda)


@lru_cache(maxsize=200)
def _reaches_out(source: str) -> bool:
    """Whether code that is called may leave something behind: in a variable outside, a file, a generator of numbers."""
    tree = cells.parsed(source)
    return any(_leaves_something(node) for node in ast.walk(tree)) if tree else True


def _leaves_something(node: ast.AST) -> bool:
    if isinstance(node, ast.Name):
        return node.id in _OUTSIDE
    if isinstance(node, ast.Attribute):
        own = isinstance(node.value, ast.Name) and node.value.id == "self"
        return node.attr in _OUTSIDE or (not isinstance(node.ctx, ast.Load) and not own)
    if isinstance(node, ast.ClassDef):  # what stands in the class itself, all of its objects share
        return any(isinstance(part, ast.Assign) and not _is_constant(part.value) for part in node.body)
    if isinstance(node, ast.arguments):
        return any(not _is_constant(value) for value in [*node.defaults, *node.kw_defaults])
    return isinstance(node, ast.Global | ast.Nonlocal)


def lacks(errors: Iterable[tuple[str, str]], skipped: Iterable[Cell]) -> bool:
    """Whether an error tells of a name that a skipped cell would have given.

    Args:
        errors: names and texts of the exceptions that were raised.
        skipped: the cells that did not run.
    """
    told = {text.split("'")[1] for name, text in errors if name == "NameError" and text.count("'") >= 2}
    for cell in skipped:
        found = _names(cells.source(cell))
        if found is None or told & (found.bound | found.fixed):
            return bool(told)
    return False
