"""A test set that can be looked at once, and the card that reports the look."""

import numpy as np
import pytest

from tlcourse.errors import CourseError, DataError
from tlcourse.measure import SealedTest, missing_facts, model_card, wilson_interval
from tlcourse.measure.model_card import NEEDED


def test_the_first_look_is_scored_with_its_interval():
    score = SealedTest([0, 1, 2, 1]).score([0, 1, 1, 1])
    assert score.accuracy == 0.75 and (score.low, score.high) == wilson_interval(3, 4)
    assert "looked at once" in str(score)


def test_the_second_look_is_refused_and_says_what_the_first_one_was():
    sealed = SealedTest([0, 1])
    assert "sealed" in repr(sealed)
    sealed.score([0, 0])
    with pytest.raises(CourseError, match=r"has been used: 0\.500"):
        sealed.score([0, 1])
    assert "used" in repr(sealed)


def test_predictions_that_do_not_fit_leave_the_seal_whole():
    sealed = SealedTest([0, 1])
    with pytest.raises(DataError, match="the seal is whole"):
        sealed.score([0])
    assert sealed.score([0, 1]).accuracy == 1


def test_labels_cannot_be_changed_from_outside():
    labels = np.array([0, 1])
    sealed = SealedTest(labels)
    labels[:] = 5
    assert sealed.score([0, 1]).accuracy == 1


@pytest.mark.parametrize("labels", [[], [[0, 1]]])
def test_no_labels_no_test(labels):
    with pytest.raises(DataError):
        SealedTest(labels)


FULL = dict.fromkeys(NEEDED, "told") | {"accuracy": "0.81 [0.78, 0.84]", "classes": ("a", "b")}


def test_a_full_card_says_everything_in_order():
    card = model_card(FULL | {"name": "Things", "note": "more"})
    assert card.startswith("# Things\n") and "**classes**: a, b" in card
    assert card.index("**purpose**") < card.index("**limits**") < card.index("**note**")


@pytest.mark.parametrize("empty", [None, "", " todo ", "TBD.", "unknown", [], "very good"])
def test_words_that_say_nothing_are_gaps(empty):
    assert list(missing_facts(FULL | {"limits": empty})) == ["limits"]
    with pytest.raises(DataError, match="limits"):
        model_card(FULL | {"limits": empty})


def test_an_accuracy_needs_its_interval():
    assert list(missing_facts(FULL | {"accuracy": 0.81})) == ["accuracy"]
    assert not missing_facts(FULL)
    assert len(missing_facts({})) == len(NEEDED)
