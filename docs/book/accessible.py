"""What the theme leaves out for those who do not use a mouse or do not see: put into the finished pages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

_MENDED = {
    # A heading without a level is none.
    'role="heading">': 'role="heading" aria-level="2">',
    # What scrolls must be reached by keyboard.
    "<pre>": '<pre tabindex="0">',
    '<div class="table-wrapper': '<div tabindex="0" class="table-wrapper',
    '<aside class="sidebar-drawer">': '<aside class="sidebar-drawer" aria-label="All pages">',
}


def mend(app: Any, error: Exception | None) -> None:
    """Mend every page of a book that was built."""
    for page in Path(app.outdir).rglob("*.html") if error is None else ():
        text = page.read_text(encoding="utf-8")
        for old, new in _MENDED.items():
            text = text.replace(old, new)
        page.write_text(text, encoding="utf-8")


def setup(app: Any) -> dict[str, bool]:
    """Register the step after the build."""
    app.connect("build-finished", mend)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
