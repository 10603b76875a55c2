import copy

import torch


def with_lerp(start, end, share):
    return {n: torch.lerp(t, end[n], share) if t.is_floating_point() else end[n].clone() for n, t in start.items()}


def in_a_loop(start, end, share):
    mixed = {}
    for name in end:
        if start[name].dtype.is_floating_point:
            mixed[name] = (1 - share) * start[name] + share * end[name]
        else:
            mixed[name] = end[name]
    return mixed


def on_a_copy(start, end, share):
    mixed = copy.deepcopy(end)
    for name, tensor in mixed.items():
        if "num_batches" not in name:
            tensor.mul_(share).add_(start[name], alpha=1 - share)
    return mixed


RIGHT = [with_lerp, in_a_loop, on_a_copy]


def of(rule=lambda n, a, b, s: (1 - s) * a + s * b, counter=lambda a, b, s: b):
    """The interpolation with another rule for floating tensors, or for counters; None leaves a tensor out."""

    def answer(start, end, share):
        found = {
            n: rule(n, t, end[n], share) if t.is_floating_point() else counter(t, end[n], share)
            for n, t in start.items()
        }
        return {name: tensor for name, tensor in found.items() if tensor is not None}

    return answer


def lerp(a, b, s):
    return a + s * (b - a)


def in_place(start, end, share):
    for name, tensor in start.items():
        if tensor.is_floating_point():
            tensor.lerp_(end[name], share)
    return {**start, **{n: end[n] for n in end if not end[n].is_floating_point()}}


WRONG = {
    "direction": of(lambda n, a, b, s: lerp(b, a, s)),
    "statistics-left-out": of(lambda n, a, b, s: None if "running" in n else lerp(a, b, s)),
    "statistics-of-start": of(lambda n, a, b, s: a if "running" in n else lerp(a, b, s)),
    "statistics-of-end": of(lambda n, a, b, s: b if "running" in n else lerp(a, b, s)),
    "head-not-mixed": of(lambda n, a, b, s: b if n.startswith("head") else lerp(a, b, s)),
    "start-in-full": of(lambda n, a, b, s: a + s * b),
    "always-half": of(lambda n, a, b, s: (a + b) / 2),
    "difference-alone": of(lambda n, a, b, s: s * (b - a)),
    "backwards": of(lambda n, a, b, s: lerp(a, b, -s)),
    "interpolation-differs": of(lambda n, a, b, s: lerp(a, b, s**2)),
    "counters-left-out": of(counter=lambda a, b, s: None),
    "counters-mixed": of(counter=lambda a, b, s: (1 - s) * a + s * b),
    "counters-of-start": of(counter=lambda a, b, s: a),
    "counters-cut": of(counter=lambda a, b, s: ((1 - s) * a + s * b).long()),
    "inputs-changed": in_place,
    "not-a-dict": lambda start, end, share: list(with_lerp(start, end, share).values()),
    "unknown-names": lambda start, end, share: {f"module.{n}": t for n, t in with_lerp(start, end, share).items()},
    "raises": lambda start, end, share: (1 - share) * start + share * end,
}
