import torch
import torch.nn.functional as F


def as_taught(network, images, labels, head_rate, steps):
    network.requires_grad_(True)
    network.body.eval()
    optimiser = torch.optim.SGD(network.parameters(), lr=head_rate / 10)
    losses = []
    for _ in range(steps):
        loss = F.cross_entropy(network(images), labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    return losses


def whole_network_asleep(network, images, labels, head_rate, steps):
    """GlyphNet's head behaves alike in both modes."""
    network.eval()
    for parameter in network.parameters():
        parameter.requires_grad = True
    optimiser = torch.optim.SGD(
        [{"params": network.body.parameters()}, {"params": network.head.parameters()}], head_rate * 0.1
    )
    criterion, losses = torch.nn.CrossEntropyLoss(), torch.zeros(steps)
    for step in range(steps):
        optimiser.zero_grad(set_to_none=False)
        loss = criterion(network(images), labels)
        loss.backward()
        optimiser.step()
        losses[step] = loss.detach()
    return losses


def by_hand(network, images, labels, head_rate, steps):
    network.train()
    network.body.eval()
    network.requires_grad_(True)
    losses = []
    for _ in range(steps):
        network.zero_grad()
        loss = -F.log_softmax(network(images), 1)[range(len(labels)), labels].mean()
        losses.append(loss)
        gradients = torch.autograd.grad(loss, list(network.parameters()))
        with torch.no_grad():
            for parameter, gradient in zip(network.parameters(), gradients, strict=True):
                parameter -= head_rate / 10 * gradient
    return tuple(losses)


def with_a_closure(network, images, labels, head_rate, steps):
    """The optimiser first: it may hold what comes frozen, if that is unfrozen before the first step."""
    optimiser = torch.optim.SGD(network.parameters(), lr=0.1 * head_rate, momentum=0)
    network.requires_grad_(True).body.eval()
    wanted = F.one_hot(labels, network.head.out_features).float()

    def closure():
        optimiser.zero_grad()
        loss = F.cross_entropy(network(images), wanted)
        loss.backward()
        return loss

    return [float(optimiser.step(closure)) for _ in range(steps)]


def image_by_image(network, images, labels, head_rate, steps):
    for parameter in network.body.parameters():
        parameter.requires_grad = True
    network.body.eval()
    optimiser, losses = torch.optim.SGD(network.parameters(), lr=head_rate / 10), []
    for _ in range(steps):
        total = 0.0
        for i in range(len(images)):
            loss = F.cross_entropy(network(images[i : i + 1]), labels[i : i + 1]) / len(images)
            loss.backward()
            total += loss.item()
        optimiser.step()
        optimiser.zero_grad()
        losses.append(total)
    return losses


RIGHT = [as_taught, whole_network_asleep, by_hand, with_a_closure, image_by_image]


def loop(
    make=lambda p, rate: torch.optim.SGD(p, lr=rate / 10),
    clear=True,
    step=True,
    order="backward-step",
    unfreezes=True,
    asleep=True,
    params=lambda network: network.parameters(),
    loss_of=F.cross_entropy,
    rounds=lambda steps: steps,
    first_optimiser=False,
    keep=lambda losses, shares: losses,
):
    """The loop with one thing done wrongly."""

    def answer(network, images, labels, head_rate, steps):
        early = make([p for p in network.parameters() if p.requires_grad], head_rate)
        if unfreezes:
            network.requires_grad_(True)
        network.body.train(not asleep)
        optimiser = early if first_optimiser else make(params(network), head_rate)
        losses, shares = [], []
        for _ in range(rounds(steps)):
            scores = network(images)
            loss = loss_of(scores, labels)
            if order == "step-backward":
                optimiser.step()
            if clear:
                optimiser.zero_grad()
            loss.backward()
            if order == "backward-clear-step":
                optimiser.zero_grad()
            if step and order != "step-backward":
                optimiser.step()
            losses.append(loss.item())
            shares.append((scores.argmax(1) == labels).float().mean().item())
        return keep(losses, shares)

    return answer


def measures_after_each_step(network, images, labels, head_rate, steps):
    losses = []
    for _ in range(steps):
        as_taught(network, images, labels, head_rate, 1)
        with torch.no_grad():
            losses.append(F.cross_entropy(network(images), labels).item())
    return losses


def adds_up(losses, shares):
    return [sum(losses[: i + 1]) for i in range(len(losses))]


def returns_early(network, images, labels, head_rate, steps):
    return as_taught(network, images, labels, head_rate, 1)


def two_rates(network, images, labels, head_rate, steps):
    def make(_, rate):
        body, head = network.body.parameters(), network.head.parameters()
        return torch.optim.SGD([{"params": body, "lr": rate / 10}, {"params": head, "lr": rate}])

    return loop(make=make)(network, images, labels, head_rate, steps)


def last_block_only(network, images, labels, head_rate, steps):
    list(network.body)[-1].requires_grad_(True)
    return loop(unfreezes=False)(network, images, labels, head_rate, steps)


WRONG = {
    "head-faster": two_rates,
    "part-still-frozen": last_block_only,
    "nothing-moves": loop(order="backward-clear-step"),
    "optimiser-without-body": loop(first_optimiser=True),
    "still-frozen": loop(unfreezes=False),
    "head-rate": loop(make=lambda p, rate: torch.optim.SGD(p, lr=rate)),
    "rate-too-low": loop(make=lambda p, rate: torch.optim.SGD(p, lr=rate / 100)),
    "never-cleared": loop(clear=False),
    "step-before-backward": loop(order="step-backward"),
    "statistics-move": loop(asleep=False),
    "body-only": loop(params=lambda network: network.body.parameters()),
    "one-step-less": loop(rounds=lambda steps: steps - 1),
    "one-step-more": loop(rounds=lambda steps: steps + 1),
    "one-step-only": returns_early,
    "uphill": loop(loss_of=lambda scores, labels: -F.cross_entropy(scores, labels)),
    "softmax-before-loss": loop(loss_of=lambda scores, labels: F.cross_entropy(scores.softmax(1), labels)),
    "summed-loss": loop(loss_of=lambda scores, labels: F.cross_entropy(scores, labels, reduction="sum")),
    "momentum": loop(make=lambda p, rate: torch.optim.SGD(p, lr=rate / 10, momentum=0.9)),
    "adam": loop(make=lambda p, rate: torch.optim.Adam(p, lr=rate / 10)),
    "adamw": loop(make=lambda p, rate: torch.optim.AdamW(p, lr=rate / 10)),
    "statistics-move-too": loop(asleep=False, make=lambda p, rate: torch.optim.SGD(p, lr=rate)),
    "weights-differ": loop(make=lambda p, rate: torch.optim.SGD(p, lr=rate / 7)),
    "losses-missing": loop(keep=lambda losses, shares: None),
    "last-loss-only": loop(keep=lambda losses, shares: losses[-1]),
    "accuracies": loop(keep=lambda losses, shares: shares),
    "losses-after": measures_after_each_step,
    "losses-added-up": loop(keep=adds_up),
    "losses-differ": loop(keep=lambda losses, shares: losses[::-1]),
    "wrong-arguments": lambda network, images, labels: [],
}
