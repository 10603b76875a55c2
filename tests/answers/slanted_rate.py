import math


def as_printed(t, T, cut_frac, ratio, peak):
    cut = math.floor(T * cut_frac)
    p = t / cut if t < cut else 1 - (t - cut) / (cut * (1 / cut_frac - 1))
    return peak * (1 + p * (ratio - 1)) / ratio


def by_steps_left(t, T, cut_frac, ratio, peak):
    cut = int(T * cut_frac)
    p = min(t / cut, (T - t) / (T - cut))
    low = peak / ratio
    return low + p * (peak - low)


RIGHT = [as_printed, by_steps_left]


def triangle(share=None, rate=None):
    """The right answer with another share of the way up, or another rate from it."""

    def answer(t, T, cut_frac, ratio, peak):
        cut = int(T * cut_frac)
        p = t / cut if t < cut else 1 - (t - cut) / (cut * (1 / cut_frac - 1))
        p = share(p, t, T, cut) if share else p
        return rate(p, ratio, peak) if rate else peak * (1 + p * (ratio - 1)) / ratio

    return answer


WRONG = {
    "no-floor": triangle(rate=lambda p, ratio, peak: peak * p),
    "only-rises": triangle(lambda p, t, T, cut: min(1, t / cut)),
    "only-falls": triangle(lambda p, t, T, cut: 1 if t < cut else p),
    "symmetric": triangle(lambda p, t, T, cut: 1 - abs(2 * t - T) / T),
    "falls-too-fast": triangle(lambda p, t, T, cut: t / cut if t < cut else 1 - (t - cut) / cut),
    "falls-over-whole": triangle(lambda p, t, T, cut: t / cut if t < cut else 1 - (t - cut) / T),
    "top-forgotten": triangle(lambda p, t, T, cut: t / cut if t < cut else 1 - t / (T - cut)),
    "ratio-not-divided": triangle(rate=lambda p, ratio, peak: peak * (1 + p * (ratio - 1))),
    "ratio-without-one": triangle(rate=lambda p, ratio, peak: peak * (1 + p * ratio) / ratio),
    "peak-missing": triangle(rate=lambda p, ratio, peak: (1 + p * (ratio - 1)) / ratio),
    "share-itself": triangle(rate=lambda p, ratio, peak: p),
    "upside-down": triangle(lambda p, t, T, cut: 1 - p),
    "cosine": triangle(lambda p, t, T, cut: p if t < cut else (1 + math.cos(math.pi * (1 - p))) / 2),
    "not-one-number": lambda t, T, cut_frac, ratio, peak: [peak] * T,
    "prints-not-returns": lambda *case: print(as_printed(*case)),
    "slanted-rate-differs": triangle(rate=lambda p, ratio, peak: peak * p**3),
    "raises": lambda t, T, cut_frac, ratio, peak: t / 0,
}
