"""Source models: bodies that compute what the network computes, fair Learners, and clear refusals."""

from __future__ import annotations

import pickle
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
import torch
from torch import nn

from tlcourse.errors import CourseError, WeightsError
from tlcourse.models import zoo
from tlcourse.models.glyphnet import GlyphNet
from tlcourse.models.zoo import SourceModel, source_model, source_models
from tlcourse.worlds.images import LabelledImages

ALL = ("convnext_tiny", "efficientnet_b0", "mobilenet_v2", "resnet18", "resnet34", "squeezenet1_1", "vgg16")
# The rest of each network: run on its body's output, it gives the whole network's.
REST = {
    "mobilenet_v2": lambda net, x: net.classifier(x.mean((2, 3))),
    "squeezenet1_1": lambda net, x: net.classifier(x).flatten(1),
    "resnet18": lambda net, x: net.fc(x.mean((2, 3))),
    "efficientnet_b0": lambda net, x: net.classifier(x.mean((2, 3))),
    "convnext_tiny": lambda net, x: net.classifier(net.avgpool(x)),
}
GLYPH = SourceModel(
    name="tiny_glyphnet",
    build=lambda: GlyphNet(6),
    cut=lambda net: nn.Sequential(*list(net.children())[:-3]),
    image_size=48,
    features=192,
    late=4,
    mean=(0.5, 0.5, 0.5),
    std=(0.25, 0.25, 0.25),
)
MAX_HEAD = nn.Sequential(nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(192, 3))


def toy(n: int = 24, size: int = 48) -> LabelledImages:
    labels = np.arange(n) % 3
    images = np.random.default_rng(0).integers(0, 80, (n, 3, size, size), dtype=np.uint8)
    images[np.arange(n), labels] += 120  # a class has a colour
    return LabelledImages(images, labels, ("red", "green", "blue"), "toy")


def test_the_zoo_knows_its_models() -> None:
    assert set(source_models()) >= set(ALL)


@pytest.mark.parametrize("name", ["mobilenet_v2", "squeezenet1_1", "resnet34", "efficientnet_b0", "convnext_tiny"])
def test_a_body_has_the_features_and_the_groups_it_says(name: str) -> None:
    source = source_model(name)
    body = source.body(None).eval()
    with torch.no_grad():
        assert body(torch.zeros(1, 3, 64, 64)).shape[:2] == (1, source.features)
    groups = source.split(nn.Sequential(body, nn.Linear(source.features, 2)))
    assert len(groups) == 3 and all(groups)
    assert sum(map(len, groups)) == len(list(body.parameters())) + 2


def test_the_largest_body_is_right_without_memory() -> None:
    with torch.device("meta"):
        body = source_model("vgg16").body(None)
        assert body(torch.zeros(1, 3, 64, 64)).shape == (1, 512, 2, 2)


@pytest.mark.parametrize("name", REST)
def test_body_and_rest_are_the_whole_network(name: str) -> None:
    source = source_model(name)
    network = source.network(None).eval()
    x = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(REST[name](network, source.cut(network)(x)), network(x))


def test_near_names_are_offered() -> None:
    with pytest.raises(CourseError, match="Did you mean mobilenet_v2"):
        source_model("MobileNetV2")
    with pytest.raises(CourseError, match="Choose one of convnext_tiny"):
        source_model("zzz")


def test_a_model_of_ones_own_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zoo, "_REGISTRY", dict(zoo._REGISTRY))
    zoo.register(GLYPH)
    assert source_model("tiny_glyphnet") is GLYPH
    with pytest.raises(CourseError, match="No weights are published for tiny_glyphnet"):
        GLYPH.body()


def test_weights_may_be_a_state_dict() -> None:
    state = GlyphNet(6).state_dict()
    assert torch.equal(next(GLYPH.body(state).parameters()), state["stem.0.weight"])


def test_weights_of_another_network_are_refused(real_dir: Path) -> None:
    weights = real_dir / "weights" / "squeezenet1_1_in1k_fp16.pth"
    with pytest.raises(WeightsError, match="seems to be for squeezenet1_1"):
        source_model("mobilenet_v2").body(weights)
    with pytest.raises(WeightsError, match="seems to be for resnet18"):
        source_model("mobilenet_v2").body(source_model("resnet18").network(None).state_dict())


