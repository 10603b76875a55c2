"""Pretraining without labels: tasks that an image sets about itself.

Both tasks here are `Objective`s of `tlcourse.models.pretrain`: the same loop trains GlyphNet by labels, by rotation or
by contrast.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tlcourse.errors import CourseError
from tlcourse.models.pretrain import Labels, Objective, Progress, Recipe, pretrain
from tlcourse.worlds.style import PHOTO

POSTER = PHOTO.but(
    polarity=1,
    texture=0.2,
    background=0.3,
    contrast=0.6,
    hidden=0.1,
    noise=0.3,
    blur=0.3,
    pose=0.8,
    warp=0.4,
    weight=0.3,
)
"""Bright signs on quieter grounds than PHOTO's: tens of thousands of images teach a network to read them."""


FLYER = POSTER.but(texture=0, background=0, contrast=1, hidden=0, noise=0, blur=0.1, pose=0.1, warp=0, weight=0.1)
"""Posters made easy: upright signs on a plain ground. Pretraining begins with them and walks to POSTER."""


def rotated(images: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Each image turned by 0, 90, 180 or 270 degrees, drawn at random, and the number of quarter turns as its label.

    Args:
        images: square, shape (N, C, S, S).
        generator: the source of randomness, on the CPU; it is advanced.

    Returns:
        (images of the same shape, int64 labels 0 to 3 of shape (N,)), turned counter-clockwise.
    """
    turns = torch.randint(4, (len(images),), generator=generator).to(images.device)
    result = images.clone()
    for quarter in (1, 2, 3):
        result[turns == quarter] = torch.rot90(images[turns == quarter], quarter, dims=(2, 3))
    return result, turns


def augmented(images: Tensor, generator: torch.Generator) -> Tensor:
    """A random view of each image: cropped, turned a little, with other colours. It is the same thing to a person.

    The crop keeps 60 to 100 % of the side and is turned by up to 25 degrees; contrast and colourfulness change, each
    channel is shifted, a quarter of the images lose their colour. Without that, colours alone would tell which views
    belong together. There is no mirror image: ↖ and ↗ are two signs.

    Args:
        images: in [0, 1], shape (N, 3, S, S).
        generator: the source of randomness, on the CPU; it is advanced.
    """
    return _recoloured(_moved(images, generator), generator)


def _uniform(images: Tensor, generator: torch.Generator, low: float, high: float, columns: int = 1) -> Tensor:
    return (low + (high - low) * torch.rand(len(images), columns, generator=generator)).to(images.device)


def _moved(images: Tensor, generator: torch.Generator) -> Tensor:
    angle = math.radians(25) * _uniform(images, generator, -1, 1)[:, 0]
    scale = _uniform(images, generator, 0.6, 1)[:, 0]
    # The window stays inside the image: the smaller it is, the farther it may move.
    place = _uniform(images, generator, -1, 1, 2) * (1 - scale)[:, None] * 0.8
    cos, sin = scale * torch.cos(angle), scale * torch.sin(angle)
    matrix = torch.stack([torch.stack([cos, -sin, place[:, 0]], 1), torch.stack([sin, cos, place[:, 1]], 1)], 1)
    grid = F.affine_grid(matrix, list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


def _recoloured(images: Tensor, generator: torch.Generator) -> Tensor:
    def per_image(low: float, high: float, columns: int = 1) -> Tensor:
        return _uniform(images, generator, low, high, columns)[:, :, None, None]

    grey = images.mean(1, keepdim=True)
    colourful = (per_image(0, 1) > 0.25).float()
    images = grey + colourful * per_image(0.4, 1.4) * (images - grey)
    middle = images.mean((1, 2, 3), keepdim=True)
    return (0.5 + per_image(0.5, 1.5) * (images - middle) + per_image(-0.25, 0.25, 3)).clamp(0, 1)


def nt_xent(first: Tensor, second: Tensor, temperature: float = 0.5) -> Tensor:
    """The normalised temperature-scaled cross-entropy of SimCLR.

    Chen, Kornblith, Norouzi and Hinton (2020), "A Simple Framework for Contrastive Learning of Visual Representations",
    equation 1: for each of the 2N views i with partner j, minus log of exp(s_ij / T) over the sum of exp(s_ik / T) over
    the 2N - 1 views k other than i, with s the cosine similarity; then the mean over i.

    Args:
        first, second: the outputs for two views of the same N images, shape (N, D), row by row.
        temperature: T above; the lower, the more the nearest wrong view counts.

    Returns:
        A scalar, in nats.
    """
    logits, partners = view_logits(torch.cat([first, second]), temperature)
    return F.cross_entropy(logits, partners)


def view_logits(views: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
    """What `nt_xent` takes the cross-entropy of: (2N, 2N) cosines over the temperature, and each view's partner.

    Args:
        views: shape (2N, D), the second views after the first, in the same order.
        temperature: as in `nt_xent`.
    """
    z = F.normalize(views.float(), dim=1)
    logits = z @ z.T / temperature
    logits.fill_diagonal_(-torch.inf)  # a view is not its own candidate
    return logits, torch.arange(len(z), device=z.device).roll(len(z) // 2)


@dataclass(frozen=True)
class Rotation:
    """Say by which quarter turn an image was turned (Gidaris, Singh and Komodakis 2018, "Unsupervised Representation
    Learning by Predicting Image Rotations").

    As in the paper a batch holds all four turns of each of its images: the gradient then compares the turns of one
    image, and what differs between images cancels.
    """

    name: str = "rotation"

    def head(self, features: int) -> nn.Module:
        """One output for each quarter turn."""
        return nn.Linear(features, 4)

    def examples(self, images: Tensor, labels: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Every image in all four turns, and by how much each is turned. The labels are not looked at."""
        turned = torch.cat([torch.rot90(images, quarter, dims=(2, 3)) for quarter in range(4)])
        return turned, torch.arange(4, device=images.device).repeat_interleave(len(images))

    def logits(self, outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """The outputs are logits already."""
        return outputs, targets


@dataclass(frozen=True)
class Contrastive:
    """Tell two views of one image from the views of all others: SimCLR (Chen et al. 2020), see `nt_xent`.

    Args:
        temperature: of the loss.
        width: numbers that the projection head gives for a view; the head is thrown away after pretraining.
    """

    temperature: float = 0.2
    width: int = 64
    name: str = "contrastive"

    def head(self, features: int) -> nn.Module:
        """The projection of SimCLR: one hidden layer."""
        return nn.Sequential(nn.Linear(features, features), nn.ReLU(), nn.Linear(features, self.width))

    def examples(self, images: Tensor, labels: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Two views of each image, the second ones after the first. The labels are not looked at."""
        views = torch.cat([augmented(images, generator), augmented(images, generator)])
        return views, torch.arange(len(views), device=views.device)

    def logits(self, outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Every view chooses its partner among all other views."""
        return view_logits(outputs, self.temperature)


_OBJECTIVES: dict[str, Objective] = {task.name: task for task in (Labels(), Rotation(), Contrastive())}


def objective(task: str) -> Objective:
    """What to pretrain for: `labels`, `rotation` or `contrastive`.

    Raises:
        CourseError: there is no such task.
    """
    if task not in _OBJECTIVES:
        raise CourseError(f"There is no pretraining task {task!r}.", f"Choose one of {', '.join(_OBJECTIVES)}.")
    return _OBJECTIVES[task]


_POSTERS = Recipe(
    images=49_152,
    peak_rate=2e-3,
    weight_decay=0.01,
    batch_size=64,
    image_size=32,
    style=POSTER,
    first_style=FLYER,
    optimiser="adamw",
)
# Two views of 128 images are as large a batch as four turns of 64, and more views to tell apart.
_RECIPES = {"contrastive": replace(_POSTERS, batch_size=128)}


def body_recipe(task: str) -> Recipe:
    """How the bodies that ship with the course are pretrained: all from the same 49,152 images, each drawn once.

    The images walk from FLYER to POSTER. The tasks make different use of each: labels see it once, contrast in two
    views, rotation in four turns, so that they compute twice and four times as much.
    """
    return _RECIPES.get(objective(task).name, _POSTERS)


def pretrain_briefly(task: str, images: int, seed: int = 0) -> tuple[nn.Sequential, list[Progress]]:
    """A short pretraining, to watch: as the shipped bodies', but with other images of 24 px and batches of 64.

    Args:
        task: `labels`, `rotation` or `contrastive`.
        images: how many to draw, a multiple of 256.
        seed: initial weights and images.

    Returns:
        The body in eval mode, and what was reported after every 256 images.
    """
    reports: list[Progress] = []
    recipe = replace(_POSTERS, images=images, image_size=24, seed=1 + seed)
    network, _ = pretrain(recipe, objective(task), report=reports.append)
    return network.body.eval(), reports
