"""Grade what learners handed in, with nbgrader, into a class's gradebook.

Learners' code runs on this machine with your rights, as it does with `nbgrader autograde`.
"""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "submissions",
        type=Path,
        metavar="SUBMISSIONS",
        help="a class, or a folder of LEARNER/LESSON/LESSON.ipynb, LEARNER/LESSON.ipynb or flat files",
    )
    parser.add_argument("--into", type=Path, metavar="DIR", help="the class; else the folder that holds SUBMISSIONS")
    parser.add_argument("--lesson", default="", metavar="LESSON", help="only this lesson")
    parser.add_argument("--force", action="store_true", help="grade again even what did not change")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write a row for each learner and exercise")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything, with what the checks found")


def run(args: argparse.Namespace) -> int:
    """Grade. Returns 1 if anything was not graded."""
    from tlcourse.grading import batch, report

    done = batch.grade(args.submissions, args.into, lesson=args.lesson, force=args.force)
    results = done.results()
    if args.csv:
        report.write_csv(args.csv, results)
    if args.json:
        report.write_json(args.json, done, results)
    report.show(done, results)
    if not results and not done.not_graded:
        print(f"There is nothing to grade in {args.submissions}.")
    return 1 if done.not_graded else 0
