"""Prose out of installed packages, without running them; what is a source and what a target."""

from __future__ import annotations

from pathlib import Path

import pytest

from tlcourse.errors import DataError
from tlcourse.worlds import docstrings
from tlcourse.worlds.text_docstrings import SOURCES, TARGETS, plain_paragraphs, source_documents

SOURCE = '''"""The module."""
raise RuntimeError("this file must not be run")

class Graph:
    """A graph."""
    def walk(self):
        """Walk along the edges."""

def plain():
    pass
'''


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An installed package with a file that cannot be parsed and tests of its own."""
    folder = tmp_path / "walking"
    (folder / "tests").mkdir(parents=True)
    (folder / "__init__.py").write_text("")
    (folder / "graph.py").write_text(SOURCE)
    (folder / "broken.py").write_text("def (")
    (folder / "tests" / "test_graph.py").write_text('"""Tests of walking."""')
    monkeypatch.syspath_prepend(tmp_path)
    return "walking"


def test_every_documented_thing_in_order(package: str) -> None:
    found = [(one.module, one.name, one.text) for one in docstrings(package)]
    assert found == [
        ("graph.py", "", "The module."),
        ("graph.py", "Graph", "A graph."),
        ("graph.py", "Graph.walk", "Walk along the edges."),
    ]


def test_a_package_that_is_not_installed() -> None:
    with pytest.raises(DataError, match="no installed package 'no_such_package'"):
        next(docstrings("no_such_package"))


def test_prose_without_examples_rules_and_markup() -> None:
    text = """Compute the mean along an axis.

    Parameters
    ----------
    x : array
        Of numbers; see :func:`~numpy.mean` for more of it.

    >>> mean([1, 2])
    1.5

    .. versionadded:: 1.0
    """
    first, second = plain_paragraphs(text)
    assert first == "Compute the mean along an axis."
    assert second == "x : array Of numbers; see numpy.mean for more of it."


def test_the_targets_are_never_read() -> None:
    assert not set(SOURCES) & set(TARGETS)
    with pytest.raises(DataError, match="networkx must stay unseen"):
        source_documents(("sklearn", "networkx"))


def test_a_repeated_paragraph_is_taken_once(package: str, tmp_path: Path) -> None:
    (tmp_path / "walking" / "again.py").write_text(
        '"""Walk along all of the edges."""\ndef f():\n    """Walk along all of the edges."""'
    )
    assert source_documents((package,)) == [["Walk along all of the edges."], ["Walk along the edges."]]
