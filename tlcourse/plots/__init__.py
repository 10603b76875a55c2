"""One look for every figure."""

from tlcourse.plots.adaptation import domain_map, shift, validators, weighted_fit
from tlcourse.plots.detection import detections
from tlcourse.plots.driving import by_weather
from tlcourse.plots.explore import explore_styles, style_walk
from tlcourse.plots.failures import group_audit, overfitting
from tlcourse.plots.figures import bars, benefits, curves, draw_curves, lines, new_figure, sheet, strips
from tlcourse.plots.inside import activations, by_depth, exciting_patches, filters, input_costs, layer_transfer
from tlcourse.plots.learner import against_time, confusion, rate_search
from tlcourse.plots.picture import COLOURS, STYLE, Picture, look
from tlcourse.plots.scenarios import borders, scenarios, similarity_walk
from tlcourse.plots.screening import screening_curves
from tlcourse.plots.sharing import by_labels, conflict, feature_maps, gaps
from tlcourse.plots.shipping import drift_watch, looked_at, reliability_diagram
from tlcourse.plots.sound import spectrograms
from tlcourse.plots.sources import agreements, source_grid
from tlcourse.plots.steps import drift, forgetting, stopping
from tlcourse.plots.text import schedule, who_sees_whom, word_map
from tlcourse.plots.tuning import shifts, tuning_plane
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
    "by_weather",
    "conflict",
    "confusion",
    "curves",
    "detections",
    "domain_map",
    "draw_curves",
    "drift",
    "drift_watch",
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
    "looked_at",
    "new_figure",
    "overfitting",
    "rate_search",
    "reliability_diagram",
    "scenarios",
    "schedule",
    "screening_curves",
    "sheet",
    "shift",
    "shifts",
    "similarity_walk",
    "source_grid",
    "spectrograms",
    "stopping",
    "strips",
    "style_walk",
    "tuning_plane",
    "types_of_transfer",
    "validators",
    "weighted_fit",
    "who_sees_whom",
    "word_map",
]
