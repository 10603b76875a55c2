"""A place to run somebody else's Python: no network, no files of others, limits that hold. Linux only; root not needed.

A warm process forks; the fork calls `enter`, which wraps a function in namespaces of its own, a small read-only root,
a system-call filter and limits, and never returns. `insist` says beforehand whether this machine can do that.

Importing this package imports nothing heavy, and works everywhere: what only Linux has is loaded with `enter`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tlcourse.sandbox.places import CACHE, HOME, SOCKETS, WORK
from tlcourse.sandbox.plan import Limits, Plan
from tlcourse.sandbox.reasons import SandboxError
from tlcourse.sandbox.trial import insist

if TYPE_CHECKING:
    from tlcourse.sandbox.entry import enter

__all__ = ["CACHE", "HOME", "SOCKETS", "WORK", "Limits", "Plan", "SandboxError", "enter", "insist"]


def __getattr__(name: str) -> Any:
    if name != "enter":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from tlcourse.sandbox.entry import enter

    return enter
