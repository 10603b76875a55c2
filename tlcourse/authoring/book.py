"""The book's pages: every lesson as it was executed, answers folded away, and where each stored result comes from.

`python -m tlcourse.authoring.book FOLDER` writes what Sphinx reads; `make book` does both.
"""

from __future__ import annotations

import base64
import io
import re
import shutil
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from tlcourse import storage
from tlcourse.authoring import book_results
from tlcourse.authoring.course import Lesson, find_root, lessons
from tlcourse.checks.result import MIME_TYPE
from tlcourse.errors import CourseError
from tlcourse.extras import require

PACKAGES = ("worlds", "models", "transfer", "measure", "plots", "grading")
"""What the reference describes."""

EVERYDAY = frozenset(
    {
        "block",
        "box",
        "bridge",
        "class",
        "conflict",
        "detector",
        "filter",
        "kernel",
        "map",
        "positive",
        "score",
        "source only",
        "state",
        "step",
        "unit",
        "view",
    }
)
"""Terms that say something else in other sentences: linked only where a lesson sets them in bold to define them."""

_WRITTEN = "docs/book"
_READING = "### Further reading"
# What no term may be linked in: code, formulas, links, tags, headings.
_APART = re.compile(r"(```.*?```|`[^`]*`|\$\$.*?\$\$|\$[^$]*\$|\[[^\]]*\]\([^)]*\)|<[^>]+>|^#+ [^\n]*$)", re.S | re.M)


def write_sources(root: Path, target: Path) -> int:
    """Write everything that Sphinx reads into an empty folder.

    Args:
        root: a checkout of the course.
        target: the folder; what was in it is removed.

    Returns:
        how many lessons there are.

    Raises:
        CourseError: a lesson has not been built.
        StorageError: the disk refuses.
    """
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(root / _WRITTEN, target)
    shutil.copy(root / "docs" / "grading-result.md", target)
    terms = glossary(root / _WRITTEN / "glossary.md")
    for lesson in (found := lessons(root)):
        storage.write_text(target / "lessons" / f"{lesson.name}.ipynb", _page(lesson, terms))
    storage.write_text(target / "results.md", book_results.page(found))
    for name in PACKAGES:
        storage.write_text(target / "reference" / f"{name}.md", _reference(name))
    storage.write_text(target / "reference" / "index.md", _reference_index())
    return len(found)


def glossary(path: Path) -> list[str]:
    """The glossary's terms, long ones first: "confidence interval" before "interval"."""
    (block,) = re.findall(r"```\{glossary\}\n(.*?)```", path.read_text(encoding="utf-8"), re.S)
    terms = [line.strip() for line in block.splitlines() if line and not line.startswith(" ")]
    return sorted(terms, key=lambda term: (-len(term), term))


def _page(lesson: Lesson, terms: list[str]) -> str:
    """A lesson's executed notebook, with links to the glossary; answers are folded away."""
    nbformat = require("nbformat", "lab")
    if not lesson.solution.exists():
        raise CourseError(f"{lesson.name} has not been built.", f"Run: tlcourse build {lesson.number}")
    notebook = nbformat.read(lesson.solution, as_version=4)
    unseen = list(terms)
    notebook.cells[0].source = notebook.cells[0].source.replace("# ", f"# {lesson.number} ", 1)
    for cell in notebook.cells:
        marks = cell.metadata.pop("nbgrader", {})
        if cell.cell_type == "markdown":
            cell.source = linked(cell.source, unseen)
        _without_data(cell)
        if marks.get("solution"):
            cell.metadata["tags"] = ["hide-input" if cell.cell_type == "code" else "hide-cell"]
        if text := "\n".join(_descriptions(cell)):
            cell.metadata["mystnb"] = {"image": {"alt": " ".join(text.split())}}
        _with_light_figures(cell)
    return str(nbformat.writes(notebook)) + "\n"


def _without_data(cell: Any) -> None:
    """Take out what only programs read."""
    for output in cell.get("outputs", []):
        output.get("data", {}).pop(MIME_TYPE, None)


def _with_light_figures(cell: Any) -> None:
    """Give figures the 256 colours that fit them best: a page with all of its figures stays below a megabyte."""
    from PIL import Image

    for output in cell.get("outputs", []):
        data = output.get("data", {})
        if "image/png" in data:
            buffer = io.BytesIO()
            picture = Image.open(io.BytesIO(base64.b64decode(data["image/png"]))).convert("RGB")
            picture.quantize(256).save(buffer, "PNG", optimize=True)
            data["image/png"] = base64.b64encode(buffer.getvalue()).decode()


def _descriptions(cell: Any) -> Iterator[str]:
    """What a cell's figures say in words."""
    for output in cell.get("outputs", []):
        data = output.get("data", {})
        if "image/png" in data and "text/plain" in data:
            yield data["text/plain"]


def linked(text: str, unseen: list[str]) -> str:
    """A text whose first use of each term leads to the glossary. Terms that were found are taken off the list.

    Nothing is linked in the titles of further reading.
    """
    text, heading, reading = text.partition(_READING)
    parts = _APART.split(text)
    for term in list(unseen):
        word = _word(term)
        for place in range(0, len(parts), 2):
            if (found := word.search(parts[place])) is None:
                continue
            before, after = parts[place][: found.start()], parts[place][found.end() :]
            # The link stands apart from now on: no shorter term is looked for in it.
            parts[place : place + 1] = [before, f"{{term}}`{' '.join(found[1].split())} <{term}>`", after]
            unseen.remove(term)
            break
    return "".join(parts) + heading + reading


def _word(term: str) -> re.Pattern[str]:
    """How a term stands in a text, in the plural too, and where a line ends in it.

    With a capital it is a name: mAP is no map, and fastai's Learner is nobody who learns.
    """
    said = r"\s+".join(map(re.escape, term.split()))
    before, after = (r"(?<=\*\*)", r"(?=\*\*)") if term in EVERYDAY else (r"(?<![\w`<-])", r"(?![\w`>-])")
    return re.compile(f"{before}({said}s?){after}", re.IGNORECASE if term.islower() else 0)


def _reference_index() -> str:
    """A page that leads to each package, with what it is for."""
    lines = ["# Reference", "", "What the lessons call, from the package's own docstrings.", ""]
    lines += [f"- [tlcourse.{name}]({name}.md): {_summary(name)}" for name in PACKAGES]
    listed = "\n".join(PACKAGES)
    return "\n".join([*lines, "", "```{toctree}", ":hidden:", "", listed, "```", ""])


def _reference(package: str) -> str:
    """A page that documents what a package exports."""
    module = import_module(f"tlcourse.{package}")
    names = [name for name in module.__all__ if callable(getattr(module, name))]
    blocks = [
        f"```{{eval-rst}}\n.. auto{_kind(getattr(module, name))}:: tlcourse.{package}.{name}\n```\n" for name in names
    ]
    # The full name is longer than a phone is wide.
    return "\n".join([f"# {package}", "", f"`tlcourse.{package}`: {(module.__doc__ or '').strip()}", "", *blocks])


def _summary(package: str) -> str:
    return (import_module(f"tlcourse.{package}").__doc__ or "").strip().partition("\n\n")[0]


def _kind(value: Any) -> str:
    return "class" if isinstance(value, type) else "function"


if __name__ == "__main__":
    count = write_sources(find_root(), Path(sys.argv[1]))
    print(f"{count} lessons, {len(PACKAGES)} packages: {sys.argv[1]}")
