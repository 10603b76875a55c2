import math
from fractions import Fraction

import numpy as np


def prints(n_classes):
    print(1 / n_classes)


RIGHT = [
    lambda n_classes: n_classes**-1,
    lambda n: float(Fraction(1, n)),
    lambda n_classes: np.float64(1) / n_classes,
    lambda n_classes: np.mean(np.arange(n_classes) == 0),
]

WRONG = {
    "percent": lambda n_classes: 100 / n_classes,
    "one-class-too-few": lambda n_classes: 1 / (n_classes - 1),
    "error-rate": lambda n_classes: (n_classes - 1) / n_classes,
    "hard-coded-20": lambda n_classes: 1 / 20,
    "always-half": lambda n_classes: 0.5,
    "whole-number-division": lambda n_classes: 1 // n_classes,
    "number-of-classes": lambda n_classes: n_classes,
    "chance-rounded": lambda n_classes: round(1 / n_classes, 3),
    "exits": lambda n_classes: exit(),
    "rounded": lambda n_classes: round(1 / n_classes, 2),
    "logarithm": lambda n_classes: -math.log(1 / n_classes),
    "prints-not-returns": prints,
    "chance-differs": lambda n_classes: 2 / n_classes,
    "not-a-function": 0.05,
    "wrong-arguments": lambda: 0.05,
}
