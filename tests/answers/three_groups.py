from fastai.torch_core import params


def sliced(model, early):
    return [list(part.parameters()) for part in (model[0][:early], model[0][early:], model[1])]


def with_fastai(model, early):
    return params(model[0][:early]), params(model[0][early:]), params(model[1])


def by_hand(model, early):
    groups = [[], [], []]
    for place, child in enumerate(model[0]):
        groups[0 if place < early else 1] += list(child.parameters())
    for child in model[1]:
        groups[2].extend(child.parameters())
    return groups


RIGHT = [sliced, with_fastai, by_hand]


def but(change):
    return lambda model, early: change(model, *sliced(model, early))


def counted_without_empty(model, early):
    kept = [child for child in model[0] if list(child.parameters())]
    groups = [[p for child in part for p in child.parameters()] for part in (kept[:early], kept[early:])]
    return [*groups, list(model[1].parameters())]


WRONG = {
    "not-parameters": lambda model, early: [model[0][:early], model[0][early:], model[1]],
    "generators": lambda model, early: [p.parameters() for p in (model[0][:early], model[0][early:], model[1])],
    "not-three": lambda model, early: [list(model[0].parameters()), list(model[1].parameters())],
    "order-reversed": lambda model, early: sliced(model, early)[::-1],
    "in-two-groups": but(lambda model, first, late, head: [first, list(model[0].parameters()), head]),
    "head-missing": but(lambda model, first, late, head: [first, late, head[2:]]),
    "frozen-left-out": lambda model, early: [[p for p in g if p.requires_grad] for g in sliced(model, early)],
    "parameters-missing": but(lambda model, first, late, head: [first, late[1:], head]),
    "cut-elsewhere": lambda model, early: sliced(model, early + 1 if early + 1 < len(model[0]) else early - 1),
    "groups-differ": but(lambda model, first, late, head: [first, late + head[:1], head[1:]]),
    "returns-nothing": lambda model, early: None,
    "raises": lambda model, early: [list(model.body[:early]), list(model.body[early:]), list(model.head)],
}
