"""One look for every figure."""

from tlcourse.plots.adaptation import domain_map, shift, validators, weighted_fit
from tlcourse.plots.explore import explore_styles, style_walk
from tlcourse.plots.failures import group_audit, overfitting
from tlcourse.plots.figures import bars, benefits, curves, draw_curves, lines, new_figure, sheet, strips
from tlcourse.plots.inside import activations, by_depth, exciting_patches, filters, input_costs, layer_transfer
from tlcourse.plots.learner import against_time, confusion, rate_search
from tlcourse.plots.picture import COLOURS, STYLE, Picture, look
from tlcourse.plots.scenarios import borders, scenarios, similarity_walk
from tlcourse.plots.sharing import by_labels, conflict, feature_maps, gaps
from tlcourse.plots.sources import agreements, source_grid
from tlcourse.plots.steps import drift, forgetting, stopping
from tlcourse.plots.types import types_of_transfer

__all__ = [
    "COLOURS",
    "STYLE",
    "Picture",
    "activations",
    "against_time",
    "agreements",
    "bars",
    "benefits",
    "borders",
    "by_depth",
    "by_labels",
    "conflict",
    "confusion",
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
    "group_audit",
    "input_costs",
    "layer_transfer",
    "lines",
    "look",
    "new_figure",
    "overfitting",
    "rate_search",
    "scenarios",
    "sheet",
    "shift",
    "similarity_walk",
    "source_grid",
    "stopping",
    "strips",
    "style_walk",
    "types_of_transfer",
    "validators",
    "weighted_fit",
]
