"""One look for every figure."""

from tlcourse.plots.adaptation import domain_map, shift, validators, weighted_fit
from tlcourse.plots.explore import explore_styles, style_walk
from tlcourse.plots.figures import bars, benefits, curves, draw_curves, lines, new_figure, sheet, strips
from tlcourse.plots.inside import activations, by_depth, exciting_patches, filters, input_costs, layer_transfer
from tlcourse.plots.picture import COLOURS, STYLE, Picture, look
from tlcourse.plots.sharing import by_labels, conflict, feature_maps, gaps
from tlcourse.plots.steps import drift, forgetting, stopping
from tlcourse.plots.types import types_of_transfer

__all__ = [
    "COLOURS",
    "STYLE",
    "Picture",
    "activations",
    "bars",
    "benefits",
    "by_depth",
    "by_labels",
    "conflict",
    "curves",
    "domain_map",
    "draw_curves",
    "drift",
    "exciting_patches",
    "explore_styles",
    "feature_maps",
    "filters",
    "forgetting",
    "gaps",
    "input_costs",
    "layer_transfer",
    "lines",
    "look",
    "new_figure",
    "sheet",
    "shift",
    "stopping",
    "strips",
    "style_walk",
    "types_of_transfer",
    "validators",
    "weighted_fit",
]
