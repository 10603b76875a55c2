"""A vision transformer's ends, such that its body takes images of other sizes and gives a map like any other body."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from tlcourse.errors import DataError


class PatchTokens(nn.Module):
    """Image to tokens: one for each patch, the class token in front, each with its position added.

    A transformer is trained at one image size and has one learned position for each patch of it. For another size, the
    positions are interpolated as a map (Dosovitskiy et al. 2021, "An image is worth 16x16 words", section 3.2).

    Args:
        project: the convolution that makes a vector of each patch.
        class_token: shape (1, 1, width).
        position: shape (1, 1 + patches, width), the class token's first.
        dropout: applied at the end.

    Shapes:
        (N, 3, side, side) to (N, 1 + patches, width).

    Raises (when called):
        DataError: an image that is not square, or whose side is no multiple of the patch's.
    """

    def __init__(
        self, project: nn.Module, class_token: nn.Parameter, position: nn.Parameter, dropout: nn.Module
    ) -> None:
        super().__init__()
        assert isinstance(project, nn.Conv2d)
        self.project, self.class_token, self.position, self.dropout = project, class_token, position, dropout

    def forward(self, x: Tensor) -> Tensor:
        self._check(x)
        patches = self.project(x)
        tokens = torch.cat([self.class_token.expand(len(x), -1, -1), patches.flatten(2).transpose(1, 2)], dim=1)
        return self.dropout(tokens + self._positions(patches.shape[-1]))

    def _positions(self, side: int) -> Tensor:
        own = round((self.position.shape[1] - 1) ** 0.5)
        if side == own:
            return self.position
        of_class, of_patches = self.position[:, :1], self.position[:, 1:]
        grid = of_patches.transpose(1, 2).unflatten(2, (own, own))
        grid = functional.interpolate(grid, (side, side), mode="bicubic", antialias=True, align_corners=False)
        return torch.cat([of_class, grid.flatten(2).transpose(1, 2)], dim=1)

    def _check(self, x: Tensor) -> None:
        height, width = x.shape[-2:]
        patch = int(self.project.kernel_size[0])
        if height != width or height % patch:
            raise DataError(
                f"This vision transformer takes square images whose side is a multiple of {patch} px, "
                f"not {height} x {width}.",
                f"Give images of {max(1, round(width / patch)) * patch} px (image_size=).",
            )


class TokensToMap(nn.Module):
    """The patches' tokens as a map, without the class token: (N, 1 + side x side, width) to (N, width, side, side)."""

    def forward(self, x: Tensor) -> Tensor:
        side = round((x.shape[1] - 1) ** 0.5)
        return x[:, 1:].transpose(1, 2).unflatten(2, (side, side))
