"""How fast glyphs are drawn, on one core, beside two pipelines that make comparable images from the same characters.

The peers do what people usually write: one image at a time with Pillow, and a batch with torchvision's transforms.
Each turns, scales, shears, moves and bends a character, colours it on a ground with a pattern, blurs it and adds noise;
Pillow's also makes strokes heavier or lighter, hides a part and draws stripes, as the course's renderer does.

    python benchmarks/rendering.py [--images 1024]
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

import matplotlib
import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFilter, ImageFont
from torchvision.transforms import v2

from tlcourse.worlds import EVERYDAY, glyphs
from tlcourse.worlds.fonts import glyph_mask

SIZE = 48
ROUNDS = 5


def ours(n: int, seed: int) -> np.ndarray:
    """The course's renderer, without its cache."""
    return glyphs(EVERYDAY, -(-n // len(EVERYDAY)), size=SIZE, seed=seed, cache=False).images[:n]


def with_pillow(n: int, seed: int) -> np.ndarray:
    """One image after another."""
    rng = np.random.default_rng(seed)
    path = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
    font = ImageFont.truetype(str(path), 34)
    images = np.empty((n, 3, SIZE, SIZE), np.uint8)
    for i in range(n):
        mask = Image.new("L", (64, 64))
        ImageDraw.Draw(mask).text((32, 32), EVERYDAY.characters[i % 20], 255, font, anchor="mm")
        mask = mask.rotate(rng.uniform(-27, 27), Image.Resampling.BILINEAR)
        shear, scale, (x, y) = rng.uniform(-0.2, 0.2), rng.uniform(1, 1.5), rng.uniform(-6, 6, 2)
        x, y = x + 32 - SIZE / 2 * (scale + shear), y + 32 - SIZE / 2 * scale
        mask = mask.transform((SIZE, SIZE), Image.Transform.AFFINE, (scale, shear, x, 0, scale, y))
        mask = mask.transform(mask.size, Image.Transform.MESH, bent(rng), Image.Resampling.BILINEAR)
        heavier = mask.filter(ImageFilter.MaxFilter(3) if rng.uniform() < 0.7 else ImageFilter.MinFilter(3))
        coverage = np.asarray(Image.blend(mask, heavier, rng.uniform(0, 0.5)), np.float32)[..., None] / 255
        coverage = coverage / (1 + np.exp(12 * (blotches(rng, 5, 1) - rng.uniform(1, 2))))
        figure, ground = (rng.uniform(0, 1, 3) + 0.15 * pattern(rng) for _ in range(2))
        image = Image.fromarray((255 * (ground + coverage * (figure - ground))).clip(0, 255).astype(np.uint8))
        image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 1.6)))
        noise = rng.standard_normal((SIZE, SIZE, 3), np.float32)
        images[i] = (np.asarray(image, np.float32) + 32 * rng.uniform() * noise).clip(0, 255).transpose(2, 0, 1)
    return images


def bent(rng: np.random.Generator) -> list[tuple[tuple[int, ...], tuple[float, ...]]]:
    """An elastic deformation as Pillow takes it: a net of 4 x 4 boxes, each with the quadrilateral it is taken from."""
    at = np.arange(5) * (SIZE // 4)
    net = np.stack(np.meshgrid(at, at), -1) + rng.normal(0, 1.5, (5, 5, 2))
    corners = ((0, 0), (1, 0), (1, 1), (0, 1))
    return [
        (
            (int(at[column]), int(at[row]), int(at[column + 1]), int(at[row + 1])),
            tuple(float(v) for down, right in corners for v in net[row + down, column + right]),
        )
        for row in range(4)
        for column in range(4)
    ]


def blotches(rng: np.random.Generator, side: int, channels: int) -> np.ndarray:
    """A coarse random field, enlarged: shape (SIZE, SIZE, channels)."""
    planes = [
        np.asarray(Image.fromarray(rng.standard_normal((side, side), np.float32)).resize((SIZE, SIZE)))
        for _ in range(channels)
    ]
    return np.stack(planes, -1)


def pattern(rng: np.random.Generator) -> np.ndarray:
    """Blotches of three sizes and stripes, as the course's renderer lays on figure and ground."""
    axis, angle = np.linspace(-1, 1, SIZE, dtype=np.float32), rng.uniform(0, 2 * np.pi)
    along = axis[None, :] * np.cos(angle) + axis[:, None] * np.sin(angle)
    stripes = max(0, rng.uniform(-1, 1)) * np.sin(2 * np.pi * along / rng.uniform(0.12, 0.8))[..., None]
    return blotches(rng, 3, 3) + 0.7 * blotches(rng, 7, 1) + 0.4 * blotches(rng, 16, 1) + stripes


def with_torchvision(n: int, seed: int) -> np.ndarray:
    """A transform for each mask's own pose, then the colours of a whole batch."""
    torch.manual_seed(seed)
    pose = v2.Compose(
        [v2.RandomAffine(27, (0.15, 0.15), (0.75, 1.05), 12), v2.ElasticTransform(20.0), v2.Resize((SIZE, SIZE))]
    )
    blur = v2.GaussianBlur(5, (0.3, 1.6))
    masks = [torch.from_numpy(glyph_mask(EVERYDAY.characters[i % 20]).copy())[None].float() / 255 for i in range(n)]
    coverage = torch.stack([pose(mask) for mask in masks])

    def field(side: int) -> torch.Tensor:
        return v2.functional.resize(torch.rand(n, 3, side, side), [SIZE, SIZE])

    figure, ground = (0.5 * torch.rand(n, 3, 1, 1) + 0.3 * field(3) + 0.2 * field(7) for _ in range(2))
    image = torch.stack([blur(one) for one in ground + coverage * (figure - ground)])
    image += 0.125 * torch.rand(n, 1, 1, 1) * torch.randn_like(image)
    return image.clamp(0, 1).mul(255).byte().numpy()


def images_a_second(draw: Callable[[int, int], np.ndarray], n: int, seed: int) -> float:
    """The speed of one round."""
    began = time.perf_counter()
    images = draw(n, seed)
    assert images.shape == (n, 3, SIZE, SIZE) and images.dtype == np.uint8
    return n / (time.perf_counter() - began)


def main() -> None:
    """Rounds in turn, so that whatever else the machine does falls on all alike; the median counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=1024, help="images a round (%(default)s)")
    n = parser.parse_args().images
    torch.set_num_threads(1)
    peers = {"tlcourse": ours, "Pillow": with_pillow, "torchvision": with_torchvision}
    for draw in peers.values():
        draw(64, 0)
    speeds = {name: [] for name in peers}  # type: dict[str, list[float]]
    for seed in range(ROUNDS):
        for name, draw in peers.items():
            speeds[name].append(images_a_second(draw, n, seed))
    medians = {name: float(np.median(values)) for name, values in speeds.items()}
    print(f"{'renderer':14}{'images/s/core':>15}{'tlcourse is':>15}")
    for name, speed in medians.items():
        print(f"{name:14}{speed:15,.0f}{medians['tlcourse'] / speed:14.1f}x")
    figures = {
        "images_per_second_per_core": round(medians["tlcourse"]),
        "times_pillow": round(medians["tlcourse"] / medians["Pillow"], 2),
        "times_torchvision": round(medians["tlcourse"] / medians["torchvision"], 2),
        "size_px": SIZE,
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
