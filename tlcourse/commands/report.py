"""Write what a class understood, and what it did not: one HTML page and a table.

It tells each exercise's difficulty and discrimination, the commonest mistakes with their numbers, and each learner's
missing points; `--learners` writes a page for each learner too, to hand out. Run it after `tlcourse grade`.
"""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("folder", type=Path, metavar="CLASS", help="the class's folder")
    parser.add_argument("--lesson", default="", metavar="LESSON", help="only this lesson")
    parser.add_argument("--html", type=Path, metavar="FILE", help="the page; else report.html in the class")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="the table of exercises; else beside the page")
    parser.add_argument(
        "--learners", type=Path, metavar="DIR", help="a page for each learner, with nobody else's points"
    )
    parser.add_argument("--anonymous", action="store_true", help="call learners by numbers that tell nothing")
    parser.add_argument("--db", default="", metavar="URL", help="the gradebook, if it is not the class's own")


def run(args: argparse.Namespace) -> int:
    """Write both and say where they are."""
    from tlcourse.errors import CourseError
    from tlcourse.grading.desk import classes, learners, page

    if args.learners and args.anonymous:
        raise CourseError("A page for a learner needs the learner's name.", "Leave out --anonymous, or --learners.")
    report = classes.read(args.folder, lesson=args.lesson, gradebook=args.db, anonymous=args.anonymous)
    html = args.html or args.folder / "report.html"
    table = args.csv or html.with_suffix(".csv")
    page.write_html(html, report)
    page.write_csv(table, report)
    if args.learners:
        learners.write(args.learners, report)
    print(f"{len(report.learners)} learners, {len(report.lessons)} lessons: {html} and {table}")
    return 0
