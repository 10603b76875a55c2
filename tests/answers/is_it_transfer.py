import numpy as np

TRUTH = {"a": True, "b": False, "c": False, "d": True, "e": True, "f": False}


def but(**changes):
    return lambda: {**TRUTH, **changes}


RIGHT = [
    lambda: dict(a=True, b=False, c=False, d=True, e=True, f=False),
    lambda: {letter: letter in "ade" for letter in "abcdef"},
    lambda: {letter: np.bool_(letter in "ade") for letter in "fedcba"},
    TRUTH,
    lambda: {f"({letter.upper()})": answer for letter, answer in TRUTH.items()},
    lambda: {letter: int(answer) for letter, answer in TRUTH.items()},
]

WRONG = {
    "a-wrong": but(a=False),
    "b-wrong": but(b=True),
    "c-wrong": but(c=True),
    "d-wrong": but(d=False),
    "e-wrong": but(e=False),
    "f-wrong": but(f=True),
    "a-missing": lambda: {letter: answer for letter, answer in TRUTH.items() if letter != "a"},
    "b-unknown": but(b="no"),
    "not-a-dict": lambda: list(TRUTH.values()),
    "returns-nothing": lambda: None,
    "wrong-keys": lambda: dict(enumerate(TRUTH.values())),
}
