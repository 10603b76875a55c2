import torch

import tlcourse as tl


def backwards(network, rate, factor):
    kept = [child for child in network.children() if list(child.parameters())]
    groups = []
    for power, child in enumerate(reversed(kept)):
        params = [p for p in child.parameters() if p.requires_grad]
        if params:
            groups.append({"params": params, "lr": rate * factor**power})
    return groups


def with_generators_and_names(network, rate, factor):
    children = [(n, c) for n, c in network.named_children() if any(True for _ in c.parameters())]
    return [
        {
            "params": (p for p in c.parameters() if p.requires_grad),
            "lr": rate * factor ** (len(children) - 1 - i),
            "name": n,
        }
        for i, (n, c) in enumerate(children)
        if any(p.requires_grad for p in c.parameters())
    ]


def one_group_each(network, rate, factor):
    order = list(dict.fromkeys(name.split(".")[0] for name, _ in network.named_parameters()))[::-1]
    return [
        {"params": parameter, "lr": torch.tensor(rate * factor ** order.index(name.split(".")[0]), dtype=torch.float64)}
        for name, parameter in network.named_parameters()
        if parameter.requires_grad
    ]


def rate_carried_along(network, rate, factor):
    groups = []
    for child in reversed([child for child in network.children() if list(child.parameters())]):
        groups.append({"params": filter(lambda p: p.requires_grad, child.parameters()), "lr": rate})
        rate *= factor
    return tuple(groups)


RIGHT = [
    backwards,
    with_generators_and_names,
    one_group_each,
    rate_carried_along,
    tl.transfer.parameter_groups,
    lambda network, rate, factor: torch.optim.SGD(backwards(network, rate, factor), lr=1).param_groups,
]


def with_rates(of, trainable=True):
    """Right groups; `of(depth, number of children, rate, factor)` is the rate."""

    def answer(network, rate, factor):
        kept = [child for child in network.children() if list(child.parameters())]
        return [
            {
                "params": [p for p in c.parameters() if p.requires_grad or not trainable],
                "lr": of(d, len(kept), rate, factor),
            }
            for d, c in enumerate(reversed(kept))
        ]

    return answer


def but(change):
    return lambda network, rate, factor: change(network, backwards(network, rate, factor))


def counting_all_children(network, rate, factor):
    return [
        {"params": [p for p in c.parameters() if p.requires_grad], "lr": rate * factor**d}
        for d, c in enumerate(reversed(list(network.children())))
    ]


def head_twice(network, groups):
    return [*groups, {"params": list(network.head.parameters()), "lr": 1.0}]


def without_head(network, groups):
    return groups[1:]


def without_batch_norm(network, groups):
    return [{**g, "params": [p for p in g["params"] if p.ndim == 4 or p.shape[0] == 3]} for g in groups]


def without_stem(network, groups):
    return [g for g in groups if not any(p is q for p in g["params"] for q in network.block1.parameters())]


def renamed(network, groups):
    return [{"params": g["params"], "rate": g["lr"]} for g in groups]


def layers(network, groups):
    children = [child for child in network.children() if list(child.parameters())]
    return [{**g, "params": child} for g, child in zip(groups, reversed(children), strict=False)]


def uneven(network, groups):
    first, *rest = groups
    return [
        {"params": first["params"][:1], "lr": first["lr"]},
        {"params": first["params"][1:], "lr": first["lr"] / 2},
        *rest,
    ]


def counting_what_trains(network, rate, factor):
    kept = [child for child in network.children() if any(p.requires_grad for p in child.parameters())]
    return [{"params": list(c.parameters()), "lr": rate * factor**d} for d, c in enumerate(reversed(kept))]


WRONG = {
    "frozen-not-counted": counting_what_trains,
    "order-reversed": with_rates(lambda d, n, rate, factor: rate * factor ** (n - 1 - d)),
    "same-rate": with_rates(lambda d, n, rate, factor: rate),
    "divided": with_rates(lambda d, n, rate, factor: rate / factor**d),
    "head-not-rate": with_rates(lambda d, n, rate, factor: rate * factor ** (d + 1)),
    "counts-empty-children": counting_all_children,
    "two-rates-only": with_rates(lambda d, n, rate, factor: rate * factor if d else rate),
    "not-a-power": with_rates(lambda d, n, rate, factor: rate * factor * d if d else rate),
    "subtracted": with_rates(lambda d, n, rate, factor: rate - rate * factor * d),
    "rates-differ": with_rates(lambda d, n, rate, factor: rate * factor ** (2 * d)),
    "frozen-included": with_rates(lambda d, n, rate, factor: rate * factor**d, trainable=False),
    "in-two-groups": but(head_twice),
    "head-missing": but(without_head),
    "batch-norm-missing": but(without_batch_norm),
    "parameters-missing": but(without_stem),
    "wrong-keys": but(renamed),
    "not-parameters": but(layers),
    "uneven-child": but(uneven),
    "no-list-of-dicts": lambda network, rate, factor: [rate * factor**d for d in range(5)],
    "returns-nothing": lambda network, rate, factor: None,
}
