"""Steps for nbgrader's own commands in a class: `nbgrader autograde`, and so formgrader's button, grade as we do.

A class's `nbgrader_config.py` names them. nbgrader keeps its loop, its other steps and its gradebook; these mend a
submission, run it in a sandbox, and keep hidden tests and learners' scripts out of what is shown.
"""

from __future__ import annotations

import dataclasses
import html
import json
import re
import sys
import urllib.parse
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import nbformat
from jinja2 import pass_context
from nbconvert.exporters import HTMLExporter, NotebookExporter
from nbconvert.preprocessors.sanitize import ALLOWED_STYLES, ALLOWED_TAGS, SanitizeHTML
from nbgrader import utils
from nbgrader.converters.base import BaseConverter
from nbgrader.preprocessors import ClearHiddenTests, Execute, NbGraderPreprocessor
from traitlets import Any as AnyTrait
from traitlets import Bool, List, Unicode

from tlcourse import grading
from tlcourse.errors import CourseError, NotebookError
from tlcourse.grading import secret, worth
from tlcourse.grading.mending import mend
from tlcourse.grading.nbgrading import Course
from tlcourse.grading.reading import AGAIN
from tlcourse.grading.release import Release, held_out_labels
from tlcourse.grading.releasing import DAY
from tlcourse.grading.stored import Store
from tlcourse.grading.tasks import packed
from tlcourse.grading.verdicts import Result, Verdict

_KEY = "graded by nbgrader"
"""In place of the key by which `tlcourse grade` knows that it need not grade a submission again: it will."""

_UNREAD = "tlcourse_unread"
"""A notebook's metadata say by this that its file could not be read."""

_THIS_PYTHON = ("python", "python3", f"python3.{sys.version_info.minor}", sys.executable)
"""How a kernel's command begins if it runs this very Python: jupyter_client takes the bare names for it."""

_TAGS = {
    *("b", "br", "del", "div", "hr", "img", "ins", "kbd", "p", "pre", "s", "samp", "small", "span", "sub", "sup", "u"),
    *("h1", "h2", "h3", "h4", "h5", "h6", "dd", "dl", "dt", "details", "summary", "figure", "figcaption"),
    *("table", "caption", "thead", "tbody", "tfoot", "tr", "td", "th"),
}
_ATTRIBUTES = {
    "*": ["aria-label", "class", "role", "style", "title"],
    "a": ["href"],
    "img": ["alt", "height", "src", "width"],
    "td": ["colspan", "rowspan"],
    "th": ["colspan", "rowspan", "scope"],
}
# What a check's card is laid out with. None of these leaves its cell, or loads anything.
_STYLES = {
    *("align-items", "border", "border-left", "border-radius", "box-sizing", "flex", "flex-wrap", "gap", "max-width"),
    *("overflow-wrap", "padding"),
}


class AnyNotebook(NotebookExporter):
    """In place of nbconvert's, which ends where a file is damaged: `MendSubmission` is to look at it first."""

    def from_file(self, file_stream: Any, resources: Any = None, **kw: Any) -> tuple[Any, Any]:
        """Convert a notebook; one that cannot be read goes through the steps without cells."""
        try:
            notebook = nbformat.read(file_stream, as_version=4)
        except Exception:  # nbformat raises whatever its conversions meet
            notebook = nbformat.v4.new_notebook(metadata={_UNREAD: True})
        return self.from_notebook_node(notebook, resources=resources, **kw)


class MendSubmission(NbGraderPreprocessor):
    """The first step on a submission: match it to the release, whatever has become of it."""

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        """Mend a notebook; what was mended is logged.

        Raises:
            NotebookError: it cannot be read, is not this lesson's, or a link to somewhere else.
        """
        try:
            return self._mended(nb, resources), resources
        except NotebookError as error:
            # nbgrader shows an error as it stands.
            raise _refusal(error.fault.rstrip("."), error.cure.rstrip(".")) from None

    def _mended(self, nb: Any, resources: Mapping[str, Any]) -> Any:
        desk = Desk.of(self)
        folder = Path(resources["metadata"]["path"])
        _refuse_links(folder, desk, resources)
        release = desk.release(resources)
        if release is None or not _marked(release) or self._are_outputs_kept():
            if _UNREAD in nb.metadata:
                raise NotebookError("it is damaged, or no notebook", AGAIN)
            return nb
        handed_in: bytes | dict[str, Any] = (folder / f"{resources['nbgrader']['notebook']}.ipynb").read_bytes()
        if _UNREAD not in nb.metadata and not any(cell.source.strip() for cell in nb.cells):
            self.log.warning("The notebook is empty: it is graded as one in which nothing was answered.")
            handed_in = release.notebook
        mended = mend(handed_in, release)
        for note in mended.notes:
            self.log.warning("%s", note)
        return nbformat.from_dict(mended.notebook)

    def _are_outputs_kept(self) -> bool:
        """Whether nbgrader was told to score the outputs that were handed in (`--no-execute`)."""
        return self.config.ClearOutput.get("enabled", True) is False


