"""Make the nbgrader folder of a class from this course, or bring one up to date.

Run it again after the course has changed, or the points of an exercise in the class's `nbgrader_config.py`: releases
and solutions are renewed, submissions and grades stay, and lessons that were left out stay out.
"""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("folder", type=Path, metavar="DIR", help="the class's folder: new, empty, or a class already")
    parser.add_argument("--lesson", action="append", metavar="LESSON", help="only this lesson (may be repeated)")
    parser.add_argument("--db", default="", metavar="URL", help="the gradebook, such as postgresql://host/name")
    parser.add_argument("--root", type=Path, metavar="DIR", help="the course's folder; found from here if not given")


def run(args: argparse.Namespace) -> int:
    """Make the class and say what to do next."""
    from tlcourse.authoring import course
    from tlcourse.grading import classroom

    root = args.root.resolve() if args.root else course.find_root()
    chosen = [course.find_lesson(root, query) for query in args.lesson or []] or course.lessons(root)
    solutions = [lesson.solution for lesson in dict.fromkeys(chosen)]
    named = bool(args.lesson)
    for line in classroom.make(args.folder, solutions, root, course.CLASS_MARK, args.db, chosen=named):
        print(line)
    folder = args.folder
    print(f"The class is ready in {folder}. Put what learners hand in into {folder / 'submitted'}, then run:")
    print(f"  tlcourse grade {folder / 'submitted'}")
    return 0
