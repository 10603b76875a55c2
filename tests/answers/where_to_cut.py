import numpy as np


def in_words(accuracies, parameters, tolerance):
    means = {depth: np.mean(values) for depth, values in accuracies.items()}
    limit = max(means.values()) - tolerance
    kept = 0
    for depth, mean in means.items():
        kept += parameters[depth]
        if mean >= limit:
            return {"depth": depth, "parameters": kept}


def with_arrays(accuracies, parameters, tolerance):
    names = list(accuracies)
    means = np.stack([accuracies[name] for name in names]).mean(axis=1)
    place = np.flatnonzero(means.max() - means <= tolerance)[0]
    return {"parameters": np.cumsum([parameters[name] for name in names])[place], "depth": names[place]}


RIGHT = [in_words, with_arrays]


def total(accuracies, parameters, depth):
    names = list(accuracies)
    return sum(parameters[name] for name in names[: names.index(depth) + 1])


def at(choose):
    """`choose` gets the means and the tolerance."""

    def answer(accuracies, parameters, tolerance):
        depth = choose({name: np.mean(values) for name, values in accuracies.items()}, tolerance)
        return {"depth": depth, "parameters": total(accuracies, parameters, depth)}

    return answer


def counting(count):
    def answer(accuracies, parameters, tolerance):
        right = in_words(accuracies, parameters, tolerance)
        return {**right, "parameters": count(right["parameters"], parameters, right["depth"])}

    return answer


def first_dip(means, tolerance):
    names = list(means)
    place = 0
    while place + 1 < len(names) and means[names[place + 1]] > means[names[place]] + tolerance:
        place += 1
    return names[place]


def downwards(means, tolerance):
    names = list(means)
    place = len(names) - 1
    while place and min(means[names[place]], means[names[place - 1]]) >= max(means.values()) - tolerance:
        place -= 1
    return names[place]


def by_best_run(accuracies, parameters, tolerance):
    return in_words({name: [max(values)] for name, values in accuracies.items()}, parameters, tolerance)


WRONG = {
    "best-depth": at(lambda means, tolerance: max(means, key=means.get)),
    "last-depth": at(lambda means, tolerance: list(means)[-1]),
    "latest-within": at(lambda m, tolerance: [d for d in m if m[d] >= max(m.values()) - tolerance][-1]),
    "compared-with-last": at(lambda m, tol: next(d for d in m if m[d] >= list(m.values())[-1] - tol)),
    "stops-at-first-dip": at(first_dip),
    "walks-down-and-stops": at(downwards),
    "relative-tolerance": at(lambda m, tol: next(d for d in m if m[d] >= max(m.values()) * (1 - tol))),
    "best-run": by_best_run,
    "part-alone": counting(lambda kept, parameters, depth: parameters[depth]),
    "cut-part-left-out": counting(lambda kept, parameters, depth: kept - parameters[depth]),
    "removed-not-kept": counting(lambda kept, parameters, depth: sum(parameters.values()) - kept),
    "whole-network": counting(lambda kept, parameters, depth: sum(parameters.values())),
    "where-to-cut-differs": at(lambda means, tolerance: "pixels" if "pixels" in means else "stem"),
    "keys-missing": lambda *case: {"depth": in_words(*case)["depth"]},
    "not-a-dict": lambda *case: in_words(*case)["depth"],
}
