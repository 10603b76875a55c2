"""Contrast of what a browser shows, as the Web Content Accessibility Guidelines 2.1 define it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from playwright.sync_api import Locator

Colour = tuple[float, float, float]

# For an element: its text's colour, how opaque it is, and the backgrounds behind it from the nearest to the page's.
_COLOURS = """element => {
  const behind = [];
  let opacity = 1;
  for (let at = element; at; at = at.parentElement) {
    const style = getComputedStyle(at);
    opacity *= Number(style.opacity);
    behind.push(style.backgroundColor);
  }
  return [getComputedStyle(element).color, opacity, behind];
}"""


# The same for every piece of text in an element, each with its words. What only screen readers get is left out.
_TEXTS = f"""root => {{
  const colours = {_COLOURS};
  const found = [], pieces = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  while (pieces.nextNode()) {{
    const words = pieces.currentNode.textContent.trim(), element = pieces.currentNode.parentElement;
    if (words && !element.closest("style, script, mjx-assistive-mml") && element.checkVisibility())
      found.push([words, ...colours(element)]);
  }}
  return found;
}}"""


def of_text(element: Locator) -> float:
    """The contrast of an element's text with what lies behind it, from 1 to 21."""
    return _of_text(*element.evaluate(_COLOURS))


def of_texts(element: Locator) -> dict[str, float]:
    """The contrast of each piece of text in an element, by its words; of equal ones, the lowest."""
    lowest: dict[str, float] = {}
    for words, *colours in element.evaluate(_TEXTS):
        lowest[words] = min(lowest.get(words, 21), _of_text(*colours))
    return lowest


def _of_text(text: str, opacity: float, behind: Sequence[str]) -> float:
    ground = _flatten(behind)
    return _ratio(_over(text, ground, opacity), ground)


def of_focus(element: Locator) -> float:
    """The contrast of an element's mark of the keyboard's focus with what lies around; 1 if it has none."""
    width, outline, shadow = element.evaluate(
        "e => { const s = getComputedStyle(e); return [parseFloat(s.outlineWidth) * (s.outlineStyle != 'none'), "
        "s.outlineColor, s.boxShadow]; }"
    )
    _, _, behind = element.evaluate(_COLOURS)
    ground = _flatten(behind[1:])
    marks = [outline] * (width >= 1) + re.findall(r"rgba?\([^)]*\)", shadow)
    return max((_ratio(_over(mark, ground), ground) for mark in marks), default=1.0)


def of_shape(element: Locator) -> float:
    """The contrast of an element's own background with what lies behind the element."""
    _, _, behind = element.evaluate(_COLOURS)
    return _ratio(_flatten(behind), _flatten(behind[1:]))


def _flatten(behind: Sequence[str]) -> Colour:
    colour: Colour = (255, 255, 255)
    for layer in reversed(behind):
        colour = _over(layer, colour)
    return colour


def _over(css: str, ground: Colour, opacity: float = 1) -> Colour:
    red, green, blue, *alpha = (float(part) for part in re.findall(r"[\d.]+", css))
    share = opacity * (alpha[0] if alpha else 1)
    r, g, b = (share * top + (1 - share) * bottom for top, bottom in zip((red, green, blue), ground, strict=True))
    return r, g, b


def _ratio(one: Colour, other: Colour) -> float:
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: Colour) -> float:
    shares = [part / 255 for part in colour]
    linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
