"""A newcomer's way from the first command to the first passed check, on a machine that has the packages in pip's cache.

python benchmarks/first_check.py

In a fresh clone: the course is installed as `make learn` does it (here by `make doctor`, which installs the same and
then examines the machine), lesson 00 is opened in a kernel of that installation, and its cells run as far as the first
check, with the right answer in place. Reading and typing are left out: what is measured is waiting.

The last line is one JSON object, in seconds: `install`, `to_first_check`, `total`.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

# Runs in the fresh installation: executes lesson 00 up to its first check, answered as in its solution.
FIRST_CHECK = """
import sys
from pathlib import Path
import nbformat
from nbclient import NotebookClient
solution = nbformat.read(next(Path("solutions").glob("00-*/*.ipynb")), as_version=4)
last = next(n for n, cell in enumerate(solution.cells) if cell["id"].startswith("check-"))
solution.cells = solution.cells[: last + 1]
for cell in solution.cells:
    if cell.cell_type == "code":
        cell.outputs = []
NotebookClient(solution, timeout=600, kernel_name="python3").execute()
shown = solution.cells[-1].outputs[0]["data"]["application/vnd.tlcourse.result+json"]
sys.exit(0 if shown["passed"] else "the first check did not pass")
"""


def timed(command: list[str], folder: Path) -> float:
    """Seconds that a command takes; it must succeed."""
    began = time.monotonic()
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - began


def main() -> None:
    """Measure once, in a clone that is removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="tlcourse-first-") as name:
        clone = Path(name) / "course"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        install = timed(["make", "doctor"], clone)
        check = timed([str(clone / ".venv" / "bin" / "python"), "-c", FIRST_CHECK], clone)
    print(f"installed and examined in {install:.0f} s; the first check passed {check:.0f} s later")
    print(
        json.dumps(
            {"install": round(install, 1), "to_first_check": round(check, 1), "total": round(install + check, 1)}
        )
    )


if __name__ == "__main__":
    main()
