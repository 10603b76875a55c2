"""Memory in huge pages: a fork then copies a few hundred entries of the page table instead of a hundred thousand.

A nursery holds half a gigabyte of its own. In pages of 4 KB a fork of it and that child's end take 30 ms; in pages of
2 MB they take 7 ms.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from pathlib import Path

_HUGE = 2 << 20
_MADV_COLLAPSE = 25  # linux/mman.h, since Linux 6.1


def collapse() -> int:
    """Put this process's private memory into huge pages, where the kernel can.

    Returns:
        How many there are now; 0 where the kernel knows no such thing. Nothing but speed depends on it.
    """
    libc = ctypes.CDLL(None)
    libc.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    return sum(libc.madvise(place, _HUGE, _MADV_COLLAPSE) == 0 for place in list(_places()))


def _places() -> Iterator[int]:
    """Addresses of this process's own writable memory, one for each huge page that would lie wholly in it."""
    for line in Path("/proc/self/maps").read_text().splitlines():
        addresses, rights, _, _, _, *name = line.split(maxsplit=5)
        if rights == "rw-p" and not (name and name[0].startswith("/")):
            first, end = (int(number, 16) for number in addresses.split("-"))
            yield from range(-(-first // _HUGE) * _HUGE, end - _HUGE + 1, _HUGE)
