"""otter's side of `benchmarks/grading.py`: grades notebooks one after the other, as `otter run` does, in one process.

python benchmarks/grading_otter.py AUTOGRADER.zip NOTEBOOK ... > scores.json

Run it with a Python that has otter-grader. One process for all spares otter the start of a command for each submission.
"""

from __future__ import annotations

import contextlib
import json
import sys
from pathlib import Path


def main() -> None:
    """Grade; the last line is a JSON object: points by question by notebook, null for a notebook without results."""
    from otter.api import grade_submission

    autograder, *notebooks = sys.argv[1:]
    points: dict[str, dict[str, float] | None] = {}
    for notebook in notebooks:
        with contextlib.redirect_stdout(sys.stderr):
            graded = grade_submission(notebook, autograder)
        points[Path(notebook).stem] = {name: float(test.score) for name, test in graded.results.items()} or None
    print(json.dumps(points))


if __name__ == "__main__":
    main()
