"""The command line: `tlcourse COMMAND`. Each command is one module of `tlcourse.commands`."""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import sys

from tlcourse import __version__, commands
from tlcourse.errors import CourseError


def build_parser() -> argparse.ArgumentParser:
    """A parser with one subcommand for each module of `tlcourse.commands`."""
    parser = argparse.ArgumentParser(
        prog="tlcourse", description="A hands-on transfer-learning course: learn, check, grade."
    )
    parser.add_argument("--version", action="version", version=f"tlcourse {__version__}")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for info in pkgutil.iter_modules(commands.__path__):
        module = importlib.import_module(f"{commands.__name__}.{info.name}")
        summary = (module.__doc__ or "").strip().splitlines()[0]
        subparser = subparsers.add_parser(info.name, help=summary, description=module.__doc__)
        module.add_arguments(subparser)
        subparser.set_defaults(run=module.run)
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run one command. Returns its exit status; a CourseError becomes one clear message and status 1."""
    args = build_parser().parse_args(argv)
    try:
        return args.run(args)
    except CourseError as error:
        print(f"tlcourse: {error.fault}", file=sys.stderr)
        if error.cure:
            print(f"          {error.cure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ntlcourse: stopped.", file=sys.stderr)
        return 130
    except BrokenPipeError:
        return 0


if __name__ == "__main__":
    sys.exit(main())
