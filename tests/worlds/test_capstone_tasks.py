"""The capstone's given tasks: the same for everybody, and hidden sets that give nothing away."""

from __future__ import annotations

import numpy as np
import pytest

from tlcourse import storage
from tlcourse.errors import DataError
from tlcourse.worlds import CAPSTONE_TASKS, PICTOGRAPHS, capstone_task
from tlcourse.worlds.capstone import HIDDEN, hidden_set


def test_a_task_has_labels_and_where_the_domain_shifts_unlabelled_pictures() -> None:
    letters, night = capstone_task("letters"), capstone_task("night")
    assert repr(letters) == "letters: 16 classes with 10 labels each"
    assert repr(night) == "night: 10 classes with 20 labels each, and 300 unlabelled pictures of the hidden kind"
    assert len(letters.unlabelled) == 0 and night.unlabelled.shape == (300, 3, 32, 32)
    assert np.bincount(night.train.labels).tolist() == [20] * 10
    assert np.array_equal(capstone_task("letters").train.images, letters.train.images)


def test_no_class_of_a_task_is_one_that_glyphnet_was_trained_on() -> None:
    known = set(PICTOGRAPHS.classes)
    assert not [name for task in CAPSTONE_TASKS for name in capstone_task(task).train.classes if name in known]


def test_a_hidden_set_is_drawn_by_its_seed_and_leaves_nothing_on_the_disk() -> None:
    capstone_task("night")
    before = set(storage.cache_dir().rglob("*.npy"))
    one, other = hidden_set("night", 77), hidden_set("night", 78)
    assert one.images.shape == (HIDDEN, 3, 32, 32)
    assert not np.array_equal(one.images, other.images) and not np.array_equal(one.labels, other.labels)
    hidden_set.cache_clear()
    assert np.array_equal(hidden_set("night", 77).images, one.images)
    assert set(storage.cache_dir().rglob("*.npy")) == before


def test_the_order_of_a_hidden_set_says_nothing_about_its_labels() -> None:
    labels = hidden_set("night", 77).labels
    assert np.mean(labels == np.arange(HIDDEN) % 10) < 0.25
    assert len(np.unique(np.bincount(labels, minlength=10))) > 1


def test_an_unknown_task_is_named() -> None:
    with pytest.raises(DataError, match=r"no capstone task 'mars'.*signs, letters, night"):
        capstone_task("mars")
