"""How the text encoder is made: interrupted or not it ends alike, and the command writes what it should."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tlcourse import storage
from tlcourse.cli import main
from tlcourse.errors import DataError
from tlcourse.measure import text_card as card_writer
from tlcourse.models import TextEncoder, load_state, perplexity, read_on
from tlcourse.models.text_pretrain import TextCorpus, TextProgress, TextRecipe, pretrain_text
from tlcourse.models.text_vectors import count_vectors

TINY = TextRecipe(steps=45, batch_size=4, stretch=8, vocabulary=60, rivals=10, seed=3)


class Stopped(Exception):
    """Somebody pulled the plug."""


def stop_after(steps: int):  # type: ignore[no-untyped-def]
    """A report function that raises once so many steps are done."""

    def report(step: TextProgress) -> None:
        if step.steps >= steps:
            raise Stopped

    return report


@pytest.fixture(scope="module")
def corpus() -> TextCorpus:
    """Documents in which the word after each word is nearly always the same."""
    rng = np.random.default_rng(0)
    words = [f"{first}{second}" for first in "abcdefg" for second in "klmnop"]
    starts = rng.integers(0, len(words), 300)
    documents = [[" ".join(words[(start + step) % len(words)] for step in range(9))] for start in starts]
    return TextCorpus.of(documents, 60, seed=0)


@pytest.fixture(scope="module")
def undisturbed(corpus: TextCorpus) -> TextEncoder:
    return pretrain_text(corpus, TINY)[0]


def same_weights(one: TextEncoder, other: TextEncoder) -> bool:
    ours, theirs = one.state_dict(), other.state_dict()
    return all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_an_interrupted_training_ends_as_an_undisturbed_one(
    corpus: TextCorpus, undisturbed: TextEncoder, tmp_path: Path
) -> None:
    checkpoint = tmp_path / "training.pt"
    with pytest.raises(Stopped):
        pretrain_text(corpus, TINY, checkpoint=checkpoint, every=1, report=stop_after(40))
    seen: list[int] = []
    encoder, _ = pretrain_text(corpus, TINY, checkpoint=checkpoint, report=lambda step: seen.append(step.steps))
    assert seen == [40, 45], "the first chunk was saved, the second reported and not yet saved"
    assert same_weights(encoder, undisturbed)


@pytest.mark.parametrize("damage", [lambda data: b"", lambda data: data[: len(data) // 2]])
def test_a_damaged_checkpoint_starts_again(corpus: TextCorpus, tmp_path: Path, damage) -> None:  # type: ignore[no-untyped-def]
    checkpoint = tmp_path / "training.pt"
    pretrain_text(corpus, TINY, checkpoint=checkpoint)
    checkpoint.write_bytes(damage(checkpoint.read_bytes()))
    seen: list[int] = []
    with pytest.raises(Stopped):
        pretrain_text(corpus, TINY, checkpoint=checkpoint, report=lambda s: seen.append(s.steps) or stop_after(0)(s))
    assert seen == [20]


def test_another_text_or_recipe_starts_again(corpus: TextCorpus, tmp_path: Path) -> None:
    checkpoint = tmp_path / "training.pt"
    pretrain_text(corpus, TINY, checkpoint=checkpoint)
    other = TextCorpus(corpus.vocabulary, corpus.train[::-1].copy(), corpus.valid)
    with pytest.raises(Stopped):
        pretrain_text(other, TINY, checkpoint=checkpoint, report=stop_after(20))


def test_it_learns(corpus: TextCorpus) -> None:
    recipe = TextRecipe(steps=150, batch_size=8, stretch=16, vocabulary=60, rivals=10)
    vectors = count_vectors(corpus.train, len(corpus.vocabulary), size=30)
    wide = np.zeros((len(corpus.vocabulary), 128), np.float32)
    wide[:, :30] = vectors
    encoder, _ = pretrain_text(corpus, recipe, vectors=wide)
    torch.manual_seed(0)
    assert perplexity(encoder, corpus.valid, 8) < 0.5 * perplexity(
        TextEncoder(corpus.vocabulary).eval(), corpus.valid, 8
    )


def test_reading_on_leaves_the_encoder_as_it_is(corpus: TextCorpus, undisturbed: TextEncoder) -> None:
    before = {name: value.clone() for name, value in undisturbed.state_dict().items()}
    reader = read_on(undisturbed, ["ak al am an ao"] * 40, steps=4)
    assert all(torch.equal(before[name], value) for name, value in undisturbed.state_dict().items())
    assert not same_weights(reader, undisturbed) and not reader.training
    with pytest.raises(DataError, match="no text"):
        read_on(undisturbed, [])


def test_too_little_text() -> None:
    with pytest.raises(DataError, match="too few"):
        TextCorpus.of([["one document"]], 60, 0)


def test_counted_vectors_put_words_of_a_kind_together() -> None:
    """Two words that stand among the same others, and one that does not."""
    rng = np.random.default_rng(0)
    row = []
    for _ in range(400):
        row += [int(rng.choice([4, 5])), 6, 7, 8, *rng.integers(10, 30, 6), 9, 11, 12]
    vectors = count_vectors(np.array(row), 30, size=8, window=2)
    assert vectors[4] @ vectors[5] > 0.8 > vectors[4] @ vectors[9]
    assert not vectors[:4].any(), "special tokens have no vector"


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    interval = {"mean": 0.5, "low": 0.4, "high": 0.6, "n": 5}
    monkeypatch.setattr(card_writer, "TARGETS", ())  # the card's measurements take a minute
    monkeypatch.setattr(card_writer, "few_label_facts", lambda *made: {"labels_a_class": 4, "encoder": interval})
    words = ["pretrain", "--task", "text", "--steps", "2", "--packages", "tlcourse"]
    assert main([*words, "--out", str(tmp_path)]) == 0
    assert {file.name for file in tmp_path.iterdir()} == {
        "text-encoder.safetensors",
        "text-words.txt",
        "text-encoder.json",
        "TEXT_MODEL_CARD.md",
    }
    facts: dict[str, Any] = json.loads((tmp_path / "text-encoder.json").read_text())
    assert facts["recipe"]["steps"] == 2 and facts["command"].startswith("tlcourse pretrain --task text --steps 2")
    assert facts["sha256"] == storage.sha256(tmp_path / "text-encoder.safetensors")
    assert len(load_state(tmp_path / "text-encoder.safetensors")["vectors"]) == facts["vectors"][0]
    assert "perplexity" in capsys.readouterr().out
