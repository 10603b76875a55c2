"""Figures for screening: how well scores rank, and where a threshold stands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tlcourse.measure.screening import ranking_quality, screening
from tlcourse.plots.figures import new_figure
from tlcourse.plots.picture import COLOURS, Picture, look


def screening_curves(
    scored: Mapping[str, tuple[np.ndarray, np.ndarray]], *, threshold: float | None = None, title: str
) -> Picture:
    """Two views of the same scores: the ROC curve, and precision against sensitivity; dots where a threshold stands.

    Args:
        scored: name -> (scores, labels 0 or 1), both of shape (N,); up to four.
        threshold: scores from here on are flagged.
        title: the figure's title.
    """
    from sklearn.metrics import precision_recall_curve, roc_curve

    figure, (left, right) = new_figure(9, 4.1, 2)
    told = []
    with look():
        for (name, (scores, labels)), colour in zip(
            scored.items(), ("transfer", "scratch", "third", "fourth"), strict=False
        ):
            false_alarms, sensitivity, _ = roc_curve(labels, scores, drop_intermediate=False)
            precision, recall, _ = precision_recall_curve(labels, scores)
            area = ranking_quality(scores, labels)
            left.plot(false_alarms, sensitivity, color=COLOURS[colour], label=f"{name}, area {area:.2f}")
            right.plot(recall, precision, color=COLOURS[colour], label=name)
            words = f"{name} with an area of {area:.2f}"
            if threshold is not None:
                here = screening(scores, labels, threshold)
                mark: dict[str, Any] = {
                    "color": COLOURS[colour],
                    "markeredgecolor": "white",
                    "markersize": 11,
                    "zorder": 5,
                }
                left.plot(1 - here.specificity, here.sensitivity, "o", **mark)
                right.plot(here.sensitivity, here.precision, "o", **mark)
                words += f", at the threshold sensitivity {here.sensitivity:.2f} and specificity {here.specificity:.2f}"
            told.append(words)
        share = float(np.mean(next(iter(scored.values()))[1]))
        left.plot([0, 1], [0, 1], color=COLOURS["baseline"], linestyle="--", linewidth=1.3)
        right.axhline(share, color=COLOURS["baseline"], linestyle="--", linewidth=1.3)
        left.legend(loc="lower right", frameon=False)
        left.set(xlabel="false alarms: 1 - specificity", ylabel="sensitivity", title=title)
        right.set(xlabel="sensitivity", ylabel="precision", title="Precision (dashed: guessing)")
        for axes in (left, right):
            axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.04))
    return Picture(figure, f"{title}. ROC curves: {'; '.join(told)}. Guessing has a precision of {share:.2f}.")