class ExecuteSafely(Execute):
    """In place of nbgrader's Execute, whose settings it takes: a warm kernel in a sandbox, judged from outside.

    A lesson in another language, or in another Python than this one, is run by nbgrader itself, as it always was.
    """

    trust = Bool(False, help="Run learners' code without a sandbox, with your own rights.").tag(config=True)

    def preprocess(self, nb: Any, resources: Any, km: Any = None) -> tuple[Any, Any]:
        """Run a notebook and put outputs in its cells from which nbgrader reads each question's points.

        Raises:
            CourseError: this machine gives no sandbox, or the grader itself failed at a question.
        """
        desk = Desk.of(self)
        if not desk.runs_here(nb, resources):
            self.log.warning("No sandbox for this kernel: nbgrader runs it with your own rights.")
            return super().preprocess(nb, resources, km)
        release = desk.release(resources) or desk.release_as_is(nb, resources)
        folder = Path(resources["metadata"]["path"])
        files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in _files(folder)}
        # The folder holds the masters already, laid over what was handed in as the class's configuration says.
        release = dataclasses.replace(release, files=files, timeout=float(self.timeout or DAY))
        result = grading.grade(json.loads(json.dumps(nb)), release, trust=self.trust)
        _insist_on_scores(result)
        _put_outputs(nb, result)
        result.write_files(folder)
        desk.keep(result, resources)
        return nb, resources


class HideTests(ClearHiddenTests):
    """For feedback: take hidden tests out of the lesson's own cells; a learner's text about them stays."""

    # nbconvert sets it for every step of a page; nbgrader's steps do not know it, and would warn of it each time.
    display_data_priority = List(Unicode()).tag(config=True)

    def preprocess_cell(self, cell: Any, resources: Any, cell_index: int) -> tuple[Any, Any]:
        """Clear one cell."""
        return super().preprocess_cell(cell, resources, cell_index) if utils.is_locked(cell) else (cell, resources)


class NoScripts(SanitizeHTML):
    """For pages, feedback's and formgrader's: what learners wrote, and all outputs, in HTML that runs nothing.

    Text, tables and images stay as they are.
    """

    enabled = Bool(True, help="Whether to clean pages of learners' scripts.").tag(config=True)
    tags = List(Unicode(), sorted(ALLOWED_TAGS | _TAGS)).tag(config=True)
    attributes = AnyTrait(_ATTRIBUTES).tag(config=True)
    styles = List(Unicode(), sorted(ALLOWED_STYLES | _STYLES)).tag(config=True)

    def preprocess_cell(self, cell: Any, resources: Any, cell_index: int) -> tuple[Any, Any]:
        """Clean one cell."""
        text = cell.cell_type != "code"
        # A quotation begins with ">", which cleaning would take for a tag's.
        if text and (utils.is_locked(cell) or "<" not in cell.source):
            return cell, resources
        return super().preprocess_cell(cell, resources, cell_index)


@pass_context
def markdown_without_scripts(context: Any, source: str) -> str:
    """nbconvert's `markdown2html`, which lets links run scripts, without those; what it fails at, as it was written."""
    try:
        page = HTMLExporter().markdown2html(context, source)
    except Exception:  # of a picture that was attached and is not there, for one
        return f"<pre>{html.escape(source)}</pre>"
    return _ADDRESS.sub(_harmless, page)


_ADDRESS = re.compile(r'(?P<name>href|src)="(?P<address>[^"]*)"', re.IGNORECASE)
_RUNNING = ("javascript:", "vbscript:", "data:text", "data:image/svg")


def _harmless(found: re.Match[str]) -> str:
    address = urllib.parse.unquote(html.unescape(found["address"]))
    # Browsers drop spaces and control characters before they look at what an address begins with.
    plain = "".join(letter for letter in address if letter.isprintable() and not letter.isspace()).lower()
    return f'{found["name"]}="#"' if plain.startswith(_RUNNING) else found[0]


