"""One look for every figure."""

from tlcourse.plots.explore import explore_styles, style_walk
from tlcourse.plots.figures import bars, curves, draw_curves, new_figure, sheet, strips
from tlcourse.plots.picture import COLOURS, STYLE, Picture, look

__all__ = [
    "COLOURS",
    "STYLE",
    "Picture",
    "bars",
    "curves",
    "draw_curves",
    "explore_styles",
    "look",
    "new_figure",
    "sheet",
    "strips",
    "style_walk",
]
