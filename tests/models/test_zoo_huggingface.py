"""Models of Hugging Face: a folder or a name on the hub becomes a source model, or is refused in words."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from tlcourse.errors import CourseError, WeightsError
from tlcourse.models import huggingface_model, source_model, source_models, zoo_card
from tlcourse.worlds.images import LabelledImages

transformers = pytest.importorskip("transformers", reason="transformers is not installed: extra `text`")

FAMILIES = ("resnet", "convnext", "vit")
IMAGES = {"image_mean": [0.5, 0.4, 0.3], "image_std": [0.2, 0.3, 0.1], "size": {"height": 32, "width": 32}}


def tiny(family: str) -> nn.Module:
    """A network of few weights, random ones."""
    torch.manual_seed(1)
    stages = {"depths": [1, 2], "hidden_sizes": [8, 16], "num_labels": 4}
    vit = {"hidden_size": 16, "num_hidden_layers": 4, "num_attention_heads": 2, "intermediate_size": 32}
    made = {
        "resnet": lambda: transformers.ResNetForImageClassification(
            transformers.ResNetConfig(embedding_size=8, layer_type="basic", **stages)
        ),
        "convnext": lambda: transformers.ConvNextForImageClassification(
            transformers.ConvNextConfig(num_stages=2, **stages)
        ),
        "vit": lambda: transformers.ViTForImageClassification(
            transformers.ViTConfig(image_size=32, patch_size=8, num_labels=4, **vit)
        ),
    }
    return made[family]().eval()


def saved(folder: Path, family: str) -> Path:
    """What somebody who publishes such a network puts into a folder."""
    tiny(family).save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps(IMAGES))
    return folder


def rest(network: Any, maps: torch.Tensor) -> torch.Tensor:
    """The network's part after its body, run on the body's output; None of it for ViT, whose class token is gone."""
    if hasattr(network, "convnext"):
        return network.classifier(network.convnext.layernorm(maps.mean((2, 3))))
    return network.classifier(network.resnet.pooler(maps))


@pytest.mark.parametrize("family", FAMILIES)
def test_a_folder_says_what_it_is(family: str, tmp_path: Path) -> None:
    source = source_model(str(saved(tmp_path, family)))
    card = zoo_card(source)
    assert (source.mean, source.std, source.image_size) == ((0.5, 0.4, 0.3), (0.2, 0.3, 0.1), 32)
    assert (source.features, source.library) == (16, "transformers")
    assert source.smallest == {"resnet": 1, "convnext": 32, "vit": 8}[family]
    assert all(card["groups"]) and sum(card["groups"]) == card["body_parameters"] < card["parameters"]
    assert card["parameters"] == sum(p.numel() for p in tiny(family).parameters())


@pytest.mark.parametrize("family", FAMILIES)
def test_its_weights_are_taken_and_its_body_cut(family: str, tmp_path: Path) -> None:
    source, x = source_model(str(saved(tmp_path, family))), torch.randn(2, 3, 32, 32)
    network, published = source.network().eval(), tiny(family)
    with torch.no_grad():
        torch.testing.assert_close(network(x).logits, published(x).logits)
        maps = source.body().eval()(x)
        assert maps.ndim == 4 and maps.shape[:2] == (2, source.features)
        if family != "vit":
            torch.testing.assert_close(rest(network, maps), published(x).logits)
        else:
            tokens = published.vit(x).last_hidden_state
            torch.testing.assert_close(maps[:, :, 1, 2], tokens[:, 1 + 1 * 4 + 2], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_it_trains_a_step_from_random_weights(family: str, tmp_path: Path) -> None:
    from tlcourse.models import vision_learner

    images = np.random.default_rng(0).integers(0, 255, (4, 3, 32, 32), dtype=np.uint8)
    data = LabelledImages(images, np.arange(4) % 2, ("one", "two"), "toy")
    learn = vision_learner(data.dataloaders(data, batch_size=2), str(saved(tmp_path, family)), None, head="linear")
    assert len(learn.splitter(learn.model)) == 3
    ends = [list(learn.model.parameters())[row] for row in (0, -1)]
    before = [parameter.detach().clone() for parameter in ends]
    with learn.no_bar(), learn.no_logging():
        learn.fit(1, 1e-2)
    assert all(not torch.equal(old, new) and new.isfinite().all() for old, new in zip(before, ends, strict=True))


def test_a_headless_file_gives_a_body(tmp_path: Path) -> None:
    saved(tmp_path, "resnet")
    tiny("resnet").resnet.save_pretrained(tmp_path)
    (tmp_path / "config.json").write_text(
        (tmp_path / "config.json").read_text().replace("ResNetModel", "ResNetForImageClassification")
    )
    first = next(source_model(str(tmp_path)).body().parameters())
    assert torch.equal(first, next(tiny("resnet").parameters()))


class TestRefusals:
    """Each says which file is to blame, and what to do."""

    def test_a_file_is_missing(self, tmp_path: Path) -> None:
        with pytest.raises(CourseError, match=r"There is no .*config\.json"):
            huggingface_model(tmp_path)
        (saved(tmp_path, "resnet") / "model.safetensors").rename(tmp_path / "pytorch_model.bin")
        with pytest.raises(CourseError, match=r"There is no .*model\.safetensors"):
            huggingface_model(tmp_path).body()

    def test_no_word_about_normalisation(self, tmp_path: Path) -> None:
        (saved(tmp_path, "resnet") / "preprocessor_config.json").write_text("{}")
        with pytest.raises(CourseError, match="does not say how its images were normalised"):
            huggingface_model(tmp_path)

    @pytest.mark.parametrize(("text", "fault"), [("<html>", "holds no JSON"), ("[1]", "holds no settings")])
    def test_settings_that_are_none(self, tmp_path: Path, text: str, fault: str) -> None:
        (saved(tmp_path, "resnet") / "config.json").write_text(text)
        with pytest.raises(CourseError, match=fault):
            huggingface_model(tmp_path)

    def test_another_design(self, tmp_path: Path) -> None:
        (saved(tmp_path, "resnet") / "config.json").write_text('{"model_type": "bert"}')
        with pytest.raises(CourseError, match="type 'bert', which the zoo cannot cut") as caught:
            huggingface_model(tmp_path)
        assert "convnext, resnet, vit" in caught.value.cure

    def test_weights_of_another_network(self, tmp_path: Path) -> None:
        one, other = saved(tmp_path / "one", "resnet"), saved(tmp_path / "other", "convnext")
        shutil.copy(other / "model.safetensors", one)
        with pytest.raises(WeightsError, match=r"does not fit .*: it lacks resnet\."):
            huggingface_model(one).body()

    def test_without_transformers_its_extra_is_named(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        saved(tmp_path, "resnet")
        monkeypatch.setitem(sys.modules, "transformers", None)
        assert "hf_resnet50" not in source_models()
        for ask in (lambda: source_model("hf_resnet50").body(None), lambda: huggingface_model(tmp_path)):
            with pytest.raises(CourseError, match=r"This needs transformers.*pip install 'tlcourse\[text\]'"):
                ask()


class TestHub:
    """Names with a slash, from a mirror of one's own and from nowhere."""

    @pytest.fixture(autouse=True)
    def offline(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
        monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")  # nobody is there
        monkeypatch.delenv("TLCOURSE_MIRRORS", raising=False)
        monkeypatch.delenv("HF_ENDPOINT", raising=False)

    @pytest.mark.parametrize(
        "ask", [lambda: source_model("someone/tiny"), lambda: source_model("hf_resnet50").body()], ids=["any", "ours"]
    )
    def test_no_network(self, ask: Any) -> None:
        with pytest.raises(CourseError, match="cannot be downloaded") as caught:
            ask()
        assert "give their folder" in caught.value.cure

    def test_a_mirror(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        for file in saved(tmp_path / "made", "resnet").iterdir():
            file.rename(tmp_path / f"someone--tiny--{file.name}")
        monkeypatch.setenv("TLCOURSE_MIRRORS", str(tmp_path))
        source = source_model("someone/tiny")
        assert source.name == "someone/tiny"
        assert torch.equal(next(source.body().parameters()), next(tiny("resnet").parameters()))
