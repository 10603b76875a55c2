"""Frozen features: truly frozen, the same each time, and kept on disk safely."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from tlcourse import storage
from tlcourse.errors import DataError
from tlcourse.models.device import autocast_context, best_device, fast_dtype
from tlcourse.models.zoo import source_model
from tlcourse.transfer import features as module
from tlcourse.transfer.features import clear_features, frozen_features
from tlcourse.transfer.probe import linear_probe
from tlcourse.worlds.images import LabelledImages
from tlcourse.worlds.real import photo_folder

STATS = {"mean": (0.5, 0.4, 0.3), "std": (0.2, 0.2, 0.2)}


@pytest.fixture
def body() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 5, 3), nn.BatchNorm2d(5), nn.ReLU(), nn.Dropout(0.5))


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (7, 3, 12, 12), dtype=np.uint8)


def files() -> list[Path]:
    return sorted((storage.cache_dir() / "features").glob("*"))


def test_features_are_the_pooled_output_in_evaluation_mode(body: nn.Sequential, images: np.ndarray) -> None:
    got = frozen_features(body, images, **STATS, batch_size=3, full_precision=True, device="cpu")
    body.eval()
    mean, std = (torch.tensor(STATS[key]).view(1, 3, 1, 1) for key in ("mean", "std"))
    with torch.no_grad():
        want = body((torch.from_numpy(images).float() / 255 - mean) / std).mean((2, 3)).numpy()
    assert got.dtype == np.float32 and got.shape == (7, 5)
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5)


def test_the_body_is_left_as_it_was(body: nn.Sequential, images: np.ndarray) -> None:
    body.train()
    body[1].eval()
    before = {name: tensor.clone() for name, tensor in body.state_dict().items()}
    frozen_features(body, images, **STATS)
    assert [part.training for part in body] == [True, False, True, True]
    assert all(torch.equal(before[name], tensor) for name, tensor in body.state_dict().items())
    assert all(parameter.requires_grad for parameter in body.parameters())


def test_flags_come_back_after_a_fault(images: np.ndarray) -> None:
    wrong = nn.Sequential(nn.Conv2d(4, 2, 1)).train()
    with pytest.raises(RuntimeError):
        frozen_features(wrong, images, **STATS)
    assert wrong.training


@pytest.mark.parametrize(
    ("tail", "shape"),
    [
        (nn.Flatten(), (7, 5 * 100)),  # (N, F)
        (nn.Flatten(2), (7, 100)),  # (N, tokens, F): tokens are averaged
    ],
)
def test_other_outputs(body: nn.Sequential, images: np.ndarray, tail: nn.Module, shape: tuple[int, int]) -> None:
    assert frozen_features(nn.Sequential(body, tail), images, **STATS).shape == shape


def test_images_can_be_scaled(images: np.ndarray) -> None:
    sizes = []
    probe = nn.Conv2d(3, 1, 1)
    probe.register_forward_hook(lambda _, args, out: sizes.append(args[0].shape[-1]))
    frozen_features(probe, images, **STATS, image_size=20)
    assert sizes == [20]


class TestCache:
    """Features kept on disk."""

    @pytest.fixture
    def runs(self, monkeypatch: pytest.MonkeyPatch) -> list[int]:
        """One entry a computation."""
        counted: list[int] = []
        compute = module._compute

        def count(*args):  # type: ignore[no-untyped-def]
            counted.append(1)
            return compute(*args)

        monkeypatch.setattr(module, "_compute", count)
        return counted

    def test_the_second_time_nothing_is_computed(
        self, body: nn.Sequential, images: np.ndarray, runs: list[int]
    ) -> None:
        labelled = LabelledImages(images, np.zeros(7, dtype=np.int64), ("a",), "set")
        first = frozen_features(body, images, **STATS)
        assert np.array_equal(first, frozen_features(body, labelled, **STATS))
        assert len(runs) == 1 and len(files()) == 1
        assert clear_features() == 1 and not files()

    def test_every_change_is_noticed(self, body: nn.Sequential, images: np.ndarray, runs: list[int]) -> None:
        frozen_features(body, images, **STATS)
        frozen_features(body, images[:6], **STATS)
        frozen_features(body, images, mean=(0, 0, 0), std=STATS["std"])
        frozen_features(body, images, **STATS, image_size=10)
        changed = images.copy()
        changed[3, 1, 2, 5] ^= 1
        frozen_features(body, changed, **STATS)
        with torch.no_grad():
            body[1].running_mean[2] += 1e-3
        frozen_features(body, images, **STATS)
        body[2] = nn.GELU()
        frozen_features(body, images, **STATS)
        assert len(runs) == 7

    @pytest.mark.parametrize("damage", ["cut", "flipped", "empty"])
    def test_a_damaged_file_is_made_again(
        self, body: nn.Sequential, images: np.ndarray, runs: list[int], damage: str
    ) -> None:
        first = frozen_features(body, images, **STATS)
        (file,) = files()
        data = bytearray(file.read_bytes())
        data[200] ^= 0xFF  # within the numbers
        file.write_bytes({"cut": bytes(data[:100]), "flipped": bytes(data), "empty": b""}[damage])
        assert np.array_equal(first, frozen_features(body, images, **STATS))
        assert len(runs) == 2
        frozen_features(body, images, **STATS)
        assert len(runs) == 2

    def test_it_can_be_left_out(self, body: nn.Sequential, images: np.ndarray) -> None:
        frozen_features(body, images, **STATS, cache=False)
        assert not files()

    def test_a_disk_that_refuses_costs_no_result(
        self, body: nn.Sequential, images: np.ndarray, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        (tmp_path / "file").write_text("no folder")
        monkeypatch.setenv("TLCOURSE_CACHE", str(tmp_path / "file"))
        assert frozen_features(body, images, **STATS).shape == (7, 5)


@pytest.mark.parametrize(
    "images",
    [
        np.zeros((2, 3, 4, 4), np.float32),
        np.zeros((3, 4, 4), np.uint8),
        np.zeros((2, 1, 4, 4), np.uint8),
        [1],
    ],
)
def test_other_images_are_refused(body: nn.Sequential, images: np.ndarray) -> None:
    with pytest.raises(DataError, match="uint8 array of shape"):
        frozen_features(body, images, **STATS)


def test_no_images_are_refused(body: nn.Sequential) -> None:
    with pytest.raises(DataError, match="no images"):
        frozen_features(body, np.zeros((0, 3, 4, 4), np.uint8), **STATS)


def test_the_fast_format_follows_the_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    from tlcourse.models import device

    for has_amx, dtype in ((True, torch.bfloat16), (False, torch.float32)):
        monkeypatch.setattr(device, "_cpu_has_amx", lambda has=has_amx: has)
        assert fast_dtype("cpu") == dtype
        with autocast_context("cpu"):
            assert torch.is_autocast_enabled("cpu") == has_amx


def test_the_device_can_be_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    from tlcourse.errors import CourseError

    monkeypatch.setenv("TLCOURSE_DEVICE", "cpu")
    assert best_device().type == "cpu"
    monkeypatch.setenv("TLCOURSE_DEVICE", "cuda:97")
    with pytest.raises(CourseError, match="'cuda:97'"):
        best_device()


def test_pretrained_features_read_real_signs(real_dir: Path) -> None:
    """500 photos held out, 30 a class to train: at least 85 % right, through the public surface alone."""
    source = source_model("squeezenet1_1")
    body = source.body(real_dir / "weights" / "squeezenet1_1_in1k_fp16.pth")
    train, test = photo_folder(real_dir / "sign_digits", source.image_size).split(per_class=30, test=500)
    train_x, test_x = (frozen_features(body, part, mean=source.mean, std=source.std) for part in (train, test))
    assert linear_probe(train_x, train.labels, test_x, test.labels).accuracy >= 0.85
