F, T, D, M = "feature extraction", "fine-tuning", "domain adaptation", "multitask"
TRUTH = dict(a=F, b=D, c=M, d=T, e=D, f=F, g=M, h=T)


def but(**changes):
    return lambda: {**TRUTH, **changes}


RIGHT = [
    lambda: {item: {"f": F, "t": T, "d": D, "m": M}[letter] for item, letter in zip(TRUTH, "fdmtdfmt", strict=True)},
    TRUTH,
    lambda: {item.upper(): approach.title() for item, approach in TRUTH.items()},
    lambda: {item: approach.replace("-", " ").replace("multitask", "multi-task") for item, approach in TRUTH.items()},
    lambda: {item: approach.replace(" ", "_") for item, approach in TRUTH.items()},
]

WRONG = {
    "a-not-fine-tuning": but(a=T),
    "b-not-feature-extraction": but(b=F),
    "c-not-fine-tuning": but(c=T),
    "d-not-feature-extraction": but(d=F),
    "e-not-fine-tuning": but(e=T),
    "f-not-multitask": but(f=M),
    "g-not-domain-adaptation": but(g=D),
    "h-not-multitask": but(h=M),
    "always-fine-tuning": lambda: dict.fromkeys(TRUTH, T),
    "always-feature-extraction": lambda: dict.fromkeys(TRUTH, F),
    "always-domain-adaptation": lambda: dict.fromkeys(TRUTH, D),
    "always-multitask": lambda: dict.fromkeys(TRUTH, M),
    "frozen-and-tuned-swapped": but(a=T, f=T, d=F, h=F),
    "adaptation-and-multitask-swapped": but(b=M, e=M, c=D, g=D),
    "adaptation-is-fine-tuning": but(b=T, e=T),
    "c-unknown": but(c="transductive"),
    "h-missing": lambda: {item: approach for item, approach in TRUTH.items() if item != "h"},
    "not-a-dict": lambda: "fine-tuning",
    "returns-nothing": lambda: None,
}
