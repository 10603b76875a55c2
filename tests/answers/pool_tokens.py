import torch

import tlcourse as tl


def multiplied(states, mask):
    inside = mask.unsqueeze(-1)
    return (states * inside).sum(1) / inside.sum(1)


def selected(states, mask):
    return torch.stack([text[kept].mean(0) for text, kept in zip(states, mask, strict=True)])


def with_nan(states, mask):
    return states.masked_fill(~mask[:, :, None], torch.nan).nanmean(dim=1)


def as_a_product(states, mask):
    weights = mask.float() / mask.sum(1, keepdim=True)
    return torch.einsum("nt,ntf->nf", weights, states)


RIGHT = [multiplied, selected, with_nan, as_a_product, tl.transfer.pool_tokens]


def first_ones(states, mask):
    return torch.stack([text[: int(n)].mean(0) for text, n in zip(states, mask.sum(1), strict=True)])


WRONG = {
    "padding-counts": lambda states, mask: states.mean(1),
    "divides-by-all-places": lambda states, mask: (states * mask.unsqueeze(-1)).mean(1),
    "sum-not-mean": lambda states, mask: (states * mask.unsqueeze(-1)).sum(1),
    "mask-upside-down": lambda states, mask: multiplied(states, ~mask),
    "nan": lambda states, mask: multiplied(states.masked_fill(~mask.unsqueeze(-1), torch.inf), mask),
    "padding-in-front": first_ones,
    "largest": lambda states, mask: states.masked_fill(~mask.unsqueeze(-1), -torch.inf).amax(1),
    "last-place": lambda states, mask: states[:, -1],
    "last-token": lambda states, mask: states[torch.arange(len(states)), mask.sum(1) - 1],
    "first-token": lambda states, mask: states[:, 0],
    "one-number-below": lambda states, mask: (states * mask.unsqueeze(-1)).sum(1) / mask.sum(),
    "texts-pooled": lambda states, mask: states.mean(0),
    "features-pooled": lambda states, mask: states.mean(2),
    "whole-batch": lambda states, mask: states[mask].mean(0),
    "unit-length": lambda states, mask: torch.nn.functional.normalize(multiplied(states, mask), dim=1),
    "not-pooled": lambda states, mask: states * mask.unsqueeze(-1),
    "not-a-tensor": lambda states, mask: "pooled",
    "pool-tokens-differs": lambda states, mask: multiplied(states, mask) + 1,
    "raises": lambda states, mask: (states * mask).sum(1),
    "returns-nothing": lambda states, mask: None,
}
