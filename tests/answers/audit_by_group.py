import numpy as np
from scipy import stats

Z = 1.96


def wilson(right, n, z=Z):
    p = right / n
    centre = p + z**2 / (2 * n)
    reach = z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    return p, (centre - reach) / (1 + z**2 / n), (centre + reach) / (1 + z**2 / n)


def report(labels, predictions, groups, fewest, row=lambda right: (len(right), *wilson(right.sum(), len(right)))):
    right, groups = np.asarray(labels) == np.asarray(predictions), np.array(groups)
    table = {name: row(right[groups == name]) for name in set(groups.tolist())}
    sizes = {name: int((groups == name).sum()) for name in table}
    shares = {name: right[groups == name].mean() for name in table if sizes[name] >= fewest}
    too_few = [name for name in table if sizes[name] < fewest]
    return {"groups": table, "worst": min(shares, key=shares.get), "too_few": too_few}


def plain_python(labels, predictions, groups, fewest):
    table, too_few = {}, []
    for label, prediction, group in zip(labels, predictions, groups, strict=True):
        n, right = table.get(group, (0, 0))
        table[group] = n + 1, right + (label == prediction)
    rows = {}
    for group, (n, right) in table.items():
        low, high = stats.binomtest(int(right), n).proportion_ci(method="wilson")
        rows[group] = [n, right / n, low, high]
        if n < fewest:
            too_few.append(group)
    worst = sorted((row[1], group) for group, row in rows.items() if group not in too_few)[0][1]
    return {"worst": worst, "groups": rows, "too_few": sorted(too_few)}


RIGHT = [report, plain_python]


def rows(row):
    return lambda labels, predictions, groups, fewest: report(labels, predictions, groups, fewest, row)


def of(make):
    return rows(lambda right: (len(right), *make(right.sum(), len(right))))


def wald(right, n):
    p = right / n
    reach = Z * np.sqrt(p * (1 - p) / n)
    return p, p - reach, p + reach


def agresti(right, n):
    _, low, high = wald(right + Z**2 / 2, n + Z**2)
    return right / n, low, high


def not_divided(right, n):
    p, low, high = wilson(right, n)
    return p, low * (1 + Z**2 / n), high * (1 + Z**2 / n)


def share_of_all(labels, predictions, groups, fewest):
    def row(right):
        return (len(right), *wilson(right.sum(), len(labels)))

    return report(labels, predictions, groups, fewest, row)


def with_worst(choose):
    """`choose` gets the table and fewest."""

    def answer(*case):
        found = report(*case)
        return {**found, "worst": choose(found["groups"], case[3])}

    return answer


def large(table, fewest):
    return [name for name in table if table[name][0] >= fewest]


def by_class(labels, predictions, groups, fewest):
    return report(labels, predictions, [str(label) for label in labels], fewest)


WRONG = {
    "wald-interval": of(wald),
    "agresti-coull": of(agresti),
    "not-divided": of(not_divided),
    "ninety-percent": of(lambda right, n: wilson(right, n, 1.645)),
    "error-not-accuracy": of(lambda right, n: wilson(n - right, n)),
    "share-of-all": share_of_all,
    "percent": of(lambda right, n: [100 * value for value in wilson(right, n)]),
    "right-not-size": rows(lambda right: (right.sum(), *wilson(right.sum(), len(right)))),
    "group-table-differs": of(lambda right, n: (right / n, 0.0, 1.0)),
    "small-group-worst": with_worst(lambda table, fewest: min(table, key=lambda g: table[g][1])),
    "best-group": with_worst(lambda table, fewest: max(large(table, fewest), key=lambda g: table[g][1])),
    "most-mistakes": with_worst(
        lambda table, fewest: max(large(table, fewest), key=lambda g: table[g][0] * (1 - table[g][1]))
    ),
    "smallest-group": with_worst(lambda table, fewest: min(large(table, fewest), key=lambda g: table[g][0])),
    "value-for-name": with_worst(lambda table, fewest: min(table[g][1] for g in large(table, fewest))),
    "worst-group-differs": with_worst(lambda table, fewest: "everybody"),
    "large-listed": lambda *case: {**report(*case), "too_few": large(report(*case)["groups"], case[3])},
    "small-dropped": lambda *case: {**report(*case), "too_few": []},
    "too-few-differs": lambda *case: {**report(*case), "too_few": sorted(set(case[2]))},
    "wrong-groups": by_class,
    "wrong-rows": rows(lambda right: wilson(right.sum(), len(right))),
    "keys-missing": lambda *case: {"groups": report(*case)["groups"]},
    "not-a-dict": lambda *case: report(*case)["groups"]["dark"] if "dark" in case[2] else [],
}
