import numpy as np


def right(base, selffer, transfer, tolerance):
    own, other = selffer.mean(0), transfer.mean(0)
    n = 0
    while n < len(other) and other[n] >= base.mean() - tolerance:
        n += 1
    return {"co_adaptation": base.mean() - own, "specificity": own - other, "transferable": n}


def with_cumulative_products(base, selffer, transfer, tolerance):
    good = transfer.mean(0) >= base.mean() - tolerance
    return {
        "co_adaptation": list((base[:, None] - selffer).mean(0)),
        "specificity": list((selffer - transfer).mean(0)),
        "transferable": np.cumprod(good).sum(),
    }


def as_a_tuple(base, selffer, transfer, tolerance):
    layers = range(selffer.shape[1])
    mean = sum(base) / len(base)
    own = [sum(selffer[:, n]) / len(selffer) for n in layers]
    other = [sum(transfer[:, n]) / len(transfer) for n in layers]
    bad = [n for n in layers if other[n] < mean - tolerance]
    return [mean - v for v in own], [a - b for a, b in zip(own, other, strict=True)], bad[0] if bad else len(other)


def but(name, read):
    def answer(base, selffer, transfer, tolerance):
        result = right(base, selffer, transfer, tolerance)
        return {**result, name: read(base.mean(), selffer.mean(0), transfer.mean(0), tolerance)}

    return answer


def over_layers(name, read):
    return lambda base, selffer, transfer, tolerance: {
        **right(base, selffer, transfer, tolerance),
        name: read(base, selffer, transfer),
    }


def run(good):
    return int(np.argmin([*good, False]))


def keyed_by_n(base, selffer, transfer, tolerance):
    result = right(base, selffer, transfer, tolerance)
    return {name: dict(enumerate(value, 1)) if np.ndim(value) else value for name, value in result.items()}


def seed_by_seed(base, selffer, transfer, tolerance):
    good = (transfer >= base[:, None] - tolerance).all(0)
    return {**right(base, selffer, transfer, tolerance), "transferable": run(good)}


RIGHT = [right, with_cumulative_products, as_a_tuple, keyed_by_n]

WRONG = {
    "co-adaptation-swapped": but("co_adaptation", lambda b, s, t, tol: s - b),
    "co-adaptation-from-transfer": but("co_adaptation", lambda b, s, t, tol: b - t),
    "co-adaptation-absolute": but("co_adaptation", lambda b, s, t, tol: abs(b - s)),
    "co-adaptation-clipped": but("co_adaptation", lambda b, s, t, tol: np.maximum(b - s, 0)),
    "co-adaptation-by-seed": over_layers("co_adaptation", lambda b, s, t: b - s.mean(1)),
    "co-adaptation-one-number": over_layers("co_adaptation", lambda b, s, t: b.mean() - s.mean()),
    "co-adaptation-relative": but("co_adaptation", lambda b, s, t, tol: (b - s) / b),
    "specificity-from-base": but("specificity", lambda b, s, t, tol: b - t),
    "specificity-swapped": but("specificity", lambda b, s, t, tol: t - s),
    "specificity-absolute": but("specificity", lambda b, s, t, tol: abs(s - t)),
    "specificity-clipped": but("specificity", lambda b, s, t, tol: np.maximum(s - t, 0)),
    "specificity-by-seed": over_layers("specificity", lambda b, s, t: s.mean(1) - t.mean(1)),
    "transferable-index": but("transferable", lambda b, s, t, tol: run(t >= b - tol) - 1),
    "transferable-past-a-dip": but(
        "transferable", lambda b, s, t, tol: max([0, *(n + 1 for n in range(len(t)) if t[n] >= b - tol)])
    ),
    "transferable-counted": but("transferable", lambda b, s, t, tol: (t >= b - tol).sum()),
    "transferable-best": but("transferable", lambda b, s, t, tol: t.argmax() + 1),
    "transferable-against-selffer": but("transferable", lambda b, s, t, tol: run(t >= s - tol)),
    "transferable-no-tolerance": but("transferable", lambda b, s, t, tol: run(t >= b)),
    "transferable-both-sides": but("transferable", lambda b, s, t, tol: run(abs(t - b) <= tol)),
    "transferable-first-failure": but("transferable", lambda b, s, t, tol: run(t >= b - tol) + 1),
    "transferable-differs": but("transferable", lambda b, s, t, tol: len(t)),
    "transferable-relative": but("transferable", lambda b, s, t, tol: run(t >= b * (1 - tol))),
    "transferable-seed-by-seed": seed_by_seed,
    "three-things": lambda base, selffer, transfer, tolerance: base.mean() - transfer.mean(0),
}
