"""Build the lessons from their sources: solutions/ executed, notebooks/ released; or check them."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("lesson", nargs="*", metavar="LESSON", help="1, 01 or the lesson's name; all if none is given")
    parser.add_argument("--check", action="store_true", help="write nothing: name each stale, missing or extra file")
    parser.add_argument(
        "--execute",
        action="store_true",
        help="execute even lessons whose code did not change; with --check: prove that they pass",
    )
    parser.add_argument("--root", type=Path, metavar="DIR", help="the course's folder; found from here if not given")


def run(args: argparse.Namespace) -> int:
    """Build or check. Returns 1 if a check finds a difference."""
    from tlcourse.authoring import build, course

    root = args.root.resolve() if args.root else course.find_root()
    chosen = [course.find_lesson(root, query) for query in args.lesson] or course.lessons(root)
    chosen = list(dict.fromkeys(chosen))
    if not chosen:
        print(f"There are no lessons in {root}.")
    if not args.check:
        build.build(chosen, force=args.execute)
        return 0
    problems = build.check(root, chosen)
    problems += build.prove(chosen) if args.execute else []
    for problem in problems:
        print(f"{problem.state:8}{_short(problem.path, root)}: {problem.why.strip()}.")
    count = f"{len(chosen)} lesson{'' if len(chosen) == 1 else 's'}"
    print(
        f"{count}: {len(problems)} problems"
        if problems
        else f"{count}: solutions/ and notebooks/ are what the sources give"
    )
    return 1 if problems else 0


def _short(path: Path, root: Path) -> Path:
    return path.relative_to(root) if path.is_relative_to(root) else path
