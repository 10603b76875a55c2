import numpy as np
import torch
from torch.nn import functional


def rgb(image, channels):
    if channels == "grey":
        return np.stack([image] * 3, axis=-1)
    return image[:, :, ::-1] if channels == "BGR" else image


def front(image):
    return torch.from_numpy(image.copy()).permute(2, 0, 1)[None]


def scaled(x, size):
    return functional.interpolate(x, (size, size), mode="bilinear", antialias=True)


def normalised(x, mean, std):
    return (x - torch.tensor(mean).view(1, 3, 1, 1)) / torch.tensor(std).view(1, 3, 1, 1)


def right(image, channels, size, mean, std):
    return normalised(scaled(front(rgb(image, channels)).float() / 255, size), mean, std)


def normalised_before_scaling_the_size(image, channels, size, mean, std):
    x = (rgb(image, channels) / 255 - np.array(mean)) / np.array(std)
    x = torch.from_numpy(np.moveaxis(x, -1, 0).copy()).float()[None]
    return scaled(x, size).numpy()


def with_torchvision(image, channels, size, mean, std):
    from torchvision.transforms import v2

    x = torch.from_numpy(np.ascontiguousarray(image))
    x = x.expand(3, -1, -1) if x.ndim == 2 else x.permute(2, 0, 1)
    x = x.flip(0) if channels == "BGR" else x
    x = v2.functional.resize(x.float() / 255, [size, size], antialias=True)
    return v2.functional.normalize(x, mean, std).unsqueeze(0)


def but(colour=rgb, layout=front, scale=scaled, divide=255, norm=normalised, end=lambda x: x):
    return lambda image, channels, size, mean, std: end(
        norm(scale(layout(colour(image, channels)).float(), size) / divide, mean, std)
    )


def first_channel(image, channels):
    x = rgb(image, channels).copy()
    if channels == "grey":
        x[:, :, 1:] = 0
    return x


def with_pillow(image, channels, size, mean, std):
    from PIL import Image

    small = np.asarray(Image.fromarray(rgb(image, channels).copy()).resize((size, size), Image.Resampling.BILINEAR))
    return normalised(front(small).float() / 255, mean, std)


def grey_in_one_channel(image, channels, size, mean, std):
    if channels != "grey":
        return right(image, channels, size, mean, std)
    x = scaled(torch.from_numpy(image.copy())[None, None].float() / 255, size)
    return (x - mean[0]) / std[0]


def interpolated(**how):
    return lambda x, size: functional.interpolate(x, (size, size), **how)


def own(x, mean, std):
    return (x - x.mean((2, 3), keepdim=True)) / x.std((2, 3), keepdim=True, correction=0)


RIGHT = [right, normalised_before_scaling_the_size, with_torchvision]

WRONG = {
    "no-batch-axis": but(end=lambda x: x[0]),
    "channels-last": but(end=lambda x: x.permute(0, 2, 3, 1)),
    "not-resized": but(scale=lambda x, size: x),
    "reshaped": but(layout=lambda x: torch.from_numpy(x.copy()).reshape(1, 3, *x.shape[:2])),
    "transposed": but(layout=lambda x: torch.from_numpy(x.copy()).permute(2, 1, 0)[None]),
    "bgr-kept": but(colour=lambda image, channels: rgb(image, channels.replace("BGR", "RGB"))),
    "always-reversed": but(colour=lambda image, channels: rgb(image, channels.replace("RGB", "BGR"))),
    "grey-in-one-channel": but(colour=first_channel),
    "grey-thirds": but(colour=lambda image, channels: rgb(image, channels) / (3 if channels == "grey" else 1)),
    "not-scaled-to-one": but(divide=1),
    "scaled-after-normalising": but(divide=1, end=lambda x: x / 255),
    "divided-by-256": but(divide=256),
    "scaled-to-plus-minus-one": but(norm=lambda x, mean, std: 2 * x - 1),
    "not-normalised": but(norm=lambda x, mean, std: x),
    "statistics-swapped": but(norm=lambda x, mean, std: normalised(x, std, mean)),
    "divided-first": but(norm=lambda x, mean, std: normalised(x, [0.0] * 3, std) - torch.tensor(mean).view(1, 3, 1, 1)),
    "multiplied": but(norm=lambda x, mean, std: normalised(x, mean, [1 / s for s in std])),
    "only-centred": but(norm=lambda x, mean, std: normalised(x, mean, [1.0] * 3)),
    "statistics-reversed": but(norm=lambda x, mean, std: normalised(x, mean[::-1], std[::-1])),
    "first-channel-statistics": but(norm=lambda x, mean, std: (x - mean[0]) / std[0]),
    "own-statistics": but(norm=own),
    "nearest": but(scale=interpolated()),
    "no-antialias": but(scale=interpolated(mode="bilinear")),
    "corners-aligned": but(scale=interpolated(mode="bilinear", align_corners=True)),
    "cropped": but(scale=lambda x, size: x[:, :, :size, :size]),
    "scaled-as-bytes": with_pillow,
    "input-differs": but(norm=lambda x, mean, std: normalised(x, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])),
    "pixels-elsewhere": but(scale=interpolated(mode="bicubic", antialias=True)),
    "wrong-shape": grey_in_one_channel,
}
