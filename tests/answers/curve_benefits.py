import numpy as np


def right(steps, transfer, scratch):
    gap = np.asarray(transfer) - np.asarray(scratch)
    return {
        "start": gap[0],
        "slope": (gap[2] - gap[0]) / (steps[2] - steps[0]),
        "asymptote": gap[-3:].mean(),
    }


def in_plain_python(steps, transfer, scratch):
    def slope(curve):
        return (curve[2] - curve[0]) / (steps[2] - steps[0])

    def end(curve):
        return sum(list(curve)[-3:]) / 3

    return (
        float(transfer[0] - scratch[0]),
        float(slope(transfer) - slope(scratch)),
        float(end(transfer) - end(scratch)),
    )


def but(name, value):
    """The right answer with one of its numbers read off wrongly."""
    return lambda steps, transfer, scratch: {**right(steps, transfer, scratch), name: value(steps, transfer, scratch)}


def gap(read):
    return lambda steps, transfer, scratch: read(steps, transfer) - read(steps, scratch)


RIGHT = [right, in_plain_python, lambda *curves: {**right(*curves), "note": "an extra entry does no harm"}]

WRONG = {
    "start-always-positive": but("start", lambda s, t, c: abs(t[0] - c[0])),
    "slope-always-positive": but("slope", lambda *curves: abs(right(*curves)["slope"])),
    "slope-after-start": but("slope", gap(lambda s, c: (c[2] - c[1]) / (s[2] - s[1]))),
    "slope-fitted-line": but("slope", gap(lambda s, c: np.polyfit(s, c, 1)[0])),
    "asymptote-always-positive": but("asymptote", lambda *curves: abs(right(*curves)["asymptote"])),
    "asymptote-sum": but("asymptote", gap(lambda s, c: sum(c[-3:]))),
    "asymptote-percent": but("asymptote", lambda *curves: 100 * right(*curves)["asymptote"]),
    "start-swapped": but("start", lambda s, t, c: c[0] - t[0]),
    "start-not-a-gap": but("start", lambda s, t, c: t[0]),
    "start-ratio": but("start", lambda s, t, c: t[0] / c[0]),
    "start-after-training": but("start", lambda s, t, c: t[1] - c[1]),
    "start-percent": but("start", lambda s, t, c: 100 * (t[0] - c[0])),
    "slope-swapped": but("slope", lambda *curves: -right(*curves)["slope"]),
    "slope-not-per-step": but("slope", gap(lambda s, c: c[2] - c[0])),
    "slope-per-measurement": but("slope", gap(lambda s, c: np.diff(c[:3]).mean())),
    "slope-per-three-measurements": but("slope", gap(lambda s, c: (c[2] - c[0]) / 3)),
    "slope-whole-curve": but("slope", gap(lambda s, c: (c[-1] - c[0]) / s[-1])),
    "slope-two-points": but("slope", gap(lambda s, c: (c[1] - c[0]) / s[1])),
    "slope-four-points": but("slope", gap(lambda s, c: (c[3] - c[0]) / s[3])),
    "slope-not-a-gap": but("slope", lambda s, t, c: (t[2] - t[0]) / s[2]),
    "slope-differs": but("slope", gap(lambda s, c: c[2] / s[2])),
    "asymptote-swapped": but("asymptote", lambda *curves: -right(*curves)["asymptote"]),
    "asymptote-last-point": but("asymptote", gap(lambda s, c: c[-1])),
    "asymptote-maximum": but("asymptote", gap(lambda s, c: max(c))),
    "asymptote-whole-curve": but("asymptote", gap(lambda s, c: c.mean())),
    "asymptote-slice": but("asymptote", gap(lambda s, c: c[-3:-1].mean())),
    "asymptote-not-a-gap": but("asymptote", lambda s, t, c: t[-3:].mean()),
    "three-numbers": lambda steps, transfer, scratch: transfer - scratch,
}
