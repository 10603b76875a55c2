"""Exercises of lesson 00, start-here."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np

from tlcourse.checks.collecting import each
from tlcourse.checks.exercise import Evidence, Exercise, Finding
from tlcourse.checks.judging import Misconception, Question, judge_question, same, unusable


def _class_counts(rng: np.random.Generator) -> list[tuple[Any, ...]]:
    drawn = rng.choice(np.arange(4, 200), size=3, replace=False)
    return [(n,) for n in [2, *sorted(drawn.tolist()), 1000]]


def _collect_chance(answer: Any, rng: np.random.Generator) -> Evidence:
    return {"calls": each(answer, _class_counts(rng))}


_CHANCE = Question(
    code="chance",
    right="One over the number of classes: this is what every accuracy of the course is compared with.",
    reference=lambda n: 1 / n,
    points=1,
    names=("n_classes",),
    agree=partial(same, absolute=1e-9),
    misconceptions=(
        Misconception(
            "percent",
            "The answer is in percent; the course gives accuracies as fractions between 0 and 1.",
            "Divide by 100, or do not multiply by it: 20 classes give 0.05, not 5.",
            lambda n: 100 / n,
        ),
        Misconception(
            "one-class-too-few",
            "You divide by n_classes - 1. The right class is one of the n that a guess can hit, so all n count.",
            "With 2 classes a coin is right half of the time: check that your function gives 0.5 there.",
            lambda n: 1 / (n - 1),
        ),
        Misconception(
            "error-rate",
            "This is how often a guess is wrong; accuracy is how often it is right.",
            "Subtract from 1, or think of one lucky class among n.",
            lambda n: 1 - 1 / n,
        ),
        Misconception(
            "hard-coded-20",
            "The answer is 0.05 for every input: right for 20 classes only.",
            "Use the argument n_classes in the formula.",
            lambda n: 0.05,
        ),
        Misconception(
            "always-half",
            "The answer is 0.5 for every input: a coin has two sides, this task may have more.",
            "Use the argument n_classes in the formula.",
            lambda n: 0.5,
        ),
        Misconception(
            "whole-number-division",
            "The answer is 0 for every input; `//` and `int` throw away what stands behind the point.",
            "Divide with `/`, and return the fraction as it is.",
            lambda n: 1 // n,
        ),
        Misconception(
            "number-of-classes",
            "You return the number of classes itself.",
            "Ask how likely one guess among that many is.",
            lambda n: n,
        ),
        Misconception(
            "rounded",
            "The answer is rounded to two places, so that 1,000 classes get 0.",
            "Return the fraction itself and round only when you print.",
            lambda n: round(1 / n, 2),
        ),
        Misconception(
            "logarithm",
            "You return the loss of a guess, log(n), not its accuracy.",
            "Accuracy counts right answers: one in n.",
            lambda n: math.log(n),
        ),
    ),
)


def _judge_chance(evidence: Evidence, rng: np.random.Generator) -> list[Finding]:
    calls = evidence["calls"]
    if fault := unusable("chance_accuracy", calls, _CHANCE.points):
        return [fault]
    return [judge_question(_CHANCE, _class_counts(rng), calls)]


EXERCISES = (
    Exercise(
        id="chance_accuracy",
        title="What guessing gives",
        lesson="00",
        points=1,
        minutes=1,
        difficulty=1,
        purpose="Every result needs something to be compared with; the cheapest is a guess.",
        hints=(
            "Imagine 20 boxes and a prize in one of them. How often do you open the right one?",
            "With 2 classes the answer is 0.5, with 4 it is 0.25. What do you do with n_classes?",
            "One line is enough: `return 1 / n_classes`.",
        ),
        collect=_collect_chance,
        judge=_judge_chance,
    ),
)
