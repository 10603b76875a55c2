"""Give a clean copy of one lesson and keep yours beside it."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("lesson", metavar="LESSON", help="a number or a name: 3, 03, six-steps or 03-six-steps")
    parser.add_argument("--root", type=Path, metavar="DIR", help="the course's folder (default: found from here)")
    parser.add_argument("--dir", type=Path, metavar="DIR", help="where your copies are (default: workspace/)")


def run(args: argparse.Namespace) -> int:
    from tlcourse import workspace
    from tlcourse.authoring.course import find_lesson, find_root

    root = find_root(args.root)
    lesson = find_lesson(root, args.lesson)
    folder = args.dir.expanduser().resolve() if args.dir else root / workspace.FOLDER
    done = workspace.reset(lesson, folder)
    for item in done:
        print(f"Clean copy: {item.file}")
        if item.kept:
            print(f"Yours:      {item.kept}")
    if not done:
        print(f"{lesson.name} is already as the course gives it: nothing to do.")
    elif any(item.kept for item in done):
        print("If it is open in JupyterLab, take the clean copy with File > Reload Notebook from Disk.")
    return 0