class TestDownload:
    """Published weights, with the network replaced."""

    @pytest.fixture(autouse=True)
    def hub(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.setenv("TORCH_HOME", str(tmp_path))
        return tmp_path / "hub" / "checkpoints"

    def test_no_network(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def offline(*args: object, **options: object) -> None:
            raise URLError("Name or service not known")

        monkeypatch.setattr(torch.hub, "download_url_to_file", offline)
        with pytest.raises(CourseError, match="cannot be downloaded") as caught:
            source_model("mobilenet_v2").body()
        assert "weights=" in caught.value.cure

    def test_a_bad_download(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def damaged(*args: object, **options: object) -> None:
            raise RuntimeError('invalid hash value (expected "7ebf99e0", got "00")')

        monkeypatch.setattr(torch.hub, "download_url_to_file", damaged)
        with pytest.raises(WeightsError, match="came damaged"):
            source_model("mobilenet_v2").body("DEFAULT")

    def test_a_damaged_file_of_an_earlier_download(self, hub: Path) -> None:
        hub.mkdir(parents=True)
        (hub / "squeezenet1_1-b8a52dc0.pth").write_bytes(b"half a file")
        with pytest.raises(WeightsError, match=r"Delete .*squeezenet1_1-b8a52dc0\.pth"):
            source_model("squeezenet1_1").body()


class TestLearner:
    """fastai Learners on source models."""

    def test_batches_are_normalised_and_the_callers_are_not(self) -> None:
        from tlcourse.models.learner import vision_learner

        data = toy()
        dls = data.dataloaders(data, batch_size=6, seed=1)
        steps = list(dls.after_batch.fs)
        random_arm, other = (vision_learner(dls, GLYPH, weights=None) for _ in range(2))
        assert list(dls.after_batch.fs) == steps
        raw, normal = (d.valid.one_batch()[0] for d in (dls, random_arm.dls))
        assert raw.min() >= 0
        torch.testing.assert_close(torch.Tensor(normal), torch.Tensor((raw - 0.5) / 0.25))
        assert random_arm.dls.vocab == dls.vocab
        # Two arms see the same batches in the same order.
        labels = [learn.dls.train.one_batch()[1].tolist() for learn in (random_arm, other)]
        assert labels[0] == labels[1]

    def test_statistics_in_the_data_are_replaced(self) -> None:
        from tlcourse.models.learner import normalised

        data = toy()
        dls = data.dataloaders(data, mean=(0.1, 0.1, 0.1), std=(9.0, 9.0, 9.0))
        again = normalised(dls, GLYPH.mean, GLYPH.std)
        names = [type(step).__name__ for step in again.after_batch.fs]
        assert names.count("NormalizeImages") == 1 and "Normalize" not in names

    def test_plain_and_integer_tensors_are_normalised_too(self) -> None:
        from fastai.vision.core import TensorCategory, TensorImage

        from tlcourse.models.learner import NormalizeImages

        step = pickle.loads(pickle.dumps(NormalizeImages.from_stats(GLYPH.mean, GLYPH.std, cuda=False)))
        for ones in (
            torch.ones(1, 3, 2, 2),
            TensorImage(torch.ones(1, 3, 2, 2)),
            TensorImage(torch.full((1, 3, 2, 2), 255, dtype=torch.uint8)),
        ):
            assert step(ones).max() == 2 and step.decode(step(ones)).max() == 1
        assert step(TensorCategory(torch.tensor([1]))).item() == 1

    @pytest.mark.parametrize(
        "head", ["linear", "fastai", nn.Sequential(nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(192, 3))]
    )
    def test_every_head_trains(self, head: nn.Module | str) -> None:
        from tlcourse.models.learner import vision_learner

        data = toy()
        learn = vision_learner(data.dataloaders(data, batch_size=8), GLYPH, None, head=head)  # type: ignore[arg-type]
        with learn.no_bar(), learn.no_logging():
            learn.fit(1)
        assert np.isfinite(learn.validate()[0])

    def test_unusable_arguments(self) -> None:
        from fastai.data.core import DataLoaders
        from torch.utils.data import DataLoader

        from tlcourse.models.learner import vision_learner

        data = toy()
        dls = data.dataloaders(data)
        with pytest.raises(CourseError, match="no head 'deep'"):
            vision_learner(dls, GLYPH, None, head="deep")  # type: ignore[arg-type]
        plain = DataLoaders(DataLoader(data.dataset()), DataLoader(data.dataset()))
        with pytest.raises(CourseError, match="has no batch transforms"):
            vision_learner(plain, GLYPH, None, n_out=3)
        with pytest.raises(CourseError, match="number of classes"):
            vision_learner(plain, GLYPH, None)

    def test_fastais_own_way_in(self) -> None:
        from fastai.losses import CrossEntropyLossFlat
        from fastai.vision.learner import vision_learner as fastai_learner
        from torchvision.models import mobilenet_v2

        from tlcourse.models.learner import register_with_fastai

        register_with_fastai()
        register_with_fastai()
        data = toy()
        learn = fastai_learner(data.dataloaders(data), mobilenet_v2, pretrained=False, loss_func=CrossEntropyLossFlat())
        assert len(learn.splitter(learn.model)) == 3

    def test_mobilenet_trains_an_epoch_on_photos(self, real_dir: Path) -> None:
        from fastai.metrics import accuracy

        from tlcourse.models.learner import vision_learner
        from tlcourse.worlds.real import photo_folder

        dls = photo_folder(real_dir / "sign_digits", image_size=64).dataloaders(16, per_class=4, test=20)
        weights = real_dir / "weights" / "mobilenet_v2_in1k_fp16.pth"
        learn = vision_learner(dls, "mobilenet_v2", weights, metrics=accuracy)
        assert learn.opt.frozen_idx == 2
        before = [parameter.clone() for parameter in learn.model[1].parameters()]
        with learn.no_bar(), learn.no_logging():
            learn.fit(1)
        assert any(not torch.equal(a, b) for a, b in zip(before, learn.model[1].parameters(), strict=True))
        assert np.isfinite(learn.validate()[0])
