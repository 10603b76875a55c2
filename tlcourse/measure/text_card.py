"""The text encoder's card: what it was made of and what it is worth, measured on the weights as they were saved."""

from __future__ import annotations

import datetime
import json
from collections.abc import Sequence
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tlcourse import storage
from tlcourse.measure.intervals import mean_interval
from tlcourse.measure.source_card import machine_facts
from tlcourse.models.text_encoder import TextEncoder, file_state
from tlcourse.models.text_pretrain import TextCorpus, TextRecipe, perplexity
from tlcourse.models.text_vectors import WordVectors
from tlcourse.models.weights import save_safetensors
from tlcourse.transfer.text import bag_of_words, few_label_accuracies, standardised_by, text_features
from tlcourse.worlds.text_docstrings import TARGETS, docstrings, plain_paragraphs
from tlcourse.worlds.text_tasks import documentation_roles

_INSTALLED_AS = {"sklearn": "scikit-learn"}
_PROBED = ("matrix", "image", "error", "probability")


def write_text_card(
    encoder: TextEncoder,
    vectors: np.ndarray,
    corpus: TextCorpus,
    recipe: TextRecipe,
    seconds: float,
    folder: Path,
) -> dict[str, Any]:
    """Save encoder and word vectors in half precision, measure what was saved, and write the card beside it.

    Args:
        encoder: the trained encoder; its weights are rounded to half precision in place, as the file holds them.
        vectors: of the words, by counting.
        corpus: what both learned from.
        recipe: how it was trained.
        seconds: how long that took, the counting included.
        folder: gets `text-encoder.safetensors`, `text-words.txt`, `text-encoder.json` and `TEXT_MODEL_CARD.md`.

    Returns:
        The card's facts.
    """
    weights = folder / "text-encoder.safetensors"
    save_safetensors(file_state(encoder, vectors), weights, {"name": "text-encoder"})
    for parameter in encoder.parameters():
        parameter.data.copy_(parameter.data.half().float())
    words = WordVectors(corpus.vocabulary, vectors)
    facts = {
        "name": "text-encoder",
        "parameters": sum(parameter.numel() for parameter in encoder.parameters()),
        "vectors": list(vectors.shape),
        "bytes": weights.stat().st_size,
        "sha256": storage.sha256(weights),
        "command": f"tlcourse pretrain --task text --steps {recipe.steps} --seed {recipe.seed}",
        "recipe": asdict(recipe),
        "versions": {name: metadata.version(_INSTALLED_AS.get(name, name)) for name in recipe.sources},
        "tokens": len(corpus.train),
        "training_seconds": round(seconds),
        "machine": machine_facts(),
        "date": datetime.date.today().isoformat(),
        "perplexity": {"sources": perplexity(encoder, corpus.valid), **_target_perplexities(encoder)},
        "few_labels": few_label_facts(encoder, words),
        "nearest": {word: [near for near, _ in words.nearest(word, 5)] for word in _PROBED if word in words.vocabulary},
    }
    storage.write_text(folder / "text-words.txt", "\n".join(corpus.vocabulary.words))
    storage.write_text(folder / "text-encoder.json", json.dumps(facts, indent=1) + "\n")
    storage.write_text(folder / "TEXT_MODEL_CARD.md", text_card_text(facts))
    return facts


def _target_perplexities(encoder: TextEncoder) -> dict[str, float]:
    return {package: perplexity(encoder, _row_of(encoder, package)) for package in TARGETS}


