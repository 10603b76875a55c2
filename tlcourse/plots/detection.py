"""Figures for detection: scenes with the boxes that were found, and those that were there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tlcourse.errors import DataError
from tlcourse.measure.detection import match_boxes
from tlcourse.plots.figures import head
from tlcourse.plots.picture import COLOURS, Picture, look
from tlcourse.worlds.scenes import Detections, Scenes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_RIGHT, _WRONG = COLOURS["transfer"], COLOURS["scratch"]


def detections(
    data: Scenes,
    found: Sequence[Detections] | None = None,
    *,
    score: float = 0.5,
    overlap: float = 0.5,
    columns: int = 5,
    rows: int = 2,
    title: str,
) -> Picture:
    """The first scenes: objects in dashed white, boxes found in blue where they are right, in orange where not.

    Args:
        data: scenes with their true boxes.
        found: what a detector found in each; none draws the truths alone, with their classes.
        score: boxes with a lower score are not drawn.
        overlap: from which IoU with an object of its class a box is right.
        columns, rows: at most this many scenes.
        title: the figure's title.

    Raises:
        DataError: not as many results as scenes.
    """
    from matplotlib.figure import Figure

    if found is not None and len(found) != len(data):
        raise DataError(f"{len(found)} results for {len(data)} scenes do not fit.", "Give one for each scene.")
    shown, counts = min(rows * columns, len(data)), {"right": 0, "wrong": 0, "objects": 0}
    rows = -(-shown // columns)
    with look():
        figure = Figure(figsize=(1.75 * columns, 1.8 * rows + 0.45), layout="constrained")
        for number, axes in enumerate(figure.subplots(rows, columns, squeeze=False).flat):
            axes.set_axis_off()
            if number >= shown:
                continue
            axes.imshow(data.images[number].transpose(1, 2, 0), interpolation="nearest")
            counts["objects"] += len(data.labels[number])
            for box, label in zip(data.boxes[number], data.labels[number], strict=True):
                _rectangle(axes, box, "white", "" if found else data.classes[label], linestyle="--")
            for box, label, right in _judged(data, found, number, score, overlap) if found else ():
                counts["right" if right else "wrong"] += 1
                _rectangle(axes, box, _RIGHT if right else _WRONG, data.classes[label])
        head(figure, title)
    told = f", {counts['right']} boxes that are right and {counts['wrong']} that are not" if found else ""
    return Picture(figure, f"{title}: {shown} scenes with {counts['objects']} objects to find{told}.")


def _judged(
    data: Scenes, found: Sequence[Detections], number: int, score: float, overlap: float
) -> list[tuple[np.ndarray, int, bool]]:
    """(box, label, whether it is right) of the surer boxes of a scene."""
    sure, judged = found[number].above(score), []
    for label in np.unique(sure.labels).tolist():
        mine, truths = sure.labels == label, data.boxes[number][data.labels[number] == label]
        matches = match_boxes(sure.boxes[mine], sure.scores[mine], truths, overlap)
        judged += [(box, label, match >= 0) for box, match in zip(sure.boxes[mine], matches, strict=True)]
    return judged


def _rectangle(axes: Axes, box: np.ndarray, colour: str, text: str, **line: Any) -> None:
    from matplotlib.patches import Rectangle

    left, top, right, bottom = (float(edge) - 0.5 for edge in box)  # pixel 0 is drawn from -0.5 to 0.5
    axes.add_patch(Rectangle((left, top), right - left, bottom - top, fill=False, color=colour, linewidth=1.6, **line))
    if text:
        back = {"facecolor": colour, "pad": 0.8, "edgecolor": "none", "alpha": 0.85}
        dark = COLOURS["ink"] if colour == "white" else "white"
        above = top > 9  # else there is no room, and the name stands inside
        place: dict[str, Any] = {"y": top - 1, "va": "bottom"} if above else {"y": top + 1.5, "va": "top"}
        axes.text(left + 0.5, s=text, fontsize=6.5, color=dark, bbox=back, clip_on=True, **place)
