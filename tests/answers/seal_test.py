import numpy as np


def with_a_flag(labels):
    used = False

    def score(predictions):
        nonlocal used
        if used:
            raise RuntimeError("used")
        if len(predictions) != len(labels):
            raise ValueError("lengths differ")
        used = True
        return np.mean(predictions == labels)

    return score


class Sealed:
    def __init__(self, labels):
        self.labels = list(labels)

    def __call__(self, predictions):
        if self.labels is None:
            raise RuntimeError("this test set has been used")
        right = [p == y for p, y in zip(predictions, self.labels, strict=True)]
        self.labels = None
        return sum(right) / len(right)


def by_emptying(labels):
    left = [np.array(labels)]

    def score(predictions):
        if not left:
            raise RuntimeError("used")
        if np.shape(predictions) != left[0].shape:
            raise ValueError("lengths differ")
        return float((left.pop() == predictions).mean())

    return score


RIGHT = [with_a_flag, lambda labels: Sealed(labels), by_emptying]


def like(accuracy=lambda p, y: float(np.mean(p == y)), again=None, check="first", once=True):
    """A seal with one thing wrong.

    Args:
        accuracy: what a look gives.
        again: what a later look does; an error if left out.
        check: when lengths are compared: "first", "late" (after the seal is broken) or "never".
        once: whether there is a seal.
    """

    def seal_test(labels):
        looks = []

        def score(predictions):
            if looks and once:
                if again is None:
                    raise RuntimeError("used")
                return again(looks)
            if check == "late":
                looks.append(None)
            if check != "never" and len(predictions) != len(labels):
                raise ValueError("lengths differ")
            n = min(len(predictions), len(labels))
            value = accuracy(np.asarray(predictions)[:n], np.asarray(labels)[:n])
            if check != "never" or n == len(labels):
                looks.append(value)
            return value

        return score

    return seal_test


_everyone = []


def shared(labels):
    mine = like()(labels)

    def score(predictions):
        if _everyone:
            raise RuntimeError("used")
        value = mine(predictions)
        _everyone.append(value)
        return value

    if len(labels) < 52:  # the check makes the smaller set first
        _everyone.clear()
    return score


def printed_refusal(looks):
    print("You have used this test set!")


def alternating(labels):
    looks = 0

    def score(predictions):
        nonlocal looks
        if len(predictions) != len(labels):
            raise ValueError("lengths differ")
        looks += 1
        if looks == 2:
            raise RuntimeError("used")
        return np.mean(predictions == labels)

    return score


def refuses_first(labels):
    def score(predictions):
        raise RuntimeError("used")

    return score


WRONG = {
    "percent": like(lambda p, y: 100 * np.mean(p == y)),
    "count": like(lambda p, y: int(np.sum(p == y))),
    "error-rate": like(lambda p, y: np.mean(p != y)),
    "accuracy-differs": like(lambda p, y: np.mean(p == y) ** 2),
    "never-sealed": like(once=False),
    "first-score-again": like(again=lambda looks: looks[0]),
    "silent-refusal": like(again=printed_refusal),
    "short-breaks-seal": like(check="late"),
    "short-scored": like(check="never"),
    "opens-again": alternating,
    "shared-seal": shared,
    "no-function": lambda labels: 0.5,
    "raises": lambda labels: labels.score,
}
