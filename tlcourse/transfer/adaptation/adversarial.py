"""Domain-adversarial training: features from which a classifier cannot tell the domains apart."""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class _Reversal(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, x: Tensor, strength: float) -> Tensor:
        context.strength = strength
        return x.view_as(x)

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return -context.strength * gradients[0], None


def gradient_reversal(x: Tensor, strength: float = 1.0) -> Tensor:
    """The same values; on the way back the gradient is multiplied by minus `strength` (Ganin & Lempitsky 2015,
    "Unsupervised Domain Adaptation by Backpropagation", equations 6 and 7).

    What lies behind it is trained to lower a loss, what lies before it to raise the same loss.
    """
    return _Reversal.apply(x, strength)


def adversarial_strength(progress: float) -> float:
    """2 / (1 + exp(-10 p)) - 1: 0 at the start, when the domain classifier knows nothing, near 1 at the end (Ganin et
    al. 2016, "Domain-Adversarial Training of Neural Networks", section 5.2.2).

    Args:
        progress: p, the share of the steps done, 0 to 1.
    """
    return 2 / (1 + math.exp(-10 * progress)) - 1


def conditional_features(features: Tensor, probabilities: Tensor) -> Tensor:
    """Each feature times each class probability (Long et al. 2018, "Conditional Adversarial Domain Adaptation",
    equation 4): a domain classifier that sees these compares the domains class by class.

    Args:
        features: shape (N, F).
        probabilities: shape (N, C).

    Returns:
        shape (N, C * F).
    """
    return (probabilities[:, :, None] * features[:, None, :]).flatten(1)


class DomainClassifier(nn.Module):
    """Tells source (0) from target (1) by features of shape (N, F): one hidden layer, one logit."""

    def __init__(self, features: int, hidden: int = 64) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(features, hidden), nn.ReLU(), nn.Linear(hidden, 1))

    def forward(self, features: Tensor) -> Tensor:
        return self.layers(features).squeeze(1)

    def loss(self, source: Tensor, target: Tensor) -> Tensor:
        """Binary cross-entropy in nats, each domain with half the weight."""
        on_source, on_target = self(torch.cat([source, target])).split([len(source), len(target)])
        return 0.5 * (
            F.binary_cross_entropy_with_logits(on_source, torch.zeros_like(on_source))
            + F.binary_cross_entropy_with_logits(on_target, torch.ones_like(on_target))
        )
