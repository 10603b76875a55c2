"""Make a lesson that works: its source, one exercise with its check, right and wrong answers to it.

It is a beginning to change bit by bit: each step can be built and tested.
"""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("name", metavar="NAME", help="the lesson, such as how-to-count or 17-how-to-count")
    parser.add_argument("--exercise", default="", metavar="ID", help="its first exercise; else called as the lesson")
    parser.add_argument("--root", type=Path, metavar="DIR", help="the course's folder; found from here if not given")


def run(args: argparse.Namespace) -> int:
    """Write the files and say what to do next."""
    from tlcourse.authoring import course, new

    root = args.root.resolve() if args.root else course.find_root()
    lesson, files = new.make(root, args.name, args.exercise)
    print(f"Lesson {lesson.name}:")
    for path in files:
        print(f"  {path.relative_to(root)}")
    print("Change them as you like, then make the notebooks and try the check on the answers:")
    print(f"  tlcourse build {lesson.number}")
    print(f"  pytest tests/answers -k {files[-1].stem}")
    return 0