def few_label_facts(encoder: TextEncoder, words: WordVectors, per_class: int = 4, draws: int = 10) -> dict[str, Any]:
    """What networkx's paragraphs do, told from a few labels: accuracies of logistic regression on three features."""
    pool, test = documentation_roles("networkx").split()
    torch.manual_seed(0)
    arms = {"bag of words": [bag_of_words(data.texts, pool.texts) for data in (pool, test)]}
    for name, reader in {"encoder": encoder, "untrained encoder": TextEncoder(encoder.vocabulary)}.items():
        arms[name] = [text_features(reader, data.texts) for data in (pool, test)]
    arms["encoder and word vectors"] = [
        np.hstack([states, words.mean(data.texts)]) for states, data in zip(arms["encoder"], (pool, test), strict=True)
    ]
    facts: dict[str, Any] = {"labels_a_class": per_class}
    for name, (here, there) in arms.items():
        x, z = (here, there) if name == "bag of words" else (standardised_by(part, here) for part in (here, there))
        table = few_label_accuracies(x, pool.labels, z, test.labels, (per_class,), range(draws))
        facts[name] = asdict(mean_interval(table[:, 0]))
    return facts


def _row_of(encoder: TextEncoder, package: str, most: int = 50_000) -> np.ndarray:
    """The first tokens of a package's prose."""
    row: list[int] = []
    for found in docstrings(package):
        for paragraph in plain_paragraphs(found.text):
            row += encoder.vocabulary.numbers(paragraph)
        if len(row) > most:
            break
    return np.array(row, dtype=np.int64)


def _listed(words: Sequence[str]) -> str:
    return ", ".join(words)


def text_card_text(facts: dict[str, Any]) -> str:
    """The card in Markdown, every number taken from `facts`."""
    machine, recipe, found = facts["machine"], facts["recipe"], facts["perplexity"]
    versions = ",\n  ".join(f"{name} {version}" for name, version in facts["versions"].items())
    near = "\n".join(f"| {word} | {_listed(words)} |" for word, words in facts["nearest"].items())
    labels = facts["few_labels"]["labels_a_class"]
    reached = "\n".join(
        f"| {name} | {value['mean']:.3f} [{value['low']:.3f}, {value['high']:.3f}] | {value['n']} |"
        for name, value in facts["few_labels"].items()
        if name != "labels_a_class"
    )
    perplexities = "\n".join(f"| {name} | {value:.0f} |" for name, value in found.items())
    targets = " and ".join(TARGETS)
    return f"""# Model card: the text encoder

A small AWD-LSTM ({facts["parameters"]:,} parameters) that guesses the next word of scientific documentation, and
{facts["vectors"][0]:,} word vectors of {facts["vectors"][1]} numbers; {facts["bytes"] / 1e6:.2f} MB together, in half
precision. It is the source model of the lesson on text: made to be transferred.

- **Made by**: `{facts["command"]}`, {facts["training_seconds"]:,} s of training on {machine["cores"]} cores
  ({machine["processor"]}, {machine["precision"]}, torch {machine["torch"]}), {facts["date"]}.
- **Data**: the prose of the documentation strings of
  {versions}:
  {facts["tokens"]:,} tokens, repeated paragraphs left out. The files were parsed, not run; nothing was downloaded.
  Of {targets} nothing was read: the lesson's tasks are made of them.
- **Task**: the next word, without any label. {recipe["steps"]:,} steps of {recipe["batch_size"]} x {recipe["stretch"]}
  tokens, starting from the word vectors; AdamW, peak rate {recipe["peak_rate"]}, 10 % warm-up, then a cosine to zero;
  seed {recipe["seed"]}.
- **Input**: words in lower case, split at underscores and capitals; numbers become `xxnum`; {recipe["vocabulary"]:,}
  words are known.
- **Word vectors**: positive pointwise mutual information within 5 tokens, a truncated SVD of it.
- **SHA-256** of `text-encoder.safetensors`: `{facts["sha256"]}`

| documentation of | perplexity of the next token |
|---|---|
{perplexities}

(`sources` are documents of the source packages that it did not learn from.)

What a paragraph of networkx's documentation does (five classes), {labels} labels a class:

| logistic regression on | accuracy [95 % interval] | draws |
|---|---|---|
{reached}

| word | its nearest words |
|---|---|
{near}

**Use it for** learning about transfer, on English about programs. **Do not use it for** anything that matters: it has
read manuals and nothing else, and repeats what they say.
"""
