"""A detector on GlyphNet: a backbone that stays as it is, under torchvision's FCOS head."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torchvision.models.detection import FCOS
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.fcos import FCOSHead
from torchvision.models.detection.image_list import ImageList

from tlcourse.errors import DataError
from tlcourse.models.device import autocast_context, best_device
from tlcourse.models.glyphnet import GLYPH_MEAN, GLYPH_STD, GlyphNet
from tlcourse.transfer.freezing import is_frozen
from tlcourse.transfer.training import in_mode, normalised
from tlcourse.worlds.scenes import Detections, Scenes

STRIDE = 8
"""Pixels of the image for a step on GlyphNet's last maps."""

_WIDTH = 64
_LEAST = 0.05  # boxes with a lower score are not reported, as in torchvision's other detectors


class Backbone(nn.Module):
    """A body, and a neck that makes its maps the width of the head: (N, 3, H, W) to (N, 64, H / 8, W / 8)."""

    out_channels = _WIDTH  # torchvision asks for it

    def __init__(self, body: nn.Module, features: int) -> None:
        super().__init__()
        self.body = body
        # Bodies differ in the scale of their maps, random ones most of all: the neck brings each channel to one scale.
        self.neck = nn.Sequential(nn.BatchNorm2d(features), nn.Conv2d(features, _WIDTH, 1), nn.ReLU())

    def forward(self, x: Tensor) -> Tensor:
        return self.neck(self.body(x))


class Detector(FCOS):
    """FCOS (Tian et al. 2019, "FCOS: Fully Convolutional One-Stage Object Detection") on one map of GlyphNet's.

    Every cell of the map says which class stands there, how central the cell is in its object, and how far away the
    four edges of the object's box are. A pyramid of maps is for objects of very different sizes, which the course's
    scenes do not have. Called as torchvision's own detectors are: a list of images in, in training mode with targets.

    Args:
        n_classes: what to find.
        body: from (N, 3, H, W) to (N, 192, H / 8, W / 8); GlyphNet's pretrained one if left out. `freeze` it to keep
            it as it is.
    """

    def __init__(self, n_classes: int, body: nn.Module | None = None) -> None:
        backbone = Backbone(GlyphNet.pretrained().body if body is None else body, GlyphNet().head.in_features)
        super().__init__(
            backbone,
            n_classes,
            image_mean=list(GLYPH_MEAN),
            image_std=list(GLYPH_STD),
            anchor_generator=AnchorGenerator(((STRIDE,),), ((1.0,),)),
            head=FCOSHead(_WIDTH, 1, n_classes, num_convs=1),
            score_thresh=_LEAST,
            nms_thresh=0.5,
            _skip_resize=True,
        )

    def losses(self, maps: Tensor, targets: list[dict[str, Tensor]], size: tuple[int, int]) -> Tensor:
        """The sum of the head's losses, from the body's maps of images of this size."""
        outputs, anchors = self._read(maps, size)
        return sum(self.compute_loss(targets, outputs, anchors, [anchors[0].shape[0]]).values(), torch.zeros(()))

    def found(self, maps: Tensor, size: tuple[int, int]) -> list[dict[str, Tensor]]:
        """Boxes, scores and labels of each image, from the body's maps."""
        outputs, anchors = self._read(maps, size)
        levels = {name: [values] for name, values in outputs.items()}
        return self.postprocess_detections(levels, [[one] for one in anchors], [size] * len(maps))

    def _read(self, maps: Tensor, size: tuple[int, int]) -> tuple[dict[str, Tensor], list[Tensor]]:
        features = [self.backbone.neck(maps)]
        images = ImageList(maps.new_empty(len(maps), 3, *size), [size] * len(maps))
        return self.head(features), self.anchor_generator(images, features)


def fit_detector(
    detector: Detector, data: Scenes, *, steps: int, rate: float = 3e-3, batch_size: int = 16, seed: int = 0
) -> list[float]:
    """Train what asks for a gradient, with AdamW under a one-cycle rate; gives the loss at each step.

    Where the whole body is frozen, its maps are computed once. There is no augmentation.

    Args:
        detector: trained in place, and in evaluation mode afterwards.
        data: scenes with at least one object.
        steps: optimiser steps, of `batch_size` scenes each, in reshuffled passes.
        rate: the peak learning rate.
        seed: order of the scenes.

    Raises:
        DataError: no object, or a label that the head does not know.
    """
    targets, known = _targets(data), detector.head.classification_head.num_classes
    if not sum(map(len, data.labels)) or max(int(found.max()) for found in data.labels if len(found)) >= known:
        raise DataError(
            f"{data.name} cannot train a head of {known} classes.", f"Give scenes with objects of {known} classes."
        )
    detector.to(best_device())
    images, size = normalised(data.images), data.images.shape[2:]
    layers = [module for module in detector.backbone.body.modules() if list(module.parameters(recurse=False))]
    fixed = all(map(is_frozen, layers))
    maps = _maps(detector, images) if fixed else images
    optimiser = torch.optim.AdamW([p for p in detector.parameters() if p.requires_grad], lr=rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=max(steps, 2))
    order, losses = torch.Generator().manual_seed(seed), []
    batches: list[Tensor] = []
    detector.train()
    for _ in range(steps):
        if not batches:
            batches = list(torch.randperm(len(images), generator=order).split(batch_size))
        rows = batches.pop()
        here = maps[rows] if fixed else detector.backbone.body(maps[rows])
        loss = detector.losses(here, [targets[row] for row in rows.tolist()], size)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        schedule.step()
        losses.append(loss.item())
    detector.eval()
    return losses


@torch.no_grad()
def detect(detector: Detector, images: np.ndarray) -> list[Detections]:
    """What the detector finds, image by image, the surest first; nothing of the detector changes.

    Args:
        images: uint8, shape (N, 3, H, W), H and W multiples of 8.
    """
    detector.to(best_device())
    with in_mode(detector, training=False):
        maps = _maps(detector, normalised(images))
        found = [one for batch in maps.split(64) for one in detector.found(batch, images.shape[2:])]
    return [Detections(*(one[key].cpu().numpy() for key in ("boxes", "scores", "labels"))) for one in found]


@torch.no_grad()
def _maps(detector: Detector, images: Tensor) -> Tensor:
    """The body's maps of normalised images, float32."""
    body = detector.backbone.body
    with in_mode(body, training=False), autocast_context(images.device):
        return torch.cat([body(batch).float() for batch in images.split(64)])


def _targets(data: Scenes) -> list[dict[str, Any]]:
    device = best_device()
    return [
        {"boxes": torch.from_numpy(boxes).to(device), "labels": torch.from_numpy(labels).to(device)}
        for boxes, labels in zip(data.boxes, data.labels, strict=True)
    ]
