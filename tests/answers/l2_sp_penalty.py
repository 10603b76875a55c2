import torch


def in_a_loop(network, start, alpha, beta):
    near = small = 0
    for name, parameter in network.named_parameters():
        if name.startswith("head"):
            small = small + (parameter**2).sum()
        else:
            near = near + ((parameter - start[name]) ** 2).sum()
    return alpha / 2 * near + beta / 2 * small


def by_parts(network, start, alpha, beta):
    body = [p - start[n].detach() for n, p in network.named_parameters() if not n.startswith("head.")]
    moved = torch.cat([part.flatten() for part in body])
    head = torch.cat([p.flatten() for p in network.head.parameters()])
    return 0.5 * (alpha * moved.dot(moved) + beta * head.dot(head))


def with_norms(network, start, alpha, beta):
    total = torch.zeros(())
    for name, parameter in network.named_parameters():
        new = name.split(".")[0] == "head"
        anchor = torch.zeros_like(parameter) if new else start[name]
        total = total + (beta if new else alpha) / 2 * torch.linalg.vector_norm(parameter - anchor) ** 2
    return total.reshape(1)


RIGHT = [in_a_loop, by_parts, with_norms]


def of(near=lambda p, p0: (p - p0).square().sum(), small=lambda p, p0: p.square().sum(), body=None, weights=(1, 1)):
    """The penalty with other terms, or another choice of what belongs to the body."""

    def answer(network, start, alpha, beta):
        named = list(network.named_parameters())
        chosen = body or (lambda name, parameter: not name.startswith("head"))
        first = sum(near(p, start[n]) for n, p in named if chosen(n, p))
        second = sum(small(p, start[n]) for n, p in named if n.startswith("head"))
        return weights[0] * alpha / 2 * first + weights[1] * beta / 2 * second

    return answer


def over_the_state(network, start, alpha, beta):
    now = network.state_dict()
    near = sum((now[n] - start[n]).float().square().sum() for n in now if not n.startswith("head"))
    return alpha / 2 * near + beta / 2 * sum(now[n].square().sum() for n in now if n.startswith("head"))


def over_detached(network, start, alpha, beta):
    now = {name: parameter.data for name, parameter in network.named_parameters()}
    near = sum((now[n] - start[n]).square().sum() for n in now if not n.startswith("head"))
    return alpha / 2 * near + beta / 2 * sum(now[n].square().sum() for n in now if n.startswith("head"))


def head_detached(network, start, alpha, beta):
    return of(small=lambda p, p0: p.detach().square().sum())(network, start, alpha, beta)


WRONG = {
    "towards-zero": of(near=lambda p, p0: p.square().sum()),
    "head-included": of(body=lambda name, p: True),
    "head-to-its-start": of(small=lambda p, p0: (p - p0).square().sum()),
    "head-forgotten": of(weights=(1, 0)),
    "buffers-included": over_the_state,
    "body-alone": of(body=lambda name, p: not name.startswith("head") and p.ndim > 1),
    "strengths-exchanged": lambda network, start, alpha, beta: in_a_loop(network, start, beta, alpha),
    "halves-missing": of(weights=(2, 2)),
    "not-squared": of(near=lambda p, p0: (p - p0).norm(), small=lambda p, p0: p.norm()),
    "means-for-sums": of(near=lambda p, p0: (p - p0).square().mean(), small=lambda p, p0: p.square().mean()),
    "differences-summed": of(near=lambda p, p0: (p - p0).sum().square(), small=lambda p, p0: p.sum().square()),
    "sign": of(weights=(-1, -1)),
    "detached": over_detached,
    "gradient": head_detached,
    "l2-sp-differs": of(weights=(1.5, 1)),
    "not-one-number": lambda network, start, alpha, beta: [
        alpha / 2 * (p - start[n]).square().sum().item() for n, p in network.named_parameters()
    ],
    "raises": lambda network, start, alpha, beta: sum(network.parameters() - start),
}
