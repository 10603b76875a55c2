"""A step of nbgrader's `generate_assignment`: in a release, "Run All" goes on past exercises not yet solved.

The tag stands in releases only: in solutions/ it would hide a failing check from whatever runs notebooks.
"""

from __future__ import annotations

from typing import Any

from nbgrader.preprocessors import NbGraderPreprocessor

TAG = "raises-exception"


class LetRunAll(NbGraderPreprocessor):
    """Tag the answer and check cells, as JupyterLab and nbclient understand it."""

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        """Tag a notebook's cells in place."""
        let_run_all(nb)
        return nb, resources


def let_run_all(notebook: Any) -> None:
    """Tag a notebook's answer and check cells in place; a tag that is there stays."""
    for cell in notebook.cells:
        marks = cell.metadata.get("nbgrader", {})
        if cell.cell_type == "code" and (marks.get("solution") or marks.get("grade")):
            cell.metadata["tags"] = sorted({*cell.metadata.get("tags", []), TAG})
