"""Real English that every machine with the course has: the documentation inside installed packages.

The files are parsed, never imported or run.
"""

from __future__ import annotations

import ast
import importlib.util
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tlcourse.errors import DataError

SOURCES = ("torch", "scipy", "sympy", "sklearn", "pandas")
"""Packages whose documentation the shipped text encoder has read."""

TARGETS = ("networkx", "matplotlib")
"""Packages whose documentation it has never read: the lessons' tasks come from these."""


@dataclass(frozen=True)
class Docstring:
    """One documentation string.

    Args:
        module: its file below the package's folder, such as `algorithms/dag.py`.
        name: of the class or function, such as `DiGraph.add_node`; empty for the module's own.
        text: as written, without indentation.
    """

    module: str
    name: str
    text: str


def docstrings(package: str) -> Iterator[Docstring]:
    """Every documentation string of an installed package, sorted by file, in the order of the file; tests left out.

    Raises:
        DataError: the package is not installed, or has no folder.
    """
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise DataError(f"There is no installed package {package!r}.", f"Install it: pip install {package}")
    root = Path(spec.submodule_search_locations[0])
    for path in sorted(root.rglob("*.py")):
        module = path.relative_to(root).as_posix()
        if not {"tests", "testing", "_vendor", "externals"} & set(path.relative_to(root).parts[:-1]):
            yield from _in_file(path, module)


def _in_file(path: Path, module: str) -> Iterator[Docstring]:
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError, RecursionError):
        return  # templates and files for other versions of Python
    waiting: list[tuple[ast.AST, str]] = [(tree, "")]
    while waiting:
        node, name = waiting.pop()
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and (text := ast.get_docstring(node)):
            yield Docstring(module, name, text)
        inner = [c for c in ast.iter_child_nodes(node) if isinstance(c, ast.ClassDef | ast.FunctionDef)]
        waiting += [(child, f"{name}.{child.name}".lstrip(".")) for child in reversed(inner)]


# A bare underline of a heading, a table's rule, a list of options for Sphinx.
_MARKUP = re.compile(r"^\s*([-=~^*#.+|]{3,}.*|:\w[\w ]*:.*|\.\. .*)$")
_ROLE = re.compile(r":[\w:+-]+:`(?:[^`<]*<)?[~!.]?([^`>]*)>?`")


def plain_paragraphs(text: str) -> list[str]:
    """The prose of a documentation string: paragraphs without examples, headings' rules and markup."""
    kept, code = [], False
    for line in text.splitlines():
        stripped = line.strip()
        # An example starts with its prompt and ends with the next empty line, its printed results included.
        code = bool(stripped) and (code or stripped.startswith((">>>", "In [")))
        kept.append("" if code or _MARKUP.match(line) else stripped)
    cleaned = _ROLE.sub(r"\1", "\n".join(kept))
    paragraphs = [" ".join(part.split()) for part in re.split(r"\n\s*\n", cleaned)]
    return [paragraph for paragraph in paragraphs if _is_prose(paragraph)]


def _is_prose(paragraph: str) -> bool:
    letters = sum(character.isalpha() or character == " " for character in paragraph)
    return paragraph.count(" ") >= 3 and letters > 0.75 * len(paragraph)


def source_documents(packages: Sequence[str] = SOURCES) -> list[list[str]]:
    """The prose of packages, one list of paragraphs a documentation string; a paragraph that repeats is taken once.

    Raises:
        DataError: a package is a target (the encoder must not see it), or is not installed.
    """
    if forbidden := set(packages) & set(TARGETS):
        raise DataError(
            f"{', '.join(sorted(forbidden))} must stay unseen: the lessons' tasks are made of it.",
            "Leave it out of the sources.",
        )
    seen: set[str] = set()
    documents = []
    for package in packages:
        for found in docstrings(package):
            fresh = [p for p in plain_paragraphs(found.text) if p not in seen]
            seen.update(fresh)
            if fresh:
                documents.append(fresh)
    return documents
