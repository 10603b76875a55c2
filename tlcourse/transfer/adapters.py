"""Adapters: small trainable layers put between a network's frozen ones."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from tlcourse.errors import CourseError
from tlcourse.models.glyphnet import ResidualBlock
from tlcourse.transfer.freezing import freeze
from tlcourse.transfer.replacing import replace_layers


class Adapter(nn.Module):
    """x + up(relu(down(x))): a bottleneck with a shortcut (Houlsby et al. 2019, "Parameter-Efficient Transfer Learning
    for NLP", section 2.1), of 1 x 1 convolutions as for images (Rebuffi, Bilen and Vedaldi 2018, "Efficient
    Parametrization of Multi-domain Deep Neural Networks").

    `up` starts at zero, so that the adapter starts as the identity.

    Args:
        channels: of the maps that come and go, shape (N, channels, H, W).
        width: channels between `down` and `up`.
    """

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.down, self.up = nn.Conv2d(channels, width, 1), nn.Conv2d(width, channels, 1)
        self.act = nn.ReLU()
        nn.init.zeros_(self.up.weight)
        if self.up.bias is not None:
            nn.init.zeros_(self.up.bias)

    def forward(self, x: Tensor) -> Tensor:
        """The input plus what the bottleneck makes of it."""
        return x + self.up(self.act(self.down(x)))


def add_adapters(network: nn.Module, width: int = 16, *, skip: Sequence[str] = ("head",)) -> nn.Module:
    """Freeze a network, and put an `Adapter` behind each of its residual blocks.

    Args:
        network: a network of GlyphNet's blocks; changed in place, and returned.
        width: as in `Adapter`.
        skip: names of parts that are left as they are, free to train.

    Raises:
        CourseError: it has no residual block, or a width that is not positive.
    """
    if width < 1:
        raise CourseError(f"An adapter of width {width} lets nothing through.", "Give a width of at least 1.")
    for name, part in network.named_children():
        if name not in skip:
            freeze(part)

    def followed(block: nn.Module) -> nn.Module:
        assert isinstance(block, ResidualBlock)
        return nn.Sequential(block, Adapter(block.bn2.num_features, width))

    if not replace_layers(network, lambda part: isinstance(part, ResidualBlock), followed, skip):
        raise CourseError("This network has no residual block to put an adapter behind.", "Give a GlyphNet.")
    return network
