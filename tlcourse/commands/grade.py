"""Grade what learners handed in, into a class's nbgrader gradebook.

Each submission runs in a sandbox of its own, several at a time. What was graded before and did not change is not graded
again, and a run that was cut off goes on where it was.
"""

from __future__ import annotations

import argparse
import sys
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
    parser.add_argument("--force", action="store_true", help="forget earlier results and grade everything again")
    parser.add_argument(
        "--workers", type=_count, default=0, metavar="N", help="submissions at a time; else one for each processor"
    )
    parser.add_argument("--cluster", default="", metavar="tcp://…", help="a running Dask cluster to grade on instead")
    parser.add_argument("--db", default="", metavar="URL", help="the gradebook, if it is not the class's own")
    parser.add_argument("--trust", action="store_true", help="without a sandbox: learners' code runs with your rights")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write a row for each learner and exercise")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything, with what the checks found")


def run(args: argparse.Namespace) -> int:
    """Grade. Returns 1 if anything was not graded, 130 after Control-C."""
    from tlcourse.grading import batch, live, report

    options = batch.Options(
        lesson=args.lesson,
        force=args.force,
        workers=args.workers,
        cluster=args.cluster,
        gradebook=args.db,
        trust=args.trust,
    )
    try:
        with live.display() as display:
            done = batch.grade(args.submissions, args.into, options, display)
    except KeyboardInterrupt:
        again = "without --force it goes on from here" if args.force else "the same command goes on from here"
        print(f"\ntlcourse: stopped. What was graded is in the gradebook; {again}.", file=sys.stderr)
        return 130
    if args.csv:
        report.write_csv(args.csv, done.lessons)
    if args.json:
        report.write_json(args.json, done)
    report.show(done)
    if not done.lessons and not done.not_graded:
        print(f"There is nothing to grade in {args.submissions}.")
    return 1 if done.not_graded else 0


def _count(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of workers; use 1 or more")
    return int(text)
