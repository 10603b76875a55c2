import math


def counting_up(pretraining, with_transfer, from_scratch):
    if with_transfer >= from_scratch:
        return None
    k = 0
    while pretraining + k * with_transfer > k * from_scratch:
        k += 1
    return k


def when_it_pays(tasks):
    return lambda p, t, s: tasks(p, t, s) if s > t else None


def when_it_never_pays(value):
    return lambda p, t, s: math.ceil(p / (s - t)) if s > t else value


RIGHT = [
    counting_up,
    when_it_pays(lambda p, t, s: -int(-p // (s - t))),
    lambda pretraining, with_transfer, from_scratch: (
        math.ceil(pretraining / (from_scratch - with_transfer)) if from_scratch > with_transfer else None
    ),
]


def refuses(pretraining, with_transfer, from_scratch):
    if with_transfer > from_scratch:
        raise ValueError("never pays")
    return None if with_transfer == from_scratch else math.ceil(pretraining / (from_scratch - with_transfer))


WRONG = {
    "one-too-few": when_it_pays(lambda p, t, s: math.ceil(p / (s - t)) - 1),
    "never-false": when_it_never_pays(False),
    "never-raises": refuses,
    "fraction": when_it_pays(lambda p, t, s: p / (s - t)),
    "rounded-down": when_it_pays(lambda p, t, s: int(p / (s - t))),
    "rounded-nearest": when_it_pays(lambda p, t, s: round(p / (s - t))),
    "one-too-many": when_it_pays(lambda p, t, s: int(p / (s - t)) + 1),
    "ignores-transfer-cost": when_it_pays(lambda p, t, s: math.ceil(p / s)),
    "divides-by-transfer-cost": lambda p, t, s: math.ceil(p / t),
    "adds-costs": lambda p, t, s: math.ceil(p / (s + t)),
    "never-infinite": when_it_never_pays(math.inf),
    "never-zero": when_it_never_pays(0),
    "never-minus-one": when_it_never_pays(-1),
    "negative-tasks": lambda p, t, s: None if s == t else math.ceil(p / (s - t)),
    "saves-nothing": lambda p, t, s: math.ceil(p / (s - t)),
    "break-even-differs": lambda p, t, s: 42,
}
