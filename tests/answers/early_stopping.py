import itertools

import numpy as np


def with_a_counter(losses, patience):
    best, waited = 0, 0
    for epoch, loss in enumerate(losses):
        if loss < losses[best] or epoch == 0:
            best, waited = epoch, 0
        else:
            waited += 1
        if waited >= patience:
            break
    return best


def by_distance(losses, patience):
    lowest, best = float("inf"), 0
    for epoch, loss in enumerate(losses):
        if loss < lowest:
            lowest, best = loss, epoch
        if epoch - best == patience:
            return np.int64(best)
    return best


def with_running_minimum(losses, patience):
    lowest = list(itertools.accumulate(losses, min))
    for epoch in range(patience, len(losses)):
        if lowest[epoch] == lowest[epoch - patience]:
            return losses.index(lowest[epoch])
    return int(np.argmin(losses))


def looking_on_from_each_best(losses, patience, best=0):
    ahead = range(best + 1, min(best + 1 + patience, len(losses)))
    better = next((epoch for epoch in ahead if losses[epoch] < losses[best]), None)
    return best if better is None else looking_on_from_each_best(losses, patience, better)


RIGHT = [with_a_counter, by_distance, with_running_minimum, looking_on_from_each_best]


def stopping(patience_of=lambda p: p, better=lambda loss, best, before: loss < best, resets=True, keep="best"):
    """The loop with one thing done wrongly."""

    def answer(losses, patience):
        best, waited, epoch = 0, 0, 0
        for epoch, loss in enumerate(losses):
            if epoch == 0:
                continue
            if better(loss, losses[best], losses[epoch - 1]):
                best = epoch if loss <= losses[best] else best
                waited = 0 if resets else waited
            else:
                waited += 1
            if waited >= patience_of(patience):
                break
        return {"best": best, "stop": epoch, "one": best + 1, "loss": losses[best]}[keep]

    return answer


def first_epoch_counted(losses, patience):
    best, waited = 0, 0
    for epoch, loss in enumerate(losses):
        best, waited = (epoch, 0) if loss < losses[best] else (best, waited + 1)
        if waited >= patience:
            break
    return best


def first_rise(losses, patience):
    for epoch in range(1, len(losses)):
        if losses[epoch] >= losses[epoch - 1]:
            return epoch - 1
    return len(losses) - 1


def only_when_it_stops(losses, patience):
    best, waited = 0, 0
    for epoch, loss in enumerate(losses[1:], start=1):
        best, waited = (epoch, 0) if loss < losses[best] else (best, waited + 1)
        if waited >= patience:
            return best


WRONG = {
    "looks-ahead": lambda losses, patience: int(np.argmin(losses)),
    "stop-epoch": stopping(keep="stop"),
    "last-epoch": lambda losses, patience: len(losses) - 1,
    "highest-loss": lambda losses, patience: losses.index(max(losses)),
    "first-rise": first_rise,
    "first-epoch-counted": first_epoch_counted,
    "one-too-patient": stopping(patience_of=lambda p: p + 1),
    "one-too-impatient": stopping(patience_of=lambda p: p - 1),
    "never-reset": stopping(resets=False),
    "compares-with-previous": stopping(better=lambda loss, best, before: loss < before),
    "tie-is-better": stopping(better=lambda loss, best, before: loss <= best),
    "counts-from-one": stopping(keep="one"),
    "loss-not-epoch": stopping(keep="loss"),
    "never-stops": only_when_it_stops,
    "epoch-differs": lambda losses, patience: 0,
    "prints-not-returns": lambda losses, patience: print(with_a_counter(losses, patience)),
}
