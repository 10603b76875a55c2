"""TensorFlow's "same" padding, which PyTorch's convolutions with a stride do not have."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

Pair = int | tuple[int, int]


def same_padding(size: int, kernel: int, stride: int = 1, dilation: int = 1) -> tuple[int, int]:
    """What TensorFlow's `padding="same"` adds (before, after) along one side of an image.

    The output has ceil(size / stride) positions. Where the total is odd, the extra pixel comes after: a 3 x 3
    convolution with stride 2 adds (0, 1) to an even side, where PyTorch's `padding=1` adds (1, 1) and so looks at
    other pixels.

    Args:
        size: pixels of the side.
        kernel, stride, dilation: of the convolution or pooling along it.
    """
    total = max((-(-size // stride) - 1) * stride + (kernel - 1) * dilation + 1 - size, 0)
    return total // 2, total - total // 2


class SamePad2d(nn.Module):
    """TensorFlow's "same" padding as a layer, for the convolution or pooling with `padding=0` that follows it.

    Args:
        kernel, stride, dilation: of what follows, one number or (height, width).
        value: what to pad with: 0 for a convolution, minus infinity for max pooling.

    Shapes:
        (N, C, H, W) to (N, C, H + pad, W + pad), such that what follows gives ceil(H / stride) rows.
    """

    def __init__(self, kernel: Pair, stride: Pair = 1, dilation: Pair = 1, value: float = 0.0) -> None:
        super().__init__()
        self.kernel, self.stride, self.dilation = _pair(kernel), _pair(stride), _pair(dilation)
        self.value = value

    def forward(self, x: Tensor) -> Tensor:
        height, width = (
            same_padding(size, kernel, stride, dilation)
            for size, kernel, stride, dilation in zip(
                x.shape[-2:], self.kernel, self.stride, self.dilation, strict=True
            )
        )
        return functional.pad(x, (*width, *height), value=self.value)

    def extra_repr(self) -> str:
        return f"kernel={self.kernel}, stride={self.stride}, dilation={self.dilation}, value={self.value}"


def _pair(value: Pair) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else value
