"""A fastai text classifier on the course's encoder, with its own light tokeniser in the place of spaCy's."""

from __future__ import annotations

from typing import Any

import torch
from fastai.data.core import DataLoaders
from fastai.data.transforms import CategoryMap
from fastai.losses import CrossEntropyLossFlat
from fastai.metrics import accuracy
from fastai.text.data import Pad_Chunk, TensorText
from fastai.text.learner import TextLearner, text_classifier_learner
from fastai.text.models.awdlstm import AWD_LSTM
from fastai.torch_core import TensorCategory
from fastcore.foundation import L

from tlcourse.errors import DataError
from tlcourse.models.device import best_device
from tlcourse.models.text_encoder import LAYERS, LONGEST, TextEncoder, text_vocabulary
from tlcourse.models.text_tokens import PAD, SPECIALS, Vocabulary
from tlcourse.models.weights import load_into
from tlcourse.worlds.text import LabelledTexts


def text_learner(
    train: LabelledTexts,
    valid: LabelledTexts,
    encoder: TextEncoder | None = None,
    *,
    batch_size: int = 16,
    seed: int = 0,
    **options: Any,
) -> TextLearner:
    """fastai's `text_classifier_learner` with an AWD-LSTM of the course's size.

    Its parameter groups are the table of words, each LSTM layer, and the head: from first to last.

    Args:
        train, valid: texts with the same classes.
        encoder: whose weights to start from; the body is then frozen, as fastai does with pretrained weights. None
            starts from random weights, and freezes nothing.
        batch_size: texts a batch.
        seed: random weights and the order of the batches.
        options: what `text_classifier_learner` takes, such as `drop_mult` or `metrics`.

    Raises:
        DataError: the sets have different classes, or no texts.
    """
    vocabulary = encoder.vocabulary if encoder is not None else text_vocabulary()
    dls = text_dataloaders(train, valid, vocabulary, batch_size=batch_size, seed=seed)
    torch.manual_seed(seed)
    chosen = {"metrics": accuracy, "loss_func": CrossEntropyLossFlat(), **options}
    config = {**LAYERS, "pad_token": SPECIALS.index(PAD)}
    learn = text_classifier_learner(dls, AWD_LSTM, config=config, pretrained=False, n_out=len(train.classes), **chosen)
    if encoder is not None:
        load_into(learn.model[0].module, encoder.lstm.state_dict(), "the text encoder")
        learn.freeze()
    return learn


def text_dataloaders(
    train: LabelledTexts, valid: LabelledTexts, vocabulary: Vocabulary, *, batch_size: int = 16, seed: int = 0
) -> DataLoaders:
    """fastai DataLoaders of numbered texts: padded behind, cut after `LONGEST` tokens.

    fastai's own put texts of like length into a batch and leave out the last, incomplete one: of a few texts it would
    always be the same, the shortest, that nothing learns from. These batches are drawn anew each epoch, and hold all.

    Raises:
        DataError: the sets have different classes, or no texts.
    """
    if train.classes != valid.classes:
        raise DataError(f"{train.name} and {valid.name} have different classes.", "Split one set of texts into two.")
    if not len(train) or not len(valid):
        raise DataError("There is no text to learn from or to validate with.", "Draw some of each.")
    datasets = [_Numbered(data, vocabulary) for data in (train, valid)]
    dls = DataLoaders.from_dsets(
        *datasets,
        bs=batch_size,
        val_bs=128,
        num_workers=0,
        drop_last=False,
        before_batch=Pad_Chunk(pad_idx=SPECIALS.index(PAD)),
        device=best_device(),
    )
    dls.rng.seed(seed)
    dls.vocab, dls.c = L([list(vocabulary.words), datasets[0].vocab]), len(train.classes)
    return dls


class _Numbered:
    """Indexable pairs in fastai's own types."""

    def __init__(self, data: LabelledTexts, vocabulary: Vocabulary) -> None:
        self.rows = [vocabulary.numbers(text, LONGEST) for text in data.texts]
        self.labels = data.labels
        self.vocab = CategoryMap(list(data.classes), sort=False)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> tuple[TensorText, TensorCategory]:
        return TensorText(self.rows[index]), TensorCategory(int(self.labels[index]))
