"""fastai's text classifier on the course's encoder."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tlcourse.errors import DataError
from tlcourse.models import TextEncoder, text_learner
from tlcourse.transfer import discriminative_rates, fit_slanted, ulmfit
from tlcourse.worlds import LabelledTexts

KINDS = {"shape": "Return the rows and columns of a matrix {}.", "error": "Raise an error if the value is {}."}


def texts(count: int, start: int = 0) -> LabelledTexts:
    found = [pattern.format(number + start) for pattern in KINDS.values() for number in range(count)]
    return LabelledTexts(tuple(found), np.repeat([0, 1], count), tuple(KINDS), "kinds")


@pytest.fixture(scope="module")
def encoder() -> TextEncoder:
    return TextEncoder.pretrained()


def test_it_starts_frozen_from_the_encoder(encoder: TextEncoder) -> None:
    learn = text_learner(texts(8), texts(4, 50), encoder)
    body = learn.model[0].module
    assert torch.equal(body.encoder.weight.cpu(), encoder.lstm.encoder.weight)
    assert not any(parameter.requires_grad for parameter in body.parameters())
    assert learn.dls.vocab[1] == list(KINDS) and len(learn.splitter(learn.model)) == 4


def test_from_scratch_nothing_is_frozen() -> None:
    learn = text_learner(texts(8), texts(4, 50))
    assert all(parameter.requires_grad for parameter in learn.model.parameters())


def test_the_recipe_thaws_group_by_group_and_learns(encoder: TextEncoder) -> None:
    learn = text_learner(texts(8), texts(4, 50), encoder)
    before = [p.detach().clone() for p in learn.model[0].module.encoder.parameters()]
    ulmfit(learn, epochs=(2, 1, 2), peak=2e-2)
    assert not torch.equal(before[0], learn.model[0].module.encoder.weight), "the last stage trains the words too"
    with learn.no_bar(), learn.no_logging():
        assert learn.validate()[1] == 1.0


def test_frozen_groups_stay(encoder: TextEncoder) -> None:
    learn = text_learner(texts(8), texts(4, 50), encoder)
    fit_slanted(learn, 1, 1e-2)
    assert torch.equal(learn.model[0].module.encoder.weight.cpu(), encoder.lstm.encoder.weight)


def test_every_text_is_learned_from_in_an_order_that_the_seed_decides() -> None:
    def order(seed: int) -> list[list[int]]:
        loader = text_learner(texts(10), texts(4, 50), batch_size=8, seed=seed).dls.train
        return [batch[1].tolist() for batch in loader]

    assert [len(batch) for batch in order(1)] == [8, 8, 4]
    assert order(1) == order(1) != order(2)


def test_rates_of_the_groups() -> None:
    assert discriminative_rates(1.0, 3, 2.0) == [0.25, 0.5, 1.0]
    assert discriminative_rates(1.0, 2, 1.0) == [1.0, 1.0]


def test_sets_that_do_not_fit(encoder: TextEncoder) -> None:
    other = LabelledTexts(("a",), np.array([0]), ("x",), "other")
    with pytest.raises(DataError, match="different classes"):
        text_learner(texts(2), other, encoder)
    with pytest.raises(DataError, match="no text"):
        text_learner(texts(2), texts(2).subset([]), encoder)
