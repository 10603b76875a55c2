"""Adaptation: it sees no target label, refuses what makes no sense, and works on two real targets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from tlcourse.errors import DataError
from tlcourse.models import GlyphNet
from tlcourse.transfer import adapt, ensemble_probabilities, imprint_head, predict
from tlcourse.worlds import LabelledImages, glyphs, handwriting, idx_images

SIZE = 32


def adapted(
    source: LabelledImages, target: LabelledImages, method: str | None = None, steps: int = 60, seed: int = 0, **options
) -> GlyphNet:
    torch.manual_seed(seed)
    network = GlyphNet.pretrained().with_new_head(len(source.classes))
    imprint_head(network, source)
    adapt(network, source, target.images, method, steps=steps, seed=seed, **options)
    return network


def accuracy(network: GlyphNet, test: LabelledImages) -> float:
    return float((predict(network, test.images).labels == test.labels).mean())


def source_only(network: GlyphNet, source: LabelledImages, test: LabelledImages) -> float:
    predict(network, source.images, own_statistics=True)
    return accuracy(network, test)


@pytest.fixture(scope="module")
def scans() -> tuple[LabelledImages, LabelledImages]:
    digits = handwriting(size=SIZE)
    return digits.subset(range(1000)), digits.subset(range(1000, len(digits)))


@pytest.fixture
def printed() -> LabelledImages:
    return glyphs("digits", 100, style="print", size=SIZE, seed=100)


def test_each_method_keeps_or_raises_what_target_statistics_give(printed, scans) -> None:
    target, test = scans
    plain = adapted(printed, target)
    reached = {method: accuracy(adapted(printed, target, method), test) for method in ("coral", "mmd", "dann", "cdan")}
    by_statistics = accuracy(plain, test)
    assert source_only(plain, printed, test) < 0.30
    assert by_statistics > 0.45
    assert min(reached.values()) > by_statistics - 0.05, reached
    assert reached["mmd"] > by_statistics + 0.05, reached


def test_equal_seeds_give_equal_networks(printed, scans) -> None:
    first, again = (predict(adapted(printed, scans[0], "dann", 3), scans[1].images) for _ in range(2))
    assert np.array_equal(first.probabilities, again.probabilities)


def test_frozen_layers_keep_their_weights(printed, scans) -> None:
    network = adapted(printed, scans[0], "mmd", 3, frozen=4)
    start = GlyphNet.pretrained()
    assert torch.equal(network.block3.conv1.weight, start.block3.conv1.weight)
    assert not torch.equal(network.block4.conv1.weight, start.block4.conv1.weight)


def test_an_image_of_weight_zero_teaches_nothing(printed, scans) -> None:
    wrong = printed.subset(range(500))
    wrong = LabelledImages(wrong.images, (wrong.labels + 1) % 10, wrong.classes, "wrong labels")
    both = LabelledImages(
        np.concatenate([printed.images, wrong.images]),
        np.concatenate([printed.labels, wrong.labels]),
        printed.classes,
        "both",
    )
    weights = np.repeat([1.5, 0.0], [1000, 500])
    network = adapted(both, scans[0], weights=weights)
    assert source_only(network, both, printed) > 0.95


def test_predictions_are_probabilities(printed, scans) -> None:
    says = predict(adapted(printed, scans[0], None, 2), scans[1].images[:20])
    assert says.features.shape == (20, 192) and says.probabilities.shape == (20, 10)
    assert np.allclose(says.probabilities.sum(1), 1, atol=1e-5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "corral"}, "no adaptation method 'corral'"),
        ({"weights": np.ones(3)}, "weights of shape"),
        ({"batch_size": 2000}, "do not fill a batch"),
    ],
)
def test_what_makes_no_sense_is_refused(printed, scans, options, message) -> None:
    with pytest.raises(DataError, match=message):
        adapted(printed, scans[0], **{"steps": 2} | options)


def test_a_target_with_labels_is_refused(printed, scans) -> None:
    network = GlyphNet().with_new_head(10)
    with pytest.raises(DataError, match="sees no labels"):
        adapt(network, printed, scans[0], steps=2)


def test_when_the_target_lacks_most_classes_adaptation_hurts(scans) -> None:
    chalk = glyphs("digits", 100, style="chalk", size=SIZE, seed=100)
    target, test = (part.subset(np.flatnonzero(np.isin(part.labels, (3, 5, 8)))) for part in scans)
    hurt = accuracy(adapted(chalk, target, "mmd"), test)
    assert source_only(adapted(chalk, target), chalk, test) > hurt + 0.1


def test_the_same_code_adapts_to_mnist(printed, real_dir: Path, capsys) -> None:
    folder = real_dir / "mnist"
    files = [folder / f"t10k-{kind}-ubyte.gz" for kind in ("images-idx3", "labels-idx1")]
    if not all(file.is_file() for file in files):
        pytest.skip(f"no MNIST in {folder}")
    digits = idx_images(*files, size=SIZE)
    target, test = digits.subset(range(1000)), digits.subset(range(1000, 3000))
    plain, with_mmd = adapted(printed, target), adapted(printed, target, "mmd", 200)
    by_statistics, by_mmd = accuracy(plain, test), accuracy(with_mmd, test)
    without = source_only(plain, printed, test)
    with capsys.disabled():
        print(f"\nMNIST: source only {without:.3f}, target statistics {by_statistics:.3f}, MMD {by_mmd:.3f}")
    assert without < by_statistics < by_mmd
    assert by_mmd > 0.75


def test_an_ensemble_is_the_weighted_mean_of_its_networks(printed, scans) -> None:
    networks = [adapted(printed, scans[0], None, 2, seed=seed) for seed in (0, 1)]
    images = scans[1].images[:20]
    first, second = (predict(network, images).probabilities for network in networks)
    assert np.allclose(ensemble_probabilities(networks, images), (first + second) / 2, atol=1e-6)
    assert np.allclose(ensemble_probabilities(networks, images, weights=[3, 1]), (3 * first + second) / 4, atol=1e-6)


@pytest.mark.parametrize("weights", [[1], [0, 0], [-1, 2]])
def test_weights_that_make_no_ensemble_are_refused(scans, weights) -> None:
    with pytest.raises(DataError, match="make no ensemble"):
        ensemble_probabilities([GlyphNet(10), GlyphNet(10)], scans[1].images[:2], weights=weights)
