"""Reading learning curves: benefits, labels needed, break-even."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tlcourse.errors import DataError
from tlcourse.measure import Benefits, amount_to_reach, benefits, break_even_tasks

SHARES = st.floats(0, 1)
COSTS = st.integers(0, 10_000)


class TestBenefits:
    """Start, slope, asymptote."""

    def test_by_hand(self) -> None:
        read = benefits([0, 10, 20, 40, 80], [0.4, 0.5, 0.6, 0.7, 0.8], [0.1, 0.1, 0.2, 0.5, 0.5])
        assert read.start == pytest.approx(0.3)
        assert read.slope == pytest.approx((0.2 - 0.1) / 20)
        assert read.asymptote == pytest.approx(0.7 - 0.4)

    def test_the_windows_can_be_chosen(self) -> None:
        read = benefits([0, 1, 2], [0, 0.5, 0.6], [0, 0.1, 0.5], first=2, last=1)
        assert read.slope == pytest.approx(0.4) and read.asymptote == pytest.approx(0.1)

    @given(curve=st.lists(SHARES, min_size=3, max_size=9))
    def test_a_curve_gains_nothing_over_itself(self, curve: list[float]) -> None:
        assert benefits(range(len(curve)), curve, curve) == Benefits(0, 0, 0)

    @given(curves=st.lists(st.tuples(SHARES, SHARES), min_size=3, max_size=9))
    def test_swapping_the_arms_swaps_the_signs(self, curves: list[tuple[float, float]]) -> None:
        transfer, scratch = zip(*curves, strict=True)
        steps = range(len(curves))
        there, back = benefits(steps, transfer, scratch), benefits(steps, scratch, transfer)
        assert (there.start, there.slope, there.asymptote) == (-back.start, -back.slope, -back.asymptote)

    @pytest.mark.parametrize("lengths", [(3, 3, 2), (4, 3, 3), (2, 2, 2), (0, 0, 0)])
    def test_curves_that_cannot_be_compared(self, lengths: tuple[int, int, int]) -> None:
        with pytest.raises(DataError, match="cannot be compared") as caught:
            benefits(*(np.linspace(0, 1, length) for length in lengths))
        assert "at least 3" in caught.value.cure


class TestAmountToReach:
    """Where a curve first crosses a level."""

    @pytest.mark.parametrize(
        ("target", "amount"), [(0.3, 10), (0.4, 10), (0.5, 15), (0.6, 20), (0.7, 60), (0.8, 100), (0.81, None)]
    )
    def test_between_points_the_curve_is_straight(self, target: float, amount: float | None) -> None:
        assert amount_to_reach([10, 20, 100], [0.4, 0.6, 0.8], target) == (amount and pytest.approx(amount))

    def test_the_first_crossing_counts(self) -> None:
        assert amount_to_reach([1, 2, 3, 4], [0.2, 0.6, 0.3, 0.9], 0.6) == 2

    @given(heights=st.lists(SHARES, min_size=2, max_size=8), target=SHARES)
    def test_the_curve_has_that_height_there(self, heights: list[float], target: float) -> None:
        amounts = np.arange(1, len(heights) + 1)
        reached = amount_to_reach(amounts, heights, target)
        if reached is None:
            assert max(heights) < target
        elif reached > 1:
            assert np.interp(reached, amounts, heights) == pytest.approx(target, abs=1e-6)
        else:
            assert heights[0] >= target - 1e-6

    @given(heights=st.lists(SHARES, min_size=2, max_size=8), low=SHARES, high=SHARES)
    def test_a_higher_target_never_costs_less(self, heights: list[float], low: float, high: float) -> None:
        low, high = sorted((low, high))
        amounts = range(len(heights))
        less, more = (amount_to_reach(amounts, heights, target) for target in (low, high))
        assert more is None or (less is not None and less <= more + 1e-9)

    def test_an_empty_curve(self) -> None:
        with pytest.raises(DataError, match="empty curve"):
            amount_to_reach([], [], 0.5)

    def test_points_without_a_height(self) -> None:
        with pytest.raises(ValueError, match="shorter"):
            amount_to_reach([1, 2], [0.5], 0.9)


class TestBreakEven:
    """When pretraining has paid."""

    @pytest.mark.parametrize(
        ("costs", "tasks"),
        [((100, 1, 11), 10), ((101, 1, 11), 11), ((0, 1, 2), 0), ((5, 2, 2), None), ((5, 3, 2), None)],
    )
    def test_by_hand(self, costs: tuple[float, float, float], tasks: int | None) -> None:
        assert break_even_tasks(*costs) == tasks

    def test_rounding_does_not_add_a_task(self) -> None:
        assert break_even_tasks(0.3, 0.1, 0.2) == 3, "0.3 / (0.2 - 0.1) is a hair above 3 in floating point"

    @given(pretraining=COSTS, with_transfer=COSTS, saved=st.integers(1, 10_000))
    def test_it_is_the_smallest_number_that_pays(self, pretraining: int, with_transfer: int, saved: int) -> None:
        tasks = break_even_tasks(pretraining, with_transfer, with_transfer + saved)
        assert tasks is not None
        assert pretraining + tasks * with_transfer <= tasks * (with_transfer + saved)
        assert tasks == 0 or pretraining > (tasks - 1) * saved
