"""Published language models of Hugging Face transformers: from the hub, its cache, or a local folder.

transformers is an optional part: `pip install 'tlcourse[text]'`. Code that comes with a model is never run, and weights
are read from safetensors files alone, never from a pickle.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tlcourse import extras
from tlcourse.errors import DataError, WeightsError
from tlcourse.models.device import best_device


class PublishedEncoder(nn.Module):
    """A BERT-like encoder: one state a token, which has read the whole text; `published_encoder` makes it.

    Args:
        name: where it came from.
        tokenizer: transformers' own for this network.
        network: gives `last_hidden_state`.
        longest: tokens of a text that are read; the rest is cut off.
    """

    def __init__(self, name: str, tokenizer: Any, network: nn.Module, longest: int = 128) -> None:
        super().__init__()
        self.name, self.tokenizer, self.network, self.longest = name, tokenizer, network, longest

    def forward(self, **batch: Tensor) -> Tensor:
        """What the tokenizer gives, to states of shape (N, T, F)."""
        states: Tensor = self.network(**batch).last_hidden_state
        return states

    def states(self, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """(states of shape (N, T, F), mask of shape (N, T), True where a token stands) of texts."""
        options = {"padding": True, "truncation": True, "max_length": self.longest, "return_tensors": "pt"}
        batch = self.tokenizer(list(texts), **options).to(next(self.parameters()).device)
        return self(**batch), batch["attention_mask"].bool()


def published_encoder(where: str | Path, longest: int = 128) -> PublishedEncoder:
    """A published encoder, such as "distilbert/distilbert-base-uncased", for frozen features or fine-tuning.

    Args:
        where: a name on the Hugging Face hub (taken from its cache, or downloaded into it), or a folder as
            `save_pretrained` writes it. With `HF_HUB_OFFLINE=1` only the cache is asked.
        longest: tokens of a text that are read.

    Returns:
        The encoder in eval mode, on the best device. Of a network that also writes, such as T5, only the reading half.

    Raises:
        CourseError: transformers is not installed.
        WeightsError: there is no such model, no network, or what is there is no model that transformers can read.
    """
    tokenizer, network = _loaded(where, "AutoModel")
    if hasattr(network, "get_encoder") and getattr(network.config, "is_encoder_decoder", False):
        network = network.get_encoder()
    if tokenizer.pad_token is None:  # GPT has none; what stands on padding is masked, so that any token will do
        tokenizer.pad_token = tokenizer.eos_token
    return PublishedEncoder(str(where), tokenizer, network, longest).eval()


def fill_mask(where: str | Path, text: str, count: int = 5) -> list[tuple[str, float]]:
    """What a masked language model such as BERT puts into the gap: the likeliest words with their probabilities.

    Args:
        where: as in `published_encoder`.
        text: with one gap, written `[MASK]` whatever the model's own mark.
        count: how many words.

    Raises:
        DataError: the text has no gap, or more than one; or the model has no mark for one.
        WeightsError: as in `published_encoder`.
    """
    if text.count("[MASK]") != 1:
        raise DataError(f"{text!r} has {text.count('[MASK]')} gaps.", "Write [MASK] once, where a word is missing.")
    tokenizer, network = _loaded(where, "AutoModelForMaskedLM")
    if tokenizer.mask_token is None:
        raise DataError(f"{where} has no mark for a gap.", "Choose a masked language model, such as BERT.")
    batch = tokenizer(text.replace("[MASK]", tokenizer.mask_token), return_tensors="pt").to(network.device)
    with torch.no_grad():
        logits = network(**batch).logits[0]
    place = int((batch["input_ids"][0] == tokenizer.mask_token_id).nonzero()[0])
    best = logits[place].softmax(0).topk(count)
    return [(tokenizer.decode([i]).strip(), float(p)) for p, i in zip(best.values, best.indices.tolist(), strict=True)]


def continue_text(where: str | Path, text: str, words: int = 12) -> str:
    """What a next-word model such as GPT-2 writes after a text, always its likeliest token.

    Args:
        where: as in `published_encoder`.
        text: the beginning.
        words: tokens to add.

    Raises:
        WeightsError: as in `published_encoder`.
    """
    return _written(where, text, words, "AutoModelForCausalLM")


def rewrite(where: str | Path, text: str, words: int = 40) -> str:
    """What a text-to-text model such as T5 makes of a text; the task stands in the text.

    `rewrite("google-t5/t5-small", "translate English to German: The weights are frozen.")`

    Args:
        where: as in `published_encoder`.
        text: the task and what to do it with.
        words: tokens to write at most.

    Raises:
        WeightsError: as in `published_encoder`.
    """
    return _written(where, text, words, "AutoModelForSeq2SeqLM")


def _written(where: str | Path, text: str, words: int, kind: str) -> str:
    tokenizer, network = _loaded(where, kind)
    batch = tokenizer(text, return_tensors="pt").to(network.device)
    batch.pop("token_type_ids", None)
    padding = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id
    with torch.no_grad(), _quiet():
        written = network.generate(**batch, max_new_tokens=words, do_sample=False, pad_token_id=padding)
    return str(tokenizer.decode(written[0], skip_special_tokens=True))


def _loaded(where: str | Path, kind: str) -> tuple[Any, Any]:
    """(tokenizer, network in eval mode on the best device)"""
    transformers = extras.require("transformers", "text")
    folder = Path(where).expanduser()
    local = folder.is_dir()
    if not local and _means_a_folder(where):
        raise WeightsError(f"There is no folder {folder}.", "Check the path.")
    place = str(folder if local else where)
    options = {"local_files_only": local, "trust_remote_code": False}
    try:
        with _quiet():
            tokenizer = transformers.AutoTokenizer.from_pretrained(place, **options)
            network = getattr(transformers, kind).from_pretrained(place, use_safetensors=True, **options)
    except Exception as error:  # the hub, its cache, the network and the files each have errors of their own
        raise _explained(str(where), local, error) from error
    return tokenizer, network.float().eval().to(best_device())


def _means_a_folder(where: str | Path) -> bool:
    """Whether it cannot be a name on the hub, which is one word or two with a slash between."""
    text = str(where)
    return isinstance(where, Path) or text.startswith((".", "/", "~")) or text.count("/") > 1 or "\\" in text


def _explained(name: str, local: bool, error: Exception) -> WeightsError:
    told = (str(error).strip().splitlines() or [""])[0][:160].rstrip(".")
    if local:
        return WeightsError(
            f"{name} holds no model of this kind that transformers can read ({told}).",
            "Give a folder as save_pretrained() of network and tokenizer writes it, with model.safetensors in it.",
        )
    return WeightsError(
        f"{name} cannot be had from the Hugging Face hub ({told}).",
        "Connect to the internet and check the name, or fetch it elsewhere and give its folder.",
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """Without bars and reports: what matters of them is raised."""
    log = logging.getLogger("transformers")
    before = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(before)
