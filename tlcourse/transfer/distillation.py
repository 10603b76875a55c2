"""Distillation: a small network learns from what a large one says, not from the labels alone."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from tlcourse.errors import CourseError


def distillation_loss(
    student: Tensor, teacher: Tensor, labels: Tensor, *, temperature: float = 4.0, share: float = 0.9
) -> Tensor:
    """share T^2 KL(softmax(teacher / T) || softmax(student / T)) + (1 - share) cross-entropy with the labels
    (Hinton, Vinyals and Dean 2015, "Distilling the Knowledge in a Neural Network", section 2).

    The factor T^2 undoes that a higher temperature makes the gradient of the first part smaller, by about T^2.

    Args:
        student, teacher: logits, shape (N, C). No gradient flows into the teacher's.
        labels: int64, shape (N,).
        temperature: T; above 1 it shows which wrong classes the teacher finds less wrong.
        share: of the teacher, from 0 to 1.

    Returns:
        A scalar, in nats, the mean over the images.

    Raises:
        CourseError: a temperature that is not positive, or a share that is none.
    """
    if temperature <= 0 or not 0 <= share <= 1:
        raise CourseError(
            f"A temperature of {temperature:g} with a share of {share:g} is no distillation.",
            "Give a positive temperature, and a share from 0 to 1.",
        )
    told = F.log_softmax(teacher.detach() / temperature, dim=1)
    said = F.log_softmax(student / temperature, dim=1)
    apart = F.kl_div(said, told, reduction="batchmean", log_target=True)
    return share * temperature**2 * apart + (1 - share) * F.cross_entropy(student, labels)


def small_student(n_classes: int, width: int = 16) -> nn.Sequential:
    """Four convolutions and a linear head, about a thirtieth of GlyphNet: (N, 3, H, W) to (N, n_classes) logits."""
    layers: list[nn.Module] = []
    for c_in, c_out in ((3, width), (width, 2 * width), (2 * width, 2 * width), (2 * width, 4 * width)):
        stride = 1 if c_in == c_out else 2
        layers += [nn.Conv2d(c_in, c_out, 3, stride, 1, bias=False), nn.BatchNorm2d(c_out), nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4 * width, n_classes))
