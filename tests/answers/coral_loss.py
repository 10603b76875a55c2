import numpy as np
import torch
import torch.nn.functional as F


def with_cov(source, target):
    gap = torch.cov(source.T) - torch.cov(target.T)
    return (gap**2).sum() / (4 * source.shape[1] ** 2)


def by_hand(source, target):
    def covariance(x):
        x = x - x.mean(dim=0, keepdim=True)
        return x.T @ x / (len(x) - 1)

    return F.mse_loss(covariance(source), covariance(target)) / 4


def with_a_norm(source, target):
    width = source.size(1)
    return torch.linalg.norm(source.T.cov() - target.T.cov(), "fro").pow(2) / (4 * width * width)


def from_the_paper(source, target):
    """Equations 2 and 3 of Deep CORAL, with a vector of ones."""

    def covariance(x):
        n = x.shape[0]
        ones = torch.ones(1, n)
        return (x.t() @ x - (ones @ x).t() @ (ones @ x) / n) / (n - 1)

    return torch.sum((covariance(source) - covariance(target)) ** 2).reshape(1) / (2 * source.shape[1]) ** 2


def in_place_and_double(source, target):
    covariances = []
    for x in (source, target):
        x -= x.mean(0)
        x = x.double()
        covariances.append(torch.einsum("ni,nj->ij", x, x) / (x.shape[0] - 1))
    return torch.square(covariances[1] - covariances[0]).mean() * 0.25


RIGHT = [with_cov, by_hand, with_a_norm, from_the_paper, in_place_and_double]


def of(matrix, scale=lambda x: 4 * x.shape[1] ** 2, total=lambda gap: gap.square().sum()):
    """The loss with another matrix, another number below, or another way to add up."""
    return lambda source, target: total(matrix(source) - matrix(target)) / scale(source)


def cov(x):
    return torch.cov(x.T)


class BrokenSquare(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.square()

    @staticmethod
    def backward(ctx, gradient):
        return gradient * ctx.x


def on_the_data(source, target):
    return with_cov(source.data, target.data).requires_grad_()


def without_gradient(source, target):
    with torch.no_grad():
        return with_cov(source, target)


def a_new_tensor(source, target):
    return torch.tensor(with_cov(source, target).item(), requires_grad=True)


WRONG = {
    "not-centred": of(lambda x: x.T @ x / len(x)),
    "divides-by-n": of(lambda x: torch.cov(x.T, correction=0)),
    "not-divided-by-rows": of(lambda x: (x - x.mean(0)).T @ (x - x.mean(0))),
    "norm-not-squared": of(cov, total=torch.linalg.norm),
    "spectral-norm": of(cov, total=lambda gap: torch.linalg.norm(gap, 2) ** 2),
    "absolute-differences": of(cov, total=lambda gap: gap.abs().sum()),
    "four-missing": lambda source, target: F.mse_loss(cov(source), cov(target)),
    "width-not-squared": of(cov, lambda x: 4 * x.shape[1]),
    "rows-for-features": of(cov, lambda x: 4 * len(x) ** 2),
    "not-scaled": of(cov, lambda x: 1),
    "only-four": of(cov, lambda x: 4),
    "brackets-missing": lambda source, target: (cov(source) - cov(target)).square().sum() / 4 * source.shape[1] ** 2,
    "correlation": of(lambda x: torch.corrcoef(x.T)),
    "variances-only": of(lambda x: x.var(0)),
    "means-compared": lambda source, target: F.mse_loss(source.mean(0), target.mean(0)),
    "sign": lambda source, target: -with_cov(source, target),
    "rows-meet-rows": of(torch.cov),
    "leaves-torch": of(lambda x: torch.from_numpy(np.cov(x.numpy().T))),
    "not-a-tensor": lambda source, target: (with_cov(source, target),),
    "detached": lambda source, target: (without_gradient if len(source) > 10 else on_the_data)(source, target),
    "source-detached": lambda source, target: with_cov(source.detach(), target),
    "target-detached": lambda source, target: with_cov(source, target.detach()),
    "source-gradient": lambda source, target: with_cov(source * 2 - source.detach(), target),
    "target-gradient": lambda source, target: with_cov(source, target * 0.5 + 0.5 * target.detach()),
    "backward-raises": of(cov, total=lambda gap: BrokenSquare.apply(gap).sum()),
    "not-one-number": lambda source, target: (cov(source) - cov(target)) ** 2 / (4 * source.shape[1] ** 2),
    "coral-loss-rounded": lambda source, target: round(with_cov(source, target).item(), 1),
    "coral-loss-differs": lambda source, target: with_cov(source, target) ** 3,
    "raises": lambda source, target: torch.cov(source.T, target.T),
}
