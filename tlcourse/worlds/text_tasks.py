"""Few-label tasks on documentation that the shipped text encoder has never read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

import numpy as np

from tlcourse.errors import DataError
from tlcourse.worlds.text import LabelledTexts, fingerprint
from tlcourse.worlds.text_docstrings import TARGETS, docstrings, plain_paragraphs

TOPICS: dict[str, dict[str, tuple[str, ...]]] = {
    "networkx": {
        "shortest paths": ("algorithms/shortest_paths", "algorithms/distance_measures", "algorithms/simple_paths"),
        "centrality": ("algorithms/centrality", "algorithms/link_analysis"),
        "communities": ("algorithms/community", "algorithms/cluster", "algorithms/clique"),
        "flow and cuts": ("algorithms/flow", "algorithms/connectivity"),
        "isomorphism": ("algorithms/isomorphism", "algorithms/graph_hashing"),
        "trees": ("algorithms/tree", "algorithms/traversal", "algorithms/dag"),
        "generators": ("generators",),
        "files": ("readwrite",),
        "drawing": ("drawing",),
        "matrices": ("linalg", "convert_matrix"),
    },
    "matplotlib": {
        "colours": ("colors.py", "colorizer.py", "colorbar.py", "cm.py", "_cm"),
        "text and fonts": ("text.py", "font_manager.py", "_mathtext", "mathtext.py", "textpath.py"),
        "ticks": ("ticker.py", "dates.py", "axis.py"),
        "shapes": ("patches.py", "path.py", "bezier.py", "markers.py"),
        "events": ("widgets.py", "backend_bases.py", "backend_tools.py", "backend_managers.py"),
        "layout": ("gridspec.py", "layout_engine.py", "_constrained_layout.py", "_tight_layout.py", "offsetbox.py"),
        "images": ("image.py",),
        "coordinates": ("transforms.py", "scale.py", "projections"),
    },
}
"""Topic -> the files and folders of a package that are about it."""

ROLES = {
    "parameter": ("Parameters", "Other Parameters"),
    "result": ("Returns", "Yields"),
    "error": ("Raises",),
    "remark": ("Notes",),
    "reference": ("References",),
}
"""What a paragraph does -> the headings under which documentation puts such paragraphs."""


@cache
def documentation_topics(package: str = "networkx") -> LabelledTexts:
    """Paragraphs of a package's documentation, and which part of the package each is about.

    Texts are those of the installed version. They come in an order that each text decides by itself, so that another
    version, with other texts beside it, changes as little as can be.

    Args:
        package: "networkx" or "matplotlib".

    Raises:
        DataError: there are no topics of that package, or it is not installed.
    """
    if package not in TOPICS:
        raise DataError(f"There are no topics of {package!r}.", f"Choose one of {', '.join(TARGETS)}.")
    found: dict[str, set[str]] = {topic: set() for topic in TOPICS[package]}
    for module, _, paragraph in _paragraphs(package, ("",)):
        for topic, places in TOPICS[package].items():
            if module.startswith(places):
                found[topic].add(paragraph)
    return _labelled(found, f"topics of {package}")


@cache
def documentation_roles(package: str = "networkx") -> LabelledTexts:
    """Paragraphs of a package's documentation, and what each does: the intent of a text, whatever it is about.

    The labels are the headings under which the paragraphs stand; the texts do not hold these. Order as for
    `documentation_topics`.

    Raises:
        DataError: as for `documentation_topics`.
    """
    if package not in TOPICS:
        raise DataError(f"There are no roles of {package!r}.", f"Choose one of {', '.join(TARGETS)}.")
    found: dict[str, set[str]] = {role: set() for role in ROLES}
    for role, headings in ROLES.items():
        found[role].update(paragraph for _, _, paragraph in _paragraphs(package, headings))
    return _labelled(found, f"roles in {package}")


def _paragraphs(package: str, headings: tuple[str, ...]) -> Iterator[tuple[str, str, str]]:
    """(module, heading, paragraph) of a package's prose under some headings; the heading of what stands first is ""."""
    for found in _documentation(package):
        for heading, text in _sections(found.text):
            if heading in headings:
                for paragraph in plain_paragraphs(text):
                    yield found.module, heading, paragraph


@cache
def _documentation(package: str) -> tuple:
    return tuple(docstrings(package))


_HEADING = re.compile(r"^(\w[\w ]*)\n[-=]{3,}\s*$", re.MULTILINE)


def _sections(text: str) -> list[tuple[str, str]]:
    parts = _HEADING.split(text)
    return [("", parts[0]), *zip(parts[1::2], parts[2::2], strict=True)]


def _labelled(found: dict[str, set[str]], name: str) -> LabelledTexts:
    """Texts in the order of their fingerprints; one that has two labels is left out."""
    claims: dict[str, list[int]] = {}
    for label, claimed in enumerate(found.values()):
        for text in claimed:
            claims.setdefault(text, []).append(label)
    texts = sorted((text for text, labels in claims.items() if len(labels) == 1), key=fingerprint)
    return LabelledTexts(tuple(texts), np.array([claims[t][0] for t in texts], dtype=np.int64), tuple(found), name)
