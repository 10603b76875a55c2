"""How GlyphNet is made: an interrupted training ends as an undisturbed one, and the command writes what it should."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from tlcourse import storage
from tlcourse.cli import main
from tlcourse.measure import Interval, source_card
from tlcourse.models import GlyphNet, load_state
from tlcourse.models.pretrain import Progress, Recipe, pretrain
from tlcourse.worlds import PHOTO, PRINT, Alphabet, LabelledImages, glyphs

TINY = Recipe(images=1024, seed=3)


class Stopped(Exception):
    """Somebody pulled the plug."""


def stop_after(images: int):  # type: ignore[no-untyped-def]
    """A report function that raises once so many images are learned from."""

    def report(step: Progress) -> None:
        if step.images >= images:
            raise Stopped

    return report


def same_weights(one: GlyphNet, other: GlyphNet) -> bool:
    ours, theirs = one.state_dict(), other.state_dict()
    return all(torch.equal(ours[name], theirs[name]) for name in ours)


@pytest.fixture(scope="module")
def undisturbed() -> GlyphNet:
    return pretrain(TINY)[0]


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The checkpoint of a training that was stopped after its second chunk was saved."""
    path = tmp_path_factory.mktemp("pretrain") / "training.pt"
    with pytest.raises(Stopped):
        pretrain(TINY, checkpoint=path, every=1, report=stop_after(768))
    return path.read_bytes()


@pytest.fixture
def checkpoint(tmp_path: Path, interrupted: bytes) -> Path:
    path = tmp_path / "training.pt"
    path.write_bytes(interrupted)
    return path


