"""One look for every figure."""

from tlcourse.plots.figures import bars, curves, draw_curves, new_figure, sheet
from tlcourse.plots.picture import COLOURS, STYLE, Picture

__all__ = ["COLOURS", "STYLE", "Picture", "bars", "curves", "draw_curves", "new_figure", "sheet"]
