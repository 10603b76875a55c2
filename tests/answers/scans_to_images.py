import numpy as np
import torch


def grey(scans):
    return scans.reshape(-1, 8, 8) * (255 / 16)


def finished(large):
    """(N, 32, 32) to uint8 of shape (N, 3, 32, 32)."""
    return np.repeat(np.rint(large)[:, None], 3, axis=1).astype(np.uint8)


def with_repeat(scans):
    return np.repeat(grey(scans).repeat(4, axis=1).repeat(4, axis=2)[:, None], 3, axis=1).astype(np.uint8)


def with_kron(scans):
    return finished(np.stack([np.kron(scan, np.ones((4, 4))) for scan in grey(scans)]))


def with_torch(scans):
    images = torch.tensor(np.rint(grey(scans)))[:, None]
    return torch.nn.functional.interpolate(images, scale_factor=4, mode="nearest").repeat(1, 3, 1, 1).to(torch.uint8)


def with_loops(scans):
    images = np.zeros((len(scans), 3, 32, 32), np.uint8)
    for number, scan in enumerate(scans):
        for place, ink in enumerate(scan):
            row, column = divmod(place, 8)
            images[number, :, 4 * row : 4 * row + 4, 4 * column : 4 * column + 4] = int(ink) * 255 // 16
    return images


def with_index(scans):
    place = np.arange(32) // 4
    return [np.stack([image] * 3).round().astype(np.uint8) for image in grey(scans)[:, place][:, :, place]]


def smooth(scans):
    images = torch.tensor(grey(scans))[:, None]
    large = torch.nn.functional.interpolate(images, size=(32, 32), mode="bilinear", align_corners=False)
    return finished(large[:, 0].numpy())


def blocks(numbers):
    return finished(numbers.reshape(-1, 8, 8).repeat(4, axis=1).repeat(4, axis=2))


def in_red(scans):
    images = with_repeat(scans)
    images[:, 1:] = 0
    return images


def in_uint8(scans):
    numbers = scans.astype(np.uint8).reshape(-1, 8, 8)
    return blocks(numbers * np.uint8(255) // 16)


RIGHT = [with_repeat, with_kron, with_torch, with_loops, with_index]

WRONG = {
    "channels-last": lambda scans: with_repeat(scans).transpose(0, 2, 3, 1),
    "channels-first": lambda scans: with_repeat(scans).swapaxes(0, 1),
    "one-channel": lambda scans: with_repeat(scans)[:, :1],
    "no-channels": lambda scans: with_repeat(scans)[:, 0],
    "not-enlarged": lambda scans: finished(grey(scans)),
    "still-flat": lambda scans: scans * 255 / 16,
    "shape": lambda scans: with_repeat(scans)[:, :, :28, :28],
    "not-uint8": lambda scans: with_repeat(scans).astype(np.float32),
    "not-scaled": blocks,
    "unit-range": lambda scans: with_repeat(scans) / 255,
    "overflow": lambda scans: blocks(scans.astype(np.uint8) * np.uint8(16)),
    "overflow-255": in_uint8,
    "rounded-early": lambda scans: blocks((scans / 16).astype(np.uint8) * 255),
    "batch-maximum": lambda scans: blocks(scans / scans.max() * 255),
    "not-any-number": lambda scans: with_repeat(scans.reshape(2, 64)),
    "too-dark": lambda scans: blocks(scans * 15),
    "own-maximum": lambda scans: blocks(scans / scans.max(axis=1, keepdims=True) * 255),
    "inverted": lambda scans: 255 - with_repeat(scans),
    "transposed": lambda scans: with_repeat(scans).swapaxes(2, 3),
    "tiled": lambda scans: finished(np.tile(grey(scans), (1, 4, 4))),
    "padded": lambda scans: finished(np.pad(grey(scans), ((0, 0), (12, 12), (12, 12)))),
    "first-channel-only": in_red,
    "channels-differ": lambda scans: np.repeat(scans * 255 / 16, 48, axis=1).reshape(-1, 3, 32, 32).astype(np.uint8),
    "no-blocks": smooth,
    "pixels-differ": lambda scans: blocks((scans > 7) * 255),
    "not-an-array": lambda scans: "images",
    "returns-nothing": lambda scans: None,
}
