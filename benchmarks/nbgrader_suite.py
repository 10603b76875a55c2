"""nbgrader's own tests of `nbgrader autograde`, with its engine and with ours in place.

python benchmarks/nbgrader_suite.py [-k EXPRESSION]

They come with nbgrader and know nothing of this course. Ours is put in place as a class has it: by the lines of its
`nbgrader_config.py`, here in Jupyter's configuration folder. Prints a table, then as its last line one JSON object:
`nbgrader_passed` and `ours_passed` count tests, `lost` names those that pass with nbgrader's engine alone.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path
from typing import Any

SUITE = "nbgrader.tests.apps.test_nbgrader_autograde"
_REPORT = "TLCOURSE_SUITE_REPORT"

# --- in pytest's process: this file is also its plugin ---------------------------------------------------------------

_outcomes: dict[str, tuple[str, float]] = {}


def pytest_runtest_logreport(report: Any) -> None:
    """Note how a test ended."""
    name = report.nodeid.partition("::")[2]
    if report.when == "call" or report.outcome != "passed":
        _outcomes[name] = (report.outcome, round(report.duration, 1))


def pytest_sessionfinish() -> None:
    """Leave what was noted for the parent."""
    Path(os.environ[_REPORT]).write_text(json.dumps(_outcomes))


# --- the parent ------------------------------------------------------------------------------------------------------


def run(config: str, arguments: list[str]) -> dict[str, tuple[str, float]]:
    """Run the tests under a configuration; outcome and seconds of each."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "nbgrader_config.py").write_text(config)
        environment = os.environ | {
            "JUPYTER_CONFIG_DIR": folder,
            "PATH": os.pathsep.join([sysconfig.get_path("scripts"), os.environ["PATH"]]),
            "PYTHONPATH": str(Path(__file__).parent),
            _REPORT: str(place / "report.json"),
        }
        command = [sys.executable, "-m", "pytest", "--pyargs", SUITE, "-p", Path(__file__).stem, *arguments]
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
        sys.stderr.write(done.stdout + done.stderr)
        return json.loads((place / "report.json").read_text())


def main() -> None:
    """Run both and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-k", default="", metavar="EXPRESSION", help="only tests that match, as pytest has it")
    args = parser.parse_args()
    from tlcourse.grading.classroom import engine_config

    arguments = ["-q", "-p", "no:cacheprovider", "--tb=short", *(["-k", args.k] if args.k else [])]
    configs = {"nbgrader": "", "ours": f"c = get_config()\n{engine_config()}"}
    seconds, outcomes = {}, {}
    for name, config in configs.items():
        began = time.perf_counter()
        outcomes[name] = run(config, arguments)
        seconds[name] = time.perf_counter() - began
    print_table(outcomes, seconds)


def print_table(outcomes: dict[str, dict[str, tuple[str, float]]], seconds: dict[str, float]) -> None:
    """The table, and the figures as JSON."""
    theirs, ours = outcomes["nbgrader"], outcomes["ours"]
    print(f"{'test':<70}{'nbgrader':>18}{'ours':>18}")
    for test in theirs:
        columns = ("{} {:5.1f} s".format(*found.get(test, ("missing", 0.0))) for found in (theirs, ours))
        print(f"{test.partition('::')[2]:<70}" + "".join(f"{column:>18}" for column in columns))
    print(f"{'all':<70}" + "".join(f"{seconds[name]:>16.0f} s" for name in outcomes))
    passed = [{test for test, (outcome, _) in found.items() if outcome == "passed"} for found in (theirs, ours)]
    lost = sorted(test.partition("::")[2] for test in passed[0] - passed[1])
    print(json.dumps({"nbgrader_passed": len(passed[0]), "ours_passed": len(passed[1]), "lost": lost}))


if __name__ == "__main__":
    main()
