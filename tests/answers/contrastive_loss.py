import numpy as np
import torch
import torch.nn.functional as F


def logits_of(first, second, temperature):
    z = F.normalize(torch.cat([first, second]), dim=1)
    return (z @ z.T / temperature).fill_diagonal_(-torch.inf)


def as_cross_entropy(first, second, temperature):
    n = len(first)
    return F.cross_entropy(logits_of(first, second, temperature), torch.arange(2 * n).roll(n))


def from_the_formula(first, second, temperature):
    z = np.concatenate([first.numpy(), second.numpy()]).astype(float)
    n, total = len(first), 0.0

    def similarity(i, k):
        return z[i] @ z[k] / np.linalg.norm(z[i]) / np.linalg.norm(z[k])

    for i in range(2 * n):
        below = sum(np.exp(similarity(i, k) / temperature) for k in range(2 * n) if k != i)
        total -= np.log(np.exp(similarity(i, (i + n) % (2 * n)) / temperature) / below)
    return total / (2 * n)


def with_cosine_similarity(first, second, temperature):
    z = torch.stack([first, second], 1).flatten(0, 1)  # the two views of an image one after the other
    logits = F.cosine_similarity(z[:, None], z[None], dim=-1) / temperature
    logits = logits - 1e9 * torch.eye(len(z))
    return F.cross_entropy(logits, torch.arange(len(z)) ^ 1)


def with_a_library(first, second, temperature):
    from pytorch_metric_learning.losses import NTXentLoss, SelfSupervisedLoss

    return SelfSupervisedLoss(NTXentLoss(temperature))(first, second)


RIGHT = [as_cross_entropy, from_the_formula, with_cosine_similarity, with_a_library]


def clip(first, second, temperature):
    logits = F.normalize(first, dim=1) @ F.normalize(second, dim=1).T / temperature
    own = torch.arange(len(first))
    return F.cross_entropy(logits, own), F.cross_entropy(logits.T, own)


def of_logits(change, partners=lambda n: torch.arange(2 * n).roll(n), reduction="mean"):
    """The right loss with other logits, other partners, or another way to add up."""

    def answer(first, second, temperature):
        return F.cross_entropy(
            change(torch.cat([first, second]), temperature), partners(len(first)), reduction=reduction
        )

    return answer


def raw(z, temperature):
    return (z @ z.T / temperature).fill_diagonal_(-torch.inf)


def right_logits(z, temperature):
    return raw(F.normalize(z, dim=1), temperature)


def unmasked(z, temperature):
    z = F.normalize(z, dim=1)
    return z @ z.T / temperature


def zero_diagonal(z, temperature):
    return unmasked(z, temperature).fill_diagonal_(0)


def one_direction(first, second, temperature):
    n = len(first)
    return F.cross_entropy(logits_of(first, second, temperature)[:n], torch.arange(n, 2 * n))


def positive_left_out(first, second, temperature):
    logits, n = logits_of(first, second, temperature), len(first)
    partner = torch.arange(2 * n).roll(n)
    positive = logits[torch.arange(2 * n), partner]
    logits[torch.arange(2 * n), partner] = -torch.inf
    return (logits.logsumexp(1) - positive).mean()


WRONG = {
    "not-normalised": of_logits(raw),
    "self-not-masked": of_logits(unmasked),
    "diagonal-zero": of_logits(zero_diagonal),
    "temperature-multiplied": lambda a, b, t: as_cross_entropy(a, b, 1 / t),
    "temperature-ignored": lambda a, b, t: as_cross_entropy(a, b, 1),
    "neighbour-as-partner": of_logits(right_logits, lambda n: torch.arange(2 * n) ^ 1),
    "one-direction": one_direction,
    "other-views-only": lambda a, b, t: sum(clip(a, b, t)) / 2,
    "other-views-one-direction": lambda a, b, t: clip(a, b, t)[0],
    "other-views-summed": lambda a, b, t: sum(clip(a, b, t)),
    "sum-not-mean": of_logits(right_logits, reduction="sum"),
    "sum-over-n": lambda a, b, t: 2 * as_cross_entropy(a, b, t),
    "positive-not-below": positive_left_out,
    "sign": lambda a, b, t: -as_cross_entropy(a, b, t),
    "attracts-only": lambda a, b, t: -F.cosine_similarity(a, b).mean() / t,
    "contrastive-loss-rounded": lambda a, b, t: round(as_cross_entropy(a, b, t).item(), 2),
    "contrastive-loss-differs": lambda a, b, t: 42.5,
}
