import torch
from torch import nn

import tlcourse as tl


def in_two_lines(network):
    network.body.requires_grad_(False)
    network.body.eval()


def child_by_child(network):
    for name, child in network.named_children():
        if name != "head":
            child.eval()
            for parameter in child.parameters():
                parameter.requires_grad = False


def batch_norms_only(network):
    for name, parameter in network.named_parameters():
        parameter.requires_grad = name.startswith("head")
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.training = False


def returning_it(network):
    for module in list(network)[:-1]:
        module.requires_grad_(False).eval()
    return network


def surviving_train(network):
    """Freezes by overriding `train`, so that it would be enough to call it once."""
    network.body.requires_grad_(False)
    for layer in network.body.modules():
        layer.train = lambda mode=True, layer=layer: layer
        layer.training = False


def all_but_the_head_back(network):
    network.eval()
    network.requires_grad_(False)
    network.head.train()
    for parameter in network.head.parameters():
        parameter.requires_grad = True


RIGHT = [
    in_two_lines,
    child_by_child,
    batch_norms_only,
    returning_it,
    surviving_train,
    all_but_the_head_back,
    lambda network: tl.transfer.freeze(network.body),
]


def attribute(network):
    network.body.eval()
    for child in network.body:
        child.train()
        child.requires_grad = False


def without_gradients(network):
    torch.set_grad_enabled(False)
    network.body.eval()


def detached(network):
    for parameter in network.body.parameters():
        parameter.detach()


def head_too(network):
    network.body.eval()
    network.requires_grad_(False)


def whole_network_asleep(network):
    network.eval()
    network.body.requires_grad_(False)


def convolutions(network):
    network.body.eval()
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            module.requires_grad_(False)


def blocks(network):
    for name, child in network.named_children():
        if name.startswith("block"):
            child.requires_grad_(False)
            child.eval()


def without_shortcuts(network):
    in_two_lines(network)
    for name, parameter in network.named_parameters():
        parameter.requires_grad = name.startswith("head") or "conv2" in name


def momentum_zero(network):
    network.body.requires_grad_(False)
    for module in network.body.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 0.0


def forgets_statistics(network):
    network.body.requires_grad_(False)
    for module in network.body.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.track_running_stats = False
            module.running_mean = module.running_var = None


def replaces_batch_norm(network):
    network.body.requires_grad_(False)
    network.stem[1] = None


WRONG = {
    "does-not-run": replaces_batch_norm,
    "attribute-on-module": attribute,
    "gradients-off-everywhere": without_gradients,
    "nothing-frozen": detached,
    "part-left-out": blocks,
    "weights-still-train": lambda network: network.body.eval(),
    "batch-norm-still-trains": convolutions,
    "some-weights-still-train": without_shortcuts,
    "statistics-move": lambda network: network.body.requires_grad_(False),
    "batch-statistics": momentum_zero,
    "statistics-thrown-away": forgets_statistics,
    "head-frozen": head_too,
    "head-in-evaluation": whole_network_asleep,
    "wrong-arguments": lambda: None,
}
