import numpy as np
import torch


def wanted(pixels, mean, std):
    return (pixels / 255 - np.reshape(mean, (1, 3, 1, 1))) / np.reshape(std, (1, 3, 1, 1))


def right(batches, pixels, mean, std):
    target = wanted(pixels, mean, std)
    return [name for name, batch in batches.items() if not np.allclose(batch, target, atol=0.05)]


def channel_by_channel(batches, pixels, mean, std):
    found = set()
    for name, batch in batches.items():
        for c in range(3):
            back = batch[:, c] * std[c] + mean[c]
            if abs(back.mean() - pixels[:, c].mean() / 255) > 0.01 or abs(back.std() - pixels[:, c].std() / 255) > 0.01:
                found.add(name)
    return found


def in_torch(batches, pixels, mean, std):
    target = torch.from_numpy(wanted(pixels, mean, std)).float()
    return tuple(name for name in batches if (torch.from_numpy(batches[name]) - target).abs().max() > 0.1)


def as_an_array(batches, pixels, mean, std):
    return np.array(right(batches, pixels, mean, std))


def as_keys(batches, pixels, mean, std):
    return dict.fromkeys(right(batches, pixels, mean, std)).keys()


def named(differs):
    return lambda batches, pixels, mean, std: [
        name for name, batch in batches.items() if differs(batch, wanted(pixels, mean, std))
    ]


def far(batch, target):
    return abs(batch - target).max() > 0.05


def pixels_as_they_are(batches, pixels, mean, std):
    target = wanted(255.0 * pixels, mean, std)
    return [name for name, batch in batches.items() if not np.allclose(batch, target, atol=1)]


def against_the_first(batches, pixels, mean, std):
    first = next(iter(batches.values()))
    return [name for name, batch in batches.items() if far(batch, first)]


RIGHT = [right, channel_by_channel, in_torch, as_an_array, as_keys]

WRONG = {
    "zero-mean-wanted": named(lambda batch, target: abs(batch.mean()) > 0.1 or abs(batch.std() - 1) > 0.1),
    "range-only": named(lambda batch, target: batch.min() >= 0 and batch.max() <= 1),
    "sign-only": named(lambda batch, target: batch.min() >= 0),
    "fair-arms": named(lambda batch, target: not far(batch, target)),
    "exactly-equal": named(lambda batch, target: not np.array_equal(batch, target)),
    "overall-mean": named(lambda batch, target: abs(batch.mean() - target.mean()) > 0.05),
    "pixels-not-scaled": pixels_as_they_are,
    "against-the-first": against_the_first,
    "only-one-arm": lambda *case: right(*case)[:1],
    "not-a-list": lambda *case: ", ".join(right(*case)) or "none",
    "arms-differs": lambda batches, pixels, mean, std: list(batches)[:1],
}
