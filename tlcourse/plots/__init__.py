"""One look for every figure."""

from tlcourse.plots.explore import explore_styles, style_walk
from tlcourse.plots.figures import bars, benefits, curves, draw_curves, lines, new_figure, sheet, strips
from tlcourse.plots.picture import COLOURS, STYLE, Picture, look

__all__ = [
    "COLOURS",
    "STYLE",
    "Picture",
    "bars",
    "benefits",
    "curves",
    "draw_curves",
    "explore_styles",
    "lines",
    "look",
    "new_figure",
    "sheet",
    "strips",
    "style_walk",
]
