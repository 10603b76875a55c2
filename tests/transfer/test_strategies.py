"""Four ways to use a source network, measured alike."""

import numpy as np
import pytest
import torch
from torch import nn

from tlcourse.errors import CourseError
from tlcourse.measure import stored
from tlcourse.models import GlyphNet, source_model
from tlcourse.transfer import STRATEGIES, glyph_network, run_strategy
from tlcourse.transfer import strategies as module
from tlcourse.worlds import glyphs, photo_folder


@pytest.fixture(scope="module")
def task():
    """(training images, test images) of six new pictographs."""
    from tlcourse.worlds import EVERYDAY

    some = EVERYDAY.only(*EVERYDAY.characters[:6])
    return glyphs(some, 4, size=32, seed=1, cache=False), glyphs(some, 10, size=32, seed=2, cache=False)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_strategy_gives_an_accuracy_and_the_same_one_again(task, strategy):
    first, second = (run_strategy(strategy, *task, steps=3, seed=5) for _ in range(2))
    assert 0 <= first <= 1 and first == second


def test_frozen_features_beat_scratch_on_a_small_similar_task(task):
    frozen, scratch = (run_strategy(name, *task, steps=3) for name in ("frozen features", "from scratch"))
    assert frozen > scratch + 0.3


@pytest.mark.parametrize(("strategy", "trained"), list(zip(STRATEGIES[1:], (3, 0, 0), strict=True)))
def test_the_strategies_differ_in_what_is_trained(task, strategy, trained):
    kept = []

    def network(pretrained, n_classes):
        kept.append(glyph_network(pretrained, n_classes))
        return kept[0]

    run_strategy(strategy, *task, steps=2, network=network)
    source = GlyphNet.pretrained()
    same = [
        all(torch.equal(a, b) for a, b in zip(mine.parameters(), theirs.parameters(), strict=True))
        for mine, theirs in zip(kept[0][:6], source[:6], strict=True)
    ]
    assert same == [True] * trained + [False] * (6 - trained)


def test_the_rate_and_the_frozen_layers_can_be_chosen(task, monkeypatch):
    asked = []
    monkeypatch.setattr(module, "retrain", lambda network, held, *_, rate, **__: asked.append((held, rate)) or 0.5)
    run_strategy("first layers frozen", *task, steps=1, frozen=5, rate=0.1)
    run_strategy("fine-tune all", *task, steps=1, frozen=5)
    assert asked == [(5, 0.1), (0, module.RATES["fine-tune all"])]


def test_an_unknown_strategy_is_refused(task):
    with pytest.raises(CourseError, match="no strategy 'hope'"):
        run_strategy("hope", *task, steps=1)


class TestStored:
    def test_the_scenarios_are_complete_and_their_rates_are_the_librarys(self):
        figures = stored("scenarios").figures
        assert figures["rates"] == module.RATES
        for sizes in figures["sizes"].values():
            for cell in sizes.values():
                assert tuple(cell) == STRATEGIES
                assert all(len(runs) >= 5 for runs in cell.values())

    def test_the_rates_are_the_better_ones_of_the_tuning(self):
        for strategy, tried in stored("scenarios").figures["tuning"].items():
            best = max(tried, key=lambda rate: np.mean(tried[rate]))
            assert float(best) == module.RATES[strategy]

    def test_no_task_that_judges_a_chooser_is_shown_in_the_lesson(self):
        figures = stored("scenarios").figures
        shown = {("everyday, photo", int(n)) for n in figures["sizes"]["similar"]}
        shown |= {("handwriting", int(n)) for n in figures["sizes"]["different"]}
        shown |= {(row["task"], 10) for row in figures["similarity"]}
        assert not shown & {(row["task"], row["per_class"]) for row in figures["unseen"]}


def test_the_strategies_run_on_real_photos_with_imagenet_weights(real_dir):
    source = source_model("squeezenet1_1")
    weights = real_dir / "weights" / "squeezenet1_1_in1k_fp16.pth"

    def network(pretrained, n_classes):
        body = source.body(weights if pretrained else None)
        return nn.Sequential(*body, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, n_classes))

    train, test = photo_folder(real_dir / "sign_digits", image_size=64).split(5, 100, 0)
    options = {"steps": 3, "network": network, "mean": source.mean, "std": source.std, "frozen": 7}
    found = {name: run_strategy(name, train, test, **options) for name in STRATEGIES}
    told = stored("scenarios_real").figures["cells"]["photos of hands, 5 a class"]
    assert found["frozen features"] > found["from scratch"] + 0.1
    assert np.mean(told["frozen features"]) > np.mean(told["from scratch"]) + 0.1
