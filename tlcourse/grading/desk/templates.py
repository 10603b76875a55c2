"""The pages' templates, which stand beside this module: what they show is escaped, and they load nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tlcourse.checks.display import inline
from tlcourse.extras import require


def template(name: str, **tests: Callable[[Any], bool]) -> Any:
    """A jinja2 template with the filters that the pages use, and with tests of its own: `{% if one is TEST %}`."""
    jinja2 = require("jinja2")
    loader = jinja2.FileSystemLoader(Path(__file__).parent)
    environment = jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"percent": _percent, "number": _number, "sentence": _sentence}
    environment.tests |= tests
    return environment.get_template(name)


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3g}"


def _sentence(text: str) -> Any:
    """A message as markup: what stands in backticks is code."""
    return require("markupsafe").Markup(inline(text))
