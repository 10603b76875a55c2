"""A small real file from elsewhere: a network for digits that Keras trained, with its outputs for 100 images."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from importlib.resources import as_file, files

import numpy as np
from torch import nn

from tlcourse.models.foreign import KERAS_EPSILON, read_arrays
from tlcourse.models.padding import SamePad2d

DIGITS_FILE = "keras-digits.npz"


@dataclass(frozen=True)
class KerasDigits:
    """The arrays of a Keras network under Keras's names, and images to compare outputs on.

    The network is, in Keras's words: Conv2D(16, 3, strides=2, padding="same", use_bias=False) `conv1`,
    BatchNormalization `bn1`, ReLU, DepthwiseConv2D(3, strides=2, padding="same", use_bias=False) `depth2`,
    BatchNormalization `bn2`, ReLU, Conv2D(32, 1) `point2`, ReLU, Flatten, Dense(10) `scores`.

    Args:
        arrays: float32, by "layer/variable".
        images: float32 in [0, 1], shape (100, 16, 16, 1): channels last. None of them was trained on.
        labels: int64, shape (100,).
        outputs: float32 scores, shape (100, 10), as Keras computed them.
    """

    arrays: dict[str, np.ndarray]
    images: np.ndarray
    labels: np.ndarray
    outputs: np.ndarray

    @property
    def flattened(self) -> tuple[int, int, int]:
        """(height, width, channels) of the map that Keras flattened before `scores`."""
        return (4, 4, 32)


def keras_digits() -> KerasDigits:
    """The file that ships with the course; `benchmarks/keras_digits.py` made it.

    Raises:
        WeightsError: the file in the package is damaged; it must be installed again.
    """
    with as_file(files("tlcourse.models") / "shipped" / DIGITS_FILE) as path:
        arrays = read_arrays(path)
    images, labels, outputs = (arrays.pop(name) for name in ("images", "labels", "outputs"))
    return KerasDigits(arrays, images.astype(np.float32), labels, outputs)


def keras_digits_network() -> nn.Sequential:
    """The same network in PyTorch, with random weights: (N, 1, 16, 16) to (N, 10).

    `SamePad2d` pads as Keras does, and the epsilons of batch norm are Keras's.
    """
    return nn.Sequential(
        OrderedDict(
            pad1=SamePad2d(3, stride=2),
            conv1=nn.Conv2d(1, 16, 3, stride=2, bias=False),
            norm1=nn.BatchNorm2d(16, eps=KERAS_EPSILON),
            relu1=nn.ReLU(),
            pad2=SamePad2d(3, stride=2),
            depthwise=nn.Conv2d(16, 16, 3, stride=2, groups=16, bias=False),
            norm2=nn.BatchNorm2d(16, eps=KERAS_EPSILON),
            relu2=nn.ReLU(),
            pointwise=nn.Conv2d(16, 32, 1),
            relu3=nn.ReLU(),
            flatten=nn.Flatten(),
            head=nn.Linear(512, 10),
        )
    )
