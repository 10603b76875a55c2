"""Networks as files that run without PyTorch."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from tlcourse import models
from tlcourse.errors import CourseError, DataError, WeightsError

pytest.importorskip("onnxruntime", reason="the extra `ship` is not installed")
IMAGES = np.random.default_rng(0).integers(0, 256, (20, 3, 48, 48)).astype(np.uint8)
SETTINGS = {"classes": ("a", "b", "c", "d"), "image_size": 48, "mean": (0.4, 0.5, 0.6), "std": (0.2, 0.25, 0.3)}


def expected(network, images):
    mean, std = (torch.tensor(SETTINGS[name]).view(1, 3, 1, 1) for name in ("mean", "std"))
    with torch.no_grad():
        return network.eval()((torch.from_numpy(images).float() / 255 - mean) / std).numpy()


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(1)
    return models.GlyphNet.pretrained().with_new_head(4)


@pytest.fixture(scope="module")
def file(network, tmp_path_factory) -> Path:
    network.train()
    path = tmp_path_factory.mktemp("export") / "net.onnx"
    return models.export_onnx(network, path, **SETTINGS, temperature=1.5, facts={"name": "net"})


def test_the_file_says_what_the_network_says_for_any_batch(network, file):
    model = models.ExportedModel(file)
    for n in (1, 2, 20):
        np.testing.assert_allclose(model.logits(IMAGES[:n], 7), expected(network, IMAGES[:n]), atol=1e-4)


def test_a_network_is_left_as_it_was(tmp_path):
    network = models.GlyphNet(4).train()
    network.stem.eval()
    models.export_onnx(network, tmp_path / "net.onnx", **SETTINGS)
    assert network.training and not network.stem.training and network.block1.training


def test_the_facts_travel_with_the_file(file):
    model = models.ExportedModel(file)
    assert (model.classes, model.image_size, model.temperature) == (SETTINGS["classes"], 48, 1.5)
    assert models.read_facts(file)["name"] == "net"


def test_probabilities_are_those_of_the_temperature(file):
    model = models.ExportedModel(file)
    z = model.logits(IMAGES).astype(float) / 1.5
    np.testing.assert_allclose(model.probabilities(IMAGES), np.exp(z) / np.exp(z).sum(1, keepdims=True), atol=1e-6)


def test_the_evidence_of_all_places_adds_up_to_the_logits(network, file):
    logits, evidence = models.ExportedModel(file).explain(IMAGES[0])
    assert evidence.shape == (4, 6, 6)
    np.testing.assert_allclose(evidence.mean((1, 2)) + network.head.bias.detach().numpy(), logits, atol=1e-4)


def test_a_network_of_another_form_gives_logits_alone(tmp_path):
    network = nn.Sequential(nn.Conv2d(3, 4, 5, 5), nn.Flatten(), nn.Linear(4 * 9 * 9, 4))
    model = models.ExportedModel(models.export_onnx(network, tmp_path / "net.onnx", **SETTINGS))
    assert not model.explains and model.explain(IMAGES[0])[1] is None
    np.testing.assert_allclose(model.logits(IMAGES), expected(network, IMAGES), atol=1e-4)


def test_int8_is_much_smaller_and_says_nearly_the_same(network, file, tmp_path):
    small = models.ExportedModel(models.quantise(file, tmp_path / "int8.onnx", IMAGES))
    assert small.path.stat().st_size < 0.4 * file.stat().st_size
    assert small.facts == models.read_facts(file) and small.explains
    wanted, given = expected(network, IMAGES), small.logits(IMAGES)
    assert 0 < np.abs(wanted - given).max() < 0.25 * np.ptp(wanted)


def test_latency_is_a_median_with_its_spread(file):
    latency = models.ExportedModel(file).latency(IMAGES[0], repeats=20)
    assert 0 < latency.low <= latency.median <= latency.high and "20 times" in str(latency)


@pytest.mark.parametrize("images", [IMAGES.astype(np.float32), IMAGES[0], IMAGES[:, :, :40], IMAGES[:0]])
def test_other_pictures_are_refused_in_words(file, images):
    with pytest.raises(DataError, match="takes uint8 images"):
        models.ExportedModel(file).logits(images)


def test_names_must_fit_the_outputs(tmp_path):
    with pytest.raises(DataError, match="7 outputs and there are 4 names"):
        models.export_onnx(models.GlyphNet(7), tmp_path / "net.onnx", **SETTINGS)
    assert not list(tmp_path.iterdir())


def test_files_that_are_no_models_are_named(tmp_path, file):
    import onnx

    text = tmp_path / "text.onnx"
    text.write_text("hello")
    for read in (models.ExportedModel, models.read_facts):
        with pytest.raises(WeightsError, match="There is no model file"):
            read(tmp_path / "none.onnx")
        with pytest.raises(WeightsError, match="not an ONNX file"):
            read(text)
    bare = onnx.load(str(file))
    del bare.metadata_props[:]
    onnx.save(bare, str(tmp_path / "bare.onnx"))
    for read in (models.ExportedModel, models.read_facts):
        with pytest.raises(WeightsError, match="does not say which classes"):
            read(tmp_path / "bare.onnx")


def test_without_the_extra_the_cure_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)
    with pytest.raises(CourseError, match=r"tlcourse\[ship\]"):
        models.export_onnx(models.GlyphNet(4), tmp_path / "net.onnx", **SETTINGS)
