"""A network without its last layers: what is kept is kept as it was."""

from __future__ import annotations

import pytest
import torch

from tlcourse.errors import DataError
from tlcourse.models import GlyphNet
from tlcourse.transfer import cut, parameters_by_part


def test_the_kept_layers_are_copies_of_the_source() -> None:
    source = GlyphNet.pretrained()
    network = cut(source, 3, 5).eval()
    x = torch.randn(2, 3, 24, 24)
    assert network(x).shape == (2, 5)
    torch.testing.assert_close(network[:3](x), source[:3](x))
    torch.nn.init.zeros_(network.stem[0].weight)
    assert source.stem[0].weight.abs().sum() > 0


@pytest.mark.parametrize("n", range(1, 7))
def test_every_cut_fits_its_head(n: int) -> None:
    assert cut(GlyphNet(), n, 4)(torch.randn(2, 3, 16, 16)).shape == (2, 4)


def test_parameters_are_counted_part_by_part() -> None:
    network = cut(GlyphNet(), 2, 10)
    counts = parameters_by_part(network)
    assert list(counts) == ["stem", "block1", "head"]  # pooling and flattening have none
    assert sum(counts.values()) == sum(p.numel() for p in network.parameters())
    assert counts["head"] == 32 * 10 + 10


@pytest.mark.parametrize("n", [0, 7])
def test_there_is_no_such_cut(n: int) -> None:
    with pytest.raises(DataError, match="1 to 6"):
        cut(GlyphNet(), n, 2)
