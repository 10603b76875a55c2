"""The filter's numbers are the kernel's own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tlcourse.sandbox.filter import REFUSED, program

HEADERS = {0: "/usr/include/x86_64-linux-gnu/asm/unistd_64.h", 1: "/usr/include/asm-generic/unistd.h"}


@pytest.mark.parametrize("column", [0, 1], ids=["x86_64", "aarch64"])
def test_every_number_is_that_of_the_headers(column: int) -> None:
    header = Path(HEADERS[column])
    if not header.exists():
        pytest.skip(f"the kernel's headers are not installed ({header})")
    lines = re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)", header.read_text())
    numbers = {name: int(number) for name, number in lines}
    known = {name: pair[column] for name, pair in REFUSED.items() if name in numbers}
    assert known == {name: numbers[name] for name in known}
    assert len(known) > 60


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_every_jump_stays_in_the_program(machine: str) -> None:
    instructions = program(machine)
    for place, (code, if_true, if_false, _) in enumerate(instructions):
        if code & 0x07 == 0x05:
            assert place + 1 + max(if_true, if_false) < len(instructions)
    assert instructions[-1][0] == 0x06
