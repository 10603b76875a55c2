IND, T, U, N = "inductive", "transductive", "unsupervised", "none"
TRUTH = dict(a=IND, b=T, c=IND, d=U, e=T, f=IND, g=T, h=T, i=U, j=N, k=N, l=IND)


def but(**changes):
    return lambda: {**TRUTH, **changes}


def with_pattern(**replacements):
    """Every answer of one kind replaced by another."""
    return lambda: {item: replacements.get(kind, kind) for item, kind in TRUTH.items()}


RIGHT = [
    lambda: {
        item: {"i": IND, "t": T, "u": U, "n": N}[letter] for item, letter in zip(TRUTH, "itiutittunni", strict=True)
    },
    TRUTH,
    lambda: {f"({item.upper()})": kind.capitalize() for item, kind in TRUTH.items()},
    lambda: dict(reversed(TRUTH.items())),
]

WRONG = {
    "a-not-transductive": but(a=T),
    "b-not-unsupervised": but(b=U),
    "c-not-unsupervised": but(c=U),
    "d-not-inductive": but(d=IND),
    "e-not-inductive": but(e=IND),
    "f-not-none": but(f=N),
    "g-not-unsupervised": but(g=U),
    "h-not-none": but(h=N),
    "i-not-transductive": but(i=T),
    "j-not-inductive": but(j=IND),
    "k-not-transductive": but(k=T),
    "l-not-unsupervised": but(l=U),
    "all-inductive": lambda: dict.fromkeys(TRUTH, IND),
    "all-transductive": lambda: dict.fromkeys(TRUTH, T),
    "unsupervised-without-target-labels": but(b=U, e=U, g=U, h=U),
    "self-taught-called-unsupervised": but(c=U, l=U),
    "labels-ignored": but(d=IND, i=IND),
    "labels-ignored-and-no-none": but(d=IND, i=IND, j=T, k=T),
    "never-none": but(j=IND, k=T),
    "domain-decides": but(a=T, c=T, d=T, i=T),
    "types-swapped": with_pattern(inductive=T, transductive=IND),
    "a-missing": lambda: {item: kind for item, kind in TRUTH.items() if item != "a"},
    "b-unknown": but(b="domain adaptation"),
    "not-a-dict": lambda: list(TRUTH.values()),
    "wrong-keys": lambda: dict(enumerate(TRUTH.values())),
    "returns-nothing": lambda: None,
}
