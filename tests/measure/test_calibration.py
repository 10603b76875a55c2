"""Whether stated probabilities are kept."""

import numpy as np
import pytest

from tlcourse.errors import DataError
from tlcourse.measure import (
    calibration_error,
    fit_temperature,
    negative_log_likelihood,
    reliability,
    softmax,
    top_class_reliability,
)


def forecast(n=4000, c=5, sharpness=1.0, seed=0):
    """Logits, and labels drawn from the probabilities that logits / sharpness give."""
    rng = np.random.default_rng(seed)
    z = rng.normal(0, 3, (n, c))
    labels = (softmax(z, sharpness).cumsum(1) > rng.random((n, 1))).argmax(1)
    return z, labels


def test_the_error_of_a_table_worked_out_by_hand():
    # Bin (0.5, 0.6]: stated 0.55, right 1 of 2. Bin (0.9, 1]: stated 0.95 on average, right 1 of 3.
    table = reliability([0.52, 0.58, 0.92, 0.95, 0.98], [1, 0, 1, 0, 0], bins=10)
    np.testing.assert_allclose(table.stated, [0.55, 0.95])
    np.testing.assert_allclose(table.happened, [0.5, 1 / 3])
    assert table.error == pytest.approx(2 / 5 * 0.05 + 3 / 5 * (0.95 - 1 / 3))
    assert table.overconfidence == pytest.approx(np.mean([0.52, 0.58, 0.92, 0.95, 0.98]) - 2 / 5)


def test_a_bin_takes_in_its_upper_end_and_the_first_one_zero():
    table = reliability([0.0, 0.3, 0.30001, 1.0], [0, 0, 1, 1], bins=10)
    np.testing.assert_array_equal(table.size, [1, 1, 1, 1])
    assert reliability([0.1, 0.2], [0, 1], bins=10).size.tolist() == [1, 1]


def test_gaps_of_both_signs_do_not_cancel():
    table = reliability([0.6] * 10 + [0.8] * 10, [1] * 8 + [0] * 2 + [1] * 6 + [0] * 4, bins=10)
    assert table.overconfidence == pytest.approx(0) and table.error == pytest.approx(0.2)


def test_promises_that_are_kept_have_a_small_error_and_a_temperature_of_one():
    z, labels = forecast()
    assert calibration_error(softmax(z), labels) < 0.02
    assert fit_temperature(z, labels) == pytest.approx(1, abs=0.06)


@pytest.mark.parametrize("sharpness", [0.5, 2.0, 4.0])
def test_the_temperature_that_made_the_labels_is_found(sharpness):
    z, labels = forecast(sharpness=sharpness)
    found = fit_temperature(z, labels)
    assert found == pytest.approx(sharpness, rel=0.08)
    for other in (found * 0.9, found * 1.1):
        assert negative_log_likelihood(z, labels, found) < negative_log_likelihood(z, labels, other)
    assert calibration_error(softmax(z, found), labels) < calibration_error(softmax(z), labels)
    np.testing.assert_array_equal(softmax(z, found).argmax(1), z.argmax(1))


def test_a_binary_screen_states_the_probability_of_a_positive():
    rng = np.random.default_rng(1)
    p = rng.random(5000)
    assert reliability(p, rng.random(5000) < p).error < 0.03
    assert reliability(p, rng.random(5000) < p**3).overconfidence > 0.2


def test_huge_logits_give_no_nan():
    assert fit_temperature(np.array([[1e4, 0.0], [0.0, 1e4]] * 5), np.array([0, 1] * 4 + [1, 0])) == pytest.approx(
        20, 0.01
    )
    np.testing.assert_array_equal(softmax(np.array([1e5, 0])), [1, 0])


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda: reliability([], []), "do not fit"),
        (lambda: reliability([0.5], [1, 0]), "do not fit"),
        (lambda: reliability([1.5], [1]), "no probability"),
        (lambda: reliability([np.nan], [1]), "no probability"),
        (lambda: reliability([0.5], [1], bins=0), "cannot be filled"),
        (lambda: top_class_reliability(np.ones(3), np.zeros(3)), "do not fit"),
        (lambda: softmax([1.0], 0), "no temperature"),
        (lambda: fit_temperature(np.ones((3, 2)), np.zeros(2, int)), "give no temperature"),
        (lambda: fit_temperature(np.full((3, 2), np.inf), np.zeros(3, int)), "give no temperature"),
    ],
)
def test_what_makes_no_sense_is_named(act, words):
    with pytest.raises(DataError, match=words):
        act()
