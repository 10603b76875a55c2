"""`tlcourse ...` with the stand-in engine: what tests start as a process of its own, and kill."""

from __future__ import annotations

import sys

import stand_in

from tlcourse.grading import tasks

if __name__ == "__main__":
    tasks.ENGINE = stand_in.ENGINE
    from tlcourse.cli import main

    sys.exit(main(sys.argv[1:]))