class TestResuming:
    """Interrupted and taken up again."""

    def test_it_ends_with_the_weights_of_an_undisturbed_run(self, checkpoint: Path, undisturbed: GlyphNet) -> None:
        seen: list[int] = []
        network, seconds = pretrain(TINY, checkpoint=checkpoint, report=lambda step: seen.append(step.images))
        assert seen == [768, 1024], "the first two chunks were learned from before"
        assert same_weights(network, undisturbed)
        assert seconds > torch.load(checkpoint.parent / "training.pt", weights_only=True)["seconds"] * 0.5 > 0

    def test_a_finished_training_is_not_repeated(self, tmp_path: Path, undisturbed: GlyphNet) -> None:
        recipe = Recipe(images=256)
        first, _ = pretrain(recipe, checkpoint=tmp_path / "training.pt")
        again, _ = pretrain(recipe, checkpoint=tmp_path / "training.pt", report=stop_after(0))
        assert same_weights(first, again) and not same_weights(first, undisturbed)

    @pytest.mark.parametrize("damage", [lambda data: b"", lambda data: b"rubbish", lambda data: data[: len(data) // 2]])
    def test_a_damaged_checkpoint_starts_again(self, checkpoint: Path, damage) -> None:  # type: ignore[no-untyped-def]
        checkpoint.write_bytes(damage(checkpoint.read_bytes()))
        first: list[int] = []

        def report(step: Progress) -> None:
            first.append(step.images)
            raise Stopped

        with pytest.raises(Stopped):
            pretrain(TINY, checkpoint=checkpoint, report=report)
        assert first == [256]

    @pytest.mark.parametrize("recipe", [Recipe(images=1024, seed=4), Recipe(images=2048, seed=3)])
    def test_a_checkpoint_of_another_recipe_is_passed_over(self, checkpoint: Path, recipe: Recipe) -> None:
        with pytest.raises(Stopped):
            pretrain(recipe, checkpoint=checkpoint, report=stop_after(256))
        assert torch.load(checkpoint, weights_only=True)["recipe"]["seed"] == 3, "nothing was saved over it yet"
        seen: list[int] = []
        with pytest.raises(Stopped):
            pretrain(recipe, checkpoint=checkpoint, report=lambda step: seen.append(step.images) or stop_after(0)(step))
        assert seen == [256]

    def test_the_seed_decides(self, undisturbed: GlyphNet) -> None:
        reported: dict[int, list[float]] = {}
        for seed in (3, 4):
            losses = reported.setdefault(seed, [])
            with pytest.raises(Stopped):
                pretrain(
                    Recipe(images=1024, seed=seed),
                    report=lambda step, losses=losses: losses.append(step.loss) or stop_after(0)(step),
                )
        assert reported[3] != reported[4]


def test_a_curriculum_walks_from_its_first_style_to_the_last() -> None:
    recipe = Recipe(first_style=PRINT, style=PHOTO)
    assert recipe.style_at(0) == recipe.style_at(0.25) == PRINT
    assert recipe.style_at(0.5) == PRINT.towards(PHOTO, 0.5)
    assert recipe.style_at(0.75) == recipe.style_at(1) == PHOTO
    assert Recipe(style=PRINT).style_at(0) == PRINT


def test_a_curriculum_with_adamw_is_taken_up_again(tmp_path: Path) -> None:
    recipe = Recipe(images=1024, image_size=16, first_style=PRINT, optimiser="adamw", peak_rate=1e-3)
    undisturbed, _ = pretrain(recipe)
    with pytest.raises(Stopped):
        pretrain(recipe, checkpoint=tmp_path / "training.pt", every=1, report=stop_after(768))
    assert same_weights(pretrain(recipe, checkpoint=tmp_path / "training.pt")[0], undisturbed)
    assert not same_weights(pretrain(replace(recipe, first_style=None))[0], undisturbed)


def test_the_rate_warms_up_and_falls_to_zero() -> None:
    recipe = Recipe()
    rates = [recipe.rate(step / 100) for step in range(101)]
    assert rates[0] == 0 and max(rates) == rates[5] == recipe.peak_rate
    assert rates[5:] == sorted(rates[5:], reverse=True) and abs(rates[-1]) < 1e-9


class TestCommand:
    """`tlcourse pretrain`."""

    @pytest.fixture(autouse=True)
    def quick_measuring(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The card's measurements take minutes; their numbers play no part here."""
        interval = Interval(0.5, 0.4, 0.6, 5)
        monkeypatch.setattr(source_card, "source_accuracy", lambda network: interval)
        monkeypatch.setattr(source_card, "frozen_accuracy", lambda network, tasks: interval)
        monkeypatch.setattr(source_card, "scratch_accuracy", lambda: (interval, 1e-3))

    def test_it_writes_weights_facts_and_card(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        out = tmp_path / "glyphnet"
        assert main(["pretrain", "--images", "512", "--seed", "1", "--out", str(out)]) == 0
        assert {file.name for file in out.iterdir()} == {"glyphnet.safetensors", "glyphnet.json", "MODEL_CARD.md"}
        facts: dict[str, Any] = json.loads((out / "glyphnet.json").read_text())
        assert facts["recipe"]["images"] == 512 and facts["recipe"]["seed"] == 1
        assert facts["command"] == "tlcourse pretrain --images 512 --seed 1"
        assert facts["sha256"] == storage.sha256(out / "glyphnet.safetensors")
        assert (out / "MODEL_CARD.md").read_text() == source_card.card_text(facts)
        network = GlyphNet()
        network.load_state_dict(load_state(out / "glyphnet.safetensors"))
        assert "source accuracy 0.500" in capsys.readouterr().out

    def test_a_stopped_command_is_taken_up_again(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        words = ["pretrain", "--images", "256", "--out", str(tmp_path)]

        def stop(*arguments: object, **options: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(source_card, "source_accuracy", stop)
            assert main(words) == 130
        assert (tmp_path / "training.pt").exists() and not (tmp_path / "glyphnet.json").exists()
        assert main(words) == 0
        assert not (tmp_path / "training.pt").exists()

    @pytest.mark.parametrize("images", ["100", "0", "-5"])
    def test_too_few_images(self, images: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit) as ended:
            main(["pretrain", f"--images={images}", "--out", str(tmp_path / "out")])
        assert ended.value.code == 2
        assert "at least 256 images" in capsys.readouterr().err
        assert not (tmp_path / "out").exists()

    def test_images_that_are_no_number(self, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit) as ended:
            main(["pretrain", "--images", "many"])
        assert ended.value.code == 2 and "many is no number of images" in capsys.readouterr().err

    def test_a_folder_that_cannot_be_written(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (tmp_path / "file").write_text("not a folder")
        assert main(["pretrain", "--images", "256", "--out", str(tmp_path / "file")]) == 1
        assert "a file stands where a folder is needed" in capsys.readouterr().err


def test_the_cards_measurements_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def fewer(task: Alphabet, per_class: int, **options: Any) -> LabelledImages:
        return glyphs(task, min(per_class, 3), **options)

    monkeypatch.setattr(source_card, "glyphs", fewer)
    monkeypatch.setattr(source_card, "SCRATCH_STEPS", 2)
    monkeypatch.setattr(source_card, "SCRATCH_RATES", (1e-3,))
    network = GlyphNet.pretrained()
    assert source_card.source_accuracy(network, runs=2).mean > 0.85
    tasks = source_card.random_tasks(2)
    assert [len(task) for task in tasks] == [20, 20] and tasks[0] != tasks[1]
    assert source_card.frozen_accuracy(network, tasks).mean > 0.5
    interval, rate = source_card.scratch_accuracy(runs=2)
    assert rate == 1e-3 and 0 <= interval.mean < 0.3
