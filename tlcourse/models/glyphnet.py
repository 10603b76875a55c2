"""GlyphNet: the course's own source model, small enough to train on a laptop and to ship with the package."""

from __future__ import annotations

import json
from collections import OrderedDict
from functools import cache
from importlib.resources import as_file, files
from typing import Any

from torch import Tensor, nn

from tlcourse.models.weights import State, load_into, load_state
from tlcourse.models.zoo import SourceModel, register

GLYPH_MEAN = (0.5, 0.5, 0.5)
GLYPH_STD = (0.25, 0.25, 0.25)
"""What images are normalised with before GlyphNet sees them, in [0, 1]."""

STEM_WIDTH = 32
BLOCKS = ((32, 1), (64, 2), (64, 1), (128, 2), (192, 1))
"""(channels, stride) of each residual block."""


class ResidualBlock(nn.Module):
    """Two 3 x 3 convolutions beside a shortcut (He et al. 2016, "Deep Residual Learning for Image Recognition").

    Maps (N, c_in, H, W) to (N, c_out, H / stride, W / stride).
    """

    def __init__(self, c_in: int, c_out: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(c_in, c_out, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(c_out)
        self.conv2 = nn.Conv2d(c_out, c_out, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(c_out)
        self.act = nn.ReLU(inplace=True)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or c_in != c_out:
            self.shortcut = nn.Sequential(nn.Conv2d(c_in, c_out, 1, stride, bias=False), nn.BatchNorm2d(c_out))

    def forward(self, x: Tensor) -> Tensor:
        y = self.act(self.bn1(self.conv1(x)))
        return self.act(self.bn2(self.conv2(y)) + self.shortcut(x))


class GlyphNet(nn.Sequential):
    """A residual network of 1.0 M parameters for images of about 48 px.

    Its children run strictly one after another (`stem, block1 ... block5, pool, flatten, head`), so that fastai may cut
    it at any of them: a network with a skip over the top level would be rewired without a word.

    Args:
        n_classes: outputs of the head.

    Shapes:
        input (N, 3, H, W) normalised with `GLYPH_MEAN` and `GLYPH_STD`; output (N, n_classes) logits.
    """

    def __init__(self, n_classes: int = 150) -> None:
        super().__init__()
        # A stride of 2 at once: batch norm at full size would cost more than all the convolutions.
        self.stem = nn.Sequential(
            nn.Conv2d(3, STEM_WIDTH, 5, 2, 2, bias=False), nn.BatchNorm2d(STEM_WIDTH), nn.ReLU(inplace=True)
        )
        width = STEM_WIDTH
        for number, (channels, stride) in enumerate(BLOCKS, start=1):
            self.add_module(f"block{number}", ResidualBlock(width, channels, stride))
            width = channels
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.head = nn.Linear(width, n_classes)
        self.apply(_initialise)

    @classmethod
    def pretrained(cls) -> GlyphNet:
        """The network that ships with the course, trained on the 150 source pictographs, in eval mode.

        Raises:
            WeightsError: the file in the package is damaged; it must be installed again.
        """
        network = cls()
        load_into(network, _shipped_state(), "GlyphNet's shipped weights")
        return network.eval()

    @property
    def body(self) -> nn.Sequential:
        """Everything up to the pooling: (N, 3, H, W) to (N, 192, H / 8, W / 8). Shares the weights."""
        return _body(self)

    def __getitem__(self, index: slice | int) -> Any:
        """A child, or some of them as a plain Sequential: `network[:-1]` is no GlyphNet any more."""
        if isinstance(index, slice):
            return nn.Sequential(OrderedDict(list(self.named_children())[index]))
        return super().__getitem__(index)

    def with_new_head(self, n_classes: int) -> GlyphNet:
        """This very network with a fresh random head for another task; its body keeps what it has learned."""
        self.head = nn.Linear(self.head.in_features, n_classes)
        return self


def glyphnet_card() -> dict[str, Any]:
    """What is known of the shipped weights: data, recipe, accuracies with intervals, time, checksum."""
    return json.loads((files("tlcourse.models") / "shipped" / "glyphnet.json").read_text(encoding="utf-8"))


@cache
def _shipped_state() -> State:
    with as_file(files("tlcourse.models") / "shipped" / "glyphnet.safetensors") as path:
        return load_state(path, sha256=glyphnet_card()["sha256"])


def _body(network: nn.Module) -> nn.Sequential:
    return nn.Sequential(*list(network.children())[:-3])


def glyphnet(pretrained: bool = False, weights: str | None = None) -> GlyphNet:
    """GlyphNet as fastai's `vision_learner` calls an architecture: by `weights` if registered, else by `pretrained`."""
    return GlyphNet.pretrained() if pretrained or weights else GlyphNet()


GLYPHNET = register(
    SourceModel(
        name="glyphnet",
        build=GlyphNet,
        cut=_body,
        image_size=48,
        features=BLOCKS[-1][0],
        late=4,
        mean=GLYPH_MEAN,
        std=GLYPH_STD,
        library="tlcourse",
        published=_shipped_state,
        architecture=lambda: glyphnet,
    )
)
"""GlyphNet in the zoo: `source_model("glyphnet")`."""


def _initialise(module: nn.Module) -> None:
    """He initialisation; the last batch norm of each block starts at zero, so that a block starts as its shortcut."""
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    elif isinstance(module, ResidualBlock):
        nn.init.zeros_(module.bn2.weight)
