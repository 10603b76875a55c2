"""Asking with an instructor's own test cell, which runs beside the learner's code: believed only after cross-checks.

A test counts as passed if its end was reached, if the same kernel lets tests fail (a false statement before it, and at
the notebook's end mutants of this very test: one of its asserts turned round, one of its expected values changed), and
if nothing that tests stand on changed while it ran.
"""

from __future__ import annotations

import ast
import builtins
import io
import random
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from tlcourse.grading import cells
from tlcourse.grading.kernel import Kernel, Ran
from tlcourse.grading.release import Release

ALIAS = "_tlcourse_"
"""Under this name a test finds what the learner's notebook has laid something else over."""

_COMPARING = ("assert_equal", "assert_allclose", "assert_almost_equal", "assert_array_equal", "assert_close")
_CLOSE = 0.1  # a tolerance within which no changed value lies
_SLOW = 2.0  # seconds: a test that takes longer is not run again for its mutants
_COLOURS = r"(?:\x1b\[[0-9;]*m)*"
_ALIASED = re.compile(rf"{ALIAS}{_COLOURS}\.{_COLOURS}")


@dataclass(frozen=True)
class PlainTest:
    """A test cell, read.

    Args:
        source: its source.
        names: the builtins that it uses.
        used: all names that it uses.
        imported: what it uses of the release's own imports: module, or (module, member), by name.
        patched: the attributes that it sets itself, such as `rand` in `np.random.rand = ...`.
    """

    source: str
    names: tuple[str, ...] = ()
    used: tuple[str, ...] = ()
    imported: dict[str, tuple[str, ...]] = field(default_factory=dict)
    patched: frozenset[str] = frozenset()

    @classmethod
    def read(cls, source: str, release: Release) -> PlainTest:
        """Read a test; one that is no plain Python (magics) has no names and no mutants."""
        return cls._read(source, _sources(release, answers=False), _sources(release, answers=True))

    @classmethod
    @lru_cache(maxsize=500)  # a whole class's submissions have the same tests
    def _read(cls, source: str, given: tuple[str, ...], stubs: tuple[str, ...]) -> PlainTest:
        if (tree := cells.parsed(source)) is None:
            return cls(source)
        trees = _parsed(given)
        bound, imported = _bound(trees), _imported(trees)
        # What the lesson asks its learners to write under a builtin's name, or an import's, is theirs.
        asked = set().union(*map(_defined, _parsed(stubs)))
        bound |= asked
        bound |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
        used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
        return cls(
            source,
            tuple(sorted(name for name in used - bound if hasattr(builtins, name))),
            tuple(sorted(used)),
            {name: place for name, place in imported.items() if name in used - asked},
            frozenset(n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Store)),
        )

    def without(self, shadowed: list[str]) -> str:
        """The source with some of its names taken from `ALIAS`; its lines stay where they are."""
        tree = cells.parsed(self.source)
        if tree is None or not shadowed:
            return self.source
        lines = _lines(self.source)
        found = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id in shadowed]
        for node in sorted(found, key=lambda node: (node.lineno, node.col_offset), reverse=True):
            line = lines[node.lineno - 1].encode()
            lines[node.lineno - 1] = (line[: node.col_offset] + f"{ALIAS}.".encode() + line[node.col_offset :]).decode()
        return "".join(lines)


def ask(kernel: Kernel, source: str, release: Release) -> Ran | None:
    """Ask one test.

    Returns:
        What the test did, or None if it was kept from running as it stands.
    """
    test, nonce = PlainTest.read(source, release), secrets.token_hex(8)
    before = kernel.ask("prepare", nonce, names=test.names, imported=test.imported, used=test.used, alias=ALIAS)
    shadowed = before.get("shadowed")
    if not isinstance(shadowed, list) or before.get("lies") != [] or not _can_fail(kernel):
        return None
    source = test.without(shadowed)
    one, other = random.randrange(10**6), random.randrange(10**6)
    ran = kernel.run(source, hidden=True, expressions={"end": f"{one} * {other}"})
    if ran.status == "ok" and ran.values.get("end") != str(one * other):
        return None
    restored = kernel.ask("release", nonce, alias=ALIAS).get("restored")
    # What a test stands on does not change while it runs, unless the test or the answer saw to it.
    if not isinstance(restored, list) or any(str(name).rpartition(".")[2] not in test.patched for name in restored):
        return None
    if _is_quiet(source):
        # The kernel, which keeps no such cell in its history, showed the value all the same.
        ran.outputs = [output for output in ran.outputs if output["output_type"] != "execute_result"]
    return _without_alias(ran)


def _is_quiet(source: str) -> bool:
    """Whether a cell's last value is not to be shown."""
    return source.rstrip().endswith(";")


def _can_fail(kernel: Kernel) -> bool:
    one, other, nonce = random.randrange(10**6), random.randrange(10**6), secrets.token_hex(8)
    kernel.ask("briefly", nonce)
    ran = kernel.run(f"assert {one} + {other} == {one + other + 1}, {nonce!r}", hidden=True)
    kernel.ask("fully", nonce)
    return ran.error == ("AssertionError", nonce)


def contradicts_itself(kernel: Kernel, source: str, seconds: float, shown: bool) -> bool:
    """Whether a test that passed passes here whatever it says.

    Its mutants are run, so its side effects happen again: ask when nothing else is to be run. A test that does not pass
    each time (it takes something off a stack, or asks what says yes and no in turn) tells nothing, and is believed.

    Args:
        kernel: the kernel, at the notebook's end.
        source: the test.
        seconds: how long it took; a slow one is not run again.
        shown: whether it showed a value, as one that gives part of the points does.
    """
    if seconds > _SLOW:
        return False
    kernel.ask("briefly", "")
    value = _last_value(source)
    if value and not shown:
        told = kernel.run("pass", hidden=True, expressions={"value": value}).values.get("value", "")
        if _is_number(told):
            return True

    def passes(version: str) -> bool:
        return kernel.run(version, hidden=True).status == "ok"

    return passes(source) and any([passes(mutant) for mutant in mutants(source)]) and passes(source)


