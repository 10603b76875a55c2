"""The renderer: masks in, images out, a whole batch at a time.

All randomness comes from one numpy generator and every operation works pixel by pixel or on fixed neighbourhoods in a
fixed order, so the same seed gives the same bytes whatever the number of threads.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F

from tlcourse.worlds.style import Style

_Generator = np.random.Generator


def render(masks: np.ndarray, style: Style, size: int, rng: _Generator) -> np.ndarray:
    """Draw each mask once, with its own colours, pose and flaws.

    Args:
        masks: uint8, shape (N, height, width), 255 where there is ink.
        style: the knobs.
        size: height and width of the images, pixels.
        rng: the only source of randomness; it is advanced.

    Returns:
        uint8 array of shape (N, 3, size, size), RGB.
    """
    coverage, figure, ground = layers(masks, style, size, rng)
    return finished(ground + coverage * (figure - ground), style, rng)


def layers(
    masks: np.ndarray, style: Style, size: int, rng: _Generator
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """What `render` puts on top of each other, before blur and noise.

    Returns:
        (how much of each pixel the figure covers, shape (N, 1, size, size); the figure's colours and the ground's, both
        of shape (N, 3, size, size)), float32, about 0 to 1.
    """
    ink = torch.from_numpy(np.ascontiguousarray(masks)).float()[:, None] / 255
    coverage = _stroke_weight(_posed(ink, style, size, rng), style, rng)
    coverage = _partly_hidden(coverage, style, rng)
    figure, ground = _colours(len(masks), style, rng)
    figure = figure + 0.35 * style.texture * _pattern(len(masks), size, rng)
    ground = ground + 0.4 * style.background * _pattern(len(masks), size, rng)
    return coverage, figure, ground


def finished(image: torch.Tensor, style: Style, rng: _Generator) -> np.ndarray:
    """Blurred, noisy and rounded: float32 images of shape (N, 3, size, size) as uint8 ones."""
    image = _blurred(image, style, rng)
    if style.noise:
        image += 0.25 * style.noise * _uniform(rng, len(image), 0.2, 1) * _normal(rng, *image.shape)
    return image.clamp_(0, 1).mul_(255).round_().to(torch.uint8).numpy()


def _uniform(rng: _Generator, n: int, low: float, high: float) -> torch.Tensor:
    """Shape (n, 1, 1, 1)."""
    return torch.from_numpy(rng.uniform(low, high, (n, 1, 1, 1)).astype(np.float32))


def _normal(rng: _Generator, *shape: int) -> torch.Tensor:
    return torch.from_numpy(rng.standard_normal(shape, dtype=np.float32))


def _enlarged(field: torch.Tensor, size: int) -> torch.Tensor:
    return F.interpolate(field, (size, size), mode="bilinear", align_corners=True)


def _posed(ink: torch.Tensor, style: Style, size: int, rng: _Generator) -> torch.Tensor:
    """Turn, scale, shear, move and warp the drawings; sample them at `size` pixels."""
    n, p = len(ink), style.pose
    angle = np.deg2rad(rng.uniform(-30, 30, n) * p)
    scale = 1 / rng.uniform(1 - 0.3 * p, 1 + 0.1 * p, n)
    stretch = np.exp(rng.uniform(-0.2, 0.2, n) * p)
    shear = rng.uniform(-0.25, 0.25, n) * p
    cos, sin = np.cos(angle), np.sin(angle)
    matrix = np.empty((n, 2, 3), np.float32)
    matrix[:, 0, 0], matrix[:, 0, 1] = scale * stretch * cos, -scale * sin + shear
    matrix[:, 1, 0], matrix[:, 1, 1] = scale * sin, scale / stretch * cos
    matrix[:, :, 2] = rng.uniform(-0.2, 0.2, (n, 2)) * p
    grid = F.affine_grid(torch.from_numpy(matrix), [n, 1, size, size], align_corners=False)
    if style.warp:
        push = _enlarged(_normal(rng, n, 2, 5, 5), size)
        grid = grid + 0.11 * style.warp * push.permute(0, 2, 3, 1)
    return F.grid_sample(ink, grid, align_corners=False)


def _stroke_weight(coverage: torch.Tensor, style: Style, rng: _Generator) -> torch.Tensor:
    """Make strokes bolder (towards the local maximum) or thinner (towards the local minimum)."""
    if not style.weight:
        return coverage
    amount = _uniform(rng, len(coverage), -0.5, 1) * style.weight
    bolder = F.max_pool2d(coverage, 3, 1, 1)
    thinner = -F.max_pool2d(-coverage, 3, 1, 1)
    return coverage + amount.clamp(min=0) * (bolder - coverage) + (-amount).clamp(min=0) * (thinner - coverage)


def _partly_hidden(coverage: torch.Tensor, style: Style, rng: _Generator) -> torch.Tensor:
    """Cover part of the figure with soft-edged blotches through which the ground shows."""
    if not style.hidden:
        return coverage
    blotches = _enlarged(_normal(rng, len(coverage), 1, 5, 5), coverage.shape[-1])
    level = _uniform(rng, len(coverage), 2 - 1.6 * style.hidden, 2)
    return coverage * torch.sigmoid(12 * (level - blotches))


def _colours(n: int, style: Style, rng: _Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """One colour for the figure, one for the ground, each of shape (n, 3, 1, 1), apart in brightness."""
    gap = _uniform(rng, n, 0.2 + 0.4 * style.contrast, 0.4 + 0.6 * style.contrast) * 0.95
    middle = 0.5 + (_uniform(rng, n, 0, 1) - 0.5) * (1 - gap)
    sign = torch.where(_uniform(rng, n, 0, 1) < style.polarity, 1.0, -1.0)
    tints = torch.from_numpy(rng.uniform(-1, 1, (2, n, 3, 1, 1)).astype(np.float32))
    tints = 0.26 * style.colour * (tints - tints.mean(2, keepdim=True))
    return middle + sign * gap / 2 + tints[0], middle - sign * gap / 2 + tints[1]


def _pattern(n: int, size: int, rng: _Generator) -> torch.Tensor:
    """Blotches of three sizes, a slope and stripes: about unit spread, shape (n, 3, size, size)."""
    blotches = _enlarged(_normal(rng, n, 3, 3, 3), size) + 0.7 * _enlarged(_normal(rng, n, 1, 7, 7), size)
    fine = 0.4 * _enlarged(_normal(rng, n, 1, 16, 16), size)
    axis = torch.linspace(-1, 1, size)
    angle, period = _uniform(rng, n, 0, 2 * np.pi), _uniform(rng, n, 0.12, 0.8)
    along = axis[None, None, None, :] * torch.cos(angle) + axis[None, None, :, None] * torch.sin(angle)
    stripes = torch.sin(2 * np.pi * (along / period + _uniform(rng, n, 0, 1)))
    striped = _uniform(rng, n, -1, 1).clamp(min=0)
    return 0.5 * (blotches + fine) + 0.6 * striped * stripes


def _blurred(image: torch.Tensor, style: Style, rng: _Generator) -> torch.Tensor:
    """A separable Gaussian blur with its own width for each image, as a fixed sum of shifted copies."""
    if not style.blur:
        return image
    reach = 1 + int(5 * style.blur)
    sigma = _uniform(rng, len(image), 0.3, 0.3 + 2.7 * style.blur)
    offsets = torch.arange(-reach, reach + 1).view(1, -1, 1, 1)
    weights = torch.exp(-(offsets**2) / (2 * sigma**2))
    weights = weights / weights.sum(1, keepdim=True)
    size = image.shape[-1]
    for dim in (2, 3):
        padding = (0, 0, reach, reach) if dim == 2 else (reach, reach, 0, 0)
        padded = F.pad(image, padding, mode="replicate")
        image = torch.zeros_like(image)
        for shift in range(2 * reach + 1):
            image += weights[:, shift, None] * padded.narrow(dim, shift, size)
    return image
