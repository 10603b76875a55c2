"""For instructors: hold labels of a learner's folder out, or make a class of invented capstones to practise grading.

The capstone of lesson 14 is scored on labels that no learner's code sees. `hold-out` makes that possible for a folder
that a learner brings; the given tasks need nothing.
"""

from __future__ import annotations

import argparse
from pathlib import Path

_LESSON = "14"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the two subcommands and their options."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    hold = actions.add_parser("hold-out", help="split a folder: pictures for the learner, hidden labels for the class")
    hold.add_argument("photos", type=Path, metavar="FOLDER", help="the photos, one subfolder a class")
    hold.add_argument("--room", type=Path, required=True, metavar="DIR", help="the class that keeps the labels")
    hold.add_argument("--to", type=Path, required=True, metavar="DIR", help="a new folder, for the learner")
    hold.add_argument("--name", default="", help="what the learner's answer calls it by; else the folder's name")
    hold.add_argument("--share", type=float, default=0.25, metavar="X", help="of each class, what is hidden (0.25)")
    example = actions.add_parser("example-class", help="make a class of eight invented capstones, ready to be graded")
    example.add_argument("folder", type=Path, metavar="DIR", help="a new folder for the class")
    example.add_argument("--root", type=Path, metavar="DIR", help="the course's folder; found from here if not given")


def run(args: argparse.Namespace) -> int:
    """Do it and say what to do next."""
    return _hold_out(args) if args.action == "hold-out" else _example_class(args)


def _hold_out(args: argparse.Namespace) -> int:
    from tlcourse.grading.holding_out import hold_out

    done = hold_out(args.photos, args.room, args.to, args.name, args.share)
    print(f"{done.n_train} pictures with labels and {done.n_hidden} without lie in {done.pictures}.")
    print(f"Give the learner that folder, and the name for the answer: {done.name!r}")
    print(f"The labels are in {done.labels}; kernels in the sandbox cannot see it.")
    for name, accuracy in done.accuracies.items():
        print(f"  baseline {name!r}: {accuracy:.2f}")
    print("Whoever has the original photos can find the labels again by comparing pictures: trust, or take new photos.")
    return 0


def _example_class(args: argparse.Namespace) -> int:
    from tlcourse.authoring import course
    from tlcourse.grading import example_class

    root = args.root.resolve() if args.root else course.find_root()
    solution = course.find_lesson(root, _LESSON).solution
    for line in example_class.make(args.folder, solution, root, course.CLASS_MARK):
        print(line)
    print("The reports wait for a person. Grade the rest, then open Nbgrader > Formgrader:")
    print(f"  tlcourse grade {args.folder}")
    print(f"  cd {args.folder} && jupyter lab")
    return 0