class Desk:
    """What one run of nbgrader's converter needs to know about its class, read once.

    Args:
        converter: nbgrader's.
    """

    def __init__(self, converter: BaseConverter) -> None:
        directory = converter.coursedir
        self.course = Course(Path(directory.root), converter.config, directory.db_url)
        self._releases: dict[str, dict[str, Release]] = {}
        self._graded: dict[tuple[str, str], list[Result]] = {}

    @classmethod
    def of(cls, step: NbGraderPreprocessor) -> Desk:
        """The desk of the run that a step belongs to."""
        converter = step.parent.parent
        if converter not in _desks:
            _desks[converter] = cls(converter)
        return _desks[converter]

    def release(self, resources: Mapping[str, Any]) -> Release | None:
        """The release of a notebook; None where the class has none that fits its gradebook."""
        lesson = resources["nbgrader"]["assignment"]
        if lesson not in self._releases:
            try:
                found = Release.all_of_class(self.course, lesson)
            except NotebookError:
                found = ()
            self._releases[lesson] = {release.lesson: release for release in found}
        return self._releases[lesson].get(resources["nbgrader"]["notebook"])

    def release_as_is(self, nb: Any, resources: Mapping[str, Any]) -> Release:
        """A submission that nbgrader has sanitised, as its own release: it has the gradebook's locked cells."""
        root, notebook = self.course.root, json.loads(json.dumps(nb))
        for cell in notebook["cells"]:
            cell["metadata"].pop(worth.OURS, None)  # that, a learner may have written
        kept = held_out_labels(root, notebook)
        return Release(resources["nbgrader"]["notebook"], notebook, seed=secret.of_class(root), held_out=kept)

    def keep(self, result: Result, resources: Mapping[str, Any]) -> None:
        """Put a result where `tlcourse report` finds it, beside those of the submission's other notebooks."""
        names = resources["nbgrader"]
        graded = self._graded.setdefault((names["student"], names["assignment"]), [])
        graded.append(result)
        Store(self.course.root).put(names["student"], names["assignment"], packed(_KEY, graded))

    def runs_here(self, nb: Any, resources: Mapping[str, Any]) -> bool:
        """Whether a notebook is for this very Python.

        Raises:
            NotebookError: the learner chose another kernel, for a lesson that names none.
        """
        chosen = self._kernel(resources)
        own = nb.metadata.get("kernelspec", {}).get("name", "")
        if not chosen and not _is_this_python(own):
            # Nobody leaves the sandbox by naming a kernel.
            raise _refusal(f"it asks for the kernel {own!r}", "Set the lesson's own kernel in the notebook")
        return _is_this_python(chosen)

    def _kernel(self, resources: Mapping[str, Any]) -> str:
        with self.course.gradebook() as gradebook:
            names = resources["nbgrader"]
            kept = gradebook.find_notebook(names["notebook"], names["assignment"]).kernelspec
        return str(json.loads(kept or "{}").get("name", ""))


_desks: WeakKeyDictionary[BaseConverter, Desk] = WeakKeyDictionary()


def _refusal(fault: str, cure: str) -> NotebookError:
    return NotebookError(f"This submission cannot be graded: {fault}.", f"{cure}.")


def _is_this_python(kernel: str) -> bool:
    if kernel in ("", "python", "python3"):
        return True
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    try:
        command = KernelSpecManager().get_kernel_spec(kernel).argv
    except NoSuchKernel:
        return False
    return bool(command) and command[0] in _THIS_PYTHON


def _marked(release: Release) -> bool:
    return any("nbgrader" in cell["metadata"] for cell in release.notebook["cells"])


def _refuse_links(handed_in: Path, desk: Desk, resources: Mapping[str, Any]) -> None:
    """nbgrader follows links, which could lead to any file of this machine: take back what it copied so."""
    names = resources["nbgrader"]
    if (handed_in / f"{names['notebook']}.ipynb").is_symlink():
        raise NotebookError("it is a link, which could lead anywhere", "Put the file itself there")
    graded = desk.course.folder("autograded", names["student"], names["assignment"])
    masters = desk.course.folder("source", ".", names["assignment"])
    for link in handed_in.rglob("*"):
        name = link.relative_to(handed_in)
        if link.is_symlink() and not (masters / name).exists():
            (graded / name).unlink(missing_ok=True)


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".ipynb")


def _insist_on_scores(result: Result) -> None:
    failed = [question.name for question in result.questions if question.verdict is Verdict.INTERNAL]
    if failed:
        raise CourseError(f"The grader itself failed at {', '.join(failed)}.", "Grade this submission again.")


def _put_outputs(nb: Any, result: Result) -> None:
    """nbgrader keeps hidden tests in what it graded, for the instructor: only outputs are taken over."""
    graded = nbformat.from_dict(result.notebook).cells
    if len(graded) != len(nb.cells):
        raise CourseError("The graded notebook has other cells than the submission.", "Grade this submission again.")
    for cell, done in zip(nb.cells, graded, strict=True):
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = done.outputs, done.execution_count
