import copy

import torch
from torch import nn


class Network(nn.Module):
    def __init__(self, trunk, features, n_first, n_second):
        super().__init__()
        self.trunk = trunk
        self.first = nn.Linear(features, n_first)
        self.second = nn.Linear(features, n_second)

    def forward(self, images):
        shared = self.trunk(images)
        return self.heads(shared)

    def heads(self, shared):
        return self.first(shared), self.second(shared)


def but(forward, **parts):
    """The right network with another way forward, and more parts made from (trunk, features, n_first, n_second)."""

    def answer(*args):
        network = Network(*args)
        for name, make in parts.items():
            setattr(network, name, make(*args))
        network.forward = lambda images: forward(network, images)
        return network

    return answer


class OneLinear(nn.Module):
    """One linear layer whose columns are split: the same as two heads."""

    def __init__(self, trunk, features, n_first, n_second):
        super().__init__()
        self.body, self.sizes = trunk, (n_first, n_second)
        self.heads = nn.Linear(features, n_first + n_second)

    def forward(self, x):
        return torch.split(self.heads(self.body(x)), self.sizes, dim=1)


def with_a_module_list(trunk, features, n_first, n_second):
    class Multitask(nn.Module):
        def __init__(self):
            super().__init__()
            self.trunk = trunk
            self.heads = nn.ModuleList([nn.Linear(features, n) for n in (n_first, n_second)])

        def forward(self, images):
            h = self.trunk(images)
            return [head(h) for head in self.heads]

    return Multitask()


RIGHT = [Network, OneLinear, with_a_module_list]


def hidden_trunk(trunk, features, n_first, n_second):
    network = Network(nn.Identity(), features, n_first, n_second)
    network.forward = lambda images: network.heads(trunk(images))
    return network


def heads_made_late(trunk, features, n_first, n_second):
    network = Network(trunk, features, n_first, n_second)
    heads = [nn.Linear(features, n_first), nn.Linear(features, n_second)]
    network.forward = lambda images: tuple(head(network.trunk(images)) for head in heads)
    return network


def twice(network, images):
    return network.first(network.trunk(images)), network.second(network.trunk(images))


def softmaxed(network, images):
    return tuple(logits.softmax(1) for logits in network.heads(network.trunk(images)))


def log_softmaxed(network, images):
    return tuple(logits.log_softmax(1) for logits in network.heads(network.trunk(images)))


def no_gradient(network, images):
    with torch.no_grad():
        shared = network.trunk(images)
    return network.heads(shared)


def detached_for_second(network, images):
    shared = network.trunk(images)
    return network.first(shared), network.second(shared.detach())


def chained(network, images):
    first = network.first(network.trunk(images))
    return first, network.chain(first)


WRONG = {
    "trunk-runs-twice": but(twice),
    "trunk-copied": but(
        lambda n, x: (n.first(n.trunk(x)), n.second(n.other(x))), other=lambda trunk, *_: copy.deepcopy(trunk)
    ),
    "trunk-not-used": lambda trunk, *sizes: Network(copy.deepcopy(trunk), *sizes),
    "trunk-hidden": hidden_trunk,
    "head-hidden": heads_made_late,
    "swapped": but(lambda n, x: n.heads(n.trunk(x))[::-1]),
    "one-head-for-both": but(lambda n, x: (n.first(n.trunk(x)),) * 2),
    "wrong-sizes": lambda trunk, features, a, b: Network(trunk, features, a + 1, b),
    "softmax-added": but(softmaxed),
    "log-softmax-added": but(log_softmaxed),
    "not-linear": but(lambda n, x: tuple(logits.relu() for logits in n.heads(n.trunk(x)))),
    "trunk-detached": but(no_gradient),
    "one-task-detached": but(detached_for_second),
    "chained": but(chained, chain=lambda trunk, features, a, b: nn.Linear(a, b)),
    "more-is-shared": but(lambda n, x: n.heads(n.middle(n.trunk(x))), middle=lambda trunk, f, *_: nn.Linear(f, f)),
    "no-pair": but(lambda n, x: torch.cat(n.heads(n.trunk(x)), dim=1)),
    "not-a-module": lambda trunk, features, a, b: (nn.Linear(features, a), nn.Linear(features, b)),
    "forward-raises": lambda trunk, features, a, b: Network(trunk, features + 1, a, b),
    "returns-nothing": lambda trunk, features, a, b: None,
    "wrong-arguments": lambda trunk: trunk,
}
