from collections import OrderedDict

import torch
from torch import nn


def plain(network, n_classes):
    network.head = nn.Linear(network.head.in_features, n_classes)
    return network


def around_the_body(network, n_classes):
    features = network.head.weight.shape[1]
    return nn.Sequential(network.body, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(features, n_classes))


def by_position(network, n_classes):
    network[-1] = nn.Linear(network[-1].in_features, n_classes, bias=False)
    return network


def imprinted_at_zero(network, n_classes):
    head = nn.Linear(network.head.in_features, n_classes)
    nn.init.zeros_(head.weight)
    setattr(network, "head", head)  # noqa: B010
    return network


def lazily(network, n_classes):
    """A layer that learns how many numbers it reads when it first reads them."""
    network.head = nn.LazyLinear(n_classes)
    return network


class Wrapped(nn.Module):
    def __init__(self, body, width, n_classes):
        super().__init__()
        self.backbone, self.fc = body, nn.Linear(width, n_classes)

    def forward(self, images):
        return self.fc(self.backbone(images).mean((2, 3)))


RIGHT = [
    lazily,
    lambda network, n_classes: Wrapped(network.body, network.head.in_features, n_classes),
    plain,
    around_the_body,
    by_position,
    imprinted_at_zero,
    lambda network, n_classes: network.with_new_head(n_classes),
]


def with_head(make):
    def answer(network, n_classes):
        network.head = make(network, n_classes)
        return network

    return answer


def in_place_only(network, n_classes):
    plain(network, n_classes)


def attribute_only(network, n_classes):
    network.head.out_features = n_classes
    return network


def reinitialised(network, n_classes):
    for module in network.modules():
        if hasattr(module, "reset_parameters"):
            module.reset_parameters()
    return plain(network, n_classes)


def frozen_after(network, n_classes):
    return plain(network, n_classes).requires_grad_(False)


def frozen_head(network, n_classes):
    plain(network, n_classes).head.requires_grad_(False)
    return network


def freezes_too(network, n_classes):
    network.body.requires_grad_(False)
    return plain(network, n_classes)


def sliced(network, n_classes):
    old = network.head
    plain(network, n_classes)
    with torch.no_grad():
        rows = min(n_classes, old.out_features)
        network.head.weight[:rows] = old.weight[:rows]
    return network


def normalised(network, n_classes):
    width = network.head.in_features
    return nn.Sequential(nn.LayerNorm(width, elementwise_affine=False), nn.Linear(width, n_classes))


def deleted(network, n_classes):
    del network.head
    return network


def without_pooling(network, n_classes):
    return nn.Sequential(network.body, nn.Linear(network.head.in_features, n_classes))


def two_layers(network, n_classes):
    width = network.head.in_features
    network.head = nn.Sequential(nn.Linear(width, 16), nn.ReLU(), nn.Linear(16, n_classes))
    return network


def named_as_elsewhere(network, n_classes):
    """torchvision's networks call it `fc`; here that comes after the head."""
    network.fc = nn.Linear(network.head.in_features, n_classes)
    return network


WRONG = {
    "old-head-kept": named_as_elsewhere,
    "no-network": in_place_only,
    "head-alone": lambda network, n_classes: nn.Linear(network.head.in_features, n_classes),
    "body-lost": reinitialised,
    "body-flags-changed": freezes_too,
    "no-head": deleted,
    "attribute-only": attribute_only,
    "on-top-of-old-head": lambda network, n_classes: nn.Sequential(
        OrderedDict(network=network, head=nn.Linear(network.head.out_features, n_classes))
    ),
    "wrong-in-features": with_head(lambda network, n_classes: nn.Linear(192, n_classes)),
    "does-not-run": without_pooling,
    "old-outputs": lambda network, n_classes: network,
    "wrong-outputs": with_head(lambda network, n_classes: nn.Linear(network.head.in_features, 10)),
    "activation-added": with_head(
        lambda network, n_classes: nn.Sequential(nn.Linear(network.head.in_features, n_classes), nn.Softmax(1))
    ),
    "head-reads-other": with_head(normalised),
    "old-weights": sliced,
    "head-not-trainable": frozen_head,
    "raises": lambda network, n_classes: network.classifier,
}
