"""tlcourse: a hands-on transfer-learning course. `import tlcourse as tl` gives a lesson all it needs.

Importing this package imports no torch: each public name is loaded when it is first used.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

# Public name -> the module that defines it. A name that stands for a module maps to that module's own path.
_PUBLIC = {
    "check": "tlcourse.checks.checker",
    "hint": "tlcourse.checks.checker",
    "machine": "tlcourse.hardware",
    "progress": "tlcourse.waiting",
    "checks": "tlcourse.checks",
    "worlds": "tlcourse.worlds",
    "models": "tlcourse.models",
    "transfer": "tlcourse.transfer",
    "measure": "tlcourse.measure",
    "plots": "tlcourse.plots",
}

__all__ = ["__version__", *_PUBLIC]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'tlcourse' has no attribute {name!r}")
    module = importlib.import_module(_PUBLIC[name])
    value = module if module.__name__ == f"{__name__}.{name}" else getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
