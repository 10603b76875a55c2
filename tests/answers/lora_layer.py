import copy
import math

import torch
from torch import nn


class Layer(nn.Module):
    def __init__(self, linear, rank, alpha):
        super().__init__()
        self.linear, self.scale = linear, alpha / rank
        linear.requires_grad_(False)
        self.a = nn.Linear(linear.in_features, rank, bias=False)
        self.b = nn.Linear(rank, linear.out_features, bias=False)
        nn.init.zeros_(self.b.weight)

    def forward(self, x):
        return self.linear(x) + self.scale * self.b(self.a(x))

    @torch.no_grad()
    def merged(self):
        whole = copy.deepcopy(self.linear)
        whole.weight += self.scale * self.b.weight @ self.a.weight
        return whole


class WithParameters(nn.Module):
    """A and B as bare parameters, the other way round; A starts at zero."""

    def __init__(self, linear, rank, alpha):
        super().__init__()
        self.base = linear
        for parameter in self.base.parameters():
            parameter.requires_grad = False
        self.down = nn.Parameter(torch.zeros(linear.in_features, rank))
        self.up = nn.Parameter(torch.empty(rank, linear.out_features))
        nn.init.kaiming_uniform_(self.up, a=math.sqrt(5))
        self.alpha, self.rank = alpha, rank

    def forward(self, x):
        return self.base(x) + (x @ self.down @ self.up) * (self.alpha / self.rank)

    def merged(self):
        new = nn.Linear(self.base.in_features, self.base.out_features)
        update = (self.down @ self.up).T * (self.alpha / self.rank)
        new.weight.data = self.base.weight.data + update.data
        new.bias.data = self.base.bias.data.clone()
        return new


def two_steps(linear, rank, alpha):
    """The merged weight is read off the outputs for unit vectors."""

    class Beside(nn.Module):
        def __init__(self):
            super().__init__()
            self.path = nn.Sequential(
                nn.Linear(linear.in_features, rank, bias=False), nn.Linear(rank, linear.out_features, bias=False)
            )
            self.path[1].weight.data.zero_()
            self.frozen = linear.requires_grad_(False)

        def forward(self, x):
            return torch.add(self.frozen(x), self.path(x), alpha=alpha / rank)

        def merged(self):
            eye = torch.eye(linear.in_features)
            whole = nn.Linear(linear.in_features, linear.out_features).requires_grad_(False)
            whole.bias.copy_(linear.bias)
            whole.weight.copy_((self(eye) - linear.bias).T)
            return whole

    return Beside()


RIGHT = [Layer, WithParameters, two_steps]


def but(**methods):
    """The right layer with other methods."""

    def made(linear, rank, alpha):
        layer = Layer(linear, rank, alpha)
        for name, method in methods.items():
            setattr(layer, name, lambda *args, method=method: method(layer, *args))
        return layer

    return made


def then(change):
    """The right layer, and something done to it."""

    def made(linear, rank, alpha):
        layer = Layer(linear, rank, alpha)
        change(layer, linear, rank, alpha)
        return layer

    return made


def scaled(scale):
    """The right layer with another factor."""
    return then(lambda layer, linear, rank, alpha: setattr(layer, "scale", scale(alpha, rank)))


def set_part(name, make):
    return then(lambda layer, linear, rank, alpha: setattr(layer, name, make(linear, rank)))


def merging(change):
    """`merged` from a copy of the frozen layer, which `change` turns into what it returns."""

    @torch.no_grad()
    def merged(layer):
        whole = copy.deepcopy(layer.linear)
        return change(whole, layer.b.weight @ layer.a.weight, layer.scale) or whole

    return but(merged=merged)


def in_place(layer):
    with torch.no_grad():
        layer.linear.weight += layer.scale * layer.b.weight @ layer.a.weight
    return layer.linear


def no_bias(whole, update, scale):
    whole.weight += scale * update
    whole.bias.zero_()


class Full(nn.Module):
    def __init__(self, linear, rank, alpha):
        super().__init__()
        self.linear = linear.requires_grad_(False)
        self.update = nn.Parameter(torch.zeros_like(linear.weight))

    def forward(self, x):
        return self.linear(x) + x @ self.update.T

    def merged(self):
        return self.linear


class Plain(nn.Module):
    """A and B are tensors, not parameters."""

    def __init__(self, linear, rank, alpha):
        super().__init__()
        self.linear = linear.requires_grad_(False)
        self.a = torch.randn(rank, linear.in_features, requires_grad=True)
        self.b = torch.zeros(linear.out_features, rank, requires_grad=True)
        self.scale = alpha / rank

    def forward(self, x):
        return self.linear(x) + self.scale * x @ self.a.T @ self.b.T


def zero(layer, linear, rank, alpha):
    nn.init.zeros_(layer.a.weight)


def random(layer, linear, rank, alpha):
    nn.init.ones_(layer.b.weight)


def halved(layer, linear, rank, alpha):
    linear.weight.data *= 0.5


class Nameless(nn.Module):
    """No `merged`."""

    def __init__(self, *args):
        super().__init__()
        self.inside = Layer(*args)

    def forward(self, x):
        return self.inside(x)


def unfrozen(layer, linear, rank, alpha):
    linear.requires_grad_(True)


WRONG = {
    "not-a-module": lambda linear, rank, alpha: Layer(linear, rank, alpha).forward,
    "forward-raises": set_part("b", lambda linear, rank: nn.Linear(rank + 1, linear.out_features, bias=False)),
    "base-not-frozen": then(unfrozen),
    "nothing-trains": Plain,
    "full-matrix": Full,
    "update-has-bias": set_part("a", lambda linear, rank: nn.Linear(linear.in_features, rank)),
    "wrong-shapes": lambda linear, rank, alpha: Layer(linear, rank + 1, alpha),
    "both-zero": then(zero),
    "random-start": then(random),
    "start-differs": then(halved),
    "base-missing": but(forward=lambda layer, x: layer.scale * layer.b(layer.a(x))),
    "scale-missing": scaled(lambda alpha, rank: 1),
    "not-divided-by-rank": scaled(lambda alpha, rank: alpha),
    "scale-upside-down": scaled(lambda alpha, rank: rank / alpha),
    "root-of-rank": scaled(lambda alpha, rank: alpha / rank**0.5),
    "relu-between": but(forward=lambda layer, x: layer.linear(x) + layer.scale * layer.b(layer.a(x).relu())),
    "update-not-used": but(forward=lambda layer, x: layer.linear(x)),
    "lora-outputs-differs": but(forward=lambda layer, x: layer.linear(x) + layer.b(layer.a(x)) * 3.3),
    "update-detached": but(forward=lambda layer, x: layer.linear(x) + layer.scale * layer.b(layer.a(x)).detach()),
    "no-merged": Nameless,
    "merged-raises": merging(lambda whole, update, scale: whole.weight.add_(update.T)),
    "merged-not-linear": but(merged=lambda layer: layer),
    "merged-changes-layer": but(merged=in_place),
    "merged-without-update": merging(lambda whole, update, scale: None),
    "merged-without-bias": merging(no_bias),
    "merged-unscaled": merging(lambda whole, update, scale: whole.weight.add_(update) is None),
    "merged-update-alone": merging(lambda whole, update, scale: whole.weight.copy_(scale * update) is None),
    "merged-differs": merging(lambda whole, update, scale: whole.weight.sub_(scale * update) is None),
}