def _last_value(source: str) -> str:
    """The source of a test's last line, if that is an expression whose value is shown."""
    tree = cells.parsed(source) if not _is_quiet(source) else None
    last = tree.body[-1] if tree and tree.body else None
    return ast.get_source_segment(source, last.value) or "" if isinstance(last, ast.Expr) else ""


def mutants(source: str) -> Iterator[str]:
    """Versions of a test that must fail where the test passes: an assert turned round, an expected value changed."""
    if (tree := cells.parsed(source)) is None:
        return
    asserts = [node for node in tree.body if isinstance(node, ast.Assert)]
    if asserts:
        chosen = random.choice(asserts)
        yield _before(source, chosen) + f"assert not ({ast.get_source_segment(source, chosen.test)})"
    changes = [(node, value) for node in tree.body if (value := _expected(node)) is not None]
    if changes:
        node, value = random.choice(changes)
        statement = ast.get_source_segment(source, node) or ""
        start = value.col_offset if value.lineno == node.lineno else -1
        if start >= 0:
            inside = start - node.col_offset
            text = ast.get_source_segment(source, value) or ""
            yield _before(source, node) + statement[:inside] + _changed(value) + statement[inside + len(text) :]


def _expected(node: ast.stmt) -> ast.Constant | None:
    """The literal that a statement expects: `assert x == 2`, `assert_allclose(x, 0.5)`."""
    sides: list[ast.expr] = []
    if isinstance(node, ast.Assert) and isinstance(node.test, ast.Compare) and isinstance(node.test.ops[0], ast.Eq):
        if len(node.test.ops) == 1:
            sides = [node.test.left, node.test.comparators[0]]
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        function = node.value.func
        name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
        sides = node.value.args if name in _COMPARING and _is_close(node.value) else []
    literals = [side for side in sides if isinstance(side, ast.Constant) and type(side.value) in (int, float, str)]
    return literals[0] if len(literals) == 1 else None


def _is_small(width: ast.expr) -> bool:
    return isinstance(width, ast.Constant) and isinstance(width.value, int | float) and width.value <= _CLOSE


def _is_close(comparing: ast.Call) -> bool:
    """Whether a comparison's tolerance is so small that no changed value lies within it."""
    widths = [given.value for given in comparing.keywords if given.arg in ("atol", "rtol")]
    coarse = any(given.arg == "decimal" for given in comparing.keywords)
    return all(map(_is_small, widths)) and len(comparing.args) == 2 and not coarse


def _changed(value: ast.Constant) -> str:
    if isinstance(value.value, str):
        return repr(value.value + secrets.token_hex(4))
    return f"({value.value!r} + {random.uniform(1, 2)!r} * (abs({value.value!r}) + 1))"


def _before(source: str, node: ast.stmt) -> str:
    lines = _lines(source)
    return "".join(lines[: node.lineno - 1]) + lines[node.lineno - 1].encode()[: node.col_offset].decode()


def _lines(source: str) -> list[str]:
    """Lines as Python counts them: `str.splitlines` ends one at a form feed, too."""
    return list(io.StringIO(source, newline=None))


def _without_alias(ran: Ran) -> Ran:
    """Errors as the learner would read them."""
    for output in ran.outputs:
        if output["output_type"] == "error":
            output["evalue"] = _ALIASED.sub("", output["evalue"])
            output["traceback"] = [_ALIASED.sub("", line) for line in output["traceback"]]
    ran.error = (ran.error[0], _ALIASED.sub("", ran.error[1]))
    return ran


def _sources(release: Release, *, answers: bool) -> tuple[str, ...]:
    """The release's code: where answers will stand, or all else, which it runs itself."""
    return tuple(
        cells.source(cell)
        for cell in release.notebook["cells"]
        if cell["cell_type"] == "code" and bool(cells.marks(cell).get("solution")) is answers
    )


def _parsed(sources: tuple[str, ...]) -> list[ast.Module]:
    """Those that are plain Python."""
    return [tree for source in sources if (tree := cells.parsed(source)) is not None]


def _bound(given: list[ast.Module]) -> set[str]:
    """The names that the release's own code gives a value to."""
    imports = [node for tree in given for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {item.asname or item.name.partition(".")[0] for node in imports for item in node.names}
    return names.union(*map(_defined, given))


def _defined(tree: ast.Module) -> set[str]:
    """The names that a cell gives a value to, but for imports and what is inside of functions."""
    defined: set[str] = set()
    waiting: list[ast.AST] = [tree]
    while waiting:
        one = waiting.pop()
        if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            defined.add(one.name)
        elif isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store):
            defined.add(one.id)
        elif not isinstance(one, ast.Lambda):
            waiting += ast.iter_child_nodes(one)
    return defined


def _imported(given: list[ast.Module]) -> dict[str, tuple[str, ...]]:
    """The release's own imports, by the name that they give; a name that has two meanings in turn is left out."""
    found: dict[str, set[tuple[str, ...]]] = {}
    for node in [node for tree in given for node in tree.body]:
        if isinstance(node, ast.Import):
            for item in node.names:
                whole = item.name if item.asname else item.name.partition(".")[0]
                found.setdefault(item.asname or whole, set()).add((whole,))
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for item in node.names:
                found.setdefault(item.asname or item.name, set()).add((node.module, item.name))
    again = set().union(*map(_defined, given))
    return {name: meanings.pop() for name, meanings in found.items() if len(meanings) == 1 and name not in again}


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
