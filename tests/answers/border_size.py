import numpy as np


def in_a_loop(sizes, gaps):
    for i in range(len(sizes) - 1):
        if gaps[i] * gaps[i + 1] < 0:
            share = gaps[i] / (gaps[i] - gaps[i + 1])
            return np.exp(np.log(sizes[i]) + share * np.log(sizes[i + 1] / sizes[i]))
    return None


def with_signs(sizes, gaps):
    logs, gaps = np.log10(sizes), np.asarray(gaps)
    changes = np.flatnonzero(np.diff(np.sign(gaps)))
    if not changes.size:
        return None
    i = changes[0]
    low, high = sorted([(gaps[i], logs[i]), (gaps[i + 1], logs[i + 1])])
    return 10 ** np.interp(0, [low[0], high[0]], [low[1], high[1]])


def by_powers(sizes, gaps):
    for (a, m), (b, n) in zip(zip(gaps, sizes, strict=True), list(zip(gaps, sizes, strict=True))[1:], strict=False):
        if (a > 0) != (b > 0):
            return np.array([m * (n / m) ** (a / (a - b))])


RIGHT = [in_a_loop, with_signs, by_powers]


def change(sizes, gaps):
    """The place before the first change of sign, or None."""
    return next((i for i in range(len(sizes) - 1) if gaps[i] * gaps[i + 1] < 0), None)


def at(value):
    """An answer that does something else once the change of sign is found."""

    def answer(sizes, gaps):
        i = change(sizes, gaps)
        return None if i is None else value(sizes, gaps, i)

    return answer


def on_a_linear_scale(sizes, gaps, i):
    return sizes[i] + gaps[i] / (gaps[i] - gaps[i + 1]) * (sizes[i + 1] - sizes[i])


def exchanged(sizes, gaps, i):
    share = gaps[i + 1] / (gaps[i + 1] - gaps[i])
    return sizes[i] * (sizes[i + 1] / sizes[i]) ** share


def or_else(never):
    return lambda sizes, gaps: never(sizes, gaps) if change(sizes, gaps) is None else in_a_loop(sizes, gaps)


def prolonged(sizes, gaps):
    logs = np.log(sizes)
    return np.exp(logs[-1] - gaps[-1] * (logs[-1] - logs[-2]) / (gaps[-1] - gaps[-2]))


def last(sizes, gaps):
    found = [in_a_loop(sizes[i : i + 2], gaps[i : i + 2]) for i in range(len(sizes) - 1)]
    return next((size for size in reversed(found) if size is not None), None)


WRONG = {
    "linear-scale": at(on_a_linear_scale),
    "logarithm-returned": at(lambda sizes, gaps, i: np.log(in_a_loop(sizes, gaps))),
    "size-before": at(lambda sizes, gaps, i: sizes[i]),
    "size-after": at(lambda sizes, gaps, i: sizes[i + 1]),
    "middle": at(lambda sizes, gaps, i: np.sqrt(sizes[i] * sizes[i + 1])),
    "smallest-gap": lambda sizes, gaps: sizes[np.argmin(np.abs(gaps))],
    "position": change,
    "last-crossing": last,
    "falling-only": at(lambda sizes, gaps, i: in_a_loop(sizes, gaps) if gaps[i] > 0 else None),
    "weights-exchanged": at(exchanged),
    "last-size-for-none": or_else(lambda sizes, gaps: sizes[-1]),
    "zero-for-none": or_else(lambda sizes, gaps: 0),
    "extrapolates": or_else(prolonged),
    "border-size-rounded": at(lambda sizes, gaps, i: round(in_a_loop(sizes, gaps))),
    "border-size-differs": at(lambda sizes, gaps, i: sizes[i] + sizes[i + 1]),
}
