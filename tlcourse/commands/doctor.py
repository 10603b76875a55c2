"""Say what this machine has and lacks for the course, with a cure for each fault."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tlcourse.doctor import Finding

_STYLES = {"ok": "green", "warn": "yellow", "fault": "bold red"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--wait",
        type=float,
        default=14,
        metavar="SECONDS",
        help="how long a slow probe may take (default: 14)",
    )
    parser.add_argument("--json", action="store_true", help="print the findings as one JSON object")


def run(args: argparse.Namespace) -> int:
    from tlcourse.doctor import examine

    findings = examine(args.wait)
    faults = sum(finding.status == "fault" for finding in findings)
    if args.json:
        print(json.dumps({"ok": not faults, "findings": [asdict(finding) for finding in findings]}, indent=1))
    else:
        _print_table(findings) if sys.stdout.isatty() else _print_plain(findings)
        print(_verdict(findings))
    return 1 if faults else 0


def _verdict(findings: list[Finding]) -> str:
    faults = sum(finding.status == "fault" for finding in findings)
    if not faults and all(finding.answered for finding in findings):
        return "The course can run on this machine."
    if not faults:
        return "No fault so far, but not everything answered in time."
    return f"The course cannot run yet: {faults} fault{'s' if faults > 1 else ''}, each with its cure beside it."


def _print_plain(findings: list[Finding]) -> None:
    width = max(len(finding.name) for finding in findings)
    for finding in findings:
        print(f"{finding.status:<5}  {finding.name:<{width}}  {finding.detail}")
        if finding.cure:
            print(f"{'':<5}  {'':<{width}}  -> {finding.cure}")


def _print_table(findings: list[Finding]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table("", "what", "found", "what to do", title="tlcourse doctor", title_justify="left")
    for finding in findings:
        status = Text(finding.status, style=_STYLES[finding.status])
        table.add_row(status, finding.name, Text(finding.detail), Text(finding.cure))
    Console().print(table)
