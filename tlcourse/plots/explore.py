"""A slider between two styles of the glyph world, with the same as a still figure where there are no sliders."""

from __future__ import annotations

from typing import Any

from tlcourse.plots.figures import strips
from tlcourse.plots.picture import Picture
from tlcourse.waiting import nobody_watches
from tlcourse.worlds.glyph_world import glyphs
from tlcourse.worlds.style import PHOTO, PRINT, STYLES, Style

# As wide as a digit: labels of equal width keep the images where they are from one redraw to the next.
_FIGURE_SPACE = "\u2007"
# ipywidgets takes away the browser's mark of what the keyboard moves.
_SHOW_FOCUS = """<style>
.tlcourse-slider .noUi-handle:focus-visible { outline: 3px solid currentColor !important; outline-offset: 2px; }
</style>"""


def style_walk(start: Style = PHOTO, end: Style = PRINT, *, classes: str = "everyday", steps: int = 5) -> Picture:
    """The same glyphs in styles evenly spaced from `start` to `end`, one row a style."""
    shares = [step / (steps - 1) for step in range(steps)]
    rows = {f"{share:.0%} of the way": glyphs(classes, 1, style=start.towards(end, share)) for share in shares}
    return strips(rows, title="From one domain to another, a step a row")


def explore_styles(start: Style = PHOTO, end: Style = PRINT, *, classes: str = "everyday") -> Picture | None:
    """A slider that walks from one style to another, redrawing as it moves.

    Where there is nothing to slide (a program runs the notebook, or ipywidgets is not installed) the result is the
    still figure of `style_walk`.
    """
    if not _can_slide():
        return style_walk(start, end, classes=classes)
    import ipywidgets
    from IPython.display import display

    share = ipywidgets.FloatSlider(
        min=0,
        max=1,
        step=0.05,
        value=0,
        description=f"from {_name(start, 'one style')} to {_name(end, 'the other')}",
        readout_format=".0%",
        style={"description_width": "initial"},
        layout={"width": "34em", "max_width": "100%"},
    )

    shown = ipywidgets.HTML()

    def redraw(change: Any = None) -> None:
        images = glyphs(classes, 1, style=start.towards(end, share.value), cache=False)
        label = f"{share.value:.0%}".rjust(4, _FIGURE_SPACE)
        picture = strips({label: images}, title="Move the slider: the domain changes, the classes stay")
        shown.value = picture.to_html()

    redraw()
    share.observe(redraw, "value")
    share.add_class("tlcourse-slider")
    # Not ipywidgets.Output: a program that plays the browser answers each of its messages, and can then wait for ever
    # for the cell's own reply (nbclient, issue 312).
    display(ipywidgets.VBox([ipywidgets.HTML(_SHOW_FOCUS, layout={"display": "none"}), share, shown]))
    return None


def _name(style: Style, otherwise: str) -> str:
    return next((name for name, known in STYLES.items() if known == style), otherwise)


def _can_slide() -> bool:
    """Whether somebody sits in front of a notebook that can show widgets."""
    if nobody_watches():
        return False
    try:
        import ipywidgets  # noqa: F401
        from IPython.core.getipython import get_ipython
    except ImportError:
        return False
    shell = get_ipython()
    return shell is not None and hasattr(shell, "kernel")
