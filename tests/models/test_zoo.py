"""Source models: bodies that compute what the network computes, fair Learners, and clear refusals."""

from __future__ import annotations

import importlib.util
import pickle
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from loopback import cut, good, serving
from torch import nn

from tlcourse import storage
from tlcourse.errors import CourseError, DataError, WeightsError
from tlcourse.models import load_state, save_safetensors, zoo, zoo_card
from tlcourse.models.glyphnet import GlyphNet
from tlcourse.models.tokens import PatchTokens
from tlcourse.models.zoo import SourceModel, source_model, source_models
from tlcourse.models.zoo_torchvision import weights_from
from tlcourse.worlds.images import LabelledImages


def optional(library: str, extra: str, name: str) -> object:
    """A model of an optional library's, skipped where that is not installed."""
    missing = importlib.util.find_spec(library) is None
    return pytest.param(name, marks=pytest.mark.skipif(missing, reason=f"{library} is not installed: extra `{extra}`"))


def timm_too(name: str) -> object:
    return optional("timm", "zoo", name)


TORCHVISION = (
    "convnext_tiny",
    "efficientnet_b0",
    "inception_v3",
    "mobilenet_v2",
    "mobilenet_v3_large",
    "mobilenet_v3_small",
    "resnet18",
    "resnet34",
    "resnet50",
    "squeezenet1_1",
    "vgg16",
    "vit_b_16",
)
TIMM = ("vit_tiny", "xception")
HUGGING_FACE = "hf_resnet50"
EACH = (*TORCHVISION, *map(timm_too, TIMM), optional("transformers", "text", HUGGING_FACE))
LIBRARIES = {name: "timm" for name in TIMM} | {HUGGING_FACE: "transformers"}
# What their papers and libraries say of the whole networks, in millions.
MILLIONS = {
    "hf_resnet50": 25.6,
    "inception_v3": 27.2,
    "resnet50": 25.6,
    "vgg16": 138.4,
    "vit_b_16": 86.6,
    "vit_tiny": 5.7,
    "xception": 22.9,
}
# The rest of each network: run on its body's output, it gives the whole network's.
REST = {
    "mobilenet_v2": lambda net, x: net.classifier(x.mean((2, 3))),
    "mobilenet_v3_small": lambda net, x: net.classifier(x.mean((2, 3))),
    "squeezenet1_1": lambda net, x: net.classifier(x).flatten(1),
    "resnet18": lambda net, x: net.fc(x.mean((2, 3))),
    "resnet50": lambda net, x: net.fc(x.mean((2, 3))),
    "efficientnet_b0": lambda net, x: net.classifier(x.mean((2, 3))),
    "convnext_tiny": lambda net, x: net.classifier(net.avgpool(x)),
    "inception_v3": lambda net, x: net.fc(x.mean((2, 3))),
    "xception": lambda net, x: net.fc(x.mean((2, 3))),
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


def smallest(name: str) -> int:
    """The smallest image that is quick and legal: a transformer's must be a multiple of 16."""
    return max(32, source_model(name).smallest)


def test_the_zoo_knows_its_models() -> None:
    assert set(source_models()) >= {*TORCHVISION, "glyphnet"}
    assert set(TIMM) <= set(source_models()) or importlib.util.find_spec("timm") is None


@pytest.mark.parametrize("name", EACH)
def test_a_body_has_the_features_and_the_groups_it_says(name: str) -> None:
    """Without memory for the weights, which shapes do not need."""
    source = source_model(name)
    with torch.device("meta"):
        body = source.body(None).eval()
        side = smallest(name)
        for size in (side, 2 * side):
            maps = body(torch.zeros(2, 3, size, size))
            assert maps.ndim == 4 and maps.shape[:2] == (2, source.features)
        groups = source.split(nn.Sequential(body, nn.Linear(source.features, 2)))
    assert len(groups) == 3 and all(groups)
    assert sum(map(len, groups)) == len(list(body.parameters())) + 2


@pytest.mark.parametrize("name", EACH)
def test_a_card_says_what_a_choice_needs(name: str) -> None:
    source, card = source_model(name), zoo_card(name)
    assert card["parameters"] == source.n_parameters
    assert round(card["parameters"] / 1e6, 1) == MILLIONS.get(name, round(card["parameters"] / 1e6, 1))
    assert sum(card["groups"]) == card["body_parameters"] < card["parameters"] and all(card["groups"])
    assert (card["image_size"], card["library"]) == (source.image_size, LIBRARIES.get(name, "torchvision"))
    assert 0 < card["late"] < len(card["children"]) and card["smallest"] <= card["image_size"]


@pytest.mark.parametrize("name", [timm_too(name) if name in TIMM else name for name in REST])
def test_body_and_rest_are_the_whole_network(name: str) -> None:
    source = source_model(name)
    network = source.network(None).eval()
    x = torch.randn(2, 3, max(64, source.smallest), max(64, source.smallest))
    with torch.no_grad():
        torch.testing.assert_close(REST[name](network, source.cut(network)(x)), network(x))


def test_an_image_too_small_is_refused_in_words() -> None:
    with torch.device("meta"):
        body = source_model("inception_v3").body(None)
        with pytest.raises(DataError, match="inception_v3 needs images of at least 75 px a side; these have 64 x 64"):
            body(torch.zeros(2, 3, 64, 64))
        pickle.loads(pickle.dumps(body))  # as learn.export() does


class TestTransformers:
    """Bodies that give a map although a transformer has none."""

    @pytest.mark.parametrize(
        ("name", "tokens"), [("vit_b_16", lambda net: net.encoder), pytest.param("vit_tiny", lambda net: net.norm)]
    )
    def test_the_map_is_the_patches_tokens(self, name: str, tokens) -> None:  # type: ignore[no-untyped-def]
        if name in TIMM:
            pytest.importorskip("timm", reason="timm is not installed: extra `zoo`")
        network, seen = source_model(name).network(None).eval(), []
        tokens(network).register_forward_hook(lambda module, inputs, output: seen.append(output))
        x = torch.randn(1, 3, 224, 224)
        with torch.no_grad():
            network(x)
            maps = source_model(name).cut(network)(x)
        assert maps.shape[2:] == (14, 14)
        torch.testing.assert_close(maps[0, :, 3, 5], seen[0][0, 1 + 3 * 14 + 5], rtol=1e-4, atol=1e-5)

    def test_positions_stretch_with_the_image(self) -> None:
        """A gradient from left to right stays one on a grid of another size."""
        position = torch.zeros(1, 1 + 14 * 14, 1)
        position[0, 1:, 0] = torch.arange(14.0).repeat(14)
        first = PatchTokens(
            nn.Conv2d(3, 1, 16, 16), *map(nn.Parameter, (torch.zeros(1, 1, 1), position)), nn.Identity()
        )
        with torch.no_grad():
            first.project.weight.zero_(), first.project.bias.zero_()
            for side in (4, 7, 20):
                tokens = first(torch.zeros(1, 3, 16 * side, 16 * side))[0, 1:, 0].view(side, side)
                assert (tokens.diff(dim=1) > 0).all() and tokens.diff(dim=0).abs().max() < 1e-4

    @pytest.mark.parametrize(("size", "cure"), [((224, 240), "240 px"), ((60, 60), "64 px"), ((100, 100), "96 px")])
    def test_other_shapes_are_refused_with_the_nearest_size(self, size: tuple[int, int], cure: str) -> None:
        with torch.device("meta"):
            body = source_model("vit_b_16").body(None)
            with pytest.raises(DataError, match="square images whose side is a multiple of 16 px") as caught:
                body(torch.zeros(1, 3, *size))
        assert cure in caught.value.cure


def test_without_timm_its_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    assert not {*TIMM} & {*source_models()}, "who lists the models can use each of them"
    for ask in (source_model("xception").body, lambda weights: source_model("vit_tiny").network(weights)):
        for weights in (None, "DEFAULT"):
            with pytest.raises(CourseError, match=r"This needs timm.*pip install 'tlcourse\[zoo\]'"):
                ask(weights)


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


@pytest.mark.parametrize("name", ["mobilenet_v2", "squeezenet1_1"])
def test_a_local_file_fills_the_whole_network(real_dir: Path, name: str) -> None:
    path = real_dir / "weights" / f"{name}_in1k_fp16.pth"
    network, state = source_model(name).network(path), load_state(path)
    assert all(
        torch.equal(tensor, state[key]) for key, tensor in network.state_dict().items() if tensor.is_floating_point()
    )


def test_weights_of_another_network_are_refused(real_dir: Path) -> None:
    weights = real_dir / "weights" / "squeezenet1_1_in1k_fp16.pth"
    with pytest.raises(WeightsError, match="seems to be for squeezenet1_1"):
        source_model("mobilenet_v2").body(weights)
    with pytest.raises(WeightsError, match="seems to be for resnet18"):
        source_model("mobilenet_v2").body(source_model("resnet18").network(None).state_dict())


def trains_a_step(learn: Any) -> None:
    """One batch changes the first layer, the last one, and gives finite numbers."""
    parameters = [parameter for parameter in learn.model.parameters() if parameter.ndim > 1]
    ends = parameters[0], parameters[-1]
    before = [parameter.detach().clone() for parameter in ends]
    with learn.no_bar(), learn.no_logging():
        learn.fit(1, lr=1e-3)
    assert all(not torch.equal(old, new) and new.isfinite().all() for old, new in zip(before, ends, strict=True))
    assert np.isfinite(learn.recorder.values[-1][0])


class TestDownload:
    """Published weights, from a server on the loopback and from nowhere."""

    @pytest.fixture(autouse=True)
    def hub(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.setenv("TORCH_HOME", str(tmp_path))
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")  # nobody is there
        monkeypatch.delenv("TLCOURSE_MIRRORS", raising=False)
        return tmp_path / "hub" / "checkpoints"

    @pytest.mark.parametrize("name", ["mobilenet_v2", *map(timm_too, TIMM)])
    def test_no_network(self, name: str, hub: Path) -> None:
        with pytest.raises(CourseError, match=f"published weights of {name} cannot be downloaded") as caught:
            source_model(name).body()
        assert "weights=" in caught.value.cure and str(hub) in caught.value.cure

    def test_a_broken_download_is_continued_and_then_kept(self, tmp_path: Path, hub: Path) -> None:
        file = save_safetensors({"weight": torch.arange(5000.0)}, tmp_path / "w.safetensors", half=False)
        name = f"toy-{storage.sha256(file)[:8]}.safetensors"
        with serving(file.read_bytes(), cut(4000), good) as server:
            for _ in range(2):
                assert weights_from(f"{server.address}/{name}", name, "toy")["weight"][-1] == 4999
            assert [asked for _, asked in server.asked] == [None, "bytes=4000-"]
        assert (hub / name).is_file()

    def test_a_mirror_of_ones_own_gives_published_weights(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Another file under the right name is not taken."""
        (tmp_path / "mobilenet_v2-7ebf99e0.pth").write_bytes(b"half a file")
        monkeypatch.setenv("TLCOURSE_MIRRORS", str(tmp_path))
        with pytest.raises(CourseError, match="damaged or another: its SHA-256 is not 7ebf99e0"):
            source_model("mobilenet_v2").body()

    def test_a_damaged_file_of_an_earlier_download_is_fetched_anew(self, hub: Path) -> None:
        hub.mkdir(parents=True)
        (hub / "squeezenet1_1-b8a52dc0.pth").write_bytes(b"half a file")
        with pytest.raises(CourseError, match="cannot be downloaded"):
            source_model("squeezenet1_1").body()

    def test_a_file_without_a_checksum_that_holds_no_weights(self, hub: Path) -> None:
        with serving(b"<html>", good) as server, pytest.raises(WeightsError, match="is a web page") as caught:
            weights_from(f"{server.address}/toy.safetensors", "toy.safetensors", "toy")
        assert caught.value.cure.startswith(f"Delete {hub / 'toy.safetensors'}")


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

    @pytest.mark.parametrize("name", EACH)
    def test_every_model_trains_a_step_from_random_weights(self, name: str) -> None:
        from fastai.optimizer import SGD

        from tlcourse.models.learner import vision_learner

        data = toy(2, smallest(name))
        learn = vision_learner(data.dataloaders(data, batch_size=2), name, None, head="linear", opt_func=SGD)
        trains_a_step(learn)

    @pytest.mark.parametrize("name", EACH)
    def test_every_model_trains_in_fastais_own_learner(self, name: str) -> None:
        """Registered, no architecture ends in a bare error: neither torchvision's nor timm's."""
        from fastai.optimizer import SGD
        from fastai.vision.learner import vision_learner as fastai_learner

        from tlcourse.models.learner import register_with_fastai

        source = source_model(name)
        assert source.architecture is not None
        architecture = source.architecture()
        register_with_fastai()
        register_with_fastai()
        data = toy(2, smallest(name))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torchvision's, on Inception's initial weights
            learn = fastai_learner(data.dataloaders(data, batch_size=2), architecture, pretrained=False, opt_func=SGD)
        assert len(learn.splitter(learn.model)) == 3
        trains_a_step(learn)

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
