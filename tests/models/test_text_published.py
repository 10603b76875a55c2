"""Published language models by the switch: tiny ones, made here and saved as their publishers save theirs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from tlcourse.errors import DataError, WeightsError
from tlcourse.models import continue_text, fill_mask, published_encoder, rewrite
from tlcourse.transfer import few_label_accuracies, standardised_by, text_features
from tlcourse.worlds import text_table

transformers = pytest.importorskip("transformers")

WORDS = [
    "where",
    "is",
    "my",
    "card",
    "the",
    "a",
    "rate",
    "of",
    "exchange",
    "top",
    "up",
    "lost",
    "how",
    "do",
    "i",
    "money",
    "weights",
    "frozen",
    ".",
    "?",
]
SMALL = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}


def _tokenizer() -> object:
    marks = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    letters = [f"{start}{letter}" for start in ("", "##") for letter in "abcdefghijklmnopqrstuvwxyz'"]
    return transformers.BertTokenizer(
        vocab={word: i for i, word in enumerate(dict.fromkeys([*marks, *WORDS, *letters]))}
    )


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bert")
    tokenizer = _tokenizer()
    torch.manual_seed(0)
    config = transformers.BertConfig(vocab_size=len(tokenizer), **SMALL)  # type: ignore[arg-type]
    transformers.BertForMaskedLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)  # type: ignore[attr-defined]
    return folder


@pytest.fixture(scope="module")
def writers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A GPT-2 and a T5, with the tokenizer of the BERT: their own need files that only their publishers have."""
    tokenizer = _tokenizer()
    tokenizer.add_special_tokens({"eos_token": "[SEP]"})  # type: ignore[attr-defined]
    size = len(tokenizer)  # type: ignore[arg-type]
    gpt = transformers.GPT2Config(vocab_size=size, n_embd=16, n_layer=1, n_head=2, eos_token_id=3, bos_token_id=3)
    t5 = transformers.T5Config(
        vocab_size=size,
        d_model=16,
        d_kv=8,
        d_ff=32,
        num_layers=1,
        num_heads=2,
        eos_token_id=3,
        decoder_start_token_id=0,
    )
    folders = {}
    for network in (transformers.GPT2LMHeadModel(gpt), transformers.T5ForConditionalGeneration(t5)):
        folder = tmp_path_factory.mktemp(type(network).__name__)
        network.save_pretrained(folder)
        tokenizer.save_pretrained(folder)  # type: ignore[attr-defined]
        folders[type(network).__name__] = folder
    return folders


class TestEncoder:
    """Frozen features."""

    def test_padding_plays_no_part(self, bert: Path) -> None:
        encoder = published_encoder(bert)
        together = text_features(encoder, ["Where is my card?", "How do I top up the money of my lost card?"])
        alone = text_features(encoder, ["Where is my card?"])
        assert together.shape == (2, 16)
        np.testing.assert_allclose(together[0], alone[0], atol=1e-5)

    def test_a_long_text_is_cut(self, bert: Path) -> None:
        assert published_encoder(bert, longest=10).states(["card " * 50])[1].shape == (1, 10)

    def test_intents_of_a_published_table(self, bert: Path, real_dir: Path) -> None:
        """The road that a published model takes on real intents; random weights tell them apart better than chance."""
        intents = ["exchange_rate", "lost_or_stolen_card", "top_up_failed"]
        pool = text_table(real_dir / "banking77" / "train.csv").only(intents).few(12)
        test = text_table(real_dir / "banking77" / "test.csv").only(intents)
        encoder = published_encoder(bert)
        x, z = (text_features(encoder, data.texts) for data in (pool, test))
        x, z = standardised_by(x, x), standardised_by(z, x)
        reached = few_label_accuracies(x, pool.labels, z, test.labels, (10,), range(3))
        assert reached.shape == (3, 1) and reached.mean() > 0.4

    def test_the_reading_half_of_a_writer(self, writers: dict[str, Path]) -> None:
        assert text_features(published_encoder(writers["T5ForConditionalGeneration"]), ["my card"]).shape == (1, 16)
        assert text_features(published_encoder(writers["GPT2LMHeadModel"]), ["my card", "card"]).shape == (2, 16)


class TestGap:
    """What BERT puts into a gap."""

    def test_the_likeliest_words(self, bert: Path) -> None:
        found = fill_mask(bert, "where is my [MASK] ?", 3)
        shares = [share for _, share in found]
        assert len(found) == 3 and shares == sorted(shares, reverse=True) and 0 < sum(shares) <= 1

    @pytest.mark.parametrize("text", ["no gap", "[MASK] and [MASK]"])
    def test_one_gap_and_no_other_number(self, bert: Path, text: str) -> None:
        with pytest.raises(DataError, match="gaps"):
            fill_mask(bert, text)


class TestWriters:
    """What GPT and T5 write."""

    def test_gpt_goes_on(self, writers: dict[str, Path]) -> None:
        assert continue_text(writers["GPT2LMHeadModel"], "where is my", 3).startswith("where is my")

    def test_t5_answers(self, writers: dict[str, Path]) -> None:
        assert isinstance(rewrite(writers["T5ForConditionalGeneration"], "the weights", 5), str)


class TestNoModel:
    """Clear words where there is none."""

    def test_no_folder(self, tmp_path: Path) -> None:
        with pytest.raises(WeightsError, match="There is no folder"):
            published_encoder(tmp_path / "none")

    def test_a_folder_without_a_model(self, tmp_path: Path) -> None:
        with pytest.raises(WeightsError, match="holds no model") as raised:
            published_encoder(tmp_path)
        assert "save_pretrained" in raised.value.cure

    def test_a_damaged_file(self, bert: Path, tmp_path: Path) -> None:
        for file in bert.iterdir():
            data = file.read_bytes()
            (tmp_path / file.name).write_bytes(data[: len(data) // 2] if file.suffix == ".safetensors" else data)
        with pytest.raises(WeightsError, match="holds no model"):
            published_encoder(tmp_path)

    def test_no_network(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        hub = pytest.importorskip("huggingface_hub")
        monkeypatch.setattr(hub.constants, "HF_HUB_OFFLINE", True)
        monkeypatch.setattr(hub.constants, "HF_HUB_CACHE", str(tmp_path))
        with pytest.raises(WeightsError, match="cannot be had") as raised:
            published_encoder("nobody/no-such-model")
        assert "give its folder" in raised.value.cure
