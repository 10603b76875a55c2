"""The exercises of lesson 12 about detectors: from maps to boxes, and which boxes are right."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tlcourse.checks.collecting import each
from tlcourse.checks.exercise import Evidence, Exercise, Finding
from tlcourse.checks.judging import (
    Misconception,
    Question,
    entries_missing,
    judge_in_turn,
    one_number,
    unusable,
)

# torch takes seconds to import, and the registry imports this module: what needs torch imports it when it runs.


# --- find_matches ---------------------------------------------------------------------------------------------------

_SIDE = 20.0  # of the objects, pixels


# A scene for matching: objects as (group, shift), boxes as (object, edges moved: left, top, right, bottom, rank of the
# score). Groups lie far apart; "left" is along the line on which they lie.
# - Object 0 has a good box, and a surer one that is worse: the good one comes second.
# - Objects 1 and 2 overlap. The surest box fits 1; the next fits 1 best and gets 2; the third fits 2, too late.
# - A box covers exactly one half of object 3; another touches nothing; object 4 is hardly touched.
# - Of objects 5 and 6, the surer box fits both, 6 better; the other box fits 6 alone.
_PLACES = ((0, 0), (1, 0), (1, 6), (2, 0), (3, 0), (4, 0), (4, 7))
_PLAN = (
    (0, (1, -2, 1, 2), 5),
    (0, (5, 0, 4, 0), 1),
    (1, (0, 0, 0, 0), 0),
    (1, (1, 0, 1, 0), 2),
    (2, (1, 1, 0, 1), 7),
    (3, (0, 0, -_SIDE / 2, 0), 3),
    (3, (37, 0, 33, 1), 8),
    (4, (9, -1, 9, -1), 9),
    (5, (5, 0, 5, 0), 4),
    (6, (3, 1, 3, 1), 6),
)


def _match_cases(rng: np.random.Generator) -> list[tuple[Any, ...]]:
    """(boxes, scores, truths, overlap): scenes in which every rule of matching decides about a box."""
    cases = [_scene(rng, overlap, turned) for overlap, turned in ((0.5, False), (0.55, True), (0.5, True))]
    boxes, scores, _, overlap = cases[0]
    cases.append((boxes[:3], scores[:3], np.zeros((0, 4)), overlap))
    return [cases[i] for i in rng.permutation(len(cases))]


def _scene(rng: np.random.Generator, overlap: float, turned: bool) -> tuple[Any, ...]:
    """A scene by the plan; `turned` lists object 6 before object 5."""
    places, across = rng.permutation(5) * 60.0 + rng.integers(5, 15), rng.integers(5, 60, 5)
    corners = np.array([[places[group] + shift, across[group]] for group, shift in _PLACES])
    truths = np.hstack([corners, corners + _SIDE])
    boxes = np.array([truths[number] + moved for number, moved, _ in _PLAN])
    marks = np.sort(rng.choice(np.arange(20, 99), len(_PLAN), replace=False))[::-1] / 100
    scores = marks[[rank for *_, rank in _PLAN]]
    if rng.random() < 0.5:  # along the other axis
        boxes, truths = boxes[:, [1, 0, 3, 2]], truths[:, [1, 0, 3, 2]]
    order, listed = rng.permutation(len(boxes)), rng.permutation(len(truths))
    five, six = (int(np.flatnonzero(listed == number)[0]) for number in (5, 6))
    if (six < five) != turned:
        listed[[five, six]] = listed[[six, five]]
    return boxes[order], scores[order], truths[listed], overlap


def _collect_matches(answer: Any, rng: np.random.Generator) -> Evidence:
    return {"calls": each(answer, _match_cases(rng))}


def _pairwise(
    boxes: np.ndarray,
    truths: np.ndarray,
    *,
    extra: float = 0,
    clamp: bool = True,
    corners: Callable[[np.ndarray], np.ndarray] = lambda boxes: boxes,
    below: Callable[..., np.ndarray] = lambda shared, a, b, hull: a + b - shared,
) -> np.ndarray:
    """Intersection over union by the definition, with a step replaced."""
    a, b = corners(boxes)[:, None], corners(truths)[None]
    sides = np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2]) + extra
    shared = (sides.clip(0) if clamp else sides).prod(-1)
    areas = [(one[..., 2:] - one[..., :2] + extra).prod(-1) for one in (a, b)]
    hull = (np.maximum(a[..., 2:], b[..., 2:]) - np.minimum(a[..., :2], b[..., :2]) + extra).prod(-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return shared / below(shared, *areas, hull)


def _iou(**changes: Any) -> Callable[..., np.ndarray]:
    return lambda boxes, scores, truths, overlap: _pairwise(boxes, truths, **changes)


def _from_centre(boxes: np.ndarray) -> np.ndarray:
    return np.hstack([boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2])


_UNION = (
    "The area below the line is the sum of both areas: what both cover is counted twice.",
    "Subtract the intersection once from the sum.",
)

_OVERLAPS = Question(
    code="iou",
    right="Intersection over union of every box with every truth.",
    reference=_iou(),
    points=1,
    part=lambda value: value["iou"],
    agree=lambda answer, expected: _same_table(answer, expected),
    misconceptions=(
        Misconception(
            "one-pixel-more",
            "Every side is one pixel longer than it should be. Some old code counts whole pixels; here the edges are "
            "places, and a side is right minus left.",
            "Leave out the + 1.",
            _iou(extra=1),
        ),
        Misconception(
            "centre-format",
            "You read the rows as centre, width and height. They are corners: left, top, right, bottom.",
            "Width is right minus left.",
            _iou(corners=_from_centre),
        ),
        Misconception(
            "width-format",
            "You read the last two numbers as width and height. They are the right and the bottom edge.",
            "Width is right minus left.",
            _iou(corners=lambda boxes: np.hstack([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]])),
        ),
        Misconception(
            "not-clamped",
            "Boxes that lie apart get an intersection: two negative sides have a positive product, and one a negative.",
            "Set negative sides to 0 before you multiply.",
            _iou(clamp=False),
        ),
        Misconception("union-too-large", *_UNION, _iou(below=lambda shared, a, b, hull: a + b)),
        Misconception(
            "dice",
            "This is twice the intersection over the sum of the areas: Dice's coefficient.",
            "Divide the intersection by the union.",
            _iou(below=lambda shared, a, b, hull: (a + b) / 2),
        ),
        Misconception(
            "hull-for-union",
            "You divide by the area of the smallest box around both, which holds corners that neither covers.",
            "The union is the sum of the areas less the intersection.",
            _iou(below=lambda shared, a, b, hull: hull),
        ),
        Misconception(
            "share-of-truth",
            "You divide by the truth's area alone: a box as large as the scene would be perfect.",
            "Divide by the union.",
            _iou(below=lambda shared, a, b, hull: b + 0 * a),
        ),
        Misconception(
            "share-of-box",
            "You divide by the detected box's area alone: a tiny box inside the object would be perfect.",
            "Divide by the union.",
            _iou(below=lambda shared, a, b, hull: a + 0 * b),
        ),
        Misconception(
            "share-of-smaller",
            "You divide by the smaller area of the two.",
            "Divide by the union.",
            _iou(below=lambda shared, a, b, hull: np.minimum(a, b)),
        ),
        Misconception(
            "union-not-reduced",
            "The intersection is subtracted twice from the sum of the areas: the common part is gone from the union.",
            "Subtract the intersection once.",
            _iou(below=lambda shared, a, b, hull: a + b - 2 * shared),
        ),
        Misconception(
            "intersection-only",
            "You return the intersection's area; it is not divided by the union.",
            "Divide by the union.",
            _iou(below=lambda shared, a, b, hull: np.ones_like(shared)),
        ),
        Misconception(
            "table-turned",
            "The table has one row for each truth; it should have one for each detected box.",
            "Transpose it.",
            lambda boxes, scores, truths, overlap: _pairwise(truths, boxes),
        ),
    ),
)


def _same_table(answer: Any, expected: np.ndarray) -> bool:
    """`same`, and NaN or infinity where the mistake has it."""
    try:
        table = np.array(answer, float)
    except (TypeError, ValueError):
        return False
    if expected.size == 0:
        return table.size == 0 and len(table) == len(expected)
    return table.shape == expected.shape and np.allclose(table, expected, rtol=1e-4, atol=6e-5, equal_nan=True)


def _greedy(
    order: Callable[[np.ndarray, np.ndarray], np.ndarray] = lambda scores, table: np.argsort(-scores),
    good: Callable[[float, float], bool] = lambda found, overlap: found >= overlap,
    look: Callable[[np.ndarray, np.ndarray], np.ndarray] = lambda row, taken: np.where(taken, -1, row),
    pick: Callable[[np.ndarray, float], int] = lambda row, overlap: int(np.argmax(row)),
) -> Callable[..., list[int]]:
    """Matching by the definition, with a step replaced: who chooses when, among which truths, and which of these."""

    def match(boxes: np.ndarray, scores: np.ndarray, truths: np.ndarray, overlap: float) -> list[int]:
        table = _pairwise(boxes, truths)
        taken, given = np.zeros(len(truths), bool), [-1] * len(boxes)
        for box in order(scores, table).tolist() if len(truths) else ():
            row = look(table[box], taken)
            truth = pick(row, overlap)
            if good(row[truth], overlap) and not (taken[truth] and look is not _all):
                given[box], taken[truth] = truth, True
        return given

    return match


def _all(row: np.ndarray, taken: np.ndarray) -> np.ndarray:
    return row


def _no_second_choice(row: np.ndarray, taken: np.ndarray) -> np.ndarray:
    return np.array(row)


def _truths_choose(boxes: np.ndarray, scores: np.ndarray, truths: np.ndarray, overlap: float) -> list[int]:
    table, given = _pairwise(boxes, truths), [-1] * len(boxes)
    for truth in range(len(truths)):
        free = np.where(np.array(given) >= 0, -1, table[:, truth])
        if free.max() >= overlap:
            given[int(free.argmax())] = truth
    return given


def _best_pairs(boxes: np.ndarray, scores: np.ndarray, truths: np.ndarray, overlap: float) -> list[int]:
    """The pairs with the largest overlap first, whatever the scores say."""
    table, given = np.array(_pairwise(boxes, truths)), [-1] * len(boxes)
    while table.size and table.max() >= overlap:
        box, truth = np.unravel_index(int(table.argmax()), table.shape)
        given[int(box)] = int(truth)
        table[box], table[:, truth] = -1, -1
    return given


def _most_overlap(boxes: np.ndarray, scores: np.ndarray, truths: np.ndarray, overlap: float) -> list[int]:
    from scipy.optimize import linear_sum_assignment

    table, given = _pairwise(boxes, truths), [-1] * len(boxes)
    for box, truth in zip(*linear_sum_assignment(-table), strict=True):
        given[int(box)] = int(truth) if table[box, truth] >= overlap else -1
    return given


def _in_score_order(boxes: np.ndarray, scores: np.ndarray, truths: np.ndarray, overlap: float) -> list[int]:
    return [_greedy()(boxes, scores, truths, overlap)[i] for i in np.argsort(-scores)]


_MATCHES = Question(
    code="matches",
    right="The surest box chooses first, and a truth is given once.",
    reference=_greedy(),
    points=2,
    part=lambda value: [_whole(item) for item in value["match"]] if _is_list(value["match"]) else value["match"],
    misconceptions=(
        Misconception(
            "duplicates-count",
            "Several boxes get the same truth: whoever draws ten boxes on one object would be right ten times.",
            "Remember which truths are taken.",
            _greedy(look=_all),
        ),
        Misconception(
            "listed-order",
            "The boxes choose in the order in which they are listed.",
            "Let the highest score choose first: `np.argsort(-scores)`.",
            _greedy(order=lambda scores, table: np.arange(len(scores))),
        ),
        Misconception(
            "least-sure-first",
            "The *lowest* score chooses first: `np.argsort` sorts upwards.",
            "Sort by `-scores`.",
            _greedy(order=lambda scores, table: np.argsort(scores)),
        ),
        Misconception(
            "no-second-choice",
            "A box whose best truth is taken gets nothing (PASCAL VOC counts so). Here it looks at the truths that are "
            "left.",
            "Take the maximum over the free truths only.",
            _greedy(look=_no_second_choice),
        ),
        Misconception(
            "more-than-overlap",
            "A box that overlaps by exactly `overlap` gets nothing.",
            "Compare with >=.",
            _greedy(good=lambda found, overlap: found > overlap),
        ),
        Misconception(
            "any-overlap",
            "`overlap` takes no part: every touch is a match.",
            "Match only where the IoU is `overlap` or more.",
            _greedy(good=lambda found, overlap: found > 0),
        ),
        Misconception(
            "overlap-fixed",
            "You compare with 0.5, whatever `overlap` is.",
            "Compare with the argument.",
            _greedy(good=lambda found, overlap: found >= 0.5),
        ),
        Misconception(
            "first-that-fits",
            "A box takes the *first* truth that overlaps enough, not the one it overlaps most.",
            "Take the largest IoU among the free truths.",
            _greedy(pick=lambda row, overlap: int(np.argmax(row >= overlap))),
        ),
        Misconception(
            "truths-choose",
            "The truths choose their boxes, and scores take no part. A detector is judged by its surest box.",
            "Go through the boxes, from the highest score down.",
            _truths_choose,
        ),
        Misconception(
            "largest-overlap-first",
            "The pairs with the largest overlap come first, and scores take no part.",
            "Go through the boxes, from the highest score down.",
            _best_pairs,
        ),
        Misconception(
            "best-assignment",
            "You look for the assignment with the most overlap in all; scores take no part.",
            "Go through the boxes, from the highest score down.",
            _most_overlap,
        ),
        Misconception(
            "order-of-scores",
            "The list is in the order of the scores. Its first entry should belong to the first box given.",
            "Write each result to the place of its box.",
            _in_score_order,
        ),
        Misconception(
            "right-or-wrong",
            "The list says whether a box is right. Asked for is *which* truth it gets.",
            "Write the truth's index, or -1.",
            lambda *case: [truth >= 0 for truth in _greedy()(*case)],
        ),
        Misconception(
            "right-or-wrong",
            "The list says whether a box is right. Asked for is *which* truth it gets.",
            "Write the truth's index, or -1.",
            lambda *case: [int(truth >= 0) for truth in _greedy()(*case)],
        ),
    ),
)


def _is_list(value: Any) -> bool:
    return isinstance(value, list | np.ndarray)


def _whole(item: Any) -> Any:
    """A number whatever it is wrapped in; -1 for None."""
    number = one_number(item)
    return -1 if number is None else number


def _judge_matches(evidence: Evidence, rng: np.random.Generator) -> list[Finding]:
    calls, points = evidence["calls"], _OVERLAPS.points + _MATCHES.points
    if fault := unusable("find_matches", calls, points) or entries_missing(
        "find_matches", calls, ("iou", "match"), points
    ):
        return [fault]
    return judge_in_turn([_OVERLAPS, _MATCHES], _match_cases(rng), calls)


# --- read_head ------------------------------------------------------------------------------------------------------


def _head_cases(rng: np.random.Generator) -> list[tuple[Any, ...]]:
    """(logits, distances, stride, least): maps higher than wide and the other way round; boxes that leave the image."""
    cases = []
    for shape, stride in (((3, 4, 6), 8), ((2, 5, 3), 16), ((4, 3, 5), 4)):
        least = float(rng.uniform(0.3, 0.45))
        edge = np.log(least / (1 - least))
        above = rng.random(shape) < 0.25
        above[:2, 1, 1] = True  # one cell with two classes
        gap = rng.uniform(0.1, 2.5, shape)
        logits = np.where(above, edge + gap, edge - gap)
        cases.append((logits, rng.uniform(0.2, 2.5, (4, *shape[1:])), stride, least))
    return cases


def _collect_head(answer: Any, rng: np.random.Generator) -> Evidence:
    return {"calls": each(answer, _head_cases(rng))}


def _sigmoid(logits: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-logits))


def _ranked(
    probability: Callable[[np.ndarray], np.ndarray] = _sigmoid,
    keep: Callable[[np.ndarray, np.ndarray, float], np.ndarray] = lambda p, logits, least: p >= least,
    sign: int = -1,
    first: int = 0,
) -> Callable[..., list[list[float]]]:
    """[scores, labels] by the definition, with a step replaced; `sign` 0 leaves them in the order of the maps."""

    def read(logits: np.ndarray, distances: np.ndarray, stride: int, least: float) -> list[list[float]]:
        p = probability(logits)
        kept = np.nonzero(keep(p, logits, least))
        order = np.argsort(sign * p[kept], kind="stable")
        return [p[kept][order].tolist(), (kept[0][order] + first).tolist()]

    return read


def _softmax(logits: np.ndarray) -> np.ndarray:
    power = np.exp(logits)
    return power / power.sum(0)


def _best_class(p: np.ndarray, logits: np.ndarray, least: float) -> np.ndarray:
    return (p >= least) & (p == p.max(0))


_NAMED = Question(
    code="scores-and-labels",
    right="Every class of every cell that is sure enough, the surest first.",
    reference=_ranked(),
    points=1,
    names=("logits", "distances", "stride", "least"),
    part=lambda value: [_plain(value["scores"]), _plain(value["labels"])],
    misconceptions=(
        Misconception(
            "softmax",
            "You apply a softmax over the classes: they compete, and a cell of plain ground must still name one.",
            "Apply a sigmoid to each logit by itself; ground is where all are low.",
            _ranked(_softmax),
        ),
        Misconception(
            "logits-compared",
            "You compare the *logits* with `least`, which is a probability.",
            "Apply the sigmoid first.",
            _ranked(keep=lambda p, logits, least: logits >= least),
        ),
        Misconception(
            "logits-returned",
            "The scores are logits: the sigmoid is missing.",
            "Apply the sigmoid.",
            _ranked(probability=lambda logits: logits),
        ),
        Misconception(
            "logits-returned",
            "The scores are logits: the sigmoid is missing.",
            "Apply the sigmoid.",
            _ranked(probability=lambda logits: logits, keep=lambda p, logits, least: _sigmoid(logits) >= least),
        ),
        Misconception(
            "one-class-a-cell",
            "You keep the best class of each cell. Two objects may share a cell, and each class has its own sigmoid.",
            "Keep every pair of a cell and a class whose score is `least` or more.",
            _ranked(keep=_best_class),
        ),
        Misconception(
            "not-sorted",
            "The boxes come in the order of the map.",
            "Sort by score, from the highest down: `np.argsort(-scores)`.",
            _ranked(sign=0),
        ),
        Misconception(
            "least-sure-first",
            "The boxes come with the *lowest* score first.",
            "Sort by `-scores`.",
            _ranked(sign=1),
        ),
        Misconception(
            "everything-kept",
            "`least` takes no part: every cell makes a box of every class.",
            "Keep the scores from `least` on.",
            _ranked(keep=lambda p, logits, least: p >= 0),
        ),
        Misconception(
            "labels-from-one",
            "The labels begin with 1; the first class is 0.",
            "The label is the index of the logits' first axis.",
            _ranked(first=1),
        ),
    ),
)


def _plain(values: Any) -> Any:
    return [one_number(item) for item in values] if _is_list(values) else values


def _edges(
    place: Callable[[np.ndarray, int], np.ndarray] = lambda index, stride: (index + 0.5) * stride,
    unit: Callable[[int], float] = lambda stride: stride,
    swap: bool = False,
    sides: Sequence[int] = (0, 1, 2, 3),
    clip: bool = True,
    limits: Callable[[int, int, int], tuple[float, float]] = lambda h, w, stride: (w * stride, h * stride),
    write: Callable[[np.ndarray], np.ndarray] = lambda boxes: boxes,
    toward: int = -1,
) -> Callable[..., list[list[float]]]:
    """The boxes by the definition, with a step replaced."""

    def read(logits: np.ndarray, distances: np.ndarray, stride: int, least: float) -> list[list[float]]:
        p = _sigmoid(logits)
        label, row, column = np.nonzero(p >= least)
        order = np.argsort(-p[label, row, column])
        row, column = row[order], column[order]
        x, y = (place(index, stride) for index in ((row, column) if swap else (column, row)))
        left, top, right, bottom = (unit(stride) * distances[side, row, column] for side in sides)
        boxes = np.stack([x + toward * left, y + toward * top, x + right, y + bottom], 1)
        width, height = limits(logits.shape[1], logits.shape[2], stride)
        if clip:
            boxes = np.stack([boxes[:, i].clip(0, (width, height)[i % 2]) for i in range(4)], 1)
        return write(boxes).tolist()

    return read


def _centred(boxes: np.ndarray) -> np.ndarray:
    return np.hstack([(boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]])


_BOXES = Question(
    code="boxes",
    right="Each box grows from its cell's centre, in pixels, and stays in the image.",
    reference=_edges(),
    points=2,
    names=("logits", "distances", "stride", "least"),
    part=lambda value: [_plain(row) for row in value["boxes"]] if _is_list(value["boxes"]) else value["boxes"],
    misconceptions=(
        Misconception(
            "corner-of-the-cell",
            "The distances are counted from the cell's upper left corner: every box lies half a stride too far up and "
            "left.",
            "The centre of column `c` is at `(c + 0.5) * stride`.",
            _edges(place=lambda index, stride: index * stride),
        ),
        Misconception(
            "half-a-pixel",
            "The centre is half a *pixel* from the cell's corner; it is half a stride.",
            "The centre of column `c` is at `(c + 0.5) * stride`.",
            _edges(place=lambda index, stride: index * stride + 0.5),
        ),
        Misconception(
            "next-corner",
            "The distances are counted from the cell's lower right corner.",
            "The centre of column `c` is at `(c + 0.5) * stride`.",
            _edges(place=lambda index, stride: (index + 1) * stride),
        ),
        Misconception(
            "distances-in-cells",
            "The distances are taken for pixels. They are in units of the stride: the boxes come out tiny.",
            "Multiply them by the stride.",
            _edges(unit=lambda stride: 1),
        ),
        Misconception(
            "places-in-cells",
            "The boxes are in cells, not in pixels: the stride is missing.",
            "Multiply centres and distances by the stride.",
            _edges(place=lambda i, s: i + 0.5, unit=lambda s: 1, limits=lambda h, w, s: (w, h)),
        ),
        Misconception(
            "places-in-cells",
            "The boxes are in cells, not in pixels: the stride is missing.",
            "Multiply centres and distances by the stride.",
            _edges(place=lambda i, s: i + 0.5, unit=lambda s: 1),
        ),
        Misconception(
            "rows-for-columns",
            "Rows and columns are exchanged: x comes from the row. On a map that is not square, boxes leave the image.",
            "x belongs to the column, the map's *last* axis.",
            _edges(swap=True),
        ),
        Misconception(
            "rows-for-columns",
            "Rows and columns are exchanged: x comes from the row. On a map that is not square, boxes leave the image.",
            "x belongs to the column, the map's *last* axis.",
            _edges(swap=True, limits=lambda h, w, s: (h * s, w * s)),
        ),
        Misconception(
            "not-clipped",
            "Some boxes reach out of the image.",
            "Clip x to 0 ... width, and y to 0 ... height.",
            _edges(clip=False),
        ),
        Misconception(
            "clipped-at-zero-only",
            "The boxes are clipped at 0, but not at the right and lower edge of the image.",
            "The image is (height, width) of the map times the stride.",
            _edges(limits=lambda h, w, s: (np.inf, np.inf)),
        ),
        Misconception(
            "limits-exchanged",
            "x is clipped to the image's height, and y to its width.",
            "A map's shape is (height, width): x belongs to the second.",
            _edges(limits=lambda h, w, s: (h * s, w * s)),
        ),
        Misconception(
            "distances-exchanged",
            "The distances are read in another order: they are left, top, right, bottom.",
            "The first two are subtracted from the centre, the last two added.",
            _edges(sides=(0, 2, 1, 3)),
        ),
        Misconception(
            "wrong-direction",
            "Left and top are added to the centre: all boxes lie to its right and below.",
            "Subtract them.",
            _edges(toward=1),
        ),
        Misconception(
            "centre-format",
            "The boxes are written as centre, width and height.",
            "Write corners: left, top, right, bottom.",
            _edges(write=_centred),
        ),
        Misconception(
            "width-format",
            "The last two numbers are width and height.",
            "Write corners: left, top, right, bottom.",
            _edges(write=lambda boxes: np.hstack([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]])),
        ),
    ),
)


def _judge_head(evidence: Evidence, rng: np.random.Generator) -> list[Finding]:
    calls, points = evidence["calls"], _NAMED.points + _BOXES.points
    keys = ("boxes", "scores", "labels")
    if fault := unusable("read_head", calls, points) or entries_missing("read_head", calls, keys, points):
        return [fault]
    return judge_in_turn([_NAMED, _BOXES], _head_cases(rng), calls)


EXERCISES: tuple[Exercise, ...] = (
    Exercise(
        id="read_head",
        title="From maps to boxes",
        lesson="12",
        points=3,
        minutes=15,
        difficulty=2,
        purpose="A head says something at every cell of a map; a box must be said in pixels of the image.",
        hints=(
            "Work with one cell by hand: where is its centre, and how far away are the four edges, in pixels?",
            "`np.nonzero(scores >= least)` gives three index arrays: class, row, column. x belongs to the column.",
            "`x = (column + 0.5) * stride`; the left edge is `x - stride * distances[0, row, column]`. Clip x to 0 ... `w * stride`, "
            "y to 0 ... `h * stride`.",
        ),
        collect=_collect_head,
        judge=_judge_head,
    ),
    Exercise(
        id="find_matches",
        title="IoU and matching",
        lesson="12",
        points=3,
        minutes=18,
        difficulty=2,
        purpose="Which boxes are right? Every number about a detector rests on this rule.",
        hints=(
            "The intersection of two boxes begins at the later of the two left edges and ends at the earlier right one.",
            "Go through the boxes by score, the highest first, and remember which truths are taken.",
            "For each box: `free = np.where(taken, -1, iou[box])`, `best = free.argmax()`; match if `free[best] >= overlap`.",
        ),
        collect=_collect_matches,
        judge=_judge_matches,
    ),
)
