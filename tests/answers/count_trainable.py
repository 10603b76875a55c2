def with_sum(network):
    return sum(p.numel() for p in network.parameters() if p.requires_grad)


def by_names(network):
    total = 0
    for _, parameter in network.named_parameters():
        if parameter.requires_grad:
            size = 1
            for side in parameter.shape:
                size *= side
            total += size
    return total


def by_identity(network):
    seen = {}
    for module in network.modules():
        for parameter in module._parameters.values():
            if parameter is not None and parameter.requires_grad:
                seen[id(parameter)] = parameter.nelement()
    return sum(seen.values())


RIGHT = [with_sum, by_names, by_identity]


def layers(network):
    """Every layer each time that it is used."""
    for child in network._modules.values():
        yield child
        yield from layers(child)


def own(module):
    return list(module.parameters(recurse=False))


WRONG = {
    "frozen-counted": lambda network: sum(p.numel() for p in network.parameters()),
    "buffers-counted": lambda network: sum(t.numel() for t in network.state_dict().values()),
    "buffers-counted-too": lambda network: with_sum(network) + sum(b.numel() for b in network.buffers()),
    "shared-twice": lambda network: sum(p.numel() for m in layers(network) for p in own(m) if p.requires_grad),
    "shared-twice-and-frozen": lambda network: sum(p.numel() for m in layers(network) for p in own(m)),
    "tensors-counted": lambda network: len([p for p in network.parameters() if p.requires_grad]),
    "first-dimension": lambda network: sum(len(p) for p in network.parameters() if p.requires_grad),
    "frozen-instead": lambda network: sum(p.numel() for p in network.parameters() if not p.requires_grad),
    "matrices-only": lambda network: sum(p.numel() for p in network.parameters() if p.requires_grad and p.dim() > 1),
    "by-training-mode": lambda network: sum(p.numel() for m in network.modules() if m.training for p in own(m)),
    "top-level-only": lambda network: sum(p.numel() for p in own(network)),
    "bytes": lambda network: sum(p.nbytes for p in network.parameters() if p.requires_grad),
    "trainable-differs": lambda network: with_sum(network) + 1,
    "not-one-number": lambda network: [p.numel() for p in network.parameters()],
    "raises": lambda network: sum(p.size for p in network.parameters()),
}
