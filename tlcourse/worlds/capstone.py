"""The capstone's given tasks: pictures with a few labels to learn from, and hidden test sets of the same kind.

Real handwriting is not among them: its labels are published, so nobody can hide them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from tlcourse.errors import DataError
from tlcourse.worlds.alphabets import EVERYDAY, GEORGIAN, HELD_OUT, Alphabet
from tlcourse.worlds.glyph_world import glyphs
from tlcourse.worlds.images import LabelledImages

PICTURE_SIZE = 32
"""Height and width of the capstone's pictures, pixels."""

HIDDEN = 300
"""Pictures of a hidden test set."""

_TRAIN_SEED, _UNLABELLED_SEED = 1400, 1401


@dataclass(frozen=True)
class CapstoneTask:
    """A task to choose.

    Args:
        name: what an answer calls it by.
        train: all labelled pictures that there are.
        unlabelled: uint8 pictures (N, 3, height, width) of the kind that the hidden ones are of, where that is another
            kind than `train`; else none of them, N = 0.
    """

    name: str
    train: LabelledImages
    unlabelled: np.ndarray

    def __repr__(self) -> str:
        per_class = len(self.train) // len(self.train.classes)
        more = f", and {len(self.unlabelled)} unlabelled pictures of the hidden kind" if len(self.unlabelled) else ""
        return f"{self.name}: {len(self.train.classes)} classes with {per_class} labels each{more}"


@dataclass(frozen=True)
class _Recipe:
    alphabet: Alphabet
    per_class: int
    style: str
    hidden_style: str


_RECIPES = {
    "signs": _Recipe(Alphabet("16 new signs", HELD_OUT.characters[2:112:7]), 10, "photo", "photo"),
    "letters": _Recipe(Alphabet("16 Georgian letters", GEORGIAN.characters[:16], GEORGIAN.fonts), 10, "chalk", "chalk"),
    "night": _Recipe(Alphabet("10 things at night", EVERYDAY.characters[::2]), 20, "photo", "night"),
}

CAPSTONE_TASKS = tuple(_RECIPES)
"""The names that `capstone_task` takes."""


def capstone_task(name: str) -> CapstoneTask:
    """A given task, the same for everybody.

    Args:
        name: signs (new pictographs, 10 labels a class), letters (Georgian in chalk, 10 labels a class) or night
            (things with 20 labels a class, all by day, to be named at night).

    Raises:
        DataError: there is no such task.
    """
    recipe = _recipe(name)
    train = glyphs(recipe.alphabet, recipe.per_class, style=recipe.style, size=PICTURE_SIZE, seed=_TRAIN_SEED)
    shifted = recipe.hidden_style != recipe.style
    return CapstoneTask(name, train, hidden_set(name, _UNLABELLED_SEED).images if shifted else train.images[:0])


@lru_cache(maxsize=32)
def hidden_set(name: str, seed: int) -> LabelledImages:
    """A hidden test set of a given task: `HIDDEN` pictures in random order. Nothing of it is kept on disk.

    Of some classes there are more pictures than of others, and the order tells nothing.

    Args:
        name: the task.
        seed: which pictures; whoever knows it knows the labels.

    Raises:
        DataError: there is no such task.
    """
    recipe = _recipe(name)
    rng = np.random.default_rng(seed)
    per_class = -(-HIDDEN // len(recipe.alphabet)) + 2
    # `glyphs` lays the classes in turn, and its cache lies where a learner's code may read.
    drawn = glyphs(
        recipe.alphabet,
        per_class,
        style=recipe.hidden_style,
        size=PICTURE_SIZE,
        seed=int(rng.integers(1 << 62)),
        cache=False,
    )
    return drawn.subset(rng.permutation(len(drawn))[:HIDDEN])


def _recipe(name: str) -> _Recipe:
    if name not in _RECIPES:
        raise DataError(f"There is no capstone task {name!r}.", f"The tasks are {', '.join(CAPSTONE_TASKS)}.")
    return _RECIPES[name]
